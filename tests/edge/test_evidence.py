"""Evidence and its keeper: bytes on disk under their hash before anybody is told, and a disk that refuses."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from patrol.config import Config
from patrol.errors import DiskFull, EvidenceAltered, EvidenceMissing
from patrol.events import AlertRaised
from patrol_edge.evidence import EvidenceFolder, picture_of, thumbnail_base64
from patrol_edge.frame import Frame
from patrol_edge.keeper import Keeper
from patrol_edge.outbox import Outbox
from patrol_edge.pipeline import Finding, Pipeline, Watcher
from tests.edge.conftest import START, ScriptedDetector, frame_at

CAR = ("car", 0.9, (640.0, 300.0, 800.0, 420.0))  # inside the demo district's fire lane as `gate` sees it


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """An empty one."""
    opened = Outbox(tmp_path / "outbox.db")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> EvidenceFolder:
    """An empty one."""
    return EvidenceFolder(tmp_path / "evidence")


def one_finding(config: Config) -> Finding:
    """What the gate camera finds when a car stands in the lane for its dwell."""
    pipeline = Pipeline(Watcher.of(config, config.camera("gate")), {"street": ScriptedDetector(lambda _: [CAR])})
    memory, findings = pipeline.judge(frame_at(0), {})
    for second in range(2, 40, 2):
        memory, more = pipeline.judge(frame_at(second), memory)
        findings += more
    assert len(findings) == 1
    return findings[0]


def test_an_alert_proves_itself(config: Config, folder: EvidenceFolder) -> None:
    """Every file an alert names exists with exactly those bytes, decodes to the frame's size, and one has the finding drawn in."""
    finding = one_finding(config)
    assert isinstance(finding.data, AlertRaised)
    for file in finding.files:
        folder.keep(file)
    for ref in finding.data.evidence:
        content = folder.read(ref.sha256)
        assert hashlib.sha256(content).hexdigest() == ref.sha256
        assert len(content) == ref.size_bytes
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        assert decoded.shape == (720, 1280, 3)
    assert {ref.role for ref in finding.data.evidence} == {"frame", "marked"}
    assert finding.data.thumbnail_jpeg_base64 is not None
    assert base64.b64decode(finding.data.thumbnail_jpeg_base64)[:2] == b"\xff\xd8"


def test_an_alert_says_where_and_why(config: Config) -> None:
    """The alert carries a position in the fire lane, its dwell, its votes and the model that saw it."""
    data = one_finding(config).data
    assert isinstance(data, AlertRaised)
    assert data.position is not None
    lane = config.fire_lanes[0].area
    assert min(p.lat_deg for p in lane) < data.position.lat_deg < max(p.lat_deg for p in lane)
    assert data.explanation.dwell_s == 20
    assert data.explanation.votes == data.explanation.looks == 11
    assert data.model is not None
    assert data.model.name == "scripted"


def test_a_thumbnail_always_fits_into_an_alert() -> None:
    """Even noise, which no JPEG compresses, becomes a thumbnail that the wire allows."""
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    text = thumbnail_base64(Frame("gate", START, noise), (0.0, 0.0, 1280.0, 720.0))
    assert text is not None
    assert len(text) <= 32_000


def test_missing_and_altered_files(folder: EvidenceFolder) -> None:
    """A file that is gone and a file whose bytes changed are told apart."""
    file = picture_of(frame_at(0), "frame")
    folder.keep(file)
    folder.path(file.ref.sha256).write_bytes(b"something else")
    with pytest.raises(EvidenceAltered):
        folder.read(file.ref.sha256)
    folder.drop(file.ref.sha256)
    with pytest.raises(EvidenceMissing):
        folder.read(file.ref.sha256)


def test_strays_are_old_files_that_no_alert_names(folder: EvidenceFolder) -> None:
    """A file left by a death between file and record is found; a fresh one and a named one are not."""
    file = picture_of(frame_at(0), "frame")
    folder.keep(file)
    long_ago = (START - timedelta(days=2)).timestamp()
    os.utime(folder.path(file.ref.sha256), (long_ago, long_ago))
    assert folder.strays(frozenset(), START) == [folder.path(file.ref.sha256)]
    assert folder.strays(frozenset({file.ref.sha256}), START) == []
    assert folder.strays(frozenset(), START - timedelta(days=3)) == []


def test_findings_wait_in_memory_while_the_disk_is_full(
    config: Config, outbox: Outbox, folder: EvidenceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no room on the disk nothing is told, nothing is lost, and all is written once there is room again."""
    keeper = Keeper("gate", outbox, folder)
    finding = one_finding(config)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DiskFull):
            folder.keep(finding.files[0])
        assert keeper.keep({}, [finding], START) == []
        assert keeper.keep({}, [], START + timedelta(seconds=1)) == []
        assert outbox.waiting(10) == []
    assert keeper.keep({}, [], START + timedelta(seconds=2)) == [finding]
    assert [w.message.event_id for w in outbox.waiting(10)] == [finding.data.alert_id]
    assert folder.read(finding.files[0].ref.sha256)


def test_a_restart_in_mid_dwell_alerts_on_time(config: Config, outbox: Outbox, folder: EvidenceFolder) -> None:
    """A box killed after 12 of 20 seconds raises the alert at 20, not 32: the memory was on disk."""
    watcher = Watcher.of(config, config.camera("gate"))

    def watch(begin: int, end: int) -> list[tuple[int, Finding]]:
        keeper = Keeper("gate", outbox, folder)
        pipeline = Pipeline(watcher, {"street": ScriptedDetector(lambda _: [CAR])})
        found = []
        for second in range(begin, end, 2):
            memory, findings = pipeline.judge(frame_at(second), keeper.memory)
            found += [(second, f) for f in keeper.keep(memory, findings, frame_at(second).taken_at)]
        return found

    assert watch(0, 14) == []
    assert [second for second, _ in watch(14, 60)] == [20]


def test_memory_of_another_program_is_forgotten_not_fatal(
    config: Config, outbox: Outbox, folder: EvidenceFolder
) -> None:
    """A memory that cannot be read costs a dwell, not the box."""
    del config
    outbox.remember("gate", '{"lane": "nonsense"}')
    assert Keeper("gate", outbox, folder).memory == {}


def test_an_alert_of_a_zone_that_is_no_more_is_ended(config: Config) -> None:
    """When a zone is taken out of the configuration, what it had raised ends instead of staying open for ever."""
    camera = config.camera("gate")
    pipeline = Pipeline(Watcher.of(config, camera), {"street": ScriptedDetector(lambda _: [CAR])})
    memory, _ = pipeline.judge(frame_at(0), {})
    for second in range(2, 30, 2):
        memory, _ = pipeline.judge(frame_at(second), memory)
    without = Pipeline(
        Watcher.of(config, camera.model_copy(update={"zones": ()})), {"street": ScriptedDetector(lambda _: [])}
    )
    after, findings = without.judge(frame_at(40), memory)
    assert after == {}
    assert [f.data.type_name for f in findings] == ["patrol.alert.ended"]
