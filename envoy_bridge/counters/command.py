"""The command `counters`: how the lifetime counters stand, and what a person decides about one.

To show them, the files of the state directory are read, whether the daemon runs or not. What is decided goes to the
running daemon over MQTT: it alone writes these files.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import msgspec
from msgspec.structs import replace

from envoy_bridge import state
from envoy_bridge.catalog import plain
from envoy_bridge.clock import Clock
from envoy_bridge.config import Config, Mqtt, state_directory
from envoy_bridge.counters.line import CounterState
from envoy_bridge.counters.request import CountersRequest, chosen
from envoy_bridge.counters.show import Row, lines, rows
from envoy_bridge.counters.store import Kept, place
from envoy_bridge.errors import EnvoyBridgeError, StateError
from envoy_bridge.redaction import redact
from envoy_bridge.sinks.mqtt import Message, MqttConnection

DEADLINE: Final = 5.0
"""Seconds for the broker to accept us and for the daemon to answer."""

FINE: Final = 0
FAILED: Final = 1

_ADVICE: Final = """
Held counters stay where they are published. If you know what has become of one:
  envoy-bridge counters accept COUNTER   the gateway is right: the step is published
  envoy-bridge counters reset COUNTER    a new count: goes on from what is published, without the step
  envoy-bridge counters set COUNTER WH   goes on from WH
"""


def show(config: Config, environ: Mapping[str, str], gateway: str | None, out: TextIO, *, as_json: bool) -> int:
    """Print how the counters stood when the daemon last wrote them: at each repair, and every few minutes.

    Raises:
        EnvoyBridgeError: there is nothing to show, or not of this gateway.
        StateError: it cannot be read.
    """
    directory = state_directory(config, environ)
    files = _files(directory)
    if not files:
        raise EnvoyBridgeError(
            f"no counters are kept in {directory}: the daemon has not polled a gateway yet, or it runs as another user "
            "and keeps them elsewhere; then run this command as that user"
        )
    serials = list(files) if gateway is None else [chosen(gateway, files)]
    told = {serial: _Told(_written(files[serial]), rows(_kept(files[serial]))) for serial in serials}
    if as_json:
        out.write(msgspec.json.format(msgspec.json.encode({"gateways": told}), indent=2).decode() + "\n")
        return FINE
    coloured = out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    for serial, each in told.items():
        held = each.held or "none"
        out.write(f"gateway {serial}, written {each.written}: {len(each.counters)} counters, {held} held\n")
        out.writelines(f"{line}\n" for line in lines(each.counters, coloured=coloured))
    out.write(_ADVICE if any(each.held for each in told.values()) else "")
    return FINE


class _Told(msgspec.Struct):
    """The counters of a gateway, and when they were written."""

    written: str
    counters: dict[str, Row]

    @property
    def held(self) -> int:
        """How many of them are."""
        return sum(row.stands == "held" for row in self.counters.values())


def _files(directory: Path) -> dict[str, Path]:
    """The files of the gateways, by serial number."""
    folder = place(directory, "any").parent
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith("."))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StateError(
            f"cannot read {folder}: {error.strerror}; run this command as the user that the daemon runs as"
        ) from error
    return {path.stem: path for path in found}


def _kept(path: Path) -> Mapping[str, CounterState]:
    """The states of the counters in a file."""
    try:
        return msgspec.json.decode(state.read(path) or b"{}", type=Kept).counters
    except (ValueError, RecursionError) as error:
        raise StateError(
            f"{path} is damaged ({str(error)[:200]}); a daemon that starts with it learns the counters anew"
        ) from error


def _written(path: Path) -> str:
    return plain(datetime.fromtimestamp(int(path.stat().st_mtime), UTC))


async def settle(config: Config, request: CountersRequest, out: TextIO, *, as_json: bool) -> int:
    """Tell the daemon what was decided, and print its answer; as JSON also when it refuses, which is then told by 1.

    Raises:
        EnvoyBridgeError: it refuses, or nobody answers.
    """
    said = await _ask(config.mqtt, replace(request, transaction=secrets.token_hex(8)))
    answer = msgspec.json.decode(said, type=_Answer)
    if as_json:
        out.write(redact(said.decode()) + "\n")
        return FINE if answer.status == "ok" else FAILED
    if answer.status != "ok":
        raise EnvoyBridgeError(f"the daemon refuses: {_printable(answer.error)}")
    out.write(f"gateway {_printable(answer.gateway)}: {_printable(answer.message)}\n")
    return FINE


class _Answer(msgspec.Struct):
    """What the daemon says."""

    status: str
    transaction: str | int | None = None
    gateway: str = ""
    message: str = ""
    error: str = ""


@dataclass(slots=True)
class _Heard:
    """What has come from the broker so far. `trouble`: what it has to say of our connection, if nothing good."""

    transaction: str | int | None
    answer: bytes | None = None
    running: bool = False
    trouble: str = ""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """The answer is there, or trouble is."""

    def happened(self, code: str, text: str) -> None:
        if code != "mqtt_connected":
            self.trouble = text
            self.told.set()

    def responded(self, _topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - the broker's word for it
        try:
            ours = msgspec.json.decode(payload, type=_Answer).transaction == self.transaction
        except (ValueError, RecursionError):
            return
        if ours and not retained:
            self.answer = payload
            self.told.set()

    def stood(self, _topic: str, payload: bytes, _retained: bool) -> None:  # noqa: FBT001 - as above
        self.running = payload == b"online"


async def _ask(settings: Mqtt, request: CountersRequest) -> bytes:
    """Send the request as somebody else than the daemon, and wait for its answer. Raises EnvoyBridgeError."""
    base, heard = f"{settings.base_topic}/bridge", _Heard(request.transaction)
    # It says `online` on the topic of its will as soon as it is connected: on a topic of our own, and not retained.
    will = Message(f"{base}/counters", b"offline", retain=False)
    own = replace(settings, client_id=f"{settings.client_id}-counters")
    mqtt = MqttConnection(own, will=will, clock=Clock(), on_event=heard.happened)
    mqtt.subscribe(f"{base}/response/counters", heard.responded)
    mqtt.subscribe(f"{base}/state", heard.stood)
    mqtt.send(Message(f"{base}/request/counters", msgspec.json.encode(request), retain=False))
    await mqtt.start()
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(heard.told.wait(), DEADLINE)
        connected = mqtt.connected
    finally:
        await mqtt.stop([])
    if heard.answer is not None:
        return heard.answer
    broker = f"the broker at {settings.host}:{settings.port}"
    if not connected or heard.trouble:
        raise EnvoyBridgeError(heard.trouble or f"{broker} does not answer; is it running?")
    if heard.running:
        raise EnvoyBridgeError(
            f"the daemon is online but gives no answer: the access rules of {broker} must let "
            f"{settings.username or 'everybody'} write {base}/request/counters and read {base}/response/counters"
        )
    raise EnvoyBridgeError(f"no answer: the daemon is not running, or not at {broker} below {settings.base_topic}/")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in redact(text))
