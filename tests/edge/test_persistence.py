"""Persistence: what makes sightings an alert, once, by wall clock and by place."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from patrol.events import Hazard
from patrol.geo import GroundPoint
from patrol_edge.persistence import Ended, Persistence, Raised, ZoneMemory, look
from patrol_edge.rules.sighting import Box, Sighting, overlap_share
from tests.edge.conftest import START

RULES = Persistence(dwell_s=20, clear_s=10, share=0.5, look_every_s=2)
CAR: Box = (100, 100, 200, 160)


def car(
    box: Box = CAR, label: str = "car", confidence: float = 0.8, ground: tuple[float, float] | None = None
) -> Sighting:
    """One vehicle in the lane."""
    point = None if ground is None else GroundPoint(*ground, ((0.01, 0.0), (0.0, 0.01)))
    return Sighting(Hazard.BLOCKED_FIRE_LANE, "lane", label, box, confidence, point)


def run(
    looks: list[tuple[float, list[Sighting]]], rules: Persistence = RULES, memory: ZoneMemory | None = None
) -> tuple[ZoneMemory, list[tuple[float, Raised | Ended]]]:
    """Judge (second, sightings) looks in a row."""
    memory = memory or ZoneMemory()
    found: list[tuple[float, Raised | Ended]] = []
    for second, sightings in looks:
        memory, changes = look(memory, sightings, START + timedelta(seconds=second), "lane", rules, "demo/street/gate")
        found += [(second, change) for change in changes]
    return memory, found


def test_a_car_that_stands_alerts_once_after_its_dwell() -> None:
    """A vehicle seen all the time raises exactly one alert, at the first look past the dwell."""
    _, found = run([(t, [car()]) for t in range(60)])
    assert [(t, type(c)) for t, c in found] == [(20, Raised)]


def test_dwell_is_wall_clock_not_frames() -> None:
    """Looking ten times as often changes neither whether nor when the alert comes."""
    _, often = run([(t / 5, [car()]) for t in range(300)])
    _, seldom = run([(float(t), [car()]) for t in range(0, 60, 2)])
    assert [t for t, _ in often] == [t for t, _ in seldom] == [20]


def test_a_car_parked_at_start_alerts() -> None:
    """A hazard that never moves still alerts: nothing has to arrive or change."""
    _, found = run([(t, [car()]) for t in range(0, 30, 2)])
    assert len(found) == 1


def test_a_passing_vehicle_never_alerts() -> None:
    """A vehicle that moves on has a new place at every look and never reaches a dwell."""
    looks = [(float(t), [car((100 + 40 * t, 100, 200 + 40 * t, 160))]) for t in range(60)]
    assert run(looks)[1] == []


def test_who_passes_where_another_unloaded_does_not_complete_its_time() -> None:
    """A van stands for 14 of the 20 seconds and leaves; a car that passes its place 7 s later raises nothing, one that stays does."""
    unloads = [(t, [car()] if t < 14 else []) for t in range(21)]
    _, passes = run([*unloads, *[(t, [car()]) for t in (21, 22, 23)], *[(t, []) for t in range(24, 40)]])
    _, stays = run([*unloads, *[(t, [car()]) for t in range(21, 30)]])
    assert passes == []
    assert [(t, type(c)) for t, c in stays] == [(25, Raised)]


def test_who_rolls_through_gives_no_time_to_who_stops_there_later() -> None:
    """A car seen once in passing, and a van that unloads there from 6 s later for 15 of the 20 seconds: nothing is raised."""
    passes, van = car((110, 110, 200, 150)), car((100, 84, 202, 166), "truck")
    unloads = [(float(t), [passes] if t == 0 else [van] if 6 <= t <= 21 else []) for t in range(40)]
    assert run(unloads)[1] == []
    stays = [(float(t), [passes] if t == 0 else [van] if t >= 6 else []) for t in range(40)]
    assert [t for t, _ in run(stays)[1]] == [26]


def test_a_vehicle_seen_once_and_then_lost_for_a_while_keeps_its_time() -> None:
    """The same outline after a longer gap is the same vehicle: it alerts when its dwell is over, not later."""
    looks = [(float(t), [car()] if t == 0 or t >= 6 else []) for t in range(40)]
    assert [t for t, _ in run(looks)[1]] == [20]


def test_a_gap_shorter_than_what_was_seen_before_costs_no_time() -> None:
    """A car that stood for 8 s and is hidden for 6 s alerts when it would have without the gap."""
    looks = [(float(t), [] if 9 <= t <= 14 else [car()]) for t in range(40)]
    assert [t for t, _ in run(looks)[1]] == [20]


def test_a_car_that_rolls_to_a_stop_is_where_it_stands() -> None:
    """Boxes that grow and come nearer for ten looks and then stay: half hidden afterwards it is the same spot, and alerts once."""
    rolls = [(t, [car((100, 100 + 4 * min(t, 10), 180 + 2 * min(t, 10), 180 + 5 * min(t, 10)))]) for t in range(14)]
    hidden = [(t, [car((115, 140, 200, 230))] if t % 2 else []) for t in range(14, 25)]
    memory, found = run([*rolls, *hidden])
    assert [type(c) for _, c in found] == [Raised]
    assert len(memory.spots) == 1


def rolls_in(second: float) -> Box:
    """A car that comes along the lane towards the camera for 6 s and stops: its box moves little and grows."""
    part = min(second / 6, 1.0)
    return (140 - 10 * part, 100 + 6 * part, 180 + 14 * part, 130 + 36 * part)


def test_time_counts_from_where_it_came_to_rest() -> None:
    """A car that rolls in for 6 s and stands for 15 of the 20 seconds raises nothing; one that stays is raised when it has stood for 20, give or take its last metres."""
    _, loads = run([(t, [car(rolls_in(t))] if t <= 21 else []) for t in range(40)])
    _, stays = run([(t, [car(rolls_in(t))]) for t in range(40)])
    assert loads == []
    assert [type(c) for _, c in stays] == [Raised]
    assert 22 <= stays[0][0] <= 26


def test_a_crawling_queue_is_not_one_car() -> None:
    """A box that creeps forward for minutes leaves its anchor behind and does not alert as if it stood."""
    looks = [(float(t), [car((100 + 6 * t, 100, 200 + 6 * t, 160))]) for t in range(120)]
    assert run(looks)[1] == []


def test_change_of_label_and_occlusion_do_not_restart_the_timer() -> None:
    """A car that is a truck for a while and hidden by a passing van for six seconds alerts on time."""
    looks: list[tuple[float, list[Sighting]]] = []
    for t in range(40):
        if 8 <= t < 14:
            looks.append((t, []))
        else:
            looks.append((t, [car(label="truck" if t % 3 else "car")]))
    assert [t for t, _ in run(looks)[1]] == [20]


def test_one_thing_with_two_boxes_alerts_once() -> None:
    """A van that the detector also calls a truck, with nearly the same box, is one place and one alert."""
    both = [car(), car((102, 98, 205, 161), "truck", 0.5)]
    _, found = run([(t, both) for t in range(40)])
    assert len(found) == 1


def test_two_cars_at_two_places_alert_twice() -> None:
    """Neighbours in the same zone are two places, each with its own alert id."""
    both = [car(), car((300, 100, 400, 160))]
    _, found = run([(t, both) for t in range(40)])
    raised = [c for _, c in found if isinstance(c, Raised)]
    assert len({c.spot.alert_id for c in raised}) == 2


def test_flicker_below_the_share_never_alerts() -> None:
    """A thing seen in a quarter of the looks is not believed."""
    looks = [(float(t), [car()] if t % 4 == 0 else []) for t in range(200)]
    assert run(looks)[1] == []


def test_an_alert_ends_after_watched_absence_only() -> None:
    """Ten watched seconds without the car end the alert; an hour in which nobody looked does not."""
    seen = [(float(t), [car()]) for t in range(0, 24, 2)]
    memory, _ = run(seen)
    _, soon = run([(3600.0, []), (3602.0, [])], memory=memory)
    assert soon == []
    _, later = run([(3600.0 + t, []) for t in range(0, 14, 2)], memory=memory)
    assert [type(c) for _, c in later] == [Ended]


def test_a_new_alert_follows_an_end() -> None:
    """The same place blocked again after it was clear is a new alert with a new id."""
    looks = [(float(t), [car()] if t < 30 or t > 60 else []) for t in range(0, 100, 2)]
    kinds = [(type(c), c.spot.alert_id) for _, c in run(looks)[1]]
    assert [k for k, _ in kinds] == [Raised, Ended, Raised]
    assert kinds[0][1] == kinds[1][1] != kinds[2][1]


def test_a_look_judged_again_gives_the_same_alert() -> None:
    """After a failed write the look is judged again from the old memory: the alert's id is the same."""
    memory, _ = run([(float(t), [car()]) for t in range(0, 20, 2)])
    first = run([(20.0, [car()])], memory=memory)[1]
    second = run([(20.0, [car()])], memory=memory)[1]
    assert [c.spot.alert_id for _, c in first] == [c.spot.alert_id for _, c in second] != []


