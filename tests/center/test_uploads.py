"""Evidence over HTTP: resumable, only from the box it belongs to, only with the bytes it says."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patrol.center import uploads as uploads_module
from patrol.center.dispatch import Dispatcher
from patrol.center.evidence import MAX_BYTES, EvidenceFolder, WrongOffset
from patrol.center.feed import Feed
from patrol.center.store.database import Database, database_url
from patrol.center.store.messages import Rules
from patrol.center.store.reader import Reader
from patrol.center.store.writer import Writer
from patrol.center.understand import understand
from patrol.center.uploads import Tokens, Uploads, routes
from patrol.center.web import create_app, listen, make_server
from patrol.errors import DiskFull, EvidenceAltered, EvidenceUnwritable, SecretNotSet
from tests.center.boxside import T0, came, evidence_ref, raised
from tests.center.conftest import ENVIRON, WITHIN_S, configured, running

CONFIG = configured()
STREET = {"Authorization": "Bearer street-secret"}


def address(content: bytes) -> str:
    """Where it belongs."""
    return hashlib.sha256(content).hexdigest()


class Center:
    """Evidence routes on a real HTTP server, on a real database; messages are recorded directly."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(database_url(f"sqlite:///{folder}/p.db", folder, {}))
        self.database.open()
        self.folder = EvidenceFolder(folder / "evidence")
        rules = Rules(CONFIG, Dispatcher(CONFIG))
        self.writer, self.reader = Writer(self.database, rules), Reader(self.database)
        self.feed = Feed()
        tokens = Tokens({"street": "street-secret", "yard": "yard-secret"})
        self.uploads = Uploads(self.folder, self.writer, tokens, self.feed, lambda: datetime.now(UTC))

    def expect(self, content: bytes, box: str = "street", size_bytes: int | None = None) -> str:
        """An alert refers to this content; its address."""
        ref = evidence_ref(address(content), len(content) if size_bytes is None else size_bytes)
        self.writer.take([understand(came(raised(box=box, evidence=[ref])), "demo", ())], [], T0)
        return ref.sha256

    def state(self, sha256: str) -> str:
        """What the database says about a file."""
        (state,) = {claim.state for claim in self.writer.claims(sha256)}
        return state

    def serve(self, scene: Any) -> None:
        """Run `scene(client)` while a real server answers."""

        async def run() -> None:
            bound = listen("127.0.0.1", 0)
            server = make_server(create_app((routes(self.uploads, self.folder, self.reader),), "test"))
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            base = f"http://127.0.0.1:{bound.getsockname()[1]}/api/v1/evidence"
            try:
                async with httpx.AsyncClient(base_url=base, timeout=WITHIN_S, trust_env=False) as client:
                    await scene(client)
            finally:
                server.should_exit = True
                await serving
                bound.close()

        asyncio.run(run())


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    """One with nothing in it."""
    one = Center(tmp_path)
    yield one
    one.database.close()


