"""Where the repository's own files are: what the house rules are asked of."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"patrol": ROOT / "patrol", "patrol_edge": ROOT / "edge" / "patrol_edge"}
# Built or fetched, not ours to judge.
NOT_OURS = {"node_modules", "__pycache__", "console", "rendered", "runs", "work"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git keeps, or would keep: tracked, or new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=30).stdout.decode()
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


def sources(*folders: str, suffix: str = ".py") -> list[Path]:
    """Tracked files with this suffix below the given top-level folders (all, when none is given)."""
    return [
        path
        for path in tracked()
        if path.suffix == suffix and (not folders or path.relative_to(ROOT).parts[0] in folders)
    ]


def modules(package: str) -> list[str]:
    """The dotted name of every module of a package that can be imported; `__main__` is run, never imported."""
    folder = PACKAGES[package]
    names = []
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder.parent)
        if NOT_OURS & set(inside.parts) or path.name == "__main__.py":
            continue
        parts = inside.with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def name_of(path: Path) -> str:
    """A path as it is written in messages: relative to the repository."""
    return str(path.relative_to(ROOT))


@cache
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def docs_builder() -> Any:
    """docs/build.py as a module; it stands in no package."""
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def programs() -> dict[str, click.Command]:
    """The click commands of both programs, by name."""
    found: dict[str, click.Command] = docs_builder().programs()
    return found
