"""Zones of authorities and of the configuration: shapes, heights, and when they hold."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import cos, inf, radians, sin
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from patrol.commands.flying import zones_of
from patrol.config import load
from patrol.config.sky import NoFlyCircle
from patrol.errors import GeodataUnreadable
from patrol.geo import EastNorth, LatLon, LocalFrame
from patrol.planning.airspace import Airspace, Circle, Span, Zone, zones_near
from patrol.planning.encode import missions
from patrol.planning.files.zones import read_areas, read_zones
from patrol.planning.intent import REACH_M, airspace_of
from patrol.planning.periods import Daily, active_spans
from patrol.planning.safety import Rules, judge
from patrol.planning.stage import Setting
from patrol.planning.survey import AreaSurvey, plan_survey
from tests.planning.data import shared
from tests.planning.worlds import DRONES

SQUARE = [[[7.0, 46.0], [7.1, 46.0], [7.1, 46.1], [7.0, 46.0]]]
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()


def ed269(**facts: Any) -> str:
    """A zone of ED-269 with these facts."""
    part = {"uomDimensions": "M", "lowerLimit": 0, "lowerVerticalReference": "AGL", "upperLimit": None,
            "upperVerticalReference": "AGL", "horizontalProjection": {"type": "Polygon", "coordinates": SQUARE}}  # fmt: skip
    return json.dumps({"UASZoneList": [{"identifier": "Z", "restriction": "PROHIBITED", "geometry": [part], **facts}]})


def hours(day: list[str], begins: str, ends: str) -> dict[str, Any]:
    """An applicability with one daily period."""
    return {"permanent": "NO", "dailyPeriod": [{"day": day, "startTime": begins, "endTime": ends}]}


def test_ed318_sample() -> None:
    """The Swiss test data of ED-318 become three zones, one of them from 60 m up."""
    zones = read_zones(shared("geo/interuss_monitoring/cis_source_sample_ed318.json").read_text("utf-8"), "sample")
    assert [(z.id, z.floor_m) for z in zones] == [("LSZB003", 60.0), ("BLns058", 0.0), ("LSTB002", 0.0)]
    assert all(z.ceiling_m >= 99999 and z.active == () for z in zones)
    assert not isinstance(zones[0].shape, Circle)
    assert zones[0].shape[0][0] == LatLon(46.9402526, 7.4355068)


def test_ed318_circle_in_feet_above_sea() -> None:
    """A circle is read from its extent; a height above sea counts from the ground up and without limit."""
    layer = {"upper": 400, "upperReference": "AMSL", "lower": 100, "lowerReference": "AGL", "uom": "ft"}
    point = {
        "type": "Point",
        "coordinates": [7.0, 46.0],
        "extent": {"subType": "Circle", "radius": 500},
        "layer": layer,
    }
    text = json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": point, "properties": {"identifier": "C", "type": "PROHIBITED"}}]})  # fmt: skip
    (zone,) = read_zones(text, "zones")
    assert zone == Zone("C", Circle(LatLon(46.0, 7.0), 500.0), 100 * 0.3048, inf)


@pytest.mark.parametrize("name", ["regions_11_april_2023", "Drone No Fly Zones", "SouthAfricaNoRPASOutlined",
                                  "UASZoneVersion 30072024165413"])  # fmt: skip
def test_national_kmz(name: str) -> None:
    """National zones as they are published: every polygon becomes a zone, and areas may come from KML as well."""
    path = shared(f"geo/missionplanner_nofly/{name}.kmz")
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    zones = zones_of((path,), None)
    assert len(zones) >= text.count("<Polygon") > 200
    assert len(read_areas(text, name)) == len(zones)
    holes = sum(len(zone.shape) - 1 for zone in zones if not isinstance(zone.shape, Circle))
    assert holes == text.count("<innerBoundaryIs")


def test_a_kmz_that_is_none_is_refused(tmp_path: Path) -> None:
    """Neither a broken archive, nor one without KML, nor XML with entities of its own passes or crashes."""
    broken, empty, bomb = tmp_path / "a.kmz", tmp_path / "b.kmz", tmp_path / "c.kml"
    broken.write_bytes(b"PK\x03\x04broken")
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    bomb.write_text('<!DOCTYPE kml [<!ENTITY a "aaaa">]><kml><Placemark><name>&a;</name></Placemark></kml>')
    for path in (broken, empty, bomb):
        with pytest.raises(GeodataUnreadable, match=path.name):
            zones_of((path,), None)


RING = "7.0,46.0 7.1,46.0 7.1,46.1 7.0,46.0"


@pytest.mark.parametrize("ring", ["nan,nan nan,nan nan,nan", RING.replace("46.1", "146.1"), RING.replace("7.1", "inf"),
                                  "7.0,46.0 7.1,46.1", "7.0,46.0 7.1,46.1 7.0,46.0", ""])  # fmt: skip
def test_a_zone_that_would_forbid_nothing_is_refused(ring: str) -> None:
    """A zone that is not on Earth or encloses nothing is refused in KML, GeoJSON, ED-269 and ED-318, with its file's name."""
    kml = "<kml><Placemark><Polygon><outerBoundaryIs><LinearRing><coordinates>{}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></kml>"
    text = kml.format(ring)
    places = [[float(word) for word in pair.split(",")] for pair in ring.split()]
    polygon = {"type": "Polygon", "coordinates": [places]}
    geojson = {"features": [{"type": "Feature", "properties": {}, "geometry": polygon}]}
    ed318 = {
        "features": [{"type": "Feature", "properties": {}, "geometry": {**polygon, "layer": {"upper": 9, "lower": 0}}}]
    }
    part = {"horizontalProjection": polygon}
    for stored in (text, json.dumps(geojson), json.dumps(ed318), json.dumps({"UASZoneList": [{"geometry": [part]}]})):
        with pytest.raises(GeodataUnreadable, match="wrong-file"):
            read_zones(stored, "wrong-file")
    with pytest.raises(GeodataUnreadable, match="wrong-file"):
        read_areas(text, "wrong-file")
    assert read_zones(kml.format(RING), "wrong-file")


