"""What to send now, and what to do with the answers. Decisions are pure; `Courier` acts them out in one thread.

An alert leaves the outbox when the centre has acknowledged it, not when the broker has. Until then it
is sent again: after `RESEND_S`, twice that, and so on up to `RESEND_MAX_S`, and at once when the
broker or the centre comes back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event as Flag

import structlog

from patrol.errors import LinkError, StorageError, WireError
from patrol.events import DATA_TYPES, Acknowledgement, BoxStatus, CenterStatus, Data, Event, source_of
from patrol.topics import ACKNOWLEDGEMENT, BOX_STATUS, CENTER_STATUS, DRONE_POSE, WEATHER_WARNED, read, topic_for
from patrol_edge.link import Link, Will
from patrol_edge.outbox import Outbox, Waiting

RESEND_S = 5.0
RESEND_MAX_S = 60.0
LATE_S = 60.0  # an alert sent this long after it happened says `late`
WINDOW = 64  # messages under way at once
STATUS_EVERY_S = 10.0
RECONNECT_S = (0.5, 15.0)  # first and longest wait between attempts, before jitter
POLL_S = 0.1
_TYPES = {data_type.type_name: data_type for data_type in DATA_TYPES}


@dataclass(frozen=True)
class Attempt:
    """When a message was last sent (monotonic seconds) and how often."""

    at_s: float
    count: int


def is_due(attempt: Attempt | None, now_s: float) -> bool:
    """Whether a message that has not been acknowledged should be sent (again)."""
    if attempt is None:
        return True
    wait_s: float = min(RESEND_S * 2 ** min(attempt.count - 1, 10), RESEND_MAX_S)
    return now_s - attempt.at_s >= wait_s


def reconnect_after_s(failures: int, dice: float) -> float:
    """How long to wait after `failures` failed connections in a row; `dice` in [0, 1) spreads a fleet of boxes."""
    first, longest = RECONNECT_S
    return float(min(first * 2 ** min(failures, 10), longest)) * (0.5 + dice / 2)


def envelope(waiting: Waiting, box: str, drill: bool, now: datetime) -> Event[Data]:
    """The message as it is said now: same id, number and time whenever it is sent, `late` when it is."""
    message = waiting.message
    data = _TYPES[message.type_name].model_validate_json(message.data_json)
    return Event[Data].of(
        data, id=message.event_id, source=source_of("box", box), time=message.happened_at, sequence=waiting.sequence, drill=drill,
        late=now - message.happened_at > timedelta(seconds=LATE_S),
    )  # fmt: skip


@dataclass(frozen=True)
class Sender:
    """Whose messages these are."""

    district: str
    box: str
    drill: bool
    software: str
    session: int


class Courier:
    """Owns the link: sends what the outbox holds, settles what the centre acknowledges, gives signs of life."""

    def __init__(
        self, sender: Sender, outbox: Outbox, link: Link, status: Callable[[], BoxStatus],
        wall: Callable[[], datetime], monotonic: Callable[[], float], dice: random.Random,
        hear: Callable[[Event[Data]], None] = lambda _: None,
        hear_aside: Callable[[str, bytes], None] = lambda _topic, _payload: None,
    ) -> None:  # fmt: skip
        self._sender, self._outbox, self._link, self._status = sender, outbox, link, status
        self._wall, self._monotonic, self._dice = wall, monotonic, dice
        self._hear, self._hear_aside = hear, hear_aside
        self._told_refused: frozenset[str] = frozenset()
        self._attempts: dict[int, Attempt] = {}
        self._center_session = 0
        self._status_at_s = -STATUS_EVERY_S
        self._failures = 0
        self._log = structlog.get_logger().bind(box=sender.box)
        self._told_down = False

    def run(self, stop: Flag) -> None:
        """Until `stop`: connect, deliver, reconnect. Broker trouble never ends it."""
        while not stop.is_set():
            try:
                self._link.connect(self._will())
                self._failures, self._told_down = 0, False
                self._log.info("broker connected", mqtt=self._link.protocol)
                self._attempts.clear()
                self._status_at_s = -STATUS_EVERY_S
                while not stop.is_set():
                    self.step(POLL_S)
            except LinkError as err:
                if not self._told_down:
                    self._log.warning("broker lost, alerts wait on disk", reason=err.explain("en"))
                self._told_down = True
                stop.wait(reconnect_after_s(self._failures, self._dice.random()))
                self._failures += 1
            except StorageError as err:
                self._log.error("outbox unusable, trying again", reason=err.explain("en"))
                stop.wait(1.0)
        self._say_goodbye()

    def step(self, poll_s: float) -> None:
        """One round: bytes, answers, messages, sign of life. Raises LinkError, StorageError."""
        self._link.poll(poll_s)
        self._settle()
        self._take_aside()
        now_s = self._monotonic()
        waiting = self._outbox.waiting(WINDOW)
        self._attempts = {w.sequence: a for w in waiting if (a := self._attempts.get(w.sequence))}
        for message in waiting:
            if is_due(self._attempts.get(message.sequence), now_s) and self._send(message):
                count = self._attempts[message.sequence].count if message.sequence in self._attempts else 0
                self._attempts[message.sequence] = Attempt(now_s, count + 1)
        if now_s - self._status_at_s >= STATUS_EVERY_S:
            self._say_status(self._status())
            self._status_at_s = now_s

    def _send(self, message: Waiting) -> bool:
        event = envelope(message, self._sender.box, self._sender.drill, self._wall())
        topic = topic_for(type(event.data))
        path = topic.path(self._sender.district, box=self._sender.box)
        return self._link.publish(path, event.to_json(), qos=topic.qos, retain=topic.retain)

    def _settle(self) -> None:
        events = [event for topic, payload in self._take() if (event := self._understood(topic, payload))]
        acknowledgements = [event.data for event in events if isinstance(event.data, Acknowledgement)]
        if acknowledgements:
            self._outbox.settle(acknowledgements, self._wall())
            for ack in acknowledgements:
                if ack.outcome == "refused":
                    self._log.error(
                        "centre refused a message, kept on the box", event_id=ack.event_id, reason=ack.reason
                    )
        for event in events:
            self._hear(event)
            if (
                isinstance(event.data, CenterStatus)
                and event.data.state == "online"
                and event.data.session != self._center_session
            ):
                self._center_session = event.data.session
                self._attempts.clear()  # a centre that has just started has heard nothing of what was sent before

    def _take_aside(self) -> None:
        """What came on the topics of others; and, once each, which of them the broker refuses."""
        while self._link.aside_inbox:
            self._hear_aside(*self._link.aside_inbox.popleft())
        refused = self._link.refusals
        for topic in sorted(refused.keys() - self._told_refused):
            self._log.error("broker refuses a topic, everything else goes on", topic=topic, reason=refused[topic])
        self._told_refused = frozenset(refused)

    def _take(self) -> Iterable[tuple[str, bytes]]:
        while self._link.inbox:
            yield self._link.inbox.popleft()

    def _understood(self, topic: str, payload: bytes) -> Event[Data] | None:
        try:
            return read(payload, topic=topic, district=self._sender.district)
        except WireError as err:
            self._log.warning("ignored a message", topic=topic, reason=err.explain("en"))
            return None

    def _say_status(self, status: BoxStatus) -> None:
        path = BOX_STATUS.path(self._sender.district, box=self._sender.box)
        self._link.publish(path, self._status_event(status), qos=BOX_STATUS.qos, retain=BOX_STATUS.retain)

    def _status_event(self, status: BoxStatus) -> bytes:
        now = self._wall()
        event_id = f"{self._sender.box[:20]}-{self._sender.session}-{int(now.timestamp() * 1000)}"
        source = source_of("box", self._sender.box)
        return Event[Data].of(status, id=event_id, source=source, time=now, drill=self._sender.drill).to_json()

    def _offline(self) -> BoxStatus:
        return BoxStatus(
            box=self._sender.box, session=self._sender.session, state="offline", software=self._sender.software
        )

    def _will(self) -> Will:
        path = BOX_STATUS.path(self._sender.district, box=self._sender.box)
        return Will(path, self._status_event(self._offline()))

    def _say_goodbye(self) -> None:
        if self._link.is_up:
            self._say_status(self._offline())
            for _ in range(10):  # half a second for the last words to leave
                try:
                    self._link.poll(0.05)
                except LinkError:
                    break
        self._link.close()


def subscriptions(district: str, box: str) -> tuple[str, ...]:
    """What a box must hear: answers, and the centre's life."""
    return ACKNOWLEDGEMENT.path(district, box=box), CENTER_STATUS.path(district)


def optional_subscriptions(district: str, drones: Iterable[str]) -> tuple[str, ...]:
    """What a box would like to hear: rain, and the poses of the drones whose pictures it watches."""
    poses = (DRONE_POSE.path(district, station="+", drone=drone) for drone in drones)
    return WEATHER_WARNED.path(district, kind="rain"), *poses
