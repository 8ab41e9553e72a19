"""The one file that imports httpx: evidence goes to the centre, in pieces, and continues where it broke off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import httpx
import structlog

from patrol.errors import (
    CenterRefused,
    CenterUnreachable,
    EvidenceAltered,
    EvidenceError,
    EvidenceMissing,
    EvidenceRefused,
    LinkError,
    StorageError,
)
from patrol.events import EvidenceLost
from patrol_edge.evidence import EvidenceFolder
from patrol_edge.outbox import Outbox, Outgoing

PIECE_BYTES = 256 * 1024
TIMEOUT_S = 10.0
RETRY_S = (1.0, 60.0)  # first and longest wait after the centre did not answer
IDLE_S = 0.25
MAX_RESTARTS = 3  # how often a file is begun anew after the centre says its bytes are wrong
BATCH = 16
PASSING = {httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS}  # refusals that say: later


class Uploader:
    """Moves files of acknowledged alerts to the centre, one after the other, in a thread of its own."""

    def __init__(
        self, box: str, center_url: str, token: str, outbox: Outbox, folder: EvidenceFolder, wall: Callable[[], datetime],
        keep_days: float,
    ) -> None:  # fmt: skip
        self._box, self._outbox, self._folder, self._wall = box, outbox, folder, wall
        self._url = center_url
        self._keep = timedelta(days=keep_days)
        self._client = httpx.Client(
            base_url=center_url, timeout=TIMEOUT_S, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        self._log = structlog.get_logger().bind(box=box)

    def run(self, stop: Flag) -> None:
        """Until `stop`: upload what waits, remove what is old. A centre that is away never ends it."""
        failures = 0
        with self._client:
            while not stop.is_set():
                try:
                    moved = self.step(stop)
                    failures = 0
                    wait_s = 0.0 if moved else IDLE_S
                except (LinkError, StorageError) as err:
                    if failures == 0:
                        self._log.warning("evidence waits on disk", reason=err.explain("en"))
                    wait_s = min(RETRY_S[0] * 2 ** min(failures, 10), RETRY_S[1])
                    failures += 1
                stop.wait(wait_s)

    def step(self, stop: Flag) -> int:
        """Upload up to a batch; returns how many files were settled. Raises LinkError, StorageError."""
        settled = 0
        for sha256, alert_id, media_type in self._outbox.evidence_to_upload(BATCH):
            if stop.is_set():
                break
            try:
                if self._upload(sha256, media_type):
                    self._outbox.uploaded(sha256, self._wall())
                    settled += 1
            except EvidenceError as err:
                self._outbox.lost(sha256, self._notice(sha256, alert_id, err), self._wall())
                self._log.error("evidence lost, the alert stands", sha256=sha256, reason=err.explain("en"))
                settled += 1
        for sha256 in self._outbox.prunable(self._wall() - self._keep):
            self._folder.drop(sha256)
            self._outbox.pruned([sha256])
        return settled

    def _notice(self, sha256: str, alert_id: str, err: EvidenceError) -> Outgoing:
        reason: Literal["missing", "altered", "refused"] = (
            "missing"
            if isinstance(err, EvidenceMissing)
            else "altered"
            if isinstance(err, EvidenceAltered)
            else "refused"
        )
        data = EvidenceLost(
            alert_id=alert_id, box=self._box, sha256=sha256, reason=reason, detail=err.explain("en")[:500]
        )
        event_id = str(uuid5(NAMESPACE_URL, f"{alert_id}/{sha256}/lost"))
        return Outgoing(event_id, alert_id, data.type_name, self._wall(), data.model_dump_json())

    def _upload(self, sha256: str, media_type: str) -> bool:
        """Send one file; False when the centre does not know its alert yet.

        Raises EvidenceMissing, EvidenceAltered, EvidenceRefused, CenterUnreachable, CenterRefused.
        """
        content = self._folder.read(sha256)
        restarts = 0
        offset = self._offset(sha256)
        for _ in range(2 * len(content) // PIECE_BYTES + 10):  # an end even when the other side never agrees
            if offset >= len(content):
                return True
            piece = content[offset : offset + PIECE_BYTES]
            answer = self._request(
                "PATCH", sha256, content=piece,
                headers={"Upload-Offset": str(offset), "Upload-Length": str(len(content)), "Content-Type": media_type},
            )  # fmt: skip
            if answer.status_code == httpx.codes.TOO_EARLY:
                return False
            if answer.status_code == httpx.codes.CONFLICT:
                offset = self._offset(sha256)
            elif answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and restarts < MAX_RESTARTS:
                restarts, offset = restarts + 1, 0
            elif answer.is_success:
                offset = _number(answer, "Upload-Offset", offset + len(piece))
            else:
                raise EvidenceRefused(sha256=sha256, cause=f"{answer.status_code} {answer.text[:200]}")
        raise CenterUnreachable(url=self._url, cause="it does not agree on how much it has")

    def _offset(self, sha256: str) -> int:
        answer = self._request("HEAD", sha256)
        return _number(answer, "Upload-Offset", 0) if answer.is_success else 0

    def _request(
        self, method: str, sha256: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, f"/api/v1/evidence/{sha256}", content=content, headers=headers)
        except httpx.HTTPError as err:
            raise CenterUnreachable(url=self._url, cause=str(err) or type(err).__name__) from err
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise CenterRefused(url=self._url)
        if answer.is_server_error or answer.status_code in PASSING:
            raise CenterUnreachable(url=self._url, cause=f"HTTP {answer.status_code}")
        return answer


def _number(answer: httpx.Response, header: str, otherwise: int) -> int:
    text = answer.headers.get(header, "")
    return int(text) if text.isdigit() else otherwise
