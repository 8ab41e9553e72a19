"""`patrol-edge replay`: recorded scenes through the box's pipeline, against what should be found."""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import median
from typing import Any

import click

from patrol.errors import Language, SourceError
from patrol.events import AlertRaised
from patrol_edge.detector import Detector
from patrol_edge.detectors import Detectors, load_detectors
from patrol_edge.replay import Scene, Score, read_scene, score, watcher_of
from patrol_edge.watch import watch_file

WORDS: dict[Language, str] = {
    "en": "{name:<24} {found} of {expected} found, {false} false in {film_s:.0f} s; precision {precision:.2f}, recall {recall:.2f}, "
    "delay {delay}, false alerts per camera-day {false_per_day:.1f}",
    "zh-CN": "{name:<24} {expected} 起找到 {found} 起，{film_s:.0f} 秒内误报 {false} 起；精确率 {precision:.2f}，召回率 {recall:.2f}，"
    "延迟 {delay}，每机每天误报 {false_per_day:.1f}",
}


@click.command()
@click.argument("scenes", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("../shared/data"),
    show_default=True,
    envvar="PATROL_SHARED_DATA",
    help="Folder in which the scenes' films lie.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    default=Path("models"),
    show_default=True,
    help="Folder with registry.yaml.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each scene, then all together.")
@click.pass_context
def replay(context: click.Context, scenes: tuple[Path, ...], data: Path, models: Path, as_json: bool) -> None:
    """Run recorded scenes and print what was found of what should be: precision, recall, delay, false alerts per camera-day.

    A scene is a YAML file with film, camera and incidents; tests/replay/scenes has some. A scene that cannot be read, or
    whose film is missing, is named and the others go on; the exit code is then 2.

    \b
    patrol-edge replay tests/replay/scenes/*.yaml
    """
    language: Language = context.meta["language"]
    detectors: dict[str, Detector] = {}
    total, failed = Score(0, 0, 0, 0.0, ()), 0
    for path in scenes:
        try:
            scene = read_scene(path)
            detectors |= load_detectors(
                models, watcher_of(scene).models - detectors.keys(), threads=os.cpu_count() or 1
            )
            result, alerts = run(scene, data, detectors)
        except SourceError as err:
            failed += 1
            click.echo(f"patrol-edge: {err.explain(language)}", err=True)
            continue
        total += result
        _say(path.stem, result, alerts, language, as_json)
    if len(scenes) > 1:
        _say("all", total, [], language, as_json)
    if failed:
        context.exit(2)


def run(scene: Scene, data: Path, detectors: Detectors) -> tuple[Score, list[tuple[float, AlertRaised]]]:
    """One scene through the real pipeline. Raises SourceMissing, SourceUnreadable."""
    alerts: list[tuple[float, AlertRaised]] = []
    film_s = 0.0
    for film, findings in watch_file(str(data / scene.source), watcher_of(scene), detectors, scene.starts_at):
        film_s = film.total_seconds()
        alerts += [(film_s, f.data) for f in findings if isinstance(f.data, AlertRaised)]
    return score(scene, alerts, film_s), alerts


def _say(name: str, result: Score, alerts: list[tuple[float, AlertRaised]], language: Language, as_json: bool) -> None:
    figures: dict[str, Any] = {
        "name": name, "expected": result.expected, "found": result.found, "false": result.false, "film_s": round(result.film_s, 2),
        "precision": result.precision, "recall": result.recall, "false_per_day": round(result.false_per_day, 2),
    }  # fmt: skip
    if as_json:
        seen = [
            {"film_s": at_s, "hazard": a.hazard.value, "place": a.place, "measurement": a.measurement}
            for at_s, a in alerts
        ]
        click.echo(json.dumps({**figures, "delays_s": result.delays_s, "alerts": seen}, ensure_ascii=False))
    else:
        delay = f"{median(result.delays_s):.1f} s" if result.delays_s else "-"
        click.echo(WORDS[language].format(**figures, delay=delay))
