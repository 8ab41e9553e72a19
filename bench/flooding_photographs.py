"""Real photographs from above, which have no pose: what of dry ones is taken for water, and how large the map makes flooded regions."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from patrol_edge.detector import Detector
from patrol_edge.rules.flooding import MEASURED, SEAM_M, STRIP_M, SURE, WATER
from patrol_edge.rules.water import SURELY, joined_to, map_bounds, without_strips
from patrol_edge.video import read_picture

DATA = Path(os.environ.get("PATROL_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
STRIP_SQUARES, LEAST_SQUARES = 6.0, 300  # photographs have no pose: as if a square were half a metre
DRY = {
    "towns": "roofs/tiles/OAM-38670*.jpg",
    "streets": "aerial_vehicles/images/val/*.jpg",
}  # the sides no recipe trains on


def photographs(network: Detector) -> None:
    """Print whether the map's part of the interval holds on real pictures: each flooded region by its pixels."""
    folder, rows, missed = DATA / "flood_aerial", [], 0
    for path in sorted((folder / "images" / "val").glob("*.jpg")):
        image = read_picture(path)
        mask = cv2.imread(str(folder / "masks" / "val" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if image is None or mask is None:
            continue
        shares = network.detect(image).maps[WATER]
        height, width = shares.shape
        truth = cv2.resize((mask > 190).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(truth, connectivity=8)
        core = without_strips(shares >= SURE * 255, STRIP_SQUARES)
        wide = without_strips(shares >= MEASURED * 255, STRIP_SQUARES * SEAM_M / STRIP_M) | core
        reports: set[bytes] = set()
        for number in range(1, count):
            wet = joined_to(wide, core & (labels == number))
            if stats[number, cv2.CC_STAT_AREA] < LEAST_SQUARES or wet.tobytes() in reports:
                continue
            reports.add(wet.tobytes())
            if not wet.any():
                missed += 1
                continue
            area = float(wet.sum())
            least, most = map_bounds(float((wet & (shares >= SURELY)).sum()) / area)
            joined = float(np.isin(labels, np.unique(labels[wet & (labels > 0)])).sum())
            rows.append((area, joined, least * area <= joined <= most * area))
    if not rows:
        print(f"skipped: {folder} is not on this machine (set PATROL_SHARED_DATA)")
        return
    error = [abs(said / joined - 1) for said, joined, _ in rows]
    print(
        f"photographs: {len(rows)} waters reported ({missed} pictures with regions not seen); error of their size, pixels: median "
        f"{np.median(error):.1%}; the map's part of the interval holds {np.mean([held for *_, held in rows]):.0%}"
    )


def dry(network: Detector) -> None:
    """Print how much of pictures without water is taken for water, at the share that begins a pool and at one half."""
    for name, pattern in DRY.items():
        paths = sorted(DATA.glob(pattern))
        if not paths:
            print(f"skipped: {DATA / pattern} is not on this machine (set PATROL_SHARED_DATA)")
            continue
        shares = [network.detect(np.asarray(cv2.imread(str(path)), np.uint8)).maps["water"] for path in paths]
        half, sure = (np.array([float((share >= 255 * level).mean()) for share in shares]) for level in (0.5, 0.9))
        print(
            f"dry, {name}: {len(paths)} pictures, taken for water on average {half.mean():.1%} of them (surely {sure.mean():.1%}); "
            f"more than a fiftieth in {int((half > 0.02).sum())} of them (surely in {int((sure > 0.02).sum())})"
        )
