"""The evidence folder: files under the name of their SHA-256, and uploads that continue where they broke off.

A complete file is at `ab/cd/<sha256>` and never changes. What has come of one so far is at
`arriving/<sha256>`; its length is how much that is. A file becomes complete only after its bytes were
hashed and are on disk, by a rename; so at every moment, also after a power cut, a name in the folder
means the bytes that belong to it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from patrol.errors import DiskFull, EvidenceAltered, EvidenceUnwritable

MAX_BYTES = 64 * 1024 * 1024
HASH_PIECE_BYTES = 1024 * 1024
_ADDRESS = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Progress:
    """How much of a file is here."""

    offset_bytes: int
    complete: bool


class WrongOffset(Exception):
    """A piece does not begin where the file ends so far. Never leaves the centre: it becomes an HTTP answer."""

    def __init__(self, have_bytes: int) -> None:
        super().__init__(have_bytes)
        self.have_bytes = have_bytes


class EvidenceFolder:
    """Files by address. Only one upload of an address at a time; that is the caller's to see to."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, sha256: str) -> Path:
        """Where the complete file is (or will be). ValueError for what is no address, so no path can be made up."""
        if _ADDRESS.fullmatch(sha256) is None:
            raise ValueError("not the SHA-256 of a file")
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def _arriving(self, sha256: str) -> Path:
        self.path(sha256)
        return self._root / "arriving" / sha256

    def has(self, sha256: str) -> bool:
        """Whether the complete file is here."""
        return self.path(sha256).is_file()

    def progress(self, sha256: str) -> Progress | None:
        """How much is here; None when nothing is. Raises StorageError."""
        with self._translated():
            try:
                return Progress(self.path(sha256).stat().st_size, complete=True)
            except FileNotFoundError:
                pass
            try:
                return Progress(self._arriving(sha256).stat().st_size, complete=False)
            except FileNotFoundError:
                return None

    def append(self, sha256: str, offset_bytes: int, piece: bytes) -> int:
        """Add the bytes from `offset_bytes` on; how many there are then. Raises WrongOffset, StorageError."""
        path = self._arriving(sha256)
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                have_bytes = file.tell()
                if have_bytes != offset_bytes:
                    raise WrongOffset(have_bytes)
                file.write(piece)
        return offset_bytes + len(piece)

    def complete(self, sha256: str) -> None:
        """All bytes are here: hash them, keep them. Raises EvidenceAltered (nothing has changed), StorageError."""
        arriving, path = self._arriving(sha256), self.path(sha256)
        with self._translated():
            digest = hashlib.sha256()
            with arriving.open("rb") as file:
                while piece := file.read(HASH_PIECE_BYTES):
                    digest.update(piece)
                if digest.hexdigest() != sha256:
                    raise EvidenceAltered(sha256=sha256)
                os.fsync(file.fileno())
            path.parent.mkdir(parents=True, exist_ok=True)
            arriving.replace(path)
            for folder in (path.parent, path.parent.parent, self._root):
                _sync_folder(folder)

    def forget(self, sha256: str) -> None:
        """Drop what has come of an incomplete file. Raises StorageError."""
        with self._translated():
            self._arriving(sha256).unlink(missing_ok=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            if err.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(path=self._root) from err
            raise EvidenceUnwritable(path=self._root, cause=err.strerror or str(err)) from err


def _sync_folder(folder: Path) -> None:
    """Put the folder's own list of names on disk, so that a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
