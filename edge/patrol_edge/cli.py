"""The box's command line: the only place of the box that prints, exits and configures logging."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Any, TextIO

import click

from patrol.config import load
from patrol.errors import Language
from patrol.events import AlertRaised
from patrol.terminal import configure_logging, language_of, run
from patrol_edge.box import Box
from patrol_edge.commands.accept_roof import accept_roof
from patrol_edge.commands.hotspots import hotspots
from patrol_edge.commands.replay import replay
from patrol_edge.detectors import load_detectors
from patrol_edge.pipeline import Finding, Watcher
from patrol_edge.watch import watch_file

PROGRESS_EVERY_S = 2.0
WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "raised": "{at}  {hazard}  {place}  seen {votes}/{looks} looks, confidence {confidence:.2f}",
        "ended": "{at}  over: {alert_id}",
        "summary": "{alerts} alert(s) in {film} of film",
        "blocked-fire-lane": "blocked fire lane",
        "perimeter-intrusion": "perimeter intrusion",
        "fire-hotspot": "fire hotspot",
        "falling-object": "falling object",
        "flame-smoke": "flame and smoke",
        "flooding": "flooding",
        "rooftop-violation": "rooftop violation",
    },
    "zh-CN": {
        "raised": "{at}  {hazard}  {place}  {looks} 次查看中 {votes} 次看到,置信度 {confidence:.2f}",
        "ended": "{at}  已解除:{alert_id}",
        "summary": "影片 {film} 内共 {alerts} 条警报",
        "blocked-fire-lane": "消防通道占用",
        "perimeter-intrusion": "周界入侵",
        "fire-hotspot": "火灾热点",
        "falling-object": "高空抛物",
        "flame-smoke": "烟火",
        "flooding": "积水内涝",
        "rooftop-violation": "屋顶违建",
    },
}


def main() -> None:
    """Entry point of `patrol-edge`."""
    run(command, "patrol-edge")


@click.group(invoke_without_command=True)
@click.option("--box", "box_name", metavar="NAME", help="Run this box: watch all of its cameras until stopped.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The district.",
)
@click.option("--log-json", is_flag=True, help="Log as JSON lines, for machines.")
@click.pass_context
def command(context: click.Context, box_name: str | None, config_path: Path, log_json: bool) -> None:
    """Watch cameras, find hazards, and get every alert to the centre.

    \b
    Run a box:        patrol-edge --box street --config config.yaml
    Try a clip:       patrol-edge watch clip.mp4 --camera yard
    Look for heat:    patrol-edge hotspots flight/*.JPG

    Secrets come from the environment: each box has a token, named in the configuration. Messages are in
    Chinese where LANG (or PATROL_LANG) begins with zh, else in English.
    """
    context.obj = config_path
    context.meta["language"] = language_of(os.environ)
    if context.invoked_subcommand is not None:
        return
    if box_name is None:
        raise click.UsageError("name a box (--box NAME) or use a command; see --help")
    configure_logging(sys.stderr, log_json)
    stop = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    config = load(config_path)
    Box(config, box_name, config_path.resolve().parent, os.environ).run(stop)


command.add_command(accept_roof)
command.add_command(hotspots)
command.add_command(replay)


@command.command()
@click.argument("clip")
@click.option("--camera", "camera_name", required=True, metavar="NAME", help="The camera whose zones and rules apply.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=None,
    help="The district.  [default: config.yaml]",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line for each alert and each end, then a summary."
)
@click.option(
    "--starts-at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]),
    help="When the film begins, district time.  [default: now]",
)
@click.pass_obj
def watch(
    parent_config: Path,
    clip: str,
    camera_name: str,
    config_path: Path | None,
    as_json: bool,
    starts_at: datetime | None,
) -> None:
    """Run the box's pipeline on a video file or a folder of pictures, faster than real time.

    Time is the film's own: a dwell of 60 s is 60 s of film. Nothing is sent or stored. Zones that hold
    only at certain hours go by --starts-at.

    \b
    patrol-edge watch yard.mp4 --camera yard --json
    """
    path = config_path or parent_config
    config = load(path)
    watcher = Watcher.of(config, config.camera(camera_name))
    if starts_at is None:
        begin = datetime.now(UTC).replace(microsecond=0)
    else:
        zone = config.local_time(datetime.now(UTC)).tzinfo
        begin = starts_at.replace(tzinfo=zone).astimezone(UTC)
    models_dir = path.resolve().parent / config.models_dir
    detectors = load_detectors(models_dir, watcher.models, threads=os.cpu_count() or 1)
    progress = _Progress(sys.stderr)
    alerts, film = 0, timedelta(0)
    for film, findings in watch_file(clip, watcher, detectors, begin):
        for finding in findings:
            alerts += isinstance(finding.data, AlertRaised)
            progress.clear()
            click.echo(
                json.dumps(_as_json(finding, begin), ensure_ascii=False) if as_json else _as_line(finding, begin)
            )
        progress.show(film)
    progress.clear()
    summary: dict[str, Any] = {
        "summary": True,
        "alerts": alerts,
        "film_s": round(film.total_seconds(), 3),
        "starts_at": begin.isoformat(),
    }
    click.echo(
        json.dumps(summary)
        if as_json
        else WORDS[language_of(os.environ)]["summary"].format(alerts=alerts, film=_film_time(film))
    )


def _as_json(finding: Finding, begin: datetime) -> dict[str, Any]:
    body = finding.data.model_dump(mode="json", exclude={"thumbnail_jpeg_base64"})
    film_s = round((finding.happened_at - begin).total_seconds(), 3)
    return {"type": finding.data.type_name, "film_s": film_s, "time": finding.happened_at.isoformat(), **body}


def _as_line(finding: Finding, begin: datetime) -> str:
    words = WORDS[language_of(os.environ)]
    at = _film_time(finding.happened_at - begin)
    data = finding.data
    if not isinstance(data, AlertRaised):
        return words["ended"].format(at=at, alert_id=data.alert_id)
    why = data.explanation
    return words["raised"].format(
        at=at,
        hazard=words[data.hazard.value],
        place=data.place,
        votes=why.votes,
        looks=why.looks,
        confidence=why.confidence,
    )


def _film_time(film: timedelta) -> str:
    seconds = film.total_seconds()
    return f"{int(seconds // 3600):02d}:{int(seconds // 60) % 60:02d}:{seconds % 60:04.1f}"


class _Progress:
    """How far the film is, on a terminal only, a few times a second at most."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._next = timedelta(0)
        self._shown = False

    def show(self, film: timedelta) -> None:
        """Say where we are."""
        if self._out.isatty() and film >= self._next:
            self._out.write(f"\r{_film_time(film)}")
            self._out.flush()
            self._next, self._shown = film + timedelta(seconds=PROGRESS_EVERY_S), True

    def clear(self) -> None:
        """Make room for a line."""
        if self._shown:
            self._out.write("\r\x1b[K")
            self._shown = False
