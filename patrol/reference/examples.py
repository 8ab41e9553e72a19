"""One example of every message on the wire, as docs/wire.md shows it. Invented, but consistent: one alert's whole way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from patrol.events import (
    Acknowledgement,
    AlertEnded,
    AlertRaised,
    BoxStatus,
    CameraStatus,
    CaseOpened,
    CenterStatus,
    Data,
    DronePose,
    DroneStatus,
    Event,
    EvidenceLost,
    EvidenceRef,
    Explanation,
    FlightPhase,
    FlightRequested,
    Hazard,
    ModelRef,
    Position,
    Region,
    RequestAnswered,
    Said,
    SensorStatus,
    StationStatus,
    WeatherWarned,
    source_of,
)

BEGAN = datetime(2025, 6, 3, 9, 30, tzinfo=UTC)
ALERT_ID = "0197347e-5ac0-7c3e-9d5b-6f2a10c4e8b7"
INCIDENT_ID = "0197347e-5c1a-7f02-8a44-0be1c6d7f390"
EVIDENCE = sha256(b"the picture").hexdigest()
BOX, DISTRICT = "street", "demo"
STATION, DRONE = "dock", "falcon"
REQUEST_ID = "0197348a-20b6-7e11-9c02-5a7de0f1b364"
FLIGHT_ID = "0197348a-7c30-7a45-8d19-c40b92e6f7a1"


def _alert() -> AlertRaised:
    return AlertRaised(
        alert_id=ALERT_ID,
        box=BOX,
        camera="gate",
        hazard=Hazard.BLOCKED_FIRE_LANE,
        place="lane:3:1",
        position=Position(lat_deg=22.5433701, lon_deg=114.0585402, accuracy_m=1.9),
        region=Region(x_min_px=601, y_min_px=288, x_max_px=783, y_max_px=442, width_px=1280, height_px=720),
        measurement={"overlap_share": 0.83},
        explanation=Explanation(
            rule="blocked-fire-lane",
            zone="lane",
            label="car",
            first_seen_at=BEGAN,
            last_seen_at=BEGAN + timedelta(seconds=121),
            dwell_s=121,
            needed_dwell_s=120,
            looks=61,
            votes=58,
            needed_share=0.5,
            confidence=0.78,
            threshold=0.35,
        ),
        model=ModelRef(name="street", version="1", sha256=sha256(b"the network").hexdigest()),
        evidence=(
            EvidenceRef(
                sha256=EVIDENCE,
                media_type="image/jpeg",
                size_bytes=184_220,
                role="marked",
                taken_at=BEGAN + timedelta(seconds=121),
                blurred=True,
            ),
        ),
    )


def _box_status() -> BoxStatus:
    return BoxStatus(
        box=BOX,
        session=17,
        state="online",
        software="0.1.0",
        cameras=(
            CameraStatus(
                camera="gate",
                state="watching",
                since=BEGAN - timedelta(hours=2),
                last_frame_at=BEGAN + timedelta(seconds=121),
                looks=3660,
                unwatched_s=4.5,
            ),
        ),
        outbox_waiting=1,
        evidence_waiting=1,
        sensors=(
            SensorStatus(
                sensor="hall-smoke",
                state="heard",
                last_heard_at=BEGAN + timedelta(seconds=95),
                messages=41,
                unreadable=0,
            ),
        ),
    )


def _flying() -> list[tuple[Data, str, str, datetime, int | None]]:
    """A request for a re-check, and what a station says until it is flown."""
    station, center = source_of("station", STATION), source_of("center", DISTRICT)
    asked = BEGAN + timedelta(minutes=20)
    where = Position(lat_deg=22.5433701, lon_deg=114.0585402, accuracy_m=1.5)
    return [
        (FlightRequested(request_id=REQUEST_ID, kind="re-check", position=where, height_m=40, yaw_deg=7, pitch_deg=-60,
                         case_number="DEMO-20250603-0007", deadline_at=asked + timedelta(minutes=30), asked_by="grid-mid"),
         REQUEST_ID, center, asked, None),
        (WeatherWarned(warning_id="szmb-20250603-017", kind="rain", level="orange", begins_at=BEGAN,
                       ends_at=BEGAN + timedelta(hours=6), text="more than 50 mm within three hours"),
         "szmb-20250603-017-1", "/weather/szmb", BEGAN, None),
        (RequestAnswered(station=STATION, request_id=REQUEST_ID, state="waiting", drone=None,
                         reasons=(Said(code="charging", en="falcon has 41% of its battery.", zh="falcon 电量 41%。"),)),
         "0197348a-2200-7b7f-a2cc-18f5e3d40962", station, asked, None),
        (FlightPhase(station=STATION, drone=DRONE, flight_id=FLIGHT_ID, request_id=REQUEST_ID, phase="landed",
                     seen=("re-check",), photographs=1),
         "0197348b-4c19-7cc2-b0a7-73d2916eaf05", station, asked + timedelta(minutes=3), None),
        (DronePose(station=STATION, drone=DRONE, flight_id=FLIGHT_ID, position=where, height_m=40.1, yaw_deg=6.8,
                   pitch_deg=-60, speed_ms=0.2, battery=0.87, link_loss=0.01),
         "0197348a-e5d8-7f3a-8c61-2be94071d5f6", station, asked + timedelta(minutes=2), None),
        (StationStatus(station=STATION, session=12, state="online", software="0.1.0", waiting=1,
                       drones=(DroneStatus(drone=DRONE, state="flying", battery=0.87, flight_id=FLIGHT_ID, position=where),)),
         "0197348a-e6aa-7d0e-94f3-6c5b8a21e07d", station, asked + timedelta(minutes=2), None),
    ]  # fmt: skip


def examples() -> dict[type[Data], Event[Data]]:
    """The example of each kind of message."""
    at = BEGAN + timedelta(seconds=121)
    box, center = source_of("box", BOX), source_of("center", DISTRICT)
    data: list[tuple[Data, str, str, datetime, int | None]] = [
        (_alert(), ALERT_ID, box, at, 412),
        (
            AlertEnded(
                alert_id=ALERT_ID,
                box=BOX,
                camera="gate",
                last_seen_at=BEGAN + timedelta(minutes=14),
                cleared_at=BEGAN + timedelta(minutes=14, seconds=30),
            ),
            "01973489-6a10-7d55-b0c9-24f7ab31c6de",
            box,
            BEGAN + timedelta(minutes=14, seconds=30),
            415,
        ),
        (
            EvidenceLost(
                alert_id=ALERT_ID, box=BOX, sha256=EVIDENCE, reason="altered", detail="184220 bytes recorded, 0 found"
            ),
            "01973480-11f4-7b1c-93aa-5c0d9e7be217",
            box,
            at + timedelta(minutes=2),
            413,
        ),
        (_box_status(), "0197347e-6f30-7a90-8e11-d3b94c27f5a2", box, at, None),
        (
            Acknowledgement(box=BOX, event_id=ALERT_ID, outcome="stored", case_number="DEMO-20250603-0007"),
            "0197347e-5d77-7be4-a3f0-91c2d84ae605",
            center,
            at + timedelta(seconds=1),
            None,
        ),
        (
            CaseOpened(
                case_number="DEMO-20250603-0007",
                incident_id=INCIDENT_ID,
                alert_id=ALERT_ID,
                hazard=Hazard.BLOCKED_FIRE_LANE,
                position=Position(lat_deg=22.5433701, lon_deg=114.0585402, accuracy_m=1.9),
                cell="demo-002",
                unit="grid-mid",
                found_at=BEGAN,
                due_at=BEGAN + timedelta(hours=1),
            ),
            "0197347e-5d78-7c06-b81d-7e5f0a92d3c4",
            center,
            at + timedelta(seconds=1),
            None,
        ),
        (
            CenterStatus(session=4, state="online", software="0.1.0"),
            "0197341a-0b52-7e38-9f67-48a1d5c3e0b9",
            center,
            BEGAN - timedelta(hours=2),
            None,
        ),
        *_flying(),
    ]
    return {
        type(said): Event[Data].of(said, id=name, source=source, time=time, sequence=sequence, drill=True)
        for said, name, source, time, sequence in data
    }
