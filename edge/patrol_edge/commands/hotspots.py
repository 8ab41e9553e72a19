"""`patrol-edge hotspots`: what is hot in thermal pictures, measured and named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from patrol.config.zones import ThermalConfig
from patrol.errors import FileUnusable, Language, SourceError
from patrol.geo import Camera, EastNorth, LatLon, Lens, LocalFrame, Pose, PoseSigma
from patrol.terminal import Finite
from patrol_edge.frame import Image
from patrol_edge.rules.hotspots import HotKind, HotSpot, Thresholds, find, find_relative, ground_area, no_area
from patrol_edge.thermal.files import Thermogram, read_thermogram

# what a drone's own report of its place and gimbal is good for, as standard deviations
CARRIED_SIGMA = PoseSigma(position_m=2.0, height_m=2.0, yaw_deg=2.0, tilt_deg=0.5)
SHOWN = 10  # hot things listed for one picture; the summary counts all
COLOURS = {HotKind.FIRE: (60, 60, 255), HotKind.HEATED_SURFACE: (200, 200, 60), HotKind.WARM_OBJECT: (200, 200, 60)}
WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "file": "{name}: {kind}, {width} x {height}, min {min:.1f}  median {median:.1f}  p99 {p99:.1f}  max {max:.1f} °C",
        "colours": "{name}: colours only, {width} x {height}: relative, nothing here is a temperature",
        "spot": "  {word}: {peak_c:.1f} °C, {contrast:.0f} °C above its surroundings, {area_px} px{size} at {x},{y}{where}",
        "relative": "  {word}: {contrast:.0%} of the grey range above its surroundings, {area_px} px at {x},{y}",
        "more": "  and {count} more",
        "no placing": " (no placing)",
        "summary": "{files} pictures, {failed} unreadable, {fires} with a fire",
        "fire": "FIRE", "hot-point": "hot point, small and isolated", "hot-strip": "hot strip, small and narrow",
        "heated-surface": "heated surface", "warm-object": "warm object", "known-heat": "known heat", "relative-kind": "bright spot",
        "tiff": "float TIFF", "counts": "16-bit counts", "flir": "FLIR", "dji": "DJI",
    },
    "zh-CN": {
        "file": "{name}：{kind}，{width} x {height}，最低 {min:.1f}  中位 {median:.1f}  99% 分位 {p99:.1f}  最高 {max:.1f} °C",
        "colours": "{name}：只有颜色，{width} x {height}：只能相对比较，这里没有温度",
        "spot": "  {word}：{peak_c:.1f} °C，比周围高 {contrast:.0f} °C，{area_px} 像素{size}，位于 {x},{y}{where}",
        "relative": "  {word}：比周围高出灰度范围的 {contrast:.0%}，{area_px} 像素，位于 {x},{y}",
        "more": "  另有 {count} 处",
        "no placing": "（无法定位）",
        "summary": "{files} 幅图，{failed} 幅无法读取，{fires} 幅有火情",
        "fire": "火情", "hot-point": "孤立小热点", "hot-strip": "细长热点", "heated-surface": "受热表面", "warm-object": "温热物体",
        "known-heat": "已知热源", "relative-kind": "亮斑",
        "tiff": "浮点 TIFF", "counts": "16 位计数", "flir": "FLIR", "dji": "大疆",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """One picture with what is hot in it; `camera` and `frame` when the picture says where it was taken."""

    path: Path
    read: Thermogram
    spots: list[HotSpot]
    camera: Camera | None
    frame: LocalFrame | None


def judged(path: Path, thermal: ThermalConfig, limits: Thresholds) -> Judged:
    """Decode one picture and find what is hot. Raises SourceMissing, ThermogramUnusable, DecoderMissing."""
    read = read_thermogram(path, thermal)
    height, width = read.image.shape[:2]
    watched = np.ones((height, width), bool)
    camera = frame = None
    if read.pose is not None:
        p = read.pose
        camera = Camera(
            Lens.from_hfov(width, height, p.hfov_deg), Pose(0, 0, p.height_m, p.yaw_deg, p.pitch_deg, p.roll_deg)
        )
        frame = None if p.lat_deg is None or p.lon_deg is None else LocalFrame(LatLon(p.lat_deg, p.lon_deg))
    if read.celsius is None:
        return Judged(path, read, find_relative(read.image, watched), camera, frame)
    area_of = no_area if camera is None else ground_area(camera)
    return Judged(path, read, find(read.celsius, watched, limits, area_of), camera, frame)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each picture, then a summary.")
@click.option("--png", type=click.Path(path_type=Path), help="Folder for pictures with everything hot drawn in.")
@click.option("--hot-c", type=Finite(), default=60.0, show_default=True, help="What is colder is not hot, in °C.")
@click.option(
    "--fire-c", type=Finite(), default=150.0, show_default=True, help="Sun and machines stay below this, in °C."
)
@click.option("--emissivity", type=Finite(0.1, 1), help="Of the surfaces.  [default: what the picture says]")
@click.option("--range-m", type=Finite(0), help="Distance of the surfaces.  [default: what the picture says]")
@click.pass_context
def hotspots(
    context: click.Context,
    files: tuple[Path, ...],
    as_json: bool,
    png: Path | None,
    hot_c: float,
    fire_c: float,
    emissivity: float | None,
    range_m: float | None,
) -> None:
    """List what is hot in thermal pictures: fires, hot points, heated surfaces, each with temperature, size and place.

    Reads float and 16-bit TIFF, FLIR and DJI R-JPEG. Pictures that hold only colours are compared, not measured.
    A damaged file is named with its remedy and the others go on; the exit code is then 2.

    \b
    patrol-edge hotspots flight/*.JPG --png marked
    """
    language: Language = context.meta["language"]
    thermal = ThermalConfig(emissivity=emissivity, range_m=range_m)
    failed = fires = 0
    marks = marked_names(files)
    for path, mark in zip(files, marks, strict=True):
        try:
            found = judged(path, thermal, Thresholds(hot_c=hot_c, fire_c=fire_c))
        except SourceError as err:
            failed += 1
            click.echo(f"patrol-edge: {err.explain(language)}", err=True)
            continue
        fires += any(spot.kind is HotKind.FIRE for spot in found.spots)
        click.echo(json.dumps(as_object(found), ensure_ascii=False) if as_json else "\n".join(lines(found, language)))
        if png is not None:
            png.mkdir(parents=True, exist_ok=True)
            marked = png / mark
            if not cv2.imwrite(str(marked), drawn(found)):
                raise FileUnusable(path=str(marked), cause="the picture was not written")
    summary = {"files": len(files), "failed": failed, "fires": fires}
    click.echo(json.dumps({"summary": True, **summary}) if as_json else WORDS[language]["summary"].format(**summary))
    if failed:
        context.exit(2)


def marked_names(files: Sequence[Path]) -> list[str]:
    """A name for the marked picture of each file, none twice: `a.png`, and `a-2.png` for the next that is called `a`."""
    names = list[str]()
    for path in files:
        name, n = f"{path.stem}.png", 1
        while name.lower() in {other.lower() for other in names}:
            n += 1
            name = f"{path.stem}-{n}.png"
        names.append(name)
    return names


def lines(found: Judged, language: Language) -> list[str]:
    """What a person reads about one picture."""
    words, read = WORDS[language], found.read
    height, width = read.image.shape[:2]
    head = {"name": found.path.name, "width": width, "height": height}
    if read.celsius is None:
        told = [words["colours"].format(**head)]
    else:
        told = [words["file"].format(**head, kind=words[read.kind], **statistics(read.celsius))]
    told += [_spot_line(spot, found, words) for spot in found.spots[:SHOWN]]
    if len(found.spots) > SHOWN:
        told.append(words["more"].format(count=len(found.spots) - SHOWN))
    return told


def statistics(celsius: np.ndarray[Any, np.dtype[np.float32]]) -> dict[str, float]:
    """Lowest, median, 99 % quantile and highest reading, °C."""
    known = celsius[np.isfinite(celsius)]
    return {
        "min": float(known.min()),
        "median": float(np.median(known)),
        "p99": float(np.percentile(known, 99)),
        "max": float(known.max()),
    }


def _spot_line(spot: HotSpot, found: Judged, words: dict[str, str]) -> str:
    x, y = spot.hottest_px
    facts = {"contrast": spot.contrast, "area_px": spot.area_px, "x": x, "y": y}
    if spot.peak_c is None:
        return words["relative"].format(word=words["relative-kind"], **facts)
    place = place_of(spot, found)
    where = "" if place is None else f" {place[0]:.6f},{place[1]:.6f} ± {place[2]:.0f} m"
    size = words["no placing"] if spot.area_m2 is None else f" ({spot.area_m2:.1f} m²)"
    return words["spot"].format(word=words[spot.kind.value], peak_c=spot.peak_c, size=size, where=where, **facts)


def place_of(spot: HotSpot, found: Judged) -> tuple[float, float, float] | None:
    """Latitude, longitude and 95 % radius of the hottest pixel on flat ground, from what the picture says of its pose."""
    if found.camera is None or found.frame is None:
        return None
    ground = found.camera.locate((float(spot.hottest_px[0]), float(spot.hottest_px[1])), CARRIED_SIGMA)
    if ground is None:
        return None
    at = found.frame.to_wgs84(EastNorth(ground.east_m, ground.north_m))
    return at.lat_deg, at.lon_deg, ground.ellipse_95[0]


def as_object(found: Judged) -> dict[str, Any]:
    """The same for machines."""
    spots = []
    for spot in found.spots:
        place = place_of(spot, found)
        spots.append(
            {
                "kind": spot.kind.value, "peak_c": _round(spot.peak_c), "surroundings_c": _round(spot.background_c),
                "contrast": round(spot.contrast, 2), "area_px": spot.area_px, "area_m2": _round(spot.area_m2),
                "fire_px": spot.core_px, "hottest_px": list(spot.hottest_px), "box_px": list(spot.box_px),
                "place": None if place is None else {"lat_deg": place[0], "lon_deg": place[1], "accuracy_m": round(place[2], 1)},
            }
        )  # fmt: skip
    celsius = found.read.celsius
    measured = None if celsius is None else {k: round(v, 3) for k, v in statistics(celsius).items()}
    return {"file": str(found.path), "kind": found.read.kind, "celsius": measured, "spots": spots}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def drawn(found: Judged) -> Image:
    """The picture with a box around everything hot, fires in red, and the temperature of the hottest pixel."""
    picture = found.read.image.copy()
    spots: Sequence[HotSpot] = found.spots
    for spot in reversed(spots):
        x0, y0, x1, y1 = (round(v) for v in spot.box_px)
        colour = COLOURS.get(spot.kind, (255, 255, 255))
        cv2.rectangle(picture, (x0 - 4, y0 - 4), (x1 + 4, y1 + 4), colour, 1)
        if spot in spots[:SHOWN]:
            said = spot.kind.value + ("" if spot.peak_c is None else f" {spot.peak_c:.0f} C")
            at = (min(x1 + 8, picture.shape[1] - 130), max(12, y0))
            cv2.putText(picture, said, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.putText(picture, said, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return picture
