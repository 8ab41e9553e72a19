"""A running district for the page's tests: a real broker, a real centre, and a box that says what a test wants.

Only the box's eyes are missing: its messages are built with the wire schema and go through MQTT, its files
through the upload, as those of `patrol_edge` do.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from patrol.broker import Broker, free_port
from patrol.center.service import run
from patrol.config import Config
from patrol.config.load import parse
from patrol.events import (
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
from patrol.topics import ALERT_RAISED, topic_for

ROOT = Path(__file__).resolve().parents[2]
TOKENS = {"PATROL_TOKEN_STREET": "street-secret", "PATROL_TOKEN_YARD": "yard-secret"}
WITHIN_S = 20.0
WIDTH_PX, HEIGHT_PX = 1280, 720
FINDING = Region(x_min_px=320, y_min_px=180, x_max_px=640, y_max_px=540, width_px=WIDTH_PX, height_px=HEIGHT_PX)


def picture(text: str) -> bytes:
    """A JPEG of 1280 × 720 with a bright rectangle at `FINDING`; `text` makes each one different."""
    image = np.full((HEIGHT_PX, WIDTH_PX, 3), (70, 62, 55), np.uint8)
    cv2.rectangle(image, (320, 180), (639, 539), (60, 200, 235), -1)
    cv2.putText(image, text, (40, 680), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (230, 230, 230), 2)
    return _jpeg(image)


def _jpeg(image: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    done, data = cv2.imencode(".jpg", image)
    assert done
    return data.tobytes()


def thumbnail(jpeg: bytes) -> str:
    """The small picture that travels inside an alert."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    small = np.asarray(cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA), np.uint8)
    return base64.b64encode(_jpeg(small)).decode()


