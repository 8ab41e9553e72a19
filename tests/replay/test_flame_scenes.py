"""Flame and smoke on real films: the burning house alerts once and soon, and what the network mistakes for smoke does not."""

from __future__ import annotations

import json

import pytest

from tests.edge.test_watch import patrol_edge
from tests.replay.test_replay import SCENES, SHARED


@pytest.mark.slow
def test_the_real_fire_alerts_once_and_wet_asphalt_and_a_garage_are_silent() -> None:
    """The burning doll's house alerts once within ten seconds; asphalt that the network is sure is smoke, and a garage full of lights, raise nothing."""
    if not (SHARED / "clips").is_dir():
        pytest.skip(f"shared data missing: {SHARED / 'clips'} (set PATROL_SHARED_DATA)")
    names = ("fire-dollhouse", "flame-cars-topdown", "garage-entrance")
    run = patrol_edge("replay", *(str(SCENES / f"{name}.yaml") for name in names), "--json", "--data", str(SHARED))
    assert run.returncode == 0, run.stderr
    fire, asphalt, garage, _ = (json.loads(line) for line in run.stdout.splitlines())
    assert (fire["expected"], fire["found"], fire["false"]) == (1, 1, 0)
    assert fire["delays_s"][0] <= 10
    assert fire["alerts"][0]["place"] == "garden"
    for quiet in (asphalt, garage):
        assert (quiet["expected"], quiet["false"]) == (0, 0), quiet["alerts"]