async def patch(
    client: httpx.AsyncClient, sha256: str, offset: int, piece: Any, length: int, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send a piece as a box does."""
    said = {"Upload-Offset": str(offset), "Upload-Length": str(length), **(STREET if headers is None else headers)}
    return await client.patch(f"/{sha256}", content=piece, headers=said)


def test_a_file_goes_up_and_comes_down(center: Center) -> None:
    """In one piece: 404 before, 204, then complete, stored in the database, and served as what it is, for ever."""
    content = random.Random(1).randbytes(300_000)
    sha256 = center.expect(content)

    async def scene(client: httpx.AsyncClient) -> None:
        assert (await client.head(f"/{sha256}")).status_code == 404
        assert (await client.get(f"/{sha256}")).status_code == 404
        answer = await patch(client, sha256, 0, content, len(content))
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(content)))
        head = await client.head(f"/{sha256}")
        assert (head.headers["Upload-Offset"], head.headers["Upload-Complete"]) == (str(len(content)), "1")
        file = await client.get(f"/{sha256}")
        assert file.content == content
        assert file.headers["Content-Type"] == "image/jpeg"
        assert "immutable" in file.headers["Cache-Control"]
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        again = await patch(client, sha256, len(content), b"x", len(content))
        assert (again.status_code, again.headers["Upload-Offset"]) == (409, str(len(content)))

    center.serve(scene)
    assert center.state(sha256) == "stored"
    assert center.folder.path(sha256).parts[-3:] == (sha256[:2], sha256[2:4], sha256)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 200_000), cuts=st.lists(st.floats(0, 1), max_size=5))
def test_interrupted_anywhere_it_continues(center: Center, seed: int, size: int, cuts: list[float]) -> None:
    """Broken off after any number of bytes, any number of times, the box goes on from the offset it is told."""
    content = random.Random(seed).randbytes(size)
    sha256 = center.expect(content)

    async def broken(piece: bytes) -> Any:
        yield piece
        raise ConnectionAbortedError

    async def scene(client: httpx.AsyncClient) -> None:
        for cut in sorted(int(share * size) for share in cuts):
            head = await client.head(f"/{sha256}")
            offset = int(head.headers.get("Upload-Offset", 0))
            if head.headers.get("Upload-Complete") == "1" or cut <= offset:
                continue
            with pytest.raises(ConnectionAbortedError):
                await patch(client, sha256, offset, broken(content[offset:cut]), size)
        offset = -1
        async with asyncio.timeout(WITHIN_S):
            while (
                answer := await patch(client, sha256, max(offset, 0), content[max(offset, 0) :], size)
            ).status_code != 204:
                assert answer.status_code in (409, 503)
                offset = int(answer.headers.get("Upload-Offset", 0))
                if offset == size:
                    break
        assert (await client.get(f"/{sha256}")).content == content

    center.serve(scene)
    assert center.state(sha256) == "stored"


def test_altered_bytes_are_refused_and_begin_anew(center: Center) -> None:
    """422, nothing is kept, and the right bytes are welcome afterwards."""
    content = b"the picture as it was taken"
    sha256 = center.expect(content)

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await patch(client, sha256, 0, content.replace(b"taken", b"faked"), len(content))
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "altered"
        assert (await client.head(f"/{sha256}")).status_code == 404
        assert center.state(sha256) == "waiting"
        assert (await patch(client, sha256, 0, content, len(content))).status_code == 204

    center.serve(scene)
    assert center.state(sha256) == "stored"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic street-secret"}, 401),
        ({"Authorization": "Bearer street-secre"}, 401),
        ({"Authorization": "Bearer yard-secret"}, 403),
        ({"Authorization": "bearer street-secret"}, 204),
    ],
)
def test_only_its_own_box_may_bring_it(center: Center, headers: dict[str, str], status: int) -> None:
    """Without, with a wrong, and with another box's token nothing is written."""
    sha256 = center.expect(b"proof")

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await patch(client, sha256, 0, b"proof", 5, headers)
        assert answer.status_code == status
        if status != 204:
            assert set(answer.json()["error"]["message"]) == {"zh", "en"}
            assert (await client.head(f"/{sha256}")).status_code == 404

    center.serve(scene)


def test_what_does_not_fit(center: Center) -> None:
    """Too early, too large, of another length, overrunning, with headers that are no numbers: each its own answer."""
    sha256, unknown = center.expect(b"proof"), "f" * 64
    large = center.expect(b"large", size_bytes=MAX_BYTES + 1)

    async def scene(client: httpx.AsyncClient) -> None:
        assert (await patch(client, unknown, 0, b"proof", 5)).status_code == 425
        assert (await patch(client, large, 0, b"large", MAX_BYTES + 1)).status_code == 413
        assert (await patch(client, sha256, 0, b"proo", 4)).status_code == 422
        assert (await patch(client, sha256, 0, b"proof and more", 5)).status_code == 400
        assert (await patch(client, sha256, 3, b"of", 5)).headers["Upload-Offset"] == "0"
        for bad in ({"Upload-Offset": "x"}, {"Upload-Offset": "-1"}, {"Upload-Length": "1e9"}):
            assert (await patch(client, sha256, 0, b"proof", 5, {**STREET, **bad})).status_code == 422
        assert (await patch(client, sha256, 0, b"pro", 5)).headers["Upload-Offset"] == "3"
        assert (await patch(client, sha256, 3, b"of", 5)).status_code == 204

    center.serve(scene)


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e%2f%2e%2e%2fp.db",
        "/" + "A" * 64,
        "/" + "a" * 63,
        "/" + "a" * 64 + "%00",
        "/" + "a" * 64 + "%0a",
        "/arriving",
        "/%c0%ae%c0%ae",
    ],
)
def test_no_path_can_be_made_up(center: Center, path: str) -> None:
    """Whatever stands where the address belongs, nothing but an address is looked up."""

    async def scene(client: httpx.AsyncClient) -> None:
        for method in ("GET", "HEAD", "PATCH"):
            url = httpx.URL(str(client.base_url).rstrip("/") + path)
            answer = await client.request(method, url, headers={**STREET, "Upload-Offset": "0", "Upload-Length": "1"})
            assert answer.status_code in (404, 405, 422), (method, answer.status_code)

    center.serve(scene)


