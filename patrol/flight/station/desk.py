"""The station's desk: takes requests in, lets the calendar run, decides, launches, keeps the books. No sockets, no waiting.

One `step` does everything that is due now. What it wants done with drones it asks of `Crew`; what it says goes into
the store's outbox in the same transaction as what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from patrol.config import Config
from patrol.events import Data, Event, Said, WeatherWarned
from patrol.flight.pilot import Ending, Happening
from patrol.flight.station.dispatch import Craft, GiveUp, Offer, Recall, UnderWay, decide
from patrol.flight.station.errands import Errand, Refusal, errands_of, in_force, of_patrol, said
from patrol.flight.station.schedule import Skip, Timetable, due
from patrol.flight.station.sorties import Hindered, Prepared, Traffic, targets_seen
from patrol.flight.station.store import Kept, Store, with_item
from patrol.flight.station.voice import PhaseName, Voice
from patrol.flight.words import reason_said

RETRY_S = 30.0  # after a flight that did not do all, or a drone that may not take off just now
BLOCKED_S = 5.0  # after something that passes soon
CHARGING_S = 60.0
HANDLED_EVERY_S = 300.0  # the calendar is written down so often also when nothing was due
NEVER_SEEN_S = 900.0  # a flight of an earlier session whose drone is not heard: not aborted before
NO_FLYING = frozenset({"wind", "thunderstorm"})
WHY = {
    "down": ("the station was down", "机场停机"), "overtaken": ("a later run took its place", "被更晚的班次取代"),
    "blackout-day": ("it is a blackout day", "当天禁飞"), "outside-window": ("it is outside its window", "不在允许时段"),
}  # fmt: skip


class Crew(Protocol):
    """Who does what the desk decides."""

    def crafts(self, flying: set[str]) -> list[Craft]:
        """All drones."""

    def launch(self, kept: Kept, *, takes_over: bool) -> None:
        """Fly it; its happenings and its ending come back to the desk."""

    def recall(self, drone: str) -> None:
        """Order it home."""


@dataclass(frozen=True)
class Offered:
    """What planning for one drone gave: a flight, or why not."""

    drone: str
    answer: Prepared | Hindered


class Desk:
    """One station. `wall` tells the time; `leaving`: nothing takes off any more."""

    def __init__(self, config: Config, store: Store, voice: Voice, crew: Crew, wall: Callable[[], datetime]) -> None:
        self._config, self._store, self._voice, self._crew, self._wall = config, store, voice, crew, wall
        self._number = 0
        self._log = structlog.get_logger()
        self.flights = {kept.id: kept for kept in store.under_way()}
        self._unclaimed = set(self.flights)  # of an earlier session; their drones are not heard yet
        self._claim_from_s = wall().timestamp()
        self._errands = {errand.id: errand for errand in store.waiting()}
        self._handled, self._written = dict[str, datetime](), dict[str, datetime]()  # the calendar: decided, on disk
        self._said_waiting = dict[str, tuple[Said, ...]]()
        self.leaving = False

    @property
    def waiting(self) -> int:
        """Errands that wait."""
        return len(self._errands)

    def hear(self, event: Event[Data]) -> None:
        """Take one message of the wire."""
        now = self._wall()
        if isinstance(event.data, WeatherWarned):
            self._store.keep_weather(event.data)
        for wanted in errands_of(event, self._config, now):
            self._take(wanted, now)

    def ask(self, errand: Errand) -> None:
        """Take one errand from inside."""
        self._take(errand, self._wall())

    def calendar(self) -> None:
        """Let the calendar run up to now. A patrol seen for the first time begins now."""
        now = self._wall()
        zone = ZoneInfo(self._config.district.timezone)
        for patrol in self._config.patrols:
            handled = self._handled.get(patrol.id) or self._store.handled_until(patrol.id)
            if handled is None:
                self._store.keep_handled(patrol.id, now)
                self._handled[patrol.id] = self._written[patrol.id] = now
                continue
            decided = due(Timetable(patrol, zone, self._config.district.origin), handled, now)
            self._handled[patrol.id] = decided.handled_until
            written = self._written.setdefault(patrol.id, handled)
            if decided.run is None and not decided.skips and (now - written).total_seconds() < HANDLED_EVERY_S:
                continue
            self._written[patrol.id] = decided.handled_until
            with self._store.change():
                self._store.keep_handled(patrol.id, decided.handled_until)
                for skip in decided.skips:
                    self._skip(skip, now)
                if decided.run is not None:
                    errand_id = _run_id(patrol.id, decided.run.planned_at)
                    drill = self._config.district.drill
                    errand = of_patrol(patrol, errand_id, now.timestamp(), patrol.priority, drill=drill)
                    self._admit(errand, now)

    def decide(self) -> list[tuple[Errand, tuple[str, ...], list[Traffic]]]:
        """Decide about everything that waits; what is to be planned comes back for `launch`, which may take its time."""
        now = self._wall()
        now_s = now.timestamp()
        self._claim(now)
        flying = {kept.drone for kept in self.flights.values()}
        under_way = [
            UnderWay(k.id, k.drone, k.errand.id, k.errand.priority, k.stage == "recalled")
            for k in self.flights.values()
        ]
        grounded = said("leaving") if self.leaving else self._grounded(now)
        offers = list[tuple[Errand, tuple[str, ...], list[Traffic]]]()
        for decision in decide(now_s, self._crew.crafts(flying), list(self._errands.values()), under_way, grounded):
            match decision:
                case GiveUp(errand, reasons):
                    with self._store.change():
                        self._end_errand(errand, "given-up", now, reasons)
                case Recall(flight_id, _):
                    self.recall(flight_id, (said("recalled"),))
                case Offer(errand, drones):
                    offers.append((errand, drones, self._traffic()))
                case _:
                    self._say_waiting(decision.errand, decision.reasons, now)
        return offers

    def launch(self, errand: Errand, offered: Sequence[Offered]) -> None:
        """Launch the first that may fly it; else wait, or refuse with every reason."""
        now = self._wall()
        batteries = {craft.id: craft.battery or 0.0 for craft in self._crew.crafts(set())}
        reasons, waits = list[Said](), list[float]()
        for offer in offered:
            drone, prepared = offer.drone, offer.answer
            if any(kept.drone == drone for kept in self.flights.values()):
                continue
            if not isinstance(prepared, Prepared):
                reasons += prepared.reasons
                if prepared.wait_s is not None:
                    waits.append(prepared.wait_s)
            elif batteries[drone] < prepared.demands.battery:
                needed = prepared.demands.battery
                reasons.append(said("charging", drone=drone, battery=batteries[drone], needed=needed))
                waits.append(CHARGING_S)
            else:
                self._begin(errand, prepared, now)
                return
        drones = [offer.drone for offer in offered]
        if waits or not reasons or (errand.kind != "patrol" and not self._all_tried(errand, drones)):
            self._put_off(errand, min(waits, default=BLOCKED_S), tuple(reasons), now)
        else:
            with self._store.change():
                self._end_errand(errand, "refused", now, tuple(reasons))

    def recall(self, flight_id: str, reasons: tuple[Said, ...]) -> None:
        """Call a flight back."""
        now, kept = self._wall(), self.flights[flight_id]
        if kept.stage == "recalled":
            return
        with self._store.change():
            self._store.progress(kept.id, kept.item, "recalled")
            self._phase(kept, "recalled", now, reasons)
        self.flights[flight_id] = with_item(kept, kept.item, "recalled")
        if (
            kept.stage == "flying"
        ):  # one that is being launched is called back as soon as it flies: half a start is no state
            self._crew.recall(kept.drone)

    def progressed(self, flight_id: str, item: int) -> None:
        """A flight is at another item."""
        kept = self.flights.get(flight_id)
        if kept is not None and kept.stage != "launching" and item > kept.item:  # before, it tells of the last mission
            self._store.progress(kept.id, item, kept.stage)
            self.flights[flight_id] = with_item(kept, item, kept.stage)

    def happened(self, flight_id: str, news: Happening) -> None:
        """Something on a flight that others want to know."""
        kept = self.flights.get(flight_id)
        if kept is None:
            return
        now = self._wall()
        if news.what == "phase" and news.detail == "flying" and kept.stage == "launching":
            with self._store.change():
                self._store.progress(kept.id, kept.item, "flying")
                self._phase(kept, "flying", now)
            self.flights[flight_id] = with_item(kept, kept.item, "flying")
        elif news.what == "phase" and news.detail == "flying" and kept.stage == "recalled":
            self._crew.recall(kept.drone)
        elif news.what in {"link lost", "link back"}:
            phase: PhaseName = "link-lost" if news.what == "link lost" else "link-back"
            with self._store.change():
                self._phase(kept, phase, now)

    def ended(self, flight_id: str, ending: Ending, photographs: int, unpictured: tuple[str, ...] = ()) -> None:
        """A flight is over: its errand is done, or what is left of it waits again.

        `unpictured`: targets that it flew past without a photograph of them being reported; they are flown once more.
        """
        kept = self.flights.pop(flight_id)
        now = self._wall()
        seen = (
            kept.errand.targets if ending.outcome == "landed" and not kept.errand.targets else self._seen(kept, ending)
        )
        missed = tuple(target for target in seen if target in unpictured)
        seen = tuple(target for target in seen if target not in missed)
        errand = kept.errand.without_photograph(missed)
        left = tuple(t for t in errand.targets if t not in seen and t not in errand.unpictured)
        done = not left if errand.targets else ending.outcome == "landed"
        reasons = [Said(code=fault.code, en=fault.said.en[:500], zh=fault.said.zh[:500]) for fault in ending.faults]
        if ending.reason:
            why_zh = reason_said(ending.reason, "zh-CN")
            reasons.append(said("failed", drone=kept.drone, why=ending.reason.rstrip("."), why_zh=why_zh.rstrip("。")))
        with self._store.change():
            self._store.end_flight(kept.id, ending.outcome, now.timestamp())
            self._phase(kept, ending.outcome, now, tuple(reasons), seen, photographs)
            if done:
                self._finish(errand, now)
                return
            if missed:
                reasons.append(said("photograph-missing", names=", ".join(missed)))
            recalled = kept.stage == "recalled"
            failed = kept.drone if ending.outcome == "aborted" and not recalled else None
            again = errand.after(left, now.timestamp(), BLOCKED_S if recalled else RETRY_S, failed)
            if recalled or set(left) != set(errand.targets):
                again = replace(again, tries=errand.tries)  # it got on: that is no failed attempt
            self._store.keep_errand(again, "waiting", now.timestamp())
            self._answer(again, "waiting", now, tuple(reasons))
        self._errands[again.id] = again

    def _finish(self, errand: Errand, now: datetime) -> None:
        """All of it was flown; what could not be photographed even so is said. Within a transaction."""
        if not errand.unpictured:
            self._end_errand(errand, "done", now, ())
            return
        why = said("no-photograph", names=", ".join(errand.unpictured))
        self._end_errand(replace(errand, targets=errand.unpictured), "given-up", now, (why,))

    def _seen(self, kept: Kept, ending: Ending) -> tuple[str, ...]:
        """Targets that were photographed. A mission flown to its landing has passed every item."""
        whole = ending.outcome == "landed"
        marks = kept.prepared.marks
        return tuple(m.target for m in marks) if whole else targets_seen(marks, kept.item)

    def _take(self, wanted: Errand | Refusal, now: datetime) -> None:
        if self._store.knows(wanted.id):
            return  # a repetition: it was answered before
        with self._store.change():
            if isinstance(wanted, Refusal):
                self._refuse(wanted.id, wanted.reasons, now, drill=wanted.drill)
            else:
                self._admit(wanted, now)

    def _admit(self, errand: Errand, now: datetime) -> None:
        """Into the queue, if there is room. Within a transaction."""
        if len(self._errands) >= self._config.station.queue_max:
            self._refuse(errand.id, (said("queue-full", count=len(self._errands)),), now, drill=errand.drill)
            return
        self._store.keep_errand(errand, "waiting", now.timestamp())
        self._answer(errand, "waiting", now, ())
        self._errands[errand.id] = errand

    def _refuse(self, errand_id: str, reasons: tuple[Said, ...], now: datetime, *, drill: bool) -> None:
        self._store.refused(errand_id, now.timestamp())
        self._store.say(self._voice.answer(errand_id, "refused", now, self._next(), drill=drill, reasons=reasons))
        self._log.warning("request refused", request=errand_id, reasons=[reason.en for reason in reasons])

    def _skip(self, skip: Skip, now: datetime) -> None:
        when = skip.planned_at.astimezone(ZoneInfo(self._config.district.timezone)).strftime("%Y-%m-%d %H:%M")
        en, zh = WHY[skip.why]
        errand_id = _run_id(skip.patrol_id, skip.planned_at)
        self._refuse(errand_id, (said("missed", when=when, why=en, why_zh=zh),), now, drill=self._config.district.drill)

    def _begin(self, errand: Errand, prepared: Prepared, now: datetime) -> None:
        """Write the flight down, then launch it."""
        kept = Kept(str(uuid4()), errand, prepared, now.timestamp(), 0, "launching")
        with self._store.change():
            self._store.keep_errand(errand, "flying", now.timestamp())
            self._store.keep_flight(kept)
            self._answer(errand, "flying", now, (), drone=kept.drone, flight_id=kept.id)
            self._phase(kept, "launching", now)
        self._errands.pop(errand.id, None)
        self._said_waiting.pop(errand.id, None)
        self.flights[kept.id] = kept
        self._crew.launch(kept, takes_over=False)

    def _claim(self, now: datetime) -> None:
        """Flights of an earlier session: take over what flies, end what does not."""
        if not self._unclaimed:
            return
        states = {craft.id: craft.state for craft in self._crew.crafts(set())}
        for flight_id in sorted(self._unclaimed):
            kept, state = self.flights[flight_id], states[self.flights[flight_id].drone]
            if state == "unfit":  # armed: in the air, or about to be
                self._unclaimed.discard(flight_id)
                stage = "flying" if kept.stage == "launching" else kept.stage
                with self._store.change():
                    self._store.progress(kept.id, kept.item, stage)
                    self._phase(kept, "taken-over", now)
                self.flights[flight_id] = with_item(kept, kept.item, stage)
                self._crew.launch(self.flights[flight_id], takes_over=True)
            elif state != "silent":
                self._unclaimed.discard(flight_id)
                begun = kept.stage != "launching"
                reason = said("ended-unseen") if begun else said("not-begun")
                self.ended(flight_id, Ending("returned" if begun else "aborted", reason.en), 0)
            elif now.timestamp() - self._claim_from_s > NEVER_SEEN_S:
                self._unclaimed.discard(flight_id)
                self.ended(flight_id, Ending("aborted", said("silent", drone=kept.drone).en), 0)

    def _grounded(self, now: datetime) -> Said | None:
        for warning in self._store.weather():
            if warning.kind in NO_FLYING and in_force(warning, now) and warning.level != "blue":
                zh = "大风" if warning.kind == "wind" else "雷暴"
                return said("grounded", what=warning.kind, what_zh=zh)
        return None

    def _traffic(self) -> list[Traffic]:
        return [
            Traffic(kept.drone, kept.prepared.way + np.array([kept.begun_s, 0.0, 0.0, 0.0]))
            for kept in self.flights.values()
        ]

    def _all_tried(self, errand: Errand, drones: Sequence[str]) -> bool:
        """Whether no other drone might still be asked."""
        allowed = {d.id for d in self._config.drones} - set(errand.excluded)
        return allowed <= set(drones)

    def _put_off(self, errand: Errand, wait_s: float, reasons: tuple[Said, ...], now: datetime) -> None:
        later = replace(errand, not_before_s=now.timestamp() + wait_s)
        self._store.keep_errand(later, "waiting", now.timestamp())
        self._errands[later.id] = later
        self._say_waiting(later, reasons, now)

    def _say_waiting(self, errand: Errand, reasons: tuple[Said, ...], now: datetime) -> None:
        """Once for each set of reasons, not at every look."""
        codes = tuple(sorted({reason.code for reason in reasons}))
        if reasons and tuple(sorted({r.code for r in self._said_waiting.get(errand.id, ())})) != codes:
            self._said_waiting[errand.id] = reasons
            self._answer(errand, "waiting", now, reasons)

    def _end_errand(self, errand: Errand, state: str, now: datetime, reasons: tuple[Said, ...]) -> None:
        """It has come to its end. Within a transaction."""
        self._errands.pop(errand.id, None)
        self._said_waiting.pop(errand.id, None)
        self._store.keep_errand(errand, state, now.timestamp())
        self._answer(errand, state, now, reasons)

    def _answer(self, errand: Errand, state: str, now: datetime, reasons: tuple[Said, ...], drone: str | None = None,
                flight_id: str | None = None) -> None:  # fmt: skip
        left = () if state == "done" else errand.targets
        self._store.say(self._voice.answer(errand.id, state, now, self._next(), drill=errand.drill, reasons=reasons,  # type: ignore[arg-type]  # the five states
                                           drone=drone, flight_id=flight_id, left=left))  # fmt: skip
        self._log.info("request", request=errand.id, kind=errand.kind, patrol=errand.patrol, state=state, drone=drone,
                       reasons=[reason.en for reason in reasons] or None)  # fmt: skip

    def _phase(self, kept: Kept, phase: PhaseName, now: datetime, reasons: tuple[Said, ...] = (), seen: tuple[str, ...] = (),
               photographs: int = 0) -> None:  # fmt: skip
        self._store.say(self._voice.phase(kept.errand, kept.drone, kept.id, phase, now, self._next(), reasons=reasons,
                                          seen=seen, photographs=photographs))  # fmt: skip
        self._log.info("flight", drone=kept.drone, phase=phase, patrol=kept.errand.patrol, seen=len(seen) or None,
                       reasons=[reason.en for reason in reasons] or None)  # fmt: skip

    def _next(self) -> int:
        self._number += 1
        return self._number


def _run_id(patrol: str, planned_at: datetime) -> str:
    """The id of one run of the calendar."""
    return f"{patrol[:40]}-{planned_at.astimezone(UTC).strftime('%Y%m%dT%H%M%SZ')}"
