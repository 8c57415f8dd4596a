"""What the commands do that ask a gateway. Each prints, and gives an exit code."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from envoy_bridge.catalog import definitions, plain, points
from envoy_bridge.clock import Clock
from envoy_bridge.config import Config, Gateway, state_directory, unbuilt
from envoy_bridge.errors import ConfigurationError, EnvoyBridgeError, GatewayError
from envoy_bridge.gateway.assemble import snapshot
from envoy_bridge.gateway.auth import Login, TokenLogin, Tokens, log_in
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.discovery import discover as search
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.pin import Pins
from envoy_bridge.gateway.plan import Access, Plan, describe, wanted
from envoy_bridge.gateway.probe import Probe
from envoy_bridge.gateway.rows import Endpoint
from envoy_bridge.logs import redact
from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.sinks.topics import OF_A_GATEWAY, OF_THE_BRIDGE, Topics

CLOCK: Final = Clock()
BROKER_DEADLINE: Final = 5.0
FINE: Final = 0
FAILED: Final = 1


@dataclass(frozen=True, slots=True)
class Visit:
    """A gateway that let us in."""

    http: GatewayHttp
    info: GatewayInfo
    login: Login
    tokens: Tokens
    access: Access

    async def ask(self, path: str, deadline: float) -> bytes:
        """The body of a good answer. Raises GatewayError."""
        return (await self.http.get(path, deadline=deadline)).content(path)

    async def look(self) -> tuple[Plan, Snapshot]:
        """Probe the gateway, and put together what it said."""
        plan, fields = await Probe(self.ask, self.info, CLOCK.wall, access=self.access).survey()
        return plan, snapshot(plan, fields, CLOCK.wall())


@contextlib.asynccontextmanager
async def visit(settings: Gateway, config: Config, environ: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Connect and log in, as the daemon does. Raises EnvoyBridgeError."""
    directory = state_directory(config, environ)
    tokens = Tokens(settings, directory, Enlighten(config.login, directory, CLOCK), CLOCK)
    http, info = await connect(settings, settings.serial)
    async with http:
        if http.tls is not None:
            Pins(directory).settle(http.tls, info)
        login = await log_in(http, info, settings, tokens)
        yield Visit(http, info, login, tokens, Access.of(login.role, settings))


async def gateways(config: Config) -> tuple[Gateway, ...]:
    """The configured gateways; without any, those on this network. Raises ConfigurationError when there is none."""
    if config.gateway:
        return config.gateway
    found = await search(5.0)
    if not found:
        raise ConfigurationError("no [[gateway]] is configured and none was found on this network: set host in one")
    return tuple(Gateway(serial=gateway.serial, host=gateway.addresses[0]) for gateway in found)


async def once(config: Config, environ: Mapping[str, str], out: TextIO, *, as_json: bool) -> int:
    """Poll each gateway once; print its values, or its JSON state."""
    for settings in await gateways(config):
        async with visit(settings, config, environ) as visitor:
            _, current = await visitor.look()
        if as_json:
            out.write(_state(current) + "\n")
        else:
            out.write(f"gateway {current.serial}, {plain(current.time)}\n")
            values = [(path.lower(), plain(value), what.unit.symbol) for path, value, what in points(current)]
            out.writelines(f"  {path:<44} {value:>24} {unit}\n" for path, value, unit in values)
    return FINE


def _state(current: Snapshot) -> str:
    """The payload of the topic `state`."""
    messages: dict[str, bytes] = {}

    def keep(message: Message) -> None:
        messages[message.topic.rpartition("/")[2]] = message.payload

    Topics("envoy", {}, CLOCK, deliver=keep, announce=keep).snapshot(current)
    return messages["state"].decode()


async def discover(timeout: float, out: TextIO) -> int:  # noqa: ASYNC109 - how long to listen, not when to give up
    """List the gateways on this network: serial, address, firmware, metered or not."""
    out.write(f"listening for {timeout:g} s ...\n")
    out.flush()
    found = await search(timeout)
    for gateway in found:
        address = gateway.addresses[0] if gateway.addresses else "-"
        try:
            http, info = await connect(Gateway(host=address), None)
            await http.close()
        except GatewayError as error:
            out.write(f"{gateway.serial or '?':<16} {address:<24} {error}\n")
        else:
            kind = "metered" if info.metered else "not metered"
            out.write(f"{info.serial:<16} {address:<24} firmware {info.firmware:<12} {info.model}, {kind}\n")
    if not found:
        out.write("none found; is this machine in the gateway's network? Else set host in a [[gateway]]\n")
    return FINE if found else FAILED


async def topics(config: Config, environ: Mapping[str, str], out: TextIO) -> int:
    """Every topic of the configured gateways, as they answer now; without any, all that a gateway may get."""
    rows = [(name, "", meaning) for name, meaning in OF_THE_BRIDGE.items()]
    for settings in config.gateway:
        async with visit(settings, config, environ) as visitor:
            _, current = await visitor.look()
        root = current.serial.lower()
        rows += [(f"{root}/{name}", "", meaning) for name, meaning in OF_A_GATEWAY.items()]
        rows += [(f"{root}/{path.lower()}", what.unit.symbol, what.doc) for path, _, what in points(current)]
    if not config.gateway:
        rows += [(f"<gateway>/{name}", "", meaning) for name, meaning in OF_A_GATEWAY.items()]
        rows += [(f"<gateway>/{each.path}", each.quantity.unit.symbol, each.quantity.doc) for each in definitions()]
    out.writelines(f"{config.mqtt.base_topic + '/' + name:<60} {unit:<5} {meaning}\n" for name, unit, meaning in rows)
    return FINE


