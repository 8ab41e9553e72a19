"""A drone's frames: which places they show, what is said of them, and how each frame gets its pose."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.config import Config, load
from patrol.config.shape import DroneCamera
from patrol.errors import UsageError
from patrol.events import AlertRaised, DronePose, Position, WeatherWarned
from patrol.geo import Camera, EastNorth, LatLon, Pose, distance_m
from patrol_edge.aerial import LEAST_VISIBLE, AerialMap, shown_places
from patrol_edge.attention import Attention
from patrol_edge.box import watchers_of
from patrol_edge.frame import Frame
from patrol_edge.pipeline import CameraMemory, Pipeline, Watcher
from patrol_edge.poses import WAITING_FRAMES, PoseTrack, Posing, between
from patrol_edge.weather import Rain
from tests.edge.conftest import ROOT, START, Objects, ScriptedDetector

CAMERA = {
    "box": "street",
    "source": "http://127.0.0.1:9/falcon",
    "lens": {"width_px": 960, "height_px": 540, "hfov_deg": 73},
}


@pytest.fixture(scope="module")
def config() -> Config:
    """The demo district, whose drone falcon has a camera, and whose fire lane may be used for 20 seconds."""
    district = load(ROOT / "config.yaml")
    falcon, *others = district.drones
    falcon = falcon.model_copy(update={"camera": DroneCamera.model_validate(CAMERA)})
    lane = district.fire_lanes[0].model_copy(update={"dwell_s": 20.0})
    return district.model_copy(update={"drones": (falcon, *others), "fire_lanes": (lane,)})


def over_lane(config: Config, north_m: float = 0.0, up_m: float = 60.0, pitch_deg: float = -90.0) -> Pose:
    """A pose above the middle of the fire lane, or so far north of it."""
    middle = shapely.Polygon([config.frame.to_local(p) for p in config.fire_lanes[0].area]).centroid
    return Pose(middle.x, middle.y + north_m, up_m, 180.0, pitch_deg)


def camera_at(config: Config, pose: Pose) -> Camera:
    """Falcon's camera at a pose."""
    return Camera(Watcher.of_drone(config, config.drones[0]).camera.lens.geo, pose)


def only_lanes(config: Config) -> AerialMap:
    """The demo district's map with nothing to watch but its fire lane."""
    world = AerialMap.of(config)
    return replace(world, places=tuple(place for place in world.places if place.zone.id == "rose-lane"))


def test_a_place_lies_where_the_map_says(config: Config) -> None:
    """From straight above, the lane's polygon in the picture is the projection of its corners on the map."""
    camera = camera_at(config, over_lane(config, up_m=80.0))
    (shown,) = shown_places(only_lanes(config), camera)
    corners = [(*config.frame.to_local(p), 0.0) for p in config.fire_lanes[0].area]
    expected = shapely.Polygon(camera.project(corners))
    assert shown.zone.id == "rose-lane"
    assert shown.polygon_px.symmetric_difference(expected).area < 0.01 * expected.area


@given(
    east_m=st.floats(-120, 120), north_m=st.floats(-120, 120), up_m=st.floats(10, 120), yaw_deg=st.floats(-180, 180),
    pitch_deg=st.floats(-90, -15), roll_deg=st.floats(-10, 10),
)  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_every_pixel_of_a_shown_place_is_in_that_place(
    config: Config, east_m: float, north_m: float, up_m: float, yaw_deg: float, pitch_deg: float, roll_deg: float
) -> None:
    """Whatever the pose: what is shown lies in the picture, on the place, and no building stands before it."""
    centre = over_lane(config)
    pose = Pose(centre.east_m + east_m, centre.north_m + north_m, up_m, yaw_deg, pitch_deg, roll_deg)
    camera, world = camera_at(config, pose), only_lanes(config)
    areas = {place.zone.id: place.area for place in world.places if place.area is not None}
    for shown in shown_places(world, camera):
        inside = shown.polygon_px.representative_point()
        assert -1.5 <= inside.x <= camera.lens.width_px + 0.5
        assert -1.5 <= inside.y <= camera.lens.height_px + 0.5
        ground = shapely.Point(camera.to_plane([(inside.x, inside.y)], shown.height_m)[0])
        assert areas[shown.zone.id].distance(ground) < 0.05
        sight = shapely.LineString([(pose.east_m, pose.north_m), (ground.x, ground.y)])
        for block in world.blocks:
            crossed = sight.intersection(block.footprint)
            nearest = 0.0 if crossed.is_empty else ground.distance(crossed) + crossed.length
            height_there = pose.up_m * nearest / max(sight.length, 1e-9)
            assert crossed.is_empty or height_there >= block.height_m - 0.05


def test_what_a_building_hides_is_not_judged(config: Config) -> None:
    """Low in the west of Rose Court 1, which stands before the lane, the lane is in the picture and yet not shown."""
    world, here = only_lanes(config), over_lane(config)
    hidden = camera_at(config, Pose(here.east_m - 60, here.north_m - 10, 30.0, 90.0, -25.0))
    assert shown_places(world, hidden) == []
    assert shown_places(replace(world, blocks=()), hidden)


