"""The Locus cloud (API v3): sites that an installer watches, with their meters, inverters and models.

About 1200 requests a day for a site with three components: the vendor does not count, it allows one at a time.
With [cloud.locus] sites each of them is asked about by itself, else the partner's all together, where that can be.
"""

from collections.abc import AsyncIterator, Container, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import NotAllowed
from envoy_bridge.clouds.locus.client import LocusClient
from envoy_bridge.clouds.locus.fields import LATEST, Bundle, bundles
from envoy_bridge.clouds.locus.known import Known, KnownSite, Memory, Place
from envoy_bridge.clouds.locus.reader import Reader, report
from envoy_bridge.clouds.locus.times import DAILY, GRANULARITIES, INTERVALS, MONTHLY, YEARLY, Window, at, midnight
from envoy_bridge.clouds.provider import Job
from envoy_bridge.clouds.quota import Limits
from envoy_bridge.clouds.report import SITE, Sample, SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.settings import LocusCloud

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

CHUNK: Final = timedelta(days=30)
"""Of the past, at once: less than 31 days of intervals are allowed."""

_PAST: Final = frozenset({DAILY.name, *(gran.name for gran in INTERVALS)})
"""The granularities of what is fetched of the past."""


class _Lesson(NamedTuple):
    """A job that learns what others need. `learnt`: it has once been."""

    job: Job
    learnt: bool


