"""An account at the simulated Tigo, and its client, on a clock that is moved by hand."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from handclock import HandClock, Hands

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.provider import Job
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.clouds.tigo.provider import Tigo
from envoy_bridge.settings import TigoCloud
from envoy_bridge.simulator.clouds.tigo import PASSWORD, USERNAME, SimulatedTigo
from envoy_bridge.values import Secret

NOON = datetime.fromisoformat("2026-06-10T12:30:20-07:00")


PANELS = {f"panel-{number}" for number in (3, 4, 5, 7, 8)}
"""Of the first system."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def of_kind(kind: str, found: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in found if sample.kind == kind]


def values(found: Sequence[Sample]) -> dict[tuple[str, str], object]:
    return {(sample.part, sample.quantity): sample.value for sample in found}


def clock_at(moment: datetime) -> HandClock:
    """Standing at this moment; what has to be slept takes a thousandth of the time."""
    return HandClock(1000.0, hands=Hands(moment.timestamp()))


@dataclass
class Account:
    cloud: SimulatedTigo
    tigo: Tigo
    clock: HandClock

    def job(self, key: str) -> Job:
        return next(job for job in self.tigo.jobs() if job.key == key)

    async def run(self, key: str) -> list[SiteReport]:
        return list(await self.job(key).run())

    async def samples(self, key: str) -> list[Sample]:
        return [sample for report in await self.run(key) for sample in report.samples]

    async def requests_for(self, key: str) -> int:
        """How many requests a job takes."""
        before = len(self.cloud.requests)
        await self.run(key)
        return len(self.cloud.requests) - before

    async def learn(self) -> None:
        """What all other jobs need."""
        for key in ("systems", "objects 1 0", "sources 1"):
            await self.run(key)


def client(rest: Rest, clock: Clock, **more: object) -> Tigo:
    settings: dict[str, object] = {"username": USERNAME, "password": Secret(PASSWORD), "sites": ("1",)}
    return Tigo(TigoCloud(**(settings | more)), rest, clock)  # type: ignore[arg-type]  # of each key its own


@asynccontextmanager
async def account(moment: datetime = NOON, **more: object) -> AsyncIterator[Account]:
    """`more`: of [cloud.tigo]."""
    clock = clock_at(moment)
    async with SimulatedTigo(clock=clock) as cloud, Rest(cloud.url, provider="tigo", clock=clock) as rest:
        yield Account(cloud, client(rest, clock, **more), clock)
