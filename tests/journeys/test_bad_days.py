"""Bad days, end to end with real processes: the centre away, evidence spoiled meanwhile, and kill -9 all round."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys import kill_rounds
from tests.journeys.system import SHARED, System
from tests.journeys.test_rtsp_to_case import yard_camera

CLIP = SHARED / "clips" / "people-yard.mp4"
needs_film = pytest.mark.skipif(not CLIP.exists(), reason=f"shared data missing: {CLIP} (set PATROL_SHARED_DATA)")


@pytest.mark.slow
@needs_film
def test_alerts_wait_for_a_centre_that_is_away_and_stand_when_evidence_is_spoiled(tmp_path: Path) -> None:
    """With broker and centre away an alert waits on disk; one picture altered and one deleted meanwhile are reported as such, and the alert becomes a case all the same."""
    system = System(tmp_path, [yard_camera(str(CLIP), whole_picture=True)])
    try:
        system.start_box("yard")
        files = system.until(
            "an alert waits on disk", lambda: system.rows("yard", "SELECT sha256 FROM evidence ORDER BY rowid"), 60
        )
        assert system.rows("yard", "SELECT state FROM message") == [("waiting",)]
        folder = tmp_path / "box-yard" / "evidence"
        altered, missing = (folder / sha[:2] / sha for (sha,) in files[:2])
        altered.write_bytes(altered.read_bytes()[:-1] + b"!")
        missing.unlink()
        system.broker.start()
        system.start_center()
        system.await_center()
        incident = system.until("a case whose evidence is accounted for", lambda: next(
            (i for i in system.incidents() if {e["state"] for e in i["evidence"]} == {"lost"}), None), 90)  # fmt: skip
        assert incident["case_number"]
        assert {e["lost_reason"] for e in incident["evidence"]} == {"altered", "missing"}
        assert system.ask("/api/v1/dead-letters")["dead_letters"] == []
    finally:
        system.stop()


@pytest.mark.slow
@needs_film
def test_kill_9_on_box_centre_and_broker_loses_and_duplicates_nothing(tmp_path: Path) -> None:
    """Three kills each of box, centre and broker while alerts flow: nothing lost, invented, refused, spoiled or duplicated (50 rounds: tests/journeys/kill_rounds.py)."""
    result = kill_rounds.run(tmp_path, 3, seed=7)
    print(result)
    assert result["alerts_at_center"] == result["alerts_on_box"] >= 3
    assert {k: result[k] for k in kill_rounds.MUST_BE_ZERO} == dict.fromkeys(kill_rounds.MUST_BE_ZERO, 0)
