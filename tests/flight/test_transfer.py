"""Putting a list aboard: proof or an honest failure, whatever the link does; and the recorded refusals end as recorded."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.flight.compare import Firmware, differences
from patrol.flight.exchange import Waiting
from patrol.flight.install import Aboard, Install, NotAboard, digest_of
from patrol.flight.items import Params, WireItem
from patrol.flight.messages import Message, MissionResult, MissionType
from patrol.flight.sim.bay import ArduBay, Bay, home_item
from patrol.flight.sim.ether import Ether, Weather
from patrol.flight.sim.px4_bay import Px4Bay
from patrol.flight.transfer import Clear, Cue, Download, How, State, Transfer, Upload
from tests.flight.conftest import a_mission

QUICK = Waiting(total_s=60.0)
FIRMWARES: tuple[Firmware, ...] = ("ardupilot", "px4")


def bay_of(firmware: str) -> Bay:
    """The vehicle's side."""
    if firmware == "px4":
        return Px4Bay(lambda _severity, _text: None)
    return ArduBay(lambda _severity, _text: None, lambda: home_item(225431000, 1140579000, 10.1))


def truly_aboard(bay: Bay, items: list[WireItem], firmware: Firmware) -> bool:
    """What the vehicle has, seen from inside it and not over the link."""
    return not differences(items, bay.lists[MissionType.MISSION], MissionType.MISSION, firmware)


@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("loss", [0.0, 0.05, 0.1, 0.2, 0.3])
def test_a_hundred_items_arrive_over_a_lossy_link(firmware: Firmware, loss: float) -> None:
    """103 items with up to 30 % of frames lost in both directions, late and overtaking: aboard, five times of five."""
    for seed in range(5):
        bay, items = bay_of(firmware), a_mission(103, firmware)
        ether = Ether(Weather(loss, loss, 0.003, 0.01, loss / 4), Random(seed))
        assert isinstance(ether.converse(Install(items, MissionType.MISSION, firmware), bay), Aboard)
        assert truly_aboard(bay, items, firmware)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(FIRMWARES),
    st.floats(0.0, 0.99),
    st.floats(0.0, 0.99),
    st.floats(0.0, 0.4),
    st.floats(0.0, 0.5),
    st.integers(0, 2**32),
    st.integers(2, 25),
)
def test_never_a_false_success(
    firmware: Firmware, up: float, down: float, spread_s: float, doubled: float, seed: int, count: int
) -> None:
    """Whatever share of frames is lost each way, late or doubled: a success is one inside the vehicle too, and every run ends."""
    bay, items, old = bay_of(firmware), a_mission(count, firmware), a_mission(9, firmware)
    assert isinstance(Ether().converse(Install(old, MissionType.MISSION, firmware), bay), Aboard)
    ether = Ether(Weather(up, down, 0.003, spread_s, doubled), Random(seed))
    ending = ether.converse(Install(items, MissionType.MISSION, firmware, QUICK), bay)
    assert ending is not None
    if isinstance(ending, Aboard):
        assert truly_aboard(bay, items, firmware)
    elif isinstance(ending, NotAboard) and ending.cleared:
        assert not differences((), bay.lists[MissionType.MISSION], MissionType.MISSION, firmware)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_link_that_doubles_half_of_all_frames_breeds_no_storm(firmware: Firmware) -> None:
    """Every echo could call forth an item and every item a request: the frames stay near those that are needed."""
    bay, items = bay_of(firmware), a_mission(22, firmware)
    ether = Ether(Weather(0.044, 0.0, 0.003, 0.0, 0.5), Random(30055305))
    assert isinstance(ether.converse(Install(items, MissionType.MISSION, firmware), bay), Aboard)
    assert ether.carried < 20 * len(items)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FIRMWARES), st.lists(st.tuples(st.booleans(), st.integers(1, 25)), max_size=12))
def test_bursts_of_loss_end_well_or_honestly(firmware: Firmware, bursts: list[tuple[bool, int]]) -> None:
    """Runs of consecutive frames lost in one direction, at any point of the transfer, never give a false success."""
    pattern = [lost for lost, length in bursts for _ in range(length)]
    frames = iter(pattern)
    bay, items = bay_of(firmware), a_mission(12, firmware)
    ether = Ether(dropped=lambda _message, _up: next(frames, False))
    ending = ether.converse(Install(items, MissionType.MISSION, firmware), bay)
    assert not isinstance(ending, Aboard) or truly_aboard(bay, items, firmware)
    if sum(pattern) < 25:  # shorter than the silence after which it gives up
        assert isinstance(ending, Aboard)


