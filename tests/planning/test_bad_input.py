"""What cannot be planned is refused with a reason a person can act on: never a hang, never a silent clip."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.airspace import Airspace, Circle, Obstacle, Zone
from patrol.planning.drone import Wind
from patrol.planning.encode import missions
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import REASONS, PlanRefused
from patrol.planning.safety import Rules, judge
from patrol.planning.stage import Setting
from patrol.planning.survey import AreaSurvey, plan_survey
from tests.planning.worlds import DRONES

HAN = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,}|(?<![._])\b(?:home|area|front|side|distance|deadlines?|boundary)\b")
HOME = LatLon(22.5431, 114.0579)
FRAME = LocalFrame(HOME)


def ring(*corners: tuple[float, float]) -> tuple[LatLon, ...]:
    """A ring by metres from home."""
    return tuple(FRAME.to_wgs84(EastNorth(*c)) for c in corners)


SQUARE = ring((50, 50), (250, 50), (250, 250), (50, 250))
SETTING = Setting(DRONES[0], HOME)


def survey(area: tuple[LatLon, ...] = SQUARE, setting: Setting = SETTING, **more: object) -> FlightPlan:
    """A survey of one ring at 50 m unless told otherwise."""
    wanted: dict[str, object] = {"height_m": 50.0, **more}
    return plan_survey(AreaSurvey(((area,),), **wanted), setting)  # type: ignore[arg-type]  # values under test


SWAPPED = tuple(LatLon(p.lon_deg, p.lat_deg) for p in SQUARE)
CASES = {
    "area-self-crossing": lambda: survey(ring((0, 50), (200, 250), (200, 50), (0, 250))),
    "area-empty": lambda: survey(ring((50, 50), (50, 50), (50, 50))),
    "area-huge": lambda: survey(ring((-9000, -9000), (9000, -9000), (9000, 9000), (-9000, 9000)), height_m=100.0),
    "too-many-photos": lambda: survey(ring((-5000, -5000), (5000, -5000), (5000, 5000), (-5000, 5000)), gsd_m=0.002, height_m=None),
    "swapped": lambda: survey(SWAPPED),
    "wrong-crs": lambda: survey(tuple(LatLon(2_507_000.0 + i, 12_697_000.0 + i * i) for i in range(4))),
    "far-from-home": lambda: survey(tuple(LatLon(p.lat_deg + 1.0, p.lon_deg) for p in SQUARE)),
    "not-a-number": lambda: survey((LatLon(nan, 1.0), *SQUARE[1:])),
    "overlap-impossible": lambda: survey(front_overlap=1.0),
    "gsd-impossible": lambda: survey(height_m=None, gsd_m=-0.02),
    "height-impossible": lambda: survey(height_m=400.0),
    "wind-too-strong": lambda: survey(setting=replace(SETTING, wind=Wind(25.0, 10.0))),
    "camera-too-slow": lambda: survey(front_overlap=0.95, height_m=4.0),
    "home-blocked": lambda: survey(setting=replace(SETTING, airspace=Airspace(zones=(Zone("z", Circle(HOME, 20.0)),)))),
    "home-outside": lambda: survey(setting=replace(SETTING, airspace=Airspace(boundary=SQUARE))),
    "nothing-reachable": lambda: survey(ring((120, 120), (250, 120), (250, 250), (120, 250)), setting=replace(SETTING, airspace=Airspace(zones=(Zone("all of it", (ring((20, 20), (280, 20), (280, 280), (20, 280)),)),)))),
    "return-too-high": lambda: survey(setting=replace(SETTING, drone=replace(DRONES[0], rtl_altitude_m=200.0))),
    "battery-too-small": lambda: survey(setting=replace(SETTING, drone=replace(DRONES[0], battery_wh=3.0))),
    "nothing-to-do": lambda: plan_survey(AreaSurvey((), height_m=50.0), SETTING),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_each_impossible_task_has_its_reason(code: str) -> None:
    """The refusal names its reason and a remedy in both languages, within a second."""
    began = time.monotonic()
    with pytest.raises(PlanRefused) as refusal:
        CASES[code]()
    assert code in {reason.code for reason in refusal.value.reasons}
    assert time.monotonic() - began < 5.0
    assert not HAN.search(refusal.value.explain("en"))
    assert not ENGLISH.search(refusal.value.explain("zh-CN").replace("all of it", "z"))  # what the zone is called


def test_zone_is_named_in_the_refusal() -> None:
    """An area wholly inside a zone says which zone."""
    with pytest.raises(PlanRefused, match="all of it"):
        CASES["nothing-reachable"]()


def test_every_reason_has_both_languages_with_the_same_facts() -> None:
    """The placeholders of the texts agree between the languages."""
    for code, texts in REASONS.items():
        for text in texts:
            assert text.en, code
            assert text.zh, code


def test_an_area_across_the_antimeridian_is_planned() -> None:
    """180 degrees east is a place like any other: same lines, same length as elsewhere."""
    home = LatLon(22.5431, 179.9990)
    frame = LocalFrame(home)
    there = tuple(frame.to_wgs84(EastNorth(*c)) for c in ((50, 50), (250, 50), (250, 250), (50, 250)))
    assert min(p.lon_deg for p in there) < 0 < max(p.lon_deg for p in there)
    plan = survey(there, Setting(DRONES[0], home))
    assert plan.distance_m == pytest.approx(survey().distance_m, rel=1e-3)
    assert not judge(missions(plan)[0], Rules(plan.drone, plan.airspace, plan.wind))


def test_a_tiny_area_is_one_photograph_or_a_refusal() -> None:
    """A square metre is photographed; nothing at all is refused."""
    plan = survey(ring((50, 50), (51, 50), (51, 51), (50, 51)))
    assert plan.coverage is not None
    assert plan.coverage.covered == 1.0
    assert len(plan.shots) <= 2
    with pytest.raises(PlanRefused):
        survey(ring((50, 50), (50.0001, 50), (50.0001, 50.0001)))


def test_what_is_left_out_is_said() -> None:
    """When a tower hides a part, the plan says how much and because of what; nothing is dropped silently."""
    tower = Obstacle("tower", ring((120, 120), (180, 120), (180, 180), (120, 180)), 100.0)
    plan = survey(setting=replace(SETTING, airspace=Airspace(buildings=(tower,))))
    (note,) = [n for n in plan.notes if n.code == "part-unreachable"]
    assert "tower" in note.explain("en")
    assert plan.coverage is not None
    assert note.facts["share"] == pytest.approx(1 - plan.coverage.reachable)


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -1.0, nan, inf, 1e9, 1e-9])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    corners=st.lists(st.tuples(NUMBERS, NUMBERS) | st.tuples(st.floats(-400, 400), st.floats(-400, 400)), max_size=7),
    height=NUMBERS | st.floats(2, 120),
    front=NUMBERS | st.floats(0, 0.9),
)
def test_any_numbers_are_planned_or_refused(corners: list[tuple[float, float]], height: float, front: float) -> None:
    """No ring of numbers, height or overlap leads to anything but a plan or a refusal."""
    places = tuple(
        FRAME.to_wgs84(EastNorth(*c)) if all(abs(v) < 1e4 for v in c) else LatLon(c[1], c[0]) for c in corners
    )
    try:
        plan = survey(places, height_m=height, front_overlap=front)
    except PlanRefused:
        return
    assert plan.shots