def test_memory_survives_being_written_and_read() -> None:
    """A restart in the middle of a dwell changes nothing: the alert comes when it would have come."""
    memory, _ = run([(float(t), [car()]) for t in range(0, 12, 2)])
    again = ZoneMemory.model_validate_json(memory.model_dump_json())
    assert again == memory
    _, found = run([(float(t), [car()]) for t in range(14, 30, 2)], memory=again)
    assert [t for t, _ in found] == [20]


def test_a_step_of_the_clock_moves_the_memory_along() -> None:
    """The clock set forward by an hour in mid-dwell neither alerts at once nor starts again."""
    memory, _ = run([(float(t), [car()]) for t in range(0, 12, 2)])
    _, found = run([(3600.0 + t, [car()]) for t in range(12, 30, 2)], memory=memory.shifted(timedelta(hours=1)))
    assert [t for t, _ in found] == [3620.0]


def test_a_gap_longer_than_the_dwell_restarts_a_candidate() -> None:
    """Seen once before and once after an unwatched hour is no proof of an hour's stay."""
    assert run([(0.0, [car()]), (3600.0, [car()]), (3602.0, [car()])])[1] == []


def test_occlusion_that_cuts_the_box_keeps_the_place() -> None:
    """A box cut to its lower third by a passer-by is still the same spot by its place on the ground."""
    cut: Box = (100, 140, 200, 160)
    assert overlap_share(CAR, cut) < 0.35
    looks = [(float(t), [car(cut if t == 10 else CAR, ground=(5.0, 30.0))]) for t in range(0, 30, 2)]
    assert [t for t, _ in run(looks)[1]] == [20]


