"""Falling object (高空抛物): what fell, along which way, from which window column and about which floor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.config.zones import Facade
from patrol.events import Hazard
from patrol_edge.frame import Detections, Frame, Image
from patrol_edge.rules.falling import Fall, Watch
from patrol_edge.rules.sighting import Memory, Rule, Sighting, View

WATCH, RECENT = "falling", "recent frames"  # keys in the rule's live memory
KEPT_S = 6.0  # of frames, to show the thing at its places: the longest fall, and a second to be sure of it
KEPT_FRAMES = 40  # of those seconds, evenly spread: a bound on memory
PATCH_PX = 14  # around the thing at each of its places


@dataclass(frozen=True)
class FacadeView:
    """The mapping from pixels to a front's unit square (0 to 1 rightwards and downwards), and its divisions."""

    homography: NDArray[np.float64]
    floors: int
    columns: int
    lowest_floor: int

    def place(self, x_px: float, y_px: float) -> tuple[int, int] | None:
        """Window column from the left, counted from 1, and floor; None beside the front. Above its top is one floor more."""
        point = self.homography @ np.array([x_px, y_px, 1.0])
        if point[2] <= 0:
            return None
        across, down = float(point[0] / point[2]), float(point[1] / point[2])
        if not 0 <= across <= 1:
            return None
        row = min(self.floors, max(0, int(np.ceil((1 - down) * self.floors)) - 1))
        return min(self.columns, int(across * self.columns) + 1), self.lowest_floor + row


def facade_of(facade: Facade | None, scale: tuple[float, float]) -> FacadeView | None:
    """A configured front in pixels of the frames that come; None where there is none."""
    if facade is None:
        return None
    corners = np.array(facade.corners_px, np.float32) * np.array(scale, np.float32)
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), unit), np.float64)
    middle = matrix @ np.array([*corners.mean(axis=0), 1.0])
    return FacadeView(matrix * np.sign(middle[2]), facade.floors, facade.columns, facade.lowest_floor)


def falling_rule(view: View, confidence: float, facade: FacadeView | None) -> Rule:
    """The rule for one zone. Memory of motion is live only: a restart costs the fall that is under way, no more."""
    masks: dict[tuple[int, int], NDArray[np.uint8]] = {}

    def look(frame: Frame, detections: Detections, memory: Memory, now: datetime) -> list[Sighting]:
        del detections, now  # one signature for all rules; time is the frame's own
        watch = cast("Watch", memory.live.setdefault(WATCH, Watch()))
        recent = cast("list[tuple[float, Image]]", memory.live.setdefault(RECENT, []))
        at_s = frame.taken_at.timestamp()
        _remember(recent, at_s, frame.image)
        if frame.size_px not in masks:
            masks[frame.size_px] = view.mask(frame.size_px).astype(np.uint8)
        grey = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY), np.uint8)
        falls = [fall for fall in watch.step(grey, at_s, masks[frame.size_px]) if fall.confidence >= confidence]
        return [sighting_of(fall, view, facade, shown(frame.image, fall, recent), at_s) for fall in falls]

    return look


def sighting_of(fall: Fall, view: View, facade: FacadeView | None, picture: Image, now_s: float) -> Sighting:
    """One fall as a sighting; its place is the window column from which it came, or its 16th of the picture's width."""
    where = None if facade is None else facade.place(*fall.rest_px)
    measured = {
        "fall_s": round(fall.seconds, 2), "fall_px": round(fall.points[-1][2] - fall.points[0][2], 1),
        "size_px": round(fall.size_px, 1), "points": float(len(fall.points)), "odd_px": round(fall.odd_px, 2),
        "acceleration_px_s2": round(fall.acceleration_px_s2, 1), "ago_s": round(max(0.0, now_s - fall.points[0][0]), 2),
    }  # fmt: skip
    if where is not None:
        measured |= {"column": float(where[0]), "floor": float(where[1])}
        place = f"{view.zone}/column-{where[0]}"
    else:
        place = f"{view.zone}/{int(16 * fall.rest_px[0] / picture.shape[1])}"
    ground = view.place(*fall.points[-1][1:3])
    return Sighting(
        Hazard.FALLING_OBJECT, view.zone, "falling object", fall.box_px, fall.confidence, ground, place, measured, picture=picture
    )  # fmt: skip


def shown(image: Image, fall: Fall, recent: list[tuple[float, Image]]) -> Image:
    """The present picture with the thing at its places, cut from the frames that showed it, and its way drawn beside it."""
    picture = image.copy()
    height, width = picture.shape[:2]
    for at_s, x, y, area in fall.points:
        then = next((old for old_s, old in recent if abs(old_s - at_s) < 0.004 and old.shape == image.shape), None)
        if then is not None:
            half = int(PATCH_PX + np.sqrt(area) / 2)
            rows = slice(max(0, int(y) - half), min(height, int(y) + half))
            columns = slice(max(0, int(x) - half), min(width, int(x) + half))
            picture[rows, columns] = then[rows, columns]
    way = np.array([(x + 24, y) for _, x, y, _ in fall.points], np.int32)
    cv2.polylines(picture, [way], isClosed=False, color=(40, 220, 255), thickness=1)
    return picture


def _remember(recent: list[tuple[float, Image]], at_s: float, image: Image) -> None:
    if not recent or at_s < recent[-1][0] or at_s - recent[-1][0] >= KEPT_S / KEPT_FRAMES:
        recent.append((at_s, image))
    while recent and (len(recent) > KEPT_FRAMES or not 0 <= at_s - recent[0][0] <= KEPT_S):
        del recent[0]
