"""`patrol-edge watch` and the command line, as a person meets them, on real film."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.edge.conftest import ROOT


def patrol_edge(*arguments: str, language: str = "en", cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the real program."""
    environ = {**os.environ, "PATROL_LANG": language}
    return subprocess.run(
        [sys.executable, "-m", "patrol_edge", *arguments],
        capture_output=True,
        text=True,
        env=environ,
        cwd=cwd,
        timeout=300,
        check=False,
    )


def lines(text: str) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_people_on_the_lawn_of_a_real_film_are_found(clips: Path) -> None:
    """In the shared yard film people walk onto the lawn from 50 s on and not before: one alert then, none earlier, with its proof."""
    run = patrol_edge(
        "watch", str(clips / "people-yard.mp4"), "--camera", "yard", "--json", "--starts-at", "2026-03-01T10:00:00"
    )
    assert run.returncode == 0, run.stderr
    *events, summary = lines(run.stdout)
    raised = [e for e in events if e["type"] == "patrol.alert.raised"]
    assert summary["alerts"] == len(raised) >= 1
    assert summary["film_s"] == pytest.approx(79.4, abs=0.5)
    first = raised[0]
    assert first["hazard"] == "perimeter-intrusion"
    assert 48 < first["film_s"] < 60
    assert first["explanation"]["dwell_s"] >= 1
    assert len(first["evidence"]) == 2


def test_errors_are_one_line_and_exit_2() -> None:
    """Unknown cameras, missing clips and missing configurations are said in one line that names what to do, in both languages."""
    unknown = patrol_edge("watch", "x.mp4", "--camera", "moon")
    assert unknown.returncode == 2
    assert unknown.stderr == "patrol-edge: There is no camera called 'moon'. Known: gate, fence, yard.\n"
    missing = patrol_edge("watch", "none.mp4", "--camera", "yard", language="zh-CN")
    assert missing.returncode == 2
    assert "none.mp4 不存在" in missing.stderr
    nowhere = patrol_edge("watch", "none.mp4", "--camera", "yard", "--config", "nowhere.yaml")
    assert nowhere.returncode == 2
    assert "nowhere.yaml:1" in nowhere.stderr


def test_a_box_without_its_token_says_which_variable(tmp_path: Path) -> None:
    """Starting a box whose token is not in the environment names the variable and how to set it."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PATROL_")}
    run = subprocess.run(
        [sys.executable, "-m", "patrol_edge", "--box", "street", "--config", str(ROOT / "config.yaml")],
        capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert "PATROL_TOKEN_STREET" in run.stderr
    assert "export" in run.stderr


def test_help_teaches_and_no_arguments_say_what_is_missing() -> None:
    """--help shows a way to begin; a bare call says what to name."""
    assert "patrol-edge watch clip.mp4 --camera yard" in patrol_edge("--help").stdout
    bare = patrol_edge()
    assert bare.returncode == 2
    assert "--box NAME" in bare.stderr
