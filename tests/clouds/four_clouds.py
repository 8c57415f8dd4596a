"""The four simulated clouds, a configuration for them, and a folder."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.command import authorize
from envoy_bridge.config import CLOUDS, Config, Mqtt, State
from envoy_bridge.settings import Cloud, EnlightenCloud, GrowattCloud, LocusCloud, TigoCloud
from envoy_bridge.simulator.clouds import enlighten, locus, tigo
from envoy_bridge.simulator.clouds.enlighten import SimulatedEnlighten
from envoy_bridge.simulator.clouds.growatt import TOKEN, SimulatedGrowatt
from envoy_bridge.simulator.clouds.locus import SimulatedLocus
from envoy_bridge.simulator.clouds.tigo import SimulatedTigo
from envoy_bridge.simulator.server import SimulatedServer
from envoy_bridge.values import Secret


@dataclass
class Four:
    """`keys`: of each section, which a test may change."""

    folder: Path
    clock: Clock
    enlighten: SimulatedEnlighten
    tigo: SimulatedTigo
    growatt: SimulatedGrowatt
    locus: SimulatedLocus
    keys: dict[str, dict[str, Any]]

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def server(self, name: str) -> SimulatedServer:
        servers: dict[str, SimulatedServer] = {
            "enlighten": self.enlighten,
            "tigo": self.tigo,
            "growatt": self.growatt,
            "locus": self.locus,
        }
        return servers[name]

    def config(self, *names: str, port: int = 1) -> Config:
        """With these clouds; none named: with all. `port`: of the broker."""
        kinds = {"enlighten": EnlightenCloud, "tigo": TigoCloud, "growatt": GrowattCloud, "locus": LocusCloud}
        sections = {name: kinds[name](**self.keys[name]) for name in names or CLOUDS}
        return Config(
            mqtt=Mqtt(host="127.0.0.1", port=port),
            state=State(directory=str(self.state)),
            cloud=Cloud(**sections),
        )

    async def allow(self) -> None:
        """What the owner does before Enlighten may be asked."""
        await authorize(
            self.config("enlighten"),
            {},
            "enlighten",
            out=StringIO(),
            ask=lambda _question: self.enlighten.allow(),
            clock=self.clock,
        )


@asynccontextmanager
async def four(folder: Path, clock: Clock) -> AsyncIterator[Four]:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(SimulatedEnlighten(clock=clock))
        two = await stack.enter_async_context(SimulatedTigo(clock=clock))
        three = await stack.enter_async_context(SimulatedGrowatt(clock=clock))
        last = await stack.enter_async_context(SimulatedLocus(clock=clock))
        keys: dict[str, dict[str, Any]] = {
            "enlighten": {
                "key": Secret(enlighten.KEY),
                "client_id": enlighten.CLIENT_ID,
                "client_secret": Secret(enlighten.CLIENT_SECRET),
                "base_url": one.url,
            },
            "tigo": {"username": tigo.USERNAME, "password": Secret(tigo.PASSWORD), "base_url": two.url},
            "growatt": {"token": Secret(TOKEN), "timezone": "Europe/Vienna", "base_url": three.url},
            "locus": {
                "client_id": locus.CLIENT_ID,
                "client_secret": Secret(locus.CLIENT_SECRET),
                "username": locus.USERNAME,
                "password": Secret(locus.PASSWORD),
                "partner_id": locus.PARTNER,
                "base_url": last.url,
            },
        }
        yield Four(folder, clock, one, two, three, last, keys)
