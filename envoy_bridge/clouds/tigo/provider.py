"""The Tigo cloud (API v3): what each panel with an optimizer does, on the DC side.

About 950 requests a day for a system of up to a hundred panels. Tigo tells its limit in the headers of each answer.
"""

from collections.abc import AsyncIterator, Container, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import NotAllowed, UnusableAnswer
from envoy_bridge.clouds.provider import Job
from envoy_bridge.clouds.quota import Limits
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.rest import Answer, Rest
from envoy_bridge.clouds.tigo.api import Query, TigoApi, decoded
from envoy_bridge.clouds.tigo.csv import read
from envoy_bridge.clouds.tigo.known import Known, Memory, recalled
from envoy_bridge.clouds.tigo.parse import Tree, alerts, heartbeats, loggers, size, totals, word
from envoy_bridge.clouds.tigo.series import AHEAD, DAYS, DETAILS, HOURS, POWER, STRING_POWER, Reading, Series
from envoy_bridge.clouds.tigo.times import asked, midnight
from envoy_bridge.clouds.tigo.wire import Alerts, Layout, Objects, ObjectTypes, Sources, Summary, Systems
from envoy_bridge.logs import get_logger
from envoy_bridge.settings import TigoCloud

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
SECOND: Final = timedelta(seconds=1)

WIDE: Final = timedelta(hours=24)
"""How far back where there is nothing new: now and then Tigo has it only for those who ask for more."""

PIECE: Final = timedelta(hours=24)
"""Of minutes, as much is asked for at once: Tigo refuses what is too much, and does not say how much that is."""

WIDE_EVERY: Final = HOUR
"""Seconds between two such questions, for mostly there just is nothing."""

ALERTS_OF: Final = timedelta(days=7)
"""For how long an alert is told: Tigo never says that one is over."""

OBJECTS: Final = 100
"""Objects that are asked for at once, so that the address does not get too long."""


class Poll(NamedTuple):
    """A series, and how often it is asked for (seconds).

    `back`: how far back each time, since data come late, and hours and days are corrected. `again`: how far where
    nothing came in between, as at night. `most`: how far where nothing was asked in between.
    """

    series: Series
    every: float
    back: timedelta
    again: timedelta
    most: timedelta


_OF_MINUTES: Final = (POWER, STRING_POWER, *DETAILS)
_RECENT: Final = (timedelta(hours=2), WIDE, timedelta(days=7))
_POLLS: Final = (
    Poll(POWER, 5 * MINUTE, *_RECENT),
    Poll(STRING_POWER, 5 * MINUTE, *_RECENT),
    *(Poll(series, 30 * MINUTE, *_RECENT) for series in DETAILS),
    Poll(HOURS, HOUR, timedelta(days=2), timedelta(days=14), timedelta(days=14)),
    Poll(DAYS, HOUR, timedelta(days=4), timedelta(days=31), timedelta(days=31)),
)

_log = get_logger(__name__)


