"""What a box says, for tests: its messages, and a plain MQTT client that says them and hears the answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from patrol.events import (
    Acknowledgement,
    AlertEnded,
    AlertRaised,
    BoxStatus,
    CameraStatus,
    Data,
    Event,
    EvidenceLost,
    EvidenceRef,
    Explanation,
    Hazard,
    ModelRef,
    Position,
    Region,
    source_of,
)
from patrol.mqtt import Incoming
from patrol.topics import ACKNOWLEDGEMENT, read, topic_for

T0 = datetime(2025, 6, 3, 9, 32, tzinfo=UTC)
LANE = Position(lat_deg=22.5433701, lon_deg=114.0585402, accuracy_m=1.9)
_NUMBERS = count(1)


def new_id() -> str:
    """An id that no other message of this run has."""
    return f"event-{next(_NUMBERS):08d}"


def evidence_ref(sha256: str, size_bytes: int = 10) -> EvidenceRef:
    """A picture that proves something."""
    return EvidenceRef(
        sha256=sha256, media_type="image/jpeg", size_bytes=size_bytes, role="marked", taken_at=T0, blurred=True
    )


def raised(
    *,
    alert_id: str | None = None,
    box: str = "street",
    camera: str = "gate",
    hazard: Hazard = Hazard.BLOCKED_FIRE_LANE,
    zone: str = "lane",
    place: str = "lane:3:1",
    position: Position | None = LANE,
    at: datetime = T0,
    evidence: Sequence[EvidenceRef] = (),
    late: bool = False,
    drill: bool = False,
    thumbnail: str | None = None,
) -> Event[Data]:
    """A new alert."""
    event_id = alert_id or new_id()
    why = Explanation(
        rule=str(hazard), zone=zone, label="car", first_seen_at=at - timedelta(seconds=121), last_seen_at=at, dwell_s=121,
        needed_dwell_s=120, looks=61, votes=58, needed_share=0.5, confidence=0.78, threshold=0.35,
    )  # fmt: skip
    data = AlertRaised(
        alert_id=event_id, box=box, camera=camera, hazard=hazard, place=place, position=position,
        region=Region(x_min_px=601, y_min_px=288, x_max_px=783, y_max_px=442, width_px=1280, height_px=720),
        measurement={"overlap_share": 0.83}, explanation=why, model=ModelRef(name="street", version="1", sha256="0" * 64),
        evidence=tuple(evidence), thumbnail_jpeg_base64=thumbnail,
    )  # fmt: skip
    return Event[Data].of(data, id=event_id, source=source_of("box", box), time=at, late=late, drill=drill)


def ended(alert_id: str, *, box: str = "street", camera: str = "gate", at: datetime = T0) -> Event[Data]:
    """What the alert was about is gone since `at`."""
    data = AlertEnded(alert_id=alert_id, box=box, camera=camera, last_seen_at=at - timedelta(seconds=30), cleared_at=at)
    return Event[Data].of(data, id=new_id(), source=source_of("box", box), time=at)


def lost(alert_id: str, sha256: str, *, box: str = "street") -> Event[Data]:
    """A file will not come."""
    data = EvidenceLost(alert_id=alert_id, box=box, sha256=sha256, reason="altered", detail="0 bytes found")
    return Event[Data].of(data, id=new_id(), source=source_of("box", box), time=T0)


def status(
    session: int, state: Any = "online", *, box: str = "street", at: datetime | None = None, waiting: int = 0
) -> Event[Data]:
    """A sign of life."""
    now = at or datetime.now(UTC)
    camera = CameraStatus(camera="gate", state="watching", since=T0, last_frame_at=T0, looks=7, unwatched_s=4.5)
    data = BoxStatus(
        box=box, session=session, state=state, software="0.1.0", outbox_waiting=waiting,
        cameras=(camera,) if state == "online" else (),
    )  # fmt: skip
    return Event[Data].of(data, id=new_id(), source=source_of("box", box), time=now)


def place_of(event: Event[Data], district: str) -> str:
    """The topic on which `event` belongs."""
    names = {name: str(getattr(event.data, name, "")) for name in ("box", "station", "drone")}
    return topic_for(type(event.data)).path(district, **names)


def came(event: Event[Data], district: str = "demo", retained: bool = False, at: datetime = T0) -> Incoming:
    """`event` as it comes from the broker."""
    return Incoming(place_of(event, district), event.to_json(), retained, at)


class BoxClient:
    """Says a box's messages and hears the answers."""

    def __init__(self, client: aiomqtt.Client, district: str) -> None:
        self._client, self._district = client, district
        self._heard: asyncio.Queue[Acknowledgement] = asyncio.Queue()

    async def say(self, *events: Event[Data]) -> None:
        """Publish, and wait until the broker has them."""
        for event in events:
            row = topic_for(type(event.data))
            await self.say_raw(place_of(event, self._district), event.to_json(), retain=row.retain)

    async def say_raw(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish bytes."""
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def listen(self) -> None:
        """Keep the answers."""
        async for message in self._client.messages:
            event = read(bytes(message.payload), topic=str(message.topic), district=self._district)
            assert isinstance(event.data, Acknowledgement)
            self._heard.put_nowait(event.data)

    async def answer(self, within_s: float = 20.0) -> Acknowledgement:
        """The next answer."""
        return await asyncio.wait_for(self._heard.get(), within_s)

    async def answers(self, number: int, within_s: float = 20.0) -> dict[str, Acknowledgement]:
        """The next answers, by the message that they are about."""
        found = [await self.answer(within_s) for _ in range(number)]
        return {one.event_id: one for one in found}

    def has_heard(self) -> bool:
        """Whether an answer has come that nobody has asked for."""
        return not self._heard.empty()


@contextlib.asynccontextmanager
async def box_client(url: str, district: str, box: str = "street") -> AsyncIterator[BoxClient]:
    """A box on the broker at `url`."""
    parts = urlsplit(url)
    async with aiomqtt.Client(parts.hostname or "", parts.port or 1883, identifier=new_id(), timeout=20) as client:
        await client.subscribe(ACKNOWLEDGEMENT.path(district, box=box), qos=1)
        speaker = BoxClient(client, district)
        listening = asyncio.create_task(speaker.listen())
        try:
            yield speaker
        finally:
            listening.cancel()
            await asyncio.wait({listening})
