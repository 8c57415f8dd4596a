"""Enlighten, Enphase's cloud: one client for both versions of its API. See `questions` for what it asks.

Version 4 knows installers by a password too; that login is left out: it is for companies with many systems.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Container, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.enlighten.api import V2, V4, Api
from envoy_bridge.clouds.enlighten.asking import Asker
from envoy_bridge.clouds.enlighten.devices import device
from envoy_bridge.clouds.enlighten.errors import OutOfRange
from envoy_bridge.clouds.enlighten.known import Known, recalled, remembered, zone_name
from envoy_bridge.clouds.enlighten.parse import Found
from envoy_bridge.clouds.enlighten.questions import DAY, WEEK, Days, Look, Question, Series
from envoy_bridge.clouds.enlighten.questions import V2 as V2_QUESTIONS
from envoy_bridge.clouds.enlighten.questions import V4 as V4_QUESTIONS
from envoy_bridge.clouds.enlighten.systems import Directory, DirectoryV2, DirectoryV4
from envoy_bridge.clouds.enlighten.tokens import Tokens
from envoy_bridge.clouds.errors import NotAllowed
from envoy_bridge.clouds.provider import Job
from envoy_bridge.clouds.quota import Limits
from envoy_bridge.clouds.report import SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.logs import get_logger
from envoy_bridge.settings import EnlightenCloud

MONTH_V4: Final = 1000
"""Requests in a month that the free plan of version 4 allows."""

MONTH_V2: Final = 10_000
"""The same of version 2; not said by the vendor in so many words."""

IN_A_MINUTE: Final = 10
"""Requests that the free plans allow."""

SHARE: Final = 0.75
"""Of the quota, for what is asked regularly: the rest is for failures, restarts and a backfill."""

CATCH_UP: Final = 4
"""Times as fast as time passes, what was missed is fetched at least, however many systems there are."""

GATEWAYS: Final = frozenset(("envoys", "devices"))
"""Questions that tell the gateways of a system."""

Run = Callable[[], Awaitable[Sequence[SiteReport]]]

_DAYS_IN_A_MONTH: Final = 31
_log = get_logger(__name__)


def limits(settings: EnlightenCloud) -> Limits:
    """What the vendor allows, as far as the configuration does not know better."""
    usual = MONTH_V4 if settings.api == "v4" else MONTH_V2
    return Limits(month=settings.month_quota or usual, minute=IN_A_MINUTE)


class Enlighten:
    """The systems of one account.

    `directory`: of the clouds, in the state directory. `serials`: of the gateways that are polled here.
    """

    name: Final = "enlighten"

    def __init__(
        self,
        settings: EnlightenCloud,
        rest: Rest,
        clock: Clock,
        *,
        directory: Path,
        serials: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.quota = limits(settings)
        self._only = settings.sites
        self._clock = clock
        self._serials = serials
        self._list_every, self._logins_a_day = (WEEK, 1) if settings.api == "v4" else (DAY, 0)
        self._questions = V4_QUESTIONS if settings.api == "v4" else V2_QUESTIONS
        api: Api
        if settings.api == "v4":
            api = V4(settings, rest, clock, Tokens(settings, rest, clock, directory))
            self._systems: Directory = DirectoryV4(api)
        else:
            _log.warning("enlighten_v2", advice='Enphase announced the end of it; set api = "v4" in [cloud.enlighten]')
            api = V2(settings, rest, clock)
            self._systems = DirectoryV2(api)
        self._asker = Asker(api, clock)

    def jobs(self) -> Sequence[Job]:
        """See `Provider`."""
        pace = self._pace()
        jobs = [Job(key="systems", every=self._list_every, run=self._list, essential=True)]
        for site, question in self._wanted():
            jobs.append(
                Job(
                    key=f"{site}/{question.name}",
                    every=self._every(site, question, pace),
                    run=partial(self._asker.ask, site, question),
                    essential=question.essential,
                    daylight=question.daylight,
                )
            )
        return [*jobs, *(Job(key=f"find/{each}", every=WEEK, run=partial(self._find, each)) for each in self._lost())]

    def recall(self, memory: bytes | None) -> None:
        """See `Provider`."""
        self._asker.sites = recalled(memory)

    def remember(self) -> bytes:
        """See `Provider`."""
        return remembered(self._asker.sites)

    async def backfill(
        self, site: str | None, start: date, end: date, done: Container[str] = ()
    ) -> AsyncIterator[tuple[str, Sequence[SiteReport]]]:
        """See `Provider`. One request for each key; none for those that are `done`."""
        if not self._asker.sites:
            await self._list()
        for each in [site] if site is not None else list(self._asker.sites):
            if each not in self._asker.sites:
                raise NotAllowed(f"Enlighten shows no system {each}: correct the number, or sites in [cloud.enlighten]")
            await self._look_around(each)
            for question, first, run in self._chunks(each, start, end):
                key = f"{each}/{question.name}/{first}"
                if key not in done and question.wanted(self._asker.sites[each], self._clock.wall()):
                    yield key, await self._fetch(key, run)

    async def _look_around(self, site: str) -> None:
        """What hardware there is, where that is not known."""
        for question in self._questions:
            if isinstance(question, Look) and question.reveals and not self._asker.sites[site].hardware:
                with suppress(NotAllowed):
                    await self._asker.ask(site, question)

    def _chunks(self, site: str, start: date, end: date) -> Iterator[tuple[Question, str, Run]]:
        """Days for the whole time at once, then intervals, week by week. Each with when it begins."""
        for question in self._questions:
            if isinstance(question, Days):
                yield question, start.isoformat(), partial(self._asker.days, site, question, start, end)
        here = self._asker.sites[site].here(self._clock.wall())
        begin, over = here.midnight(start).timestamp(), here.midnight(end + timedelta(days=1)).timestamp()
        over = min(over, here.now)
        series = [question for question in self._questions if isinstance(question, Series)]
        for week in _steps(begin, over, WEEK):
            for question in series:
                # By seconds, not by days: one has 25 hours, which would be more than a reply may cover.
                for first, last in _steps(week[0], week[1], question.span):
                    if first > here.now - question.reach:
                        name = f"{datetime.fromtimestamp(first, UTC):%Y-%m-%dT%H%MZ}"
                        yield question, name, partial(self._asker.window, site, question, first, last)

    @staticmethod
    async def _fetch(key: str, run: Run) -> Sequence[SiteReport]:
        try:
            return await run()
        except (NotAllowed, OutOfRange) as error:
            _log.info("nothing_to_fetch", chunk=key, reason=str(error))
            return ()

    async def _list(self) -> Sequence[SiteReport]:
        """Which systems there are. An empty list is not believed where there were some."""
        listed = {
            str(system.system_id): zone_name(system.timezone)
            for system in await self._systems.systems(self._only or ())
            if system.system_id is not None
        }
        wanted = {site: zone for site, zone in listed.items() if self._only is None or site in self._only}
        for missing in set(self._only or ()) - set(listed):
            _log.warning("system_not_seen", site=missing, advice="correct sites in [cloud.enlighten]")
        known = self._asker.sites
        if wanted or not known:
            self._asker.sites = {
                site: replace(known.get(site, Known()), zone=zone or known.get(site, Known()).zone)
                for site, zone in wanted.items()
            }
        return [each.report(site) for site, each in self._asker.sites.items()]

    async def _find(self, serial: str) -> Sequence[SiteReport]:
        """Which system the gateway belongs to that is polled here."""
        site = await self._systems.search(serial)
        known = self._asker.sites.get(site or "")
        if site is None or known is None:
            _log.info("gateway_not_in_cloud", serial=serial, cloud=self.name)
            return ()
        self._asker.sites[site] = known.after(f"find/{serial}", Found(devices=(device("gateway", serial),)))
        return [self._asker.sites[site].report(site)]

    def _lost(self) -> list[str]:
        """Gateways that are polled here and in no system, once all systems have told theirs."""
        sites = self._asker.sites.values()
        told = {serial for known in sites for serial in known.gateways}
        if not sites or not all(known.gateways or GATEWAYS & known.absent.keys() for known in sites):
            return []
        return sorted(set(self._serials()) - told)

    def _wanted(self) -> Iterator[tuple[str, Question]]:
        now = self._clock.wall()
        for site, known in self._asker.sites.items():
            yield from ((site, question) for question in self._questions if question.wanted(known, now))

    def _every(self, site: str, question: Question, pace: float) -> float:
        """Seconds between two runs. Of intervals that do not fit into one reply there is always more to ask."""
        every = question.every * pace
        if isinstance(question, Series) and self._asker.behind(site, question):
            return max(question.every, min(every, question.span / CATCH_UP))
        return every

    def _pace(self) -> float:
        """By how much all cadences are stretched, so that so many systems fit into the quota."""
        month, lists = self.quota.month or math.inf, DAY / self._list_every
        in_a_day = lists + self._logins_a_day + sum(question.in_a_day for _, question in self._wanted())
        return max(1.0, _DAYS_IN_A_MONTH * in_a_day / (SHARE * month))


def _steps(start: float, end: float, length: float) -> Iterator[tuple[float, float]]:
    """From start to end, in steps of this length and a shorter one."""
    while start < end:
        yield start, min(start + length, end)
        start += length
