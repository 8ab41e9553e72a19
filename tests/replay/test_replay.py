"""The replay bench: scenes with labelled incidents through the real pipeline, and how they are scored."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import SceneUnreadable
from patrol.events import AlertRaised, Hazard
from patrol.reference.examples import examples
from patrol_edge.replay import Expected, Scene, Score, read_scene, score
from tests.edge.test_watch import patrol_edge

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "tests" / "replay" / "scenes"
SHARED = Path(os.environ.get("PATROL_SHARED_DATA", ROOT.parent / "shared" / "data"))
EXAMPLE = examples()[AlertRaised].data
assert isinstance(EXAMPLE, AlertRaised)
ALERT: AlertRaised = EXAMPLE


def scene(*expected: Expected) -> Scene:
    """A scene that expects these."""
    return read_scene(SCENES / "falling-1.yaml").model_copy(update={"expected": expected})


def alert(hazard: Hazard = Hazard.FALLING_OBJECT, **measured: float) -> AlertRaised:
    """An alert of this hazard."""
    return ALERT.model_copy(update={"hazard": hazard, "measurement": measured})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["falling-1", "falling-2"])
def test_the_real_falls_are_found_from_their_window_column_and_leaves_are_silent(name: str) -> None:
    """In each of the two real films the one labelled fall alerts once, from its column, and the swaying leaves raise nothing."""
    if not (SHARED / "clips").is_dir():
        pytest.skip(f"shared data missing: {SHARED / 'clips'} (set PATROL_SHARED_DATA)")
    run = patrol_edge("replay", str(SCENES / f"{name}.yaml"), "--json", "--data", str(SHARED))
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert (result["expected"], result["found"], result["false"]) == (1, 1, 0)
    assert result["alerts"][0]["place"] == "front/column-3"


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scene_can_be_read_and_says_who_labelled_it(path: Path) -> None:
    """Each scene file parses, has a label with a time window, and says how it was labelled."""
    read = read_scene(path)
    assert read.labelled_by
    assert all(e.from_s < e.until_s for e in read.expected)


def test_each_incident_and_each_alert_counts_once() -> None:
    """An alert at the right time for the right thing is found, a second one for the same is false, as are the wrong hazard, time and column."""
    wanted = Expected(hazard=Hazard.FALLING_OBJECT, from_s=5, until_s=8, measurement={"column": 3})
    right, wrong = alert(column=3), alert(column=2)
    result = score(
        scene(wanted), [(6, right), (7, right), (7, wrong), (9, right), (6, alert(Hazard.FLOODING, column=3))], 86_400
    )
    assert (result.found, result.false, result.delays_s) == (1, 4, (1,))
    assert result.precision == pytest.approx(0.2)
    assert result.recall == 1
    assert result.false_per_day == 4
    nothing = score(scene(wanted), [], 10)
    assert (nothing.recall, nothing.precision, nothing.false_per_day) == (0, 1, 0)


@given(st.lists(st.floats(0, 100), max_size=12), st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), max_size=6))
def test_counts_add_up(times: list[float], spans: list[tuple[float, float]]) -> None:
    """Whatever is expected and raised: found plus false is what was raised, and no more is found than was expected."""
    wanted = [Expected(hazard=Hazard.FALLING_OBJECT, from_s=a, until_s=a + b) for a, b in spans]
    result = score(scene(*wanted), [(t, alert()) for t in times], 100)
    assert result.found + result.false == len(times)
    assert result.found <= min(len(wanted), len(times))
    assert len(result.delays_s) == result.found
    assert result + Score(0, 0, 0, 0.0, ()) == result


@pytest.mark.parametrize(
    "text", ["", "[1]", "source: x", "source: x\ncamera: {}\n", "source: [", "source: x\ncamera: 5"]
)
def test_a_wrong_scene_is_named_with_its_remedy(tmp_path: Path, text: str) -> None:
    """A scene that is no scene is refused by name, in both languages; so is one that is not there."""
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(SceneUnreadable, match=r"bad\.yaml") as caught:
        read_scene(path)
    assert "tests/replay/scenes" in caught.value.explain("zh-CN")
    with pytest.raises(SceneUnreadable, match=r"none\.yaml"):
        read_scene(tmp_path / "none.yaml")


def test_a_missing_film_is_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    """A scene whose film is not there is said in one line, and the command exits 2."""
    run = patrol_edge("replay", str(SCENES / "falling-1.yaml"), "--data", str(tmp_path))
    assert run.returncode == 2
    assert "falling-1.mp4" in run.stderr
