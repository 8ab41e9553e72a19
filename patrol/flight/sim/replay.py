"""A recorded conversation held again with the simulated drone: the same requests at the same times, both answers side by side.

Only what a ground station waits for is compared: acknowledgements, counts, items and requests of transfers,
and parameter values by name. What a vehicle says by itself is not. No IO: lines in, differences out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from patrol.flight.compare import Firmware
from patrol.flight.items import WireItem
from patrol.flight.messages import Message
from patrol.flight.sim.drone import SimDrone
from patrol.flight.sim.settings import text_of
from patrol.flight.sim.vehicle import Vehicle
from patrol.geo import LatLon

HOME = LatLon(22.5431, 114.0579)
ASKS = frozenset({"COMMAND_LONG", "COMMAND_INT", "PARAM_SET", "PARAM_REQUEST_READ", "MISSION_COUNT", "MISSION_ITEM_INT",
                  "MISSION_ITEM", "MISSION_REQUEST_LIST", "MISSION_REQUEST_INT", "MISSION_REQUEST", "MISSION_CLEAR_ALL",
                  "MISSION_WRITE_PARTIAL_LIST"})  # fmt: skip
ANSWERS = frozenset({"COMMAND_ACK", "MISSION_ACK", "MISSION_COUNT", "MISSION_ITEM_INT", "MISSION_REQUEST", "MISSION_REQUEST_INT",
                     "PARAM_VALUE"})  # fmt: skip
FULL_V = 12.6000004  # as the simulators begin
TICK_S = 0.05
SOON_S = 0.4  # an answer that comes later belongs to a timer, not to the question


@dataclass(frozen=True)
class Answered:
    """One question and what each of the two answered, in short form."""

    at_s: float
    question: str
    recorded: tuple[str, ...]
    simulated: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both answered alike."""
        return self.recorded == self.simulated


def short(name: str, fields: Mapping[str, Any]) -> str:
    """An answer reduced to what matters of it."""
    if name == "COMMAND_ACK":
        return f"ACK {fields['command']}={fields['result']}"
    if name == "MISSION_ACK":
        return f"MISSION_ACK {fields['type']} of {fields['mission_type']}"
    if name == "MISSION_COUNT":
        return f"COUNT {fields['count']} of {fields['mission_type']}"
    if name.startswith("MISSION_REQUEST"):
        return f"{name} {fields['seq']} of {fields['mission_type']}"
    if name == "PARAM_VALUE":
        return f"{text_of(fields['param_id'])}={float(fields['param_value']):.6g}"
    item = WireItem.read(fields)
    # home's height is that of the simulator's terrain
    z = "home" if int(fields["seq"]) == 0 and item.command == 16 and item.frame == 0 else f"{item.z:.4g}"
    params = " ".join(f"{p:g}" for p in item.params)
    return f"ITEM {fields['seq']}: {item.command} frame {item.frame} [{params}] {item.x} {item.y} {z} type {fields['mission_type']}"


def question_of(fields: Mapping[str, Any]) -> str:
    """A question in short form."""
    name = str(fields["mavpackettype"])
    if name.startswith("COMMAND"):
        return f"{name} {fields['command']} ({fields['param1']:g}, {fields['param2']:g}, {fields['param3']:g})"
    if name.startswith("PARAM"):
        return f"{name} {fields['param_id']}"
    what = next((f"{key} {fields[key]}" for key in ("count", "seq", "start_index") if key in fields), "")
    return f"{name} {what} of {fields.get('mission_type', 0)}"


def held_again(
    lines: Iterable[Mapping[str, Any]],
    firmware: Firmware,
    boot_s: float = 0.0,
    settings: Mapping[str, float] | None = None,
    spoken: bool = True,
) -> Iterator[Answered]:
    """Every question of a recording with both answers. A question that the link ate is not put.

    `boot_s` is when the vehicle had a position, `settings` are parameters it was started with, `spoken` says
    that it had held a transfer before: what the recording itself does not tell.
    """
    records = [line for line in lines if _concerns_it(line)]
    drone = SimDrone(firmware, HOME, boot_s=boot_s)
    for name, value in (settings or {}).items():
        drone.settings.set(name, value)
    drone.bay.spoken = spoken
    vehicle = Vehicle(drone)
    asked_at = [float(line["t"]) for line in records if _asks(line)]
    recorded = _answers(records)
    asked = 0
    for n, line in enumerate(records):
        if line["dir"] != "gcs" or line.get("dropped"):
            continue
        now, fields = float(line["t"]), line["msg"]
        message = Message(str(fields["mavpackettype"]), _plain(fields), int(line["sys"]), int(line["comp"]))
        vehicle.tick(now)  # what its timers say before the question is no answer to it
        said = vehicle.hear(message, now)
        drone.faults.gps_lost = drone.faults.gps_lost if firmware == "px4" else drone.settings["SIM_GPS1_ENABLE"] == 0
        if firmware == "ardupilot" and drone.settings["SIM_BATT_VOLTAGE"] != FULL_V:
            drone.battery.forced_v = drone.settings["SIM_BATT_VOLTAGE"]
        if not _asks(line):
            continue
        asked += 1
        until = min(now + SOON_S, asked_at[asked] if asked < len(asked_at) else now + SOON_S)
        while drone.now + TICK_S < until:
            said += vehicle.tick(drone.now + TICK_S)
        answers = _once(
            short(m.name, m.fields)
            for m in said
            if m.name in ANSWERS and _answers_it(fields, {"mavpackettype": m.name, **m.fields})
        )
        yield Answered(now, question_of(fields), recorded[n], answers)


def _concerns_it(line: Mapping[str, Any]) -> bool:
    """Lines between the ground and system 1."""
    if line["dir"] == "vehicle":
        return int(line["sys"]) == 1
    return line["dir"] == "gcs" and int(line["msg"].get("target_system", 1)) in {0, 1, 77}


def _asks(line: Mapping[str, Any]) -> bool:
    return line["dir"] == "gcs" and not line.get("dropped") and line["msg"]["mavpackettype"] in ASKS


def _once(answers: Iterable[str]) -> tuple[str, ...]:
    """Without repetitions: how often a timer has fired in the meantime is not an answer."""
    return tuple(dict.fromkeys(answers))


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "mavpackettype"}


def _answers(records: list[Mapping[str, Any]]) -> dict[int, tuple[str, ...]]:
    """For each ground line, what the vehicle answered before the ground asked again (or soon enough)."""
    found: dict[int, tuple[str, ...]] = {}
    for n, line in enumerate(records):
        if line["dir"] != "gcs":
            continue
        answers = list[str]()
        for later in records[n + 1 :]:
            if float(later["t"]) > float(line["t"]) + SOON_S:
                break
            fields = later["msg"]
            if _asks(later):
                break
            if later["dir"] != "vehicle" or fields["mavpackettype"] not in ANSWERS:
                continue
            if _answers_it(line["msg"], fields):
                answers.append(short(str(fields["mavpackettype"]), fields))
        found[n] = _once(answers)
    return found


def _answers_it(question: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    asked, given = str(question["mavpackettype"]), str(answer["mavpackettype"])
    if given == "COMMAND_ACK":
        return asked.startswith("COMMAND") and int(answer["command"]) == int(question["command"])
    if given == "PARAM_VALUE":
        return asked.startswith("PARAM") and str(answer["param_id"]) == str(question.get("param_id"))
    return asked.startswith("MISSION")
