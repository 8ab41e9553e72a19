"""Flooding: square metres on rendered drone views whose truth is known, and decisions on real street pictures.

make bench-flooding ARGS="rendered street dry" (python -m bench.flooding; all but rendered need the shared data; about ten minutes)

rendered   views of random districts that no training picture shows: per pool, the rule's square metres against those that are in
           sight by the renderer's truth, with the true pose and with one that is off by a drone's usual error. What the rule
           reports is all water that the map joins; its interval is held against all true waters that this touches, once for each
           report, and against the one pool that was asked for
scenes     rendered streets before a fixed camera that flood, or are merely wet (bench/flooding_scenes.py)
photographs  flooded regions of the aerial photographs that no training has: does the map's part of the interval hold their size?
dry        towns and streets seen straight from above that training never saw, without any water: how much water the network sees
street     every picture of `flood_street` held before a camera for some minutes: does the rule alert? Clearly flooded against wet
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import shapely
import yaml

from bench.flooding_photographs import DATA, dry, photographs
from bench.flooding_scenes import ground_squares, table
from patrol.config.shape import CameraConfig
from patrol.config.zones import FloodingZone
from patrol.events import ModelRef
from patrol.geo import Camera, LatLon, LocalFrame, PoseSigma
from patrol.scenes.flood_set import FloodFrame, flood_frames
from patrol_edge.aerial import FARTHEST_M, STEEPEST_OFF_DEG
from patrol_edge.detector import Detector
from patrol_edge.detectors import load_detectors
from patrol_edge.frame import Detections, Frame, Image
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher
from patrol_edge.registry import ModelFile
from patrol_edge.rules.flooding import WATER, aerial_flooding_rule, water_from_above
from patrol_edge.rules.sighting import Memory, View
from patrol_edge.rules.water import Mask
from patrol_edge.segmenter import TASK, load_segmenter
from patrol_edge.video import read_picture

ROOT = Path(__file__).resolve().parents[1]
START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
SEED, VIEWS = 77_001, 90  # nobody trained or tuned on this seed
SIGMA = PoseSigma(position_m=1.5, height_m=1.0, yaw_deg=2.0, tilt_deg=0.5)  # a drone with an ordinary receiver
SMALLEST_M2 = 15.0
HELD_S = 180.0
LOWER = (0.0, 0.4, 1.0, 1.0)  # nobody drew these cameras' roads: the lower three fifths stand for them
ZONE = FloodingZone.model_validate({"id": "pool", "hazard": "flooding", "polygon_px": [[0, 0], [1, 0], [1, 1]]})


Pixels = np.ndarray[Any, np.dtype[np.int64]]  # rows or columns


@dataclass(frozen=True)
class Said:
    """What the rule says of a place: square metres and the ends of its interval; zeros where it sees no water."""

    area_m2: float = 0.0
    least_m2: float = 0.0
    most_m2: float = 0.0

    def holds(self, truth_m2: float) -> bool:
        """Whether the interval does."""
        return self.least_m2 <= truth_m2 <= self.most_m2


@dataclass(frozen=True)
class Measured:
    """One pool in one view: true square metres, what the rule says, and the same with a wrong pose.

    joined_m2: of all true waters that the reported one touches. first: nobody else in this view got the same report.
    """

    truth_m2: float
    said: Said
    moved: Said
    joined_m2: float
    first: bool


PARTS = ("rendered", "scenes", "photographs", "street", "dry")


def pools_in_sight(frame: FloodFrame) -> list[tuple[shapely.Polygon, float]]:
    """What the picture shows of each pool: its parts in pixels, and square metres by the renderer's own truth, pixel by pixel.

    Only what a drone judges: near, and not at a glancing angle. Pools that touch are one.
    """
    camera, (height, width) = frame.camera, frame.water.shape
    if not frame.ponds or not frame.water.any():
        return []
    ys, xs = np.nonzero(frame.water >= 128)
    ground = camera.to_plane(np.column_stack([xs, ys]).astype(float))
    squares = ground_squares(camera, (width, height))[ys, xs]
    found = []
    for pool in shapely.get_parts(shapely.unary_union([shapely.Polygon(pond.outline) for pond in frame.ponds])):
        mine = shapely.contains_xy(pool.buffer(0.3), ground[:, 0], ground[:, 1])
        area_m2 = float(np.nansum(squares[mine]))
        if area_m2 < SMALLEST_M2:
            continue
        away_m = ground[mine].mean(axis=0) - camera.pose.centre_m[:2]
        out_m = float(np.hypot(*away_m))
        steep = out_m <= camera.pose.up_m * np.tan(np.radians(STEEPEST_OFF_DEG))
        if steep and np.hypot(out_m, camera.pose.up_m) <= FARTHEST_M:
            found.append((_parts(ys[mine], xs[mine], (height, width)), area_m2))
    return found


def _parts(ys: Pixels, xs: Pixels, shape: tuple[int, int]) -> shapely.Polygon:
    """The outlines of some pixels; several where something hides what lies between."""
    mask = np.zeros(shape, np.uint8)
    mask[ys, xs] = 1
    rings, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = shapely.union_all([shapely.Polygon(ring[:, 0, :]).buffer(1.0) for ring in rings if len(ring) >= 4])
    return cast("shapely.Polygon", drawn)  # or several: whoever watches it draws all parts


def area_said(frame: FloodFrame, seen: Detections, camera: Camera, pool: shapely.Polygon) -> Said:
    """What the rule says of a pool (pixels) through a camera's pose."""
    view = View("pool", pool, camera, SIGMA)
    picture = Frame("bench", START, np.ascontiguousarray(frame.image[..., ::-1]))
    for sighting in aerial_flooding_rule(view, ZONE)(picture, seen, Memory(), START):
        said = sighting.measurement
        return Said(said["area_m2"], said["area_least_m2"], said["area_most_m2"])
    return Said()


