"""Evidence over HTTP: boxes bring it, in pieces, and continue where they broke off; pages fetch it.

A box may bring only what one of its own alerts refers to, under the token of its configuration. The
answers and what a box makes of them: 425 the alert is not here yet, try again; 409 with the right offset,
continue there; 422 the bytes are not those of the address, begin anew; 5xx try again later; other 4xx never.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from weakref import WeakValueDictionary

import structlog
from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from patrol.center.answers import ErrorAnswer
from patrol.center.evidence import MAX_BYTES, EvidenceFolder, Progress, WrongOffset
from patrol.center.feed import Feed
from patrol.center.refusals import RETRY_AFTER_S, Refused
from patrol.center.store.reader import Reader
from patrol.center.store.writer import Claim, Writer
from patrol.errors import EvidenceAltered, Text

WRITE_BYTES = 256 * 1024  # collected before a thread writes them: progress that a broken connection keeps
PIECE_WITHIN_S = 30.0  # a connection that brings nothing for so long is dead
TURN_WITHIN_S = 5.0  # an earlier connection for the same file may take so long to be noticed as dead
Address = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file")]
Number = Annotated[int, Header(ge=0, le=2**53)]

_NO_TOKEN = Text(
    "Uploads need the token of a configured box (Authorization: Bearer ...).",
    "上传需要已配置盒子的令牌（Authorization: Bearer ...）。",
)
_NOT_YOURS = Text("No alert of this box refers to this file.", "这个盒子的警报没有引用该文件。")
_TOO_EARLY = Text("No alert refers to this file yet; try again.", "还没有警报引用该文件；请稍后再试。")
_TOO_LARGE = Text(f"Files may have up to {MAX_BYTES} bytes.", f"文件最多 {MAX_BYTES} 字节。")
_OFFSET = Text("It does not continue what is here; see Upload-Offset.", "与已有内容不衔接；见 Upload-Offset。")
_LENGTH = Text("It is not as long as its alert says.", "长度与警报所说不符。")
_OVERRUN = Text("There are more bytes than Upload-Length says.", "字节数超过 Upload-Length。")
_ALTERED = Text(
    "Its bytes do not have this SHA-256; what was here is removed, begin anew.",
    "内容与此 SHA-256 不符；已删除，请从头上传。",
)
_BUSY = Text("Another upload of this file is under way.", "该文件正在由另一连接上传。")
_STALLED = Text("Nothing came for too long.", "太久没有数据到来。")
_NONE = Text("This file is not here (yet).", "这个文件（还）不在这里。")
_REFUSALS: dict[int | str, dict[str, object]] = {
    code: {"model": ErrorAnswer, "description": said.en}
    for code, said in {401: _NO_TOKEN, 403: _NOT_YOURS, 409: _OFFSET, 413: _TOO_LARGE, 422: _ALTERED, 425: _TOO_EARLY}.items()
}  # fmt: skip


class Tokens:
    """Which box is it? Tokens are compared in constant time, and every one of them each time."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = {box: token.encode() for box, token in tokens.items()}

    def boxes(self, authorization: str | None) -> frozenset[str]:
        """The boxes that an Authorization header speaks for; empty when none."""
        scheme, _, token = (authorization or "").partition(" ")
        given = token.strip().encode("latin-1", "replace")
        found = frozenset(box for box, known in self._tokens.items() if hmac.compare_digest(known, given))
        return found if scheme.lower() == "bearer" else frozenset()


