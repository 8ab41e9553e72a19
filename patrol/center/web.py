"""The HTTP side as a whole: API, console, security headers; and the server that runs it in this process."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patrol.center import refusals
from patrol.errors import PortTaken

CONSOLE = Path(__file__).parent / "console"  # built from web/, not in git
STOP_WITHIN_S = 3
SECURITY_HEADERS = {
    # everything from here; thumbnails are data URLs
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>Sky-Ground Patrol</title></head><body>
<h1>控制台还没有构建</h1>
<p>中心在正常运行，接口可用：<a href="/api/v1/health">/api/v1/health</a>。页面由 <code>web/</code> 构建：</p>
<pre>python web/build.py</pre>
<hr>
<div lang="en">
<h1>The console is not built</h1>
<p>The centre runs, and its API answers: <a href="/api/v1/health">/api/v1/health</a>. The pages are built from <code>web/</code>:</p>
<pre>python web/build.py</pre>
</div>
</body></html>
"""
_HASHED = re.compile(r"-[A-Za-z0-9_]{8,}\.(js|css|map|woff2|svg)$")


class SecurityHeaders:
    """ASGI middleware that adds `SECURITY_HEADERS` to every answer that does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through; on the way back add the headers."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)


class Console(StaticFiles):
    """The built pages. What carries a hash in its name may be cached for ever, the rest is asked for each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with its caching."""
        response = await super().get_response(path, scope)
        hashed = _HASHED.search(path) is not None
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response


def create_app(routers: tuple[APIRouter, ...], software: str, console: Path = CONSOLE) -> FastAPI:
    """The application: `routers`, and the console (or a page that says how to build it) at `/`."""
    app = FastAPI(
        title="Sky-Ground Patrol: operation centre",
        version=software,
        description="Incidents, boxes, evidence and the map of one district. Words and units: docs/wire.md.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,  # the same
    )
    refusals.install(app)
    for router in routers:
        app.include_router(router)
    if (console / "index.html").is_file():
        app.mount("/", Console(directory=console, html=True), name="console")
    else:

        @app.get("/", include_in_schema=False, response_class=HTMLResponse)
        def not_built() -> str:
            return NOT_BUILT

    app.add_middleware(SecurityHeaders)
    return app


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`:`port`; port 0 takes a free one. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(256)
    except OSError as err:
        bound.close()
        raise PortTaken(host=host, port=port) from err
    bound.setblocking(False)
    return bound


class Server(uvicorn.Server):
    """uvicorn in this process. Signals are the command line's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def make_server(app: FastAPI) -> Server:
    """A server for `app`; `serve(sockets=[...])` runs until `should_exit`."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_S, timeout_keep_alive=30,
    )  # fmt: skip
    return Server(config)