def test_everybody_in_a_zone_is_one_place() -> None:
    """Three people walking about in a perimeter zone are one intrusion."""
    rules = Persistence(dwell_s=1, clear_s=15, share=0.5, look_every_s=0.5)

    def people(t: float) -> list[Sighting]:
        return [
            Sighting(
                Hazard.PERIMETER_INTRUSION,
                "lawn",
                "person",
                (50 * k + 20 * t, 80, 50 * k + 20 * t + 20, 130),
                0.7,
                None,
                "lawn",
            )
            for k in range(3)
        ]

    memory, found = run([(t / 2, people(t / 2)) for t in range(40)], rules)
    assert len(found) == 1
    assert len(memory.spots) == 1


@given(
    st.lists(st.tuples(st.floats(0.05, 30), st.lists(st.integers(0, 6), max_size=4)), max_size=80),
    st.floats(0, 60),
    st.floats(0.5, 30),
    st.floats(0.05, 1),
)
def test_whatever_is_seen_alerts_and_ends_alternate(
    steps: list[tuple[float, list[int]]], dwell_s: float, clear_s: float, share: float
) -> None:
    """For any sequence of looks: an alert id is raised once, ends at most once and only after it was raised, and no two spots of one place are raised at a time."""
    rules = Persistence(dwell_s, clear_s, share, 2)
    memory, now_s = ZoneMemory(), 0.0
    raised: set[str] = set()
    ended: set[str] = set()
    for gap_s, places in steps:
        now_s += gap_s
        seen = [car((200.0 * p, 0, 200.0 * p + 100, 60)) for p in places]
        memory, changes = look(memory, seen, START + timedelta(seconds=now_s), "lane", rules, "x")
        for change in changes:
            name = change.spot.alert_id
            assert name is not None
            if isinstance(change, Raised):
                assert name not in raised
                raised.add(name)
                assert (change.spot.last_seen_at - change.spot.first_seen_at).total_seconds() >= dwell_s
            else:
                assert name in raised - ended
                ended.add(name)
        standing = [spot for spot in memory.spots if spot.alert_id]
        assert {spot.alert_id for spot in standing} == raised - ended
        for n, spot in enumerate(memory.spots):
            assert all(overlap_share(spot.anchor_px, other.anchor_px) < 0.35 for other in memory.spots[n + 1 :])
