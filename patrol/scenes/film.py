"""Writes pictures as an H.264 film. The one file of the renderer that knows PyAV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import av.error

from patrol.errors import ClipNotWritten
from patrol.scenes.sensor import Image

# cpu-independent: x264's fast rate control depends on where in memory a picture lies, and gives other bytes in each run.
ENCODER = {"preset": "veryfast", "crf": "24", "x264-params": "threads=1:cpu-independent=1"}


def write_film(path: Path, images: Iterable[Image], width_px: int, height_px: int, frames_per_s: int) -> int:
    """Writes (h, w, 3) RGB images as they come, and says how many. ClipNotWritten: disk full, no encoder,
    no right, odd size."""
    if width_px % 2 or height_px % 2:
        raise ClipNotWritten(path=path, cause=f"H.264 needs an even width and height, not {width_px} x {height_px}")
    count = 0
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=frames_per_s, options=ENCODER)
            stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
            stream.gop_size = 2 * frames_per_s
            stream.codec_context.thread_count = 1
            for image in images:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                count += 1
            container.mux(stream.encode(None))
    except (av.error.FFmpegError, OSError) as err:
        raise ClipNotWritten(path=path, cause=err) from err
    return count
