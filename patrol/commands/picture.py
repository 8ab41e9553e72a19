"""A plan as a picture: map, height and battery over time. PNG, or a page with SVG that needs no network."""

from __future__ import annotations

import base64
import warnings
from html import escape
from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from patrol.geo import Floats
from patrol.planning.airspace import Circle
from patrol.planning.footprints import footprints_m
from patrol.planning.ground import Ground
from patrol.planning.plan import FlightPlan
from patrol.planning.region import ring_m, zone_shape

Outline = tuple[Floats, str, str, float, float, int]
MAX_FOOTPRINTS = 1500  # more only make the picture grey
CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei")  # fmt: skip
WORDS = {
    "map": ("metres east and north of home", "以起飞点为原点，向东/向北(米)"),
    "height": ("height above home, m", "相对起飞点高度(米)"),
    "battery": ("battery, %", "电量(%)"),
    "time": ("minutes from take-off, sorties one after the other", "起飞后分钟数，各架次依次排列"),
    "reserve": ("reserve", "储备"),
    "home": ("home", "起飞点"),
    "landing": ("landing point", "降落点"),
}


def draw_png(plan: FlightPlan) -> bytes:
    """The picture as PNG. Chinese beside English where a Chinese font is installed."""
    return _render(plan, "png", _chinese_font())


def _chinese_font() -> str | None:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in installed), None)


def draw_html(plan: FlightPlan) -> str:
    """A page with the picture and the figures, in both languages."""
    picture = base64.b64encode(_render(plan, "svg", _chinese_font() or "sans-serif")).decode()
    rows = "".join(
        f"<tr><td>{n}</td><td>{s.duration_s / 60:.1f}</td><td>{s.distance_m / 1000:.2f}</td><td>{len(s.shots)}</td>"
        f"<td>{s.used_wh:.0f}</td><td>{1 - s.used_wh / plan.drone.battery_wh:.0%}</td></tr>"
        for n, s in enumerate(plan.sorties, 1)
    )
    notes = "".join(f"<li>{escape(n.explain('zh-CN'))}<br>{escape(n.explain('en'))}</li>" for n in plan.notes)
    covered = ""
    if plan.coverage is not None:
        c = plan.coverage
        covered = (
            f"<p>覆盖率 coverage {c.covered:.2%} · 可到达部分 of what can be reached {c.covered_of_reachable:.2%}</p>"
        )
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(plan.name)}</title>"
        "<style>body{font-family:system-ui,sans-serif;max-width:72rem;margin:1rem auto;padding:0 1rem}"
        "img{width:100%}td,th{padding:.2rem .8rem;text-align:right}</style>"
        f"<h1>{escape(plan.name)}</h1>{covered}"
        f'<img alt="{escape(plan.name)}" src="data:image/svg+xml;base64,{picture}">'
        "<table><tr><th>架次 sortie</th><th>分钟 min</th><th>公里 km</th><th>照片 photos</th><th>瓦时 Wh</th>"
        f"<th>剩余 left</th></tr>{rows}</table><ul>{notes}</ul></html>\n"
    )


