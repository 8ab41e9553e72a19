"""Radiometric pictures of the shared set: how far from the reference, what is named fire, what else is hot, what it costs.

make bench-thermal        (python -m bench.thermal; real data from ../shared/data or PATROL_SHARED_DATA)
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path

import numpy as np

from patrol.config.zones import ThermalConfig
from patrol_edge.commands.hotspots import judged, statistics
from patrol_edge.rules.hotspots import HotKind, Thresholds

SHARED = Path(os.environ.get("PATROL_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def main() -> int:
    """Print the table; 1 when a promise of the hazard's card does not hold, 2 when the data is missing."""
    folder = SHARED / "thermal_radiometric"
    if not folder.is_dir():
        print(f"shared data missing: {folder} (set PATROL_SHARED_DATA)", file=sys.stderr)
        return 2
    with (folder / "reference_celsius.csv").open(encoding="utf-8", newline="") as file:
        reference = {row["file"]: row for row in csv.DictReader(file)}
    paths = [folder / name for name in reference] + sorted((folder / "wildfire_noncommercial").glob("*.tiff"))
    print(
        f"{'picture':<30} {'max °C':>7} {'off by':>7} {'fires':>5} {'fire px':>7} {'points':>6} {'>100 °C':>7} {'ms':>6}"
    )
    worst_c, city_fires, found, points_above_100 = 0.0, 0, 0, 0
    for path in paths:
        began_s = time.perf_counter()
        seen = judged(path, ThermalConfig(), Thresholds())
        took_ms = 1000 * (time.perf_counter() - began_s)
        if seen.read.celsius is None:
            print(f"{path.name}: no temperatures", file=sys.stderr)
            return 1
        have, row = statistics(seen.read.celsius), reference.get(path.name)
        off_c = None if row is None else max(abs(v - float(row[k])) for k, v in have.items())
        fires = [s for s in seen.spots if s.kind is HotKind.FIRE]
        points = [s for s in seen.spots if s.kind in (HotKind.HOT_POINT, HotKind.HOT_STRIP)]
        above = sum(1 for s in points if (s.peak_c or 0) > 100)
        if row is None:
            found += bool(fires)
        else:
            worst_c, city_fires, points_above_100 = (
                max(worst_c, off_c or 0.0),
                city_fires + len(fires),
                points_above_100 + above,
            )
        said = "-" if off_c is None else f"{off_c:.4f}"
        area = sum(s.area_px for s in fires)
        print(
            f"{path.name:<30} {have['max']:>7.1f} {said:>7} {len(fires):>5} {area:>7} {len(points):>6} {above:>7} {took_ms:>6.0f}"
        )
    print(
        f"\nfurthest from the reference {worst_c:.4f} °C; fires found in {found} of {len(paths) - len(reference)} pictures of fires; "
        f"fires named in the {len(reference)} city pictures: {city_fires}; hot points above 100 °C there: {points_above_100}"
    )
    ok = worst_c <= 2 and city_fires == 0 and found == len(paths) - len(reference) and np.isfinite(worst_c)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
