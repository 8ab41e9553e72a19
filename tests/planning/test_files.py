"""Files of other programs: read by their own programs, and nothing moves by more than a centimetre."""

from __future__ import annotations

import csv
import json
import socket
import time
import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import xmltodict
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink import mavutil, mavwp

from patrol.errors import GeodataUnreadable, MissionUnreadable
from patrol.geo import EastNorth, LatLon, distance_m
from patrol.planning.airspace import Airspace, Circle
from patrol.planning.encode import missions
from patrol.planning.files.exchange import write_csv, write_geojson, write_kml
from patrol.planning.files.qgc import read_plan, write_plan
from patrol.planning.files.waypoints import read_waypoints, write_waypoints
from patrol.planning.files.wpml import simplified, write_wpml
from patrol.planning.files.zones import read_areas, read_zones
from patrol.planning.mission import (
    CONDITION_YAW,
    DO_MOUNT_CONTROL,
    IMAGE_START_CAPTURE,
    NAV_WAYPOINT,
    Mission,
    has_place,
)
from patrol.planning.plan import FlightPlan
from patrol.planning.sites import Site, plan_sites
from patrol.planning.survey import plan_survey
from tests.planning.data import shared
from tests.planning.worlds import world

CENTIMETRE = 0.01


@pytest.fixture(scope="module", params=[3, 10])
def plan(request: pytest.FixtureRequest) -> FlightPlan:
    """A random survey; one for each autopilot."""
    task = world(request.param)
    return plan_survey(task.intent, task.setting)


def places(mission: Mission) -> list[LatLon]:
    """Where the items of a mission are."""
    return [LatLon(i.lat_deg, i.lon_deg) for i in mission.items if has_place(i)]


def furthest(ours: list[LatLon], theirs: list[LatLon]) -> float:
    """The largest distance between corresponding places, metres."""
    return max(distance_m(a, b) for a, b in zip(ours, theirs, strict=True))


def test_plan_comes_back_as_it_was(plan: FlightPlan) -> None:
    """.plan out and in again: every item, the fence, the rally points and home are the same."""
    for mission in missions(plan):
        again = read_plan(write_plan(mission), mission.name)
        assert repr(again.items) == repr(mission.items)
        assert set(again.fence) == set(mission.fence)
        assert (again.rally, again.home, again.autopilot) == (mission.rally, mission.home, mission.autopilot)
        assert write_plan(again) == write_plan(mission)


def test_waypoints_come_back_and_mavwp_reads_them(plan: FlightPlan, tmp_path: Path) -> None:
    """.waypoints: our reader and pymavlink's see each item within a centimetre, latitude first."""
    mission = missions(plan)[0]
    text = write_waypoints(mission)
    assert furthest(places(mission), places(read_waypoints(text))) < CENTIMETRE
    path = tmp_path / "mission.waypoints"
    path.write_text(text)
    loader = mavwp.MAVWPLoader()
    assert loader.load(str(path)) == len(mission.items) + 1
    theirs = [loader.wp(n + 1) for n in range(len(mission.items))]
    assert [w.command for w in theirs] == [i.command for i in mission.items]
    read = [LatLon(w.x, w.y) for w, i in zip(theirs, mission.items, strict=True) if has_place(i)]
    assert furthest(places(mission), read) < CENTIMETRE
    assert all(abs(w.z - i.alt_m) < CENTIMETRE for w, i in zip(theirs, mission.items, strict=True))


@pytest.fixture(scope="module")
def importer():  # type: ignore[no-untyped-def]  # MAVSDK ships no types
    """MAVSDK's importer. It wants a vehicle to talk to: one heartbeat on a loopback port is enough."""
    from mavsdk.component_type import ComponentType  # noqa: PLC0415 - loads a native library: only for this fixture
    from mavsdk.mavsdk import Configuration, Mavsdk  # noqa: PLC0415 - the same
    from mavsdk.plugins.mission_raw.mission_raw import MissionRaw  # noqa: PLC0415 - the same

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sdk = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
    sdk.add_any_connection(f"udpin://127.0.0.1:{port}")
    vehicle = mavutil.mavlink_connection(f"udpout:127.0.0.1:{port}", source_system=1, source_component=1)
    deadline = time.monotonic() + 20.0
    while not sdk.get_systems():
        assert time.monotonic() < deadline, "MAVSDK did not see the heartbeat"
        vehicle.mav.heartbeat_send(2, 12, 0, 0, 3)
        time.sleep(0.05)
    yield MissionRaw(sdk.get_systems()[0])
    vehicle.close()
    sdk.destroy()


