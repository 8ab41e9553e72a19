"""The built console, a district that runs, and a real browser that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from patrol.broker import Broker, free_port
from tests.web.town import ROOT, Town

CHROMIUM = os.environ.get("PATROL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 15_000  # the machine may be busy; nothing here takes this long
OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def console() -> Path:
    """Folder of the built console; it is built from web/ when it is not up to date."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "web" / "build.py")], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "patrol" / "center" / "console"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if CHROMIUM is None:
        pytest.skip(
            "CHROMIUM IS NOT INSTALLED: no page is looked at (apt-get install chromium, or set PATROL_CHROMIUM)"
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One NATS server for all districts."""
    server = Broker(tmp_path_factory.mktemp("broker"), "127.0.0.1", free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def town(console: Path, broker: Broker, tmp_path: Path) -> Iterator[Town]:
    """A district of the test's own, empty, its centre running."""
    del console  # has to be built before the centre starts
    town = Town.at(tmp_path, broker)
    town.start()
    yield town
    town.disconnect_box()
    town.stop()


@pytest.fixture
def open_page(browser: Browser, town: Town) -> Iterator[OpenPage]:
    """Opens the console: `open_page("zh-CN", width=360, path="#/...")`.

    At the end it proves for every page that nothing was asked of another host, that no script failed and that
    the browser had nothing to complain about (a breach of the security policy would be a complaint).
    """
    complaints: list[str] = []
    elsewhere: list[str] = []
    contexts = []

    def note_request(request: Request) -> None:
        if not request.url.startswith((f"{town.url}/", "data:", "blob:")):
            elsewhere.append(request.url)

    def note_console(message: ConsoleMessage) -> None:
        # a centre that a test stops and an address that leads nowhere are no fault of the page
        own = not re.search(r"net::ERR_|status of (404|503)", message.text)
        if message.type == "error" and own:
            complaints.append(message.text)

    def open_at(locale: str = "zh-CN", width: int = 1440, height: int = 900, path: str = "", **options: Any) -> Page:
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("request", note_request)
        page.on("console", note_console)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{town.url}/{path}")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert elsewhere == []
    assert complaints == []