def joined_truth_m2(frame: FloodFrame, wet: Mask) -> float:
    """Square metres in sight of all true waters that some squares of a map (h, w) touch."""
    height, width = frame.water.shape
    truth = (frame.water >= 128).astype(np.uint8)
    there = cv2.resize(wet.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    _, labels = cv2.connectedComponents(truth, connectivity=8)
    touched = np.isin(labels, np.unique(labels[there & (labels > 0)])) & (labels > 0)
    return float(np.nansum(ground_squares(frame.camera, (width, height))[touched]))


def moved(camera: Camera, dice: np.random.Generator) -> Camera:
    """The camera where its drone believes it is."""
    pose = camera.pose
    wrong = replace(
        pose, east_m=pose.east_m + dice.normal(0, SIGMA.position_m), north_m=pose.north_m + dice.normal(0, SIGMA.position_m),
        up_m=pose.up_m + dice.normal(0, SIGMA.height_m), yaw_deg=pose.yaw_deg + dice.normal(0, SIGMA.yaw_deg),
        pitch_deg=pose.pitch_deg + dice.normal(0, SIGMA.tilt_deg), roll_deg=pose.roll_deg + dice.normal(0, SIGMA.tilt_deg),
    )  # fmt: skip
    return Camera(camera.lens, wrong)


def rendered(network: Detector, views: int, seed: int) -> None:
    """Print what the square metres are worth."""
    dice, rows, dry, dry_wrong, inner, joined, with_pool = np.random.default_rng(seed), [], 0, 0, 0.0, 0.0, 0
    for number, frame in enumerate(flood_frames(seed, views)):
        sys.stderr.write(f"\r{number + 1}/{views}")
        seen = network.detect(np.ascontiguousarray(frame.image[..., ::-1]))
        height_px, width_px = frame.water.shape
        height, width = seen.maps[WATER].shape
        truth = shrunk(frame.water, (width, height)) >= 128
        said = seen.maps[WATER] >= 128
        inner, joined = inner + float((truth & said).sum()), joined + float((truth | said).sum())
        if not frame.water.any():
            dry += 1
            everywhere = shapely.box(0, 0, frame.camera.lens.width_px, frame.camera.lens.height_px)
            view = View("pool", everywhere, frame.camera, SIGMA)
            picture = Frame("bench", START, np.ascontiguousarray(frame.image[..., ::-1]))
            dry_wrong += bool(aerial_flooding_rule(view, ZONE)(picture, seen, Memory(), START))
        pools = pools_in_sight(frame)
        with_pool += bool(pools)
        reports: set[bytes] = set()
        for pool, area_m2 in pools:
            wrong = moved(frame.camera, dice)
            wet = water_from_above(
                seen.maps[WATER], View("pool", pool, frame.camera, SIGMA), (width_px, height_px), ZONE.confidence
            )
            told = area_said(frame, seen, frame.camera, pool)
            first = told.area_m2 > 0 and wet.tobytes() not in reports
            reports.add(wet.tobytes())
            joined_m2 = joined_truth_m2(frame, wet) if told.area_m2 > 0 else 0.0
            rows.append(Measured(area_m2, told, area_said(frame, seen, wrong, pool), joined_m2, first))
    sys.stderr.write("\n")
    print(
        f"rendered views: {views} of random districts, seed {seed}; IoU of water, all views together {inner / max(joined, 1):.3f}"
    )
    print(f"  {len(rows)} pools of which {SMALLEST_M2:.0f} m2 or more are in sight, in {with_pool} views")
    for name, least, most in (
        ("all", SMALLEST_M2, np.inf),
        ("15-100 m2", SMALLEST_M2, 100),
        ("100-1000 m2", 100, 1000),
        ("over 1000 m2", 1000, np.inf),
    ):
        chosen = [row for row in rows if least <= row.truth_m2 < most]
        if chosen:
            _print_errors(name, chosen)
    print(
        f"  views without any water: {dry}; of these {dry_wrong} with {ZONE.least_m2:.0f} m2 or more of it according to the rule"
    )


def _print_errors(name: str, rows: list[Measured]) -> None:
    found = [row for row in rows if row.said.area_m2 > 0]
    print(f"  {name:<13} {len(rows):>3} pools, {len(found)} found", end="")
    through = [row for row in found if row.first and row.moved.area_m2 > 0]
    if not through:
        print()
        return
    alone = np.array([row.said.area_m2 / row.truth_m2 - 1 for row in found])
    error = np.array([row.said.area_m2 / max(row.joined_m2, 1.0) - 1 for row in found if row.first])
    held = np.mean([row.moved.holds(row.joined_m2) for row in through])
    held_alone = np.mean([row.moved.holds(row.truth_m2) for row in found if row.moved.area_m2 > 0])
    least, most = (
        np.median([v / row.moved.area_m2 for row, v in zip(through, values, strict=True)])
        for values in ([row.moved.least_m2 for row in through], [row.moved.most_m2 for row in through])
    )
    print(
        f"; error of the m2: median {np.median(np.abs(error)):.1%}, 90 % within {np.quantile(np.abs(error), 0.9):.1%}, bias "
        f"{np.median(error):+.1%} of {len(error)} reports (against the one pool: {np.median(np.abs(alone)):.1%}); pose off: the "
        f"interval ({least:.2f} to {most:.2f} of what is said, in the middle) holds the truth in {held:.0%} (the one pool: {held_alone:.0%})"
    )


def shrunk(water: Image, size_px: tuple[int, int]) -> Image:
    """A map of shares at another size, by area."""
    return np.asarray(cv2.resize(water, size_px, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def street_camera(size_px: tuple[int, int]) -> CameraConfig:
    """A camera whose road nobody drew."""
    width, height = size_px
    x0, y0, x1, y1 = LOWER[0] * width, LOWER[1] * height, LOWER[2] * width, LOWER[3] * height
    zone = {"id": "road", "hazard": "flooding", "polygon_px": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]}
    body = {"id": "bench", "name": {"zh": "台架", "en": "bench"}, "box": "bench", "source": "-", "zones": [zone],
            "lens": {"width_px": width, "height_px": height, "hfov_deg": 60}}  # fmt: skip
    return CameraConfig.model_validate(body)


def alerts(image: Image, network: Detector) -> tuple[bool, float]:
    """Whether a picture held before a camera for HELD_S raises an alert, and the share of its road that is water."""
    camera = street_camera((image.shape[1], image.shape[0]))
    watcher = Watcher("bench", "bench", camera, LocalFrame(LatLon(0.0, 0.0)), lambda moment: moment)
    seen, memory, raised = network.detect(image), CameraMemory(), False
    pipeline = Pipeline(watcher, {"water": Remembered(network, seen)})
    step_s = camera.zones[0].look_every_s
    for number in range(int(HELD_S / step_s)):
        memory, found = pipeline.judge(Frame("bench", START + timedelta(seconds=number * step_s), image), memory)
        raised = raised or bool(found)
    shares = seen.maps[WATER]
    return raised, float((shares[int(LOWER[1] * shares.shape[0]) :] >= 128).mean())


@dataclass(frozen=True)
class Remembered:
    """A network that has looked already: a picture that is held still need not be looked at again."""

    network: Detector
    seen: Detections

    @property
    def ref(self) -> ModelRef:
        """As the network's."""
        return self.network.ref

    def detect(self, image: Image) -> Detections:
        """What it saw."""
        del image
        return self.seen


def street_rows() -> Iterator[tuple[str, bool, bool, str]]:
    """File, clearly flooded, weak label, group."""
    with (DATA / "flood_street" / "labels.csv").open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            yield (
                row["file"],
                bool(row["clearly_flooded_by_eye"]),
                row["label_flood_weak"] == "1",
                row["near_duplicate_group"],
            )


def street(network: Detector, title: str, only: set[str] | None = None) -> None:
    """Print the decisions, picture by picture and group by group."""
    counts: Counter[tuple[str, bool]] = Counter()
    groups: dict[str, list[tuple[bool, bool]]] = {}
    wrong = []
    for file, flooded, weak, group in street_rows():
        if only is not None and group not in only:
            continue
        image = read_picture(DATA / "flood_street" / "images" / file)
        if image is None:
            continue
        raised, share = alerts(image, network)
        kind = (
            "clearly flooded"
            if flooded
            else "wet, weak label says flood"
            if weak
            else "wet or dry, weak label says normal"
        )
        counts[kind, raised] += 1
        groups.setdefault(group, []).append((flooded, raised))
        if raised != flooded:
            wrong.append(f"{file} ({share:.2f})")
    print(
        f"street pictures, {title}: {sum(counts.values())}, each held {HELD_S:.0f} s; alert at {street_camera((100, 100)).zones[0].share:.0%} of looks"
    )
    for kind in sorted({kind for kind, _ in counts}):
        print(f"  {kind:<36} alert {counts[kind, True]:>3}   none {counts[kind, False]:>3}")
    flooded_groups = [rows for rows in groups.values() if any(f for f, _ in rows)]
    dry_groups = [rows for rows in groups.values() if not any(f for f, _ in rows)]
    print(
        f"  incidents: {sum(any(r for f, r in rows if f) for rows in flooded_groups)} of {len(flooded_groups)} flooded groups alert; "
        f"{sum(any(r for _, r in rows) for rows in dry_groups)} of {len(dry_groups)} others do, too"
    )
    print(f"  decided wrongly (share of the road): {', '.join(wrong) or 'none'}")


def _part(said: str) -> str:
    """A part by its name. argparse's own `choices` would refuse the default of a list that may be empty."""
    if said not in PARTS:
        raise argparse.ArgumentTypeError(f"{said!r} is none of {', '.join(PARTS)}")
    return said


def main() -> int:
    """Run what is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.flooding", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", default=[*PARTS], type=_part, help=f"of {', '.join(PARTS)}; all where none is named"
    )
    parser.add_argument("--views", type=int, default=VIEWS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--model", type=Path, default=None, help="an ONNX file in place of the registered network")
    parser.add_argument("--side", default=None, help="only the groups of this side of models/water/street.yaml")
    chosen = parser.parse_args()
    if chosen.model is None:
        network: Detector = load_detectors(ROOT / "models", ["water"])["water"]
    else:
        network = load_segmenter(ModelFile("water", chosen.model, "draft", "0" * 64, ("water",), TASK), frozenset())
    if "street" in chosen.parts:
        if not (DATA / "flood_street").is_dir():
            print(f"skipped: {DATA / 'flood_street'} is not on this machine (set PATROL_SHARED_DATA)")
        else:
            street(network, chosen.side or "all", side(chosen.side) if chosen.side else None)
    if "dry" in chosen.parts:
        dry(network)
    if "photographs" in chosen.parts:
        photographs(network)
    if "scenes" in chosen.parts:
        table(network)
    if "rendered" in chosen.parts:
        rendered(network, chosen.views, chosen.seed)
    return 0


def side(name: str) -> set[str]:
    """The groups of one side of the split by cameras."""
    body = yaml.safe_load((ROOT / "models" / "water" / "street.yaml").read_text(encoding="utf-8"))
    return {str(group) for group in body[name]}


if __name__ == "__main__":
    sys.exit(main())