def _render(plan: FlightPlan, kind: str, font: str | None) -> bytes:
    with (
        warnings.catch_warnings(),
        mpl.rc_context(
            {"svg.hashsalt": plan.name, "svg.fonttype": "none", "font.family": font or "DejaVu Sans", "font.size": 9}
        ),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # an SVG holds text: the browser has the font
        figure = Figure(figsize=(12, 10), layout="constrained")
        grid = figure.add_gridspec(3, 1, height_ratios=[5, 1.2, 1.2])
        _map(figure.add_subplot(grid[0]), plan, font)
        _profiles(figure.add_subplot(grid[1]), figure.add_subplot(grid[2]), plan, font)
        buffer = BytesIO()
        figure.savefig(buffer, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else None)
        return buffer.getvalue()


def _say(word: str, font: str | None) -> str:
    english, chinese = WORDS[word]
    return english if font is None else f"{english} {chinese}"


def _map(axes: Axes, plan: FlightPlan, font: str | None) -> None:
    frame, drone = plan.frame, plan.drone
    for shape in _outlines(plan):
        axes.add_patch(Polygon(shape[0], closed=True, fill=shape[1] != "none", facecolor=shape[1], edgecolor=shape[2], alpha=shape[3], linewidth=shape[4], zorder=shape[5]))  # fmt: skip
    shots = plan.shots
    step = max(1, len(shots) // MAX_FOOTPRINTS)
    for corners in footprints_m(shots[::step], drone.camera.lens, Ground(frame, plan.airspace.terrain)):
        if np.isfinite(corners).all():
            axes.add_patch(Polygon(corners, closed=True, facecolor="#3b82f6", edgecolor="none", alpha=0.05, zorder=2))
    colours = mpl.colormaps["tab10"]
    for n, sortie in enumerate(plan.sorties):
        points = np.array([(w.east_m, w.north_m) for w in sortie.waypoints])
        axes.plot(points[:, 0], points[:, 1], "-", color=colours(n % 10), linewidth=1.1, zorder=5, label=str(n + 1))
    if shots:
        axes.plot([s.east_m for s in shots], [s.north_m for s in shots], ".", color="#1e3a8a", markersize=1.6, zorder=6)
    axes.plot(0, 0, "k^", markersize=8, zorder=7, label=_say("home", font))
    spots = [frame.to_local(p) for p in plan.landing_points]
    if spots:
        label = _say("landing", font)
        axes.plot([s[0] for s in spots], [s[1] for s in spots], "ks", markersize=5, zorder=7, label=label)
    xs = [w.east_m for s in plan.sorties for w in s.waypoints]
    ys = [w.north_m for s in plan.sorties for w in s.waypoints]
    pad = 0.12 * max(max(xs) - min(xs), max(ys) - min(ys), 100.0)
    axes.set_xlim(min(xs) - pad, max(xs) + pad)
    axes.set_ylim(min(ys) - pad, max(ys) + pad)
    axes.set_aspect("equal")
    axes.set_xlabel(_say("map", font))
    axes.legend(loc="upper right", fontsize=7)
    axes.set_title(plan.name)


def _outlines(plan: FlightPlan) -> list[Outline]:
    """Corners, fill, edge, opacity, line width and layer of everything that is an area."""
    frame, sky = plan.frame, plan.airspace
    found: list[Outline] = []
    if sky.boundary:
        found.append((ring_m(frame, sky.boundary), "none", "#111827", 0.8, 1.5, 3))
    found += [(ring_m(frame, ring), "#d1fae5", "#059669", 0.7, 1.0, 1) for ring in plan.targets if len(ring) > 2]
    found += [(ring_m(frame, b.ring), "#9ca3af", "#374151", 0.8, 0.6, 3) for b in sky.buildings]
    for zone in sky.zones:
        shape = zone_shape(zone, frame)
        outline = np.array(shape.exterior.coords) if shape.geom_type == "Polygon" else np.empty((0, 2))
        found.append((outline, "#fecaca", "#dc2626", 0.8 if isinstance(zone.shape, Circle) else 0.7, 1.2, 4))
    return found


def _profiles(height: Axes, battery: Axes, plan: FlightPlan, font: str | None) -> None:
    begin = 0.0
    colours = mpl.colormaps["tab10"]
    for n, sortie in enumerate(plan.sorties):
        rows = [(0.0, 0.0, 0.0)]
        for w, instant in zip(sortie.waypoints, sortie.instants, strict=True):
            if w.hold_s > 0.0:
                rows.append((instant.time_s - w.hold_s, w.up_m, rows[-1][2]))
            rows.append((instant.time_s, w.up_m, instant.used_wh))
        rows.append((sortie.duration_s, 0.0, sortie.used_wh))
        line = np.array(rows)
        minutes, colour = (begin + line[:, 0]) / 60.0, colours(n % 10)
        height.plot(minutes, line[:, 1], color=colour)
        battery.plot(minutes, 100.0 * (1.0 - line[:, 2] / plan.drone.battery_wh), color=colour)
        begin += sortie.duration_s
    battery.axhline(100.0 * plan.drone.reserve, color="#dc2626", linestyle="--", linewidth=0.8, label=_say("reserve", font))  # fmt: skip
    battery.legend(loc="upper right", fontsize=7)
    height.set_ylabel(_say("height", font), fontsize=7)
    battery.set_ylabel(_say("battery", font), fontsize=7)
    battery.set_xlabel(_say("time", font))
    battery.set_ylim(0, 105)
    height.grid(visible=True, alpha=0.3)
    battery.grid(visible=True, alpha=0.3)
