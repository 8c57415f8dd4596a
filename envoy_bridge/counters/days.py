"""What a lifetime counter grew by today, this week, this month and this year, in the gateway's time zone. Pure.

A period is known by its first moment and by where the counter stood then: its opening. Today is the counter less that
opening. When a reading comes from another day than the last one, where the counter stood at midnight is read off the
line between the two; so a day closes exactly where the next one opens, and the days add up to the lifetime counter.

All figures are Wh, all times seconds since 1970 UTC. Give the guarded counter: here nothing is repaired.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from math import cos, pi
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.model import scaled

Period = Literal["today", "week", "month", "year"]

Shape = Callable[[datetime], float]
"""From a local time, a figure that grows with time as the counter is expected to, in any unit."""

SHORT_GAP = 600.0
"""Seconds: readings this far apart at most tell where the counter stood between them, and the line is no estimate. That
bridges every polling interval, and a restart of the gateway or of the daemon. At midnight there is no sun, and a base
load of 500 W comes to 83 Wh in that time, of which the line puts a part on the wrong side."""

CLOCK_BEHIND = 7200.0
"""Seconds: a clock this much behind the last reading is not set yet. A board without a battery-backed clock boots with
a time that it saved, often once an hour, and learns the right one a little later."""

_DAWN, _DUSK = 4.0, 22.0
"""Hours of the local clock that hold the light of any season, summer time or not, wherever panels are put up."""


class Opening(Struct, frozen=True, omit_defaults=True):
    """Where the counter stood (Wh) when a period began. `estimated`: as far as that can be known."""

    begin: int
    lifetime: float
    estimated: bool = False


class Days(Struct, frozen=True):
    """What is kept of a counter, in memory and on disk: its last reading, and the periods that reading lies in."""

    lifetime: float
    time: float
    openings: Mapping[Period, Opening]


class Totals(NamedTuple):
    """Wh since the period began. None: not known, because no reading has come since then."""

    today: float | None = None
    week: float | None = None
    month: float | None = None
    year: float | None = None


def evenly(local: datetime) -> float:
    """The shape of a counter of which nothing is known: so much an hour, day and night."""
    return local.timestamp()


def sunlit(local: datetime) -> float:
    """The shape of production: nothing at night, most at noon; each day as much as the other."""
    hours = local.hour + local.minute / 60 + local.second / 3600
    light = min(max((hours - _DAWN) / (_DUSK - _DAWN), 0.0), 1.0)
    return local.toordinal() + (1 - cos(pi * light)) / 2


def begins(when: float, tz: tzinfo) -> Mapping[Period, int]:
    """The first moments of the day, ISO week, month and year that `when` lies in.

    A day begins at midnight; where summer time begins at midnight, it begins at 01:00.
    """
    return _begins(int(when // 60), tz)


@lru_cache(maxsize=64)
def _begins(minute: int, tz: tzinfo) -> Mapping[Period, int]:
    """All counters of a gateway ask for the same minute; no period begins within one."""
    day = datetime.fromtimestamp(minute * 60, tz).date()
    return {
        "today": _first_moment(day, tz),
        "week": _first_moment(day - timedelta(days=day.weekday()), tz),
        "month": _first_moment(day.replace(day=1), tz),
        "year": _first_moment(day.replace(month=1, day=1), tz),
    }


def advance(
    state: Days | None, value: float | None, when: float, tz: tzinfo, shape: Shape = evenly
) -> tuple[Days | None, Totals, frozenset[Period]]:
    """Take in a reading: the state from now on, the totals, and which of these are estimated.

    Args:
        state: What this function gave last; None before the first reading of all.
        value: The guarded counter; None when it is not known, which changes nothing but the time (see `turn`).
        when: When it was read, by the wall clock. A reading older than the last one by less than `CLOCK_BEHIND` leaves
            the state as it is; older than that, the clock has been set back, and the totals stay what they are.
        tz: The gateway's time zone. When it changes, what was counted is kept as far as the new day covers it.
        shape: How the growth is spread over a time without readings that reaches over the end of a period.

    A period is estimated until its end: when the first reading of all lies in it, when it began in a gap longer than
    `SHORT_GAP` in which the counter grew, or when clock or zone were set so that its opening was not seen.
    A counter that falls has been set to another figure on purpose: the totals stay what they are.
    """
    if value is None:
        return state, *turn(state, when, tz)
    if state is None:
        state = Days(value, when, {})
    if state.time - CLOCK_BEHIND <= when < state.time:
        return state, *turn(replace(state, lifetime=max(value, state.lifetime)), when, tz)
    if value < state.lifetime:
        state = moved(state, value - state.lifetime)
    reading = Days(value, when, {})
    now = begins(when, tz)
    if len(state.openings) == len(now) and all(now[period] == known.begin for period, known in state.openings.items()):
        state = Days(value, when, state.openings)  # nothing has begun since the last reading
        return state, *turn(state, when, tz)
    openings = {
        period: _opening(begin, state.openings.get(period), state, reading, _Line(tz, shape))
        for period, begin in now.items()
    }
    state = replace(reading, openings=openings)
    return state, *turn(state, when, tz)


def turn(state: Days | None, when: float, tz: tzinfo) -> tuple[Totals, frozenset[Period]]:
    """The totals at a time without a reading, and which of these are estimated.

    They stand as they are until their period ends; from then on they are unknown (None) until the next reading.
    """
    if state is None:
        return Totals(), frozenset()
    now = begins(when, tz)
    current = {period: opening for period, opening in state.openings.items() if now[period] <= opening.begin}
    totals = {period: scaled(state.lifetime - opening.lifetime) for period, opening in current.items()}
    return Totals(**totals), frozenset(period for period, opening in current.items() if opening.estimated)


def moved(state: Days, by: float) -> Days:
    """The same totals for a counter that somebody has set higher or lower by so many Wh."""
    openings = {
        period: replace(opening, lifetime=_rounded(opening.lifetime + by)) for period, opening in state.openings.items()
    }
    return replace(state, lifetime=_rounded(state.lifetime + by), openings=openings)


def _opening(begin: int, known: Opening | None, last: Days, reading: Days, line: "_Line") -> Opening:
    """The opening of the period that began at `begin`, given the one `known` so far and the last two readings."""
    if known is None:
        return Opening(begin, reading.lifetime, estimated=True)
    if begin == known.begin:
        return known
    if begin < known.begin:  # clock or zone were set back: what there was before is not known
        return replace(known, begin=begin, estimated=True)
    if begin < last.time:  # the zone was changed: the period began between two points seen
        stood = line.at(begin, (known.begin, known.lifetime), (last.time, last.lifetime))
        return Opening(begin, stood, estimated=True)
    stood = line.at(begin, (last.time, last.lifetime), (reading.time, reading.lifetime))
    unsure = reading.time - last.time > SHORT_GAP and reading.lifetime > last.lifetime
    return Opening(begin, stood, estimated=unsure)


class _Line(NamedTuple):
    """What a counter of this shape did between two points (time, Wh)."""

    tz: tzinfo
    shape: Shape

    def at(self, when: float, start: tuple[float, float], end: tuple[float, float]) -> float:
        """Where it stood at a time between them."""
        share = self._share(self.shape, when, start[0], end[0])
        if share is None:  # it grew while nothing was expected of it
            share = self._share(evenly, when, start[0], end[0]) or 0.0
        return _rounded(start[1] + share * (end[1] - start[1]))

    def _share(self, shape: Shape, when: float, start: float, end: float) -> float | None:
        first, now, last = (shape(datetime.fromtimestamp(moment, self.tz)) for moment in (start, when, end))
        return (now - first) / (last - first) if last > first else None


def _first_moment(day: date, tz: tzinfo) -> int:
    """Of an hour that comes twice the first one; in an hour that is skipped, the moment it is skipped at."""
    return int(datetime.combine(day, time.min, tz).timestamp())


def _rounded(energy: float) -> float:
    """To the three decimals that are published: then the days add up to the last digit."""
    return round(energy, 3)
