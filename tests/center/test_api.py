"""The API and the pages of a running centre."""

from __future__ import annotations

import asyncio
import base64
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from patrol.center import views, web
from patrol.center.feed import BACKLOG, HEARTBEAT, RELOAD, Feed
from patrol.center.map import district as district_map
from patrol.center.service import run
from patrol.errors import PortTaken
from tests.brokers import AnyBroker
from tests.center.boxside import evidence_ref, raised
from tests.center.conftest import ENVIRON, configured, listening_socket, running
from tests.center.test_ingest import center_and_box, settled


def test_an_incident_says_everything_a_page_shows(
    nats: AnyBroker, database: str, district: str, tmp_path: Path
) -> None:
    """Case, unit in both languages, place, explanation, model, thumbnail, evidence and its state, and all alerts."""
    picture = base64.b64encode(b"\xff\xd8small").decode()

    async def scene() -> None:
        async with center_and_box(settled(district, nats, database), tmp_path) as (center, box):
            ref = evidence_ref("a" * 64)
            await box.say(first := raised(), second := raised(evidence=[ref], thumbnail=picture, late=True))
            await box.answers(2)
            (incident,) = (await center.get("/incidents"))["incidents"]
            assert incident["unit"] == {"id": "grid-mid", "name": {"zh": "中片网格员", "en": "Grid worker middle"}}
            assert incident["camera"]["name"]["zh"] == "消防通道口"
            assert (incident["case_state"], incident["drill"], incident["late"], incident["active"]) == (
                "assigned",
                True,
                False,
                True,
            )
            assert incident["thumbnail"] is None or incident["thumbnail"] == f"data:image/jpeg;base64,{picture}"
            detail = await center.get(f"/incidents/{incident['incident_id']}")
            assert {alert["alert_id"] for alert in detail["alerts"]} == {first.id, second.id}
            assert detail["evidence"][0]["state"] == "waiting"
            assert detail["evidence"][0]["url"] is None
            assert detail["model"]["name"] == "street"
            assert incident.keys() | {"alerts"} == detail.keys()
            missing = await center.get("/incidents/no-such-incident", status=404)
            assert missing["error"]["message"]["zh"] == "没有这个事件。"
            for wrong in ("/incidents?limit=0", "/incidents?state=maybe", "/dead-letters?before=x"):
                said = (await center.get(wrong, status=422))["error"]
                assert (said["code"], set(said["message"])) == ("parameter", {"zh", "en"})

    asyncio.run(scene())


def test_pages_headers_and_description(tmp_path: Path) -> None:
    """Security headers on everything, an OpenAPI that describes every path, and a way to build missing pages."""

    async def scene() -> None:
        config = configured(
            center__port=0, broker__url="mqtt://127.0.0.1:9", center__database=f"sqlite:///{tmp_path}/p.db"
        )
        async with running(config, tmp_path) as center:
            for path in ("/", "/api/v1/boxes", "/api/v1/nothing", "/nothing"):
                headers = (await center.client.get(path)).headers
                assert headers.items() >= {k.lower(): v for k, v in web.SECURITY_HEADERS.items()}.items()
            described = (await center.client.get("/api/v1/openapi.json")).json()
            operations = [one for path in described["paths"].values() for one in path.values()]
            assert all(one["summary"] and one["description"] for one in operations)
            assert set(described["paths"]) == {
                f"/api/v1/{name}"
                for name in ("incidents", "incidents/{incident_id}", "boxes", "dead-letters", "district", "health", "stream", "evidence/{sha256}",
                             "flights", "flights/{flight_id}", "requests", "stations", "drones")
            }  # fmt: skip
            answer = (await center.client.get("/api/v1/nothing")).json()["error"]
            assert answer == {"code": "http-404", "message": {"zh": "这里没有内容。", "en": "There is nothing here."}}

    asyncio.run(scene())


