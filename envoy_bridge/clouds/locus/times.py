"""Time as Locus tells it: an interval bears the moment of its beginning. Pure.

Hours and minutes are asked for in UTC. Days, months and years are those of the site, so that their bounds fit; a day is
known by its date there, not by the offset beside it, which is wrong at times (-07:00 in the Pacific winter).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

FIRST_YEAR: Final = 2000
"""Before any site came online, says the document."""


@dataclass(frozen=True, slots=True)
class Granularity:
    """How much time one row is about. `seconds`: None for what has the length that the calendar gives it.

    `longest`: what may be asked at once, less a day: the limits are "less than". `late`: the newest data that may still
    come or change, and are asked again each time.
    """

    name: str
    seconds: int | None = None
    longest: timedelta | None = None
    late: timedelta = timedelta(days=1)

    def begin(self, day: date) -> date:
        """The first day of the day, month or year that this day is in."""
        if self is YEARLY:
            return day.replace(month=1, day=1)
        return day.replace(day=1) if self is MONTHLY else day

    def next(self, day: date) -> date:
        """The first day of the day, month or year after that which begins on this one."""
        if self is YEARLY:
            return day.replace(year=day.year + 1)
        if self is MONTHLY:
            return (day + timedelta(days=31)).replace(day=1)
        return day + timedelta(days=1)


FIVE_MINUTES: Final = Granularity("5min", 300, timedelta(days=30))
QUARTERS: Final = Granularity("15min", 900, timedelta(days=30))
HOURS: Final = Granularity("hourly", 3600, timedelta(days=30))
DAILY: Final = Granularity("daily", None, timedelta(days=364), timedelta(days=3))
MONTHLY: Final = Granularity("monthly", None, timedelta(days=364), timedelta(days=35))
YEARLY: Final = Granularity("yearly")

INTERVALS: Final = (QUARTERS, FIVE_MINUTES, HOURS)
"""In the order in which they are preferred: what the meters of most sites count in."""

GRANULARITIES: Final = {each.name: each for each in (*INTERVALS, DAILY, MONTHLY, YEARLY)}


class Window(NamedTuple):
    """From `start` on and before `end`, in UTC."""

    start: datetime
    end: datetime


def window(gran: Granularity, reached: datetime | None, now: datetime, zone: ZoneInfo) -> Window:
    """What to ask for next. `reached`: up to when an earlier request asked; None: none did.

    After a longer break the oldest part of it comes first, as much as may be asked at once. Of years always all: only
    together they are of use.
    """
    if gran is YEARLY:
        return Window(midnight(date(FIRST_YEAR, 1, 1), zone), now)
    since = min(reached or now, now) - gran.late
    start = _begin(gran, since, zone)
    if gran.longest is None or now - start <= gran.longest:
        return Window(start, now)
    return Window(start, _begin(gran, start + gran.longest, zone))


def _begin(gran: Granularity, when: datetime, zone: ZoneInfo) -> datetime:
    if gran.seconds is not None:
        return floor(when, gran.seconds)
    return midnight(gran.begin(when.astimezone(zone).date()), zone)


def zone_named(names: Iterable[str | None]) -> ZoneInfo | None:
    """The zone of the first name that means one; also of `America/Los_angeles`."""
    for name in names:
        for spelling in (name, name.title()) if name else ():
            try:
                return ZoneInfo(spelling)
            except (KeyError, ValueError, OSError):
                continue
    return None


def moment(text: object) -> datetime | None:
    """A stamp in UTC; one without an offset is meant in UTC. None: it is not a stamp."""
    stamp = _stamp(text)
    if stamp is None:
        return None
    try:
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def local_day(text: object, zone: ZoneInfo) -> date | None:
    """The date at the site that a stamp means. None: it is not a stamp.

    The date beside a midnight is it, whatever the offset; another time of the day is of a server that has converted
    the moment, or that stamps the day somewhere inside.
    """
    stamp = _stamp(text)
    if stamp is None:
        return None
    if stamp.tzinfo is None or stamp.time() == time():
        return stamp.date()
    try:
        return stamp.astimezone(zone).date()
    except OverflowError:
        return None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins at the site, in UTC: days of 23 and of 25 hours are as long as they are."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def at(seconds: float) -> datetime:
    """Seconds since 1970, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def naive(when: datetime, zone: ZoneInfo | None = None) -> str:
    """As Locus wants it: without an offset, meant in the zone that is named beside it (None: UTC)."""
    return f"{when.astimezone(zone or UTC):%Y-%m-%dT%H:%M:%S}"


def floor(when: datetime, seconds: int) -> datetime:
    """The beginning of the interval that this moment is in."""
    return at(when.timestamp() // seconds * seconds)


def _stamp(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
