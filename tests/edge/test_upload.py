"""Uploading, against a real HTTP server that answers as told: what is tried again, what is given up, what is reported."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from patrol.errors import CenterRefused, CenterUnreachable
from patrol.events import Acknowledgement
from patrol_edge.evidence import EvidenceFile, EvidenceFolder, picture_of
from patrol_edge.outbox import Outbox
from patrol_edge.upload import PIECE_BYTES, Uploader
from tests.edge.conftest import START, frame_at
from tests.edge.test_outbox import message

Answer = tuple[int, dict[str, str]]


class Server:
    """Keeps what is uploaded; `answer` decides on each PATCH: (number of the call, offset, length) to status and headers."""

    def __init__(self, answer: Callable[[int, int, int], Answer | None]) -> None:
        self.content = bytearray()
        self.calls: list[int] = []
        self.tokens: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                """How much is here."""
                self.send_response(200 if outer.content else 404)
                self.send_header("Upload-Offset", str(len(outer.content)))
                self.end_headers()

            def do_PATCH(self) -> None:
                """A piece."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                offset, length = int(self.headers["Upload-Offset"]), int(self.headers["Upload-Length"])
                outer.tokens.add(self.headers["Authorization"])
                outer.calls.append(offset)
                told = answer(len(outer.calls), offset, length)
                if told is None:
                    outer.content[offset:] = body
                    told = 204, {"Upload-Offset": str(len(outer.content))}
                self.send_response(told[0])
                for name, value in told[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Bench:
    """An outbox with one acknowledged alert that has one file, and an uploader."""

    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox(folder / "outbox.db")
        self.folder = EvidenceFolder(folder / "evidence")
        self.file = self._large(picture_of(frame_at(0), "frame"))
        self.folder.keep(self.file)
        self.outbox.put([(message("alert-001"), [self.file.ref])], "gate", "{}")
        self.outbox.settle([Acknowledgement(box="street", event_id="alert-001", outcome="stored")], START)

    def _large(self, file: EvidenceFile) -> EvidenceFile:
        content = file.content + bytes(3 * PIECE_BYTES)
        ref = file.ref.model_copy(update={"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)})
        return EvidenceFile(ref, content)

    def step(self, server_url: str) -> int:
        """One round of a fresh uploader."""
        uploader = Uploader("street", server_url, "the-token", self.outbox, self.folder, lambda: START, 30)
        with uploader._client:
            return uploader.step(threading.Event())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """See Bench."""
    made = Bench(tmp_path)
    yield made
    made.outbox.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[int, int, int], Answer | None]], Server]]:
    """Starts servers, and ends them."""
    servers: list[Server] = []

    def start(answer: Callable[[int, int, int], Answer | None]) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


Serve = Callable[[Callable[[int, int, int], Answer | None]], Server]


def test_a_file_goes_up_in_pieces_with_the_boxs_token(bench: Bench, serve: Serve) -> None:
    """All pieces arrive in order under the token, and the file counts as uploaded."""
    server = serve(lambda *_: None)
    assert bench.step(server.url) == 1
    assert bytes(server.content) == bench.file.content
    assert server.tokens == {"Bearer the-token"}
    assert len(server.calls) == 4
    assert bench.outbox.counts().evidence_waiting == 0


def test_an_interrupted_upload_continues_where_it_broke_off(bench: Bench, serve: Serve) -> None:
    """After the centre failed in mid-file, the next round sends only what is missing."""
    server = serve(lambda call, *_: (503, {}) if call == 3 else None)
    with pytest.raises(CenterUnreachable):
        bench.step(server.url)
    assert bench.step(server.url) == 1
    assert server.calls == [0, PIECE_BYTES, 2 * PIECE_BYTES, 2 * PIECE_BYTES, 3 * PIECE_BYTES]
    assert bytes(server.content) == bench.file.content


def test_a_different_offset_is_taken_over(bench: Bench, serve: Serve) -> None:
    """When the centre says it has less than thought, the box goes back and continues there."""

    def answer(call: int, offset: int, length: int) -> Answer | None:
        del offset, length
        if call == 3:
            del server.content[PIECE_BYTES // 2 :]
            return 409, {}
        return None

    server = serve(answer)
    assert bench.step(server.url) == 1
    assert bytes(server.content) == bench.file.content


@pytest.mark.parametrize("status", [500, 503, 507, 408, 429])
def test_trouble_that_passes_loses_nothing(bench: Bench, serve: Serve, status: int) -> None:
    """A centre that is broken, full or busy leaves the file waiting."""
    server = serve(lambda *_: (status, {}))
    with pytest.raises(CenterUnreachable):
        bench.step(server.url)
    assert bench.outbox.counts().evidence_waiting == 1


def test_a_wrong_token_waits_for_the_right_one(bench: Bench, serve: Serve) -> None:
    """401 is a mistake somebody will mend: nothing is given up for it."""
    server = serve(lambda *_: (401, {}))
    with pytest.raises(CenterRefused, match="token"):
        bench.step(server.url)
    assert bench.outbox.counts().evidence_waiting == 1


def test_an_alert_not_yet_known_is_waited_for(bench: Bench, serve: Serve) -> None:
    """425 leaves the file for the next round, without an error."""
    server = serve(lambda call, *_: (425, {}) if call == 1 else None)
    assert bench.step(server.url) == 0
    assert bench.step(server.url) == 1


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_a_final_refusal_is_reported_and_the_alert_stands(bench: Bench, serve: Serve, status: int) -> None:
    """What the centre will never take is given up once, and a message tells it so; 422 is begun anew three times first."""
    server = serve(lambda *_: (status, {}))
    assert bench.step(server.url) == 1
    assert len(server.calls) == (4 if status == 422 else 1)
    assert [w.message.type_name for w in bench.outbox.waiting(10)] == ["patrol.evidence.lost"]
    assert bench.outbox.counts().evidence_waiting == 0


def test_a_centre_that_never_agrees_has_an_end(bench: Bench, serve: Serve) -> None:
    """A server that answers 409 for ever is left after a bounded number of requests."""
    server = serve(lambda *_: (409, {}))
    with pytest.raises(CenterUnreachable, match="agree"):
        bench.step(server.url)
    assert len(server.calls) < 30


def test_nobody_there(bench: Bench) -> None:
    """A refused connection is the centre being away."""
    with pytest.raises(CenterUnreachable):
        bench.step("http://127.0.0.1:9")
