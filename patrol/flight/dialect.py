"""MAVLink 2 bytes to messages and back: the one file that knows pymavlink, and that only as a codec.

Signing: https://mavlink.io/en/guide/message_signing.html. A signature's time is a count of 10 microseconds
since 2015-01-01; it may only grow, so two programs must never sign with one key and one link number.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from patrol.errors import FrameUnsendable, SigningKeyUnusable
from patrol.flight.messages import GCS_COMPONENT, GCS_SYSTEM, Message

SIGNING_EPOCH_S = 1_420_070_400  # 2015-01-01T00:00:00Z
MESSAGE_TYPES: dict[str, type[Any]] = {kind.msgname: kind for kind in mavlink.mavlink_map.values()}
ID_OF: dict[str, int] = {name: int(kind.id) for name, kind in MESSAGE_TYPES.items()}
NAME_OF: dict[int, str] = {number: name for name, number in ID_OF.items()}


@dataclass(frozen=True)
class Signing:
    """A link's secret. `link_id` tells apart links that one program signs on with the same key."""

    key: bytes = field(repr=False)
    link_id: int = 0


def signing_from(secret: str, link_id: int = 0) -> Signing:
    """A key given as 64 hexadecimal digits, as base64 of 32 bytes, or as a passphrase that is hashed to a key.

    Ground stations share passphrases (SHA-256 of the text is the key). Raises SigningKeyUnusable for
    text that is too short to protect anything.
    """
    text = secret.strip()
    if len(text) < 12:
        raise SigningKeyUnusable(length=len(text))
    try:
        return Signing(bytes.fromhex(text) if len(text) == 64 else _base64_key(text), link_id)
    except (ValueError, binascii.Error):
        return Signing(hashlib.sha256(text.encode()).digest(), link_id)


def _base64_key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError
    return key


@dataclass
class Refused:
    """What came and was not believed, counted."""

    damaged: int = 0
    unsigned: int = 0
    signature: int = 0


@dataclass(frozen=True)
class Frame:
    """A message together with what its frame says about the link it came over. `message` None: not in the dialect."""

    message: Message | None
    system: int
    component: int
    sequence: int
    signed: bool
    raw: bytes


class Codec:
    """One end of one link. Bytes in any pieces go in, whole frames come out; sequence numbers are kept here."""

    def __init__(
        self, system: int = GCS_SYSTEM, component: int = GCS_COMPONENT, signing: Signing | None = None
    ) -> None:
        self._mav = mavlink.MAVLink(None, srcSystem=system, srcComponent=component)
        self._mav.robust_parsing = True
        self._signs = signing is not None
        self.refused = Refused()
        if signing is not None:
            self._mav.signing.secret_key = signing.key
            self._mav.signing.link_id = signing.link_id
            self._mav.signing.sign_outgoing = True

    def clock(self, now_s: float) -> None:
        """Tell the time (seconds since 1970) to sign with: before the first frame, and now and then after it."""
        ticks = int((now_s - SIGNING_EPOCH_S) * 1e5)
        self._mav.signing.timestamp = max(self._mav.signing.timestamp, ticks)

    def encode(self, message: Message) -> bytes:
        """The frame of `message`, with the sender's numbers of this codec unless the message has its own.

        Raises FrameUnsendable for a message or a field that the dialect does not have.
        """
        kind = MESSAGE_TYPES.get(message.name)
        if kind is None:
            raise FrameUnsendable(name=message.name, cause="no such message")
        try:
            packet = kind(**_to_wire(kind, message.fields))
            own = self._mav.srcSystem, self._mav.srcComponent
            if message.system:
                self._mav.srcSystem, self._mav.srcComponent = message.system, message.component
            raw = packet.pack(self._mav)
            self._mav.srcSystem, self._mav.srcComponent = own
        except (TypeError, ValueError, AttributeError, struct.error, mavlink.MAVError) as err:
            raise FrameUnsendable(name=message.name, cause=str(err)[:200]) from err
        self._mav.seq = (self._mav.seq + 1) % 256
        return bytes(raw)

    def feed(self, data: bytes) -> list[Frame]:
        """Every whole frame that `data` completes. Damaged, unsigned and wrongly signed ones are counted, not given."""
        frames = []
        for packet in self._mav.parse_buffer(data) or ():
            raw = bytes(packet.get_msgbuf())
            kind = packet.get_type()
            if kind == "BAD_DATA":
                self._count(packet, raw)
                continue
            frames.append(_frame(packet, kind, raw))
        return frames

    def _count(self, packet: Any, raw: bytes) -> None:
        if "Invalid signature" not in str(packet.reason):
            self.refused.damaged += 1
        elif raw[:1] == b"\xfd" and len(raw) > 2 and raw[2] & mavlink.MAVLINK_IFLAG_SIGNED:
            self.refused.signature += 1
        else:
            self.refused.unsigned += 1


def _frame(packet: Any, kind: str, raw: bytes) -> Frame:
    if kind.startswith("UNKNOWN"):
        # numbers from the frame itself: v2 has them at 4..6, v1 at 2..4
        at = 4 if raw[:1] == b"\xfd" else 2
        return Frame(None, raw[at + 1], raw[at + 2], raw[at], False, raw)
    system, component = int(packet.get_srcSystem()), int(packet.get_srcComponent())
    fields = {name: getattr(packet, name) for name in packet.fieldnames}
    signed = raw[:1] == b"\xfd" and bool(raw[2] & mavlink.MAVLINK_IFLAG_SIGNED)
    return Frame(Message(kind, fields, system, component), system, component, int(packet.get_seq()), signed, raw)


def _to_wire(kind: type[Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, sort, length in zip(kind.fieldnames, kind.fieldtypes, _lengths(kind), strict=True):
        if name not in fields:
            values[name] = _nothing(sort, length)
        elif sort == "char" and isinstance(fields[name], str):
            values[name] = fields[name].encode()[: max(length, 1)]
        else:
            values[name] = fields[name]
    unknown = set(fields) - set(kind.fieldnames)
    if unknown:
        raise TypeError("no field " + ", ".join(sorted(unknown)))
    return values


def _lengths(kind: type[Any]) -> list[int]:
    """Array lengths in the order of `fieldnames` (pymavlink keeps them in the order of the frame)."""
    by_name = dict(zip(kind.ordered_fieldnames, kind.array_lengths, strict=True))
    return [by_name[name] for name in kind.fieldnames]


def _nothing(sort: str, length: int) -> object:
    if sort == "char":
        return b""
    zero: float | int = 0.0 if sort in {"float", "double"} else 0
    return [zero] * length if length else zero
