"""The four clouds of the demo: simulated, of the same household as the gateway; and a line on the terminal for each."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final, TextIO

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.command import authorize
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.clouds.report import SITE
from envoy_bridge.config import CLOUDS
from envoy_bridge.model import Snapshot
from envoy_bridge.settings import Cloud, Config, EnlightenCloud, GrowattCloud, LocusCloud, State, TigoCloud
from envoy_bridge.simulator.clouds import enlighten, locus, tigo
from envoy_bridge.simulator.clouds.enlighten import SimulatedEnlighten
from envoy_bridge.simulator.clouds.growatt import TOKEN, SimulatedGrowatt
from envoy_bridge.simulator.clouds.house import CloudHouse, zone_at
from envoy_bridge.simulator.clouds.locus import SimulatedLocus
from envoy_bridge.simulator.clouds.locus_days import GRID_METER, Days
from envoy_bridge.simulator.clouds.tigo import SimulatedTigo
from envoy_bridge.simulator.clouds.tigo_house import TigoSystem
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.server import SimulatedServer
from envoy_bridge.sinks.base import CloudMessage
from envoy_bridge.sinks.terminal import Terminal
from envoy_bridge.values import Secret

KNOWN_FOR: Final = timedelta(days=1)
"""How far back the clouds know the household."""

_QUANTITIES: Final = (
    ("power", "power", "W"),
    ("power_dc", "power (DC)", "W"),
    ("energy_today", "today", "Wh"),
    ("energy_today_dc", "today (DC)", "Wh"),
)
"""What is shown of a site."""


@dataclass(frozen=True, slots=True)
class SimulatedClouds:
    """All four. `sections`: their configuration."""

    sections: Cloud
    servers: Mapping[str, SimulatedServer]

    def requests(self) -> str:
        """How many came, in words."""
        return ", ".join(f"{len(server.requests)} to {name}" for name, server in self.servers.items())


@asynccontextmanager
async def simulated(
    recording: Recording, clock: Clock, *, hour: float, day: float, state: Path
) -> AsyncIterator[SimulatedClouds]:
    """The clouds, running, with an owner who has allowed the access.

    `hour`, `day`: of the household, as in `LiveWorld`. `state`: the state directory.
    """
    house = CloudHouse.of(recording, clock.wall(), hour=hour, day=day)
    zone, since = zone_at(clock.wall(), hour), datetime.fromtimestamp(clock.wall(), UTC) - KNOWN_FOR
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        one = await start(
            SimulatedEnlighten(clock=clock, power=house.production, uses=house.home, timezone=zone, days=KNOWN_FOR.days)
        )
        two = await start(SimulatedTigo(clock=clock, power=house.production))
        two.systems = {1: TigoSystem(1, zone, since, house.production)}
        three = await start(SimulatedGrowatt(clock=clock, power=house.production, zone=zone, days=KNOWN_FOR.days))
        four = await start(_LocusHere(zone, clock=clock, power=house.production))
        four.days = {entity: Days(house.production, since, grid=entity == GRID_METER) for entity in four.days}
        sections = Cloud(
            enlighten=EnlightenCloud(
                key=Secret(enlighten.KEY),
                client_id=enlighten.CLIENT_ID,
                client_secret=Secret(enlighten.CLIENT_SECRET),
                base_url=one.url,
            ),
            tigo=TigoCloud(username=tigo.USERNAME, password=Secret(tigo.PASSWORD), base_url=two.url),
            growatt=GrowattCloud(token=Secret(TOKEN), timezone=zone, base_url=three.url),
            locus=LocusCloud(
                client_id=locus.CLIENT_ID,
                client_secret=Secret(locus.CLIENT_SECRET),
                username=locus.USERNAME,
                password=Secret(locus.PASSWORD),
                partner_id=locus.PARTNER,
                base_url=four.url,
            ),
        )
        await _allow(one, sections, state, clock)
        yield SimulatedClouds(sections, dict(zip(CLOUDS, (one, two, three, four), strict=True)))


async def _allow(cloud: SimulatedEnlighten, sections: Cloud, state: Path, clock: Clock) -> None:
    """What a person does with `envoy-bridge cloud enlighten authorize`."""
    config = Config(cloud=sections, state=State(directory=str(state)))
    await authorize(config, {}, "enlighten", out=StringIO(), ask=lambda _question: cloud.allow(), clock=clock)


class _LocusHere(SimulatedLocus):
    """With its sites in a time zone of our choice."""

    def __init__(self, zone: str, **keys: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(**keys)
        self._zone = zone

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """Any request."""
        answer = super().answer(request, body)
        answer.text = (answer.text or "").replace("America/Los_angeles", self._zone)
        return answer


class CloudTerminal(Terminal):
    """The terminal with a line for each cloud below the gateway."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._states: dict[str, str] = {}
        self._sites: dict[str, Snapshot] = {}
        self._lines: dict[str, str] = {}

    def snapshot(self, snapshot: Snapshot) -> None:
        """Show it."""
        if snapshot.serial.startswith("cloud/"):
            self._sites[snapshot.serial] = snapshot
            self._show(snapshot.serial.split("/")[1])
            return
        super().snapshot(snapshot)
        if self._redraws:
            self._out.write("".join(f"\033[2K{line}\n" for line in self._lines.values()))
            self._out.flush()
            self._drawn += len(self._lines)

    def cloud(self, message: CloudMessage) -> None:
        """Of the status the state is shown."""
        _, provider, topic = message.topic.split("/", 2)
        if topic == "status" and isinstance(message.body, Mapping):
            self._states[provider] = str(message.body["state"])
            self._show(provider)

    def _show(self, provider: str) -> None:
        """On a terminal with the next snapshot of the gateway; elsewhere now, if it is something new."""
        line = cloud_line(provider, self._states.get(provider, "ok"), self._sites)
        if line != self._lines.get(provider):
            self._lines[provider] = line
            if not self._redraws:
                self._out.write(f"{line}\n")
                self._out.flush()


def cloud_line(provider: str, state: str, sites: Mapping[str, Snapshot]) -> str:
    """`cloud tigo   ok   1: power (DC) 3512 W, today (DC) 20431 Wh`. `sites`: by serial, of all clouds."""
    parts = []
    for serial, snapshot in sites.items():
        _, owner, site = serial.split("/")
        measured = snapshot.cloud.get(SITE)
        if owner == provider and isinstance(measured, Measured):
            values = [
                f"{title} {value:.0f} {unit}"
                for name, title, unit in _QUANTITIES
                if (value := getattr(measured, name)) is not None
            ]
            parts += [f"{site}: {', '.join(values)}"] if values else []
    return f"cloud {provider:<10}{state:<10}{'; '.join(parts)}".rstrip()
