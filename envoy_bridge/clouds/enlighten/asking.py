"""One question about one system of Enlighten at a time, and what is kept in mind of the answer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.enlighten import wire
from envoy_bridge.clouds.enlighten.api import Api, Query
from envoy_bridge.clouds.enlighten.errors import OutOfRange
from envoy_bridge.clouds.enlighten.intervals import PATIENCE, meter_intervals, site_intervals, so_far
from envoy_bridge.clouds.enlighten.known import Known
from envoy_bridge.clouds.enlighten.parse import COUNTERS, Found, Here, counters, lifetime, moment
from envoy_bridge.clouds.enlighten.questions import DAY, WEEK, Days, Look, Question, Series
from envoy_bridge.clouds.errors import NotAllowed
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.rest import Answer

REVISED: Final = timedelta(days=3)
"""How far back days are asked for again: the vendor corrects them."""

OVERLAP: Final = 2 * PATIENCE
"""Seconds that are asked for again in front of what is known, at least: the intervals that were partial, for they are
for `PATIENCE`, and what one gateway of several uploads later."""

LOOK_BACK: Final = WEEK
"""Seconds that are asked for again where one reply covers them: it costs no request, and a gateway that was away for
days may upload what is new before what it has kept."""

SETTLED: Final = 7 * DAY
"""Seconds after which nothing is expected any more for a time, where it is not said when the system last reported."""


class Asker:
    """Asks, and remembers in `sites` what it learns."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self.sites: dict[str, Known] = {}
        self._api = api
        self._clock = clock

    async def ask(self, site: str, question: Question) -> Sequence[SiteReport]:
        """What is new. Raises CloudError."""
        match question:
            case Look():
                return await self._look(site, question)
            case Days():
                return await self._days(site, question)
            case Series():
                return await self._series(site, question)
        raise TypeError(f"no such question: {question}")

    async def days(self, site: str, question: Days, start: date, end: date) -> Sequence[SiteReport]:
        """The whole days from `start` to `end`. Raises CloudError."""
        query = (("start_date", start.isoformat()), ("end_date", end.isoformat()))
        samples = await self._daily(site, question, query)
        within = tuple(each for each in samples or () if each.day and start <= each.day <= end)
        return [self.sites[site].report(site, within)] if within else []

    async def window(self, site: str, question: Series, start: float, end: float) -> Sequence[SiteReport]:
        """The intervals from `start` to `end`, in seconds since 1970. Raises CloudError."""
        reply = await self._intervals(site, question, start, end)
        samples = () if reply is None else self._read(site, question, reply)
        within = tuple(each for each in samples if each.end.timestamp() <= end and _starts(each) >= start)
        return [self.sites[site].report(site, within)] if within else []

    def behind(self, site: str, question: Series) -> bool:
        """Is there more of it than one reply covers?"""
        return self._clock.wall() - self._cursor(site, question) > question.span - OVERLAP

    def _cursor(self, site: str, question: Series) -> float:
        """Seconds since 1970 from which on intervals may be missing."""
        first = self._clock.wall() - _look_back(question) + OVERLAP
        return self.sites[site].cursors.get(question.name, first)

    async def _look(self, site: str, question: Look) -> Sequence[SiteReport]:
        try:
            answer = await self._get(site, question, question.query(site), question.path)
        except NotAllowed:
            self._learn(site, question, Found(hardware=self.sites[site].hardware | question.reveals))
            raise
        if answer is None:
            return ()
        found = question.read(answer, self._here(site))
        self._learn(site, question, found if question.reveals else replace(found, hardware=None))
        return [self.sites[site].report(site, found.samples, devices=found.devices is not None)]

    def _learn(self, site: str, question: Look, found: Found) -> None:
        self.sites[site] = self.sites[site].after(question.name, found)

    async def _days(self, site: str, question: Days) -> Sequence[SiteReport]:
        """Days that are not known, and those that may have been revised. Where they are summed up, all are read."""
        known, today = self.sites[site], self._here(site).today
        first = known.days.get(question.name, today - timedelta(days=1)) - REVISED
        summed = any(quantity in COUNTERS for quantity in question.quantities.values())
        samples = await self._daily(site, question, () if summed else (("start_date", first.isoformat()),))
        if samples is None:
            return ()
        whole = [sample.day for sample in samples if sample.day and sample.quality == "ok"]
        if whole:
            self.sites[site] = known.through(question.name, max(whole))
        fresh = tuple(sample for sample in samples if sample.day and sample.day >= first)
        return [known.report(site, (*fresh, *(counters(samples) if summed else ())))]

    async def _daily(self, site: str, question: Days, query: Query) -> tuple[Sample, ...] | None:
        answer = await self._get(site, question, query)
        if answer is None:
            return None
        return lifetime(answer.json(wire.Lifetime), self._here(site), question.quantities)

    async def _series(self, site: str, question: Series) -> Sequence[SiteReport]:
        """Intervals from where the known ones end."""
        here = self._here(site)
        cursor = self._cursor(site, question)
        start = max(min(cursor - OVERLAP, here.now - _look_back(question)), here.now - question.reach)
        end = min(start + question.span, here.now)
        try:
            reply = await self._intervals(site, question, start, end)
        except OutOfRange as error:
            if error.last is not None and error.last < cursor:
                self.sites[site] = self.sites[site].up_to(question.name, error.last)
            return ()
        if reply is None:
            return ()
        samples = self._read(site, question, reply)
        self.sites[site] = self.sites[site].up_to(question.name, _reached(samples, reply, cursor, end, here))
        return [self.sites[site].report(site, (*samples, *so_far(samples, here, question.totals)))]

    async def _intervals(self, site: str, question: Series, start: float, end: float) -> wire.Intervals | None:
        answer = await self._get(site, question, question.window(int(start), int(end)))
        return None if answer is None else answer.json(wire.Intervals)

    def _read(self, site: str, question: Series, reply: wire.Intervals) -> tuple[Sample, ...]:
        whole = site_intervals(reply, self._here(site), question.length, question.readings)
        return whole + meter_intervals(reply, question.length)

    async def _get(self, site: str, question: Question, query: Query, path: str | None = None) -> Answer | None:
        """The answer; None where the system does not have this, which is not asked again for a week."""
        # A refusal of what everybody may ask is about the account, unless it has more than one system.
        alone = not question.essential or len(self.sites) > 1
        until = self._clock.wall() + WEEK
        try:
            answer = await self._api.get(
                path or f"/{quote(site, safe='')}/{question.name}", query, essential=question.essential, alone=alone
            )
        except NotAllowed:
            self.sites[site] = self.sites[site].without(question.name, until)
            raise
        if answer.status != HTTPStatus.NO_CONTENT:
            return answer
        if not question.essential:
            self.sites[site] = self.sites[site].without(question.name, until)
        return None

    def _here(self, site: str) -> Here:
        return self.sites[site].here(self._clock.wall())


def _reached(samples: Sequence[Sample], reply: wire.Intervals, cursor: float, end: float, here: Here) -> float:
    """Until when nothing is missing but what `OVERLAP` asks for again, in seconds since 1970.

    That is the end of the last interval; or of what was asked for, where nothing more can come for that time.
    """
    reported = moment(reply.meta.last_report_at) if reply.meta else None
    settled = end < (here.now - SETTLED if reported is None else min(reported.timestamp(), here.now))
    return max([cursor, *(sample.end.timestamp() for sample in samples), *([end] if settled else [])])


def _look_back(question: Series) -> float:
    return min(question.span, LOOK_BACK)


def _starts(sample: Sample) -> float:
    return (sample.start or sample.end).timestamp()