@given(st.text(max_size=80))
def test_the_folder_itself_knows_addresses_only(text: str) -> None:
    """Even past the HTTP side, what is no SHA-256 makes no path."""
    with pytest.raises(ValueError, match="not the SHA-256"):
        EvidenceFolder(Path("/nowhere")).path(text)


def test_two_connections_for_one_file_take_turns(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second connection waits a little for the first, then is told to come back: 503, which a box retries."""
    monkeypatch.setattr(uploads_module, "TURN_WITHIN_S", 0.1)
    sha256 = center.expect(b"proof")
    go_on = asyncio.Event()

    async def slow() -> Any:
        yield b"pro"
        await go_on.wait()
        yield b"of"

    async def scene(client: httpx.AsyncClient) -> None:
        first = asyncio.create_task(patch(client, sha256, 0, slow(), 5))
        while not center.uploads._turns:  # noqa: ASYNC110 - it says nothing when it begins
            await asyncio.sleep(0.01)
        second = await patch(client, sha256, 0, b"proof", 5)
        assert (second.status_code, second.headers["Retry-After"]) == (503, "2")
        go_on.set()
        assert (await first).status_code == 204

    center.serve(scene)


def test_a_connection_that_brings_nothing_is_dropped(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not block its file for ever; what it brought stays."""
    monkeypatch.setattr(uploads_module, "PIECE_WITHIN_S", 0.1)
    sha256 = center.expect(b"proof")
    never = asyncio.Event()

    async def stalling() -> Any:
        yield b"pro"
        await never.wait()

    async def scene(client: httpx.AsyncClient) -> None:
        stalled = asyncio.create_task(patch(client, sha256, 0, stalling(), 5))
        async with asyncio.timeout(WITHIN_S):
            while (await client.head(f"/{sha256}")).headers.get("Upload-Offset") != "3":  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.02)
        assert (await patch(client, sha256, 3, b"of", 5)).status_code == 204
        stalled.cancel()

    center.serve(scene)


def test_killed_between_file_and_database(center: Center) -> None:
    """A file that is complete but was not noted is noted at the next start, or when its box asks."""
    for content, healed_by_start in ((b"one", True), (b"two", False)):
        sha256 = center.expect(content)
        center.folder.append(sha256, 0, content)
        center.folder.complete(sha256)
        assert center.state(sha256) == "waiting"
        if healed_by_start:
            assert asyncio.run(center.uploads.reconcile()) == 1
        else:

            async def scene(client: httpx.AsyncClient, sha256: str = sha256) -> None:
                assert (await client.head(f"/{sha256}")).headers["Upload-Complete"] == "1"

            center.serve(scene)
        assert center.state(sha256) == "stored"