class Uploads:
    """Receives files, one connection a file at a time. Belongs to one event loop."""

    def __init__(
        self, folder: EvidenceFolder, writer: Writer, tokens: Tokens, feed: Feed, wall: Callable[[], datetime]
    ) -> None:
        self._folder, self._writer, self._tokens, self._feed, self._wall = folder, writer, tokens, feed, wall
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._log = structlog.get_logger()

    async def progress(self, sha256: str) -> Progress | None:
        """How many bytes are here and whether that is all; None when nothing is. Raises Refused, StorageError.

        Work that was cut short is finished first: all bytes came, but the connection or this program died
        before they were hashed, or before the file was noted as stored. So an incomplete file is always shorter.
        """
        claims = await asyncio.to_thread(self._writer.claims, sha256)
        async with self._turn(sha256):
            try:
                return await self._settled(sha256, claims, max((c.size_bytes for c in claims), default=MAX_BYTES))
            except EvidenceAltered:
                return None

    async def receive(self, request: Request, sha256: str, offset: int, length: int) -> int:
        """Take the body as the bytes from `offset` on; how many bytes are here then. Raises Refused, StorageError."""
        boxes = self._tokens.boxes(request.headers.get("authorization"))
        if not boxes:
            raise Refused(401, "token", _NO_TOKEN, {"WWW-Authenticate": "Bearer"})
        if length > MAX_BYTES or offset > MAX_BYTES:
            raise Refused(413, "too-large", _TOO_LARGE)
        claims = await asyncio.to_thread(self._writer.claims, sha256)
        if not claims:
            raise Refused(425, "too-early", _TOO_EARLY, {"Retry-After": RETRY_AFTER_S})
        mine = [claim for claim in claims if claim.box in boxes]
        if not mine:
            raise Refused(403, "not-yours", _NOT_YOURS)
        if all(claim.size_bytes != length for claim in mine):
            raise Refused(422, "length", _LENGTH)
        async with self._turn(sha256):
            try:
                progress = await self._settled(sha256, claims, length)
                have = 0 if progress is None else progress.offset_bytes
                if offset != have or (progress is not None and progress.complete):
                    raise _wrong_offset(have)
                have = await self._append_body(request, sha256, offset, length)
                await self._settled(sha256, claims, length)
            except EvidenceAltered as err:
                self._log.warning("evidence altered on its way", sha256=sha256, boxes=sorted(boxes))
                raise Refused(422, "altered", _ALTERED) from err
        return have

    @asynccontextmanager
    async def _turn(self, sha256: str) -> AsyncIterator[None]:
        """One at a time for a file. Raises Refused when the one before does not end."""
        turn = self._turns.setdefault(sha256, asyncio.Lock())
        try:
            async with asyncio.timeout(TURN_WITHIN_S):
                await turn.acquire()
        except TimeoutError as err:
            raise Refused(503, "busy", _BUSY, {"Retry-After": RETRY_AFTER_S}) from err
        try:
            yield
        finally:
            turn.release()

    async def _settled(self, sha256: str, claims: Sequence[Claim], length: int) -> Progress | None:
        """Complete and note the file when all of it is here.

        Alerts may contradict each other about its length: it is tried at each, and given up at `length`.
        Raises EvidenceAltered (it is removed), StorageError.
        """
        progress = await asyncio.to_thread(self._folder.progress, sha256)
        if progress is None:
            return None
        if not progress.complete:
            if progress.offset_bytes < length and all(c.size_bytes != progress.offset_bytes for c in claims):
                return progress
            try:
                await asyncio.to_thread(self._folder.complete, sha256)
            except EvidenceAltered:
                if progress.offset_bytes < length:
                    return progress
                await asyncio.to_thread(self._folder.forget, sha256)
                raise
        await self._note_stored(sha256, claims)
        return Progress(progress.offset_bytes, complete=True)

    async def _append_body(self, request: Request, sha256: str, offset: int, length: int) -> int:
        """Write the body as it comes, so that what has come stays when the connection breaks."""
        have, piece = offset, bytearray()
        stream = request.stream()

        async def write() -> None:
            nonlocal have
            taken = bytes(piece)
            piece.clear()
            if taken:
                have = await asyncio.to_thread(self._folder.append, sha256, have, taken)

        try:
            while True:
                try:
                    async with asyncio.timeout(PIECE_WITHIN_S):
                        chunk = await anext(stream, None)
                except TimeoutError as err:
                    raise Refused(408, "stalled", _STALLED) from err
                if chunk is None:
                    break
                if have + len(piece) + len(chunk) > length:
                    raise Refused(400, "overrun", _OVERRUN)
                piece += chunk
                if len(piece) >= WRITE_BYTES:
                    await write()
        except ClientDisconnect as err:
            raise Refused(400, "broken", _STALLED) from err  # nobody hears it
        except WrongOffset as err:
            raise _wrong_offset(err.have_bytes) from err
        finally:
            await write()
        return have

    async def _note_stored(self, sha256: str, claims: Sequence[Claim]) -> None:
        if all(claim.state == "stored" for claim in claims):
            return
        await asyncio.to_thread(self._writer.evidence_stored, sha256, self._wall())
        for incident_id in {claim.incident_id for claim in claims}:
            self._feed.tell("incident", incident_id)
        self._feed.tell("evidence", sha256)
        self._log.info("evidence stored", sha256=sha256, boxes=sorted({claim.box for claim in claims}))

    async def reconcile(self) -> int:
        """Note as stored what is in the folder but was not noted (killed in between); how many. Raises StorageError."""
        found = 0
        for sha256 in await asyncio.to_thread(self._writer.evidence_waiting):
            if await asyncio.to_thread(self._folder.has, sha256):
                await self._note_stored(sha256, await asyncio.to_thread(self._writer.claims, sha256))
                found += 1
        return found


def _wrong_offset(have: int) -> Refused:
    return Refused(409, "offset", _OFFSET, {"Upload-Offset": str(have)})


def routes(uploads: Uploads, folder: EvidenceFolder, reader: Reader) -> APIRouter:
    """HEAD, PATCH and GET of evidence."""
    router = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])

    @router.head("/{sha256}", summary="How much of a file is here", status_code=200)
    async def head(sha256: Address) -> Response:
        """Upload-Offset: bytes that are here; Upload-Complete: 1 when that is the whole file. 404: nothing yet."""
        progress = await uploads.progress(sha256)
        if progress is None:
            raise Refused(404, "none", _NONE)
        headers = {"Upload-Offset": str(progress.offset_bytes), "Upload-Complete": str(int(progress.complete))}
        return Response(headers={**headers, "Cache-Control": "no-store"})

    @router.patch("/{sha256}", summary="Bring a piece of a file", status_code=204, responses=_REFUSALS)
    async def patch(request: Request, sha256: Address, upload_offset: Number, upload_length: Number) -> Response:
        """The body holds the bytes from Upload-Offset on; Upload-Length is the length of the whole file.

        Needs `Authorization: Bearer <token of the box>`. Answers the new Upload-Offset.
        """
        have = await uploads.receive(request, sha256, upload_offset, upload_length)
        complete = str(int(have == upload_length))
        return Response(status_code=204, headers={"Upload-Offset": str(have), "Upload-Complete": complete})

    @router.get("/{sha256}", summary="A file", response_class=FileResponse, responses={404: {"model": ErrorAnswer}})
    def get(sha256: Address) -> FileResponse:
        """The file itself. Its address is its content, so it may be cached for ever."""
        media_type = reader.media_type(sha256)
        if media_type is None or not folder.has(sha256):
            raise Refused(404, "none", _NONE)
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Disposition": "inline"}
        return FileResponse(folder.path(sha256), media_type=media_type, headers=headers)

    return router
