"""What the simulated drone answers to commands: the results recorded from both autopilots. Changes its state, sends its answers."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

from patrol.flight.messages import Command, Message, Result
from patrol.flight.sim import guide, telemetry
from patrol.flight.sim.drone import CUSTOM, Mode, SimDrone
from patrol.geo import LatLon

FORCE = 21196.0
ARDU_ARMABLE = {Mode.MANUAL, Mode.HOLD, Mode.MISSION, Mode.TAKEOFF}
NO_MESSAGE_ID = {265, 331, 9999}  # ArduCopter has no such stream
PX4_NO_STREAM = {29, 137, 143, 410, 9999}
PX4_NOT_ON_REQUEST = {242, 244, 259, 280, 9999}
Params = tuple[float, float, float, float, float, float, float]


def hear(drone: SimDrone, message: Message) -> None:
    """Take any message that is for this vehicle."""
    if not message.is_for(drone.system, 1):
        return
    if message.name == "HEARTBEAT":
        if int(message["type"]) == 6:
            guide.hear_ground(drone)
    elif message.name in {"COMMAND_LONG", "COMMAND_INT"}:
        _command(drone, message)
    elif message.name == "SET_MODE":
        _set_mode(drone, (1.0, float(message["custom_mode"]), 0, 0, 0, 0, 0), raw=int(message["custom_mode"]))
    elif message.name == "MISSION_SET_CURRENT":
        _jump(drone, int(message["seq"]))
    else:
        _others(drone, message)


def _others(drone: SimDrone, message: Message) -> None:
    if message.name.startswith("PARAM_"):
        answers, texts = drone.settings.hear(message)
        for answer in answers:
            drone.say(answer.name, **answer.fields)
        for text in texts:
            drone.text(6, text)
    elif message.name == "TIMESYNC" and int(message["tc1"]) == 0:
        drone.say("TIMESYNC", tc1=int(drone.now * 1e9), ts1=int(message["ts1"]))
    elif message.name == "REQUEST_DATA_STREAM" and drone.firmware == "ardupilot":
        rate = float(message["req_message_rate"]) if int(message["start_stop"]) else 0.0
        telemetry.all_streams(drone, rate)
    else:
        drone.bay.flying_it = drone.flying.armed and drone.flying.mode is Mode.MISSION
        for answer in drone.bay.hear(message, drone.now):
            drone.say(answer.name, **answer.fields)


def _command(drone: SimDrone, message: Message) -> None:
    number = int(message["command"])
    p = _params(message)
    handler = HANDLERS.get(number)
    result = Result.UNSUPPORTED if handler is None else handler(drone, p)
    drone.say(
        "COMMAND_ACK",
        command=number,
        result=int(result),
        progress=0,
        result_param2=0,
        target_system=message.system,
        target_component=message.component,
    )


def _params(message: Message) -> Params:
    if message.name == "COMMAND_LONG":
        return tuple(float(message[f"param{n}"]) for n in range(1, 8))  # type: ignore[return-value]  # seven of them
    one_to_four = [float(message[f"param{n}"]) for n in range(1, 5)]
    return (*one_to_four, int(message["x"]) / 1e7, int(message["y"]) / 1e7, float(message["z"]))  # type: ignore[return-value]  # seven of them


def _arm(drone: SimDrone, p: Params) -> Result:
    ardu, f = drone.firmware == "ardupilot", drone.flying
    if p[0] < 0.5:
        if f.armed and drone.airborne and p[1] != FORCE:
            if not ardu:
                drone.text(2, "Disarming denied! Not landed")
            return Result.FAILED if ardu else Result.DENIED
        if f.armed:
            guide.disarm(drone, "Disarming motors" if ardu else "Disarmed by external command")
        return Result.ACCEPTED
    if f.armed:
        return Result.ACCEPTED
    reasons = [] if p[1] == FORCE else arming_faults(drone)
    if reasons:
        for reason in reasons:
            drone.text(2, f"Arm: {reason}" if ardu else reason)
        return Result.FAILED if ardu else Result.TEMPORARILY_REJECTED
    guide.arm(drone, "Arming motors" if ardu else "Armed by external command")
    return Result.ACCEPTED


def arming_faults(drone: SimDrone) -> list[str]:
    """Why it will not arm, in the autopilot's own words."""
    p, f = drone.settings, drone.flying
    if drone.faults.refuses_to_arm:
        return [drone.faults.refuses_to_arm]
    if drone.firmware == "px4":
        if p["CBRK_SUPPLY_CHK"] != 894281:
            return ["system power unavailable"]
        lost = drone.faults.gps_lost and f.mode is not Mode.MANUAL
        if p["COM_ARM_MIS_REQ"] and not drone.mission:
            return ["Arming denied! No valid mission"]
        return ["Preflight Fail: not enough GPS Satellites"] if lost else []
    if f.mode not in ARDU_ARMABLE:
        return [f"{f.mode.upper()} mode not armable"]
    if drone.now < 2.0 and drone.boot_s > 0:
        return ["System not initialised"]
    return _ardu_faults(drone)


