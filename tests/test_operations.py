"""What docs/operations.md tells an operator to do, done: Mosquitto with accounts and the generated access list."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from patrol.events import AlertRaised, CaseOpened, Data
from patrol.reference.examples import examples
from patrol.topics import NAMES, TOPICS, topic_for

ROOT = Path(__file__).resolve().parents[1]
PATH = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin"  # Debian keeps Mosquitto where only root's PATH looks
MOSQUITTO = shutil.which("mosquitto", path=PATH)
PASSWD = shutil.which("mosquitto_passwd", path=PATH)
DISTRICT, ANSWER_WITHIN_S = "demo", 10.0
ACCOUNTS = ("street", "yard", "center", "station", "case-system", "weather", "sensors")

pytestmark = pytest.mark.skipif(
    MOSQUITTO is None or PASSWD is None, reason="SKIPPED, NOT CHECKED: Mosquitto is not installed (make tools)"
)


class Client:
    """One account's connection; what it hears is in `heard`."""

    def __init__(self, port: int, account: str, password: str) -> None:
        self.heard: Queue[tuple[str, bytes]] = Queue()
        self.answers: Queue[str] = Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=account, protocol=paho.MQTTv5)
        self._client.username_pw_set(account, password)
        self._client.on_connect = lambda _c, _u, _f, reason, _p: self.answers.put(str(reason))
        self._client.on_subscribe = lambda _c, _u, _m, reasons, _p: self.answers.put(str(reasons[0]))
        self._client.on_publish = lambda _c, _u, _m, reason, _p: self.answers.put(str(reason))
        self._client.on_message = lambda _c, _u, message: self.heard.put((message.topic, bytes(message.payload)))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def answer(self) -> str:
        """The broker's next answer."""
        return self.answers.get(timeout=ANSWER_WITHIN_S)

    def subscribe(self, topic: str) -> str:
        """Subscribe, and what the broker says to it."""
        self._client.subscribe(topic, qos=1)
        return self.answer()

    def say(self, topic: str, payload: bytes) -> str:
        """Publish, and what the broker says to it."""
        self._client.publish(topic, payload, qos=1)
        return self.answer()

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


