"""One flight, from the upload to exactly one of landed, returned, aborted(reason). No IO: a conversation like the others.

What follows what stands in `ORDER`; a vehicle is armed only with an `Aboard` for each list in hand and without
a pre-flight fault. After take-off the vehicle flies by itself: the pilot watches, passes on orders, and
sees how it ends. It can also take over a vehicle that is already flying (`takes_over`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from patrol.flight.ask import Answer, Ask, ReadParameters
from patrol.flight.compile import Compiled
from patrol.flight.install import Aboard, Install, NotAboard
from patrol.flight.messages import Command, Message, MissionType
from patrol.flight.preflight import READ, Demands, Fault, failsafes, health
from patrol.flight.seen import Seen
from patrol.flight.wishes import Order, Wish, look_order, ready_mode, start, watch_order, wish_commands
from patrol.geo import LatLon

__all__ = ["Ending", "Happening", "Outcome", "Phase", "Pilot", "Silence", "Wish"]
STREAMS_HZ = {33: 4.0, 1: 1.0, 24: 1.0, 193: 1.0, 42: 1.0, 242: 0.5, 147: 1.0, 30: 4.0, 245: 1.0, 285: 1.0}
READY_WITHIN_S = 90.0  # ArduCopter's position took 41 s from a cold boot
AIRBORNE_WITHIN_S = 60.0
SILENT_S = 5.0
HOME_RADIUS_M = 5.0
WATCH_EVERY_S = 0.5
ARM_TRIES = 5
TURN_S = 15.0  # a text that explains why it turns home came within this time
LOST_S = 900.0  # of silence in flight: longer than any battery
REHEARSED = "rehearsed: all is aboard and well, nothing was armed"
Outcome = Literal["landed", "returned", "aborted"]
# words of both firmwares' texts, and why a vehicle that says them turns home
TURNS = (("attery", "battery low"), ("GCS", "link lost"), ("Data link", "link lost"), ("ence", "fence breached"),
         ("EKF", "position lost"), ("position", "position lost"))  # fmt: skip


class Phase(StrEnum):
    """Where a flight is."""

    NEW = "new"
    INSTALLING = "installing"
    STREAMING = "streaming"
    CHECKING = "checking"
    WAITING = "waiting"  # for health
    MODE = "mode"
    ARMING = "arming"
    STARTING = "starting"
    FLYING = "flying"
    ENDED = "ended"


@dataclass(frozen=True)
class Ending:
    """How a flight ended. `reason` in words of the program; `faults` where pre-flight spoke.

    `complete`: the mission was flown to its last item. `item`: what was in hand, or would have been flown next, as the
    vehicle counts; `broke_off`: where it left its way (`again.rest_of` makes the rest of it a mission).
    """

    outcome: Outcome
    reason: str = ""
    faults: tuple[Fault, ...] = ()
    complete: bool = False
    item: int = 0
    broke_off: LatLon | None = None


@dataclass(frozen=True)
class Happening:
    """Something that the outside wants to know. Seconds of the pilot's clock."""

    at_s: float
    what: str
    detail: str = ""


@dataclass
class Silence:
    """A link that is lost, as the pilot sees it."""

    since: float | None = None
    times: int = 0


