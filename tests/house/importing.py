"""Run in a process of its own: import modules under an audit hook, and print what they did besides being imported.

    python tests/house/importing.py import MODULE...    import each module; report side effects
    python tests/house/importing.py pure                use the pure modules; report any input or output

Everything is imported once before the hook is set, so that what foreign libraries do at their own first import is
not held against us; then our modules are forgotten and imported again, watched.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

OURS = ("patrol", "patrol_edge")
FORBIDDEN = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.putenv", "os.unsetenv",
    "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.chmod", "os.symlink", "os.link", "os.truncate", "os.utime", "shutil.", "tempfile.",
    "sqlite3.", "urllib.", "_thread.start_new_thread", "signal.", "webbrowser.", "http.", "ctypes.dlopen", "time.sleep",
)  # fmt: skip
done: list[str] = []
watching = False
reading_counts = False


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what may not happen."""
    if not watching:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
            isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if writes or reading_counts:
            done.append(f"open {path!r} {mode or ''}")
    elif event.startswith(FORBIDDEN):
        done.append(f"{event} {arguments!r}"[:200])


def state() -> dict[str, object]:
    """What else a module could disturb."""
    return {
        "environment": dict(os.environ),
        "working folder": str(Path.cwd()),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "log handlers": len(logging.getLogger().handlers),
        "log level": logging.getLogger().level,
        "warning filters": len(warnings.filters),
        "SIGINT handler": repr(signal.getsignal(signal.SIGINT)),
        "search path": list(sys.path),
    }


def watch(action: Callable[[], object]) -> None:
    """Do something under the hook, and note what it changed."""
    global watching  # noqa: PLW0603 - an audit hook cannot be removed, only told to be quiet
    before = state()
    watching = True
    action()
    watching = False
    after = state()
    done.extend(f"changed the {name}" for name in before if before[name] != after[name])


def import_all(names: list[str]) -> None:
    """Import twice, watched the second time."""
    for name in names:
        importlib.import_module(name)
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]
    watch(lambda: [importlib.import_module(name) for name in names])


def use_pure_modules() -> None:
    """One call of everything that promises to reach no file, socket, process or log."""
    global reading_counts  # noqa: PLW0603 - see above
    from patrol import events, geo, grid  # noqa: PLC0415 - imported in the watched process only
    from patrol.config import load  # noqa: PLC0415 - the same
    from patrol.planning import encode, intent, safety  # noqa: PLC0415 - the same
    from patrol.planning.drone import CALM  # noqa: PLC0415 - the same
    from patrol.reference.examples import examples  # noqa: PLC0415 - the same

    root = Path(__file__).resolve().parents[2]
    config = load(root / "config.yaml")
    folder = root / "flightplans"
    wanted = [
        intent.parse_intent(yaml.safe_load(path.read_text(encoding="utf-8")), path.stem)
        for path in folder.glob("*.yaml")
    ]
    areas = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.glob("areas/*json")}

    def plan_and_judge() -> None:
        for one in wanted:
            settings = tuple(
                intent.setting_of(config, drone, wind=CALM, terrain=None, zones=(), starts_at_s=None)
                for drone in (one.drones if isinstance(one, intent.FleetIntent) else (one.drone,))
            )
            if isinstance(one, intent.FleetIntent):
                plans = [flight.plan for flight in intent.plan_fleet_intent(one, config, settings).flights]
            else:
                plans = [intent.plan_intent(one, config, settings[0], areas)]
            rules = safety.Rules(settings[0].drone, settings[0].airspace, settings[0].wind, settings[0].starts_at_s)
            assert [safety.judge(mission, rules) for plan in plans for mission in encode.missions(plan)]

    def use() -> None:
        frame = geo.LocalFrame(geo.LatLon(22.5, 114.0))
        camera = geo.Camera(geo.Lens.from_hfov(1280, 720, 60), geo.Pose(0, 0, 10, 30, -30))
        found = camera.locate((640.0, 500.0), geo.PoseSigma(0.5, 0.2, 1.0, 0.5))
        assert found is not None
        assert found.ellipse_95[0] > 0
        corners = [frame.to_wgs84(geo.EastNorth(*corner)) for corner in camera.footprint()]
        assert grid.Grid({"all": corners}).cell_at(frame.to_wgs84(geo.EastNorth(found.east_m, found.north_m))) == "all"
        assert geo.distance_m(*corners[:2]) > 0
        for event in examples().values():
            assert events.parse(event.to_json(), topic="t", max_bytes=10**6) == event
        plan_and_judge()

    use()  # once unwatched: PROJ opens its database at its first use
    reading_counts = True
    watch(use)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.addaudithook(hook)
    if sys.argv[1] == "import":
        import_all(sys.argv[2:])
    else:
        use_pure_modules()
    print(json.dumps(done))