def free_port() -> int:
    """A port nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Mosquitto as the operations page sets it up (without TLS, which needs certificates), with its accounts."""
    folder, port = tmp_path_factory.mktemp("mosquitto"), free_port()
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    shown = re.search(r"```conf\n(# mosquitto\.conf.*?)```", page, re.DOTALL)
    assert shown is not None
    settings = "\n".join(
        line for line in shown.group(1).splitlines() if not line.startswith(("listener", "certfile", "keyfile"))
    )
    settings = settings.replace("/etc/mosquitto/", f"{folder}/").replace("/var/lib/mosquitto/", f"{folder}/")
    (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\n{settings}\nuser root\n")
    shutil.copy(ROOT / "docs" / "mosquitto.acl", folder / "patrol.acl")
    (folder / "patrol.passwd").touch(mode=0o600)
    for account in ACCOUNTS:
        command = [str(PASSWD), "-b", str(folder / "patrol.passwd"), account, f"{account}-password"]
        subprocess.run(command, check=True, timeout=20, capture_output=True)
    log = (folder / "log").open("wb")
    process = subprocess.Popen([str(MOSQUITTO), "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        wait_until_open(port, process, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the broker answers on its port; its log if it dies instead."""
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            probe.settimeout(0.05)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    pytest.fail("Mosquitto did not open its port")


@pytest.fixture
def clients(port: int) -> Iterator[dict[str, Client]]:
    """Every account, connected."""
    made = {account: Client(port, account, f"{account}-password") for account in ACCOUNTS}
    try:
        for client in made.values():
            assert client.answer() == "Success"
        yield made
    finally:
        for client in made.values():
            client.close()


def payload_of(data_type: type[Data]) -> bytes:
    """The example of a message."""
    return examples()[data_type].to_json()


@pytest.mark.parametrize("row", TOPICS, ids=lambda row: row.carries.type_name)
def test_the_access_list_lets_each_row_of_the_wire_table_through(clients: dict[str, Client], row: object) -> None:
    """Whoever the wire table names as sender may send, and whoever it names as reader hears it, through a real Mosquitto."""
    row = next(known for known in TOPICS if known is row)
    topic = row.path(DISTRICT, **dict.fromkeys(NAMES, "street"))
    accounts = {
        "box": "street", "center": "center", "station": "station", "case system": "case-system", "weather service": "weather",
    }  # fmt: skip
    readers = [clients[accounts[reader]] for reader in row.readers if reader in accounts]
    assert readers
    for reader in readers:
        reader.subscribe(topic)
    said = clients[accounts[row.sender]].say(topic, payload_of(row.carries))
    assert said in {"Success", "No matching subscribers"}
    for reader in readers:
        assert reader.heard.get(timeout=ANSWER_WITHIN_S) == (topic, payload_of(row.carries))


def test_a_box_cannot_speak_for_another(clients: dict[str, Client]) -> None:
    """What box yard says on box street's topics, or as the centre, reaches nobody; what street says does."""
    center, forged = clients["center"], payload_of(AlertRaised)
    topic = topic_for(AlertRaised).path(DISTRICT, box="street")
    center.subscribe(topic_for(AlertRaised).filter(DISTRICT))
    clients["case-system"].subscribe(topic_for(CaseOpened).filter(DISTRICT))
    assert clients["yard"].say(topic, forged) == "Not authorized"
    assert clients["yard"].say(topic_for(CaseOpened).path(DISTRICT), payload_of(CaseOpened)) == "Not authorized"
    honest = b'{"honest": true}'
    clients["street"].say(topic, honest)
    clients["center"].say(topic_for(CaseOpened).path(DISTRICT), honest)
    assert center.heard.get(timeout=ANSWER_WITHIN_S) == (topic, honest)
    assert clients["case-system"].heard.get(timeout=ANSWER_WITHIN_S)[1] == honest


def test_a_box_hears_only_its_own_acknowledgements(clients: dict[str, Client]) -> None:
    """A box that subscribes to everybody's acknowledgements, or to everything, hears its own only."""
    yard = clients["yard"]
    yard.subscribe(f"patrol/v1/{DISTRICT}/box/+/acknowledgement")
    yard.subscribe("#")
    for box in ("street", "yard"):
        clients["center"].say(f"patrol/v1/{DISTRICT}/box/{box}/acknowledgement", box.encode())
    heard = [yard.heard.get(timeout=ANSWER_WITHIN_S)[1]]
    clients["center"].say(f"patrol/v1/{DISTRICT}/box/yard/acknowledgement", b"last")
    while heard[-1] != b"last":
        heard.append(yard.heard.get(timeout=ANSWER_WITHIN_S)[1])
    assert set(heard) == {b"yard", b"last"}


def test_sensors_are_heard_by_boxes_and_can_say_nothing_else(clients: dict[str, Client]) -> None:
    """A box hears what vendors' devices say; their account cannot forge an alert, nor a box a sensor."""
    topic, payload = f"sensors/{DISTRICT}/acme/8f21", b'{"data": {"alarm": 1}}'
    clients["street"].subscribe(topic)
    assert clients["sensors"].say(topic_for(AlertRaised).path(DISTRICT, box="street"), payload) == "Not authorized"
    assert clients["yard"].say(topic, b"forged") == "Not authorized"
    assert clients["sensors"].say(topic, payload) == "Success"
    assert clients["street"].heard.get(timeout=ANSWER_WITHIN_S) == (topic, payload)


@pytest.mark.parametrize(("account", "password"), [("street", "guess"), ("nobody", "x"), ("", "")])
def test_nobody_enters_without_an_account(port: int, account: str, password: str) -> None:
    """A wrong password, an unknown account and no account at all are refused at the door."""
    client = Client(port, account, password)
    try:
        assert client.answer() == "Not authorized"
        with pytest.raises(Empty):
            client.heard.get_nowait()
    finally:
        client.close()
