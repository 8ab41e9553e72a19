"""Rooftop violations on real roofs: what is found of what was built, what is named that was not, and how well pictures fit.

make bench-roofs ARGS="--pairs 150 --first 50000"        (python -m bench.roofs; needs the shared data)

Pairs are made by `bench.roof_scenes` on tiles and seeds that nobody tuned on. A structure is found when an alert covers at
least a quarter of what both cover together; anything else that alerts is false. --fit prints the weights of the regions' cues,
fitted on the tiles for tuning.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from bench.flown import real_flight
from bench.real_roofs import FOLDER, Part
from bench.roof_scenes import SIGMA, Pair, pair
from patrol.errors import ModelNotRegistered
from patrol.geo import Camera, PoseSigma
from patrol_edge.detector import LOWEST_SCORE
from patrol_edge.roof_network import load_roof_network, roofs_of
from patrol_edge.rules.rooftop_baseline import NO_SHELF
from patrol_edge.rules.rooftop_change import CUES, outline_of, regions
from patrol_edge.rules.rooftop_first import first_found
from patrol_edge.rules.rooftop_judgement import ChangeNetwork, changed, opinion, watched_roof
from patrol_edge.rules.rooftop_plane import GSD_M, Raster, Refusal, RoofPicture, parallax_px, resampled, seen_roof
from patrol_edge.rules.rooftop_registration import Registration, register

CONFIDENCE, LEAST_M2 = 0.5, 4.0  # RoofZone's defaults
HIT_IOU, NOTHING_IOU = 0.25, 0.1
RTK = PoseSigma(0.05, 0.05, 0.5, 0.3)  # a receiver with corrections and a good gimbal
PATCH_M = 24.0
FITTED_PULL = 3.0
ROWS = ("cues", "rtk", "unseen", "network")
MODELS = Path(__file__).resolve().parents[1] / "models"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Looked:
    """One pair judged: how far the registration is off, what alerted, and what of it was right."""

    refusal: Refusal | None
    off_m: float = 0.0
    residual_m: float = 0.0
    roof_m2: float = 0.0
    built_m2: float | None = None
    found_m2: float | None = None
    false: int = 0


def registered(made: Pair) -> tuple[RoofPicture, Registration] | Refusal:
    """The two pictures over one another, as the rule does it."""
    before, after = (
        seen_roof(made.before, made.camera_before, made.roof),
        seen_roof(made.after, made.camera_after, made.roof),
    )
    if isinstance(before, Refusal):
        return before
    if isinstance(after, Refusal):
        return after
    inside = Raster.of(made.roof).mask(made.roof.footprint)
    fit = register(before, after, inside, parallax_px(made.roof, made.camera_before, made.camera_after))
    return Refusal.MISFIT if fit is None else (before, fit)


def in_baseline(made: Pair, points_m: Floats, height_m: float) -> Floats:
    """(n, 2) raster pixels at which the baseline's picture shows points of the roof's plane, its reported pose's error included."""
    seen = made.true_before.project(np.column_stack([points_m, np.full(len(points_m), height_m)]))
    return Raster.of(made.roof).to_pixels(made.camera_before.to_plane(seen, height_m))


def registration_off_m(made: Pair, matrix: Floats) -> float:
    """Median over the roof of how far the fit is from the one that the true poses give, metres."""
    raster, height_m = Raster.of(made.roof), made.roof.height_m
    west, south, east, north = made.roof.footprint.bounds
    across, up = np.meshgrid(np.linspace(west, east, 12), np.linspace(south, north, 12))
    points = np.column_stack([across.ravel(), up.ravel()])
    points = points[shapely.contains_xy(made.roof.footprint, points[:, 0], points[:, 1])]
    seen = made.true_after.project(np.column_stack([points, np.full(len(points), height_m)]))
    today = raster.to_pixels(made.camera_after.to_plane(seen, height_m))
    said = in_baseline(made, points, height_m) @ matrix[:, :2].T + matrix[:, 2]
    return float(np.median(np.linalg.norm(said - today, axis=1))) * GSD_M


