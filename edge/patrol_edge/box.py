"""The box as a running program: readers, one judge, a courier and an uploader, each in its own thread.

Readers decode (PyAV releases the GIL) into a mailbox that holds the newest frame of each camera; the
judge takes the camera whose deadline comes first; whatever it finds is on disk before the courier,
which only reads the outbox, can know of it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import structlog

from patrol.config.shape import Config
from patrol.config.values import reveal
from patrol.events import AlertRaised, BoxStatus, CameraStatus, Data, DronePose, Event, WeatherWarned
from patrol_edge.attention import Attention, next_camera
from patrol_edge.clock import SteadyClock
from patrol_edge.delivery import Courier, Sender, optional_subscriptions, subscriptions
from patrol_edge.detectors import load_detectors
from patrol_edge.evidence import EvidenceFolder
from patrol_edge.keeper import Keeper
from patrol_edge.link import Account, Link
from patrol_edge.outbox import Outbox
from patrol_edge.pipeline import Finding, Pipeline, Watcher, shift_memory
from patrol_edge.poses import Posing
from patrol_edge.reader import Mailbox, Reader
from patrol_edge.roof_network import roofs_of
from patrol_edge.roof_shelf import RoofShelf
from patrol_edge.sensing import watched_sensors
from patrol_edge.sensor_desk import SensorDesk
from patrol_edge.upload import Uploader
from patrol_edge.weather import Rain

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
        self._watchers = {watcher.camera.id: watcher for watcher in watchers_of(config, name)}
        self._clock = SteadyClock(lambda: datetime.now(UTC), time.monotonic)
        state_dir = config_dir / self._box.state_dir
        self._outbox = Outbox(state_dir / "outbox.db")
        self._folder = EvidenceFolder(state_dir / "evidence")
        shelf, models_dir = RoofShelf(state_dir / "roofs"), config_dir / config.models_dir
        self._roofs = roofs_of(shelf, models_dir, watched=any(watcher.roofs for watcher in self._watchers.values()))
        models = frozenset[str]().union(*(watcher.models for watcher in self._watchers.values()))
        self._detectors = load_detectors(models_dir, models)
        now = self._clock.now()
        session = self._outbox.begin_session(now)
        self._sender = Sender(config.district.id, name, config.district.drill, version("sky-ground-patrol"), session)
        self._mailbox = Mailbox()
        self._rain = Rain()
        self._posing = {
            drone.id: Posing(config.frame, drone.camera.delay_s, self._mailbox.put)
            for drone in config.drones
            if drone.camera is not None and drone.id in self._watchers
        }
        self._readers = {name: self._reader(watcher, environ, config_dir) for name, watcher in self._watchers.items()}
        self._cameras = {name: self._watched(watcher, now) for name, watcher in self._watchers.items()}
        self._sensors = SensorDesk(
            watched_sensors(config, name), self._outbox, self._folder, self._clock, self._mailbox.newest, self._tell
        )
        own, also = subscriptions(config.district.id, name), optional_subscriptions(config.district.id, self._posing)
        self._link = Link(account, own, self._sensors.topics, also)
        dice = random.Random()  # noqa: S311 - spreads reconnections, guards nothing
        self._courier = Courier(
            self._sender, self._outbox, self._link, self.status, self._clock.now, time.monotonic, dice, self._hear,
            self._sensors.offer,
        )  # fmt: skip
        self._uploader = Uploader(
            name, config.center.url, token, self._outbox, self._folder, self._clock.now, self._box.evidence_days
        )
        self._log = structlog.get_logger().bind(box=name)

    def _reader(self, watcher: Watcher, environ: Mapping[str, str], config_dir: Path) -> Reader:
        camera = watcher.camera
        field = f"cameras.{camera.id}.source" if watcher.aerial is None else f"drones.{camera.id}.camera.source"
        source = _resolve(reveal(camera.source, environ, field), config_dir)
        goes_to = self._posing.get(camera.id, self._mailbox)
        return Reader(camera.id, source, camera.loop, goes_to.put, self._clock, watcher.thermal)

    def _watched(self, watcher: Watcher, now: datetime) -> WatchedCamera:
        name = watcher.camera.id
        keeper = Keeper(name, self._outbox, self._folder)
        attention = Attention(name, watcher.look_every_s, since=now, every_frame=watcher.every_frame)
        return WatchedCamera(
            Pipeline(watcher, self._detectors, self._rain.level, self._roofs), keeper, attention, self._clock.stepped
        )

    def _hear(self, event: Event[Data]) -> None:
        """What the wire says to the cameras: where a drone is, and whether rain is announced."""
        if isinstance(event.data, WeatherWarned):
            self._rain.heard(event.time, event.data)
        elif isinstance(event.data, DronePose) and event.data.drone in self._posing:
            self._posing[event.data.drone].heard(event.time, event.data)

    def run(self, stop: Flag) -> None:
        """Watch until `stop`. A thread that dies takes the box down with it, for the service to start it again."""
        self._log.info("box started", session=self._sender.session, cameras=sorted(self._cameras))
        self._sweep()
        died = Flag()
        workers = [("courier", self._courier.run), ("uploader", self._uploader.run), ("judge", self._judge)]
        workers += [("sensors", self._sensors.run)] if self._sensors.topics else []
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
            self._rest()
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

    def _rest(self) -> None:
        """Drones on the ground have nothing to watch: that time does not count as unwatched."""
        now = self._clock.now()
        for name, posing in self._posing.items():
            if not posing.is_aloft(now):
                watched = self._cameras[name]
                watched.attention = watched.attention.rested(now)

    def _tell(self, finding: Finding) -> None:
        data = finding.data
        if isinstance(data, AlertRaised):
            self._log.info(
                "alert raised", alert_id=data.alert_id, camera=data.camera, hazard=data.hazard.value, place=data.place,
                **({} if data.sensor is None else {"sensor": data.sensor}),
            )  # fmt: skip
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
            sensors=self._sensors.status(self._link.refusals),
        )  # fmt: skip

    def _camera_status(self, name: str, now: datetime) -> CameraStatus:
        source, attention = self._readers[name].status, self._cameras[name].attention
        posing = self._posing.get(name)
        if posing is not None and source.state != "watching" and not posing.is_aloft(now):
            # a drone on the ground shows nothing, and nobody misses it
            source = replace(source, state="ended", detail="")
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


def watchers_of(config: Config, box: str) -> list[Watcher]:
    """All cameras of one box: the fixed ones, and those of drones."""
    fixed = [Watcher.of(config, camera) for camera in config.cameras if camera.box == box]
    drones = [Watcher.of_drone(config, drone) for drone in config.drones if drone.camera and drone.camera.box == box]
    return fixed + drones


def _resolve(source: str, config_dir: Path) -> str:
    """A relative path is meant from the configuration's folder; addresses and devices stay as they are."""
    if "://" in source or source.startswith("/"):
        return source
    return str(config_dir / source)
