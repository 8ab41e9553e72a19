"""The demonstration's own decisions: its configuration is valid, keeps to loopback, and holds no secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from patrol.config.load import parse
from patrol.demo import BOX, FLOWN, demo_document, named_clip, news, secrets_for, take_off_time
from patrol.errors import SourceMissing

ROOT = Path(__file__).resolve().parents[1]
PORTS = {"falcon": 18640}
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DISTRICT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "clips", [{"gate": "gate.mp4", "fence": "fence.mp4"}, {"clip": "rtsp://127.0.0.1/x"}], ids=["rendered", "any clip"]
)
def test_the_demos_configuration_is_a_valid_district(clips: dict[str, str]) -> None:
    """With rendered films or with somebody's clip, what is written passes the same checks as any configuration and binds to loopback."""
    document = demo_document(DISTRICT, clips, "../../models", 11883, 18080, PORTS, NOON)
    config = parse(yaml.safe_dump(document, allow_unicode=True), "demo")
    assert {camera.id for camera in config.cameras} == set(clips)
    assert all(camera.box == BOX and camera.loop for camera in config.cameras)
    assert [box.id for box in config.boxes] == [BOX], "a box that the demonstration does not run would count as offline"
    assert config.center.host == "127.0.0.1"
    assert config.broker.url == "mqtt://127.0.0.1:11883"
    assert config.district.drill
    watched = [drone.camera for drone in config.drones if drone.camera is not None]
    assert [(camera.box, camera.source) for camera in watched] == [(BOX, "http://127.0.0.1:18640/falcon")]


def test_every_piece_of_news_is_told_once() -> None:
    """A case is told when it is new and when another alert joins it, a flight at each new phase; nothing twice."""
    told: dict[str, object] = {}
    case = {
        "incident_id": "i",
        "case_number": "DEMO-1",
        "hazard": "blocked-fire-lane",
        "alert_count": 1,
        "camera": {"id": "gate"},
    }
    flight = {"flight_id": "f", "patrol": {"id": "court-round"}, "drone": {"id": "falcon"}, "phase": "flying"}
    assert news(told, [case], [flight]) == [
        "case DEMO-1: blocked-fire-lane at gate",
        "flight of falcon (court-round): flying",
    ]
    assert news(told, [case], [flight]) == []
    later = [case | {"alert_count": 2, "camera": {"id": "falcon"}}], [flight | {"phase": "landed", "patrol": None}]
    assert news(told, *later) == ["case DEMO-1: seen again, by falcon", "flight of falcon (request): landed"]


def test_any_clip_is_watched_for_people_and_vehicles_in_the_whole_picture() -> None:
    """A clip of unknown content is judged by both rules, everywhere in it, at any hour."""
    config = parse(
        yaml.safe_dump(demo_document(DISTRICT, {"clip": "a.mp4"}, "models", 1, 2, PORTS, NOON), allow_unicode=True),
        "demo",
    )
    zones = config.camera("clip").zones
    assert {zone.hazard for zone in zones} == {"perimeter-intrusion", "blocked-fire-lane"}
    assert all(set(zone.polygon_px) == {(0, 0), (1280, 0), (1280, 720), (0, 720)} for zone in zones)


def test_a_patrol_is_due_soon_after_the_start() -> None:
    """The flown patrol's time is a whole minute within a minute and a half, on the district's clocks, at any hour of the day."""
    for second in (0, 30, 59):
        start = NOON.replace(second=second)
        at = take_off_time(start)
        assert timedelta(seconds=20) < at - start <= timedelta(seconds=80)
        document = demo_document(DISTRICT, {"clip": "a.mp4"}, "models", 1, 2, PORTS, at)
        first = parse(yaml.safe_dump(document, allow_unicode=True), "demo").patrols[0]
        assert first.id == FLOWN
        assert (first.cron, first.windows) == (f"{at.minute} 20 * * *", ())  # 12:00 UTC is 20:00 there


def test_every_secret_is_set_and_new_each_time() -> None:
    """Each placeholder gets a random value of 32 bytes, unless the environment has one already."""
    first, second = secrets_for(DISTRICT, {}), secrets_for(DISTRICT, {"PATROL_TOKEN_YARD": "mine"})
    assert set(first) == set(second) == {"PATROL_TOKEN_STREET", "PATROL_TOKEN_YARD"}
    assert len(first["PATROL_TOKEN_STREET"]) == 64
    assert first["PATROL_TOKEN_STREET"] != second["PATROL_TOKEN_STREET"]
    assert second["PATROL_TOKEN_YARD"] == "mine"


def test_a_missing_clip_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A path with nothing there is an error at once; addresses and devices are the box's business."""
    with pytest.raises(SourceMissing, match="nowhere"):
        named_clip(str(tmp_path / "nowhere.mp4"))
    assert named_clip("rtsp://127.0.0.1/a") == "rtsp://127.0.0.1/a"