class Locus:
    """One account at Locus."""

    name: Final = "locus"
    quota: Limits | None = None

    def __init__(self, settings: LocusCloud, rest: Rest, clock: Clock) -> None:
        self._account = (str(rest.base), settings.client_id, settings.username or "", settings.partner_id)
        self._partner = f"partners/{settings.partner_id}"
        self._chosen = settings.sites
        self._clock = clock
        self._client = LocusClient(settings, rest, clock)
        self._known = Known()
        self._reader = Reader(self._client, self._known, clock, self._partner)

    def recall(self, memory: bytes | None) -> None:
        """Take up what an earlier run learnt, where it was with the same account."""
        try:
            kept = msgspec.json.decode(memory or b"", type=Memory)
        except (msgspec.DecodeError, RecursionError):
            return
        if kept.account == self._account:
            self._known.take(kept, self._chosen)
            self._client.login.recall(kept.tokens)

    def remember(self) -> bytes:
        """What was learnt, and the tokens."""
        return msgspec.json.encode(self._known.kept(self._account, self._client.login.tokens))

    def jobs(self) -> Sequence[Job]:
        """First what learns, then what brings data of all that is known."""
        return [
            *(lesson.job for lesson in self._lessons()),
            *(job for site in self._known.sites.values() for place in site.places for job in self._data(site, place)),
            *self._months(),
            *self._alerts(),
        ]

    def _lessons(self) -> Iterator[_Lesson]:
        known, reader = self._known, self._reader
        if self._chosen is None:
            yield _Lesson(Job(key="sites", every=DAY, run=reader.all_sites), bool(known.sites))
            if self._lost():
                yield _Lesson(Job(key="clients", every=DAY, run=reader.all_clients), learnt=False)
            yield self._offers(f"{self._partner}/sites")
        for site_id in self._chosen or ():
            run = partial(reader.one_site, site_id)
            yield _Lesson(Job(key=f"site {site_id}", every=DAY, run=run), site_id in known.sites)
        for client in self._lost() if self._chosen is not None else ():
            yield _Lesson(Job(key=f"client {client}", every=DAY, run=partial(reader.one_client, client)), learnt=False)
        for site in known.sites.values():
            job = Job(key=f"components {site.id}", every=DAY, run=partial(reader.components, site))
            yield _Lesson(job, site.components is not None)
            yield _Lesson(Job(key=f"size {site.id}", every=DAY, run=partial(reader.size, site)), learnt=True)
            yield from (self._offers(place.path) for place in site.places)

    def _lost(self) -> list[str]:
        """The clients of sites that do not know their time zone."""
        return sorted({site.client for site in self._known.sites.values() if site.client and site.zone is None})

    def _offers(self, path: str) -> _Lesson:
        job = Job(key=f"offers {path}", every=DAY, run=partial(self._reader.offers, path))
        return _Lesson(job, path in self._known.offers)

    def _data(self, site: KnownSite, place: Place) -> Iterator[Job]:
        for bundle in bundles(self._known.offers.get(place.path, ()), place.role):
            if self._of_use(site, place, bundle):
                said = "".join(f" {name}={value}" for name, value in bundle.parameters)
                key = f"data {place.path} {bundle.granularity}{said}"
                run = partial(self._reader.data, key, site, place, bundle)
                yield Job(key=key, every=_every(place, bundle), run=run, daylight=place.dark)

    def _of_use(self, site: KnownSite, place: Place, bundle: Bundle) -> bool:
        """Days need a time zone. Months are of sites, and come for all at once unless some were chosen."""
        if bundle.granularity == MONTHLY.name:
            return site.tz is not None and place.part == SITE and self._chosen is not None
        return site.tz is not None or bundle.granularity != DAILY.name

    def _months(self) -> Iterator[Job]:
        offered = bundles(self._known.offers.get(f"{self._partner}/sites", ()), "makes")
        zones = {site.tz.key: site.tz for site in self._known.sites.values() if site.tz}
        for bundle in offered if self._chosen is None else ():
            for name, zone in zones.items():
                key = f"months {name}"
                if bundle.granularity == MONTHLY.name:
                    yield Job(key=key, every=6 * HOUR, run=partial(self._reader.months, key, zone, bundle))

    def _alerts(self) -> Iterator[Job]:
        if self._chosen is None and self._known.sites:
            yield Job(key="alerts", every=15 * MINUTE, run=self._reader.all_alerts)
        for site in self._known.sites.values() if self._chosen is not None else ():
            run = partial(self._reader.site_alerts, site)
            yield Job(key=f"alerts {site.id}", every=15 * MINUTE, run=run)

    async def backfill(
        self, site: str | None, start: date, end: date, done: Container[str] = ()
    ) -> AsyncIterator[tuple[str, Sequence[SiteReport]]]:
        """The past of a site, or of all, both days included: 30 days at a time, oldest first. Raises CloudError."""
        await self._learn()
        if site is not None and site not in self._known.sites:
            raise NotAllowed(
                f"this account at Locus has no site {site}; it has {', '.join(self._known.sites) or 'none'}"
            )
        wanted = [each for each in self._known.sites.values() if site in (None, each.id)]
        first = start
        while first <= end:
            last = min(first + CHUNK - timedelta(days=1), end)
            for each in wanted:
                if (key := f"{each.id} {first} {last}") not in done:
                    yield key, [report(each, await self._past(each, first, last))]
            first = last + timedelta(days=1)

    async def _learn(self) -> None:
        """Ask for all that is not known yet. What one place does not tell is no reason to give up the others."""
        tried: set[str] = set()
        while jobs := [job for job, learnt in self._lessons() if not learnt and job.key not in tried]:
            tried.add(jobs[0].key)
            try:
                await jobs[0].run()
            except NotAllowed:
                if not self._known.sites:
                    raise

    async def _past(self, site: KnownSite, first: date, last: date) -> list[Sample]:
        zone = site.tz or ZoneInfo("UTC")
        end = min(midnight(last + timedelta(days=1), zone), at(self._clock.wall()))
        span = Window(midnight(first, zone), end)
        samples: list[Sample] = []
        for place in site.places if span.start < span.end else ():
            for bundle in bundles(self._known.offers.get(place.path, ()), place.role):
                if bundle.granularity in _PAST and self._of_use(site, place, bundle):
                    samples += await self._whatever(site, place, bundle, span)
        return samples

    async def _whatever(self, site: KnownSite, place: Place, bundle: Bundle, span: Window) -> Sequence[Sample]:
        """The data of a place; none where it does not give them."""
        try:
            return await self._reader.read(site, place, bundle, span)
        except NotAllowed:
            return ()


def _every(place: Place, bundle: Bundle) -> float:
    """Seconds between two requests: what changes and is looked at often, often."""
    of_site = place.part == SITE
    if bundle.granularity == LATEST:
        return 5 * MINUTE
    if bundle.granularity in (MONTHLY.name, YEARLY.name):
        return HOUR if of_site and bundle.granularity == YEARLY.name else 6 * HOUR
    if bundle.parameters or not of_site or GRANULARITIES[bundle.granularity].seconds == HOUR:
        return HOUR
    return 30 * MINUTE if bundle.granularity == DAILY.name else 15 * MINUTE