def _ardu_faults(drone: SimDrone) -> list[str]:
    p, f, reasons = drone.settings, drone.flying, list[str]()
    if drone.battery.voltage_v < p["BATT_ARM_VOLT"]:
        reasons.append("Battery 1 below minimum arming voltage")
    if drone.watch.battery_stage:
        reasons.append("Battery failsafe")
    if p["FENCE_ENABLE"] and int(p["FENCE_TYPE"]) == 4 and not drone.bay.lists[guide.FENCE]:
        reasons.append("Fences enabled, but none selected")
    if drone.faults.gps_lost:
        reasons.append("GPS 1: Bad fix")
    elif not drone.ready:
        reasons.append("Need Position Estimate")
    if f.mode is Mode.MISSION and len(drone.mission) < 2:
        reasons.append("Mode requires mission")
    return reasons


def _do_set_mode(drone: SimDrone, p: Params) -> Result:
    return _set_mode(drone, p, None)


def _set_mode(drone: SimDrone, p: Params, raw: int | None) -> Result:
    ardu = drone.firmware == "ardupilot"
    number = raw if raw is not None else int(p[1]) if ardu else int(p[1]) << 16 | int(p[2]) << 24
    wanted = next((m for m, n in CUSTOM[drone.firmware].items() if n == number), None)
    if wanted is None:
        if ardu:
            drone.text(4, f"No such mode {number}")
            return Result.FAILED
        return Result.ACCEPTED  # PX4 says so, and does nothing
    if not drone.ready and drone.flying.armed and wanted in {Mode.MISSION, Mode.RTL, Mode.HOLD}:
        return Result.FAILED if ardu else Result.TEMPORARILY_REJECTED
    if not ardu and wanted is Mode.MISSION and not guide.flyable(drone):
        return Result.TEMPORARILY_REJECTED
    guide.enter(drone, wanted)
    return Result.ACCEPTED


def _start(drone: SimDrone, p: Params) -> Result:
    del p
    if drone.firmware == "px4":
        if not guide.flyable(drone):
            return Result.TEMPORARILY_REJECTED
        if drone.flying.mode is not Mode.MISSION:
            guide.enter(drone, Mode.MISSION)
        return Result.ACCEPTED
    if not drone.flying.armed:
        return Result.FAILED
    if drone.flying.mode is not Mode.MISSION:
        guide.enter(drone, Mode.MISSION)
    return Result.ACCEPTED


def _takeoff(drone: SimDrone, p: Params) -> Result:
    ardu = drone.firmware == "ardupilot"
    if ardu and (not drone.flying.armed or drone.flying.mode is not Mode.HOLD or drone.airborne):
        return Result.FAILED
    height = p[6] if ardu or isnan(p[6]) else p[6] - drone.home_amsl_m
    guide.enter(drone, Mode.TAKEOFF)
    drone.flying.target = (drone.body.east_m, drone.body.north_m, 10.0 if isnan(height) else max(height, 2.5))
    return Result.ACCEPTED


def _return(drone: SimDrone, p: Params) -> Result:
    del p
    guide.enter(drone, Mode.RTL)
    return Result.ACCEPTED


def _land(drone: SimDrone, p: Params) -> Result:
    del p
    guide.enter(drone, Mode.LAND)
    return Result.ACCEPTED


def _reposition(drone: SimDrone, p: Params) -> Result:
    f, ardu = drone.flying, drone.firmware == "ardupilot"
    if ardu and f.mode is not Mode.HOLD and not int(p[1]) & 1:
        return Result.DENIED
    place = drone.frame.to_local(LatLon(p[4], p[5]))
    height = drone.body.up_m if isnan(p[6]) else p[6] if ardu else p[6] - drone.home_amsl_m
    if ardu and guide.outside_fence(drone, place.east_m, place.north_m, height):
        return Result.FAILED
    if f.mode is not Mode.HOLD:
        guide.enter(drone, Mode.HOLD)
    f.target = (place.east_m, place.north_m, height)
    if p[0] > 0:
        f.speed_ms = p[0]
    return Result.ACCEPTED


def _orbit(drone: SimDrone, p: Params) -> Result:
    if drone.firmware == "ardupilot":
        return Result.UNSUPPORTED
    place = drone.frame.to_local(LatLon(p[4], p[5]))
    guide.enter(drone, Mode.ORBIT)
    height = drone.body.up_m if isnan(p[6]) else p[6] - drone.home_amsl_m
    drone.flying.target = (place.east_m + abs(p[0]), place.north_m, height)
    return Result.ACCEPTED


def _pause(drone: SimDrone, p: Params) -> Result:
    if drone.firmware == "px4":
        return Result.UNSUPPORTED
    guide.pause(drone, p[0] < 0.5)
    return Result.ACCEPTED


def _speed(drone: SimDrone, p: Params) -> Result:
    if p[1] > 0:
        drone.flying.speed_ms = p[1]
    return Result.ACCEPTED