def built_ring(made: Pair) -> shapely.Polygon | None:
    """The outline of what was built, in the baseline's raster."""
    if made.built is None:
        return None
    base = np.array(made.built.base.exterior.coords)[:4]
    return shapely.Polygon(in_baseline(made, base, made.roof.height_m))


def looked(made: Pair, network: ChangeNetwork | None = None) -> Looked:
    """One pair through registration and change, as the rule does it."""
    fitted = registered(made)
    if isinstance(fitted, Refusal):
        return Looked(fitted, built_m2=None if made.built is None else made.built.base.area)
    before, fit = fitted
    watched = watched_roof(made.roof, Raster.of(made.roof), fit.outline_px) & fit.picture.valid & before.valid
    alerts = [
        f for f in changed(before.image, fit.picture.image, watched, LEAST_M2, network) if f.confidence >= CONFIDENCE
    ]
    truth, hit_m2, false = built_ring(made), None, 0
    for alert in alerts:
        share = 0.0 if truth is None else iou(alert.ring, truth)
        if share >= HIT_IOU and hit_m2 is None:
            hit_m2 = alert.area_m2
        elif share < NOTHING_IOU:
            false += 1
    return Looked(None, registration_off_m(made, fit.matrix), fit.residual_px * GSD_M, made.roof.footprint.area,
                  None if made.built is None else made.built.base.area, hit_m2, false)  # fmt: skip


def iou(a: shapely.Polygon, b: shapely.Polygon) -> float:
    """Intersection over union."""
    both = a.union(b).area
    return float(a.intersection(b).area / both) if both > 0 else 0.0


