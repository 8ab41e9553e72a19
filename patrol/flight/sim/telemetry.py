"""What the simulated drone reports, and how often: the messages a ground station lives on. Rates as recorded or as asked for."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, radians, sin

from patrol.flight.dialect import NAME_OF
from patrol.flight.sim.drone import CUSTOM, Mode, SimDrone

Fields = dict[str, object]
ARMED, CUSTOM_MODE = 128, 1
STREAMS = ("ATTITUDE", "GLOBAL_POSITION_INT", "VFR_HUD", "SYS_STATUS", "GPS_RAW_INT", "MISSION_CURRENT", "BATTERY_STATUS",
           "EKF_STATUS_REPORT", "HOME_POSITION", "EXTENDED_SYS_STATE")  # fmt: skip
# PX4 sends without being asked; ArduPilot's heartbeat comes alone until somebody asks
PX4_RATES_HZ = {"ATTITUDE": 25.0, "GLOBAL_POSITION_INT": 10.0, "VFR_HUD": 4.0, "SYS_STATUS": 1.0, "GPS_RAW_INT": 2.0,
                "MISSION_CURRENT": 2.0, "BATTERY_STATUS": 1.0, "EXTENDED_SYS_STATE": 1.0, "HOME_POSITION": 0.5, "ALTITUDE": 2.0,
                "ESTIMATOR_STATUS": 1.0}  # fmt: skip
# MAV_PROTOCOL_CAPABILITY of what it really has: missions as float and int, parameters, COMMAND_INT, MAVLink 2, fence, rally.
# The recorded vehicles advertise more (FTP, attitude targets, terrain); a ground station would then ask for it in vain.
CAPABILITIES = 0xE00F


def begin(drone: SimDrone) -> None:
    """The rates of a fresh vehicle."""
    drone.intervals_s["HEARTBEAT"] = 1.0
    if drone.firmware == "px4":
        for name, rate in PX4_RATES_HZ.items():
            drone.intervals_s[name] = 1.0 / rate


def all_streams(drone: SimDrone, rate_hz: float) -> None:
    """REQUEST_DATA_STREAM: all at one rate, or none."""
    for name in STREAMS:
        if rate_hz > 0:
            drone.intervals_s[name] = 1.0 / rate_hz
        else:
            drone.intervals_s.pop(name, None)


def set_interval(drone: SimDrone, number: int, interval_us: float) -> None:
    """SET_MESSAGE_INTERVAL: -1 stops it, 0 is the default of 1 Hz."""
    name = NAME_OF.get(number, "")
    if name not in MAKERS:
        return
    if interval_us < 0:
        drone.intervals_s.pop(name, None)
    else:
        drone.intervals_s[name] = max(interval_us / 1e6, 0.02) if interval_us else 1.0


def tell_interval(drone: SimDrone, number: int) -> None:
    """MESSAGE_INTERVAL."""
    interval_s = drone.intervals_s.get(NAME_OF.get(number, ""))
    drone.say("MESSAGE_INTERVAL", message_id=number, interval_us=-1 if interval_s is None else round(interval_s * 1e6))


def send(drone: SimDrone, number: int) -> None:
    """One message now, if it has it."""
    name = NAME_OF.get(number, "")
    if name in MAKERS:
        drone.say(name, **MAKERS[name](drone))


def stream(drone: SimDrone) -> None:
    """Everything that is due."""
    for name, interval_s in drone.intervals_s.items():
        if drone.now - drone.sent_at.get(name, -1e9) >= interval_s - 1e-6:
            drone.sent_at[name] = drone.now
            drone.say(name, **MAKERS[name](drone))


def _heartbeat(drone: SimDrone) -> Fields:
    f, ardu = drone.flying, drone.firmware == "ardupilot"
    base = CUSTOM_MODE | 64 | 16 | (8 if ardu else 4) | (ARMED if f.armed else 0)
    status = 4 if f.armed else 3
    return {"type": 2, "autopilot": 3 if ardu else 12, "base_mode": base, "custom_mode": CUSTOM[drone.firmware][f.mode],
            "system_status": status, "mavlink_version": 3}  # fmt: skip


def _position(drone: SimDrone) -> Fields:
    b, place = drone.body, drone.place
    return {"time_boot_ms": int(drone.now * 1000), "lat": round(place.lat_deg * 1e7), "lon": round(place.lon_deg * 1e7),
            "alt": round((drone.home_amsl_m + b.up_m) * 1000), "relative_alt": round(b.up_m * 1000),
            "vx": _cm(b.north_ms), "vy": _cm(b.east_ms), "vz": _cm(-b.up_ms), "hdg": round(b.yaw_deg * 100) % 36000}  # fmt: skip


def _cm(value_ms: float) -> int:
    return max(-32768, min(32767, round(value_ms * 100)))


def _attitude(drone: SimDrone) -> Fields:
    yaw = radians((drone.body.yaw_deg + 180.0) % 360.0 - 180.0)
    return {"time_boot_ms": int(drone.now * 1000), "roll": 0.0, "pitch": 0.0, "yaw": yaw}


def _hud(drone: SimDrone) -> Fields:
    b = drone.body
    return {"airspeed": b.ground_speed_ms, "groundspeed": b.ground_speed_ms, "heading": round(b.yaw_deg) % 360,
            "throttle": 50 if drone.flying.armed else 0, "alt": drone.home_amsl_m + b.up_m, "climb": b.up_ms}  # fmt: skip


def _gps(drone: SimDrone) -> Fields:
    place, fix = drone.place, drone.ready
    return {"time_usec": int(drone.now * 1e6), "fix_type": 3 if fix else 1, "lat": round(place.lat_deg * 1e7) if fix else 0,
            "lon": round(place.lon_deg * 1e7) if fix else 0, "alt": round((drone.home_amsl_m + drone.body.up_m) * 1000),
            "eph": 121 if fix else 65535, "epv": 200 if fix else 65535, "vel": round(drone.body.ground_speed_ms * 100),
            "satellites_visible": 10 if fix else 0}  # fmt: skip


SENSORS = 1 | 2 | 4 | 8 | 32 | 0x200000 | 0x2000000 | 0x10000000  # gyro, accel, mag, baro, GPS, AHRS, battery, pre-arm


def _status(drone: SimDrone) -> Fields:
    health = SENSORS if drone.ready else SENSORS & ~(32 | 0x200000 | 0x10000000)
    return {"onboard_control_sensors_present": SENSORS, "onboard_control_sensors_enabled": SENSORS,
            "onboard_control_sensors_health": health, "voltage_battery": round(drone.battery.voltage_v * 1000),
            "current_battery": 1500 if drone.airborne else 50, "battery_remaining": round(drone.battery.remaining * 100)}  # fmt: skip


def _battery(drone: SimDrone) -> Fields:
    cells = [round(drone.battery.voltage_v * 1000 / 3)] * 3 + [65535] * 7
    return {"id": 0, "type": 1, "temperature": 2500, "voltages": cells, "current_battery": 1500 if drone.airborne else 50,
            "current_consumed": 0, "energy_consumed": -1, "battery_remaining": round(drone.battery.remaining * 100)}  # fmt: skip


def _current(drone: SimDrone) -> Fields:
    return {"seq": drone.flying.item, "total": len(drone.mission)}


def _home(drone: SimDrone) -> Fields:
    return {"latitude": round(drone.home.lat_deg * 1e7), "longitude": round(drone.home.lon_deg * 1e7),
            "altitude": round(drone.home_amsl_m * 1000), "q": [1.0, 0.0, 0.0, 0.0]}  # fmt: skip


def _extended(drone: SimDrone) -> Fields:
    f = drone.flying
    landed = 1 if not drone.airborne else 3 if f.mode is Mode.TAKEOFF else 4 if f.target[2] < 0 else 2
    return {"vtol_state": 0, "landed_state": landed}


def _ekf(drone: SimDrone) -> Fields:
    flags = 831 if drone.ready else 1024 | 167
    return {
        "flags": flags,
        "velocity_variance": 0.05,
        "pos_horiz_variance": 0.05 if drone.ready else 1.5,
        "compass_variance": 0.02,
    }


def _estimator(drone: SimDrone) -> Fields:
    return {
        "time_usec": int(drone.now * 1e6),
        "flags": 831 if drone.ready else 228,
        "pos_horiz_accuracy": 0.3,
        "pos_vert_accuracy": 0.4,
    }


def _gimbal(drone: SimDrone) -> Fields:
    half = radians(drone.flying.gimbal_pitch_deg) / 2
    return {"time_boot_ms": int(drone.now * 1000), "flags": 12, "q": [cos(half), 0.0, sin(half), 0.0]}  # horizon-locked


def _altitude(drone: SimDrone) -> Fields:
    b = drone.body
    return {"time_usec": int(drone.now * 1e6), "altitude_monotonic": drone.home_amsl_m + b.up_m,
            "altitude_amsl": drone.home_amsl_m + b.up_m, "altitude_local": b.up_m, "altitude_relative": b.up_m}  # fmt: skip


def _version(drone: SimDrone) -> Fields:
    ardu = drone.firmware == "ardupilot"
    return {"capabilities": CAPABILITIES, "flight_sw_version": 67567616 if ardu else 17563648,
            "uid": drone.system}  # fmt: skip


MAKERS: dict[str, Callable[[SimDrone], Fields]] = {
    "HEARTBEAT": _heartbeat, "GLOBAL_POSITION_INT": _position, "ATTITUDE": _attitude, "VFR_HUD": _hud, "GPS_RAW_INT": _gps,
    "SYS_STATUS": _status, "BATTERY_STATUS": _battery, "MISSION_CURRENT": _current, "HOME_POSITION": _home,
    "EXTENDED_SYS_STATE": _extended, "EKF_STATUS_REPORT": _ekf, "ESTIMATOR_STATUS": _estimator, "ALTITUDE": _altitude,
    "AUTOPILOT_VERSION": _version, "GIMBAL_DEVICE_ATTITUDE_STATUS": _gimbal,
}  # fmt: skip
