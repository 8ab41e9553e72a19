"""The one file that imports paho: the box's connection to the broker.

MQTT 5 is tried first and 3.1.1 when the broker does not speak it; nothing here depends on 5. The
connection is driven by `poll`, in the caller's thread: no hidden thread, no hidden queue (paho's own
queue would live in memory only, so messages are handed over only while connected).
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from patrol.errors import BrokerRefused, BrokerUnreachable

# Messages that the broker has not confirmed yet. An MQTT 5 broker may hang up on more than its Receive Maximum
# (Mosquitto announces 20), and paho does not look at it: it keeps the rest until there is room.
IN_FLIGHT = 16
CONNECT_TIMEOUT_S = 5.0
KEEPALIVE_S = 15
MAX_ASIDE = 1000  # messages of others not yet taken; the oldest go first
MAX_INBOX = 1000  # acknowledgements not yet taken; more are dropped, for the centre answers again when asked again
PROTOCOLS = (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311)
_WRONG_PROTOCOL = {"Unsupported protocol version", "Connection Refused: unacceptable protocol version."}


@dataclass(frozen=True)
class Account:
    """Where the broker is and who we are there."""

    url: str
    client_id: str
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Will:
    """What the broker says for us when we die."""

    topic: str
    payload: bytes


class Link:
    """One connection after the other. Not thread safe: one thread owns it.

    `aside`: topics of others (sensors), each subscribed by itself after our own. One that the broker refuses stands in
    `refusals` and disturbs nothing else; what comes on them goes to `aside_inbox`, so that a flood there costs no answer.
    `also`: our own topics that we can do without (weather, drones' poses), refused just as harmlessly.
    """

    def __init__(
        self, account: Account, subscriptions: tuple[str, ...], aside: tuple[str, ...] = (), also: tuple[str, ...] = ()
    ) -> None:
        self._account = account
        self._subscriptions = subscriptions
        self._aside, self._also = frozenset(aside), frozenset(also)
        self._aside_asked: dict[int, str] = {}
        self._refusals: dict[str, str] = {}
        self.aside_inbox: deque[tuple[str, bytes]] = deque(maxlen=MAX_ASIDE)
        self._client: paho.Client | None = None
        self._protocol = 0
        self._refusal: str | None = None
        self._ready = False
        self.inbox: deque[tuple[str, bytes]] = deque(maxlen=MAX_INBOX)

    @property
    def is_up(self) -> bool:
        """Whether messages can be handed over now."""
        return self._ready and self._client is not None and self._client.is_connected()

    @property
    def refusals(self) -> Mapping[str, str]:
        """Topics that the broker refused on this connection and that we do without, and why."""
        return dict(self._refusals)

    @property
    def protocol(self) -> str:
        """The MQTT version in use, for people."""
        return "5" if PROTOCOLS[self._protocol] is MQTTProtocolVersion.MQTTv5 else "3.1.1"

    def connect(self, will: Will) -> None:
        """Connect and subscribe. Raises BrokerUnreachable, BrokerRefused; call again later.

        After a refusal for the protocol's sake the next protocol is tried at once.
        """
        for _ in PROTOCOLS:
            try:
                self._connect_once(will)
            except BrokerRefused as err:
                if err.facts["cause"] not in _WRONG_PROTOCOL:
                    raise
                self._protocol = (self._protocol + 1) % len(PROTOCOLS)
            else:
                return
        raise BrokerRefused(url=self._account.url, cause="it speaks neither MQTT 5 nor 3.1.1")

    def _connect_once(self, will: Will) -> None:
        self.close()
        parts = urlsplit(self._account.url)
        version = PROTOCOLS[self._protocol]
        clean = {} if version is MQTTProtocolVersion.MQTTv5 else {"clean_session": True}
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self._account.client_id, protocol=version, **clean)  # type: ignore[arg-type]  # paho types the union of both protocols' arguments
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(IN_FLIGHT)
        if self._account.username is not None:
            client.username_pw_set(self._account.username, self._account.password)
        if parts.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        self._client, self._refusal, self._ready = client, None, False
        self._aside_asked.clear()
        self._refusals.clear()
        try:
            client.connect(
                parts.hostname or "127.0.0.1", parts.port or (8883 if parts.scheme == "mqtts" else 1883), KEEPALIVE_S
            )
        except (OSError, ValueError) as err:
            self._client = None
            raise BrokerUnreachable(url=self._account.url, cause=err) from err
        waited_s = 0.0
        while not self._ready and self._refusal is None and waited_s < CONNECT_TIMEOUT_S:
            if client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS and self._refusal is None:
                # NATS answers a protocol it does not speak by closing the connection
                self._refusal = (
                    "Unsupported protocol version" if not client.is_connected() else "it closed the connection"
                )
            waited_s += 0.1
        if self._ready:
            return
        refusal = self._refusal
        self.close()
        if refusal is None:
            raise BrokerUnreachable(url=self._account.url, cause=f"no answer within {CONNECT_TIMEOUT_S:.0f} s")
        raise BrokerRefused(url=self._account.url, cause=refusal)

    def _on_connect(self, client: paho.Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
        elif self._subscriptions:
            client.subscribe([(topic, 1) for topic in self._subscriptions])
        else:
            self._begin(client)

    def _on_subscribe(self, client: paho.Client, _userdata: Any, mid: int, reasons: Any, _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        topic = self._aside_asked.pop(mid, None)
        if topic is not None:
            if refused:
                self._refusals[topic] = refused[0]
        elif refused:
            self._refusal = f"subscription refused: {refused[0]}"
        else:
            self._begin(client)

    def _begin(self, client: paho.Client) -> None:
        """What we cannot do without is heard: ready. All other topics are asked for now, one by one."""
        self._ready = True
        for topic in sorted(self._aside | self._also):
            _, mid = client.subscribe(topic, 1)
            if mid is not None:
                self._aside_asked[mid] = topic

    def _on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        if message.topic not in self._aside:
            self.inbox.append((message.topic, bytes(message.payload)))
        elif not message.retain:  # what a broker has kept since last month is no reading of now
            self.aside_inbox.append((message.topic, bytes(message.payload)))

    def poll(self, timeout_s: float) -> None:
        """Move bytes for at most `timeout_s`. Raises BrokerUnreachable when the connection is gone."""
        client = self._client
        if client is None:
            raise BrokerUnreachable(url=self._account.url, cause="not connected")
        code = client.loop(timeout_s)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.close()
            raise BrokerUnreachable(url=self._account.url, cause=paho.error_string(code))

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        """Hand a message over; False when there is no connection or the window is full: try again later."""
        if self._client is None or not self.is_up:
            return False
        return self._client.publish(topic, payload, qos=qos, retain=retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Disconnect, politely when possible: then the will is not sent."""
        client, self._client, self._ready = self._client, None, False
        if client is not None and client.is_connected():
            client.disconnect()
            client.loop(0.1)
