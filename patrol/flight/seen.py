"""What is known of a vehicle, folded from what it says. Pure: the last of everything, with the time it was heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import asin, degrees, hypot, isfinite, nan
from typing import NamedTuple

from patrol.flight.compare import Firmware
from patrol.flight.messages import Message
from patrol.geo import LatLon, distance_m

ARMED = 128
HORIZONTAL_ABSOLUTE = 16  # EKF_POS_HORIZ_ABS, the same bit in both reports
MODES: dict[Firmware, dict[int, str]] = {
    "ardupilot": {0: "manual", 3: "mission", 4: "guided", 5: "hold", 6: "rtl", 9: "land", 17: "brake"},
    "px4": {1 << 16: "manual", 2 << 24 | 4 << 16: "takeoff", 3 << 24 | 4 << 16: "hold", 4 << 24 | 4 << 16: "mission",
            5 << 24 | 4 << 16: "rtl", 6 << 24 | 4 << 16: "land", 1 << 24 | 3 << 16: "orbit"},
}  # fmt: skip
UNKNOWN_HEADING = 65535
TEXTS, SHOTS = 200, 5000


class Picture(NamedTuple):
    """A photograph as the vehicle reports it. Heights above sea level."""

    number: int
    at: LatLon
    amsl_m: float
    taken_s: float


@dataclass
class Seen:
    """One vehicle. NaN and None: not heard yet."""

    firmware: Firmware
    heard_at: float | None = None
    armed: bool | None = None
    mode: str = ""
    at: LatLon | None = None
    position_at: float | None = None  # when `at` was heard
    up_m: float = nan
    amsl_m: float = nan
    heading_deg: float = nan
    speed_ms: float = nan
    gimbal_pitch_deg: float = nan
    battery: float = nan
    voltage_v: float = nan
    satellites: int = 0
    fix: int = 0
    position_good: bool = False
    home: LatLon | None = None
    item: int = 0
    reached: set[int] = field(default_factory=set)
    pictures: list[Picture] = field(default_factory=list)
    texts: list[tuple[float, int, str]] = field(default_factory=list)
    flew: bool = False
    highest_m: float = 0.0
    _chunks: str = ""

    def hear(self, message: Message, now: float) -> None:
        """Take one message."""
        self.heard_at = now
        handler = getattr(self, f"_{message.name.lower()}", None)
        if handler is not None:
            handler(message, now)

    def missing_pictures(self) -> list[int]:
        """Numbers between the first and the last picture that were never reported."""
        numbers = {p.number for p in self.pictures}
        return sorted(set(range(min(numbers), max(numbers) + 1)) - numbers) if numbers else []

    def far_from(self, place: LatLon) -> float:
        """Metres from a place; NaN when it is not known where it is."""
        return nan if self.at is None else distance_m(self.at, place)

    def _heartbeat(self, message: Message, now: float) -> None:
        del now
        self.armed = bool(int(message["base_mode"]) & ARMED)
        number = int(message["custom_mode"])
        self.mode = MODES[self.firmware].get(number, str(number))

    def _global_position_int(self, message: Message, now: float) -> None:
        lat, lon = int(message["lat"]) / 1e7, int(message["lon"]) / 1e7
        self.at = LatLon(lat, lon) if lat or lon else None
        self.position_at = now
        self.amsl_m = int(message["alt"]) / 1000
        heading = int(message["hdg"])
        self.heading_deg = heading / 100 if heading != UNKNOWN_HEADING else nan
        self.speed_ms = hypot(int(message["vx"]), int(message["vy"])) / 100
        self.up_m = int(message["relative_alt"]) / 1000
        self.highest_m = max(self.highest_m, self.up_m)
        self.flew = self.flew or (bool(self.armed) and self.up_m > 1.5)

    def _sys_status(self, message: Message, now: float) -> None:
        del now
        left, millivolts = int(message["battery_remaining"]), int(message["voltage_battery"])
        self.battery = left / 100 if left >= 0 else nan
        self.voltage_v = millivolts / 1000 if millivolts != 65535 else nan

    def _gps_raw_int(self, message: Message, now: float) -> None:
        del now
        self.fix, self.satellites = int(message["fix_type"]), int(message["satellites_visible"])

    def _ekf_status_report(self, message: Message, now: float) -> None:
        del now
        self.position_good = bool(int(message["flags"]) & HORIZONTAL_ABSOLUTE)

    _estimator_status = _ekf_status_report

    def _gimbal_device_attitude_status(self, message: Message, now: float) -> None:
        del now
        w, x, y, z = (float(part) for part in message["q"])
        self.gimbal_pitch_deg = degrees(asin(max(-1.0, min(1.0, 2.0 * (w * y - z * x)))))

    def _home_position(self, message: Message, now: float) -> None:
        del now
        self.home = LatLon(int(message["latitude"]) / 1e7, int(message["longitude"]) / 1e7)

    def _mission_current(self, message: Message, now: float) -> None:
        del now
        self.item = int(message["seq"])

    def _mission_item_reached(self, message: Message, now: float) -> None:
        del now
        self.reached.add(int(message["seq"]))

    def _camera_feedback(self, message: Message, now: float) -> None:
        place = LatLon(int(message["lat"]) / 1e7, int(message["lng"]) / 1e7)
        self._picture(Picture(int(message["img_idx"]), place, float(message["alt_msl"]), now))

    def _camera_image_captured(self, message: Message, now: float) -> None:
        place = LatLon(int(message["lat"]) / 1e7, int(message["lon"]) / 1e7)
        if int(message["capture_result"]) == 1:
            self._picture(Picture(int(message["image_index"]), place, int(message["alt"]) / 1000, now))

    def _picture(self, picture: Picture) -> None:
        if len(self.pictures) < SHOTS and all(p.number != picture.number for p in self.pictures[-5:]):
            self.pictures.append(picture)

    def _statustext(self, message: Message, now: float) -> None:
        text = str(message["text"])
        if int(message.get("chunk_seq")) and self.texts:
            before = self.texts[-1]
            self.texts[-1] = (before[0], before[1], before[2] + text)
        elif len(self.texts) < TEXTS:
            self.texts.append((now, int(message["severity"]), text))

    @property
    def settled(self) -> bool:
        """Whether it knows where it is."""
        return self.at is not None and self.fix >= 3 and self.position_good and isfinite(self.up_m)
