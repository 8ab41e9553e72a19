"""The product as it is installed: a wheel, in clean virtual environments that hold one extra and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house import tree

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installing")]

NO_NETWORK = (
    "NewConnectionError",
    "NameResolution",
    "Temporary failure in name resolution",
    "ConnectTimeout",
    "Network is unreachable",
)
NOT_ON_A_BOX = ("torch", "ultralytics", "fastapi", "sqlalchemy", "pymavlink", "aiomqtt", "uvicorn", "numba")


def pip(python: Path, *arguments: str) -> None:
    """Run pip; without a network the test is skipped, with any other trouble it fails."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "1", *arguments]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False, timeout=500)
    if done.returncode and any(sign in done.stdout + done.stderr for sign in NO_NETWORK):
        pytest.skip("SKIPPED, NOT CHECKED: the package index is out of reach, so no clean environment can be made")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def clean_environment(folder: Path) -> Path:
    """A new virtual environment; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120, capture_output=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a release would publish."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", str(folder), str(tree.ROOT))
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    """Both packages with their type marks and the licence are in the wheel; tests, recipes, docs and console sources are not."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"patrol", "patrol_edge"}
    for needed in ("patrol/py.typed", "patrol_edge/py.typed", "patrol/cli.py", "patrol_edge/cli.py"):
        assert needed in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    modules = {
        name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in names if name.endswith(".py")
    }
    assert {name for package in tree.PACKAGES for name in tree.modules(package)} <= modules


def test_the_box_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """With the edge extra alone, every module of the box imports, its command answers, and nothing of the district side is there."""
    python = clean_environment(tmp_path / "venv")
    pip(python, "install", f"{wheel}[edge]")
    names = tree.modules("patrol_edge")
    script = (
        "import importlib, importlib.util, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"present = [name for name in {NOT_ON_A_BOX!r} if importlib.util.find_spec(name)]\n"
        f"print(len({names!r}), present, sys.modules['patrol_edge'].__file__)\n"
    )
    done = subprocess.run(
        [str(python), "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{len(names)} [] {tmp_path}")
    helped = subprocess.run(
        [str(python.parent / "patrol-edge"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "--box" in helped.stdout
    used_mb = sum(path.lstat().st_size for path in (tmp_path / "venv").rglob("*")) / 1e6
    print(f"edge extra in a clean environment: {len(names)} modules imported, {used_mb:.0f} MB")
