"""The one file that imports aiomqtt: the connection of centre and station to the broker.

MQTT 5 is tried first and 3.1.1 when the broker does not speak it; nothing here depends on 5. The client
id is fixed and the session persistent, so that the broker keeps what others say while we are away.

What is received is acknowledged to the broker at once, but to a box only after it is in the centre's database
(center/ingest.py): what dies between the two, in memory, the box sends again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import aiomqtt
import structlog
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from patrol.errors import BrokerRefused, BrokerUnreachable, LinkError, Text
from patrol.events import Data, Event
from patrol.topics import topic_for

CONNECT_WITHIN_S = 5.0
PUBLISH_WITHIN_S = 5.0
KEEPALIVE_S = 15
# Messages that the broker has not confirmed yet. An MQTT 5 broker may hang up on more than its Receive Maximum
# (Mosquitto announces 20), and paho does not look at it.
IN_FLIGHT = 16
RECONNECT_S = (0.5, 15.0)  # first and longest wait between attempts, before jitter
SESSION_KEPT_S = 7 * 86_400  # MQTT 5 brokers forget us after this; 3.1.1 ones decide for themselves
FAILURE = 0x80  # reason codes from here on are refusals, in MQTT 5 and 3.1.1
UNSUPPORTED_PROTOCOL = 0x84  # MQTT 5, table 3-1; paho gives the 3.1.1 code 1 the same name
_NOT_CONNECTED = Text("there is no connection just now", "目前没有连接")
_NEITHER = Text("it speaks neither MQTT 5 nor 3.1.1", "它既不支持 MQTT 5 也不支持 3.1.1")


@dataclass(frozen=True)
class Account:
    """Where the broker is and who we are there."""

    url: str
    client_id: str
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Incoming:
    """One message as it came. `retained`: the broker had kept it, so it is as old as it says."""

    topic: str
    payload: bytes
    retained: bool
    received_at: datetime


@dataclass(frozen=True)
class Outgoing:
    """A message to say."""

    topic: str
    payload: bytes
    qos: int
    retain: bool

    @classmethod
    def of(cls, event: Event[Data], district: str, **names: str) -> Outgoing:
        """`event` on the topic that the wire table has for it."""
        row = topic_for(type(event.data))
        return cls(row.path(district, **names), event.to_json(), row.qos, row.retain)


def reconnect_after_s(failures: int, dice: float) -> float:
    """How long to wait after `failures` failed attempts in a row; `dice` in [0, 1) spreads many programs."""
    first, longest = RECONNECT_S
    return float(min(first * 2 ** min(failures, 10), longest)) * (0.5 + dice / 2)


class Link:
    """One connection after the other, for as long as `run` runs."""

    def __init__(
        self, account: Account, subscriptions: Sequence[str], greeting: Outgoing, will: Outgoing,
        inbox: asyncio.Queue[Incoming], connected: Callable[[], None], wall: Callable[[], datetime], dice: random.Random,
        aside: tuple[str, Callable[[Incoming], bool]] | None = None,
    ) -> None:  # fmt: skip
        """`greeting` is said after every connect, `will` by the broker when we die. Received goes into `inbox`.

        `connected` is called whenever publishing has become possible. What comes on a topic that fits the filter in
        `aside` is given to the function there first, and goes into the inbox only when that returns False.
        """
        self._account, self._subscriptions, self._greeting, self._will = account, subscriptions, greeting, will
        self._inbox, self._connected, self._wall, self._dice = inbox, connected, wall, dice
        self._aside = aside
        self._client: aiomqtt.Client | None = None
        self._listening = True
        self._protocols = [aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311]
        self._log = structlog.get_logger().bind(broker=account.url)
        self.up = asyncio.Event()
        self.dropped = 0  # messages that found the inbox full; boxes say theirs again

    @property
    def protocol(self) -> str | None:
        """The MQTT version in use, for people; None while there is no connection."""
        if self._client is None:
            return None
        return "5" if self._protocols[0] is aiomqtt.ProtocolVersion.V5 else "3.1.1"

    async def run(self) -> None:
        """Connect, receive, reconnect, until cancelled. Broker trouble never ends it."""
        failures, told = 0, False
        while True:
            try:
                async with AsyncExitStack() as stack:
                    client = await self._connect(stack)
                    await self._greet(client)
                    failures, told = 0, False
                    self._log.info("broker connected", mqtt=self.protocol)
                    try:
                        await self._receive(client)
                    finally:
                        self._client = None
                        self.up.clear()
            except aiomqtt.MqttError as err:
                failure: LinkError = BrokerUnreachable(url=self._account.url, cause=str(err))
            except LinkError as err:
                failure = err
            if not told:
                self._log.warning("broker lost, what is to be said is kept", reason=failure.explain("en"))
            told = True
            await asyncio.sleep(reconnect_after_s(failures, self._dice.random()))
            failures += 1

    def stop_listening(self) -> None:
        """Take nothing more in; what comes now boxes will say again. Publishing goes on."""
        self._listening = False

    async def publish(self, message: Outgoing) -> None:
        """Say it, and wait until the broker has it. Raises BrokerUnreachable."""
        client = self._client
        if client is None:
            raise BrokerUnreachable(url=self._account.url, cause=_NOT_CONNECTED)
        try:
            await self._say(client, message)
        except aiomqtt.MqttError as err:
            raise BrokerUnreachable(url=self._account.url, cause=str(err)) from err

    async def _connect(self, stack: AsyncExitStack) -> aiomqtt.Client:
        """A connected client, which `stack` will disconnect. Raises LinkError."""
        refused: LinkError | None = None
        for protocol in list(self._protocols):
            client = self._make_client(protocol)
            try:
                await stack.enter_async_context(client)
            except aiomqtt.MqttCodeError as err:  # the broker has answered with a reason
                refused = BrokerRefused(url=self._account.url, cause=str(err))
                if not _is_wrong_protocol(err.rc):
                    raise refused from err
            except aiomqtt.MqttError as err:
                raise BrokerUnreachable(url=self._account.url, cause=str(err)) from err
            else:
                self._protocols.sort(key=lambda one: one is not protocol)  # next time this one first
                return client
        raise BrokerRefused(url=self._account.url, cause=_NEITHER) from refused

    def _make_client(self, protocol: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
        parts = urlsplit(self._account.url)
        tls = parts.scheme == "mqtts"
        is_5 = protocol is aiomqtt.ProtocolVersion.V5
        kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        kept.SessionExpiryInterval = SESSION_KEPT_S
        client = aiomqtt.Client(
            parts.hostname or "127.0.0.1",
            parts.port or (8883 if tls else 1883),
            identifier=self._account.client_id,
            username=self._account.username,
            password=self._account.password,
            protocol=protocol,
            clean_session=None if is_5 else False,
            clean_start=False
            if is_5
            else MQTT_CLEAN_START_FIRST_ONLY,  # means nothing before MQTT 5, must then be this
            properties=kept if is_5 else None,
            will=aiomqtt.Will(self._will.topic, self._will.payload, self._will.qos, self._will.retain),
            timeout=CONNECT_WITHIN_S,
            keepalive=KEEPALIVE_S,
            max_queued_incoming_messages=self._inbox.maxsize,
            max_inflight_messages=IN_FLIGHT,
            max_concurrent_outgoing_calls=IN_FLIGHT,
            tls_context=ssl.create_default_context() if tls else None,
            logger=_SILENT,
        )
        client.pending_calls_threshold = IN_FLIGHT
        return client

    async def _greet(self, client: aiomqtt.Client) -> None:
        """Subscribe, then say that we are there: whoever hears it may send. Raises MqttError, BrokerRefused."""
        granted = await client.subscribe([(topic, 1) for topic in self._subscriptions], timeout=CONNECT_WITHIN_S)
        refused = [t for t, code in zip(self._subscriptions, granted, strict=True) if _value(code) >= FAILURE]
        if refused:
            cause = Text(f"it does not let us hear {', '.join(refused)}", f"它不允许订阅 {', '.join(refused)}")
            raise BrokerRefused(url=self._account.url, cause=cause)
        await self._say(client, self._greeting)
        self._client = client
        self.up.set()
        self._connected()

    async def _say(self, client: aiomqtt.Client, message: Outgoing) -> None:
        await client.publish(
            message.topic, message.payload, qos=message.qos, retain=message.retain, timeout=PUBLISH_WITHIN_S
        )

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if not self._listening:
                continue
            incoming = Incoming(str(message.topic), bytes(message.payload), message.retain, self._wall())
            if self._aside is not None and message.topic.matches(self._aside[0]) and self._aside[1](incoming):
                continue
            try:
                self._inbox.put_nowait(incoming)
            except asyncio.QueueFull:
                self.dropped += 1


def _value(code: object) -> int:
    return int(code.value) if isinstance(code, ReasonCode) else int(str(code))


def _is_wrong_protocol(code: object) -> bool:
    return code is not None and _value(code) == UNSUPPORTED_PROTOCOL


# aiomqtt would log each dropped message and each slow confirmation; here they are counted and bounded instead
_SILENT = logging.Logger("patrol.mqtt", level=logging.CRITICAL + 1)  # noqa: LOG001 - a shared one would have to be configured