class Tigo:
    """One account at Tigo."""

    name: Final = "tigo"
    quota: Limits | None = Limits(minute=20)

    def __init__(self, settings: TigoCloud, rest: Rest, clock: Clock) -> None:
        self._account = (str(rest.base), settings.username)
        self._chosen = settings.sites
        self._clock = clock
        self._api = TigoApi(settings, rest, clock)
        self._sites: dict[str, Known] = {}
        self._widened: dict[str, float] = {}  # monotonic seconds, by job

    def recall(self, memory: bytes | None) -> None:
        """Take up what an earlier run learnt, where it was with the same account."""
        kept = recalled(memory, self._account)
        self._sites = {site: known for site, known in kept.sites.items() if self._wants(site)}
        self._api.login.recall(kept.token)

    def remember(self) -> bytes:
        """What was learnt, and the token."""
        return msgspec.json.encode(Memory(self._account, self._api.login.token, self._sites))

    def jobs(self) -> Sequence[Job]:
        """First what there is, then what it does: see `_POLLS`."""
        found = [Job(key="systems", every=DAY, run=self._systems)]
        for site, known in self._sites.items():
            found += self._jobs(site, known)
        return found

    def _jobs(self, site: str, known: Known) -> Iterator[Job]:
        # A change of the system makes another job of it, which is due at once.
        yield Job(key=f"objects {site} {known.changes}", every=DAY, run=partial(self._objects, site))
        yield Job(key=f"sources {site}", every=15 * MINUTE, run=partial(self._sources, site), daylight=True)
        yield Job(key=f"summary {site}", every=5 * MINUTE, run=partial(self._summary, site), daylight=True)
        yield Job(key=f"alerts {site}", every=30 * MINUTE, run=partial(self._alerts, site))
        for poll in _POLLS if known.zone else ():
            if known.objects_for(poll.series):
                run = partial(self._recent, site, poll)
                yield Job(key=f"{poll.series.name} {site}", every=poll.every, run=run, daylight=True)

    async def backfill(
        self, site: str | None, start: date, end: date, done: Container[str] = ()
    ) -> AsyncIterator[tuple[str, Sequence[SiteReport]]]:
        """The past of a site, or of all, day by day, oldest first; nothing is asked for keys that are `done`."""
        if not self._sites:
            await self._systems()
        if site is not None and site not in self._sites:
            raise NotAllowed(f"this account at Tigo has no system {site}; it has {', '.join(self._sites) or 'none'}")
        wanted = {each: await self._learn(each) for each in ([site] if site is not None else list(self._sites))}
        end = min(end, self._now().date() + timedelta(days=1))  # where it may be tomorrow already
        for day in (start + timedelta(days=count) for count in range((end - start).days + 1)):
            for each, zone in wanted.items():
                if (key := f"{each} {day}") not in done:
                    yield key, [await self._day(each, day, zone)]

    async def _learn(self, site: str) -> ZoneInfo:
        """What is needed to ask for the past, where it is not known. Returns the time zone."""
        if not self._sites[site].parts:
            await self._objects(site)
        if self._sites[site].zone is None:
            await self._sources(site)
        zone = self._sites[site].time_zone()
        if zone is None:
            raise NotAllowed(
                f"Tigo does not tell the time zone of system {site}, without which its tables mean nothing"
            )
        return zone

    async def _day(self, site: str, day: date, zone: ZoneInfo) -> SiteReport:
        start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        samples: list[Sample] = []
        for poll in _POLLS if start < self._now() else ():
            samples += await self._whatever(site, poll.series, start, end)
        # What is of the moment is not of the past.
        return self._sites[site].report(site, (sample for sample in samples if sample.kind != "instant"))

    async def _whatever(self, site: str, series: Series, start: datetime, end: datetime) -> Sequence[Sample]:
        """What there is of a series; nothing where the account may not see it."""
        try:
            return await self._read(site, series, start, end)
        except NotAllowed:
            return ()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)

    def _wants(self, site: str) -> bool:
        return self._chosen is None or site in self._chosen

    async def _systems(self) -> list[SiteReport]:
        found = {
            site: system
            for page in await self._api.pages("systems", Systems)
            for system in page.systems or ()
            if (site := word(system.system_id))
        }
        for site in self._chosen or ():
            if site not in found:
                _log.warning("site_unknown", cloud="tigo", site=site, found=list(found))
        if not found:
            raise NotAllowed("this account at Tigo has no systems: check username in [cloud.tigo]", retry_in=HOUR)
        self._sites = {
            site: self._sites.get(site, Known()).in_zone([system.timezone])
            for site, system in found.items()
            if self._wants(site)
        }
        return [self._sites[site].report(site, size(found[site], self._now())) for site in self._sites]

    async def _objects(self, site: str) -> list[SiteReport]:
        types = await self._api.read("objects/types", ObjectTypes)
        answer = await self._api.get("objects/system", [("system_id", site)])
        tree = Tree(decoded(answer, Objects), types, await self._layout(site))
        known = self._sites[site]
        if tree.parts or known.devices is None:
            known = known.with_objects(tree, self._now())
        self._sites[site] = known.as_of(_updated(answer), listed=True)
        return [self._sites[site].report(site, [known.modules(self._now())], devices=True)]

    async def _layout(self, site: str) -> Layout:
        """Who has no layout has no serial numbers, and all else."""
        try:
            return await self._api.read("systems/layout", Layout, [("id", site)])
        except (NotAllowed, UnusableAnswer):
            return Layout()

    async def _sources(self, site: str) -> list[SiteReport]:
        sources = decoded(await self._get(site, "sources/system"), Sources)
        known = self._sites[site]
        if known.zone is None:
            known = known.in_zone(source.timezone for source in sources.sources or ())
            if known.zone is None and known.loggers is None:
                _log.warning("time_zone_unknown", cloud="tigo", site=site, consequence="only totals, no tables")
        self._sites[site] = known = replace(known, loggers=loggers(sources))
        beats = heartbeats(sources, known.time_zone(), self._now())
        return [known.report(site, beats, devices=True)]

    async def _summary(self, site: str) -> list[SiteReport]:
        summary = decoded(await self._get(site, "data/summary"), Summary)
        known = self._sites[site]
        return [known.report(site, totals(summary, known.time_zone(), self._now()))]

    async def _alerts(self, site: str) -> list[SiteReport]:
        since = self._now() - ALERTS_OF
        # A day more than wanted, as its time has no zone.
        start = f"{since - timedelta(days=1):%Y-%m-%dT%H:%M:%S}"
        pages = await self._api.pages("alerts/system", Alerts, [("system_id", site), ("start_added", start)])
        known = self._sites[site]
        return [replace(known.report(site), alerts=alerts(pages, since, known.time_zone()))]

    async def _recent(self, site: str, poll: Poll) -> list[SiteReport]:
        series, now = poll.series, self._now()
        reached = datetime.fromtimestamp(self._sites[site].reached.get(series.name, now.timestamp()), UTC)
        start = max(now - poll.most, min(now - poll.back, reached))
        samples: list[Sample] = []
        for first, last in _pieces(series, start, now + AHEAD):
            samples += await self._read(site, series, first, last)
        if not samples and now - start < WIDE and self._may_ask_more(f"{series.name} {site}"):
            samples = await self._read(site, series, now - WIDE, now + AHEAD)
        self._sites[site] = known = self._sites[site].up_to(series, samples, start, now - poll.again)
        return [known.report(site, samples)]

    def _may_ask_more(self, key: str) -> bool:
        now = self._clock.monotonic()
        if now - self._widened.get(key, float("-inf")) < WIDE_EVERY:
            return False
        self._widened[key] = now
        return True

    async def _read(self, site: str, series: Series, start: datetime, end: datetime) -> list[Sample]:
        """What a series has between two moments."""
        known = self._sites[site]
        zone = known.time_zone()
        if zone is None:
            return []
        if series.length is None:  # whole days
            start = midnight(start.astimezone(zone).date(), zone)
        # Whether the bounds are included is not documented: a second earlier both are as wanted.
        first = start if series.length is None else start - SECOND
        span = [("start", asked(first, zone)), ("end", asked(end - SECOND, zone, end=True))]
        of_panels = [("param", series.param), ("header", "id"), ("sensors", "false")] if series.param else []
        reading = Reading(series, known.parts, known.keys, zone, start, end, self._now())
        objects = known.objects_for(series)
        samples: list[Sample] = []
        for ids in (objects[first : first + OBJECTS] for first in range(0, len(objects), OBJECTS)):
            query = [("system_id", site), *span, *of_panels, ("object_ids", ",".join(ids))]
            answer = self._noted(site, await self._api.leveled(series.path, series.level, query))
            table = read(answer.text())
            if table.skipped:
                _log.info("rows_skipped", cloud="tigo", site=site, series=series.name, rows=table.skipped)
            samples += reading.samples(table)
        return samples

    async def _get(self, site: str, path: str, query: Query = ()) -> Answer:
        return self._noted(site, await self._api.get(path, [("system_id", site), *query]))

    def _noted(self, site: str, answer: Answer) -> Answer:
        self._sites[site] = self._sites[site].as_of(_updated(answer))
        return answer


def _pieces(series: Series, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between these, in pieces that Tigo takes, from one whole minute to another."""
    while series in _OF_MINUTES and end - start > PIECE + AHEAD:
        between = (start + PIECE).replace(second=0, microsecond=0)
        yield start, between
        start = between
    yield start, end


def _updated(answer: Answer) -> str | None:
    return answer.headers.get("x-system-config-update")
