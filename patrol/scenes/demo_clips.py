"""The films that the demonstration watches, rendered when they are not there yet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Event

from patrol.config import Config
from patrol.errors import ClipNotWritten
from patrol.scenes.clip import render_clip

SEED = 1
SAY_EVERY = 100  # frames


class _Stopped(Exception):
    """Rendering was asked to end."""


def rendered_clips(config: Config, folder: Path, say: Callable[[str], None], stop: Event) -> dict[str, str]:
    """A film in `folder` for each camera that has a pose and zones: camera id to path. Tells its progress to `say`.

    Ends early, with the films finished so far, when `stop` is set.
    """
    clips: dict[str, str] = {}
    for camera in config.cameras:
        if camera.pose is None or not camera.zones or stop.is_set():
            continue
        name = camera.id

        def progress(done: int, count: int, name: str = name) -> None:
            if stop.is_set():
                raise _Stopped
            if done == 1 or done % SAY_EVERY == 0 or done == count:
                say(f"  rendering {name} 正在渲染: {done}/{count}")

        path = folder / f"{name}.mp4"
        try:
            render_clip(config, name, path, SEED, progress=progress)
        except _Stopped:
            break
        except BrokenProcessPool as err:
            if stop.is_set():
                break  # the same signal that stops us has ended the renderers
            raise ClipNotWritten(path=path, cause="a renderer process died; was there enough memory?") from err
        clips[name] = str(path)
    return clips
