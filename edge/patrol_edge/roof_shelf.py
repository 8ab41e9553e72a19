"""The thin file that reads and writes baselines: a folder with one picture and its index entry for each roof.

A baseline is two files, `<building>.png` and `<building>.json`; the entry is written last and names its picture by hash, so
that a power cut leaves the old baseline or the new one. The folder is bounded: beyond MOST_ROOFS a new roof gets no
baseline and is judged by the single-picture network alone, rather than pushing out a roof that somebody watches.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from patrol.geo import Camera, Lens, Pose
from patrol_edge.rules.rooftop_baseline import Baseline, Known
from patrol_edge.rules.rooftop_plane import RoofPicture

MOST_ROOFS = 20_000  # about 100 KB each
IN_MEMORY = 32  # the roofs under one drone
PROPOSED = "proposed"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    building: str
    picture: str  # file beside this one, named by its hash
    taken_at: AwareDatetime
    pose: tuple[float, float, float, float, float, float]
    lens: tuple[int, int, float, float, float, float, float, float, float, float, float]
    known: tuple[tuple[float, tuple[tuple[float, float], ...]], ...] = ()
    looks: tuple[tuple[int, int], ...] = ()  # of each known one: seen, asked; entries of older programs have none


class RoofShelf:
    """Baselines in a folder. One thread owns it; a disk that refuses costs baselines, never the watch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: OrderedDict[str, tuple[int | None, Baseline | None]] = OrderedDict()
        self._log = structlog.get_logger().bind(folder=str(folder))

    def baseline(self, building: str) -> Baseline | None:
        """The roof's baseline, or None when there is none that can be read."""
        entry = self._entry(building)
        written = _written_at(entry)
        if building not in self._read or self._read[building][0] != written:  # a person may have accepted meanwhile
            self._remember(building, written, self._load(entry))
        self._read.move_to_end(building)
        return self._read[building][1]

    def settle(self, baseline: Baseline) -> None:
        """Keep this picture as the roof's baseline."""
        known = self._entry(baseline.building).exists()
        if not known and sum(1 for _ in self._folder.glob("*.json")) >= MOST_ROOFS:
            self._log.warning("no room for another roof", building=baseline.building, most=MOST_ROOFS)
            return
        if self._write(self._entry(baseline.building), baseline):
            self._remember(baseline.building, _written_at(self._entry(baseline.building)), baseline)

    def propose(self, changed: Baseline) -> None:
        """Keep a changed roof's picture until a person accepts it or a newer one comes."""
        self._write(self._entry(changed.building, PROPOSED), changed)

    def accept(self, building: str) -> bool:
        """Make the proposed picture the baseline: a person has said that what was built may stay. False when there is none."""
        entry = self._entry(building, PROPOSED)
        proposed = self._load(entry)
        if proposed is None:
            return False
        self.settle(replace(proposed, known=()))
        entry.unlink(missing_ok=True)
        self._sweep(building, PROPOSED, None)
        return True

    def _entry(self, building: str, kind: str = "") -> Path:
        return (self._folder / kind if kind else self._folder) / f"{building}.json"

    def _remember(self, building: str, written: int | None, baseline: Baseline | None) -> None:
        self._read[building] = written, baseline
        self._read.move_to_end(building)
        while len(self._read) > IN_MEMORY:
            self._read.popitem(last=False)

    def _load(self, entry: Path) -> Baseline | None:
        try:
            read = _Entry.model_validate_json(entry.read_text(encoding="utf-8"))
            content = (entry.parent / read.picture).read_bytes()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, ValidationError) as err:
            self._log.warning("baseline unreadable", building=entry.stem, reason=" ".join(str(err).split())[:200])
            return None
        if _name(entry.stem, content) != read.picture:
            self._log.warning("baseline damaged", building=entry.stem)
            return None
        image = np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))
        picture = RoofPicture(np.ascontiguousarray(image[..., :3], np.uint8), image[..., 3] > 0)
        looks = read.looks or tuple((2, 2) for _ in read.known)
        known = tuple(Known(ring, sure, *look) for (sure, ring), look in zip(read.known, looks, strict=False))
        return Baseline(read.building, picture, read.taken_at, Camera(Lens(*read.lens), Pose(*read.pose)), known)

    def _write(self, entry: Path, baseline: Baseline) -> bool:
        content = _png(baseline.picture)
        name = _name(baseline.building, content)
        lens, pose = baseline.camera.lens, baseline.camera.pose
        body = _Entry(
            building=baseline.building, picture=name, taken_at=baseline.taken_at,
            pose=(pose.east_m, pose.north_m, pose.up_m, pose.yaw_deg, pose.pitch_deg, pose.roll_deg),
            lens=(lens.width_px, lens.height_px, lens.fx_px, lens.fy_px, lens.cx_px, lens.cy_px,
                  lens.k1, lens.k2, lens.p1, lens.p2, lens.k3),
            known=tuple((known.confidence, known.ring) for known in baseline.known),
            looks=tuple((known.seen, known.asked) for known in baseline.known),
        )  # fmt: skip
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            _put(entry.parent / name, content)
            _put(entry, json.dumps(body.model_dump(mode="json")).encode())
            self._sweep(baseline.building, entry.parent.name if entry.parent != self._folder else "", name)
        except OSError as err:
            self._log.error("baseline not kept", building=baseline.building, reason=err.strerror)
            return False
        return True

    def _sweep(self, building: str, kind: str, keep: str | None) -> None:
        """Remove the roof's pictures that its entry no longer names."""
        folder = self._folder / kind if kind else self._folder
        for path in folder.glob(f"{building}.*.png"):
            if path.name != keep:
                path.unlink(missing_ok=True)


def _written_at(entry: Path) -> int | None:
    """When an entry was last written, nanoseconds; None where there is none."""
    try:
        return entry.stat().st_mtime_ns
    except OSError:
        return None  # what cannot be looked at is not there, and reading it says why


def _png(picture: RoofPicture) -> bytes:
    with_valid = np.dstack([picture.image, picture.valid.astype(np.uint8) * 255])
    _, encoded = cv2.imencode(".png", with_valid)
    return bytes(encoded)


def _name(building: str, content: bytes) -> str:
    return f"{building}.{hashlib.sha256(content).hexdigest()[:24]}.png"


def _put(path: Path, content: bytes) -> None:
    """Write so that the name has either all of the content or none."""
    partial = path.with_suffix(".part")
    with partial.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