def test_what_is_too_low_too_far_or_outside_the_picture_is_not_judged(config: Config) -> None:
    """On the ground, a district away, and looking elsewhere nothing is shown; a quarter of the lane must be in sight."""
    world = only_lanes(config)
    for pose in (
        over_lane(config, up_m=2.0),
        over_lane(config, north_m=400.0),
        over_lane(config, north_m=-60.0, pitch_deg=-45.0),
    ):
        assert shown_places(world, camera_at(config, pose)) == []
    length_m = 58.0
    seen = [
        bool(shown_places(world, camera_at(config, over_lane(config, north_m, 30.0)))) for north_m in (0.0, length_m)
    ]
    assert seen == [True, False]
    assert LEAST_VISIBLE == 0.25


def car_boxes(config: Config, pose: Pose) -> Objects:
    """The box of a car that stands in the middle of the lane, as the drone sees it from a pose."""
    here = over_lane(config)
    camera = camera_at(config, pose)
    corners = [(here.east_m + e, here.north_m + n, 0.0) for e in (-0.9, 0.9) for n in (-2.2, 2.2)]
    pixels = camera.project(corners)
    (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0)
    return [("car", 0.8, (float(x0), float(y0), float(x1), float(y1)))]


def fly(config: Config, seconds_and_poses: list[tuple[float, Pose | None]]) -> list[tuple[float, AlertRaised]]:
    """What is raised when these frames are judged one after the other."""
    watcher = Watcher.of_drone(config, config.drones[0])
    assert watcher.aerial is not None
    watcher = replace(watcher, aerial=replace(watcher.aerial, map=only_lanes(config)))
    memory, found = CameraMemory(), []
    now: Pose | None = None
    cars = ScriptedDetector(lambda _: car_boxes(config, now) if now else [])
    pipeline = Pipeline(watcher, {"aerial_vehicle": cars})
    for second, now in seconds_and_poses:
        frame = Frame("falcon", START + timedelta(seconds=second), np.zeros((540, 960, 3), np.uint8), pose=now)
        memory, findings = pipeline.judge(frame, memory)
        found += [(second, f.data) for f in findings if isinstance(f.data, AlertRaised)]
    return found


def test_a_car_that_stands_is_one_place_from_every_side(config: Config) -> None:
    """A drone that flies over a parked car for half a minute alerts once, after the dwell, where the car stands."""
    way = [(s / 2, over_lane(config, north_m=s * 0.5 - 15.0)) for s in range(60)]
    ((second, alert),) = fly(config, list(way))
    here = over_lane(config)
    truth = config.frame.to_wgs84(EastNorth(here.east_m, here.north_m))
    assert second == 20.0
    assert alert.camera == "falcon"
    assert alert.place.startswith("rose-lane/")
    assert alert.position is not None
    assert alert.position.accuracy_m > 1.5
    assert distance_m(LatLon(alert.position.lat_deg, alert.position.lon_deg), truth) < 1.0


def test_a_car_seen_again_on_the_next_pass_has_stood_there(config: Config) -> None:
    """Two passes, five minutes apart and seconds long: the second one alerts; frames between them see other places."""
    elsewhere = over_lane(config, north_m=400.0)
    first = [(float(s), over_lane(config)) for s in range(4)]
    between_them = [(float(s), elsewhere) for s in range(4, 300, 7)]
    again = [(300.0 + s, over_lane(config)) for s in range(3)]
    ((second, alert),) = fly(config, [*first, *between_them, *again])
    assert second == 300.0
    assert alert.explanation.dwell_s == 300.0


def test_frames_without_a_pose_say_nothing(config: Config) -> None:
    """Where nobody knows what a frame shows, nothing is judged and nothing breaks."""
    assert fly(config, [(float(s), None) for s in range(60)]) == []


def test_a_box_watches_its_fixed_cameras_and_its_drones(config: Config) -> None:
    """The watchers of a box are its cameras and the drones whose pictures come to it; others have no live picture."""
    assert [w.camera.id for w in watchers_of(config, "street")] == ["gate", "fence", "falcon"]
    assert Watcher.of_drone(config, config.drones[0]).models == {"aerial_vehicle", "fire_smoke", "water"}
    with pytest.raises(UsageError, match="falcon"):
        Watcher.of_drone(config, config.drones[1])


def said(config: Config, pose: Pose, **more: object) -> DronePose:
    """A station's message about a pose."""
    at = config.frame.to_wgs84(EastNorth(pose.east_m, pose.north_m))
    body = {"station": "dock", "drone": "falcon", "flight_id": "flight-1", "position": Position(lat_deg=at.lat_deg, lon_deg=at.lon_deg, accuracy_m=3),
            "height_m": pose.up_m, "yaw_deg": pose.yaw_deg, "pitch_deg": pose.pitch_deg, "speed_ms": 5.0, "battery": 0.8, "link_loss": 0.0}  # fmt: skip
    return DronePose.model_validate(body | more)


def picture(second: float) -> Frame:
    """A frame of the drone."""
    return Frame("falcon", START + timedelta(seconds=second), np.zeros((2, 2, 3), np.uint8))


