"""How the simulated drone flies: modes, the mission in hand, failsafes. Steps of a given length; no clock of its own.

Times and texts of failsafes are those of the recordings: ArduPilot returns 5.0 s after the last ground
heartbeat, PX4 0.6 s after its own limit; ArduPilot lands 8.1 s after the position is gone, PX4 5.0 s.
"""

from __future__ import annotations

from dataclasses import replace
from math import cos, hypot, isfinite, isnan, radians, sin

from patrol.flight.items import WireItem
from patrol.flight.messages import MissionType
from patrol.flight.sim import shelf
from patrol.flight.sim.drone import Mode, SimDrone
from patrol.geo import EastNorth, LatLon

FENCE = MissionType.FENCE
LAND_MS, LAND_SLOWLY_BELOW_M = 0.6, 10.0
ARDU_NAMES = {16: "WP", 17: "LoiterUnlim", 18: "LoiterTurns", 19: "LoiterTime", 20: "RTL", 21: "Land", 22: "Takeoff",
              93: "Delay", 112: "ConditionDelay", 115: "Yaw", 178: "ChangeSpeed", 195: "SetROI", 197: "SetROI", 205: "MountControl",
              206: "SetCamTrigDst", 203: "DigiCamCtrl", 2000: "ImageStartCapture", 2001: "ImageStopCapture", 1000: "GimbalPitchYaw"}  # fmt: skip
PLACES = {16, 17, 18, 19, 21, 22, 82}


def arm(drone: SimDrone, text: str) -> None:
    """Motors on."""
    f = drone.flying
    f.armed, f.armed_at, f.finished, f.landed_at = True, drone.now, False, None
    drone.text(6, text)
    if f.mode is Mode.MISSION:
        f.item = _first(drone)
        f.entered_at = drone.now


def disarm(drone: SimDrone, text: str) -> None:
    """Motors off."""
    f = drone.flying
    f.armed, f.paused, f.speed_ms, f.camera_every_m, f.stage = False, False, None, 0.0, 0
    drone.text(6, text)


def flyable(drone: SimDrone) -> bool:
    """Whether PX4 would fly what is aboard; says why not where it is the fence."""
    if not drone.mission or not drone.ready or shelf.px4_feasible(drone.mission) is not None:
        return False
    limit_m = drone.settings["GF_MAX_HOR_DIST"]
    seq = shelf.px4_outside_fence(drone.mission, drone.bay.lists[FENCE], limit_m, drone.home_slot())
    if seq is not None:
        drone.text(2, f"Geofence violation for waypoint {seq + 1}")
    return seq is None


def enter(drone: SimDrone, mode: Mode) -> None:
    """Change the mode."""
    f, b = drone.flying, drone.body
    previous = f.mode
    f.mode, f.paused, f.stage = mode, False, 0
    f.target = (b.east_m, b.north_m, b.up_m)
    if mode is Mode.MISSION and f.armed:
        if f.item >= len(drone.mission) or not drone.airborne:
            f.item = _first(drone)
        _begin(drone, f.item)
    elif mode is Mode.RTL:
        f.speed_ms, f.camera_every_m = None, 0.0
        if drone.firmware == "px4" and previous is not Mode.RTL:
            drone.text(6, "RTL HOME activated")


def pause(drone: SimDrone, stop: bool) -> None:
    """ArduPilot's DO_PAUSE_CONTINUE."""
    f, b = drone.flying, drone.body
    f.paused, f.target = stop, (b.east_m, b.north_m, b.up_m)


def jump(drone: SimDrone, seq: int) -> None:
    """Go on with another item."""
    f = drone.flying
    if f.armed and f.mode is Mode.MISSION:
        _begin(drone, seq)
    else:
        f.item = seq
    drone.say("MISSION_CURRENT", seq=f.item, total=len(drone.mission))


def photograph(drone: SimDrone) -> None:
    """One picture, and the message that says where."""
    f, b, place = drone.flying, drone.body, drone.place
    lat, lon = round(place.lat_deg * 1e7), round(place.lon_deg * 1e7)
    f.camera_due_m = b.travelled_m + f.camera_every_m
    if drone.firmware == "ardupilot":
        f.shots += 1
        drone.say("CAMERA_FEEDBACK", time_usec=int(drone.now * 1e6), img_idx=f.shots, lat=lat, lng=lon,
                  alt_msl=drone.home_amsl_m + b.up_m, alt_rel=b.up_m, pitch=f.gimbal_pitch_deg, yaw=b.yaw_deg)  # fmt: skip
        return
    half = radians(b.yaw_deg) / 2
    drone.say("CAMERA_IMAGE_CAPTURED", time_boot_ms=int(drone.now * 1000), time_utc=int(drone.now * 1e6), camera_id=1,
              lat=lat, lon=lon, alt=round((drone.home_amsl_m + b.up_m) * 1000), relative_alt=-1000,
              q=[cos(half), 0.0, 0.0, sin(half)], image_index=f.shots, capture_result=1)  # fmt: skip
    f.shots += 1


