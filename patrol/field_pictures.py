"""What people have called a false alert, as pictures a network can learn from: fetched from the centre, cut to the thing.

Only the piece around the alert's rectangle is taken: it holds nothing that the network should find, which its empty label file
says. Of the rest of the picture nobody has said anything. The folder is what `patrol model dataset add` takes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np

from patrol.errors import CenterUnreachable, Text, UsageError

MARGIN = 0.4  # of the rectangle's size, on each side: enough to see what it was, little enough to hold nothing else
LEAST_PX = 128  # smaller pieces show a network nothing
TIMEOUT_S = 30.0
PAGE = 200
PAGES = 500  # cases further back than this are not looked for
REASONS, COLUMNS = "reasons.csv", ("file", "reason", "group")


def piece_of(region: Mapping[str, float], size_px: tuple[int, int]) -> tuple[int, int, int, int]:
    """x_min, y_min, x_max, y_max of the piece of a picture of this (width, height) that shows an alert's region."""
    (width, height), (x0, y0, x1, y1) = size_px, (region[k] for k in ("x_min_px", "y_min_px", "x_max_px", "y_max_px"))
    scale_x, scale_y = width / region["width_px"], height / region["height_px"]
    middle_x, middle_y = (x0 + x1) / 2 * scale_x, (y0 + y1) / 2 * scale_y
    half_x = max((x1 - x0) * scale_x * (0.5 + MARGIN), LEAST_PX / 2)
    half_y = max((y1 - y0) * scale_y * (0.5 + MARGIN), LEAST_PX / 2)
    left, top = max(int(middle_x - half_x), 0), max(int(middle_y - half_y), 0)
    return left, top, min(int(middle_x + half_x) + 1, width), min(int(middle_y + half_y) + 1, height)


def collect(
    center_url: str, numbers: Sequence[str], folder: Path, tell: Callable[[str, int], None] = lambda _, __: None
) -> int:
    """Fetch the pictures of these cases into `folder` (images/, labels/, reasons.csv); how many are new there.

    `tell` hears each case number with its count: 0 where all are there already, or the centre has none yet. Raises
    CenterUnreachable, UsageError for a number that the centre does not know.
    """
    with httpx.Client(base_url=center_url, timeout=TIMEOUT_S, trust_env=False) as client:
        found = _incidents(client, set(numbers))
        unknown = [number for number in numbers if number not in found]
        if unknown:
            raise UsageError(kind=Text("case", "案件"), name=", ".join(unknown), known=f"{center_url}/api/v1/incidents")
        count = 0
        for number in numbers:
            added = _take(client, number, _json(client, f"/api/v1/incidents/{found[number]}"), folder)
            tell(number, added)
            count += added
        return count


def _incidents(client: httpx.Client, wanted: set[str]) -> dict[str, str]:
    """Case number to incident id, of those wanted."""
    found: dict[str, str] = {}
    before = ""
    for _ in range(PAGES):
        page = _json(client, f"/api/v1/incidents?state=all&limit={PAGE}{before}")["incidents"]
        found |= {one["case_number"]: one["incident_id"] for one in page if one["case_number"] in wanted}
        if len(page) < PAGE or len(found) == len(wanted):
            break
        before = f"&before={page[-1]['incident_id']}"
    return found


def _take(client: httpx.Client, number: str, detail: Mapping[str, Any], folder: Path) -> int:
    evidence = {one["sha256"]: one for one in detail["evidence"]}
    added = 0
    for alert in detail["alerts"]:
        frames = [evidence[sha] for sha in alert["evidence"] if sha in evidence and evidence[sha]["role"] == "frame"]
        for frame in frames:
            if frame["url"] is None:
                continue  # the box has not brought it yet
            picture = cv2.imdecode(np.frombuffer(_answer(client, frame["url"]).content, np.uint8), cv2.IMREAD_COLOR)
            if picture is not None:
                x0, y0, x1, y1 = piece_of(alert["region"], (picture.shape[1], picture.shape[0]))
                piece = np.asarray(picture[y0:y1, x0:x1], np.uint8)
                added += _keep(folder, f"{number}-{frame['sha256'][:12]}", piece, f"{alert['box']}/{alert['camera']}")
    return added


def _keep(folder: Path, stem: str, piece: Any, group: str) -> int:
    """1 when it is new there. What one camera saw stays together when pictures are split."""
    images, labels, reasons = folder / "images", folder / "labels", folder / REASONS
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(exist_ok=True)
    if (images / f"{stem}.jpg").exists():
        return 0
    (images / f"{stem}.jpg").write_bytes(cv2.imencode(".jpg", piece, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    (labels / f"{stem}.txt").write_text("", encoding="utf-8")
    is_new = not reasons.exists()
    with reasons.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        if is_new:
            writer.writerow(COLUMNS)
        writer.writerow([f"{stem}.jpg", "false", group])
    return 1


def _json(client: httpx.Client, path: str) -> Any:
    return _answer(client, path).json()


def _answer(client: httpx.Client, path: str) -> httpx.Response:
    try:
        return client.get(path).raise_for_status()
    except httpx.HTTPError as err:
        raise CenterUnreachable(url=client.base_url, cause=err) from err