@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("kind", [MissionType.FENCE, MissionType.RALLY])
def test_fence_and_rally_go_over_and_come_off(firmware: Firmware, kind: MissionType) -> None:
    """A fence or rally list is put aboard and proven, though PX4 reads it back under another name; then cleared and proven."""
    places = [(225413034, 1140559547), (225413034, 1140598453), (225431000, 1140603316), (225453458, 1140598453)]
    command, p1 = (5001, 4.0) if kind is MissionType.FENCE else (5100, 0.0)
    frame = 0 if kind is MissionType.FENCE else 3
    items = [WireItem(command, frame, Params(p1), x, y) for x, y in places]
    bay = bay_of(firmware)
    assert isinstance(Ether(Weather(0.2, 0.2)).converse(Install(items, kind, firmware), bay), Aboard)
    assert len(bay.lists[kind]) == 4
    assert isinstance(Ether(Weather(0.2, 0.2)).converse(Install((), kind, firmware), bay), Aboard)
    assert bay.lists[kind] == []


@pytest.mark.parametrize(
    ("item", "result"),
    [
        (WireItem(16, 1, Params(), 225431000, 1140579000, 30.0), MissionResult.UNSUPPORTED_FRAME),
        (WireItem(9999, 6, Params(), 225431000, 1140579000, 30.0), MissionResult.UNSUPPORTED),
        (WireItem(16, 6, Params(), 910000000, 1140579000, 30.0), MissionResult.INVALID_PARAM5_X),
        (WireItem(16, 6, Params(), 225431000, 1140579000, 1e6), MissionResult.INVALID_PARAM7_Z),
    ],
)
def test_what_ardupilot_refuses_is_told_and_the_rest_cleared(item: WireItem, result: MissionResult) -> None:
    """A bad item in the middle: the vehicle's own reason is given, and the half that ArduPilot keeps is taken off again."""
    bay, items = bay_of("ardupilot"), a_mission(20, "ardupilot")
    items[8] = item
    ending = Ether(Weather(0.1, 0.1)).converse(Install(items, MissionType.MISSION, "ardupilot"), bay)
    assert isinstance(ending, NotAboard)
    assert (ending.why, ending.result, ending.cleared) == ("refused", result, True)
    assert bay.lists[MissionType.MISSION] == []


def test_what_px4_accepts_but_will_not_fly_is_not_aboard() -> None:
    """ACK 0 and an exact read-back are no success when PX4's text says that it rejects the mission."""
    items = a_mission(10, "px4")
    items[5] = WireItem(112, 2, Params(2.0))
    ether = Ether()
    said: list[str] = []
    bay = Px4Bay(lambda _severity, text: said.append(text))

    class Speaking:
        """The bay, with its texts sent like all else."""

        def hear(self, message: Message, now: float) -> list[Message]:
            return bay.hear(message, now) + self.texts()

        def tick(self, now: float) -> list[Message]:
            return bay.tick(now) + self.texts()

        def texts(self) -> list[Message]:
            out = [Message("STATUSTEXT", {"severity": 2, "text": text}) for text in said]
            said.clear()
            return out

    ending = ether.converse(Install(items, MissionType.MISSION, "px4"), Speaking())
    assert isinstance(ending, NotAboard)
    assert ending.texts == ("Mission rejected: item 6: unsupported cmd: 112",)
    assert ending.cleared


@pytest.mark.parametrize(("firmware", "left"), [("ardupilot", 37), ("px4", 20)])
def test_an_abandoned_upload_leaves_what_was_recorded(firmware: Firmware, left: int) -> None:
    """After 37 of 103 items and silence, ArduPilot has 37 new ones and PX4 the 20 old ones; the next install puts it right."""
    bay = bay_of(firmware)
    assert isinstance(Ether().converse(Install(a_mission(20, firmware), MissionType.MISSION, firmware), bay), Aboard)
    sent = 0

    def after_37(message: Message, up: bool) -> bool:
        nonlocal sent
        sent += up and message.name == "MISSION_ITEM_INT"
        return up and sent > 37

    items = a_mission(103, firmware)
    ending = Ether(dropped=after_37).converse(Upload(items, MissionType.MISSION), bay)
    assert ending is not None
    assert not ending.complete
    assert len(bay.lists[MissionType.MISSION]) == left
    assert isinstance(Ether().converse(Install(items, MissionType.MISSION, firmware), bay), Aboard)


def test_a_vehicle_that_does_not_answer_is_given_up() -> None:
    """Total silence ends after the time for giving up, with a failure that does not claim to have cleared anything."""
    ether = Ether(dropped=lambda _message, _up: True)
    ending = ether.converse(
        Install(a_mission(5, "px4"), MissionType.MISSION, "px4", Waiting(give_up_s=3.0)), bay_of("px4")
    )
    assert ending == NotAboard(MissionType.MISSION, "upload silent", None, (), (), False)
    assert ether.now < 20