def interval(found: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if of == 0:
        return 0.0, 1.0
    share, z2 = found / of, 1.96**2
    middle, half = share + z2 / (2 * of), 1.96 * (share * (1 - share) / of + z2 / (4 * of * of)) ** 0.5
    return (middle - half) / (1 + z2 / of), (middle + half) / (1 + z2 / of)


def line_of(name: str, rows: list[Looked]) -> str:
    """One line of the table."""
    judged = [row for row in rows if row.refusal is None]
    built = [row for row in judged if row.built_m2 is not None]
    hit = [row for row in built if row.found_m2 is not None]
    hectares = sum(row.roof_m2 for row in judged) / 1e4
    off = np.array([row.off_m for row in judged])
    area = np.array([(row.found_m2 or 0) - (row.built_m2 or 0) for row in hit])
    large = [row for row in built if (row.built_m2 or 0) >= 10]
    large_hit = sum(row.found_m2 is not None for row in large)
    return (
        f"{name:<30}{len(rows):>6}{len(judged) / max(len(rows), 1):>8.0%}{np.median(off):>9.2f} m{np.quantile(off, 0.95):>7.2f} m"
        f"{len(hit):>6} of {len(built):<4}{len(hit) / max(len(built), 1):>6.2f}{large_hit / max(len(large), 1):>8.2f}"
        f"{sum(row.false for row in judged) / max(hectares, 1e-9):>9.1f}{np.median(np.abs(area)) if len(area) else float('nan'):>9.1f} m2"
    )


def real_pairs() -> Iterator[tuple[RoofPicture, RoofPicture, NDArray[np.bool_]]]:
    """Patches of ground that two pictures in a row of the real flight both show: nothing was built between them."""
    flown = real_flight()
    if flown is None:
        return
    for n in range(len(flown.images) - 1):
        one, other = (Camera(flown.shots[k].lens, flown.shots[k].pose) for k in (n, n + 1))
        middle = (one.pose.centre_m[:2] + other.pose.centre_m[:2]) / 2
        for east, north in ((-14, -10), (14, -10), (-14, 10), (14, 10), (0, 0)):
            west, top = middle[0] + east - PATCH_M / 2, middle[1] + north + PATCH_M / 2
            raster = Raster(float(west), float(top), int(PATCH_M / GSD_M), int(PATCH_M / GSD_M))
            first, second = (
                resampled(flown.images[k], c, raster, flown.ground_m) for k, c in ((n, one), (n + 1, other))
            )
            inside = np.zeros(first.valid.shape, bool)
            inside[30:-30, 30:-30] = True
            if first.valid.all() and second.valid.all():
                yield first, second, inside


def table(first: int, count: int, names: Sequence[str]) -> None:
    """Print the table of pairs."""
    print(
        f"{'pairs':<34}{'n':>5}{'judged':>8}{'misfit, median':>15}{'95 %':>9}{'found':>12}{'recall':>8}{'>=10 m2':>8}{'false/ha':>9}{'m2 off':>11}"
    )
    network = network_if_any()
    parts: dict[str, tuple[str, Part, PoseSigma, ChangeNetwork | None]] = {
        "cues": ("cues, ordinary receiver", "measuring", SIGMA, None),
        "rtk": ("cues, corrected receiver (RTK)", "measuring", RTK, None),
        "unseen": ("cues, tiles unseen by the network", "unseen", SIGMA, None),
        "network": ("with the network, the same tiles", "unseen", SIGMA, network),
    }
    looks: dict[str, list[Looked]] = {key: [] for key in names if key != "network" or network is not None}
    for part, sigma in dict.fromkeys(parts[key][1:3] for key in looks):
        alike = [key for key in looks if parts[key][1:3] == (part, sigma)]
        for seed in range(first, first + count):  # a pair is made once, however many look at it
            made = pair(seed, part, sigma)
            for key in alike:
                looks[key].append(looked(made, parts[key][3]))
        for key in alike:
            print(text_of(parts[key][0], looks[key]), flush=True)
    if "network" in names and network is None:
        print(f"{parts['network'][0]:<34} not released: the registry has no roof_change")


def text_of(name: str, rows: list[Looked]) -> str:
    """A line of the table, how sure its recall is, and why pairs were not judged."""
    built = [row for row in rows if row.built_m2 is not None]
    hit = sum(row.found_m2 is not None for row in built)
    low, high = interval(hit, sum(row.refusal is None for row in built))
    reasons = Counter(row.refusal.value.en for row in rows if row.refusal is not None)
    said = "; ".join(f"{why} {n}" for why, n in sorted(reasons.items())) or "none"
    return (
        f"{line_of(name, rows)}\n    95 % interval of the recall {low:.2f} to {high:.2f}; of all {len(built)} built, judged or not, "
        f"{hit / max(len(built), 1):.2f} found; not judged: {said}"
    )


def network_if_any() -> ChangeNetwork | None:
    """The registered network, or None where none is registered."""
    try:
        return load_roof_network(MODELS).built
    except ModelNotRegistered:
        return None


def table_of_real_pairs() -> None:
    """Print how real pictures of the same ground fit, between which nothing was built."""
    residuals, refused, false, area_m2 = [], 0, 0, 0.0
    for first, second, inside in real_pairs():
        fit = register(first, second, inside)
        if fit is None:
            refused += 1
            continue
        residuals.append(fit.residual_px * GSD_M)
        watched = inside & first.valid & fit.picture.valid
        found = changed(first.image, fit.picture.image, watched, LEAST_M2)
        false += sum(f.confidence >= CONFIDENCE for f in found)
        area_m2 += float(watched.sum()) * GSD_M**2
    if not residuals:
        print("shared data missing: nadir_flight (set PATROL_SHARED_DATA)", file=sys.stderr)
        return
    print(
        f"\nreal pictures in a row (nadir_flight), patches of {PATCH_M:.0f} m at {GSD_M} m a pixel: {len(residuals)} fit, {refused} refused; "
        f"misfit left {np.median(residuals):.2f} m (95 % {np.quantile(residuals, 0.95):.2f} m); false alerts {false} on {area_m2 / 1e4:.2f} ha"
    )


def fitted(first: int, count: int, network: ChangeNetwork | None) -> None:
    """Print the weights of the regions' cues that suit the tiles for tuning: logistic regression, ridge FITTED_PULL.

    With a network only the tiles that it was not trained on count: on the others it is surer than it will ever be.
    """
    rows, right = [], []
    for seed in range(first, first + count):
        made = pair(seed, "tuning" if network is None else "untrained")
        both = registered(made)
        if isinstance(both, Refusal):
            continue
        before, fit = both
        watched = watched_roof(made.roof, Raster.of(made.roof), fit.outline_px) & fit.picture.valid & before.valid
        truth = built_ring(made)
        said = None if network is None else opinion(network, before.image, fit.picture.image, watched)
        for region in regions(before.image, fit.picture.image, watched, LEAST_M2 * 0.75, said):
            share = 0.0 if truth is None else iou(outline_of(region), truth)
            if share >= 0.4 or share < HIT_IOU:  # between, nobody can say
                rows.append([float(getattr(region, name)) for name in CUES])
                right.append(share >= 0.4)
    x, y = np.array(rows), np.array(right, float)
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.column_stack([(x - middle) / spread, np.ones(len(x))])
    w = np.zeros(z.shape[1])
    pull = FITTED_PULL * np.append(np.ones(len(CUES)), 0.0)
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ w))
        w -= np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + np.diag(pull + 1e-9), z.T @ (p - y) + pull * w)
    weights = w[:-1] / spread
    print({name: round(float(v), 2) for name, v in zip(CUES, weights, strict=True)})
    print(
        "bias",
        round(float(w[-1] - (weights * middle).sum()), 2),
        "regions",
        len(y),
        "of which structures",
        int(y.sum()),
    )