async def token(config: Config, environ: Mapping[str, str], out: TextIO, *, renew: bool) -> int:
    """Whose token is in use, its role, and the days it has left; never the token."""
    for settings in await gateways(config):
        async with visit(settings, config, environ) as visitor:
            login = visitor.login
            if not isinstance(login, TokenLogin):
                out.write(f"gateway {visitor.info.serial}: firmware {visitor.info.firmware} asks for no token\n")
                continue
            if renew:
                await visitor.tokens.renew(login)
            current = login.token
            until = datetime.fromtimestamp(current.expires, UTC)
            out.write(
                f"gateway {current.serial}: token of {current.username or 'unknown'}, "
                f"role {current.role or 'unknown'}, "
                f"valid until {until:%Y-%m-%d %H:%M} UTC, {(current.expires - CLOCK.wall()) / 86400:.0f} days left"
                f"{', fetched by the cloud login' if visitor.tokens.from_cloud else ', from the configuration'}\n"
            )
    return FINE


async def check(config: Config, environ: Mapping[str, str], out: TextIO) -> int:
    """Go through everything. Returns 1 when something would keep data from flowing."""
    report = _Report(out)
    report.good(f"configuration: {len(config.gateway)} gateway(s), base topic {config.mqtt.base_topic}")
    for feature in unbuilt(config):
        report.note(f"not built yet, has no effect: {feature}")
    try:
        report.good(f"state directory: {state_directory(config, environ)}")
        for settings in await gateways(config):
            await _check_gateway(settings, config, environ, report)
    except EnvoyBridgeError as error:
        report.bad(str(error))
    await _check_broker(config, report)
    out.write("\nAll is well.\n" if not report.faults else f"\n{report.faults} fault(s): see above.\n")
    return FAILED if report.faults else FINE


@dataclass(slots=True)
class _Report:
    """Prints findings, one a line, and counts the faults."""

    out: TextIO
    faults: int = 0

    def good(self, text: str) -> None:
        self.out.write(f"ok     {text}\n")
        self.out.flush()

    def note(self, text: str) -> None:
        self.out.write(f"note   {text}\n")

    def bad(self, text: str) -> None:
        self.faults += 1
        self.out.write(f"FAULT  {redact(text)}\n")
        self.out.flush()


async def _check_gateway(settings: Gateway, config: Config, environ: Mapping[str, str], report: _Report) -> None:
    try:
        async with visit(settings, config, environ) as visitor:
            info = visitor.info
            report.good(f"gateway {info.serial}: {info.model}, firmware {info.firmware}, at {visitor.http.url}")
            report.good(f"login: {visitor.login.describe()}")
            for endpoint in dict.fromkeys(row.endpoint for row in ROWS if wanted(row.endpoint, visitor.access, info)):
                await _check_endpoint(endpoint, visitor, report)
            plan, current = await visitor.look()
    except EnvoyBridgeError as error:
        report.bad(f"gateway {settings.host or settings.serial}: {error}")
        return
    _report_plan(plan, report)
    known = sum(1 for _ in points(current))
    report.good(f"{known} values would be published now")


async def _check_endpoint(endpoint: Endpoint, visitor: Visit, report: _Report) -> None:
    started = time.monotonic()
    try:
        endpoint.decode(await visitor.ask(endpoint.paths[0], endpoint.deadline))
    except GatewayError as error:
        report.note(f"{endpoint.paths[0]}: {error}")
    else:
        report.good(f"{endpoint.paths[0]}: answers in {(time.monotonic() - started) * 1000:.0f} ms")


def _report_plan(plan: Plan, report: _Report) -> None:
    told: dict[str, Any] = describe(plan)
    for name, path in told["sources"].items():
        report.good(f"{name} is derived" if path == "derived" else f"{name} comes from {path}")
    for quirk in sorted(plan.quirks):
        report.note(f"a known fault of this firmware is repaired: {quirk}")
    for meter in told["meters"]:
        if meter["state"] == "enabled" and (meter["status"] not in ("", "normal") or meter["flags"]):
            flags = " ".join(meter["flags"])
            report.note(f"the gateway says of its {meter['measurement']} meter: {meter['status']} {flags}".rstrip())


async def _check_broker(config: Config, report: _Report) -> None:
    """Connect as somebody else than the daemon, which may be running."""
    problems: list[str] = []
    told = asyncio.Event()

    def hear(code: str, text: str) -> None:
        if code != "mqtt_connected":
            problems.append(text)
        told.set()

    settings = msgspec.structs.replace(config.mqtt, client_id=f"{config.mqtt.client_id}-check")
    quiet = Message(f"{settings.base_topic}/bridge/check", b"offline", retain=False)
    mqtt = MqttConnection(settings, will=quiet, clock=CLOCK, on_event=hear)
    await mqtt.start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(told.wait(), BROKER_DEADLINE)
    connected, protocol = mqtt.connected, mqtt.protocol
    await mqtt.stop([])
    if connected:
        report.good(f"broker {settings.host}:{settings.port}: connected, MQTT {protocol}")
    else:
        report.bad(
            f"broker {settings.host}:{settings.port}: {problems[-1] if problems else 'does not answer; is it running?'}"
        )