@pytest.mark.parametrize(("radius_m", "low_m", "high_m"), [
    (0.0, 0.0, 9.0), (-1.0, 0.0, 9.0), (float("nan"), 0.0, 9.0), (float("inf"), 0.0, 9.0), (5.0, 9.0, 0.0), (5.0, float("nan"), 9.0)])  # fmt: skip
def test_a_circle_or_height_that_would_forbid_nothing_is_refused(radius_m: float, low_m: float, high_m: float) -> None:
    """A circle without a size, and a zone whose top is below its floor, are refused instead of forbidding nothing."""
    facts = {"radius_m": radius_m, "floor_m": low_m, "ceiling_m": high_m}
    place = {"type": "Point", "coordinates": [7.0, 46.0]}
    text = json.dumps({"features": [{"type": "Feature", "properties": facts, "geometry": place}]})
    with pytest.raises(GeodataUnreadable, match="wrong-file"):
        read_zones(text, "wrong-file")


def test_a_text_with_a_byte_order_mark() -> None:
    """JSON that an editor saved with a byte order mark is read like the same without."""
    assert read_zones("\ufeff" + ed269(), "zones") == read_zones(ed269(), "zones") != ()


@pytest.mark.parametrize(("day", "begins", "ends", "holds"), [
    (["MON"], "08:00Z", "18:00Z", True), (["MON"], "13:00Z", "18:00Z", False), (["TUE"], "08:00Z", "18:00Z", False),
    (["SUN"], "20:00Z", "13:00Z", True), (["ANY"], "13:30:00+02:00", "14:30:00+02:00", True), ([], "", "", True),
])  # fmt: skip
def test_daily_periods(day: list[str], begins: str, ends: str, holds: bool) -> None:
    """At noon on a Monday a zone holds only if its days and hours say so; a flight whose time is unknown meets it always."""
    text = ed269(applicability=[hours(day, begins, ends)])
    zones = read_zones(text, "z", MONDAY_NOON)
    assert any(zone.holds_during(MONDAY_NOON, MONDAY_NOON) for zone in zones) is holds
    (unknown,) = read_zones(text, "z")
    assert unknown.holds_during(None, None)