def test_a_box_that_lies_about_a_length_cannot_block_another(center: Center) -> None:
    """Two alerts that contradict each other about a file's length: the box with the true one brings it all the same."""
    content = b"the whole truth"
    sha256 = center.expect(content)
    for size_bytes in (3, 99):
        center.expect(content, box="yard", size_bytes=size_bytes)

    async def scene(client: httpx.AsyncClient) -> None:
        for offset in range(0, len(content), 3):
            assert (await client.head(f"/{sha256}")).headers.get("Upload-Offset", "0") == str(offset)
            assert (await patch(client, sha256, offset, content[offset : offset + 3], len(content))).status_code == 204

    center.serve(scene)
    assert center.state(sha256) == "stored"


def test_killed_between_the_last_byte_and_the_hash(center: Center) -> None:
    """All bytes are here but were not hashed: asked for, the file is completed; wrong ones are gone and begin anew."""
    right, wrong = center.expect(b"right"), center.expect(b"wrong")
    center.folder.append(right, 0, b"right")
    center.folder.append(wrong, 0, b"WRONG")

    async def scene(client: httpx.AsyncClient) -> None:
        assert (await client.head(f"/{right}")).headers["Upload-Complete"] == "1"
        assert (await client.head(f"/{wrong}")).status_code == 404
        assert (await patch(client, wrong, 0, b"wrong", 5)).status_code == 204

    center.serve(scene)
    assert (center.state(right), center.state(wrong)) == ("stored", "stored")


def test_the_folder(tmp_path: Path) -> None:
    """Pieces must fit, wrong bytes go, a folder that cannot be written is our error and not the operating system's."""
    folder = EvidenceFolder(tmp_path / "evidence")
    sha256 = address(b"proof")
    assert folder.progress(sha256) is None
    assert folder.append(sha256, 0, b"pro") == 3
    with pytest.raises(WrongOffset):
        folder.append(sha256, 2, b"oof")
    folder.append(sha256, 3, b"XX")
    with pytest.raises(EvidenceAltered):
        folder.complete(sha256)
    folder.forget(sha256)
    assert folder.progress(sha256) is None
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(EvidenceUnwritable, match=r"cannot be used.*boxes try again"):
        EvidenceFolder(tmp_path / "file").append(sha256, 0, b"x")


def test_a_full_disk_is_said_as_such_and_nothing_is_lost(center: Center) -> None:
    """507, which a box retries; the upload goes on where it stopped once there is room."""
    sha256 = center.expect(b"proof")

    async def scene(client: httpx.AsyncClient) -> None:
        def full(*_: object) -> int:
            raise DiskFull(path="here")

        with pytest.MonkeyPatch.context() as patched:  # a full disk cannot be had for a test
            patched.setattr(center.folder, "append", full)
            answer = await patch(client, sha256, 0, b"proof", 5)
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "DiskFull")
        assert (await patch(client, sha256, 0, b"proof", 5)).status_code == 204

    center.serve(scene)


def test_a_centre_without_its_tokens_does_not_start(tmp_path: Path) -> None:
    """A token that is not set, or empty (which would let everybody in), is named before anything listens."""

    async def start(environ: dict[str, str], monkeypatched: pytest.MonkeyPatch) -> None:
        monkeypatched.setattr("tests.center.conftest.ENVIRON", environ)
        async with running(configured(center__port=0), tmp_path):
            pass

    for environ in ({}, {**ENVIRON, "PATROL_TOKEN_YARD": " "}):
        with pytest.MonkeyPatch.context() as patched, pytest.raises(SecretNotSet, match="PATROL_TOKEN"):
            asyncio.run(start(environ, patched))
