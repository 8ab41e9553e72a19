"""patrol/center/boxes.py: signs of life, late ones among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from patrol.center.boxes import STALE_AFTER_S, Sign, heard_at, is_news, presence
from tests.center.boxside import T0

ONLINE = Sign("event-1", 17, "online", T0, T0)
SOON = T0 + timedelta(seconds=5)
LATER = T0 + timedelta(hours=1)


def sign(**changes: object) -> Sign:
    """The next sign of the same box."""
    return replace(ONLINE, **{"event_id": "event-2", "said_at": SOON, "heard_at": SOON, **changes})  # type: ignore[arg-type]  # a test names only fields that exist


@pytest.mark.parametrize(
    ("why", "known", "next_one", "retained", "news"),
    [
        ("the first", None, sign(), False, True),
        ("the next of a session", ONLINE, sign(), False, True),
        ("the same again", ONLINE, replace(ONLINE, heard_at=LATER), True, False),
        ("a new session", ONLINE, sign(session=18), False, True),
        ("the will of this session", ONLINE, sign(state="offline", said_at=T0 - timedelta(hours=9)), False, True),
        ("the late will of an older session", ONLINE, sign(session=16, state="offline"), False, False),
        ("a late status of an older session", ONLINE, sign(session=16), False, False),
        ("a retained one that is older", ONLINE, sign(said_at=T0 - timedelta(seconds=9)), True, False),
        ("a box that counts from 1 again while the old one lives", ONLINE, sign(session=1), False, False),
        ("a box that counts from 1 again after it died", sign(state="offline"), sign(event_id="e3", session=1), False, True),
        ("the same, after it fell silent", ONLINE, sign(session=1, heard_at=LATER), False, True),
        ("a retained one of an older session after it fell silent", ONLINE, sign(session=1, heard_at=LATER), True, False),
        ("a late will after it fell silent", ONLINE, sign(session=1, state="offline", heard_at=LATER), False, False),
    ],
)  # fmt: skip
def test_what_is_news(why: str, known: Sign | None, next_one: Sign, retained: bool, news: bool) -> None:
    """A session number tells late from new; only a live box may begin to count anew."""
    assert is_news(known, next_one, retained) is news, why


def test_presence() -> None:
    """Online goes stale after 35 s; offline stays offline; what was never heard says so."""
    edge = T0 + timedelta(seconds=STALE_AFTER_S)
    assert presence(ONLINE, edge) == "online"
    assert presence(ONLINE, edge + timedelta(seconds=1)) == "stale"
    assert presence(replace(ONLINE, state="offline"), T0) == "offline"
    assert presence(None, T0) == "never"


def test_a_retained_status_is_as_old_as_it_says() -> None:
    """A status that the broker kept for an hour does not make a dead box look alive; a box's fast clock cannot either."""
    assert heard_at(T0, LATER, retained=True) == T0
    assert heard_at(LATER, T0, retained=True) == T0
    assert heard_at(T0, LATER, retained=False) == LATER
