"""The codec: real frames in, the same bytes out; signing refuses what it should; nothing on the wire can break it."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import FrameUnsendable, SigningKeyUnusable
from patrol.flight.dialect import Codec, signing_from
from patrol.flight.messages import Message
from patrol.flight.quality import Quality
from tests.flight.conftest import MAVLINK

NOW_S = 1_790_000_000.0
COUNT = Message("MISSION_COUNT", {"target_system": 1, "target_component": 1, "count": 7, "mission_type": 1})


def frames_of(name: str) -> list[bytes]:
    """The frames of a recorded .tlog."""
    path = MAVLINK / f"{name}.tlog.gz"
    if not path.exists():
        pytest.skip(f"recording missing: {path.name}")
    data, at, found = gzip.decompress(path.read_bytes()), 0, []
    while at < len(data):
        old = data[at + 8] == 0xFE
        length = 8 + data[at + 9] if old else 12 + data[at + 9] + (13 if data[at + 10] & 1 else 0)
        found.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return found


@pytest.mark.parametrize("name", ["ap_02_mission_20", "px4_01_connect"])
def test_recorded_frames_are_read_and_written_back_byte_for_byte(name: str) -> None:
    """Every frame of a real autopilot decodes, and encoding what was decoded gives the very same bytes."""
    reader = Codec()
    for raw in frames_of(name):
        (frame,) = reader.feed(raw)
        assert frame.message is not None
        if raw[0] == 0xFE:
            continue  # PX4 begins in MAVLink 1 and changes when the ground speaks 2; we only speak 2
        writer = Codec(frame.system, frame.component)
        writer._mav.seq = frame.sequence
        assert writer.encode(frame.message) == raw
    assert reader.refused.damaged == 0


@given(st.binary(max_size=300), st.integers(1, 40))
def test_a_frame_after_any_rubbish_is_found(rubbish: bytes, piece: int) -> None:
    """Noise before a frame, and any cut into pieces, loses at most what a false start swallows; nothing is raised."""
    writer, reader = Codec(1, 1), Codec()
    data = rubbish + b"".join(writer.encode(COUNT) for _ in range(25))
    found = [f for at in range(0, len(data), piece) for f in reader.feed(data[at : at + piece])]
    assert found[-1].message is not None
    assert found[-1].message["count"] == 7


def test_unsigned_wrongly_signed_and_repeated_frames_are_refused() -> None:
    """With signing on, only a fresh frame with the right key is believed; all others are counted and dropped."""
    key, other = signing_from("correct horse battery"), signing_from("wrong horse battery")
    receiver, sender, thief, plain = Codec(255, 190, key), Codec(1, 1, key), Codec(1, 1, other), Codec(1, 1)
    for codec in (receiver, sender, thief):
        codec.clock(NOW_S)
    good = sender.encode(COUNT)
    assert [f.signed for f in receiver.feed(good)] == [True]
    assert receiver.feed(good) == []  # replayed
    assert receiver.feed(thief.encode(COUNT)) == []
    assert receiver.feed(plain.encode(COUNT)) == []
    assert (receiver.refused.signature, receiver.refused.unsigned) == (2, 1)
    assert len(receiver.feed(sender.encode(COUNT))) == 1


def test_a_signed_frame_of_long_ago_is_refused() -> None:
    """A recording of last week, correctly signed, is not believed by a receiver that has just started."""
    key = signing_from("correct horse battery")
    sender, receiver = Codec(1, 1, key), Codec(255, 190, key)
    sender.clock(NOW_S - 7 * 86400)
    receiver.clock(NOW_S)
    assert receiver.feed(sender.encode(COUNT)) == []


def test_keys_come_as_hex_base64_or_passphrase() -> None:
    """The three forms give 32 bytes; hex and base64 of one key agree; a short secret is refused and a key is never shown."""
    key = bytes(range(32))
    assert signing_from(key.hex()).key == key
    assert signing_from("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").key == key
    assert len(signing_from("a long enough phrase").key) == 32
    assert key.hex() not in repr(signing_from(key.hex()))
    with pytest.raises(SigningKeyUnusable):
        signing_from("short")


@pytest.mark.parametrize(
    "message", [Message("NO_SUCH"), Message("HEARTBEAT", {"colour": 1}), Message("MISSION_COUNT", {"count": -1})]
)
def test_what_mavlink_does_not_have_cannot_be_sent(message: Message) -> None:
    """An unknown message, an unknown field and a number that does not fit are all told as FrameUnsendable."""
    with pytest.raises(FrameUnsendable):
        Codec().encode(message)


@given(st.lists(st.booleans(), min_size=1, max_size=600))
def test_quality_counts_exactly_what_was_lost(kept: list[bool]) -> None:
    """For any pattern of single losses (gaps under 200), the gaps in the numbers add up to the frames that are missing."""
    quality, run, lost = Quality(), 0, 0
    started = False
    for n, came in enumerate(kept):
        if came:
            quality.frame(n % 256, float(n))
            lost += run if started else 0
            started, run = True, 0
        else:
            run += 1
            if run > 200:
                return
    assert quality.lost == lost
    assert quality.received == sum(kept)


def test_overtaken_frames_are_not_a_gap() -> None:
    """Two frames that swap places count as one gap of one and one late frame, not as hundreds lost."""
    quality = Quality()
    for sequence in (1, 2, 4, 3, 5):
        quality.frame(sequence, 0.0)
    assert (quality.lost, quality.late) == (1, 1)
