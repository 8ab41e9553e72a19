"""One simulated drone: it hears messages, is stepped in time, and speaks. No IO, no clock of its own.

What it answers is in `orders`, how it flies in `guide`, what it reports in `telemetry`; this file holds its
state and puts them together. Faults are switched on it from outside: `gps_lost`, `refuses_to_arm`,
`battery` set low; a lost link is the transport's to play.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from patrol.flight.compare import Firmware
from patrol.flight.items import WireItem
from patrol.flight.messages import AUTOPILOT_COMPONENT, Message, MissionType
from patrol.flight.sim.bay import ArduBay, Bay, home_item
from patrol.flight.sim.body import Body, Limits, wind_vector
from patrol.flight.sim.px4_bay import Px4Bay
from patrol.flight.sim.settings import Settings
from patrol.geo import EastNorth, LatLon, LocalFrame


class Mode(StrEnum):
    """What both autopilots call by different numbers."""

    MANUAL = "manual"
    HOLD = "hold"  # GUIDED on ArduPilot, LOITER of AUTO on PX4
    BRAKE = "brake"
    MISSION = "mission"
    TAKEOFF = "takeoff"
    RTL = "rtl"
    LAND = "land"
    ORBIT = "orbit"


# mode -> custom_mode: ArduCopter's numbers, PX4's (main << 16 | sub << 24)
CUSTOM: dict[Firmware, dict[Mode, int]] = {
    "ardupilot": {Mode.MANUAL: 0, Mode.MISSION: 3, Mode.HOLD: 4, Mode.TAKEOFF: 4, Mode.RTL: 6, Mode.LAND: 9, Mode.BRAKE: 17, Mode.ORBIT: 7},
    "px4": {
        Mode.MANUAL: 1 << 16, Mode.TAKEOFF: 4 << 16 | 2 << 24, Mode.HOLD: 4 << 16 | 3 << 24, Mode.BRAKE: 4 << 16 | 3 << 24,
        Mode.MISSION: 4 << 16 | 4 << 24, Mode.RTL: 4 << 16 | 5 << 24, Mode.LAND: 4 << 16 | 6 << 24, Mode.ORBIT: 3 << 16 | 1 << 24,
    },
}  # fmt: skip


@dataclass
class Battery:
    """A pack that empties with time in the air."""

    remaining: float = 1.0  # share
    flight_s: float = 1500.0  # hovering time of a full one
    full_v: float = 12.6
    empty_v: float = 10.0
    forced_v: float | None = None  # what a test says it has

    @property
    def voltage_v(self) -> float:
        """A straight line from full to empty: enough for thresholds."""
        return (
            self.forced_v if self.forced_v is not None else self.empty_v + (self.full_v - self.empty_v) * self.remaining
        )


@dataclass
class Faults:
    """What is wrong with it, switched from outside."""

    gps_lost: bool = False
    refuses_to_arm: str = ""  # with this text


@dataclass
class Flying:
    """What it is doing. `item` is the mission item in hand; `resumes` is None until a pause."""

    mode: Mode = Mode.MANUAL
    armed: bool = False
    item: int = 0
    entered_at: float = 0.0  # the item in hand
    held_since: float | None = None
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    speed_ms: float | None = None
    camera_every_m: float = 0.0
    camera_due_m: float = 0.0
    shots: int = 0
    gimbal_pitch_deg: float = 0.0
    paused: bool = False
    finished: bool = False
    stage: int = 0  # of a return: climb, travel, descend
    landed_at: float | None = None
    armed_at: float = 0.0
    yaw_deg: float | None = None


@dataclass
class Watch:
    """What failsafes look at."""

    gcs_heard_at: float | None = None
    gcs_lost: bool = False
    low_since: float | None = None
    critical_since: float | None = None
    battery_stage: int = 0
    gps_lost_at: float | None = None
    breached: bool = False


@dataclass
class SimDrone:
    """A vehicle at `home`. `boot_s` is how long it takes to have a position (ArduCopter took 41 s, PX4 10 s)."""

    firmware: Firmware
    home: LatLon
    system: int = 1
    home_amsl_m: float = 10.0
    boot_s: float = 0.0
    wind_ms: float = 0.0
    wind_from_deg: float = 0.0
    now: float = 0.0
    body: Body = field(default_factory=Body)
    battery: Battery = field(default_factory=Battery)
    faults: Faults = field(default_factory=Faults)
    flying: Flying = field(default_factory=Flying)
    watch: Watch = field(default_factory=Watch)
    out: list[Message] = field(default_factory=list)
    intervals_s: dict[str, float] = field(default_factory=dict)
    sent_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Settings(self.firmware, self.system)
        self.frame = LocalFrame(self.home)
        self._text_id = 0
        self.bay: Bay = Px4Bay(self.text) if self.firmware == "px4" else ArduBay(self.text, self.home_slot)

    def home_slot(self) -> WireItem:
        """Home as ArduPilot's item 0."""
        return home_item(round(self.home.lat_deg * 1e7), round(self.home.lon_deg * 1e7), self.home_amsl_m)

    @property
    def ready(self) -> bool:
        """Whether it knows where it is."""
        return self.now >= self.boot_s and not self.faults.gps_lost

    @property
    def airborne(self) -> bool:
        """Off the ground."""
        return self.body.up_m > 0.3

    @property
    def wind(self) -> tuple[float, float]:
        """East and north."""
        if self.firmware == "ardupilot" and self.settings["SIM_WIND_SPD"] > 0:
            return wind_vector(self.settings["SIM_WIND_SPD"], self.settings["SIM_WIND_DIR"])
        return wind_vector(self.wind_ms, self.wind_from_deg)

    @property
    def limits(self) -> Limits:
        """From its parameters, and the speed that was ordered."""
        p, ordered = self.settings, self.flying.speed_ms
        if self.firmware == "ardupilot":
            speed, up, down = p["WPNAV_SPEED"] / 100, p["WPNAV_SPEED_UP"] / 100, p["WPNAV_SPEED_DN"] / 100
        else:
            speed, up, down = p["MPC_XY_CRUISE"], p["MPC_Z_VEL_MAX_UP"], p["MPC_Z_VEL_MAX_DN"]
        return Limits(speed if ordered is None else ordered, up, down)

    @property
    def place(self) -> LatLon:
        """Where it is."""
        return self.frame.to_wgs84(EastNorth(self.body.east_m, self.body.north_m))

    @property
    def mission(self) -> list[WireItem]:
        """What is aboard to be flown."""
        return self.bay.lists[MissionType.MISSION]

    def say(self, name: str, **fields: object) -> None:
        """Send a message of its own."""
        self.out.append(Message(name, fields, self.system, AUTOPILOT_COMPONENT))

    def text(self, severity: int, text: str) -> None:
        """Send a STATUSTEXT, in chunks of 50 as both autopilots do."""
        number = 0
        if self.firmware == "px4":
            self._text_id = self._text_id % 65535 + 1
            number = self._text_id
        for chunk in range(max(1, -(-len(text) // 50))):
            part = text[chunk * 50 : chunk * 50 + 50]
            self.say("STATUSTEXT", severity=severity, text=part, id=number, chunk_seq=chunk)
