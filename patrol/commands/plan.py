"""`patrol plan`: flight plans from intents, judged before they are written."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import click
import yaml

from patrol.commands.flying import sky_options, terrain_of, text_of, zones_of
from patrol.config import Config, load
from patrol.errors import GeodataUnreadable, PlanDrifted, PlanUnsafe, Text
from patrol.planning.drone import Wind
from patrol.planning.encode import missions
from patrol.planning.files.exchange import write_csv, write_geojson, write_kml
from patrol.planning.files.qgc import read_plan, write_plan
from patrol.planning.files.waypoints import write_waypoints
from patrol.planning.files.wpml import write_wpml
from patrol.planning.intent import FleetIntent, SurveyIntent, parse_intent, plan_fleet_intent, plan_intent, setting_of
from patrol.planning.mission import Mission, has_place
from patrol.planning.plan import FlightPlan
from patrol.planning.safety import Rules, judge
from patrol.planning.stage import Setting
from patrol.terminal import language_of, say

FORMATS = ("plan", "waypoints", "kmz", "kml", "geojson", "csv")
SAME_DEG = 1e-7  # a centimetre: what a mission item can hold
SAME_NUMBER = 2e-3
LEFT_OUT = Text(
    "{path}: ! {names}: left out: none can see them safely and in time",
    "{path}：! {names}：未安排：没有无人机能安全并按时看到",
)
ALL_WELL = Text("OK: {count}", "正常：{count}")
PLANNED = Text(
    "{path}: {sorties} sortie(s), {km:.2f} km, {minutes:.1f} min, {photographs} photographs",
    "{path}：{sorties} 架次，{km:.2f} 公里，{minutes:.1f} 分钟，照片 {photographs} 张",
)
BEGINS = Text(", {drone} takes off at +{start_s:.0f} s", "，{drone} 于 +{start_s:.0f} 秒起飞")
COVERED = Text(
    "  covered {covered:.2%} of {ha:.2f} ha, {reachable:.2%} of what can be reached",
    "  覆盖 {ha:.2f} 公顷的 {covered:.2%}，可达部分的 {reachable:.2%}",
)
SORTIE = Text(
    "  sortie {n}: {minutes:.1f} min, {used_wh:.0f} Wh, lands with {left:.0%}",
    "  第 {n} 架次：{minutes:.1f} 分钟，{used_wh:.0f} Wh，降落时剩余 {left:.0%}",
)
EPOCH = (1980, 1, 1, 0, 0, 0)  # in archives: the same plan gives the same bytes


@click.command("plan")
@click.argument("intents", type=click.Path(path_type=Path), nargs=-1)
@sky_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder for the files.  [default: built/ beside the intent]",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    default=("plan",),
    show_default=True,
    help="Which files to write; may be given several times.",
)
@click.option(
    "--png",
    type=click.Path(path_type=Path),
    default=None,
    help="Draw the plan as a picture; of several flights one each.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    default=None,
    help="Draw the plan as a page that needs no network; of several flights one each.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail when a built plan is not what its intent gives.")
def command(
    intents: tuple[Path, ...],
    config_path: Path,
    out: Path | None,
    formats: tuple[str, ...],
    wind: Wind,
    dem: Path | None,
    zones: tuple[Path, ...],
    starts_at_s: float | None,
    png: Path | None,
    html: Path | None,
    check: bool,
) -> None:
    """Plan flights from intents (flightplans/*.yaml), judge them, and write files that ground stations open.

    A plan that the independent judge does not pass is not written. Exit status: 0 when all is well, 2 when not.

    \b
    patrol plan flightplans/flood-round.yaml --wind 5@270 --html flood.html
    patrol plan flightplans/*.yaml --check
    """  # fmt: skip
    config = load(config_path)
    paths = intents or tuple(sorted((config_path.parent / "flightplans").glob("*.yaml")))
    drifted = []
    for path in paths:
        made = _plans(path, config, wind, dem, zones, starts_at_s)
        folder = out or path.parent / "built"
        for start_s, setting, plan in made:
            _judged(plan, setting)
            if check:
                drifted += [path] if _drifted(plan, folder) else []
                continue
            written = _write(plan, folder, formats)
            _draw(plan, *(_one_of(path, plan, len(made)) for path in (png, html)))
            click.echo(_summary(path, start_s, plan, written))
    if drifted:
        listed = " ".join(str(path) for path in drifted)
        raise PlanDrifted(names=", ".join(path.stem for path in drifted), intents=listed)
    if check:
        say(ALL_WELL, count=len(paths))


def _plans(
    path: Path, config: Config, wind: Wind, dem: Path | None, zones: tuple[Path, ...], starts_at_s: float | None
) -> list[tuple[float, Setting, FlightPlan]]:
    """Start (seconds from the first), setting and plan of each flight of an intent."""
    try:
        document = yaml.safe_load(text_of(path))
    except yaml.YAMLError as err:
        raise GeodataUnreadable(name=str(path), cause=" ".join(str(err).split())) from err
    intent = parse_intent(document, path.stem)
    terrain, more = terrain_of(dem), zones_of(zones, starts_at_s)

    def setting(drone: str) -> Setting:
        return setting_of(config, drone, wind=wind, terrain=terrain, zones=more, starts_at_s=starts_at_s)

    if isinstance(intent, FleetIntent):
        settings = {drone: setting(drone) for drone in intent.drones}
        fleet = plan_fleet_intent(intent, config, tuple(settings.values()))
        if fleet.left_out:
            say(LEFT_OUT, path=path, names=", ".join(fleet.left_out))
        return [(f.start_s, settings[f.drone_id], f.plan) for f in fleet.flights]
    files: Mapping[str, str] = {}
    if isinstance(intent, SurveyIntent):
        files = {name: text_of(path.parent / name) for name in intent.areas if name.endswith(("json", ".kml"))}
    one = setting(intent.drone)
    return [(0.0, one, plan_intent(intent, config, one, files))]


def _judged(plan: FlightPlan, setting: Setting) -> None:
    rules = Rules(setting.drone, setting.airspace, setting.wind, setting.starts_at_s)
    found = [(mission.name, violation) for mission in missions(plan) for violation in judge(mission, rules)]
    if found:
        report = "\n".join(f"{name}: {v.explain(language_of(os.environ))}" for name, v in found[:50])
        raise PlanUnsafe(name=plan.name, count=len(found), report=report)


def _write(plan: FlightPlan, folder: Path, formats: tuple[str, ...]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for mission, sortie in zip(missions(plan), plan.sorties, strict=True):
        files: dict[str, str | bytes] = {}
        if "plan" in formats:
            files[f"{mission.name}.plan"] = write_plan(mission)
        if "waypoints" in formats:
            files[f"{mission.name}.waypoints"] = write_waypoints(mission)
        if "kmz" in formats:
            files[f"{mission.name}.kmz"] = zipped(write_wpml(plan, sortie))
        written += _save(folder, files)
    whole: dict[str, str | bytes] = {}
    for word, writer in (("kml", write_kml), ("geojson", write_geojson), ("csv", write_csv)):
        if word in formats:
            whole[f"{plan.name}.{word}"] = writer(plan)
    return written + _save(folder, whole)


def _save(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return [folder / name for name in files]


def zipped(documents: Mapping[str, str]) -> bytes:
    """An archive of texts; the same texts give the same bytes."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in documents.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _drifted(plan: FlightPlan, folder: Path) -> bool:
    """Whether the built files differ from the plan by more than rounding between machines."""
    names = {f"{mission.name}.plan": mission for mission in missions(plan)}
    stale = [p for p in folder.glob(f"{plan.name}*.plan") if p.name not in names and _belongs(p.stem, plan.name)]
    if stale:
        return True
    for name, mission in names.items():
        path = folder / name
        if not path.exists() or not _same(read_plan(text_of(path), name), mission):
            return True
    return False


def _belongs(stem: str, name: str) -> bool:
    rest = stem.removeprefix(name)
    return rest == "" or (rest.startswith("-") and rest[1:].isdigit())


def _same(a: Mission, b: Mission) -> bool:
    if len(a.items) != len(b.items) or len(a.fence) != len(b.fence) or len(a.rally) != len(b.rally):
        return False
    for x, y in zip(a.items, b.items, strict=True):
        if x[:2] != y[:2]:
            return False
        if has_place(x) and max(abs(x.lat_deg - y.lat_deg), abs(x.lon_deg - y.lon_deg)) > SAME_DEG:
            return False
        pairs = zip((*x[2:6], x.alt_m), (*y[2:6], y.alt_m), strict=True)
        if any(abs(p - q) > SAME_NUMBER for p, q in pairs if p == p and q == q):  # noqa: PLR0124 - NaN is not itself
            return False
    return a.rally == b.rally and set(a.fence) == set(b.fence)


def _draw(plan: FlightPlan, png: Path | None, html: Path | None) -> None:
    if png is None and html is None:
        return
    from patrol.commands.picture import draw_html, draw_png  # noqa: PLC0415 - matplotlib, only when a picture is wanted

    if png is not None:
        png.write_bytes(draw_png(plan))
    if html is not None:
        html.write_text(draw_html(plan), encoding="utf-8")


def _one_of(path: Path | None, plan: FlightPlan, flights: int) -> Path | None:
    """Where the picture of one of several flights goes: its name is put before the ending."""
    return path if path is None or flights == 1 else path.with_stem(f"{path.stem}-{plan.name}")


def _summary(path: Path, start_s: float, plan: FlightPlan, written: list[Path]) -> str:
    language = language_of(os.environ)
    begins = BEGINS.render(language, drone=plan.drone.id, start_s=start_s) if start_s or plan.name != path.stem else ""
    facts = {"sorties": len(plan.sorties), "km": plan.distance_m / 1000, "minutes": plan.duration_s / 60}
    lines = [PLANNED.render(language, path=path, photographs=len(plan.shots), **facts) + begins]
    if plan.coverage is not None:
        c = plan.coverage
        shares = {"covered": c.covered, "reachable": c.covered_of_reachable, "ha": c.area_m2 / 1e4}
        lines.append(COVERED.render(language, **shares))
    for n, sortie in enumerate(plan.sorties, 1):
        left = 1.0 - sortie.used_wh / plan.drone.battery_wh
        lines.append(SORTIE.render(language, n=n, minutes=sortie.duration_s / 60, used_wh=sortie.used_wh, left=left))
    lines += [f"  ! {note.explain(language)}" for note in plan.notes]
    lines += [f"  -> {file}" for file in written]
    return "\n".join(lines)