def test_a_frame_waits_for_the_pose_after_it(config: Config) -> None:
    """A frame is handed on with the pose of its own moment once the message after it has come, however late."""
    handed: list[Frame] = []
    posing = Posing(config.frame, 0.5, handed.append)
    posing.heard(START, said(config, Pose(0, 0, 50, 350, -60)))
    posing.put(picture(1.0))
    assert handed == []
    posing.heard(START + timedelta(seconds=1), said(config, Pose(8, -4, 54, 10, -50)))
    (frame,) = handed
    assert frame.taken_at == START + timedelta(seconds=0.5)
    assert frame.pose is not None
    assert (frame.pose.east_m, frame.pose.north_m, frame.pose.up_m) == pytest.approx((4, -2, 52), abs=0.01)
    assert frame.pose.yaw_deg % 360 == pytest.approx(0, abs=1e-9)
    assert frame.pose.pitch_deg == pytest.approx(-55)


def test_the_newest_frame_with_a_pose_is_handed_on(config: Config) -> None:
    """Of frames that waited together only the newest is judged, so that a slow wire never makes the box lag behind."""
    handed: list[Frame] = []
    posing = Posing(config.frame, 0.0, handed.append)
    posing.heard(START, said(config, Pose(0, 0, 50, 0, -60)))
    for n in range(4):
        posing.put(picture(n * 0.25))
    posing.heard(START + timedelta(seconds=0.6), said(config, Pose(0, 0, 50, 0, -60)))
    assert [(f.taken_at - START).total_seconds() for f in handed] == [0.0, 0.5]


def test_frames_whose_pose_never_comes_take_no_room(config: Config) -> None:
    """An hour of pictures without a word from the station holds a dozen frames, and flies are not waited for."""
    posing = Posing(config.frame, 0.0, lambda frame: pytest.fail(f"handed on {frame}"))
    for n in range(500):
        posing.put(picture(n * 0.5))
    assert len(posing._waiting) == WAITING_FRAMES
    posing.heard(START + timedelta(hours=1), said(config, Pose(0, 0, 50, 0, -60)))
    posing.heard(START + timedelta(hours=1, seconds=1), said(config, Pose(0, 0, 50, 0, -60), yaw_deg=None))
    assert posing.is_aloft(START + timedelta(hours=1, seconds=4))
    assert not posing.is_aloft(START + timedelta(hours=1, seconds=9))


@given(
    a=st.floats(-720, 720), b=st.floats(-720, 720), share=st.floats(0, 1),
)  # fmt: skip
def test_headings_turn_the_short_way(a: float, b: float, share: float) -> None:
    """Between two headings less than half a circle apart the pose never turns through the other half."""
    turned = between(Pose(0, 0, 0, a, 0), Pose(0, 0, 0, b, 0), share).yaw_deg
    assert abs(turned - a) <= 180.0


def test_poses_come_late_twice_and_out_of_order() -> None:
    """The track gives the same pose in whatever order its messages came; a hole of more than three seconds gives none."""
    poses = [(START + timedelta(seconds=s), Pose(s, 0, 0, 0, 0)) for s in (0, 1, 2, 9)]
    tracks = []
    for order in ([0, 1, 2, 3], [3, 1, 0, 2, 1]):
        track = PoseTrack()
        for n in order:
            track.add(*poses[n])
        tracks.append([track.at(START + timedelta(seconds=s)) for s in (-1, 0, 0.5, 1.5, 5, 9, 10)])
    assert tracks[0] == tracks[1]
    assert [pose is None for pose in tracks[0]] == [True, False, False, False, True, False, True]


def test_time_on_the_ground_is_not_unwatched() -> None:
    """A drone's camera owes no looks while the drone rests; in the air it owes them at once."""
    attention = Attention("falcon", 1.0, since=START).rested(START + timedelta(hours=5))
    assert attention.unwatched_until(START + timedelta(hours=5)) == 0.0
    assert attention.unwatched_until(START + timedelta(hours=5, seconds=11)) == 10.0


def warning(level: str | None, begins_s: float = 0.0, ends_s: float = 3600.0, kind: str = "rain") -> WeatherWarned:
    """A message of the weather service."""
    body = {
        "warning_id": "warning-1",
        "kind": kind,
        "level": level,
        "begins_at": START + timedelta(seconds=begins_s),
        "ends_at": START + timedelta(seconds=ends_s),
    }
    return WeatherWarned.model_validate(body)


def test_rain_is_what_was_said_last() -> None:
    """Nothing heard is not dry: None. A warning has its level while it holds; lifted, over or not yet begun it is 0; a late old one changes nothing."""
    rain = Rain()
    assert rain.level(START) is None
    rain.heard(START, warning("red", kind="wind"))
    assert rain.level(START) is None
    rain.heard(START, warning("orange", begins_s=60))
    assert [rain.level(START + timedelta(seconds=s)) for s in (0, 60, 3600, 3601)] == [0, 3, 3, 0]
    rain.heard(START + timedelta(seconds=90), warning(None))
    rain.heard(START + timedelta(seconds=30), warning("red"))
    assert rain.level(START + timedelta(seconds=100)) == 0
