"""An account at the simulated Locus, and its jobs run when they are due."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from handclock import HandClock, Hands

from envoy_bridge.clouds.errors import CloudError, NotAllowed
from envoy_bridge.clouds.locus.provider import DAY, Locus
from envoy_bridge.clouds.provider import Job, Provider
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.settings import LocusCloud
from envoy_bridge.simulator.clouds.locus import CLIENT_ID, CLIENT_SECRET, PARTNER, PASSWORD, USERNAME, SimulatedLocus
from envoy_bridge.values import Secret

NOON = datetime(2026, 6, 10, 19, 7, 30, tzinfo=UTC)
"""12:07 at the sites of the account."""


def clock_at(moment: datetime = NOON) -> HandClock:
    return HandClock(1.0, hands=Hands(wall=moment.timestamp()))


def settings(*sites: str, password: str = PASSWORD, secret: str = CLIENT_SECRET) -> LocusCloud:
    return LocusCloud(
        client_id=CLIENT_ID,
        client_secret=Secret(secret),
        username=USERNAME,
        password=Secret(password),
        partner_id=PARTNER,
        sites=sites or None,
    )


class Account:
    """Runs the jobs one after the other, as often as they want, and keeps what they report."""

    def __init__(self, provider: Provider, clock: HandClock) -> None:
        self.provider = provider
        self.clock = clock
        self.reports: list[SiteReport] = []
        self.errors: list[CloudError] = []
        self.next: dict[str, float] = {}

    async def run(self, *, only: str = "") -> None:
        """All that is due, and what turns up because of it; of the jobs those whose key begins so."""
        while job := self._due(only):
            self.next[job.key] = self.clock.monotonic() + job.every
            try:
                self.reports += await job.run()
            except NotAllowed as error:
                self.errors.append(error)
                self.next[job.key] = self.clock.monotonic() + DAY

    async def live(self, seconds: float, step: float = 300.0) -> None:
        """Let time pass, and run what is due at each step."""
        for _ in range(int(seconds // step)):
            self.clock.advance(step)
            await self.run()

    def _due(self, only: str) -> Job | None:
        now = self.clock.monotonic()
        jobs = (job for job in self.provider.jobs() if job.key.startswith(only))
        return next((job for job in jobs if self.next.get(job.key, 0.0) <= now), None)

    def samples(self, part: str, quantity: str, kind: str) -> list[Sample]:
        return [
            sample
            for report in self.reports
            for sample in report.samples
            if (sample.part, sample.quantity, sample.kind) == (part, quantity, kind)
        ]

    def latest(self, part: str, quantity: str) -> Sample:
        """What a subscriber would see."""
        kinds = ("instant", "counter", "daily")
        found = [sample for kind in kinds for sample in self.samples(part, quantity, kind)]
        return max(found, key=lambda sample: sample.end)


@asynccontextmanager
async def account(
    cloud: SimulatedLocus, clock: HandClock, configured: LocusCloud | None = None, memory: bytes | None = None
) -> AsyncIterator[Account]:
    async with Rest(cloud.url, provider="locus", clock=clock) as rest:
        provider = Locus(configured or settings(), rest, clock)
        provider.recall(memory)
        yield Account(provider, clock)


def asked(cloud: SimulatedLocus, beginning: str = "/") -> Sequence[str]:
    """The paths that were asked for, with their queries, in their order."""
    return [request.path for request in cloud.requests if request.path.startswith(beginning)]