def first_visits(first: int, count: int) -> None:
    """Print what the network for single pictures finds on one picture by its threshold, on tiles for tuning that no network trained on."""
    network = roofs_of(NO_SHELF, MODELS, watched=True).single
    if network is None:
        print("not released: the registry has no roof")
        return
    untouched: list[float] = []
    built: list[float] = []
    for seed in range(first, first + count):
        made = pair(seed, "untrained")
        for image, camera in ((made.before, made.camera_before), (made.after, made.camera_after)):
            if isinstance(seen_roof(image, camera, made.roof), Refusal):
                continue
            found = first_found(image, camera, made.roof, network, LOWEST_SCORE, LEAST_M2)
            if image is made.before or made.built is None:
                untouched.append(max((f.confidence for f in found), default=0.0))
                continue
            base = np.array(made.built.base.exterior.coords)[:4]
            seen = made.true_after.project(np.column_stack([base, np.full(4, made.roof.height_m)]))
            ring = shapely.Polygon(Raster.of(made.roof).to_pixels(camera.to_plane(seen, made.roof.height_m)))
            right = [f.confidence for f in found if iou(f.ring, ring.envelope) >= HIT_IOU]
            built.append(max(right, default=0.0))
    for limit in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        false, hit = (sum(v >= limit for v in values) for values in (untouched, built))
        print(
            f"first visit at {limit:.1f}: {hit} of {len(built)} built found; a find on {false} of {len(untouched)} pictures of roofs as they were"
        )


def main() -> int:
    """Print the tables; 2 when the data is missing."""
    parser = argparse.ArgumentParser(prog="make bench-roofs", description=__doc__)
    parser.add_argument("--pairs", type=int, default=150, help="of each kind")
    parser.add_argument("--first", type=int, default=50_000, help="first seed")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="which of them")
    parser.add_argument("--network", action="store_true", help="with --fit: the network's opinion is one of the cues")
    parser.add_argument(
        "--first-visit", action="store_true", help="what single pictures tell, on tiles for tuning, instead"
    )
    parser.add_argument("--fit", action="store_true", help="print the weights of the cues instead")
    args = parser.parse_args()
    if not FOLDER.is_dir():
        print(f"shared data missing: {FOLDER} (set PATROL_SHARED_DATA)", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    cv2.setRNGSeed(1)
    if args.fit:
        fitted(args.first, args.pairs, network_if_any() if args.network else None)
        return 0
    if args.first_visit:
        first_visits(args.first, args.pairs)
        return 0
    table(args.first, args.pairs, args.rows)
    table_of_real_pairs()
    return 0


if __name__ == "__main__":
    sys.exit(main())
