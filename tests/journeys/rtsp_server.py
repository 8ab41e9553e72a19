"""A real RTSP server for tests: GStreamer's, under the system's Python. Serves one clip, in real time, to whoever asks.

    /usr/bin/python3 tests/journeys/rtsp_server.py CLIP PORT     ->  rtsp://127.0.0.1:PORT/yard

Prints "ready" when it listens. The clip must hold H.264; it is sent as it is, without encoding again.
"""

# mypy: ignore-errors
# The bindings exist only under the system's Python, where no type checker of ours runs.

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions must be chosen first


def main(clip: str, port: str) -> None:
    """Serve until killed."""
    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f'( filesrc location="{clip}" ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )'
    )
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/yard", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
