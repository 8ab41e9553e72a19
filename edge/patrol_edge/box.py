"""The box as a running program: readers, one judge, a courier and an uploader, each in its own thread.

Readers decode (PyAV releases the GIL) into a mailbox that holds the newest frame of each camera; the
judge takes the camera whose deadline comes first; whatever it finds is on disk before the courier,
which only reads the outbox, can know of it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import structlog

from patrol.config.shape import Config
from patrol.config.values import reveal
from patrol.events import AlertRaised, BoxStatus, CameraStatus
from patrol_edge.attention import Attention, next_camera
from patrol_edge.clock import SteadyClock
from patrol_edge.delivery import Courier, Sender, subscriptions
from patrol_edge.detector import Detector, load_detector
from patrol_edge.evidence import EvidenceFolder
from patrol_edge.keeper import Keeper
from patrol_edge.link import Account, Link
from patrol_edge.outbox import Outbox
from patrol_edge.pipeline import NEEDED_CLASSES, Finding, Pipeline, Watcher, shift_memory
from patrol_edge.reader import Mailbox, Reader
from patrol_edge.registry import find_model
from patrol_edge.upload import Uploader

MODEL = "street"  # the one network of these two hazards
IDLE_S = 0.2
JOIN_S = 5.0  # how long a thread may take to notice that the box stops
STRAY_AGE = timedelta(hours=1)


@dataclass
class WatchedCamera:
    """Everything the judge needs for one camera. Only the judge's thread changes it."""

    pipeline: Pipeline
    keeper: Keeper
    attention: Attention
    stepped: timedelta