def _set_current(drone: SimDrone, p: Params) -> Result:
    if drone.firmware == "px4":
        return Result.UNSUPPORTED
    return Result.ACCEPTED if _jump(drone, int(p[0])) else Result.DENIED


def _jump(drone: SimDrone, seq: int) -> bool:
    if not 0 <= seq < len(drone.mission):
        if drone.firmware == "px4":
            drone.text(2, "WPM: WP CURR CMD: Not in list")
        return False
    guide.jump(drone, seq)
    return True


def _interval(drone: SimDrone, p: Params) -> Result:
    number, ardu = int(p[0]), drone.firmware == "ardupilot"
    if number in (NO_MESSAGE_ID if ardu else PX4_NO_STREAM):
        if ardu:
            drone.text(6, f"No ap_message for mavlink id ({number})")
        return Result.DENIED if ardu else Result.FAILED
    telemetry.set_interval(drone, number, p[1])
    return Result.ACCEPTED


def _tell_interval(drone: SimDrone, p: Params) -> Result:
    telemetry.tell_interval(drone, int(p[0]))
    return Result.ACCEPTED


def _request(drone: SimDrone, p: Params) -> Result:
    number, ardu = int(p[0]), drone.firmware == "ardupilot"
    if ardu and number == 9999:
        drone.text(6, f"No ap_message for mavlink id ({number})")
        return Result.FAILED
    if not ardu and number in PX4_NOT_ON_REQUEST:
        return Result.DENIED
    if number == 244:
        telemetry.tell_interval(drone, int(p[1]))
    else:
        telemetry.send(drone, number)
    return Result.ACCEPTED


def _version(drone: SimDrone, p: Params) -> Result:
    del p
    telemetry.send(drone, 148)
    return Result.ACCEPTED


def _failure(drone: SimDrone, p: Params) -> Result:
    if drone.firmware == "ardupilot" or not drone.settings["SYS_FAILURE_EN"]:
        return Result.UNSUPPORTED if drone.firmware == "ardupilot" else Result.DENIED
    if int(p[0]) == 4:  # FAILURE_UNIT_SENSOR_GPS; 0 ok, 1 off
        drone.faults.gps_lost = int(p[1]) == 1
    return Result.ACCEPTED


def _only(firmware: str, otherwise: Result) -> Callable[[SimDrone, Params], Result]:
    return lambda drone, _: Result.ACCEPTED if drone.firmware == firmware else otherwise


def _camera(drone: SimDrone, p: Params) -> Result:
    del p
    guide.photograph(drone)
    return Result.ACCEPTED


def _camera_distance(drone: SimDrone, p: Params) -> Result:
    drone.flying.camera_every_m = max(p[0], 0.0)
    return Result.ACCEPTED


def _gimbal(drone: SimDrone, p: Params) -> Result:
    if not isnan(p[0]):
        drone.flying.gimbal_pitch_deg = p[0]
    return Result.ACCEPTED


def _nothing(drone: SimDrone, p: Params) -> Result:
    del drone, p
    return Result.ACCEPTED


HANDLERS: dict[int, Callable[[SimDrone, Params], Result]] = {
    Command.COMPONENT_ARM_DISARM: _arm,
    Command.DO_SET_MODE: _do_set_mode,
    Command.MISSION_START: _start,
    Command.NAV_TAKEOFF: _takeoff,
    Command.NAV_RETURN_TO_LAUNCH: _return,
    Command.NAV_LAND: _land,
    Command.DO_REPOSITION: _reposition,
    Command.DO_ORBIT: _orbit,
    Command.DO_PAUSE_CONTINUE: _pause,
    Command.DO_CHANGE_SPEED: _speed,
    Command.DO_SET_MISSION_CURRENT: _set_current,
    Command.SET_MESSAGE_INTERVAL: _interval,
    Command.GET_MESSAGE_INTERVAL: _tell_interval,
    Command.REQUEST_MESSAGE: _request,
    Command.REQUEST_AUTOPILOT_CAPABILITIES: _version,
    Command.REQUEST_PROTOCOL_VERSION: _only("px4", Result.UNSUPPORTED),
    Command.RUN_PREARM_CHECKS: _only("ardupilot", Result.UNSUPPORTED),
    Command.DO_FENCE_ENABLE: _only("ardupilot", Result.UNSUPPORTED),
    Command.INJECT_FAILURE: _failure,
    Command.IMAGE_START_CAPTURE: _camera,
    Command.DO_DIGICAM_CONTROL: _camera,
    Command.IMAGE_STOP_CAPTURE: _nothing,
    Command.DO_SET_CAM_TRIGG_DIST: _camera_distance,
    Command.DO_MOUNT_CONTROL: _gimbal,
    Command.DO_GIMBAL_MANAGER_PITCHYAW: _gimbal,
    Command.DO_SET_ROI_LOCATION: _nothing,
    Command.DO_SET_ROI_NONE: _nothing,
    Command.DO_SET_HOME: _nothing,
}
