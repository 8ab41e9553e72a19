"""A vendor's smoke alarm through every real part: its payload, the box, the centre's case, and a drone around the place."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from math import atan2, degrees
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import pytest
import yaml

from patrol.events import AlertRaised, Hazard
from patrol.geo import distance_m
from tests.flight.station.district import Town, demo_config, run
from tests.journeys.system import System

SENSOR = "rose-smoke"
PAYLOAD = {"data": {"alarm": 1, "battery": 96}, "sn": "8f21"}


def sensor_line(system: System) -> dict[str, Any]:
    """What the centre knows of the smoke alarm."""
    for box in (system.ask("/api/v1/boxes") or {}).get("boxes", []):
        for sensor in box["sensors"]:
            if sensor["sensor"] == SENSOR and box["state"] == "online":
                found: dict[str, Any] = sensor
                return found
    return {}


@pytest.mark.slow
def test_a_vendors_payload_becomes_a_case_and_an_orbit(tmp_path: Path) -> None:
    """Two messages of a smoke alarm make one incident at its place, though the box is killed in between, and a drone circles it."""
    system = System(tmp_path, [])
    document = yaml.safe_load(system.config_path.read_text(encoding="utf-8"))
    for model in document["sensor_models"]:
        model["within_s"] = 3600  # a busy machine may need a while to start a box again
    system.config_path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    try:
        system.broker.start()
        system.start_center()
        system.await_center()
        system.start_box("street")
        assert system.until("the box listens", lambda: sensor_line(system), 60)["state"] == "waiting"
        config = demo_config(system.broker.url, patrols=())
        sensor = next(one for one in config.sensors if one.id == SENSOR)
        town = Town(config, tmp_path, begins=datetime.now(UTC))
        parts = urlsplit(system.broker.url)
        run_it(system, town, (parts.hostname or "", parts.port or 0), sensor.topic)
        (alert,) = [e.data for e in town.heard if isinstance(e.data, AlertRaised)]
        assert (alert.sensor, alert.hazard) == (SENSOR, Hazard.SMOKE_ALARM)
        assert "flying" in [a.state for a in town.answers(alert.alert_id)]
        around = [s for s in town.samples if s.up_m > 10 and distance_m(s.at, sensor.at) < 120]
        sides = {
            int(degrees(atan2(s.at.lat_deg - sensor.at.lat_deg, s.at.lon_deg - sensor.at.lon_deg)) // 45)
            for s in around
        }
        assert len(sides) >= 3, "half a circle around it"
        (incident,) = system.incidents()
        assert (incident["hazard"], incident["sensor"]["room"]) == ("smoke-alarm", sensor.room)
        assert incident["position"]["lat_deg"] == pytest.approx(sensor.at.lat_deg)
        assert incident["unit"] is not None
        assert system.until("its alarm shows", lambda: sensor_line(system).get("state") == "alarm", 30)
    finally:
        system.stop()


def run_it(system: System, town: Town, broker: tuple[str, int], topic: str) -> None:
    """The alarm, a kill of the box between its two messages, the case, and the flight to its end."""

    def alerts() -> list[AlertRaised]:
        return [e.data for e in town.heard if isinstance(e.data, AlertRaised)]

    async def say(payload: object) -> None:
        async with aiomqtt.Client(*broker, identifier="acme-gateway") as vendor:
            await vendor.publish(topic, json.dumps(payload), qos=1)

    async def day() -> None:
        async with town.flying(), town.station():
            with town.clock.member():
                await say(PAYLOAD)
                await asyncio.to_thread(system.until, "the first vote is on disk", lambda: votes(system) == 1, 60)
                before = session(system)
                system.kill("box-street")
                system.start("box-street")
                # a status of the killed box may still be the newest: only that of a later start says that it listens again
                await asyncio.to_thread(system.until, "the box is back", lambda: session(system) > before, 60)
                await say(PAYLOAD)
                await town.until(alerts)
                await town.until(lambda: town.answers(alerts()[0].alert_id))
                await asyncio.to_thread(system.until, "a case", system.incidents, 30)
            await town.follow(lambda: any(a.state == "done" for a in town.answers(alerts()[0].alert_id)))

    run(day)


def session(system: System) -> int:
    """The number of the box's start that the centre has last heard of, 0 while it is offline."""
    boxes = (system.ask("/api/v1/boxes") or {}).get("boxes", [])
    return next((int(b["session"]) for b in boxes if b["box"] == "street" and b["state"] == "online"), 0)


def votes(system: System) -> int:
    """Votes that the box has on its disk."""
    rows = system.rows("street", "SELECT body_json FROM memory WHERE camera = 'sensor:rose-smoke'")
    return len(json.loads(rows[0][0])["readings"]["smoke"]["votes"]) if rows else 0