@dataclass
class Pilot:
    """One vehicle, one flight. `takes_over` a vehicle that is in the air already; `rehearses` all but arming.

    `objections` speak against the flight before anything is sent: the judge's verdict (`preflight.objections`).
    """

    compiled: Compiled
    demands: Demands
    takes_over: bool = False
    wind_ms: float | None = None
    objections: tuple[Fault, ...] = ()
    rehearses: bool = False
    phase: Phase = Phase.NEW
    happenings: list[Happening] = field(default_factory=list)
    aboard: dict[MissionType, Aboard] = field(default_factory=dict)
    armed: bool = False  # it was, by this pilot

    ORDER: ClassVar[Mapping[Phase, str]] = {
        Phase.INSTALLING: "_installed",
        Phase.STREAMING: "_streamed",
        Phase.CHECKING: "_checked",
        Phase.MODE: "_mode_set",
        Phase.ARMING: "_armed",
        Phase.STARTING: "_started",
        Phase.FLYING: "_obeyed",
    }

    def __post_init__(self) -> None:
        self.seen = Seen(self.compiled.firmware)
        self.silence = Silence()
        self._kinds = [MissionType.FENCE, MissionType.RALLY, MissionType.MISSION]
        self._streams = list(STREAMS_HZ.items())
        self._step: Any = None
        self._to_start = list(start(self.compiled.firmware))
        self._ending: Ending | None = None
        self._look_at = self._since = 0.0
        self._tries = 0
        self._parameters: dict[str, float] = {}
        self._aborting = self._turned = ""
        self._missed = 0
        self._broke_off: LatLon | None = None

    @property
    def ending(self) -> Ending | None:
        """How it ended."""
        return self._ending

    @property
    def items(self) -> int:
        """How many items its mission has, ArduPilot's home included."""
        return len(self.compiled.lists[MissionType.MISSION])

    @property
    def wake_at(self) -> float | None:
        """When to look again."""
        if self._ending is not None:
            return None
        step_at = self._step.wake_at if self._step is not None else None
        return self._look_at if step_at is None else min(self._look_at, step_at)

    def begin(self, now: float) -> list[Message]:
        """Install; or, for a vehicle in the air, ask for its streams and watch."""
        self._since = self._look_at = now
        if self.objections and not self.takes_over:
            return self._stop("aborted", "pre-flight", now, self.objections)
        if not self.takes_over:
            return self._install(now)
        self._enter(Phase.FLYING, now)  # at once: what is in the air is watched before anything is answered
        return [
            m for n, hz in self._streams for m in Ask(Command.SET_MESSAGE_INTERVAL, (float(n), 1e6 / hz)).begin(now)
        ]

    def hear(self, message: Message, now: float) -> list[Message]:
        """Take a message of the vehicle."""
        self.seen.hear(message, now)  # every message counts as a sign of life
        if self._ending is not None:
            return []
        out: list[Message] = [] if self._step is None else self._step.hear(message, now)
        out += self._go_on(now)
        return out + (self._watch(now) if message.name == "HEARTBEAT" else [])

    def wake(self, now: float) -> list[Message]:
        """The time is `now`."""
        if self._ending is not None:
            return []
        out: list[Message] = [] if self._step is None else self._step.wake(now)
        out += self._go_on(now)
        if now >= self._look_at:
            self._look_at = now + WATCH_EVERY_S
            out += self._watch(now)
        return out

    def order(self, wish: Wish, now: float) -> list[Message]:
        """An operator's or a station's wish. Before take-off only abort means anything."""
        if self._ending is not None:
            return []
        if self.phase is not Phase.FLYING:
            return self._stop("aborted", "by order", now) if wish in {"abort", "land"} else []
        self._tell(now, "order", wish)
        if wish in {"abort", "land"}:
            self._aborting, self._broke_off = "by order", self._broke_off or self.seen.at
        return self._ask(wish_commands(self.compiled.firmware)[wish], now, Phase.FLYING)

    def jump(self, item: int, now: float) -> list[Message]:
        """Go on with another item."""
        if self.phase is not Phase.FLYING or not 0 <= item < len(self.compiled.lists[MissionType.MISSION]):
            return []
        self._tell(now, "jump", str(item))
        if self.compiled.firmware == "px4":
            return [Message("MISSION_SET_CURRENT", {"seq": item})]
        return self._ask((Command.DO_SET_MISSION_CURRENT, (float(item),)), now, Phase.FLYING)

    def look(self, pitch_deg: float, yaw_deg: float, now: float) -> list[Message]:
        """Turn the camera: pitch up from the horizon, yaw clockwise from the nose; degrees."""
        return self._camera(
            "look", f"{pitch_deg:.0f} {yaw_deg:.0f}", look_order(self.compiled.firmware, pitch_deg, yaw_deg), now
        )

    def watch(self, place: LatLon | None, now: float) -> list[Message]:
        """Keep the camera on a place on the ground; None lets go of it."""
        where = "" if place is None else f"{place.lat_deg:.6f} {place.lon_deg:.6f}"
        return self._camera("watch", where, watch_order(place), now)

    def _camera(self, what: str, detail: str, order: Order, now: float) -> list[Message]:
        if self.phase is not Phase.FLYING:
            return []
        self._tell(now, what, detail)
        return self._ask(order, now, Phase.FLYING)

    def _go_on(self, now: float) -> list[Message]:
        if self._step is None or self._step.ending is None:
            return []
        ended, self._step = self._step.ending, None
        follow: Callable[[Any, float], list[Message]] = getattr(self, self.ORDER[self.phase])
        return follow(ended, now)

    def _enter(self, phase: Phase, now: float) -> None:
        self.phase, self._since = phase, now
        self._tell(now, "phase", phase)

    def _ask(self, command: Order, now: float, phase: Phase) -> list[Message]:
        if phase is not self.phase:
            self._enter(phase, now)
        self._step = Ask(command[0], command[1])
        started: list[Message] = self._step.begin(now)
        return started

    def _install(self, now: float) -> list[Message]:
        if self.phase is not Phase.INSTALLING:
            self._enter(Phase.INSTALLING, now)
        kind = self._kinds.pop(0)
        self._step = Install(self.compiled.lists[kind], kind, self.compiled.firmware)
        started: list[Message] = self._step.begin(now)
        return started

    def _installed(self, ending: Aboard | NotAboard, now: float) -> list[Message]:
        if isinstance(ending, NotAboard):
            return self._stop("aborted", f"{ending.kind.name.lower()} not aboard: {ending.why}", now)
        self.aboard[ending.kind] = ending
        return self._install(now) if self._kinds else self._stream(now)

    def _stream(self, now: float) -> list[Message]:
        number, rate_hz = self._streams.pop(0)
        return self._ask((Command.SET_MESSAGE_INTERVAL, (float(number), 1e6 / rate_hz)), now, Phase.STREAMING)

    def _streamed(self, answer: Answer, now: float) -> list[Message]:
        del answer  # a stream that one firmware does not have is the other's
        if self._streams:
            return self._stream(now)
        self._enter(Phase.CHECKING, now)
        self._step = ReadParameters(READ[self.compiled.firmware], self.compiled.firmware)
        started: list[Message] = self._step.begin(now)
        return started

    def _checked(self, parameters: dict[str, float], now: float) -> list[Message]:
        self._parameters = parameters
        faults = failsafes(self.compiled.firmware, parameters, self.demands)
        if faults:
            return self._stop("aborted", "pre-flight", now, faults)
        self._enter(Phase.WAITING, now)
        return self._wait(now)

    def _wait(self, now: float) -> list[Message]:
        faults = health(self.seen, self.demands, self.wind_ms)
        if not faults and self.rehearses:
            return self._stop("aborted", REHEARSED, now)
        if not faults:
            return self._ask(ready_mode(self.compiled.firmware), now, Phase.MODE)
        if now - self._since > READY_WITHIN_S or any(
            f.code not in {"no-position", "few-satellites", "battery-unknown"} for f in faults
        ):
            return self._stop("aborted", "pre-flight", now, faults)
        return []

    def _mode_set(self, answer: Answer, now: float) -> list[Message]:
        if not answer.accepted:
            return self._stop("aborted", f"mode refused: {self._said(answer)}", now)
        return self._arm(now)

    def _arm(self, now: float) -> list[Message]:
        if set(self.aboard) != set(MissionType):  # cannot happen by the table; must never be armed without
            return self._stop("aborted", "not everything is aboard", now)
        return self._ask((Command.COMPONENT_ARM_DISARM, (1.0,)), now, Phase.ARMING)

    def _armed(self, answer: Answer, now: float) -> list[Message]:
        if answer.accepted:
            self.armed = True
            return self._ask(self._to_start.pop(0), now, Phase.STARTING)
        self._tries += 1
        if answer.result is None or self._tries >= ARM_TRIES:
            return self._stop("aborted", f"arming refused: {self._said(answer)}", now)
        self._enter(Phase.WAITING, now)
        return []

    def _started(self, answer: Answer, now: float) -> list[Message]:
        if not answer.accepted:
            self._aborting = f"start refused: {self._said(answer)}"
            self._tell(now, "start refused", self._said(answer))
        elif self._to_start:
            return self._ask(self._to_start.pop(0), now, Phase.STARTING)
        self._enter(Phase.FLYING, now)
        return []

    def _obeyed(self, answer: Answer, now: float) -> list[Message]:
        self._tell(now, "answer", f"{answer.command}: {answer.result}")
        return []

    def _said(self, answer: Answer) -> str:
        texts = [text for _, severity, text in self.seen.texts[-3:] if severity <= 4]
        return "; ".join(texts) or (str(answer.result) if answer.result is not None else "no answer")

    def _watch(self, now: float) -> list[Message]:
        if self.phase is Phase.ENDED:
            return []
        self._hear_silence(now)
        if self.phase is Phase.WAITING:
            return self._wait(now)
        if self.phase is not Phase.FLYING:
            return []
        if self.silence.since is not None and now - self.silence.since > LOST_S:
            return self._stop("aborted", f"nothing heard for {LOST_S:.0f} s in flight", now)
        self._notice(now)
        if self.seen.flew and self.seen.armed is False:
            return self._landed(now)
        if not self.seen.flew and self.seen.armed is False and now - self._since > SILENT_S:
            return self._stop("aborted", self._aborting or "disarmed on the ground", now)
        if not self.seen.flew and not self.takes_over and now - self._since > AIRBORNE_WITHIN_S and self._step is None:
            self._aborting = "it never took off"
            return self._ask((Command.COMPONENT_ARM_DISARM, (0.0,)), now, Phase.FLYING)
        return []

    def _hear_silence(self, now: float) -> None:
        silent_s = 0.0 if self.seen.heard_at is None else now - self.seen.heard_at
        if silent_s > SILENT_S and self.silence.since is None:
            self.silence.since, self.silence.times = now, self.silence.times + 1
            self._tell(now, "link lost")
        elif silent_s <= SILENT_S and self.silence.since is not None:
            self._tell(now, "link back", f"after {now - self.silence.since:.0f} s")
            self.silence.since = None

    def _notice(self, now: float) -> None:
        """That it turns home by itself, and that photographs are missing."""
        going_home = self.seen.mode in {"rtl", "land"} and self.seen.item < self.items - 1
        if going_home and not self._aborting and not self._turned:
            texts = " ".join(text for at, _, text in self.seen.texts if now - at < TURN_S)
            self._turned = next((why for word, why in TURNS if word in texts), "by itself")
            self._broke_off = self.seen.at
            self._tell(now, "turned back", self._turned)
        missing = self.seen.missing_pictures()
        if len(missing) > self._missed:
            self._tell(now, "photographs missing", ", ".join(map(str, missing[self._missed : self._missed + 20])))
            self._missed = len(missing)

    def _landed(self, now: float) -> list[Message]:
        away_m = self.seen.far_from(self.demands.home)
        last = self.items - 1
        flown = self.seen.item >= last - 1 or bool({last, last - 1} & self.seen.reached)
        safe_m = min([away_m, *(self.seen.far_from(place) for place in self.safe_points)])
        where = "at home" if away_m <= HOME_RADIUS_M else "at a safe point" if safe_m <= HOME_RADIUS_M else "away"
        if self._aborting:
            return self._stop("aborted", f"{self._aborting}, landed {where}", now, complete=flown)
        if flown and self._ends_in_landing():
            return self._stop("landed", "", now, complete=True)
        if where != "away":
            reason = self._turned + (", at a safe point" if where != "at home" else "")
            return self._stop("returned", reason.removeprefix(", "), now, complete=flown)
        return self._stop(
            "aborted", f"came down {away_m:.0f} m from home" + (f": {self._turned}" if self._turned else ""), now
        )

    @property
    def safe_points(self) -> tuple[LatLon, ...]:
        """Its rally points."""
        return tuple(LatLon(item.x / 1e7, item.y / 1e7) for item in self.compiled.lists[MissionType.RALLY])

    def _ends_in_landing(self) -> bool:
        return self.compiled.lists[MissionType.MISSION][-1].command == Command.NAV_LAND

    def _stop(
        self, outcome: Outcome, reason: str, now: float, faults: tuple[Fault, ...] = (), complete: bool = False
    ) -> list[Message]:
        self._step = None
        self._ending = Ending(outcome, reason, faults, complete, self.seen.item, self._broke_off)
        self.phase = Phase.ENDED
        self._tell(now, outcome, reason)
        return []

    def _tell(self, now: float, what: str, detail: str = "") -> None:
        self.happenings.append(Happening(now, what, detail))