class Box:
    """One edge box of a configuration."""

    def __init__(self, config: Config, name: str, config_dir: Path, environ: Mapping[str, str]) -> None:
        """Open the outbox, check the model, resolve secrets. Connects to nothing yet.

        Raises UsageError, SecretNotSet, ModelError, StorageError.
        """
        self._config, self._box = config, config.box(name)
        token = reveal(self._box.token, environ, f"boxes.{name}.token")
        password = config.broker.password
        account = Account(
            config.broker.url, f"box-{config.district.id}-{name}", config.broker.username,
            None if password is None else reveal(password, environ, "broker.password"),
        )  # fmt: skip
        self._sources = {
            camera.id: (camera, _resolve(reveal(camera.source, environ, f"cameras.{camera.id}.source"), config_dir))
            for camera in config.cameras
            if camera.box == name
        }
        self._clock = SteadyClock(lambda: datetime.now(UTC), time.monotonic)
        state_dir = config_dir / self._box.state_dir
        self._outbox = Outbox(state_dir / "outbox.db")
        self._folder = EvidenceFolder(state_dir / "evidence")
        detector = load_detector(find_model(config_dir / config.models_dir, MODEL), NEEDED_CLASSES)
        now = self._clock.now()
        session = self._outbox.begin_session(now)
        self._sender = Sender(config.district.id, name, config.district.drill, version("sky-ground-patrol"), session)
        self._mailbox = Mailbox()
        self._readers = {
            name: Reader(name, source, camera.loop, self._mailbox, self._clock, Watcher.of(config, camera).thermal)
            for name, (camera, source) in self._sources.items()
        }
        self._cameras = {name: self._watched(name, detector, now) for name in self._sources}
        link = Link(account, subscriptions(config.district.id, name))
        dice = random.Random()  # noqa: S311 - spreads reconnections, guards nothing
        self._courier = Courier(self._sender, self._outbox, link, self.status, self._clock.now, time.monotonic, dice)
        self._uploader = Uploader(
            name, config.center.url, token, self._outbox, self._folder, self._clock.now, self._box.evidence_days
        )
        self._log = structlog.get_logger().bind(box=name)

    def _watched(self, name: str, detector: Detector, now: datetime) -> WatchedCamera:
        watcher = Watcher.of(self._config, self._sources[name][0])
        keeper = Keeper(name, self._outbox, self._folder)
        attention = Attention(name, watcher.look_every_s, since=now, every_frame=watcher.every_frame)
        return WatchedCamera(Pipeline(watcher, detector), keeper, attention, self._clock.stepped)

    def run(self, stop: Flag) -> None:
        """Watch until `stop`. A thread that dies takes the box down with it, for the service to start it again."""
        self._log.info("box started", session=self._sender.session, cameras=sorted(self._cameras))
        self._sweep()
        died = Flag()
        workers = [("courier", self._courier.run), ("uploader", self._uploader.run), ("judge", self._judge)]
        workers += [(f"reader {name}", reader.run) for name, reader in self._readers.items()]
        threads = [_Worker(title, work, stop, died) for title, work in workers]
        for thread in threads:
            thread.start()
        while not stop.wait(IDLE_S):
            if died.is_set():
                stop.set()
        for thread in threads:
            thread.join(JOIN_S)
        failed = [thread for thread in threads if thread.error is not None]
        self._outbox.close()
        self._log.info("box stopped", session=self._sender.session)
        if failed and failed[0].error is not None:
            raise failed[0].error

    def _judge(self, stop: Flag) -> None:
        while not stop.is_set():
            frames = self._mailbox.waiting(IDLE_S)
            chosen = next_camera((self._cameras[name].attention, frame.taken_at) for name, frame in frames.items())
            if chosen is None:
                stop.wait(0.01)  # every newest frame has been looked at recently enough
                continue
            frame = frames[chosen.camera]
            self._mailbox.take(frame)
            watched = self._cameras[chosen.camera]
            if self._clock.stepped != watched.stepped:
                watched.keeper.memory = shift_memory(watched.keeper.memory, self._clock.stepped - watched.stepped)
                watched.stepped = self._clock.stepped
            memory, findings = watched.pipeline.judge(frame, watched.keeper.memory)
            for finding in watched.keeper.keep(memory, findings, frame.taken_at):
                self._tell(finding)
            watched.attention = watched.attention.looked(frame.taken_at)

    def _tell(self, finding: Finding) -> None:
        data = finding.data
        if isinstance(data, AlertRaised):
            self._log.info(
                "alert raised", alert_id=data.alert_id, camera=data.camera, hazard=data.hazard.value, place=data.place
            )
        else:
            self._log.info("alert ended", alert_id=data.alert_id, camera=data.camera)

    def _sweep(self) -> None:
        strays = self._folder.strays(self._outbox.known_evidence(), self._clock.now() - STRAY_AGE)
        for path in strays:
            path.unlink(missing_ok=True)
        if strays:
            self._log.info("removed files that no alert refers to", count=len(strays))

    def status(self) -> BoxStatus:
        """The present sign of life."""
        counts, now = self._outbox.counts(), self._clock.now()
        cameras = tuple(self._camera_status(name, now) for name in sorted(self._cameras))
        return BoxStatus(
            box=self._box.id, session=self._sender.session, state="online", software=self._sender.software, cameras=cameras,
            outbox_waiting=counts.waiting, outbox_refused=counts.refused, evidence_waiting=counts.evidence_waiting,
        )  # fmt: skip

    def _camera_status(self, name: str, now: datetime) -> CameraStatus:
        source, attention = self._readers[name].status, self._cameras[name].attention
        return CameraStatus(
            camera=name, state=source.state, since=source.since, last_frame_at=source.last_frame_at, looks=attention.looks,
            unwatched_s=round(attention.unwatched_until(now), 1), detail=source.detail,
        )  # fmt: skip


class _Worker(Thread):
    """A thread that says when it has died, and of what. The outermost loop of everything a box does."""

    def __init__(self, title: str, work: Callable[[Flag], None], stop: Flag, died: Flag) -> None:
        super().__init__(name=title, daemon=True)
        self._work, self._stop_flag, self._died = work, stop, died
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work(self._stop_flag)
        except BaseException as err:  # noqa: BLE001 - outermost loop of a thread: kept, reported and raised by the box
            self.error = err
            self._died.set()


def _resolve(source: str, config_dir: Path) -> str:
    """A relative path is meant from the configuration's folder; addresses and devices stay as they are."""
    if "://" in source or source.startswith("/"):
        return source
    return str(config_dir / source)