def hear_ground(drone: SimDrone) -> None:
    """A ground station's heartbeat."""
    drone.watch.gcs_heard_at = drone.now
    if drone.watch.gcs_lost:
        drone.watch.gcs_lost = False
        drone.text(6, "GCS Failsafe Cleared" if drone.firmware == "ardupilot" else "Data link regained")


def outside_fence(drone: SimDrone, east_m: float, north_m: float, up_m: float) -> bool:
    """Whether a place is outside ArduPilot's own circle or ceiling."""
    p = drone.settings
    if drone.firmware != "ardupilot" or not p["FENCE_ENABLE"]:
        return False
    kinds = int(p["FENCE_TYPE"])
    too_far = bool(kinds & 2) and hypot(east_m, north_m) > p["FENCE_RADIUS"]
    return too_far or (bool(kinds & 1) and up_m > p["FENCE_ALT_MAX"])


def step(drone: SimDrone, dt_s: float) -> None:
    """Fly for `dt_s` seconds."""
    drone.now += dt_s
    f, b = drone.flying, drone.body
    _failsafes(drone)
    if not f.armed:
        b.east_ms = b.north_ms = b.up_ms = 0.0
        return
    if drone.airborne:
        drone.battery.remaining = max(0.0, drone.battery.remaining - dt_s / drone.battery.flight_s)
    if drone.faults.gps_lost:
        b.drift(drone.wind, dt_s, LAND_MS if f.mode is Mode.LAND else 0.0)
    else:
        _fly(drone, dt_s)
    if f.camera_every_m > 0 and b.travelled_m >= f.camera_due_m and f.mode is Mode.MISSION:
        photograph(drone)
    _settle(drone)


def _fly(drone: SimDrone, dt_s: float) -> None:
    f, b = drone.flying, drone.body
    limits, wind = drone.limits, drone.wind
    if f.mode is Mode.MISSION and not f.paused:
        _follow(drone)
    elif f.mode is Mode.RTL:
        _return(drone)
    elif f.mode is Mode.LAND:
        f.target = (f.target[0], f.target[1], -5.0)
    elif f.mode is Mode.MANUAL:
        f.target = (b.east_m, b.north_m, b.up_m)
    elif f.mode is Mode.TAKEOFF and abs(b.up_m - f.target[2]) < 0.3:
        f.mode = Mode.HOLD
    slow = f.target[2] < 0 and b.up_m < LAND_SLOWLY_BELOW_M
    b.fly_to(f.target, limits, wind, dt_s, LAND_MS if slow else None, f.yaw_deg)


def _first(drone: SimDrone) -> int:
    return 1 if drone.firmware == "ardupilot" and len(drone.mission) > 1 else 0


def _begin(drone: SimDrone, seq: int) -> None:
    """Take an item in hand."""
    f = drone.flying
    f.item, f.entered_at, f.held_since = seq, drone.now, None
    if seq < len(drone.mission) and drone.firmware == "ardupilot":
        drone.text(6, f"Mission: {seq} {ARDU_NAMES.get(drone.mission[seq].command, 'Cmd')}")
    drone.say("MISSION_CURRENT", seq=seq, total=len(drone.mission))


def _follow(drone: SimDrone) -> None:
    """Do what the item in hand says; go on as long as items take no time."""
    f = drone.flying
    for _ in range(len(drone.mission) + 1):
        if f.item >= len(drone.mission):
            _finish(drone)
            return
        if not _done(drone, drone.mission[f.item]):
            return
        item = drone.mission[f.item]
        if item.command in PLACES:
            for _ in range(1 if drone.firmware == "ardupilot" else 11):
                drone.say("MISSION_ITEM_REACHED", seq=f.item)
            if drone.firmware == "ardupilot" and item.command != 22:
                drone.text(6, f"Reached command #{f.item}")
        _begin(drone, f.item + 1)


def _finish(drone: SimDrone) -> None:
    f, b = drone.flying, drone.body
    if not f.finished:
        f.finished, f.target = True, (b.east_m, b.north_m, b.up_m)
        drone.text(6, "Mission finished, loitering" if drone.firmware == "px4" else "Mission Complete")


