"""Who may connect: passwords, TLS, client certificates; and brokers that speak only the older protocol."""

import asyncio
import datetime as dt
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from amqtt.broker import Broker as OldBroker
from amqtt.contexts import BrokerConfig, ListenerConfig
from broker import PATH, Broker, Subscriber, bridge, free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import MQTTProtocolVersion
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.config import Secret, Tls
from envoy_bridge.sinks.mqtt import Message


def set_password(file: Path, password: str) -> None:
    """As a user of mosquitto does it."""
    program = shutil.which("mosquitto_passwd", path=PATH)
    if program is None:
        pytest.skip("mosquitto is not there: apt-get install mosquitto")
    subprocess.run(  # noqa: S603 - a program of the system, and our own words
        [program, "-b", str(file), "bridge", password], check=True, capture_output=True
    )


async def test_wrong_password_is_told_once_and_connects_when_it_is_right(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    secret = Secret("canary-password")
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    set_password(passwords, "another")
    with Broker(tmp_path, f"password_file {passwords}", anonymous=False) as broker:
        async with bridge(broker.port, events, clock=Clock.fast(20), username="bridge", password=secret) as connection:
            await until(lambda: broker.log.read_text().count("not authorised") >= 3)
            assert [code for code, _ in events] == ["mqtt_refused"]
            assert "[mqtt] username and password" in events[0][1]

            set_password(passwords, "canary-password")
            broker.reload()
            await until(lambda: connection.connected)
    assert [code for code, _ in events] == ["mqtt_refused", "mqtt_connected"]
    assert "canary" not in str(events)


async def test_missing_password(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Broker(tmp_path, anonymous=False) as broker:
        async with bridge(broker.port, events):
            await until(lambda: events)
    assert "[mqtt] username and password" in events[0][1]


async def test_broker_that_knows_only_the_older_protocol() -> None:
    port = free_port()
    events: list[tuple[str, str]] = []
    configuration = BrokerConfig(
        listeners={"default": ListenerConfig(bind=f"127.0.0.1:{port}")},
        plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    )
    broker = OldBroker(configuration)
    await broker.start()
    try:
        async with bridge(port, events, keepalive=1) as connection:
            connection.put(Message("envoy/1/power", b"5", expiry=600))
            await until(lambda: connection.connected and connection.queue_depth == 0)
            assert connection.protocol == "3.1.1"
            async with Subscriber(port, protocol=MQTTProtocolVersion.MQTTv311) as subscriber:
                await subscriber.wait_for("envoy/1/power", b"5")
    finally:
        await broker.shutdown()
    assert [code for code, _ in events][:1] == ["mqtt_connected"]


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority with one file for its own certificate, and pairs of files for those it issues."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def found(cls, folder: Path, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, name, key, authority=True)
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, name, key, certificate)

    @property
    def file(self) -> str:
        return str(self.folder / f"{self.name}.crt")

    def issue(self, name: str, password: bytes | None = None) -> tuple[str, str]:
        """The paths of a certificate for 127.0.0.1 and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, self.name, self.key, authority=False)
        files = self.folder / f"{self.name}-{name}.crt", self.folder / f"{self.name}-{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        files[1].write_bytes(key.private_bytes(pem, pkcs8, lock))
        return str(files[0]), str(files[1])


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, *, authority: bool
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def tls_lines(authority: Authority, *more: str) -> list[str]:
    """What makes mosquitto speak TLS with a certificate of this authority."""
    certificate, key = authority.issue("broker")
    return [f"cafile {authority.file}", f"certfile {certificate}", f"keyfile {key}", *more]


async def test_tls_with_an_authority_and_a_client_certificate(tmp_path: Path) -> None:
    ours = Authority.found(tmp_path, "ours")
    certificate, key = ours.issue("bridge")
    tls = Tls(ca_file=ours.file, cert_file=certificate, key_file=key)
    lines = tls_lines(ours, "require_certificate true", "use_identity_as_username true")
    with Broker(tmp_path, *lines, anonymous=False) as broker:
        async with bridge(broker.port, tls=tls) as connection:
            for number in range(500):
                connection.put(Message(f"envoy/1/inverter/{number}/power", b"1"))
            await until(lambda: connection.connected and connection.queue_depth == 0)
        assert "u'bridge'" in broker.log.read_text()


async def test_several_messages_in_one_tls_record(tmp_path: Path) -> None:
    """The rest of a record is in memory already: the socket does not say that there is more to read."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x02\0\0")  # accepted
        await reader.read(1000)
        writer.write(b"".join(b"\x30\x04\0\1r%d" % number for number in range(9)))  # topic r, one digit
        await reader.read(1000)
        await until(lambda: len(requests) == 9)
        writer.close()

    ours = Authority.found(tmp_path, "ours")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*ours.issue("broker"))
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        async with bridge(port, protocol="3.1.1", tls=Tls(ca_file=ours.file)) as connection:
            connection.subscribe("r", lambda _topic, payload, _retained: requests.append(payload))
            await until(lambda: len(requests) == 9)
    assert requests == [b"%d" % number for number in range(9)]


