"""kill -9 in rounds: on the box, then the centre, then the broker, while alerts flow. Prints what was lost (nothing).

    python tests/journeys/kill_rounds.py --rounds 50

A real film plays in a loop before a real box; twelve perimeter zones along the path that people walk
make an alert every second or so. Afterwards everything is left to settle, and then compared:

- every alert that the box's log or outbox ever named is stored at the centre, once;
- every file that an alert names lies at the centre with exactly its bytes;
- every zone has one case, however often the box was killed and saw its people anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.journeys.system import SHARED, System

CLIP = SHARED / "clips" / "people-yard.mp4"
ZONES = [(x, y) for y in (190, 250) for x in range(200, 680, 80)]
SETTLE_S = 120.0
MUST_BE_ZERO = (
    "alerts_lost",
    "alerts_invented",
    "refused",
    "files_lost",
    "files_bad",
    "cases_duplicated",
    "dead_letters",
)


def camera() -> dict[str, Any]:
    """The film with twelve zones."""
    zones = [
        {
            "id": f"z{n:02d}", "hazard": "perimeter-intrusion", "hours": ["00:00-24:00"], "dwell_s": 0.2, "clear_s": 0.6,
            "look_every_s": 0.6, "polygon_px": [[x, y], [x + 78, y], [x + 78, y + 58], [x, y + 58]],
        }
        for n, (x, y) in enumerate(ZONES)
    ]  # fmt: skip
    return {
        "id": "yard", "name": {"zh": "院子", "en": "Yard"}, "box": "yard", "source": str(CLIP), "loop": True,
        "lens": {"width_px": 768, "height_px": 576, "hfov_deg": 55}, "zones": zones,
    }  # fmt: skip


def rounds(system: System, victim: str, count: int, dice: random.Random) -> None:
    """Kill and start again, at random moments."""
    for n in range(count):
        time.sleep(dice.uniform(0.3, 3.5))
        system.kill(victim)
        time.sleep(dice.uniform(0.0, 0.5))
        system.start(victim)
        if sys.stderr.isatty() or n + 1 == count:
            print(f"  {victim}: {n + 1} of {count}", file=sys.stderr, flush=True)


def settled(system: System) -> bool:
    """Whether the box has nothing more to say or to send."""
    waiting = system.rows(
        "yard",
        "SELECT (SELECT count(*) FROM message WHERE state='waiting') + (SELECT count(*) FROM evidence WHERE state='waiting')",
    )
    return bool(waiting) and waiting[0][0] == 0


def stored_alerts(system: System) -> dict[str, dict[str, Any]]:
    """Every alert at the centre by id, with its incident."""
    found: dict[str, dict[str, Any]] = {}
    for incident in system.incidents():
        whole = system.ask(f"/api/v1/incidents/{incident['incident_id']}")
        for alert in whole["alerts"]:
            assert alert["alert_id"] not in found, f"alert {alert['alert_id']} is in two incidents"
            found[alert["alert_id"]] = {**alert, "incident": incident}
    return found


def logged_alerts(system: System) -> set[str]:
    """Every alert that the box has ever told its log of."""
    ids = set()
    for line in system.log_path("box-yard").read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a line cut off by a kill
        if entry.get("event") == "alert raised":
            ids.add(entry["alert_id"])
    return ids


def compare(system: System) -> dict[str, Any]:
    """What the box had and what the centre has."""
    on_box = {r[0] for r in system.rows("yard", "SELECT event_id FROM message WHERE type_name='patrol.alert.raised'")}
    refused = system.rows("yard", "SELECT count(*) FROM message WHERE state='refused'")[0][0]
    files = {r[0] for r in system.rows("yard", "SELECT sha256 FROM evidence WHERE state != 'lost'")}
    lost_files = system.rows("yard", "SELECT count(*) FROM evidence WHERE state='lost'")[0][0]
    at_center = stored_alerts(system)
    bad_files = 0
    with httpx.Client(base_url=system.url, trust_env=False, timeout=10) as client:
        for sha256 in sorted(files):
            answer = client.get(f"/api/v1/evidence/{sha256}")
            bad_files += not (answer.is_success and hashlib.sha256(answer.content).hexdigest() == sha256)
    cases: dict[str, set[str]] = {}
    for alert in at_center.values():
        cases.setdefault(alert["place"], set()).add(alert["incident"]["case_number"])
    return {
        "alerts_on_box": len(on_box), "alerts_in_log": len(logged_alerts(system)), "alerts_at_center": len(at_center),
        "alerts_lost": len((on_box | logged_alerts(system)) - set(at_center)), "alerts_invented": len(set(at_center) - on_box),
        "refused": refused, "files": len(files), "files_lost": lost_files, "files_bad": bad_files,
        "places": len(cases), "cases": len(system.incidents()), "cases_duplicated": sum(len(c) - 1 for c in cases.values()),
        "dead_letters": len((system.ask("/api/v1/dead-letters") or {}).get("dead_letters", [])),
    }  # fmt: skip


def run(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """All rounds, then the comparison."""
    dice = random.Random(seed)
    system = System(folder, [camera()])
    begun = time.monotonic()
    try:
        system.broker.start()
        system.start_center()
        system.await_center()
        system.start_box("yard")
        system.until("the first alert is stored", system.incidents, 60)
        for victim in ("box-yard", "center", "broker"):
            rounds(system, victim, count, dice)
        system.until("alerts flow again", lambda: len(system.rows("yard", "SELECT 1 FROM message")) > 0, 30)
        time.sleep(3)
        box = system.processes.pop("box-yard")
        # the box's own last minute: no more film, but all that waits is delivered
        box.terminate()
        box.wait(20)
        system.config_path.write_text(
            system.config_path.read_text().replace(str(CLIP), str(folder / "no-more-film.mp4"))
        )
        system.start_box("yard")
        system.await_center()
        system.until("everything is delivered", lambda: settled(system), SETTLE_S)
        return {"rounds_each": count, "seed": seed, "seconds": round(time.monotonic() - begun), **compare(system)}
    finally:
        system.stop()


def main() -> int:
    """0 when nothing was lost or duplicated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50, help="kills of each of the three (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default: 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder), options.rounds, options.seed)
    print(json.dumps(result))
    return int(any(result[k] for k in MUST_BE_ZERO))


if __name__ == "__main__":
    sys.exit(main())
