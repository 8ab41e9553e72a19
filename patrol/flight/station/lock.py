"""One station for each drone and for each state folder, on this machine: files that the system unlocks when a process dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from patrol.errors import DroneTaken


@contextmanager
def locked(state_dir: Path, links: Sequence[str], folder: Path | None = None) -> Iterator[None]:
    """Hold the state folder and the drones' links. Raises DroneTaken, naming what another station holds.

    `folder` is where the locks of links lie: one for all stations of a machine.
    """
    places = folder or Path(tempfile.gettempdir())
    state_dir.mkdir(parents=True, exist_ok=True)
    files = {str(state_dir): state_dir / "lock"}
    for link in links:
        files[link] = places / f"patrol-drone-{hashlib.sha256(link.encode()).hexdigest()[:16]}.lock"
    with ExitStack() as stack:
        for what, path in files.items():
            stack.enter_context(_one(what, path))
        yield


@contextmanager
def _one(what: str, path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as err:
        raise DroneTaken(what=what, cause=str(err)) from err
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            holder = os.pread(descriptor, 40, 0).decode("ascii", "replace").strip()
            raise DroneTaken(what=what, cause=f"pid {holder or '?'}") from err
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)  # which unlocks it; the file stays, as another may be waiting for it