def _done(drone: SimDrone, item: WireItem) -> bool:
    """Whether the item in hand is finished; sets the target of one that is not."""
    f, p = drone.flying, item.params
    if item.command == 20:
        enter(drone, Mode.RTL)
        return False
    if item.command in PLACES:
        return _arrived(drone, item)
    if item.command in {93, 112}:
        return drone.now - f.entered_at >= p.p1
    if item.command == 178 and p.p2 > 0:
        f.speed_ms = p.p2
    elif item.command == 206:
        f.camera_every_m = max(p.p1, 0.0)
        if f.camera_every_m and p.p3 > 0:
            photograph(drone)
    elif item.command in {205, 1000} and not isnan(p.p1):
        f.gimbal_pitch_deg = p.p1
    elif item.command == 115:
        f.yaw_deg = p.p1
    elif item.command in {203, 2000}:
        for _ in range(max(1, int(p.p3)) if item.command == 2000 and isfinite(p.p3) else 1):
            photograph(drone)
    return True


def _arrived(drone: SimDrone, item: WireItem) -> bool:
    f, b = drone.flying, drone.body
    east, north = b.east_m, b.north_m
    if item.x or item.y:
        place = drone.frame.to_local(LatLon(item.x / 1e7, item.y / 1e7))
        east, north = place.east_m, place.north_m
    elif f.held_since is not None or item.command in {22, 21}:
        east, north = f.target[0], f.target[1]
    up = item.z - (drone.home_amsl_m if item.frame in {0, 5} else 0.0)
    if item.command == 22:
        east, north = b.east_m, b.north_m  # straight up
    if item.command == 21:
        near = b.distance_m(east, north) < 1.0
        f.target = (east, north, -5.0 if near else b.up_m)
        return False
    f.target = (east, north, up)
    radius_m = (
        (drone.settings["WPNAV_RADIUS"] / 100) if drone.firmware == "ardupilot" else drone.settings["NAV_ACC_RAD"]
    )
    if b.distance_m(east, north) > radius_m or abs(b.up_m - up) > max(radius_m / 2, 0.8):
        return False
    if f.held_since is None:
        f.held_since = drone.now
    if item.command == 17:
        return False
    hold_s = item.params.p1 if item.command in {16, 19} and isfinite(item.params.p1) else 0.0
    return drone.now - f.held_since >= hold_s


def _return(drone: SimDrone) -> None:
    f, b = drone.flying, drone.body
    height = drone.settings["RTL_ALT"] / 100 if drone.firmware == "ardupilot" else drone.settings["RTL_RETURN_ALT"]
    there = _nearest_safe(drone)
    if f.stage == 0:
        up = max(height, b.up_m) if b.distance_m(*there) > 2.0 else b.up_m
        f.target = (f.target[0], f.target[1], up)
        if b.up_m > up - 0.5:
            f.stage = 1
    if f.stage == 1:
        f.target = (*there, f.target[2])
        if b.distance_m(*there) < 1.0 and b.ground_speed_ms < 0.7:
            f.stage = 2
    if f.stage == 2:
        f.target = (*there, -5.0)


def _nearest_safe(drone: SimDrone) -> tuple[float, float]:
    """East and north of home or of the nearest rally point, whichever is nearer: what both return to as shipped."""
    places = [(0.0, 0.0)]
    for item in drone.bay.lists[MissionType.RALLY]:
        place = drone.frame.to_local(LatLon(item.x / 1e7, item.y / 1e7))
        places.append((place.east_m, place.north_m))
    return min(places, key=lambda place: drone.body.distance_m(*place))


def _settle(drone: SimDrone) -> None:
    """Touchdown and the disarming after it."""
    f, b, ardu = drone.flying, drone.body, drone.firmware == "ardupilot"
    coming_down = f.target[2] < 0 or drone.faults.gps_lost
    if b.up_m > 0.05 or not coming_down:
        f.landed_at = None
        if not drone.airborne and f.mode in {Mode.MANUAL, Mode.HOLD} and drone.now - f.armed_at > 10.0:
            disarm(drone, "Disarming motors" if ardu else "Disarmed by auto preflight disarming")
        return
    if f.landed_at is None:
        f.landed_at = drone.now
        if not ardu:
            drone.text(6, "Landing detected")
    elif drone.now - f.landed_at >= (1.0 if ardu else drone.settings["COM_DISARM_LAND"]):
        disarm(drone, "Disarming motors" if ardu else "Disarmed by landing")


def _failsafes(drone: SimDrone) -> None:
    w, f = drone.watch, drone.flying
    if drone.faults.gps_lost and w.gps_lost_at is None:
        w.gps_lost_at = drone.now
    if not drone.faults.gps_lost:
        w.gps_lost_at = None
    if not (f.armed and drone.airborne):
        return
    _ground_lost(drone)
    _position_lost(drone)
    _battery(drone)
    _fence(drone)