def test_only_what_is_plainly_allowed_is_open() -> None:
    """Prohibited, authorised, conditional and unknown words close a zone; no restriction does not."""
    closed = [word for word in ("PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "USPACE", "NO_RESTRICTION")
              if read_zones(ed269(restriction=word), "z")]  # fmt: skip
    assert closed == ["PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "USPACE"]


@given(st.integers(0, 24 * 60 - 1), st.integers(0, 24 * 60 - 1), st.frozensets(st.integers(0, 6)),
       st.integers(-14 * 60, 14 * 60), st.integers(0, 10 * 60), st.integers(0, 24 * 7 * 60))  # fmt: skip
def test_spans_agree_with_the_clock(
    begins_min: int, ends_min: int, days: frozenset[int], offset_min: int, later_min: int, start_min: int
) -> None:
    """Within ten hours of the start, the spans hold exactly when a clock on the wall says so, in any zone."""
    zone = timezone(timedelta(minutes=offset_min))
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    begins, ends = (midnight + timedelta(minutes=begins_min)).time(), (midnight + timedelta(minutes=ends_min)).time()
    starts_at_s = MONDAY_NOON + start_min * 60
    spans = active_spans(Span(), [Daily(begins, ends, zone, days)], starts_at_s) or ()
    at_s = starts_at_s + later_min * 60 + 30
    local = datetime.fromtimestamp(at_s, zone)
    now = local.time()
    if begins < ends:
        truth = begins <= now < ends and (not days or local.weekday() in days)
    else:
        since = local if now >= begins else local - timedelta(days=1)
        truth = (now >= begins or now < ends) and (not days or since.weekday() in days)
    assert any(span.begins_s <= at_s < span.ends_s for span in spans) is truth


def test_no_fly_hours_of_the_configuration() -> None:
    """A circle with hours holds in them, district time, and always for a flight whose time is unknown."""
    config = load(Path("config.yaml"))
    circle = NoFlyCircle.model_validate({"id": "school", "at": [114.05, 22.54], "radius_m": 50, "hours": ["07:00-17:00"],
                                         "days": ["2026-09-01/2027-01-15"]})  # fmt: skip
    config = config.model_copy(update={"airspace": config.airspace.model_copy(update={"no_fly_circles": (circle,)})})
    china = timezone(timedelta(hours=8))
    for moment, holds in ((datetime(2026, 11, 24, 8, 0, tzinfo=china), True), (datetime(2026, 11, 24, 20, 0, tzinfo=china), False),
                          (datetime(2027, 2, 24, 8, 0, tzinfo=china), False)):  # fmt: skip
        zones = airspace_of(config, starts_at_s=moment.timestamp()).zones
        found = [zone for zone in zones if zone.id == "school"]
        assert any(zone.holds_during(moment.timestamp(), moment.timestamp() + 60) for zone in found) is holds
    (always,) = [zone for zone in airspace_of(config).zones if zone.id == "school"]
    assert replace(always, active=()) == always


@given(st.floats(-85, 85), st.floats(-180, 180), st.floats(0, 360), st.floats(10, 40_000), st.booleans())
def test_no_zone_in_reach_is_left_out(
    lat: float, lon: float, bearing_deg: float, distance_m: float, circle: bool
) -> None:
    """A zone in reach stays, wherever on the globe; one twice as far to the north does not."""
    home = LatLon(lat, lon)
    frame = LocalFrame(home)
    east, north = distance_m * sin(radians(bearing_deg)), distance_m * cos(radians(bearing_deg))

    def zone(at: LatLon) -> Zone:
        here = LocalFrame(at)
        ring = tuple(here.to_wgs84(EastNorth(e, n)) for e, n in ((-5, -5), (5, -5), (0, 5)))
        return Zone("z", Circle(at, 5.0) if circle else (ring,))

    near, far = zone(frame.to_wgs84(EastNorth(east, north))), zone(frame.to_wgs84(EastNorth(0.0, 2 * distance_m + 50)))
    assert zones_near((near, far), home, distance_m) == (near,)


def test_a_country_of_zones() -> None:
    """Three hundred zones of a national file: a survey that reaches into one keeps clear of it and says what that costs."""
    zones = zones_of((shared("geo/missionplanner_nofly/regions_11_april_2023.kmz"),), None)
    shapes = [
        shapely.Polygon([(p.lon_deg, p.lat_deg) for p in z.shape[0]]) for z in zones if not isinstance(z.shape, Circle)
    ]

    def beside(shape: shapely.Polygon) -> LatLon:
        lon, lat = max(shape.exterior.coords)
        return LocalFrame(LatLon(lat, lon)).to_wgs84(EastNorth(120.0, 0.0))

    homes = (beside(shape) for shape in shapes)
    home = next(
        h for h in homes if all(shape.distance(shapely.Point(h.lon_deg, h.lat_deg)) > 0.0008 for shape in shapes)
    )
    near = zones_near(zones, home, REACH_M)
    assert 0 < len(near) < len(zones)
    frame = LocalFrame(home)
    area = tuple(frame.to_wgs84(EastNorth(e, n)) for e, n in ((-200, -80), (80, -80), (80, 80), (-200, 80)))
    setting = Setting(DRONES[0], home, Airspace(zones=near))
    plan = plan_survey(AreaSurvey(((area,),), height_m=60.0), setting)
    for mission in missions(plan):
        assert judge(mission, Rules(plan.drone, plan.airspace, plan.wind, plan.starts_at_s)) == ()
        assert len(mission.fence) <= len(near)
    assert plan.coverage is not None
    assert plan.coverage.covered < 0.9 < plan.coverage.covered_of_reachable
