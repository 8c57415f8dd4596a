"""What the commands do that ask a gateway. Each prints, and gives an exit code."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from envoy_bridge.catalog import definitions, plain, points, quantities
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.config import Config, Gateway, configured, state_directory
from envoy_bridge.config import Login as TokenSource
from envoy_bridge.errors import ConfigurationError, GatewayError
from envoy_bridge.gateway.assemble import snapshot
from envoy_bridge.gateway.auth import Login, TokenLogin, Tokens, log_in
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.discovery import discover as search
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.pin import Pins
from envoy_bridge.gateway.plan import Access, Plan
from envoy_bridge.gateway.probe import Probe
from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.mqtt import Message
from envoy_bridge.sinks.topics import OF_A_CLOUD, OF_A_GATEWAY, OF_THE_BRIDGE, Topics

CLOCK: Final = Clock()
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


Meet = Callable[[GatewayHttp, GatewayInfo], None]
"""Is told who answers, before the login."""


@contextlib.asynccontextmanager
async def visit(
    settings: Gateway, config: Config, environ: Mapping[str, str], met: Meet = lambda _http, _info: None
) -> AsyncIterator[Visit]:
    """Connect and log in, as the daemon does; in between `met` is told who answers. Raises EnvoyBridgeError."""
    directory = state_directory(config, environ)
    tokens = Tokens(settings, directory, _enlighten(config.login, directory), CLOCK)
    http, info = await connect(settings, settings.serial)
    async with http:
        met(http, info)
        if http.tls is not None:
            Pins(directory).settle(http.tls, info)
        login = await log_in(http, info, settings, tokens)
        yield Visit(http, info, login, tokens, Access.of(login.role, settings))


@functools.cache
def _enlighten(login: TokenSource, directory: Path) -> Enlighten:
    """The same for all visits: the gateways of an account share one login."""
    return Enlighten(login, directory, CLOCK)


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
    """Every topic of the configured gateways, as they answer now; without any, all that a gateway may get.

    Of a configured cloud all that any site may get.
    """
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
    for cloud in configured(config):
        rows += [(f"cloud/{cloud}/{name}", "", meaning) for name, meaning in OF_A_CLOUD.items()]
        site = f"cloud/{cloud}/<site>/<device>"
        rows += [(f"{site}/{name}", what.unit.symbol, what.doc) for name, what in quantities(Measured)]
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
