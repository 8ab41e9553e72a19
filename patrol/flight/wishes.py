"""Orders in each firmware's way: what is sent for a start, a wish, a look. Pure."""

from __future__ import annotations

from math import isnan, nan
from typing import Literal

from patrol.flight.compare import Firmware
from patrol.flight.messages import Command
from patrol.geo import LatLon

Wish = Literal["pause", "resume", "abort", "land"]
Order = tuple[int, tuple[float, ...]]  # a command and its parameters


def ready_mode(firmware: Firmware) -> Order:
    """The mode to be armed in: ArduPilot arms in GUIDED and starts by MISSION_START, PX4 arms in MISSION."""
    return Command.DO_SET_MODE, (1.0, 4.0) if firmware == "ardupilot" else (1.0, 4.0, 4.0)


def start(firmware: Firmware) -> tuple[Order, ...]:
    """What makes an armed vehicle begin its mission, in order."""
    start = (Command.MISSION_START, ())
    return ((Command.DO_SET_MODE, (1.0, 3.0)), start) if firmware == "ardupilot" else (start,)


def wish_commands(firmware: Firmware) -> dict[str, Order]:
    """Orders in each firmware's way: PX4 has no DO_PAUSE_CONTINUE."""
    ardu = firmware == "ardupilot"
    return {
        "pause": (Command.DO_PAUSE_CONTINUE, (0.0,)) if ardu else (Command.DO_SET_MODE, (1.0, 4.0, 3.0)),
        "resume": (Command.DO_PAUSE_CONTINUE, (1.0,)) if ardu else (Command.DO_SET_MODE, (1.0, 4.0, 4.0)),
        "abort": (Command.NAV_RETURN_TO_LAUNCH, ()),
        "land": (Command.DO_SET_MODE, (1.0, 9.0) if ardu else (1.0, 4.0, 6.0)),
    }


def look_order(firmware: Firmware, pitch_deg: float, yaw_deg: float = nan) -> Order:
    """Turn the camera: pitch up from the horizon; yaw clockwise from the nose, left alone when NaN.

    ArduPilot takes no NaN and DO_MOUNT_CONTROL everywhere; PX4's gimbal manager wants rates as NaN when angles are given.
    """
    if firmware == "ardupilot":
        return Command.DO_MOUNT_CONTROL, (pitch_deg, 0.0, 0.0 if isnan(yaw_deg) else yaw_deg, 0.0, 0.0, 0.0, 2.0)
    return Command.DO_GIMBAL_MANAGER_PITCHYAW, (pitch_deg, yaw_deg, nan, nan, 0.0, 0.0, 0.0)


def watch_order(place: LatLon | None, up_m: float = 0.0) -> Order:
    """Keep the camera on a place (height above home), or no longer.

    In single precision a place given by command is off by up to half a metre, which a camera does not show.
    """
    if place is None:
        return Command.DO_SET_ROI_NONE, ()
    return Command.DO_SET_ROI_LOCATION, (0.0, 0.0, 0.0, 0.0, place.lat_deg, place.lon_deg, up_m)
