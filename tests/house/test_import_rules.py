"""The import rules hold, and each of them breaks when it is broken on purpose: a rule that cannot fail protects nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house import tree

LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"
CONTRACTS = [contract["name"] for contract in tree.project()["tool"]["importlinter"]["contracts"]]


class Breach(NamedTuple):
    """One line that breaks one contract."""

    contract: str
    file: str
    line: str


BREACHES = [
    Breach("Imports go down only", "patrol/geo.py", "import patrol.events"),
    Breach("Imports go down only", "patrol/events.py", "import patrol.topics"),
    Breach("Imports go down only", "patrol/center/__init__.py", "import patrol_edge.outbox"),
    Breach("Imports go down only", "edge/patrol_edge/outbox.py", "import patrol.cli"),
    Breach(
        "The box never reaches training, web, database, autopilot, planner or renderer",
        "edge/patrol_edge/outbox.py",
        "import sqlalchemy",
    ),
    Breach(  # through a third module: no file of the box names it
        "The box never reaches training, web, database, autopilot, planner or renderer",
        "patrol/config/load.py",
        "import torch",
    ),
    Breach(
        "The box never reaches training, web, database, autopilot, planner or renderer",
        "edge/patrol_edge/outbox.py",
        "from patrol.planning import plan",
    ),
    Breach("Pure modules reach no files, sockets, processes, logs or clocks", "patrol/geo.py", "import time"),
    Breach(
        "Pure modules reach no files, sockets, processes, logs or clocks", "patrol/planning/plan.py", "import socket"
    ),
    Breach("Siblings do not form cycles", "patrol/config/values.py", "import patrol.config.load"),
    Breach("Siblings do not form cycles", "edge/patrol_edge/frame.py", "import patrol_edge.cli"),
    Breach("One file per foreign library on the box", "edge/patrol_edge/outbox.py", "import paho.mqtt.client"),
    Breach("One file per foreign library on the box", "edge/patrol_edge/outbox.py", "import httpx"),
    Breach("One file per foreign library at centre and station", "patrol/center/__init__.py", "import aiomqtt"),
    Breach("One file knows MAVLink's codec", "patrol/flight/link.py", "import pymavlink.mavutil"),
]


def lint(root: Path) -> tuple[int, str]:
    """Exit status and output of import-linter on the tree at `root`. Broken contracts are named in the output."""
    environ = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'edge'}", "COLUMNS": "200"}
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo", "--config", str(root / "pyproject.toml")]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def kept_and_broken(output: str) -> tuple[set[str], set[str]]:
    """The contracts that import-linter reports as kept and as broken."""
    verdicts = re.findall(r"^(.+?) (KEPT|BROKEN)( \(.*\))?$", output, re.MULTILINE)
    return tuple({name for name, verdict, _ in verdicts if verdict == wanted} for wanted in ("KEPT", "BROKEN"))  # type: ignore[return-value]  # a pair


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's own source in a folder that may be spoilt."""
    ignore = shutil.ignore_patterns("__pycache__", "console")
    shutil.copytree(tree.ROOT / "patrol", tmp_path / "patrol", ignore=ignore)
    shutil.copytree(tree.ROOT / "edge", tmp_path / "edge", ignore=ignore)
    shutil.copy(tree.ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_rules_hold(copy: Path) -> None:
    """Every contract of pyproject.toml is kept by the tree as it is."""
    status, output = lint(copy)
    assert status == 0, output
    assert kept_and_broken(output) == (set(CONTRACTS), set())


def test_every_rule_has_a_breach() -> None:
    """No contract can be added without showing here that it can fail."""
    assert {breach.contract for breach in BREACHES} == set(CONTRACTS)


@pytest.mark.parametrize("breach", BREACHES, ids=lambda b: f"{b.file}: {b.line}")
def test_a_rule_breaks_when_it_is_broken(copy: Path, breach: Breach) -> None:
    """One forbidden import makes import-linter fail and name the contract that forbids it."""
    spoilt = copy / breach.file
    spoilt.write_text(spoilt.read_text(encoding="utf-8") + f"\n{breach.line}\n", encoding="utf-8")
    status, output = lint(copy)
    assert status == 1, output
    assert breach.contract in kept_and_broken(output)[1], output


def test_the_box_is_kept_from_every_district_program() -> None:
    """Each package of the district side is forbidden to the box by name; a new one cannot be forgotten."""
    contract = next(
        c for c in tree.project()["tool"]["importlinter"]["contracts"] if c["name"].startswith("The box never")
    )
    shared = {"config", "errors", "words"}
    packages = {path.parent.name for path in (tree.ROOT / "patrol").glob("*/__init__.py")} - shared
    allowed_by_layers = {"commands", "reference"}  # above or beside it in "Imports go down only"
    assert {f"patrol.{name}" for name in packages - allowed_by_layers} <= set(contract["forbidden_modules"])
