"""An account at Enlighten, and what tests of asking it share."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from handclock import HandClock, Hands

from envoy_bridge.clouds.enlighten.authorize import authorize
from envoy_bridge.clouds.enlighten.provider import Enlighten
from envoy_bridge.clouds.errors import CloudError
from envoy_bridge.clouds.provider import Job
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.settings import EnlightenCloud
from envoy_bridge.simulator.clouds.enlighten import CLIENT_ID, CLIENT_SECRET, KEY, USER_ID, SimulatedEnlighten
from envoy_bridge.values import Secret

NOON = datetime(2026, 6, 10, 19, 7, tzinfo=UTC).timestamp()
"""Seven minutes past twelve at the site."""

HOUR, DAY = 3600.0, 86400.0
Api = Literal["v2", "v4"]


def clock_at(moment: float = NOON) -> HandClock:
    """A clock that stands; real deadlines pass quickly."""
    return HandClock(speed=1000, hands=Hands(wall=moment))


def settings(api: Api, **keys: Any) -> EnlightenCloud:
    login = {
        "key": Secret(KEY),
        "user_id": Secret(USER_ID),
        "client_id": CLIENT_ID,
        "client_secret": Secret(CLIENT_SECRET),
    }
    return EnlightenCloud(**{"api": api, **login, **keys})


@dataclass
class Account:
    """A client, the cloud it asks, and the folder it keeps its tokens in."""

    api: Api
    cloud: SimulatedEnlighten
    rest: Rest
    clock: HandClock
    folder: Path
    client: Enlighten

    def job(self, key: str) -> Job:
        return {job.key: job for job in self.client.jobs()}[key]

    def jobs(self) -> list[str]:
        return [job.key for job in self.client.jobs()]

    async def run(self, key: str) -> SiteReport:
        """The one report of a job; an empty one where it has none."""
        reports = await self.job(key).run()
        return reports[0] if reports else SiteReport(site="")

    async def error(self, key: str) -> CloudError:
        """Why a job has no report."""
        try:
            await self.job(key).run()
        except CloudError as error:
            return error
        raise AssertionError(f"{key} went well")

    async def learn(self) -> None:
        """What systems there are, and what they have."""
        await self.run("systems")
        await self.run("67/devices" if "67/devices" in self.jobs() else "67/production_meter_readings")

    def asked(self, path: str) -> list[dict[str, str]]:
        """The queries of all requests to a path, without who asks."""
        queries = [
            dict(parse_qsl(urlsplit(request.path).query))
            for request in self.cloud.requests
            if urlsplit(request.path).path.endswith(path)
        ]
        return [{name: text for name, text in query.items() if name not in ("key", "user_id")} for query in queries]

    def again(self, serials: Collection[str] = (), **keys: Any) -> "Account":
        """The same after a restart: what is in memory is what was remembered."""
        wanted = settings(self.api, **keys)
        client = Enlighten(wanted, self.rest, self.clock, directory=self.folder, serials=lambda: serials)
        client.recall(self.client.remember())
        return Account(self.api, self.cloud, self.rest, self.clock, self.folder, client)


@asynccontextmanager
async def account(
    api: Api,
    folder: Path,
    clock: HandClock,
    *,
    authorized: bool = True,
    serials: Collection[str] = (),
    cloud: SimulatedEnlighten | None = None,
    **keys: Any,
) -> AsyncIterator[Account]:
    """A client before it has asked anything. `keys`: of the configuration."""
    wanted = settings(api, **keys)
    async with cloud or SimulatedEnlighten(clock=clock) as running:
        running.minute = running.month = 100_000
        async with Rest(running.url, provider="enlighten", clock=clock) as rest:
            if api == "v4" and authorized:
                await authorize(wanted, rest, lambda _question: running.allow(), clock=clock, directory=folder)
            client = Enlighten(wanted, rest, clock, directory=folder, serials=lambda: serials)
            yield Account(api, running, rest, clock, folder, client)


def found(report: SiteReport, quantity: str, part: str = "site", kind: str | None = None) -> list[Sample]:
    """Samples of a quantity."""
    return [
        sample
        for sample in report.samples
        if sample.quantity == quantity and sample.part == part and kind in (None, sample.kind)
    ]


def values(samples: Sequence[Sample]) -> list[object]:
    return [sample.value for sample in samples]