def _ground_lost(drone: SimDrone) -> None:
    w, p, ardu = drone.watch, drone.settings, drone.firmware == "ardupilot"
    if w.gcs_heard_at is None or w.gcs_lost:
        return
    on, limit_s = (p["FS_GCS_ENABLE"], p["FS_GCS_TIMEOUT"]) if ardu else (p["NAV_DLL_ACT"], p["COM_DL_LOSS_T"] + 0.6)
    if on and drone.now - w.gcs_heard_at >= limit_s:
        w.gcs_lost = True
        drone.text(4 if ardu else 2, "GCS Failsafe" if ardu else "Data link lost")
        if drone.flying.mode not in {Mode.LAND, Mode.RTL}:
            enter(drone, Mode.RTL)


def _position_lost(drone: SimDrone) -> None:
    w, ardu = drone.watch, drone.firmware == "ardupilot"
    if w.gps_lost_at is None or drone.now - w.gps_lost_at < (8.1 if ardu else 5.0) or drone.flying.mode is Mode.LAND:
        return
    drone.text(2, "EKF Failsafe: changed to LAND Mode" if ardu else "Failsafe enabled: no global position")
    enter(drone, Mode.LAND)


def _battery(drone: SimDrone) -> None:
    w, p = drone.watch, drone.settings
    if drone.firmware == "px4":
        left = drone.battery.remaining
        stage = sum(left < p[name] for name in ("BAT_LOW_THR", "BAT_CRIT_THR", "BAT_EMERGEN_THR"))
        if stage > w.battery_stage:
            w.battery_stage = stage
            acts = p["COM_LOW_BAT_ACT"]
            drone.text(
                4,
                ("Low battery level", "Critical battery level!, executing RTL", "Dangerous battery level!, landing")[
                    stage - 1
                ],
            )
            if stage == 2 and acts >= 1:
                enter(drone, Mode.RTL)
            elif stage == 3 and acts >= 2:
                enter(drone, Mode.LAND)
        return
    volts = drone.battery.voltage_v
    for threshold, action, since, stage in (
        ("BATT_CRT_VOLT", "BATT_FS_CRT_ACT", "critical_since", 2),
        ("BATT_LOW_VOLT", "BATT_FS_LOW_ACT", "low_since", 1),
    ):
        below = 0 < volts < p[threshold]
        began = getattr(w, since)
        setattr(w, since, (drone.now if began is None else began) if below else None)
        if below and began is not None and drone.now - began >= p["BATT_LOW_TIMER"] and w.battery_stage < stage:
            w.battery_stage = stage
            drone.text(4, f"Battery 1 is {'low' if stage == 1 else 'critical'} {volts:.2f}V used 0 mAh")
            if p[action] == 1:
                enter(drone, Mode.LAND)
            elif p[action] == 2:
                enter(drone, Mode.RTL)


def _fence(drone: SimDrone) -> None:
    w, b, p = drone.watch, drone.body, drone.settings
    if drone.firmware == "ardupilot":
        breached = outside_fence(drone, b.east_m, b.north_m, b.up_m)
        text = "Circle fence breached" if hypot(b.east_m, b.north_m) > p["FENCE_RADIUS"] else "Alt fence breached"
    else:
        ahead = replace(b, east_m=b.east_m + b.east_ms * 3.0, north_m=b.north_m + b.north_ms * 3.0)
        far, high = p["GF_MAX_HOR_DIST"], p["GF_MAX_VER_DIST"]
        breached = (far > 0 and hypot(ahead.east_m, ahead.north_m) > far) or (high > 0 and b.up_m > high)
        text = "Approaching on Geofence"
    if not breached and _breaks_polygons(drone):
        breached, text = True, "Polygon fence breached" if drone.firmware == "ardupilot" else text
    if breached and not w.breached and drone.flying.mode not in {Mode.RTL, Mode.LAND}:
        drone.text(4 if drone.firmware == "ardupilot" else 2, text)
        if drone.firmware == "ardupilot" or p["GF_ACTION"] == 3:
            enter(drone, Mode.RTL)
    w.breached = breached


def _breaks_polygons(drone: SimDrone) -> bool:
    """The uploaded fence: ArduPilot looks at where it is, PX4 at where it would come to a stop."""
    b, p, fence = drone.body, drone.settings, drone.bay.lists[FENCE]
    if not fence:
        return False
    stop_s = 0.0
    if drone.firmware == "ardupilot":
        if not (p["FENCE_ENABLE"] and int(p["FENCE_TYPE"]) & 4):
            return False
    elif not p["GF_ACTION"]:
        return False
    else:
        stop_s = b.ground_speed_ms / (2 * drone.limits.acceleration_ms2)
    place = drone.frame.to_wgs84(EastNorth(b.east_m + b.east_ms * stop_s, b.north_m + b.north_ms * stop_s))
    return shelf.breaks_fence(round(place.lat_deg * 1e7), round(place.lon_deg * 1e7), fence)
