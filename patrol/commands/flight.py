"""`patrol flight`: the flights that were kept."""

from __future__ import annotations

import json
from pathlib import Path

import click

from patrol.commands.options import kept_option, lang_option, spoken
from patrol.errors import FileUnusable, FlightRecordUnreadable, Language
from patrol.flight.keep import kept_flight, kept_flights
from patrol.flight.left import left_lines, left_of
from patrol.flight.page import draw
from patrol.flight.record import FlightSummary
from patrol.flight.words import outcome_said, said


@click.group("flight")
def command() -> None:
    """Look at flights that were flown: list them, show one, draw it as a page."""


@command.command("list")
@kept_option
@lang_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_command(folder: Path, lang: str | None, as_json: bool) -> None:
    """List the kept flights, the oldest first.

    A flight that has frames but no summary is in the air, or its program was interrupted; a damaged summary is named.
    """
    for flight_id in kept_flights(folder):
        try:
            flight = kept_flight(folder, flight_id)
        except FlightRecordUnreadable as err:
            click.echo(_trouble(flight_id, err, spoken(lang), as_json=as_json))
            continue
        a = flight.against
        if as_json:
            about = {
                "id": flight.id,
                "plan": flight.plan,
                "outcome": flight.outcome,
                "reason": flight.reason,
                "began": flight.began,
            }
            click.echo(json.dumps({**about, "seconds": flight.seconds, "flown_m": a.flown_m}, ensure_ascii=False))
        else:
            click.echo(
                f"{flight.id}  {flight.plan}  {a.flown_m:.0f} m  {flight.seconds:.0f} s  {outcome_said(flight, spoken(lang))}"
            )


def _trouble(flight_id: str, err: FlightRecordUnreadable, language: Language, *, as_json: bool) -> str:
    """The line of a flight without a summary that can be read."""
    if as_json:
        return json.dumps({"id": flight_id, "outcome": None, "problem": err.explain("en")}, ensure_ascii=False)
    return f"{flight_id}  ⚠ {err.explain(language)}"


@command.command("show")
@click.argument("flight_id", metavar="ID")
@kept_option
@lang_option
@click.option("--json", "as_json", is_flag=True, help="The whole record as JSON.")
@click.option(
    "--html", type=click.Path(path_type=Path), default=None, help="Draw the flight as a page that needs no network."
)
def show_command(flight_id: str, folder: Path, lang: str | None, as_json: bool, html: Path | None) -> None:
    """Show one flight: how it ended, planned against flown, what happened.

    ID may be shortened to its beginning or its end. The frames themselves are in flight.tlog beside it, which
    Mission Planner, QGroundControl and MAVProxy replay.

    \b
    patrol flight show 20261124T0730 --html flight.html
    """
    flight, language = kept_flight(folder, flight_id), spoken(lang)
    if html is not None:
        try:
            html.write_text(draw(flight, language), encoding="utf-8")
        except OSError as err:
            raise FileUnusable(path=str(html), cause=err.strerror or str(err)) from err
    if as_json:
        click.echo(flight.model_dump_json())
    else:
        for line in _lines(flight, language):
            click.echo(line)


def _lines(flight: FlightSummary, language: Language) -> list[str]:
    a = flight.against
    lines = [f"{flight.id}  {flight.plan}  {outcome_said(flight, language)}"]
    lines += [f"  {f.zh if language == 'zh-CN' else f.en}" for f in flight.faults]
    lines.append(f"  {a.planned_m:.0f} m / {a.flown_m:.0f} m   {a.planned_s:.0f} s / {a.flown_s:.0f} s")
    if a.cross_track_m is not None:
        lines.append(f"  ↔ {a.cross_track_m:.1f} m   ↕ {a.height_m or 0.0:.1f} m   ✕ {len(flight.breaches)}")
    if left := left_of(flight):
        lines += [f"  {line}" for line in left_lines(left, language, ["patrol", "fly", "--rest-of", flight.id])]
    return lines + [f"  {e.t_s:8.1f}  {said(e.what, language)}  {e.detail}" for e in flight.events]
