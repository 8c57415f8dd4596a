"""The past of a cloud, fetched chunk by chunk: what is done is done, whatever happens to the rest."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from typing import Final

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.build import Connected
from envoy_bridge.clouds.errors import CloudDown, CloudThrottled, QuotaSpent
from envoy_bridge.clouds.progress import Progress
from envoy_bridge.clouds.publish import Publisher
from envoy_bridge.clouds.schedule import LAST, wait_after
from envoy_bridge.clouds.sent import Sent

PAUSE: Final = 1.0
"""Seconds between two chunks: the daemon may want to ask something, too."""

LONGEST_WAIT: Final = 3600.0
"""Seconds that are waited for a vendor; for more, somebody has to come back later."""

PATIENCE: Final = 6
"""Failures in a row until we give up."""

_BEHIND: Final = timedelta(hours=12)
"""By how much the latest time zone is behind UTC."""


class EnoughSpent(QuotaSpent):
    """What is left of the quota is for the daemon."""


def last_day(now: float) -> date:
    """The last day that is over everywhere on earth. `now`: seconds since 1970."""
    return (datetime.fromtimestamp(now, UTC) - _BEHIND).date() - timedelta(days=1)


class Backfill:
    """One span of days. The same span, given again, goes on where it stopped."""

    def __init__(
        self, cloud: Connected, publisher: Publisher, clock: Clock, *, site: str | None, start: date, end: date
    ) -> None:
        self._cloud = cloud
        self._publisher = publisher
        self._clock = clock
        self._site = site
        self._start = start
        self._end = end
        # A chunk's key says where it begins. Where it ends may follow from the whole span.
        self._done = _Done(publisher.sent, f"{start} {end} ")
        self.values = 0
        """That were read, known ones among them."""

    @property
    def skipped(self) -> int:
        """Chunks that an earlier run had done."""
        return len(self._done.found)

    async def run(self, progress: Progress) -> None:
        """Fetch all of it, and have it sent.

        Raises:
            EnoughSpent: the rest of the quota is the daemon's.
            CloudError: waiting is of no use, or would take long.
            StateError: what was fetched could not be kept.
        """
        failures = 0
        while True:
            chunks = progress.chunks
            try:
                await self._fetch(progress)
            except (CloudThrottled, CloudDown) as error:
                failures = 1 if progress.chunks > chunks else failures + 1
                wait = wait_after(error, failures, LAST)
                if isinstance(error, EnoughSpent) or failures >= PATIENCE or wait > LONGEST_WAIT:
                    raise
                progress.waits(wait, str(error))
                await self._clock.sleep(wait)
            else:
                return

    async def _fetch(self, progress: Progress) -> None:
        self._require_quota()
        async with aclosing(self._chunks()) as chunks:
            async for key, values in chunks:
                self.values += values
                progress.reached(key)
                self._require_quota()
                await self._clock.sleep(PAUSE)

    async def _chunks(self) -> AsyncGenerator[tuple[str, int], None]:
        """Each chunk once it is on disk, with how many values it had."""
        past = self._cloud.provider.backfill(self._site, self._start, self._end, self._done)
        async for key, reports in past:
            if key not in self._done:
                await self._publisher.history(reports)
                self._done.add(key)
                yield key, sum(len(report.samples) for report in reports)

    def _require_quota(self) -> None:
        quota = self._cloud.quota
        if quota.level != "free":
            when = "next month" if quota.limits.month is not None else "tomorrow (UTC)"
            raise EnoughSpent(
                f"{quota.used} of {quota.limit} requests are spent, the rest is for the daemon: type the same {when}"
            )


class _Done:
    """The chunks of a span that were done, now or earlier. `found`: those of an earlier run that we came upon."""

    def __init__(self, sent: Sent, span: str) -> None:
        self._sent = sent
        self._span = span
        self._new: set[str] = set()
        self.found: set[str] = set()

    def __contains__(self, key: object) -> bool:
        if key in self._new:
            return True
        there = self._sent.has(f"{self._span}{key}")
        if there:
            self.found.add(str(key))
        return there

    def add(self, key: str) -> None:
        """It is done, and all of it is on disk."""
        self._sent.mark(f"{self._span}{key}")
        self._new.add(key)
