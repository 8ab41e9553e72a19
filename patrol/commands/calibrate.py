"""`patrol calibrate`: where a fixed camera hangs and where it looks, from points that are known on the map."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import click
import numpy as np

from patrol.commands.options import district_option
from patrol.config import load
from patrol.errors import CalibrationRefused, FileUnusable, PointsUnreadable, Text
from patrol.geo import Camera, EastNorth, Floats, Lens, LocalFrame
from patrol.resection import Resection, resect
from patrol.terminal import Finite, language_of

HEADING = Text(" n      x px      y px   off px    off m", "序    x 像素    y 像素  偏差 px   偏差 m")
SUSPECT = Text("  <- does not fit the others: picked or measured wrongly?", "  <- 与其他点不符：是否选错或量错？")
RMS = Text("rms {rms_px:.2f} px", "均方根 {rms_px:.2f} 像素")
COLUMNS = ("x_px", "y_px", "longitude_deg", "latitude_deg")


@click.command("calibrate")
@click.argument("points", type=click.Path(path_type=Path))
@click.option(
    "--camera", "camera_id", required=True, help="The camera of the configuration; its pose is the first guess."
)
@district_option
@click.option(
    "--picked",
    "picked_px",
    type=Finite(0.1, 100),
    default=1.0,
    show_default=True,
    help="How well points are picked, pixels.",
)
def command(points: Path, camera_id: str, config_path: Path, picked_px: float) -> None:
    """Find the pose of a fixed camera from at least four points that are known in its picture and on the map.

    POINTS is a CSV file: x_px,y_px,longitude_deg,latitude_deg,height_m (above the ground that the camera watches; 0
    when left out). Good points are corners of kerbs, drains, wall feet: six or more, near and far, not on one line.
    Prints how far each point is off, and the pose to put into the configuration with how well it is known.

    \b
    patrol calibrate gate-points.csv --camera gate
    """
    config = load(config_path)
    camera = config.camera(camera_id)
    if camera.pose is None:
        cause = Text(
            f"'{camera_id}' has none to begin with: write roughly where it hangs",
            f"“{camera_id}”没有初始位姿：请先写上大致安装位置",
        )
        raise CalibrationRefused(cause=cause)
    lens = camera.lens.geo
    seen, places, heights_m = read_points(points)
    frame = LocalFrame(camera.pose.at)
    known = np.column_stack([frame.many_to_local(places[:, 0], places[:, 1]), heights_m])
    found = resect(lens, seen, known, camera.pose.geo(frame), picked_px)
    click.echo(report(found, lens, seen, known, frame))


def read_points(path: Path) -> tuple[Floats, Floats, Floats]:
    """(n, 2) pixels, (n, 2) latitude and longitude, (n,) heights in metres. Raises PointsUnreadable, FileUnusable."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except OSError as err:
        raise FileUnusable(path=str(path), cause=err.strerror or str(err)) from err
    except UnicodeDecodeError as err:
        raise FileUnusable(path=str(path), cause=Text("it is no UTF-8 text", "它不是 UTF-8 文本")) from err
    except csv.Error as err:
        raise PointsUnreadable(path=path, line=reader.line_num, cause=str(err)) from err
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise PointsUnreadable(
            path=path, line=1, cause=Text(f"columns {', '.join(COLUMNS)} are needed", f"需要列 {'、'.join(COLUMNS)}")
        )
    numbers = []
    for line, row in enumerate(rows, 2):
        try:
            x, y, lon, lat = (float(row[name]) for name in COLUMNS)
            height_m = float(row.get("height_m") or 0.0)
        except (TypeError, ValueError) as err:
            cells = ",".join(str(row[name] or "") for name in row if name is not None)
            cause = Text(f"'{cells}' is not one number for each column", f"“{cells}”不是每列一个数")
            raise PointsUnreadable(path=path, line=line, cause=cause) from err
        if not (abs(lat) <= 90.0 and abs(lon) <= 180.0):
            cause = Text(
                f"latitude {lat} and longitude {lon} are no place: swapped?",
                f"纬度 {lat}、经度 {lon} 不成立：是否写反？",
            )
            raise PointsUnreadable(path=path, line=line, cause=cause)
        numbers.append((x, y, lat, lon, height_m))
    table = np.array(numbers)
    return table[:, :2], table[:, 2:4], table[:, 4]


def report(found: Resection, lens: Lens, seen: Floats, known: Floats, frame: LocalFrame) -> str:
    """What each point is off, then the pose as it stands in the configuration."""
    pose, sigma = found.pose, found.sigma
    ground = [Camera(lens, pose).to_plane([pixel], height)[0] for pixel, height in zip(seen, known[:, 2], strict=True)]
    off_m = np.hypot(*(np.array(ground) - known[:, :2]).T)
    language = language_of(os.environ)
    lines = [HEADING.said_in(language)]
    for n, ((x, y), off) in enumerate(zip(seen, found.off_px, strict=True)):
        mark = SUSPECT.said_in(language) if n == found.suspect else ""
        lines.append(f"{n + 1:2d} {x:9.1f} {y:9.1f} {np.hypot(*off):8.2f} {off_m[n]:8.2f}{mark}")
    at = frame.to_wgs84(EastNorth(pose.east_m, pose.north_m))
    lines += [
        RMS.render(language, rms_px=found.rms_px),
        "",
        "pose:",
        f"  at: [{at.lon_deg:.7f}, {at.lat_deg:.7f}]",
        f"  height_m: {pose.up_m:.2f}",
        f"  yaw_deg: {pose.yaw_deg % 360.0:.2f}",
        f"  pitch_deg: {pose.pitch_deg:.2f}",
        f"  roll_deg: {pose.roll_deg:.2f}",
        f"  sigma_position_m: {sigma.position_m:.2f}",
        f"  sigma_height_m: {sigma.height_m:.2f}",
        f"  sigma_yaw_deg: {sigma.yaw_deg:.2f}",
        f"  sigma_tilt_deg: {sigma.tilt_deg:.2f}",
    ]
    return "\n".join(lines)