@dataclass
class Town:
    """One district: `start` it, let its box say something, look at `url`."""

    folder: Path
    config: Config
    broker: Broker
    _client: Client | None = field(default=None)
    _thread: threading.Thread | None = field(default=None)
    _loop: asyncio.AbstractEventLoop | None = field(default=None)
    _stop: asyncio.Event | None = field(default=None)
    _failures: list[BaseException] = field(default_factory=list)
    _raised: int = field(default=0)

    @classmethod
    def at(cls, folder: Path, broker: Broker, drill: bool = True) -> Town:
        """The demo district with a name, a database and ports of its own."""
        config = parse((ROOT / "config.yaml").read_text(encoding="utf-8"), "config.yaml")
        port = free_port()
        district = config.district.model_copy(update={"id": f"w{time.monotonic_ns()}", "drill": drill})
        center = config.center.model_copy(update={"port": port, "url": f"http://127.0.0.1:{port}"})
        at_broker = config.broker.model_copy(update={"url": broker.url})
        changed = {"district": district, "center": center, "broker": at_broker}
        return cls(folder, config.model_copy(update=changed), broker)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.config.center.url

    # ---- the centre ----

    def start(self) -> None:
        """Start the centre and wait until it has database and broker."""
        ready = threading.Event()

        async def serve() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            await run(self.config, self.folder, TOKENS, self._stop, ready=lambda _: ready.set())

        def work() -> None:
            try:
                asyncio.run(serve())
            except BaseException as err:  # noqa: BLE001 - told to the test, whatever it is
                self._failures.append(err)
                ready.set()

        self._thread = threading.Thread(target=work, name="center")
        self._thread.start()
        assert ready.wait(WITHIN_S)
        assert not self._failures, self._failures
        self.until("the centre works", lambda: self.ask("/health").get("state") == "ok")

    def stop(self) -> None:
        """Stop the centre; the broker stays."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join(WITHIN_S)
        assert not thread.is_alive(), "the centre does not stop"
        assert not self._failures, self._failures

    def ask(self, path: str) -> dict[str, Any]:
        """An answer of the API below /api/v1."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/api/v1{path}", timeout=10, trust_env=False).json()
        return answer

    def until(self, what: str, condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
        """Wait until `condition()` holds."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
            time.sleep(0.03)

    # ---- the station ----

    def fly(self, data: Data, at: datetime | None = None) -> None:
        """One message of the station `dock` over the wire."""
        topic = topic_for(type(data))
        event = Event[Data].of(
            data, id=str(uuid4()), source=source_of("station", "dock"), time=at or datetime.now(UTC), drill=True
        )
        names = {name: str(getattr(data, name, "")) for name in ("station", "drone")}
        self.send(topic.path(self.config.district.id, **names), event.to_json(), retain=topic.retain)

    # ---- the box ----

    def connect_box(self) -> None:
        """Let the box talk to the broker."""
        if self._client is None:
            client = Client(CallbackAPIVersion.VERSION2, client_id=f"box-{self.config.district.id}")
            host, port = "127.0.0.1", int(self.broker.url.rsplit(":", 1)[1])
            client.connect(host, port)
            client.loop_start()
            self.until("the box is connected", client.is_connected)
            self._client = client

    def disconnect_box(self) -> None:
        """The box goes."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def say(self, data: Data, *, box: str = "street", at: datetime | None = None, late: bool = False) -> None:
        """One message of a box over the wire."""
        event = Event[Data].of(
            data, id=getattr(data, "alert_id", "") if isinstance(data, AlertRaised) else str(uuid4()),
            source=source_of("box", box), time=at or datetime.now(UTC), late=late, drill=self.config.district.drill,
        )  # fmt: skip
        topic = topic_for(type(data))
        self.send(topic.path(self.config.district.id, box=box), event.to_json(), retain=topic.retain)

    def send(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Bytes on a topic, and wait until the broker has them."""
        self.connect_box()
        assert self._client is not None
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(WITHIN_S)

    def garbage(self, payload: bytes = b'{"type": "patrol.alert.raised"') -> None:
        """Something that nobody can read."""
        self.send(ALERT_RAISED.path(self.config.district.id, box="street"), payload)

    def raise_alert(
        self, hazard: Hazard = Hazard.BLOCKED_FIRE_LANE, *, camera: str = "gate", place: str | None = None,
        position: Position | None = None, jpeg: bytes | None = None, label: str = "car", zone: str = "lane",
        ago_s: float = 1.0, late: bool = False, wait: bool = True,
    ) -> AlertRaised:  # fmt: skip
        """An alert of a camera; unless told otherwise, wait until the centre has it (if it runs)."""
        at = datetime.now(UTC) - timedelta(seconds=ago_s)
        box = self.config.camera(camera).box
        refs = () if jpeg is None else (evidence_ref(jpeg, at),)
        alert = AlertRaised(
            alert_id=str(uuid4()), box=box, camera=camera, hazard=hazard, place=place or uuid4().hex[:12],
            position=position, region=FINDING, measurement={"ground_distance_m": 17.23},
            explanation=Explanation(
                rule="fire-lane", zone=zone, label=label, first_seen_at=at - timedelta(seconds=23.4), last_seen_at=at,
                dwell_s=23.4, needed_dwell_s=20, looks=12, votes=11, needed_share=0.5, confidence=0.713, threshold=0.35,
            ),
            model=ModelRef(name="street", version="1.0.0", sha256="ab12cd34" * 8), evidence=refs,
            thumbnail_jpeg_base64=None if jpeg is None else thumbnail(jpeg),
        )  # fmt: skip
        self.say(alert, box=box, at=at, late=late)
        self._raised += 1
        if wait and self._thread is not None:
            self.until("the alert is stored", lambda: self.ask("/health")["counts"]["alerts"] >= self._raised)
        return alert

    def alerts(self) -> dict[str, str]:
        """Alerts of all incidents, with the number of their case."""
        found: dict[str, str] = {}
        for incident in self.ask("/incidents?state=all&limit=500")["incidents"]:
            for alert in self.ask(f"/incidents/{incident['incident_id']}")["alerts"]:
                found[alert["alert_id"]] = incident["case_number"]
        return found

    def end_alert(self, alert: AlertRaised) -> None:
        """The thing is gone."""
        now = datetime.now(UTC)
        ended = AlertEnded(
            alert_id=alert.alert_id, box=alert.box, camera=alert.camera, last_seen_at=now - timedelta(seconds=10),
            cleared_at=now,
        )  # fmt: skip
        self.say(ended, box=alert.box)

    def lose_evidence(self, alert: AlertRaised) -> None:
        """The picture was changed on the box's disk."""
        lost = EvidenceLost(
            alert_id=alert.alert_id,
            box=alert.box,
            sha256=alert.evidence[0].sha256,
            reason="altered",
            detail="bytes differ",
        )
        self.say(lost, box=alert.box)

    def upload(self, jpeg: bytes, box: str = "street") -> None:
        """Bring a picture to the centre."""
        answer = httpx.patch(
            f"{self.url}/api/v1/evidence/{hashlib.sha256(jpeg).hexdigest()}", content=jpeg, timeout=20, trust_env=False,
            headers={
                "Authorization": f"Bearer {TOKENS[f'PATROL_TOKEN_{box.upper()}']}",
                "Upload-Offset": "0", "Upload-Length": str(len(jpeg)),
            },
        )  # fmt: skip
        assert answer.status_code == 204, answer.text

    def status(self, *cameras: CameraStatus, box: str = "street", session: int = 1, **facts: Any) -> None:
        """A sign of life of a box."""
        self.say(
            BoxStatus.model_validate({
                "box": box, "session": session, "state": "online", "software": "0.1.0", "cameras": cameras, **facts,
            }),
            box=box,
        )  # fmt: skip


def evidence_ref(jpeg: bytes, at: datetime) -> EvidenceRef:
    """How an alert names a picture."""
    return EvidenceRef(
        sha256=hashlib.sha256(jpeg).hexdigest(), media_type="image/jpeg", size_bytes=len(jpeg), role="frame", taken_at=at,
        blurred=False,
    )  # fmt: skip
