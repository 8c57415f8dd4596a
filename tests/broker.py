"""A real mosquitto of a test's own, and a subscriber that notes what arrives."""

import asyncio
import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.mqtt import KEEPALIVE, Message, MqttConnection

WILL = Message("envoy/bridge/state", b"offline")
PATH = os.environ.get("PATH", "") + ":/usr/sbin"  # where Debian puts it


def free_port() -> int:
    """A loopback port on which nothing listens, and none that the kernel gives to others while a broker is dead."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - hides nothing
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Broker:
    """mosquitto on a free loopback port, running inside `with`. Keeps nothing over a restart.

    `lines` are added to its configuration; with `anonymous` false it wants a login.
    """

    def __init__(self, folder: Path, *lines: str, anonymous: bool = True) -> None:
        program = shutil.which("mosquitto", path=PATH)
        if program is None:
            pytest.skip("mosquitto is not there: apt-get install mosquitto")
        self.port = free_port()
        self.log = folder / "mosquitto.log"
        configuration = folder / "mosquitto.conf"
        configuration.write_text(
            "\n".join(
                [
                    f"listener {self.port} 127.0.0.1",
                    f"allow_anonymous {str(anonymous).lower()}",
                    f"user {getpass.getuser()}",  # else it gives up root, and cannot read the test's files
                    "persistence false",
                    "max_queued_messages 0",
                    f"log_dest file {self.log}",
                    *lines,
                    "",
                ]
            )
        )
        self._command = [program, "-c", str(configuration)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it listens."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)  # noqa: S603 - mosquitto, found above
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, self.log.read_text() if self.log.exists() else "it did not start"
            time.sleep(0.01)
        raise AssertionError("mosquitto does not listen")

    def kill(self) -> None:
        """SIGKILL, also when it hangs. Does nothing when it is dead already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Stop it in its tracks: connections stay open, and the kernel goes on accepting new ones for it."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """The end of `hang`."""
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        """Let it read its password file again."""
        self._signal(signal.SIGHUP)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it arrived. `expiry`: seconds, None without. `retain`: it was kept from before the subscription."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    expiry: int | None


class Subscriber:
    """Notes all messages of a broker from `with` on, those that are retained first; MQTT 5 unless told otherwise."""

    def __init__(
        self,
        port: int,
        topic: str = "#",
        *,
        username: str | None = None,
        password: str | None = None,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
    ) -> None:
        self.messages: list[Received] = []
        self._subscribed = False
        self._port = port
        self._topic = topic
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=protocol, reconnect_on_failure=False)
        if username is not None:
            self._client.username_pw_set(username, password)

    async def __aenter__(self) -> Self:
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", self._port)
        self._client.loop_start()
        await until(lambda: self._subscribed)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None

    def payloads(self, topic: str) -> list[bytes]:
        """What arrived on a topic, in order."""
        return [message.payload for message in self.messages if message.topic == topic]

    def latest(self) -> dict[str, bytes]:
        """The last payload of each topic."""
        return {message.topic: message.payload for message in self.messages}

    async def wait_for(self, topic: str, payload: bytes, seconds: float = 5.0) -> None:
        """Wait until the last message of the topic is this one."""
        await until(lambda: self.latest().get(topic) == payload, seconds)

    def _on_connect(self, client: Client, *_: object) -> None:
        client.subscribe(self._topic, 1)

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed = True

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        expiry = getattr(message.properties, "MessageExpiryInterval", None)
        self.messages.append(Received(message.topic, bytes(message.payload), message.qos, bool(message.retain), expiry))


@asynccontextmanager
async def bridge(
    port: int,
    events: list[tuple[str, str]] | None = None,
    *,
    clock: Clock | None = None,
    keepalive: int = KEEPALIVE,
    **settings: Any,
) -> AsyncIterator[MqttConnection]:
    """Our connection to a broker, started; `events` gets what it reports, as (code, text)."""
    connection = MqttConnection(
        Mqtt(**{"host": "127.0.0.1", "port": port, **settings}),
        will=WILL,
        clock=clock or Clock(),
        keepalive=keepalive,
        on_event=lambda code, text: None if events is None else events.append((code, text)),
    )
    await connection.start()
    try:
        yield connection
    finally:
        await connection.stop([])


async def settled(subscriber: Subscriber) -> None:
    """Return when no new topic has come for a second and a half: the devices come after the flows."""
    known = 0
    while not subscriber.latest():  # noqa: ASYNC110 - as below
        await asyncio.sleep(0.1)
    while known < (known := len(subscriber.latest())):  # noqa: ASYNC110 - who publishes does not know of the test
        await asyncio.sleep(1.5)
