"""A recorded scene against what should be found in it: precision, recall, delay, false alerts per camera-day.

A scene is a YAML file: where its film lies, what the camera watches for (as in config.yaml), and the incidents that happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from patrol.config.shape import CameraConfig
from patrol.errors import SceneUnreadable
from patrol.events import AlertRaised, Hazard
from patrol.geo import LatLon, LocalFrame
from patrol_edge.pipeline import Watcher

STARTS_AT = datetime(
    2026, 3, 1, 4, 0, tzinfo=UTC
)  # noon in the zone below: scenes with hours of their own say when they begin
ZONE = ZoneInfo("Asia/Shanghai")
DAY_S = 86_400


class Expected(BaseModel):
    """One incident: an alert of this hazard, raised within these seconds of the film, is right; a second one is not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hazard: Hazard
    from_s: float = Field(ge=0)
    until_s: float = Field(ge=0)
    measurement: dict[str, float] = {}  # values that the alert must carry exactly, such as the window column
    note: str = ""


class Scene(BaseModel):
    """One scene file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1)  # film or folder, relative to the data folder
    camera: CameraConfig
    starts_at: datetime = STARTS_AT
    expected: tuple[Expected, ...] = ()
    labelled_by: str = ""


@dataclass(frozen=True)
class Score:
    """How a scene went. Delays are seconds from the beginning of the incident to its alert, for those found."""

    expected: int
    found: int
    false: int
    film_s: float
    delays_s: tuple[float, ...]

    @property
    def recall(self) -> float:
        """Share of the incidents that alerted; 1 where there is none."""
        return self.found / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Share of the alerts that are right; 1 where there is none."""
        raised = self.found + self.false
        return self.found / raised if raised else 1.0

    @property
    def false_per_day(self) -> float:
        """False alerts per camera-day of film."""
        return self.false * DAY_S / self.film_s if self.film_s else 0.0

    def __add__(self, other: Score) -> Score:
        """Both together."""
        return Score(
            self.expected + other.expected, self.found + other.found, self.false + other.false, self.film_s + other.film_s,
            (*self.delays_s, *other.delays_s),
        )  # fmt: skip


def read_scene(path: Path) -> Scene:
    """One scene file. Raises SceneUnreadable."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        camera = {
            "id": path.stem,
            "name": {"zh": path.stem, "en": path.stem},
            "box": "replay",
            **document.pop("camera"),
        }
        return Scene.model_validate({**document, "camera": {"source": document["source"], **camera}})
    except (OSError, UnicodeDecodeError) as err:
        raise SceneUnreadable(path=path, cause=getattr(err, "strerror", None) or err) from err
    except (yaml.YAMLError, ValidationError, AttributeError, KeyError, TypeError) as err:
        raise SceneUnreadable(path=path, cause=" ".join(str(err).split())[:300]) from err


def watcher_of(scene: Scene) -> Watcher:
    """Who watches the scene's camera."""
    pose = scene.camera.pose
    origin = LatLon(0.0, 0.0) if pose is None else pose.at
    return Watcher("replay", "replay", scene.camera, LocalFrame(origin), lambda moment: moment.astimezone(ZONE))


def score(scene: Scene, alerts: Sequence[tuple[float, AlertRaised]], film_s: float) -> Score:
    """(second of the film, alert) pairs against the scene's incidents: each incident and each alert counts once. Pure."""
    open_incidents = sorted(scene.expected, key=lambda e: e.until_s)
    delays, false = [], 0
    for at_s, alert in sorted(alerts, key=lambda pair: pair[0]):
        match = next((e for e in open_incidents if _is_it(e, at_s, alert)), None)
        if match is None:
            false += 1
        else:
            open_incidents.remove(match)
            delays.append(round(at_s - match.from_s, 3))
    return Score(len(scene.expected), len(delays), false, film_s, tuple(delays))


def _is_it(expected: Expected, at_s: float, alert: AlertRaised) -> bool:
    return (
        alert.hazard is expected.hazard
        and expected.from_s <= at_s <= expected.until_s
        and all(alert.measurement.get(name) == value for name, value in expected.measurement.items())
    )
