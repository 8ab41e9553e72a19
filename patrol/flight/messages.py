"""A MAVLink message as a value, and the numbers that flying needs. Pure: no codec, no sockets.

Names of messages and fields are those of the MAVLink 2 common message set (https://mavlink.io/en/messages/common.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any

GCS_SYSTEM, GCS_COMPONENT = 255, 190  # MAV_COMP_ID_MISSIONPLANNER: what ground stations are known by
AUTOPILOT_COMPONENT = 1
BROADCAST = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `system` and `component` are the sender's; a message to be sent is given them by its codec."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    system: int = 0
    component: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def get(self, name: str, default: Any = 0) -> Any:
        """A field that older senders may leave out."""
        return self.fields.get(name, default)

    def is_for(self, system: int, component: int) -> bool:
        """Whether it is addressed to this component, to all components of its system, or to everybody."""
        to_system = int(self.fields.get("target_system", BROADCAST))
        to_component = int(self.fields.get("target_component", BROADCAST))
        return to_system in {BROADCAST, system} and to_component in {BROADCAST, component}


class MissionType(IntEnum):
    """MAV_MISSION_TYPE: which of the three lists aboard."""

    MISSION = 0
    FENCE = 1
    RALLY = 2


class MissionResult(IntEnum):
    """MAV_MISSION_RESULT."""

    ACCEPTED = 0
    ERROR = 1
    UNSUPPORTED_FRAME = 2
    UNSUPPORTED = 3
    NO_SPACE = 4
    INVALID = 5
    INVALID_PARAM1 = 6
    INVALID_PARAM2 = 7
    INVALID_PARAM3 = 8
    INVALID_PARAM4 = 9
    INVALID_PARAM5_X = 10
    INVALID_PARAM6_Y = 11
    INVALID_PARAM7_Z = 12
    INVALID_SEQUENCE = 13
    DENIED = 14
    OPERATION_CANCELLED = 15


class Result(IntEnum):
    """MAV_RESULT: the answer to a command."""

    ACCEPTED = 0
    TEMPORARILY_REJECTED = 1
    DENIED = 2
    UNSUPPORTED = 3
    FAILED = 4
    IN_PROGRESS = 5
    CANCELLED = 6


class Command(IntEnum):
    """MAV_CMD numbers of what is sent as a command rather than as a mission item."""

    NAV_RETURN_TO_LAUNCH = 20
    NAV_LAND = 21
    NAV_TAKEOFF = 22
    DO_ORBIT = 34
    DO_SET_MODE = 176
    DO_CHANGE_SPEED = 178
    DO_SET_HOME = 179
    DO_REPOSITION = 192
    DO_PAUSE_CONTINUE = 193
    DO_SET_ROI_LOCATION = 195
    DO_SET_ROI_NONE = 197
    DO_DIGICAM_CONTROL = 203
    DO_MOUNT_CONTROL = 205
    DO_SET_CAM_TRIGG_DIST = 206
    DO_FENCE_ENABLE = 207
    DO_SET_MISSION_CURRENT = 224
    MISSION_START = 300
    COMPONENT_ARM_DISARM = 400
    RUN_PREARM_CHECKS = 401
    GET_HOME_POSITION = 410
    INJECT_FAILURE = 420
    GET_MESSAGE_INTERVAL = 510
    SET_MESSAGE_INTERVAL = 511
    REQUEST_MESSAGE = 512
    REQUEST_PROTOCOL_VERSION = 519
    REQUEST_AUTOPILOT_CAPABILITIES = 520
    DO_GIMBAL_MANAGER_PITCHYAW = 1000
    IMAGE_START_CAPTURE = 2000
    IMAGE_STOP_CAPTURE = 2001