async def test_server_that_says_nothing_is_given_up_in_seconds() -> None:
    events: list[tuple[str, str]] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with bridge(server.getsockname()[1], events, protocol="5"):
            await until(lambda: events, 8)
    assert "does not answer as an MQTT broker does" in events[0][1]


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho forgets it if TLS fails
async def test_certificate_of_another_authority_is_refused_until_the_file_is_renewed(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    ours, theirs = Authority.found(tmp_path, "ours"), Authority.found(tmp_path, "theirs")
    trusted = tmp_path / "trusted.crt"
    shutil.copy(theirs.file, trusted)
    with Broker(tmp_path, *tls_lines(ours)) as broker:
        async with bridge(broker.port, events, clock=Clock.fast(20), tls=Tls(ca_file=str(trusted))) as connection:
            await until(lambda: events)
            assert "[mqtt.tls] ca_file" in events[0][1]
            await asyncio.sleep(0.3)
            assert not connection.connected

            shutil.copy(ours.file, trusted)
            await until(lambda: connection.connected)
    assert [code for code, _ in events] == ["mqtt_unreachable", "mqtt_connected"]


async def test_no_tls_where_the_broker_wants_it(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Broker(tmp_path, *tls_lines(Authority.found(tmp_path, "ours"))) as broker:
        async with bridge(broker.port, events):
            await until(lambda: events)
    assert "[mqtt] port and tls" in events[0][1]


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho forgets it if TLS fails
async def test_tls_where_the_broker_has_none(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Broker(tmp_path) as broker:
        async with bridge(broker.port, events, tls=True):
            await until(lambda: events, 10)
    assert "[mqtt] port and tls" in events[0][1]


@pytest.mark.parametrize("wrong", ["missing authority", "authority is a key", "key has a password"])
async def test_files_that_cannot_be_used_are_told(tmp_path: Path, wrong: str) -> None:
    events: list[tuple[str, str]] = []
    ours = Authority.found(tmp_path, "ours")
    certificate, locked = ours.issue("bridge", b"password")
    tls = {
        "missing authority": Tls(ca_file=str(tmp_path / "missing.crt")),
        "authority is a key": Tls(ca_file=locked),
        "key has a password": Tls(ca_file=ours.file, cert_file=certificate, key_file=locked),
    }[wrong]
    async with bridge(free_port(), events, tls=tls):
        await until(lambda: events)
    assert "the files of [mqtt.tls] cannot be used" in events[0][1]


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 70 + ".invalid"])
async def test_name_that_nobody_knows(host: str) -> None:
    events: list[tuple[str, str]] = []
    async with bridge(1883, events, host=host):
        await until(lambda: events, 20)
    assert "check [mqtt] host" in events[0][1]
