"""Brokers behind TLS: box and centre speak to one whose certificate they can check, and to no other."""

from __future__ import annotations

import asyncio
import gc
import random
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from patrol.broker import free_port
from patrol.errors import BrokerUnreachable
from patrol.mqtt import Account, Incoming, Outgoing
from patrol.mqtt import Link as CenterLink
from patrol_edge.link import Account as BoxAccount
from patrol_edge.link import Link as BoxLink
from patrol_edge.link import Will
from tests.brokers import MOSQUITTO, Mosquitto, started

OPENSSL = shutil.which("openssl")
HELLO = Outgoing("patrol/v1/demo/hello", b"{}", 1, False)
DEADLINE_S = 20.0
# paho leaves the socket of a failed handshake to the interpreter, which closes it at once, and warns
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")


def certificate(folder: Path, name: str) -> Path:
    """A certificate that vouches for itself, for `name` alone; its key lies beside it as `.key`."""
    if OPENSSL is None or MOSQUITTO is None:
        pytest.skip("OPENSSL OR MOSQUITTO IS NOT INSTALLED: TLS is not tested (apt-get install openssl mosquitto)")
    file = folder / "broker.pem"
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=patrol test broker", "-addext", f"subjectAltName={name}",
         "-keyout", str(file.with_suffix(".key")), "-out", str(file)], check=True, capture_output=True,
    )  # fmt: skip
    return file


@pytest.fixture(params=["IP:127.0.0.1", "DNS:somebody.else"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path, bool]]:
    """Address of a broker with TLS, its certificate, and whether that is for this address."""
    file = certificate(tmp_path, request.param)
    server = Mosquitto(tmp_path / "mosquitto", free_port(), tls=file)
    with started(server):
        yield server.url, file, request.param.startswith("IP")


def box(url: str) -> BoxLink:
    """A box's link."""
    return BoxLink(BoxAccount(url, "box-demo-street"), ("patrol/v1/demo/#",))


async def center_is_up(url: str, within_s: float) -> bool:
    """Whether a centre's link gets through in time."""
    inbox = asyncio.Queue[Incoming](10)
    link = CenterLink(
        Account(url, "center-demo"), ["patrol/v1/demo/#"], HELLO, HELLO, inbox,
        lambda: None, lambda: datetime.now(UTC), random.Random(1),
    )  # fmt: skip
    task = asyncio.create_task(link.run())
    try:
        await asyncio.wait_for(link.up.wait(), within_s)
        await asyncio.wait_for(inbox.get(), within_s)  # its own greeting has come back to it
    except TimeoutError:
        return False
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return True


def test_only_a_known_certificate_for_this_name_is_spoken_to(
    broker: tuple[str, Path, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the authority in SSL_CERT_FILE both connect; not to a broker whose certificate is for another name."""
    url, file, right = broker
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    link, will = box(url), Will("patrol/v1/demo/will", b"{}")
    if right:
        link.connect(will)
        assert link.is_up
        assert asyncio.run(center_is_up(url, DEADLINE_S))
    else:
        with pytest.raises(BrokerUnreachable, match=r"(?i)certificate"):
            link.connect(will)
        assert not asyncio.run(center_is_up(url, 2.0))
    link.close()
    gc.collect()  # while the warning above is expected


def test_an_unknown_authority_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the authority the box does not connect, and says that the certificate is why."""
    file = certificate(tmp_path, "IP:127.0.0.1")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server = Mosquitto(tmp_path / "mosquitto", free_port(), tls=file)
    with started(server), pytest.raises(BrokerUnreachable, match=r"(?i)certificate"):
        box(server.url).connect(Will("patrol/v1/demo/will", b"{}"))
