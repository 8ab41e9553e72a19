"""Flights on disk: `<folder>/<id>/flight.tlog`, `mission.plan` and `flight.json`. Thin.

A `.tlog` is what ground stations write: each frame as it came or went, after the time as 8 bytes (big-endian
microseconds since 1970). Mission Planner, QGroundControl, MAVProxy and pymavlink open it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from patrol.errors import FlightRecordUnreadable, FlightRecordUnwritable, FlightUnfinished, Text
from patrol.errors.faults import faults_said
from patrol.flight.compile import compile_mission
from patrol.flight.link import Link
from patrol.flight.messages import AUTOPILOT_COMPONENT
from patrol.flight.pilot import Pilot
from patrol.flight.record import FlightSummary, Header, Recorder
from patrol.planning.files.qgc import read_plan, write_plan
from patrol.planning.mission import Mission

LOG, SUMMARY, PLAN = "flight.tlog", "flight.json", "mission.plan"
_NONE = Text("there is no such flight", "没有这次飞行")
_ANOTHER = Text("it is not the mission that was flown", "它不是所飞的任务")
LOG_BYTES = 512 * 1024 * 1024  # a day of one vehicle is some 100 MB


@contextmanager
def keep_log(link: Link, system: int, folder: Path) -> Iterator[Path]:
    """Write every frame of and to one vehicle to `folder`/flight.tlog while the block lasts. Raises FlightRecordUnwritable."""
    path, room = folder / LOG, LOG_BYTES
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    except OSError as err:
        raise FlightRecordUnwritable(path=str(path), cause=str(err)) from err

    def tap(of: int | None, frame: bytes) -> None:
        nonlocal room
        if of in {None, system} and room > 0:
            try:
                room -= len(frame) + 8
                file.write(round(link.wall() * 1e6).to_bytes(8, "big") + frame)
            except OSError:  # the disk is full: the flight goes on without its log
                room = 0

    link.taps.append(tap)
    try:
        yield path
    finally:
        link.taps.remove(tap)
        with suppress(OSError):  # what was still to be written; the file is closed all the same
            file.close()


@contextmanager
def keep_flight(
    link: Link, pilot: Pilot, header: Header, kept: Path, unwritten: Callable[[FlightRecordUnwritable], None]
) -> Iterator[Recorder]:
    """Keep a flight whole in `kept`/<id>: its frames while the block lasts, its summary when it ends, however it ends.

    The recorder's `hear` is to be told the flight's news. Raises FlightRecordUnwritable before the block only: a summary that
    cannot be written after it is told to `unwritten`, as no disk may change how a flight ended.
    """
    recorder, folder = Recorder(header), kept / header.id
    _write(folder / PLAN, write_plan(header.mission))
    with keep_log(link, header.system, folder):
        try:
            yield recorder
        finally:
            quality = link.qualities.get((header.system, AUTOPILOT_COMPONENT))
            try:
                keep_summary(recorder.summary(pilot, pilot.ending, link.now(), quality), folder)
            except FlightRecordUnwritable as err:
                unwritten(err)


def keep_summary(summary: FlightSummary, folder: Path) -> Path:
    """Write flight.json whole or not at all. Raises FlightRecordUnwritable."""
    return _write(folder / SUMMARY, summary.model_dump_json(indent=1) + "\n")


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as err:
        raise FlightRecordUnwritable(path=str(path), cause=str(err)) from err
    return path


def kept_flights(folder: Path) -> list[str]:
    """The ids of all flights, oldest first; also of those that have frames but no summary."""
    return sorted({path.parent.name for name in (SUMMARY, LOG) for path in folder.glob(f"*/{name}")})


def kept_mission(folder: Path, flight: FlightSummary) -> Mission:
    """The mission that was flown, proved by its hash. Raises FlightRecordUnreadable, MissionUnreadable."""
    path = folder / flight.id / PLAN
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise FlightRecordUnreadable(path=str(path), cause=str(err)) from err
    mission = replace(read_plan(text, str(path)), name=flight.plan, autopilot=flight.firmware)
    if compile_mission(mission).digest != flight.plan_hash:
        raise FlightRecordUnreadable(path=str(path), cause=_ANOTHER)
    return mission


def kept_flight(folder: Path, flight_id: str) -> FlightSummary:
    """One flight; the id may be shortened to a beginning or an end that only one has.

    Raises FlightRecordUnreadable; FlightUnfinished for one that has frames but no summary.
    """
    ids = kept_flights(folder)
    found = [i for i in ids if i == flight_id] or [i for i in ids if i.startswith(flight_id) or i.endswith(flight_id)]
    path = folder / (found[0] if len(found) == 1 else flight_id) / SUMMARY
    if len(found) > 1:
        many = Text(f"{len(found)} flights are called so", f"有 {len(found)} 次飞行符合")
        raise FlightRecordUnreadable(path=str(path), cause=many)
    log = path.with_name(LOG)
    if not path.exists() and log.exists():
        about = log.stat()
        last = datetime.fromtimestamp(about.st_mtime, UTC).isoformat(timespec="seconds")
        raise FlightUnfinished(
            flight_id=path.parent.name, path=str(log), size_kb=round(about.st_size / 1000), last=last
        )
    if not path.exists():
        raise FlightRecordUnreadable(path=str(path), cause=_NONE)
    try:
        return FlightSummary.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as err:
        raise FlightRecordUnreadable(path=str(path), cause=faults_said(err.errors(include_url=False)[:1])) from err
    except (OSError, UnicodeDecodeError) as err:
        raise FlightRecordUnreadable(path=str(path), cause=str(err)[:300]) from err
