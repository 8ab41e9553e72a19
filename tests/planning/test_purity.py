"""The planner, the geometry and the grid reach no file, socket, process or clock: an audit hook watches them work."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from dataclasses import replace
from patrol import geo, grid
from patrol.planning import fleet, intent, safety
from patrol.planning.encode import missions
from patrol.planning.files import exchange, qgc, waypoints, wpml
from patrol.planning.sites import Site
from patrol.planning.survey import plan_survey
from tests.planning.worlds import DRONES, HOMES, world

plan_survey(world(3).intent, world(3).setting)  # the first call: lazy parts of libraries load their own files now
seen = []
watching = False
FORBIDDEN = ("open", "socket.", "subprocess.", "os.", "urllib.", "shutil.", "tempfile.", "sqlite3.", "time.sleep")

def hook(event, args):
    if watching and event.startswith(FORBIDDEN):
        seen.append((event, str(args)[:200]))

sys.addaudithook(hook)
watching = True
for seed in range(6):
    task = world(seed)
    plan = plan_survey(task.intent, task.setting)
    for sortie, mission in zip(plan.sorties, missions(plan)):
        safety.judge(mission, safety.Rules(plan.drone, plan.airspace, plan.wind))
        qgc.read_plan(qgc.write_plan(mission))
        waypoints.read_waypoints(waypoints.write_waypoints(mission))
        wpml.write_wpml(plan, sortie)
    exchange.write_geojson(plan), exchange.write_kml(plan), exchange.write_csv(plan)
setting = replace(world(3).setting, airspace=world(0).setting.airspace.__class__())
frame = geo.LocalFrame(setting.home)
sites = [Site(str(n), frame.to_wgs84(geo.EastNorth(40.0 * n, 30.0)), 40.0) for n in range(5)]
fleet.plan_fleet(sites, [setting], iterations=10)
watching = False
if "--prove" in sys.argv:
    watching = True
    open("/dev/null").close()
    watching = False
print(seen)
sys.exit(1 if seen else 0)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own: an audit hook cannot be taken off again."""
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_planning_does_no_input_or_output() -> None:
    """Plans, judgements, files as texts and a fleet are made without a single file, socket, process or sleep."""
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_watch_can_fail() -> None:
    """One opened file is seen."""
    done = run("--prove")
    assert done.returncode == 1
    assert "/dev/null" in done.stdout


VALUES = {
    "patrol.geo", "patrol.errors", "patrol.planning.airspace", "patrol.planning.drone", "patrol.planning.mission",
    "patrol.errors.translate",  # sentences in the reader's language: nothing of the planner
}  # fmt: skip
PLANNERS_OWN = {"power_w", "ground_speed", "air_density", "holds_during", "usable_wh", "footprint_m"}


def test_the_judge_shares_only_values_with_the_planner() -> None:
    """No module of the judge imports the planner's code, nor calls what the shared values can compute themselves."""
    for path in sorted((ROOT / "patrol/planning/safety").glob("*.py")):
        tree = ast.parse(path.read_text())
        own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("patrol."):
                module = node.module or ""
                names = {f"{module}.{alias.name}" for alias in node.names}
                allowed = module in VALUES or module.startswith("patrol.planning.safety") or names <= VALUES
                assert allowed, f"{path.name} imports {module}"
            if isinstance(node, ast.Attribute) and node.attr in PLANNERS_OWN - own:
                raise AssertionError(f"{path.name} uses {node.attr} of the planner's values")
