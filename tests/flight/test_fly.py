"""`patrol fly` against `patrol sim`: two programs, real UDP between them, fast simulated time; one outcome and its exit status each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import nan
from pathlib import Path
from typing import Any

import pytest

from patrol.broker import free_port
from patrol.flight.compare import Firmware
from patrol.flight.keep import kept_flight, kept_flights
from patrol.flight.pilot import REHEARSED
from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.files.qgc import write_plan
from patrol.planning.mission import FencePolygon, Item, Mission
from tests.flight.conftest import FIRMWARES

ROOT = Path(__file__).resolve().parents[2]
DRONES: dict[Firmware, tuple[str, LatLon]] = {
    "ardupilot": ("falcon", LatLon(22.5431, 114.0579)),
    "px4": ("heron", LatLon(22.5429194, 114.0590666)),
}
DEADLINE_S = 150.0  # for a program that takes 5 s on an idle machine
HOLD_S = 900.0  # of simulated time: whatever is done to a flight is done while it holds, however busy the machine is
ENVIRONMENT = {**os.environ, "PATROL_LANG": "en", "PYTHONUNBUFFERED": "1"}


def a_round(firmware: Firmware, east_m: float = 60.0, hold_s: float = 0.0) -> Mission:
    """Up to 45 m, out, two photographs, back, down, within a fence; holds at its first place for so long."""
    home = DRONES[firmware][1]
    frame, yaw = LocalFrame(home), nan if firmware == "px4" else 0.0
    ring = tuple(frame.to_wgs84(EastNorth(e, n)) for e, n in ((-120, -120), (120, -120), (120, 120), (-120, 120)))
    places = [frame.to_wgs84(EastNorth(e, n)) for e, n in ((0, 40), (east_m, 40), (east_m, 0))]
    photo = Item(203, 2, 0.0, 0.0, 0.0, 0.0, 1.0) if firmware == "ardupilot" else Item(2000, 2, 0.0, 0.0, 1.0)
    legs = [Item(16, 3, 0.0, 0.0, 0.0, yaw, *place, 45.0) for place in places]
    legs[0] = legs[0]._replace(p1=hold_s)
    items = (
        Item(22, 3, 0.0, 0.0, 0.0, yaw, *home, 45.0),
        legs[0],
        photo,
        legs[1],
        photo,
        legs[2],
        Item(21, 3, 0.0, 0.0, 0.0, yaw, *home, 0.0),
    )
    return Mission(items, home, 0.0, firmware, 8.0, (FencePolygon(ring, True),))


@dataclass
class Flown:
    """What `patrol fly --json` printed, and how it ended."""

    code: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    errors: str = ""

    @property
    def ending(self) -> dict[str, Any]:
        """The last line."""
        return self.lines[-1]


@contextmanager
def sim(firmware: Firmware, port: int, *options: str, speed: float = 50.0) -> Iterator[subprocess.Popen[str]]:
    """One simulated drone where the plan begins; it is stopped afterwards."""
    home = DRONES[firmware][1]
    command = [
        *(sys.executable, "-m", "patrol", "sim", "--autopilot", firmware, "--link", f"udpout://127.0.0.1:{port}"),
        *("--home", str(home.lat_deg), str(home.lon_deg), "--speed", str(speed), "--wait-for-ground", *options),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1 x")
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE_S)


def fly(
    firmware: Firmware,
    port: int,
    folder: Path,
    *options: str,
    mission: Mission | None = None,
    plan: bool = True,
    high: Sequence[Callable[[subprocess.Popen[str]], None]] = (),
) -> Flown:
    """Run it to its end; do what is in `high`, one thing at each pose above 20 m. `plan` False: the options say what to fly."""
    left = list(high)
    file = folder / "round.plan"
    file.write_text(write_plan(mission or a_round(firmware)), encoding="utf-8")
    command = [
        *(
            sys.executable,
            "-m",
            "patrol",
            "fly",
            *([str(file)] if plan else []),
            "--drone",
            DRONES[firmware][0],
            "--connect",
            f"udp:127.0.0.1:{port}",
        ),
        *("--simulated-time", "--json", "--kept", str(folder / "kept"), *options),
    ]
    errors = folder / "errors.txt"
    with errors.open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=log, text=True)
        flown = Flown(0)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                flown.lines.append(json.loads(line))
                if left and flown.lines[-1].get("up_m", 0) > 20:
                    left.pop(0)(process)
            flown.code = process.wait(DEADLINE_S)
        finally:
            process.kill()
            process.communicate(timeout=DEADLINE_S)
    flown.errors = errors.read_text(encoding="utf-8")
    return flown


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)


def need(driver: str) -> None:
    """Skip loudly without an optional driver."""
    if driver == "dronekit" and find_spec("dronekit") is None:
        pytest.skip("dronekit2 is not installed: pip install 'sky-ground-patrol[dronekit]'")


@pytest.mark.parametrize("driver", ["mavlink", "dronekit"])
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_mission_is_flown_and_kept(firmware: Firmware, driver: str, tmp_path: Path) -> None:
    """Judged, uploaded, armed, followed and landed: status 0, one ending, a record without a trespass and with both photographs."""
    need(driver)
    port = free_port()
    with sim(firmware, port, "--ready"):
        flown = fly(firmware, port, tmp_path, "--driver", driver)
    assert (flown.code, flown.errors) == (0, "")
    assert flown.ending == {
        "kind": "ending",
        "outcome": "landed",
        "reason": "",
        "complete": True,
        "faults": [],
        "left": None,
    }
    assert [line["kind"] for line in flown.lines].count("ending") == 1
    kept = kept_flights(tmp_path / "kept")
    record = kept_flight(tmp_path / "kept", kept[0])
    assert (len(kept), record.outcome, len(record.shots), record.breaches) == (1, "landed", 2, ())
    assert max(spot.up_m for spot in record.track) == pytest.approx(45.0, abs=1.0)


def test_a_record_that_cannot_be_written_is_told_and_no_more(tmp_path: Path) -> None:
    """A disk that gives out in flight changes neither the ending nor the status; the missing record is told."""

    def spoil(process: subprocess.Popen[str]) -> None:
        del process
        (folder,) = (tmp_path / "kept").iterdir()
        (folder / "flight.part").mkdir()

    port = free_port()
    with sim("ardupilot", port, "--ready"):
        flown = fly("ardupilot", port, tmp_path, high=[spoil])
    assert (flown.code, flown.ending["outcome"]) == (0, "landed")
    assert "flight.json" in flown.errors


def test_a_rehearsal_arms_nothing(tmp_path: Path) -> None:
    """--dry-run uploads, reads back and checks, ends well, and the drone is never armed."""
    port = free_port()
    with sim("ardupilot", port, "--ready"):
        flown = fly("ardupilot", port, tmp_path, "--dry-run")
    assert flown.code == 0
    assert flown.ending["reason"] == REHEARSED
    assert "arming" not in [line.get("detail") for line in flown.lines]
    assert {line["up_m"] for line in flown.lines if line["kind"] == "pose"} <= {0.0}


def test_a_vehicle_without_failsafes_stays_down(tmp_path: Path) -> None:
    """As shipped, no failsafe is on: status 2, and each reason is told."""
    port = free_port()
    with sim("ardupilot", port):
        flown = fly("ardupilot", port, tmp_path)
    assert flown.code == 2
    assert {"no-link-failsafe", "no-battery-failsafe"} <= {fault["code"] for fault in flown.ending["faults"]}


def test_what_the_judge_forbids_reaches_no_vehicle(tmp_path: Path) -> None:
    """A plan that leaves its own fence is refused with status 2 before any link is opened."""
    flown = fly("ardupilot", free_port(), tmp_path, mission=a_round("ardupilot", east_m=400.0))
    assert (flown.code, flown.lines) == (2, [])
    assert "violation" in flown.errors
    assert not (tmp_path / "kept").exists()


def test_silence_is_told(tmp_path: Path) -> None:
    """With no vehicle on the link: status 2, and the link is named."""
    port = free_port()
    flown = fly("ardupilot", port, tmp_path, "--within", "1")
    assert flown.code == 2
    assert f"127.0.0.1:{port}" in flown.errors


@pytest.mark.parametrize("driver", ["mavlink", "dronekit"])
def test_one_interrupt_orders_it_home(driver: str, tmp_path: Path) -> None:
    """Ctrl-C once: it is ordered home and followed until it is down: status 3."""
    need(driver)
    port = free_port()
    with sim("ardupilot", port, "--ready"):
        flown = fly(
            "ardupilot",
            port,
            tmp_path,
            "--driver",
            driver,
            mission=a_round("ardupilot", hold_s=HOLD_S),
            high=[interrupt],
        )
    assert flown.code == 3
    assert (flown.ending["outcome"], flown.ending["reason"]) == ("aborted", "by order, landed at home")
    assert "Ordered home" in flown.errors


def test_two_interrupts_leave_it(tmp_path: Path) -> None:
    """Ctrl-C twice: it is left, status 4, and what it is doing is told: where, how high, in which mode."""
    port = free_port()
    with sim("px4", port, "--ready", speed=8.0):  # slow enough for the second to come while it flies
        flown = fly("px4", port, tmp_path, mission=a_round("px4", hold_s=HOLD_S), high=[interrupt, interrupt])
    assert flown.code == 4
    assert "No longer followed. Last seen at 22.54" in flown.errors
    assert "m up" in flown.errors
    assert kept_flight(tmp_path / "kept", kept_flights(tmp_path / "kept")[0]).outcome == "unknown"


@pytest.mark.parametrize("by", ["option", "line"])
def test_a_fault_by_command_turns_it_home(by: str, tmp_path: Path) -> None:
    """A battery set low, by an option or by a line on standard input, brings PX4 home: status 3, with the reason."""
    port = free_port()
    options = ["--fault", "15=battery:0.069"] if by == "option" else ["--listen"]
    with sim("px4", port, "--ready", *options) as running:

        def say(_: subprocess.Popen[str]) -> None:
            assert running.stdin is not None
            running.stdin.write("nonsense\n1/battery:0.069\n")
            running.stdin.flush()

        flown = fly("px4", port, tmp_path, mission=a_round("px4", hold_s=HOLD_S), high=[say] if by == "line" else [])
    assert flown.code == 3
    assert (flown.ending["outcome"], flown.ending["reason"], flown.ending["complete"]) == (
        "returned",
        "battery low",
        False,
    )
