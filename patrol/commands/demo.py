"""`patrol demo`: see the product do its job."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from threading import Event as Flag

import click

from patrol.commands.options import district_option
from patrol.config import load
from patrol.demo import named_clip, prepare
from patrol.errors import Text
from patrol.scenes.demo_clips import rendered_clips
from patrol.terminal import Finite, language_of

PAGE = Text(
    "\n  The page: {url}\n\n  Ctrl-C ends it. Logs: {folder}\n", "\n  页面：{url}\n\n  按 Ctrl-C 结束。日志：{folder}\n"
)


@click.command("demo")
@click.option(
    "--clip",
    metavar="SOURCE",
    help="Watch this video file, folder of pictures or rtsp:// address instead of the rendered street.",
)
@click.option("--seconds", type=Finite(min=1), help="End after this time.  [default: until Ctrl-C]")
@click.option("--json", "as_json", is_flag=True, help="Print nothing but one summary line, as JSON, at the end.")
@district_option
def command(clip: str | None, seconds: float | None, as_json: bool, config_path: Path) -> None:
    """Run broker, centre, one box and a station on this machine, and watch cases appear on the page.

    Without --clip the street of the demo district is rendered first (once; it is kept in var/demo).
    A minute or so after the start a simulated drone flies a patrol; the box watches its camera too.
    Everything listens on loopback only, and everything it writes lies in var/demo.

    \b
    patrol demo
    patrol demo --clip holiday.mp4 --seconds 60
    """
    say = (lambda text: click.echo(text, err=True)) if as_json else click.echo
    stop = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    config = load(config_path)
    folder = config_path.resolve().parent / "var" / "demo"
    clips = {"clip": named_clip(clip)} if clip else rendered_clips(config, folder, say, stop)
    if stop.is_set():
        return
    demo, environ = prepare(config_path, clips, say, os.environ)
    try:
        demo.start(environ)
        say(PAGE.render(language_of(os.environ), url=demo.url, folder=demo.folder))
        demo.run(stop, seconds)
        summary = demo.summary()
    finally:
        demo.stop()
    click.echo(json.dumps(summary, ensure_ascii=False))
