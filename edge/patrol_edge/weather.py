"""What the weather service announces, as far as this box has heard. Thread safe."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from patrol.events import WeatherWarned

LEVELS = {"blue": 1, "yellow": 2, "orange": 3, "red": 4}


class Rain:
    """The newest rain warning. One message of each kind stays on the wire, so the newest one says all there is."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._said: tuple[datetime, WeatherWarned] | None = None

    def heard(self, at: datetime, said: WeatherWarned) -> None:
        """A warning, or its end, that was said at `at`. An older one that comes late changes nothing."""
        with self._lock:
            if said.kind == "rain" and (self._said is None or at >= self._said[0]):
                self._said = (at, said)

    def level(self, now: datetime) -> int | None:
        """1 to 4 from blue to red; 0: the service has spoken, and nothing holds now; None: it was never heard."""
        with self._lock:
            said = self._said
        if said is None:
            return None
        warning = said[1]
        if warning.level is None or not warning.begins_at <= now <= warning.ends_at:
            return 0
        return LEVELS[warning.level]