def test_mavsdk_imports_our_plan(plan: FlightPlan, importer) -> None:  # type: ignore[no-untyped-def]  # no types
    """MAVSDK reads .plan: the same commands in the same order within a centimetre, fence and rally points too."""
    mission = missions(plan)[0]
    theirs = importer.import_qgroundcontrol_mission_from_string(write_plan(mission))
    assert [i.command for i in theirs.mission_items] == [i.command for i in mission.items]
    read = [
        LatLon(t.x / 1e7, t.y / 1e7) for t, i in zip(theirs.mission_items, mission.items, strict=True) if has_place(i)
    ]
    assert furthest(places(mission), read) < CENTIMETRE
    assert all(abs(t.z - i.alt_m) < CENTIMETRE for t, i in zip(theirs.mission_items, mission.items, strict=True))
    assert len(theirs.rally_items) == len(mission.rally)
    corners = sum(1 if hasattr(f, "radius_m") else len(f.ring) for f in mission.fence)
    assert len(theirs.geofence_items) == corners


def test_djikmz_reads_our_waylines(plan: FlightPlan) -> None:
    """Each placemark of template.kml is a waypoint to djikmz, in place and height; waylines.wpml has the same places."""
    sortie = plan.sorties[0]
    documents = write_wpml(plan, sortie)
    kept = simplified(sortie.waypoints)
    where = [LatLon(*p) for p in plan.frame.many_to_wgs84([(w.east_m, w.north_m) for w in kept])]
    marks = xmltodict.parse(documents["wpmz/template.kml"])["kml"]["Document"]["Folder"]["Placemark"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # djikmz uses what pydantic deprecates, at import
        from djikmz.model.waypoint import Waypoint as DjiWaypoint  # noqa: PLC0415 - only under the line above
    theirs = []
    for mark in marks:
        groups = mark.pop("wpml:actionGroup", None)  # djikmz holds one group a waypoint: each is read in turn
        for group in groups if isinstance(groups, list) else [groups]:
            waypoint = DjiWaypoint.from_dict(dict(mark) if group is None else {**mark, "wpml:actionGroup": group})
        theirs.append(waypoint)
    assert furthest(where, [LatLon(t.latitude, t.longitude) for t in theirs]) < CENTIMETRE
    assert all(abs(t.height - w.up_m) < CENTIMETRE for t, w in zip(theirs, kept, strict=True))
    lines = xmltodict.parse(documents["wpmz/waylines.wpml"])["kml"]["Document"]["Folder"]["Placemark"]
    read = [tuple(float(v) for v in mark["Point"]["coordinates"].split(",")) for mark in lines]
    assert furthest(where, [LatLon(lat, lon) for lon, lat in read]) < CENTIMETRE


def test_nose_and_gimbal_turn_before_the_photograph() -> None:
    """On ArduPilot yaw and gimbal commands come before the waypoint they are for, the photograph right after it."""
    task = world(3)
    here = task.setting.frame.to_wgs84(EastNorth(60.0, 20.0))
    plan = plan_sites([Site("a", here, 40.0, -60.0, yaw_deg=90.0)], replace(task.setting, airspace=Airspace()))
    commands = [i.command for i in missions(plan)[0].items]
    photo = commands.index(IMAGE_START_CAPTURE)
    assert commands[photo - 1] == NAV_WAYPOINT
    assert commands[photo - 3 : photo - 1] == [DO_MOUNT_CONTROL, CONDITION_YAW]
    assert missions(plan)[0].items[photo - 1].p1 >= 2.0


def test_maps_and_tables_hold_every_photograph(plan: FlightPlan) -> None:
    """GeoJSON, KML and CSV agree with the plan in count and place."""
    rows = list(csv.DictReader(write_csv(plan).splitlines()))
    shots = plan.shots
    assert len(rows) == len(shots)
    first = plan.frame.to_wgs84(plan.frame.to_local(LatLon(float(rows[0]["latitude_deg"]), float(rows[0]["longitude_deg"]))))  # fmt: skip
    assert plan.frame.to_local(first).east_m == pytest.approx(shots[0].east_m, abs=CENTIMETRE)
    features = json.loads(write_geojson(plan))["features"]
    assert sum(f["properties"]["kind"] == "photo" for f in features) == len(shots)
    assert len(xmltodict.parse(write_kml(plan))["kml"]["Document"]["Placemark"]) >= len(plan.sorties)


GOOD = ["mavsdk-python_example-mission.plan", "mavsdk_cpp_plans_qgroundcontrol_sample.plan",
        "mavsdk_cpp_plans_qgroundcontrol_sample_with_survey.plan", "px4_firmware_plans_MC_mission_box.plan",
        "mavsdk_cpp_plans_qgroundcontrol_sample_with_structured_scan.plan", "px4_firmware_plans_VTOL_mission_1.plan",
        "mavsdk_cpp_plans_qgroundcontrol_sample_with_survey_missing_items.plan"]  # fmt: skip
BAD = ["mavsdk_cpp_plans_qgroundcontrol_sample_wrong_overall_version.plan",
       "mavsdk_cpp_plans_qgroundcontrol_sample_wrong_mission_version.plan",
       "mavsdk_cpp_plans_qgroundcontrol_sample_without_mission.plan",
       "mavsdk_cpp_plans_qgroundcontrol_sample_with_survey_wrong_version.plan"]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_real_plans_are_read_whole(name: str) -> None:
    """Plans of other projects: at least as many items as they store, and they survive being written and read again."""
    text = shared(f"missions/{name}").read_text()
    mission = read_plan(text, name)
    stored = json.loads(text)["mission"]["items"]
    assert len(mission.items) >= len(stored)
    again = read_plan(write_plan(mission), name)
    assert furthest(places(mission), places(again)) < CENTIMETRE


@pytest.mark.parametrize("name", BAD)
def test_broken_real_plans_are_refused(name: str) -> None:
    """A plan of an unknown version or without a mission is refused with its name, not half read."""
    with pytest.raises(MissionUnreadable, match=name.replace(".", r"\.")):
        read_plan(shared(f"missions/{name}").read_text(), name)


def test_a_survey_item_is_planned_again_at_its_spacing() -> None:
    """A complex survey without stored items gets lines at its own spacing and height, as QGroundControl's own were."""
    stored = read_plan(shared("missions/mavsdk_cpp_plans_qgroundcontrol_sample_with_survey.plan").read_text())
    again = read_plan(shared("missions/mavsdk_cpp_plans_qgroundcontrol_sample_with_survey.plan").read_text(), regenerate=True)  # fmt: skip
    for mission in (stored, again):
        ways = [i for i in mission.items if i.command == NAV_WAYPOINT]
        assert {i.alt_m for i in ways} == {50.0}
        rows = sorted({round(i.lat_deg, 6) for i in ways})
        steps = [distance_m(LatLon(a, 8.5), LatLon(b, 8.5)) for a, b in pairwise(rows)]
        assert max(steps) == pytest.approx(25.0, abs=0.6)  # the rest are the ends of one line, a centimetre apart


def test_real_waypoint_files() -> None:
    """DroneKit's waypoint file is read with home apart."""
    mission = read_waypoints(shared("missions/dronekit_mpmission.txt").read_text())
    assert mission.home.lat_deg == pytest.approx(-35.363262)
    assert mission.items[0].command == 22


def test_ed269_sample() -> None:
    """The InterUSS sample of ED-269 becomes zones from the ground up."""
    zones = read_zones(shared("geo/interuss_monitoring/cis_source_sample_ed269.json").read_text(), "sample")
    assert zones[0].id == "LSXX"
    assert zones[0].floor_m == 0.0
    assert not isinstance(zones[0].shape, Circle)
    assert 46.2 < zones[0].shape[0][0].lat_deg < 46.3


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"type": "FeatureCollection", "features": [{}]}',
                                  '{"type":"Polygon","coordinates":[[["a",1]]]}', "[" * 5000])  # fmt: skip
def test_broken_geodata_is_refused(text: str) -> None:
    """No text that is not geodata passes or crashes."""
    with pytest.raises(GeodataUnreadable):
        read_areas(text, "areas")
    with pytest.raises(GeodataUnreadable):
        read_zones(text, "zones")


def test_projected_geojson_is_refused() -> None:
    """A GeoJSON that names a projected coordinate system is not read as degrees."""
    text = json.dumps({"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:3857"}}, "features": []})
    with pytest.raises(GeodataUnreadable, match="3857"):
        read_areas(text, "areas")


WHOLE = write_plan(missions(plan_survey(world(3).intent, world(3).setting))[0])


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 5000), byte=st.characters())
def test_damaged_plans_never_crash(cut: int, byte: str) -> None:
    """A plan with one character changed or the end cut off is read or refused, never another error."""
    text = WHOLE
    k = cut % len(text)
    for damaged in (text[:k], text[:k] + byte + text[k + 1 :]):
        try:
            read_plan(damaged)
        except MissionUnreadable:
            continue
