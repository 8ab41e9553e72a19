"""The one file that imports PyAV: clips, RTSP and USB cameras, and folders of pictures become frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import av
import av.error
import cv2
import numpy as np
import structlog

from patrol.errors import DecoderMissing, SourceError, SourceLost, SourceMissing, SourceUnreadable, ThermogramUnusable
from patrol_edge.frame import Frame, Image
from patrol_edge.thermal.files import SUFFIXES, ThermalSource
from patrol_edge.thermal.picture import painted

OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 10.0
MAX_BROKEN_IN_A_ROW = 50  # damaged pictures that are skipped before a source counts as unreadable
PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
FOLDER_INTERVAL_S = 1.0  # a folder has no times of its own: one picture a second


class Clock(Protocol):
    """Gives the present moment."""

    def now(self) -> datetime:
        """Aware, UTC."""


def is_live(source: str) -> bool:
    """Whether pictures come by themselves (a network or USB camera) rather than from a file."""
    return "://" in source or source.startswith("/dev/video")


def without_secrets(source: str) -> str:
    """The source as it may be logged: no user name, no password."""
    return re.sub(r"://[^@/]*@", "://", source)


def frames_of_file(
    source: str, camera: str, starts_at: datetime, thermal: ThermalSource | None = None
) -> Iterator[Frame]:
    """All pictures of a clip or folder. `taken_at` is `starts_at` plus the picture's own time in the clip.

    With `thermal`, pictures that hold temperatures bring them along. Raises SourceMissing, SourceUnreadable.
    """
    path = Path(source)
    if not path.exists():
        raise SourceMissing(source=source)
    if path.is_dir():
        yield from _frames_of_folder(path, camera, starts_at, thermal)
        return
    if thermal is not None and path.suffix.lower() in SUFFIXES:
        read = thermal.read(path)
        yield Frame(camera, starts_at, read.image, read.celsius)
        return
    with _open(source, {}) as container:
        first_s: float | None = None
        count = 0
        for picture, at_s in _decoded(container, source):
            first_s = at_s if first_s is None else first_s
            count += 1
            yield _frame(picture, camera, starts_at + timedelta(seconds=at_s - first_s), thermal, source)
        if not count:
            raise SourceUnreadable(source=source, cause="it holds no picture")


def frames_of_live(source: str, camera: str, clock: Clock, thermal: ThermalSource | None = None) -> Iterator[Frame]:
    """Pictures of a network or USB camera, stamped on arrival, until it stops.

    Raises SourceUnreadable when it cannot be opened, SourceLost when it stops delivering.
    """
    options: dict[str, str] = {}
    address = source
    if source.startswith("/dev/video"):
        if not Path(source).exists():
            raise SourceMissing(source=source)
    elif urlsplit(source).scheme in {"rtsp", "rtsps"}:
        # TCP: a lost UDP packet smears the picture, and a smear is no evidence
        # a camera says in its session description what it sends; FFmpeg's own five seconds of analysis are unwatched seconds
        options = {"rtsp_transport": "tcp", "fpsprobesize": "0", "analyzeduration": "200000"}
    elif urlsplit(source).scheme in {"http", "https"}:
        options = {"fpsprobesize": "0"}  # a drone's or camera's MJPEG names no rate: waiting for it is unwatched time
    count = 0
    try:
        with _open(address, options) as container:
            for picture, _ in _decoded(container, source):
                count += 1
                yield _frame(picture, camera, clock.now(), thermal, without_secrets(source))
    except SourceError as err:
        if count == 0:
            raise
        raise SourceLost(source=without_secrets(source), cause=err.facts.get("cause", "it ended")) from err
    raise SourceLost(source=without_secrets(source), cause="the stream ended")


def _frame(
    picture: av.VideoFrame, camera: str, taken_at: datetime, thermal: ThermalSource | None, source: str
) -> Frame:
    """A decoded picture as a frame; 16-bit grey of a thermal camera is counts, everything else is colours."""
    if thermal is not None and picture.format.name in {"gray16le", "gray16be"}:
        celsius = thermal.degrees(np.asarray(picture.to_ndarray(), np.uint16), source)
        return Frame(camera, taken_at, painted(celsius), celsius)
    return Frame(camera, taken_at, np.asarray(picture.to_ndarray(format="bgr24"), np.uint8))


def _open(source: str, options: dict[str, str]) -> av.container.InputContainer:
    form = "v4l2" if source.startswith("/dev/video") else None
    try:
        container = av.open(source, options=options, format=form, timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S))
    except (av.error.FFmpegError, OSError, ValueError) as err:
        raise SourceUnreadable(source=without_secrets(source), cause=_cause(err)) from err
    if not container.streams.video:
        container.close()
        raise SourceUnreadable(source=without_secrets(source), cause="it holds no video")
    container.streams.video[0].thread_type = "SLICE" if options else "AUTO"  # frame threads would delay live pictures
    return container


def _decoded(container: av.container.InputContainer, source: str) -> Iterator[tuple[av.VideoFrame, float]]:
    """Pictures with their time in the stream, seconds. Damaged ones are skipped, within bounds."""
    stream = container.streams.video[0]
    rate = float(stream.average_rate or 25)
    broken, index = 0, 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            pictures = packet.decode()
        except StopIteration:
            return
        except av.error.InvalidDataError as err:
            broken += 1
            if broken > MAX_BROKEN_IN_A_ROW:
                raise SourceUnreadable(source=without_secrets(source), cause=_cause(err)) from err
            continue
        except (av.error.FFmpegError, OSError) as err:
            raise SourceUnreadable(source=without_secrets(source), cause=_cause(err)) from err
        for picture in pictures:
            if picture.width == 0 or picture.height == 0:
                continue
            broken = 0
            base = picture.time_base
            at_s = index / rate if picture.pts is None or base is None else float(picture.pts * base)
            index += 1
            yield picture, at_s


def _frames_of_folder(folder: Path, camera: str, starts_at: datetime, thermal: ThermalSource | None) -> Iterator[Frame]:
    wanted = PICTURES if thermal is None else SUFFIXES
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in wanted)
    count = 0
    for n, path in enumerate(paths):
        taken_at = starts_at + timedelta(seconds=n * FOLDER_INTERVAL_S)
        frame = _still(path, camera, taken_at) if thermal is None else _thermal_still(path, camera, taken_at, thermal)
        if frame is not None:
            count += 1
            yield frame
    if not count:
        raise SourceUnreadable(source=str(folder), cause="it holds no readable picture")


def _still(path: Path, camera: str, taken_at: datetime) -> Frame | None:
    image = read_picture(path)
    return None if image is None else Frame(camera, taken_at, image)


def _thermal_still(path: Path, camera: str, taken_at: datetime, thermal: ThermalSource) -> Frame | None:
    """One thermal picture; None, and a line in the log that names file and remedy, when it is damaged."""
    try:
        read = thermal.read(path)
    except (ThermogramUnusable, DecoderMissing) as err:
        structlog.get_logger().bind(camera=camera).warning("thermal picture skipped", reason=err.explain("en"))
        return None
    return Frame(camera, taken_at, read.image, read.celsius)


def read_picture(path: Path) -> Image | None:
    """One picture file as (h, w, 3) BGR, or None when it is empty or damaged."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    if not len(data):
        return None
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return None if decoded is None else np.asarray(decoded, np.uint8)


def _cause(err: Exception) -> str:
    return str(getattr(err, "strerror", None) or err) or type(err).__name__
