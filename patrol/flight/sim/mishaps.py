"""What can go wrong with a simulated drone, by a word: links, positions, arming, batteries. Pure but for the drone it is done to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from patrol.errors import UsageError
from patrol.flight.compare import Firmware
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.serve import Losses

# what a careful owner sets before flying a patrol: every failsafe on, home at 80 m, the uploaded fence obeyed
READY: Mapping[Firmware, Mapping[str, float]] = {
    "ardupilot": {
        "FS_GCS_ENABLE": 1, "BATT_FS_LOW_ACT": 2, "BATT_FS_CRT_ACT": 1, "BATT_CRT_VOLT": 10.2, "FENCE_ENABLE": 1, "FENCE_TYPE": 5,
        "FENCE_ALT_MAX": 120, "RTL_ALT": 8000,
    },
    "px4": {"NAV_DLL_ACT": 2, "COM_LOW_BAT_ACT": 2, "GF_ACTION": 3, "RTL_RETURN_ALT": 80},
}  # fmt: skip
WORDS = ("link-loss", "link-back", "gps-loss", "gps-back", "refuse-arming", "arm-again", "battery")


@dataclass(frozen=True)
class Mishap:
    """One thing to do to a drone. `system` None: to all; `after_s` of simulated time since it was armed, None: at once."""

    word: str
    value: str = ""
    system: int | None = None
    after_s: float | None = None


def read_mishap(text: str) -> Mishap:
    """`[AFTER=][SYSTEM/]WORD[:VALUE]`: `60=gps-loss`, `2/battery:0.15`, `refuse-arming:Compass not healthy`. Raises UsageError."""
    match = re.fullmatch(r"\s*(?:(\d+(?:\.\d+)?)=)?(?:(\d+)/)?([a-z-]+)(?::(.*?))?\s*", text)
    known = match is not None and match[3] in WORDS
    if match is None or not known or (match[3] == "battery" and not _is_share(match[4])):
        raise UsageError(kind="fault", name=text.strip(), known=", ".join(WORDS) + " (battery:0.15)")
    return Mishap(match[3], match[4] or "", int(match[2]) if match[2] else None, float(match[1]) if match[1] else None)


def _is_share(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"0(\.\d+)?|1(\.0+)?", text) is not None


def due(mishap: Mishap, drone: SimDrone) -> bool:
    """Whether it is time."""
    if mishap.after_s is None:
        return True
    return drone.flying.armed and drone.now - drone.flying.armed_at >= mishap.after_s


def befall(mishap: Mishap, drone: SimDrone, losses: Losses) -> None:
    """Do it."""

    def battery() -> None:
        drone.battery.remaining = float(mishap.value)

    deeds: dict[str, Callable[[], None]] = {
        "link-loss": lambda: setattr(losses, "down", True),
        "link-back": lambda: setattr(losses, "down", False),
        "gps-loss": lambda: setattr(drone.faults, "gps_lost", True),
        "gps-back": lambda: setattr(drone.faults, "gps_lost", False),
        "refuse-arming": lambda: setattr(drone.faults, "refuses_to_arm", mishap.value or "Hardware safety switch"),
        "arm-again": lambda: setattr(drone.faults, "refuses_to_arm", ""),
        "battery": battery,
    }
    deeds[mishap.word]()
