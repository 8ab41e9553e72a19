"""Pictures that prove something: encoded, hashed, and safely on disk before anybody is told."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from patrol.errors import DiskFull, EvidenceAltered, EvidenceMissing, OutboxUnusable
from patrol.events import EvidenceRef
from patrol_edge.frame import Frame, Image
from patrol_edge.rules.sighting import Box

JPEG_QUALITY = 90
THUMBNAIL_WIDTH_PX = 240
THUMBNAIL_MAX_BYTES = 20_000  # what fits into an alert beside everything else, as base64
RED = (40, 40, 230)


@dataclass(frozen=True)
class EvidenceFile:
    """Bytes with the reference under which they will be known."""

    ref: EvidenceRef
    content: bytes


def picture_of(frame: Frame, role: Literal["frame", "marked"], box_px: Box | None = None) -> EvidenceFile:
    """The frame as a JPEG, with `box_px` drawn in when it is given."""
    image = frame.image
    if box_px is not None:
        image = image.copy()
        x0, y0, x1, y1 = (round(v) for v in box_px)
        cv2.rectangle(image, (x0, y0), (x1, y1), RED, max(2, frame.size_px[0] // 400))
    content = jpeg(image, JPEG_QUALITY)
    ref = EvidenceRef(
        sha256=hashlib.sha256(content).hexdigest(), media_type="image/jpeg", size_bytes=len(content), role=role,
        taken_at=frame.taken_at, blurred=False,
    )  # fmt: skip
    return EvidenceFile(ref, content)


def degrees_of(frame: Frame) -> tuple[EvidenceFile, ...]:
    """The temperatures of a thermal frame as a float32 TIFF in °C, so that every figure can be checked; () without any."""
    if frame.celsius is None:
        return ()
    _, encoded = cv2.imencode(".tiff", frame.celsius)
    content = bytes(encoded)
    ref = EvidenceRef(
        sha256=hashlib.sha256(content).hexdigest(), media_type="image/tiff", size_bytes=len(content), role="frame",
        taken_at=frame.taken_at, blurred=False,
    )  # fmt: skip
    return (EvidenceFile(ref, content),)


def thumbnail_base64(frame: Frame, box_px: Box) -> str | None:
    """A small JPEG of the finding with some surroundings, base64; None when even the worst quality is too large."""
    x0, y0, x1, y1 = box_px
    width, height = frame.size_px
    half = max(x1 - x0, (y1 - y0) * 4 / 3, width / 6) * 0.9
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    left, right = max(0, round(cx - half)), min(width, round(cx + half))
    top, bottom = max(0, round(cy - half * 3 / 4)), min(height, round(cy + half * 3 / 4))
    cut = frame.image[top:bottom, left:right]
    if cut.size == 0:
        return None
    scale = THUMBNAIL_WIDTH_PX / cut.shape[1]
    small = cv2.resize(cut, (THUMBNAIL_WIDTH_PX, max(1, round(cut.shape[0] * scale))), interpolation=cv2.INTER_AREA)
    for quality in (80, 60, 40, 20):
        content = jpeg(np.asarray(small, np.uint8), quality)
        if len(content) <= THUMBNAIL_MAX_BYTES:
            return base64.b64encode(content).decode()
    return None


def jpeg(image: Image, quality: int) -> bytes:
    """(h, w, 3) BGR as JPEG."""
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(encoded)


class EvidenceFolder:
    """Files by their SHA-256, written so that a power cut leaves either the whole file or none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where a file lies, whether it is there or not."""
        return self._folder / sha256[:2] / sha256

    def keep(self, file: EvidenceFile) -> None:
        """Write the bytes and make sure they are on the disk. Raises DiskFull, OutboxUnusable."""
        target = self.path(file.ref.sha256)
        if target.exists() and target.stat().st_size == file.ref.size_bytes:
            return
        partial = target.with_suffix(".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as out:
                out.write(file.content)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(target)
            sync_folder(target.parent)
            sync_folder(self._folder)
        except OSError as err:
            if err.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(path=self._folder) from err
            raise OutboxUnusable(path=target, cause=err) from err

    def read(self, sha256: str) -> bytes:
        """The file's bytes, checked. Raises EvidenceMissing, EvidenceAltered."""
        path = self.path(sha256)
        try:
            content = path.read_bytes()
        except OSError as err:
            raise EvidenceMissing(path=path) from err
        if hashlib.sha256(content).hexdigest() != sha256:
            raise EvidenceAltered(sha256=sha256)
        return content

    def drop(self, sha256: str) -> None:
        """Remove a file that is no longer needed."""
        self.path(sha256).unlink(missing_ok=True)

    def strays(self, known: frozenset[str], older_than: datetime) -> list[Path]:
        """Files that no alert refers to, left by a death between file and record, last changed before `older_than`."""
        return [
            path
            for path in self._folder.glob("??/*")
            if path.name.removesuffix(".part") not in known and path.stat().st_mtime < older_than.timestamp()
        ]


def sync_folder(folder: Path) -> None:
    """Make a new name in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
