"""One gateway source on a simulated gateway, over real sockets, with a sink that remembers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from households import FIXTURES

from envoy_bridge.catalog import plain, points
from envoy_bridge.clock import Clock
from envoy_bridge.config import Duration, Gateway, Login, Secret
from envoy_bridge.gateway.addresses import Addresses
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.pin import Pins
from envoy_bridge.gateway.source import GatewaySource
from envoy_bridge.gateway.surroundings import Surroundings
from envoy_bridge.model import Snapshot
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.login import OWNER_LIFE, PASSWORD, USERNAME, TokenService
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings


@dataclass(slots=True)
class Recorder:
    """A sink that keeps everything."""

    snapshots: list[Snapshot] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    online: list[bool] = field(default_factory=list)
    infos: list[Mapping[str, Any]] = field(default_factory=list)

    def snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    def availability(self, serial: str, *, online: bool) -> None:  # noqa: ARG002 - there is one gateway
        self.online.append(online)

    def info(self, serial: str, info: Mapping[str, Any]) -> None:  # noqa: ARG002 - as above
        self.infos.append(info)

    def cloud(self, message: CloudMessage) -> None: ...

    def holdings(self, holdings: Holdings) -> None: ...

    def event(self, event: Event) -> None:
        self.events.append(event)

    @property
    def values(self) -> dict[str, str]:
        """What is known now, by topic."""
        return {path.lower(): plain(value) for path, value, _ in points(self.snapshots[-1])} if self.snapshots else {}

    def codes(self) -> list[str]:
        return [event.code for event in self.events]


@dataclass(slots=True)
class Rig:
    gateway: SimulatedGateway
    tokens: TokenService
    recorder: Recorder
    source: GatewaySource
    settings: Gateway
    clock: Clock
    stack: AsyncExitStack

    def count(self, path: str) -> int:
        """How often a path was asked."""
        return sum(request.path == path for request in self.gateway.requests)

    async def replace(self, world: Recording) -> None:
        """Another gateway at the same address, as after a firmware update: perhaps HTTPS where HTTP was."""
        port = int((self.settings.host or "").rpartition(":")[2])
        await self.stack.aclose()
        secure = world.needs_token
        gateway = SimulatedGateway(
            world,
            port=0 if secure else port,
            https_port=port if secure else 0,
            tokens=self.tokens,
            clock=self.clock,
        )
        self.gateway = await self.stack.enter_async_context(gateway)


def world(name: str) -> Recording:
    return Recording.from_har(FIXTURES / f"{name}.har")


@asynccontextmanager
async def rig(
    directory: Path,
    name: str | Recording,
    *,
    speed: float = 1.0,
    life: float = OWNER_LIFE,
    fast: float = 5.0,
    role: str = "owner",
    **settings: Any,
) -> AsyncIterator[Rig]:
    """A source that polls the household `name`; `settings` are keys of [[gateway]], `life` and `role` the tokens'."""
    clock = Clock.fast(speed)
    recorder = Recorder()
    household = world(name) if isinstance(name, str) else name
    async with TokenService(clock=clock) as tokens, AsyncExitStack() as stack:
        tokens.life, tokens.role = life, role
        gateway = await stack.enter_async_context(SimulatedGateway(household, tokens=tokens, clock=clock))
        login = Login(enlighten=tokens.url, entrez=tokens.url)
        given = {"username": USERNAME, "password": Secret(PASSWORD)} if household.needs_token else {}
        address = f"127.0.0.1:{gateway.https_port if household.needs_token else gateway.port}"
        chosen = Gateway(**{"host": address, "fast": Duration(fast), **given, **settings})
        around = Surroundings(
            directory,
            Enlighten(login, directory, clock),
            Pins(directory),
            clock,
            recorder,
            Addresses(directory),
            interfaces=("127.0.0.1",),
        )
        source = GatewaySource(chosen, around)
        task = asyncio.create_task(source.run())
        try:
            yield Rig(gateway, tokens, recorder, source, chosen, clock, stack)
        finally:
            task.cancel()
            result = (await asyncio.gather(task, return_exceptions=True))[0]
            if not isinstance(result, asyncio.CancelledError | None):
                raise result
