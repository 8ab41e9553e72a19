"""The simulated drone's parameters: those that decide how it flies and fails, named and valued as on the recorded vehicles.

ArduPilot casts integers to the float on the wire; PX4 puts their bytes into it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from patrol.flight.compare import Firmware
from patrol.flight.messages import Message

INT8, INT32, REAL32 = 2, 6, 9  # MAV_PARAM_TYPE
# name: (value as recorded, type); speeds cm/s and RTL_ALT cm on ArduPilot
ARDUPILOT: dict[str, tuple[float, int]] = {
    "BATT_ARM_VOLT": (0.0, REAL32), "BATT_CRT_VOLT": (0.0, REAL32), "BATT_FS_CRT_ACT": (0.0, INT8),
    "BATT_FS_LOW_ACT": (0.0, INT8), "BATT_LOW_TIMER": (10.0, INT8), "BATT_LOW_VOLT": (10.5, REAL32),
    "DISARM_DELAY": (10.0, INT8), "FENCE_ACTION": (1.0, INT8), "FENCE_ALT_MAX": (100.0, REAL32),
    "FENCE_ENABLE": (0.0, INT8), "FENCE_RADIUS": (150.0, REAL32), "FENCE_TYPE": (7.0, INT8),
    "FS_GCS_ENABLE": (0.0, INT8), "FS_GCS_TIMEOUT": (5.0, REAL32), "MAV_SYSID": (1.0, 4),
    "RTL_ALT": (1500.0, INT32), "RTL_LOIT_TIME": (5000.0, INT32), "SIM_BATT_VOLTAGE": (12.6000004, REAL32),
    "SIM_GPS1_ENABLE": (1.0, INT8), "SIM_WIND_SPD": (0.0, REAL32), "SIM_WIND_DIR": (180.0, REAL32),
    "WPNAV_RADIUS": (200.0, REAL32), "WPNAV_SPEED": (1000.0, REAL32), "WPNAV_SPEED_DN": (150.0, REAL32),
    "WPNAV_SPEED_UP": (250.0, REAL32),
}  # fmt: skip
PX4: dict[str, tuple[float, int]] = {
    "BAT_CRIT_THR": (0.07, REAL32), "BAT_EMERGEN_THR": (0.05, REAL32), "BAT_LOW_THR": (0.15, REAL32),
    "CBRK_SUPPLY_CHK": (894281, INT32), "COM_ARM_EKF_HGT": (1.0, REAL32), "COM_ARM_IMU_ACC": (0.7, REAL32),
    "COM_ARM_MAG_ANG": (45, INT32), "COM_ARM_MIS_REQ": (0, INT32), "COM_ARM_WO_GPS": (1, INT32), "EKF2_REQ_NSATS": (6, INT32), "COM_DISARM_LAND": (2.0, REAL32),
    "COM_DL_LOSS_T": (10, INT32), "COM_LOW_BAT_ACT": (0, INT32), "GF_ACTION": (2, INT32),
    "GF_MAX_HOR_DIST": (0.0, REAL32), "GF_MAX_VER_DIST": (0.0, REAL32), "MAV_SYS_ID": (1, INT32),
    "MIS_DIST_WPS": (900.0, REAL32), "MPC_XY_CRUISE": (5.0, REAL32), "MPC_Z_VEL_MAX_DN": (1.0, REAL32),
    "MPC_Z_VEL_MAX_UP": (3.0, REAL32), "NAV_ACC_RAD": (2.0, REAL32), "NAV_DLL_ACT": (0, INT32),
    "RTL_RETURN_ALT": (30.0, REAL32), "SIM_BAT_DRAIN": (60.0, REAL32), "SIM_BAT_MIN_PCT": (50.0, REAL32),
    "SYS_FAILURE_EN": (0, INT32),
}  # fmt: skip


@dataclass
class Settings:
    """One vehicle's parameters and its side of the parameter protocol."""

    firmware: Firmware
    system: int = 1

    def __post_init__(self) -> None:
        self._values = dict(ARDUPILOT if self.firmware == "ardupilot" else PX4)
        own = "MAV_SYSID" if self.firmware == "ardupilot" else "MAV_SYS_ID"
        self._values[own] = (float(self.system), self._values[own][1])

    def __getitem__(self, name: str) -> float:
        return self._values[name][0]

    def set(self, name: str, value: float) -> None:
        """Change one that exists. KeyError for one that does not."""
        self._values[name] = (value, self._values[name][1])

    def names(self) -> list[str]:
        """All that it has."""
        return sorted(self._values)

    def hear(self, message: Message) -> tuple[list[Message], list[str]]:
        """Answers to a parameter message, and PX4's texts about those it does not have."""
        if message.name == "PARAM_REQUEST_LIST":
            return [self._value(name) for name in sorted(self._values)], []
        if message.name not in {"PARAM_REQUEST_READ", "PARAM_SET"}:
            return [], []
        name, texts = text_of(message["param_id"]), list[str]()
        index = int(message.get("param_index", -1))
        if message.name == "PARAM_REQUEST_READ" and 0 <= index < len(self._values):
            name = sorted(self._values)[index]
        if name not in self._values:
            return [], [f"[pm] unknown param: {name}"] if self.firmware == "px4" else texts
        if message.name == "PARAM_SET":
            kind = self._values[name][1]
            if self.firmware == "px4" and int(message["param_type"]) != kind:
                return [], [f"[pm] param types mismatch param: {name}"]
            self.set(name, self._unpacked(float(message["param_value"]), kind))
        return [self._value(name)], texts

    def _value(self, name: str) -> Message:
        value, kind = self._values[name]
        fields = {
            "param_id": name,
            "param_value": self._packed(value, kind),
            "param_type": kind,
            "param_count": len(self._values),
            "param_index": sorted(self._values).index(name),
        }
        return Message("PARAM_VALUE", fields)

    def _packed(self, value: float, kind: int) -> float:
        if self.firmware == "px4" and kind == INT32:
            return float(struct.unpack("<f", struct.pack("<i", int(value)))[0])
        return value

    def _unpacked(self, value: float, kind: int) -> float:
        if self.firmware == "px4" and kind == INT32:
            return float(struct.unpack("<i", struct.pack("<f", value))[0])
        return value


def text_of(value: object) -> str:
    """A char array as text, however it was decoded."""
    return value.split(b"\0")[0].decode("ascii", "replace") if isinstance(value, bytes) else str(value).split("\0")[0]