def test_the_console_and_its_absence(tmp_path: Path) -> None:
    """Built, its files are served (hashed ones for ever); not built, a page in both languages says how to build it."""
    built = tmp_path / "console"
    built.mkdir()
    (built / "index.html").write_text("<p>console</p>")
    (built / "console-AB12CD34.js").write_text("let x")
    (tmp_path / "secret").write_text("secret")

    async def get(console: Path, path: str) -> httpx.Response:
        app = web.create_app((), "test", console)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://center") as client:
            return await client.get(path)

    index = asyncio.run(get(built, "/"))
    assert (index.text, index.headers["Cache-Control"]) == ("<p>console</p>", "no-cache")
    script = asyncio.run(get(built, "/console-AB12CD34.js"))
    assert "immutable" in script.headers["Cache-Control"]
    assert asyncio.run(get(built, "/..%2fsecret")).status_code == 404
    absent = asyncio.run(get(tmp_path / "absent", "/"))
    assert "控制台还没有构建" in absent.text
    assert "The console is not built" in absent.text


def test_the_map_is_geojson() -> None:
    """Every part of the demo district is on it, rings are closed and counter-clockwise, a camera without a pose has no place."""
    config = configured()
    features = district_map(config).features
    kinds = [feature["properties"]["kind"] for feature in features]
    expected = {
        "boundary": 1, "cell": len(config.grid), "building": len(config.buildings), "road": len(config.roads),
        "fire_lane": len(config.fire_lanes), "ponding_point": len(config.ponding_points), "camera": len(config.cameras),
    }  # fmt: skip
    assert {kind: kinds.count(kind) for kind in kinds} == expected
    for feature in features:
        geometry = feature["geometry"]
        if geometry is None:
            assert feature["properties"]["id"] == "yard"
        elif geometry["type"] == "Polygon":
            (ring,) = geometry["coordinates"]
            assert ring[0] == ring[-1]
            assert sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) > 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """What else listens there keeps the port, and the centre says which one it wanted."""
    taken = listening_socket()
    port = taken.getsockname()[1]
    config = configured(center__port=port, center__database=f"sqlite:///{tmp_path}/p.db")
    with taken, pytest.raises(PortTaken, match=str(port)):
        asyncio.run(run(config, tmp_path, ENVIRON, asyncio.Event()))


def test_a_slow_page_is_told_to_reload() -> None:
    """A listener that lags too far behind loses its stream, the others do not, and nothing grows without bound."""

    async def scene() -> None:
        feed = Feed()
        slow, quick = feed.listen(), feed.listen()
        assert [await anext(slow), await anext(quick)] == [HEARTBEAT, HEARTBEAT]
        asleep, awake = asyncio.ensure_future(anext(slow)), asyncio.ensure_future(anext(quick))
        await asyncio.sleep(0)
        for n in range(BACKLOG + 9):
            feed.tell("incident", n)
            assert f'"{n}"' in await (awake if n == 0 else anext(quick))
        said = [await asleep] + [one async for one in slow]
        assert len(said) <= BACKLOG + 1
        assert said[-1] == RELOAD
        feed.close()
        assert [one async for one in quick] == [RELOAD]
        assert feed.is_full

    asyncio.run(scene())


def test_a_quiet_stream_shows_that_it_lives() -> None:
    """When nothing changes there is a heartbeat."""

    async def scene() -> None:
        stream = Feed().listen(heartbeat_s=0.01)
        assert [await anext(stream), await anext(stream)] == [HEARTBEAT, HEARTBEAT]
        await stream.aclose()  # type: ignore[attr-defined]  # it is an async generator

    asyncio.run(scene())


@pytest.mark.parametrize("text", ["", '" onerror="alert(1)', "a b", "data:text/html", "AAAA\n", "=AAA"])
def test_only_base64_becomes_a_picture(text: str) -> None:
    """A thumbnail comes from outside and goes into a page: anything else than base64 is no picture."""
    assert views.thumbnail_url(text) is None


def test_percentiles() -> None:
    """Nearest rank: of 1 to 100 the median is 50, the 95th percentile 95; of nothing there is none."""
    found = views.latency([float(n) for n in range(100, 0, -1)])
    assert (found.alerts, found.p50_s, found.p95_s, found.max_s) == (100, 50.0, 95.0, 100.0)
    assert views.latency([3.0]).p95_s == 3.0
    assert views.latency([]).p50_s is None
