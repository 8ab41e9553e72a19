"""A flight as a page: map of planned and flown, height, battery, figures, events. Pure; one file, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from patrol.errors import Language
from patrol.flight.record import FlightSummary
from patrol.flight.words import WORDS, outcome_said, said
from patrol.geo import LatLon, LocalFrame

Point = tuple[float, float]
WIDTH, MAP_HEIGHT, CHART_HEIGHT, EDGE = 860, 560, 190, 46
PLANNED, FLOWN, BAD, FENCE, SHOT = "#8a94a6", "#1463c4", "#c62828", "#2e7d32", "#e08a00"
STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans CJK SC','Noto Sans SC',sans-serif;margin:2rem auto;max-width:900px;padding:0 1rem;"
    "color:#1b2330;background:#fff}h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;border-bottom:1px solid #dfe4ec;text-align:left;"
    "vertical-align:top}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}svg{width:100%;height:auto;display:block}"
    "svg text{font-size:12px;fill:#4a5568}.bad{color:#c62828}.good{color:#2e7d32}.key span{display:inline-block;width:1.6em;"
    "height:.25em;vertical-align:middle;margin:0 .4em 0 1em}"
)


def draw(flight: FlightSummary, language: Language) -> str:
    """The page in one language."""
    w = {key: text.zh if language == "zh-CN" else text.en for key, text in WORDS.items()}
    title = f"{flight.plan} · {flight.id}"
    good = "good" if flight.outcome in {"landed", "returned"} else "bad"
    outcome = outcome_said(flight, language)
    key = "".join(
        f'<span style="background:{colour}"></span>{w[word]}'
        for word, colour in (
            ("planned", PLANNED),
            ("flown", FLOWN),
            ("keep-in", FENCE),
            ("no-fly", BAD),
            ("photographs", SHOT),
        )
    )
    events = "".join(
        f'<tr><td class="n">{_clock(e.t_s)}</td><td>{escape(said(e.what, language))}</td><td>{escape(e.detail)}</td></tr>'
        for e in flight.events
    )
    faults = "".join(f"<li>{escape(f.zh if language == 'zh-CN' else f.en)}</li>" for f in flight.faults)
    height = _chart([(s.t_s, s.up_m) for s in flight.track], "m", w["no-track"])
    battery = _chart(
        [(s.t_s, s.battery * 100) for s in flight.track if s.battery is not None], "%", w["no-track"], 0, 100
    )
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>"
        f'<p class="{good}"><b>{escape(outcome)}</b></p>{f"<ul>{faults}</ul>" if faults else ""}'
        f"{_figures(flight, w)}<h2>{w['map']}</h2><p class='key'>{key}</p>{_map(flight)}"
        f"<h2>{w['height']}</h2>{height}<h2>{w['battery']}</h2>{battery}"
        f"<h2>{w['events']}</h2><table><tr><th>{w['time']}</th><th>{w['what']}</th><th>{w['detail']}</th></tr>{events}</table></html>\n"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0.0), 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def _figures(flight: FlightSummary, w: dict[str, str]) -> str:
    a = flight.against
    rows = [
        (w["vehicle"], f"{flight.system} · {'PX4' if flight.firmware == 'px4' else 'ArduPilot'}"),
        (w["began"], flight.began),
        (w["distance"], f"{a.planned_m:.0f} m / {a.flown_m:.0f} m"),
        (w["duration"], f"{_clock(a.planned_s)} / {_clock(a.flown_s)}"),
        (
            w["cross-track"],
            "–" if a.cross_track_m is None else f"{a.cross_track_m:.1f} m @ {_clock(a.cross_track_at_s or 0)}",
        ),
        (w["height-off"], "–" if a.height_m is None else f"{a.height_m:.1f} m @ {_clock(a.height_at_s or 0)}"),
        (w["shots"], f"{len(flight.shots)} / {len(flight.missing_shots)}"),
        (w["breaches"], str(len(flight.breaches))),
        (w["frames"], f"{flight.frames} / {flight.frames_lost}"),
        (w["plan-hash"], flight.plan_hash[:16]),
    ]
    return "<table>" + "".join(f"<tr><th>{n}</th><td>{escape(v)}</td></tr>" for n, v in rows) + "</table>"


def _map(flight: FlightSummary) -> str:
    frame = LocalFrame(LatLon(*flight.home))

    def metres(places: Iterable[tuple[float, ...]]) -> list[Point]:
        return [tuple(frame.to_local(LatLon(p[0], p[1]))) for p in places]  # type: ignore[misc]  # two of them

    planned, flown = metres(flight.planned), metres((s.lat_deg, s.lon_deg) for s in flight.track)
    shots, bad = (
        metres((s.lat_deg, s.lon_deg) for s in flight.shots),
        metres((b.lat_deg, b.lon_deg) for b in flight.breaches),
    )
    rings = [(metres(part.ring), part.inclusion) for part in flight.fence if part.ring]
    circles = [(metres([part.centre])[0], part.radius_m or 0.0, part.inclusion) for part in flight.fence if part.centre]
    extent = [*planned, *flown, *(p for ring, _ in rings for p in ring), (0.0, 0.0)]
    extent += [(c[0] + s * r, c[1] + s * r) for c, r, _ in circles for s in (-1, 1)]
    west, south = min(p[0] for p in extent), min(p[1] for p in extent)
    scale = min(
        (WIDTH - 2 * EDGE) / max(max(p[0] for p in extent) - west, 1.0),
        (MAP_HEIGHT - 2 * EDGE) / max(max(p[1] for p in extent) - south, 1.0),
    )

    left = (WIDTH - (max(p[0] for p in extent) - west) * scale) / 2

    def at(p: Point) -> str:
        return f"{left + (p[0] - west) * scale:.1f},{MAP_HEIGHT - EDGE - (p[1] - south) * scale:.1f}"

    def dot(p: Point, radius: float, colour: str) -> str:
        x, y = at(p).split(",")
        return f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" fill="{colour}"/>'

    parts = [f'<svg viewBox="0 0 {WIDTH} {MAP_HEIGHT}" role="img"><rect width="100%" height="100%" fill="#f6f8fb"/>']
    for ring, keeps in rings:
        fill = "none" if keeps else "#c6282822"
        parts.append(
            f'<polygon points="{" ".join(map(at, ring))}" fill="{fill}" stroke="{FENCE if keeps else BAD}" stroke-width="1.5"/>'
        )
    for centre, radius_m, keeps in circles:
        x, y = at(centre).split(",")
        fill = "none" if keeps else "#c6282822"
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius_m * scale:.1f}" fill="{fill}" stroke="{FENCE if keeps else BAD}" stroke-width="1.5"/>'
        )
    parts.append(_line(map(at, planned), PLANNED, 4))
    parts.append(_line(map(at, flown), FLOWN, 1.8))
    parts += [dot(p, 2.5, SHOT) for p in shots] + [dot(p, 3.5, BAD) for p in bad] + [dot((0.0, 0.0), 5.0, "#1b2330")]
    step = next((s for s in (10, 20, 50, 100, 200, 500, 1000) if s * scale > 60), 2000)
    x0, y0 = EDGE, MAP_HEIGHT - 16
    parts.append(
        f'<path d="M{x0},{y0}h{step * scale:.1f}" stroke="#4a5568" stroke-width="2"/><text x="{x0}" y="{y0 - 5}">{step} m</text></svg>'
    )
    return "".join(parts)


def _line(points: Iterable[str], colour: str, width: float) -> str:
    return f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'


def _chart(points: Sequence[Point], unit: str, nothing: str, low: float = 0.0, high: float | None = None) -> str:
    if len(points) < 2:
        return f"<p>{nothing}</p>"
    top = high if high is not None else max(max(v for _, v in points) * 1.1, 10.0)
    begin, end = points[0][0], max(points[-1][0], points[0][0] + 1.0)

    def at(p: Point) -> str:
        x = EDGE + (p[0] - begin) / (end - begin) * (WIDTH - 2 * EDGE)
        y = CHART_HEIGHT - 24 - (p[1] - low) / (top - low) * (CHART_HEIGHT - 40)
        return f"{x:.1f},{y:.1f}"

    parts = [f'<svg viewBox="0 0 {WIDTH} {CHART_HEIGHT}" role="img"><rect width="100%" height="100%" fill="#f6f8fb"/>']
    for share in (0.0, 0.5, 1.0):
        value = low + share * (top - low)
        x, y = at((begin, value)).split(",")
        parts.append(
            f'<path d="M{x},{y}H{WIDTH - EDGE}" stroke="#dfe4ec"/><text x="{EDGE - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{value:.0f}</text>'
        )
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        when = begin + share * (end - begin)
        x = at((when, low)).split(",")[0]
        parts.append(f'<text x="{x}" y="{CHART_HEIGHT - 6}" text-anchor="middle">{_clock(when).split(".")[0]}</text>')
    parts.append(_line(map(at, points), FLOWN, 1.8) + f'<text x="{EDGE}" y="12">{unit}</text></svg>')
    return "".join(parts)
