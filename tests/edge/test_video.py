"""Sources: every kind that is promised, and every way in which one can be bad."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import av
import cv2
import numpy as np
import pytest

from patrol.errors import SourceLost, SourceMissing, SourceUnreadable
from patrol_edge.video import frames_of_file, frames_of_live, is_live, without_secrets
from tests.edge.conftest import START, FixedClock


def write_clip(path: Path, count: int = 30, rate: int = 10, size: tuple[int, int] = (64, 48)) -> Path:
    """A small H.264 clip whose grey grows by 4 a frame."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        for n in range(count):
            image = np.full((size[1], size[0], 3), min(255, 4 * n), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


def test_time_is_the_films_own(tmp_path: Path) -> None:
    """Frame n of a clip with 10 frames a second is taken n tenths after the film began, however fast it is read."""
    frames = list(frames_of_file(str(write_clip(tmp_path / "a.mp4")), "gate", START))
    assert len(frames) == 30
    assert [f.taken_at for f in frames] == [START + timedelta(seconds=n / 10) for n in range(30)]
    assert frames[-1].image.shape == (48, 64, 3)
    assert frames[-1].image.mean() > frames[0].image.mean() + 80


def test_a_folder_of_pictures_is_one_picture_a_second(tmp_path: Path) -> None:
    """Pictures come in the order of their names; what is empty or damaged is skipped and keeps its second."""
    for n in (0, 1, 3):
        cv2.imwrite(str(tmp_path / f"p{n}.jpg"), np.full((20, 30, 3), 50 * n, np.uint8))
    (tmp_path / "p2.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not a picture")
    frames = list(frames_of_file(str(tmp_path), "gate", START))
    assert [(f.taken_at - START).total_seconds() for f in frames] == [0, 1, 3]


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    """A path with nothing there says so."""
    with pytest.raises(SourceMissing, match=r"none\.mp4"):
        next(frames_of_file(str(tmp_path / "none.mp4"), "gate", START))


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 4096, b"hello, this is no video" * 100], ids=["empty", "zeros", "text"]
)
def test_a_file_that_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty and foreign files raise one clear error and nothing else."""
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable, match=r"bad\.mp4"):
        list(frames_of_file(str(path), "gate", START))


def test_a_truncated_clip_gives_what_it_has(tmp_path: Path) -> None:
    """A recording cut off in mid-file still yields its beginning."""
    whole = write_clip(tmp_path / "a.mkv", count=100, size=(320, 240))
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    frames = list(frames_of_file(str(path), "gate", START))
    assert 10 < len(frames) < 100


def test_damaged_bytes_inside_do_not_end_the_film(tmp_path: Path) -> None:
    """Random damage in the middle of a clip costs pictures, not the rest of the film."""
    path = write_clip(tmp_path / "a.ts", count=200, size=(320, 240))
    content = bytearray(path.read_bytes())
    dice = np.random.default_rng(7)
    middle = len(content) // 2
    content[middle : middle + 400] = dice.integers(0, 256, 400, np.uint8).tobytes()
    path.write_bytes(bytes(content))
    frames = list(frames_of_file(str(path), "gate", START))
    assert len(frames) > 150


def test_an_empty_folder_is_unreadable(tmp_path: Path) -> None:
    """A folder without a single readable picture says so."""
    with pytest.raises(SourceUnreadable, match="no readable picture"):
        list(frames_of_file(str(tmp_path), "gate", START))


def test_a_camera_that_is_not_there() -> None:
    """A refused network address and a missing device are errors of their kind, without the password."""
    with pytest.raises(SourceUnreadable) as refused:
        next(frames_of_live("rtsp://user:secret@127.0.0.1:9/none", "gate", FixedClock()))
    assert "secret" not in refused.value.explain("en")
    with pytest.raises(SourceMissing):
        next(frames_of_live("/dev/video977", "gate", FixedClock()))


def test_a_live_source_that_ends_is_lost(tmp_path: Path) -> None:
    """A stream that delivered and then stopped is lost, not unreadable: the box will try again."""
    address = "file://" + str(write_clip(tmp_path / "a.ts"))
    with pytest.raises(SourceLost):
        list(frames_of_live(address, "gate", FixedClock()))
    live = frames_of_live(address, "gate", FixedClock())
    assert next(live).taken_at == START
    live.close()  # type: ignore[attr-defined]  # a generator


class _Pictures(BaseHTTPRequestHandler):
    """Five JPEGs, each brighter, as cameras and drones send them over HTTP: one part after the other, no rate named."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        for n in range(5):
            jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 50 * n, np.uint8))[1].tobytes()
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        del format, args


@pytest.fixture
def pictures_over_http() -> Iterator[str]:
    """The address of a camera that sends MJPEG over HTTP."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pictures) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://user:secret@127.0.0.1:{server.server_port}/falcon"
        server.shutdown()
        thread.join()


def test_pictures_over_http_are_a_live_source(pictures_over_http: str) -> None:
    """Every JPEG of a multipart stream is a frame of its own, and the stream's end is a lost camera."""
    live = frames_of_live(pictures_over_http, "falcon", FixedClock())
    assert [next(live).size_px for _ in range(4)] == [(64, 48)] * 4
    with pytest.raises(SourceLost) as lost:
        list(live)
    assert "secret" not in lost.value.explain("en")


def test_the_first_picture_over_http_comes_at_once(pictures_over_http: str) -> None:
    """Nothing waits for a rate that such a stream does not name: the frames that come are the first ones, in order."""
    live = frames_of_live(pictures_over_http, "falcon", FixedClock())
    bright = [float(next(live).image.mean()) for _ in range(4)]
    live.close()  # type: ignore[attr-defined]  # a generator
    assert bright == pytest.approx([0, 50, 100, 150], abs=4)


@pytest.mark.parametrize(
    ("source", "live"),
    [("rtsp://10.0.0.1/a", True), ("/dev/video0", True), ("clip.mp4", False), ("/data/pictures", False)],
)
def test_what_is_live(source: str, live: bool) -> None:
    """Network addresses and devices are live, files and folders are not."""
    assert is_live(source) is live


def test_secrets_stay_out_of_logs() -> None:
    """User name and password are cut from an address before it is shown."""
    assert without_secrets("rtsp://admin:hunter2@10.0.0.1:554/s1") == "rtsp://10.0.0.1:554/s1"