def test_stray_words_change_nothing() -> None:
    """Acknowledgements and requests of other lists, acceptance before the last item, items out of range: all ignored."""
    upload = Upload(a_mission(3, "px4"), MissionType.MISSION)
    upload.begin(0.0)
    for stray in (
        Message("MISSION_ACK", {"type": 0, "mission_type": 0}),
        Message("MISSION_ACK", {"type": 3, "mission_type": 1}),
        Message("MISSION_REQUEST_INT", {"seq": 0, "mission_type": 2}),
        Message("MISSION_REQUEST_INT", {"seq": 3, "mission_type": 0}),
        Message("ATTITUDE", {}),
    ):
        assert upload.hear(stray, 0.1) == []
        assert upload.ending is None


def test_every_row_of_the_tables_can_be_taken() -> None:
    """Each action named in a table exists, no row leaves the end, and each waiting state knows silence and its end."""
    for machine in (Upload, Download, Clear):
        for (state, _), (action, following) in machine.TABLE.items():
            assert callable(getattr(machine, f"_{action}"))
            assert state not in {State.ENDED, State.NEW}
            assert following is not State.NEW
        for state in {state for state, _ in machine.TABLE}:
            assert {(state, Cue.SILENCE), (state, Cue.OVER)} <= set(machine.TABLE)


@settings(max_examples=200)
@given(
    st.sampled_from(
        [Upload(a_mission(4, "px4"), MissionType.MISSION), Download(MissionType.MISSION), Clear(MissionType.MISSION)]
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["MISSION_REQUEST_INT", "MISSION_ACK", "MISSION_COUNT", "wake"]),
            st.integers(-2, 70000),
            st.floats(0, 3),
        ),
        max_size=40,
    ),
)
def test_no_order_of_words_breaks_a_transfer(prototype: Transfer, words: list[tuple[str, int, float]]) -> None:
    """Any sequence of valid messages with any numbers raises nothing, and after the end nothing more is said."""
    transfer: Transfer = (
        Upload(a_mission(4, "px4"), MissionType.MISSION)
        if isinstance(prototype, Upload)
        else type(prototype)(MissionType.MISSION)  # type: ignore[call-arg]  # the two others take a kind alone
    )
    now = 0.0
    transfer.begin(now)
    for name, number, later_s in words:
        now += later_s
        ended = transfer.ending is not None
        fields = {"seq": number, "type": number % 20, "count": abs(number), "mission_type": 0}
        out = transfer.wake(now) if name == "wake" else transfer.hear(Message(name, fields), now)
        assert not (ended and out)
    transfer.wake(now + 1000.0)
    assert transfer.ending is not None
    assert transfer.wake_at is None


@pytest.mark.parametrize("field", ["command", "frame", "x", "y", "z", "p1", "p4"])
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_every_field_is_compared(firmware: Firmware, field: str) -> None:
    """A single bit of difference in any field of any item is found, on both firmwares."""
    items = a_mission(6, firmware)
    aboard = [*_kept(items, firmware)]
    assert differences(items, aboard, MissionType.MISSION, firmware) == ()
    spoilt = aboard[3]
    aboard[3] = (
        replace(spoilt, params=spoilt.params._replace(**{field: 7.0}))
        if field.startswith("p")
        else replace(spoilt, **{field: getattr(spoilt, field) + 1})
    )
    assert [d.seq for d in differences(items, aboard, MissionType.MISSION, firmware)] == [3]
    assert differences(items, aboard[:-1], MissionType.MISSION, firmware)[0].what == "number of items"


def _kept(items: list[WireItem], firmware: Firmware) -> list[WireItem]:
    bay = bay_of(firmware)
    ending = Ether().converse(Upload(items, MissionType.MISSION), bay)
    assert ending is not None
    assert ending.how is How.ACCEPTED
    return bay.lists[MissionType.MISSION]


def test_the_digest_is_of_what_travels() -> None:
    """The digest changes with any item and not with digits that single precision does not carry."""
    items = a_mission(4, "px4")
    same = [replace(items[0], z=items[0].z + 1e-9), *items[1:]]
    other = [replace(items[0], z=items[0].z + 1e-3), *items[1:]]
    assert digest_of(items, MissionType.MISSION) == digest_of(same, MissionType.MISSION)
    assert digest_of(items, MissionType.MISSION) != digest_of(other, MissionType.MISSION)
    assert WireItem(16, 0, z=1e300).rounded().z == inf
