"""Today, this week, this month, this year: over midnights, summer time, downtime, restarts and clocks that are set."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import pytest

from envoy_bridge.counters.days import Days, Period, Shape, Totals, advance, begins, evenly, moved, sunlit, turn

VIENNA = ZoneInfo("Europe/Vienna")
MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
NONE: frozenset[Period] = frozenset()
UNKNOWN = Totals()


@dataclass
class Counter:
    """Takes readings one after the other, as the daemon does."""

    tz: tzinfo = VIENNA
    shape: Shape = evenly
    state: Days | None = None
    totals: Totals = UNKNOWN
    estimated: frozenset[Period] = NONE

    def read(self, value: float | None, when: float | str) -> Totals:
        self.state, self.totals, self.estimated = advance(self.state, value, self.at(when), self.tz, self.shape)
        return self.totals

    def restart(self) -> None:
        self.state = msgspec.json.decode(msgspec.json.encode(self.state), type=Days | None)

    def at(self, when: float | str) -> float:
        if not isinstance(when, str):
            return when
        return datetime.fromisoformat(when).replace(tzinfo=self.tz).timestamp()


def settled(value: float, when: str, tz: tzinfo = VIENNA, shape: Shape = evenly) -> Counter:
    """A counter that has run since the year before, so that nothing is estimated, and stands at `value` at `when`."""
    counter = Counter(tz, shape)
    counter.read(value, counter.at(when) - 400 * DAY)
    counter.read(value, when)
    assert counter.estimated == NONE
    return counter


def utc(moment: str) -> float:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()


# First moments


LONG_AND_SHORT_DAYS = [
    # zone, day, its first moment in UTC, its length in hours
    ("Europe/Vienna", "2026-03-29", "2026-03-28T23:00", 23),
    ("Europe/Vienna", "2026-10-25", "2026-10-24T22:00", 25),
    ("Europe/Vienna", "2026-11-21", "2026-11-20T23:00", 24),
    ("US/Eastern", "2026-03-08", "2026-03-08T05:00", 23),
    ("US/Eastern", "2026-11-01", "2026-11-01T04:00", 25),
    ("Australia/Sydney", "2026-04-05", "2026-04-04T13:00", 25),
    ("Australia/Sydney", "2026-10-04", "2026-10-03T14:00", 23),
    ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", 24.5),
    ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30", 23.5),
    ("Asia/Kolkata", "2026-03-29", "2026-03-28T18:30", 24),
    ("America/Santiago", "2026-09-06", "2026-09-06T04:00", 23),  # begins at 01:00
    ("America/Santiago", "2026-04-04", "2026-04-04T03:00", 25),  # 23:00 comes twice
    ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00", 23),  # begins at 01:00
    ("Asia/Beirut", "2026-10-24", "2026-10-23T21:00", 25),  # 23:00 comes twice
    ("Atlantic/Azores", "2026-03-29", "2026-03-29T01:00", 23),  # begins at 01:00
    ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00", 25),  # midnight comes twice
]


@pytest.mark.parametrize(("zone", "day", "begin", "hours"), LONG_AND_SHORT_DAYS)
def test_today_is_what_came_since_the_first_moment_of_a_long_or_short_day(
    zone: str, day: str, begin: str, hours: float
) -> None:
    first, last = utc(begin), utc(begin) + hours * HOUR
    tz = ZoneInfo(zone)
    assert datetime.fromtimestamp(first, tz).date().isoformat() == day
    counter = Counter(tz)
    counter.read(0.0, first - DAY)
    when = first - HOUR
    while when < last + HOUR:
        when += 47
        counter.read(when - first + DAY, when)  # 1 Wh a second
        expected = when - first + DAY if when < first else (when - first) % (last - first)
        if when >= first:
            assert counter.totals.today == expected
            assert "today" not in counter.estimated


def test_every_day_of_every_zone_begins_when_its_date_does() -> None:
    for zone in sorted(available_timezones()):
        tz = ZoneInfo(zone)
        when = utc("2026-01-01T00:00")
        offset: timedelta | None = None
        while when < utc("2027-01-01T00:00"):
            when += DAY / 2
            before, offset = offset, datetime.fromtimestamp(when, tz).utcoffset()
            if before != offset:  # the days around a change of the clocks, and one more
                for moment in range(int(when - 2 * DAY), int(when + DAY), 1800):
                    begin = begins(moment, tz)["today"]
                    assert begin <= moment, zone
                    assert datetime.fromtimestamp(begin, tz).date() == datetime.fromtimestamp(moment, tz).date(), zone
                    assert datetime.fromtimestamp(begin - 1, tz).date() < datetime.fromtimestamp(begin, tz).date(), zone


@pytest.mark.parametrize(
    ("when", "week", "month", "year"),
    [
        ("2026-11-21T12:00", "2026-11-16", "2026-11-01", "2026-01-01"),
        ("2026-11-22T23:59", "2026-11-16", "2026-11-01", "2026-01-01"),
        ("2026-11-23T00:00", "2026-11-23", "2026-11-01", "2026-01-01"),
        ("2027-01-01T00:00", "2026-12-28", "2027-01-01", "2027-01-01"),
    ],
)
def test_weeks_begin_on_monday_months_and_years_on_the_first(when: str, week: str, month: str, year: str) -> None:
    found = begins(Counter().at(when), VIENNA)
    assert found == {
        period: Counter().at(f"{day}T00:00")
        for period, day in (("today", when[:10]), ("week", week), ("month", month), ("year", year))
    }


# Over midnight


@pytest.mark.parametrize(("before", "after", "share"), [(4, 1, 0.2), (15, 45, 0.75), (300, 300, 0.5), (0, 5, 1)])
def test_what_lies_between_two_readings_around_midnight_is_split_by_time(
    before: float, after: float, share: float
) -> None:
    midnight = Counter().at("2026-11-21T00:00")
    counter = settled(5_000_000.0, "2026-11-20T12:00")
    counter.read(5_000_400.0, midnight - 301)
    counter.read(5_000_400.0, midnight - before)
    counter.read(5_000_500.0, midnight + after)
    assert counter.totals.today == 100 * share
    assert counter.totals.week == 500
    assert counter.estimated == NONE


def test_a_week_month_and_year_end_with_their_last_day() -> None:
    counter = settled(0.0, "2026-12-30T12:00")
    counter.read(100.0, "2026-12-31T23:59")
    assert counter.read(104.0, "2027-01-01T00:01") == Totals(today=2.0, week=104.0, month=2.0, year=2.0)
    counter.read(200.0, "2027-01-03T23:59")
    assert counter.read(202.0, "2027-01-04T00:01") == Totals(today=1.0, week=1.0, month=100.0, year=100.0)


def test_until_the_first_reading_of_a_day_today_is_unknown() -> None:
    counter = settled(1000.0, "2026-11-20T12:00")
    counter.read(3000.0, "2026-11-20T23:59:58")
    assert turn(counter.state, counter.at("2026-11-20T23:59:59"), VIENNA)[0].today == 2000.0
    assert turn(counter.state, counter.at("2026-11-21T00:00:00"), VIENNA) == (Totals(None, 2000, 2000, 2000), NONE)
    kept = counter.state
    assert counter.read(None, "2026-11-21T00:00:03").today is None
    assert counter.state == kept
    assert counter.read(3004.0, "2026-11-21T00:00:06").today == 3.0


def test_an_unknown_value_changes_nothing() -> None:
    assert advance(None, None, 0.0, VIENNA) == (None, Totals(), NONE)
    counter = Counter()
    counter.read(10.0, "2026-11-20T12:00")
    kept, totals, estimated = counter.state, counter.read(15.0, "2026-11-20T12:01"), counter.estimated
    kept = counter.state
    assert counter.read(None, "2026-11-20T12:05") == totals == Totals(5.0, 5.0, 5.0, 5.0)
    assert counter.state == kept
    assert counter.estimated == estimated == {"today", "week", "month", "year"}


def test_the_first_reading_of_all_starts_every_period_and_is_estimated_to_its_end() -> None:
    counter = Counter()
    counter.read(8_000_000.0, "2026-11-21T10:00")
    assert counter.totals == Totals(0.0, 0.0, 0.0, 0.0)
    counter.read(8_000_500.0, "2026-11-21T23:59:59")
    assert counter.estimated == {"today", "week", "month", "year"}
    counter.read(8_000_500.0, "2026-11-22T00:00:01")
    assert counter.estimated == {"week", "month", "year"}
    counter.read(8_000_500.0, "2026-11-23T00:00:01")
    assert counter.estimated == {"month", "year"}


# Downtime


def test_what_was_used_while_away_within_a_day_is_todays() -> None:
    counter = settled(1000.0, "2026-11-20T01:00")
    assert counter.read(9000.0, "2026-11-20T23:00").today == 8000.0
    assert counter.estimated == NONE


def test_a_gap_over_midnight_is_split_and_marked_until_the_next_midnight() -> None:
    counter = settled(1000.0, "2026-11-20T20:00")
    assert counter.read(2200.0, "2026-11-21T08:00") == Totals(800.0, 1200.0, 1200.0, 1200.0)
    assert counter.estimated == {"today"}
    counter.restart()
    counter.read(2300.0, "2026-11-21T23:59:50")
    assert counter.estimated == {"today"}
    counter.read(2300.0, "2026-11-22T00:00:10")
    assert counter.estimated == NONE


@pytest.mark.parametrize(("gap", "estimated"), [(600.0, NONE), (601.0, frozenset({"today"}))])
def test_a_gap_is_estimated_when_it_is_longer_than_ten_minutes(gap: float, estimated: frozenset[Period]) -> None:
    counter = settled(1000.0, "2026-11-20T20:00")
    midnight = counter.at("2026-11-21T00:00")
    counter.read(1100.0, midnight - 300)
    counter.read(1200.0, midnight - 300 + gap)
    assert counter.estimated == estimated


def test_a_night_without_growth_hides_nothing() -> None:
    counter = settled(1000.0, "2026-11-20T18:00")
    assert counter.read(1000.0, "2026-11-21T06:00").today == 0.0
    assert counter.estimated == NONE


def test_downtime_over_several_days_is_spread_over_them() -> None:
    counter = settled(0.0, "2026-11-19T12:00")  # Thursday
    totals = counter.read(96_000.0, "2026-11-23T12:00")
    assert totals == Totals(12_000.0, 12_000.0, 96_000.0, 96_000.0)
    assert counter.estimated == {"today", "week"}


def test_production_of_a_night_away_is_given_to_the_hours_of_light() -> None:
    evening, morning = "2026-06-20T21:30", "2026-06-21T12:00"
    linear, sun = settled(0.0, evening), settled(0.0, evening, shape=sunlit)
    linear.read(20_000.0, morning)
    sun.read(20_000.0, morning)
    assert linear.totals.today == pytest.approx(20_000 * 12 / 14.5, abs=0.001)
    assert sun.totals.today is not None
    assert 19_900 < sun.totals.today < 20_000
    assert sun.estimated == linear.estimated == {"today"}


def test_production_of_days_away_comes_in_equal_days() -> None:
    counter = settled(0.0, "2026-06-20T23:00", shape=sunlit)
    assert counter.read(30_000.0, "2026-06-23T23:00").today == 10_000.0
    counter = settled(0.0, "2026-06-20T13:00", shape=sunlit)
    assert counter.read(30_000.0, "2026-06-23T13:00").today == 5_000.0


def test_growth_in_a_night_is_spread_evenly_even_for_production() -> None:
    counter = settled(0.0, "2026-06-20T23:00", shape=sunlit)
    assert counter.read(40.0, "2026-06-21T03:00").today == 30.0


@pytest.mark.parametrize("zone", ["Europe/Vienna", "America/Santiago", "Atlantic/Azores", "Australia/Lord_Howe"])
@pytest.mark.parametrize("shape", [evenly, sunlit])
def test_a_shape_never_falls(zone: str, shape: Shape) -> None:
    tz = ZoneInfo(zone)
    start = int(utc("2026-01-01T00:00"))
    course = [shape(datetime.fromtimestamp(start + step * 900, tz)) for step in range(365 * 96)]
    assert all(before <= after for before, after in pairwise(course))


# Clocks and zones that are set


def test_a_clock_that_is_behind_for_a_while_loses_nothing() -> None:
    counter = settled(1000.0, "2026-11-20T22:00")
    counter.restart()
    # ten hours without power; the board boots with the time it saved, and hears the right one a minute later
    assert counter.read(2000.0, "2026-11-20T21:17") == Totals(1000.0, 1000.0, 1000.0, 1000.0)
    assert counter.read(2000.0, "2026-11-21T08:01").today == pytest.approx(1000 * 481 / 601, abs=0.001)
    assert counter.estimated == {"today"}


def test_a_clock_corrected_over_midnight_turns_the_day_once() -> None:
    counter = settled(1000.0, "2026-11-20T12:00")
    counter.read(2000.0, "2026-11-20T23:59:59")
    counter.read(2002.0, "2026-11-21T00:00:01")
    todays = [
        counter.read(value, when).today
        for value, when in [
            (2004.0, "2026-11-20T23:59:57"),
            (2006.0, "2026-11-20T23:59:59"),
            (2008.0, "2026-11-21T00:00:01"),
            (2010.0, "2026-11-21T00:00:03"),
        ]
    ]
    assert todays == [3.0, 5.0, 7.0, 9.0]
    assert counter.estimated == NONE


def test_a_reading_that_comes_late_changes_nothing() -> None:
    counter = settled(1000.0, "2026-11-20T12:00")
    counter.read(2000.0, "2026-11-20T13:00")
    kept = counter.state
    assert counter.read(1900.0, "2026-11-20T12:55").today == 1000.0
    assert counter.state == kept
    assert counter.read(2100.0, "2026-11-20T13:01").today == 1100.0


def test_a_clock_that_was_years_ahead_keeps_today_and_then_goes_by_the_right_time() -> None:
    counter = settled(1000.0, "2030-05-01T12:00")
    counter.read(1500.0, "2030-05-01T13:00")
    assert counter.read(1501.0, "2026-11-20T13:00") == Totals(501.0, 501.0, 501.0, 501.0)
    assert counter.estimated == {"today", "week", "month", "year"}
    counter.read(1600.0, "2026-11-20T23:59:59")
    assert counter.read(1600.0, "2026-11-21T00:00:01").today == 0.0
    assert counter.estimated == {"week", "month", "year"}


def test_a_clock_set_back_within_the_day_keeps_today() -> None:
    counter = settled(1000.0, "2026-11-20T00:30")
    counter.read(1500.0, "2026-11-20T18:00")
    assert counter.read(1510.0, "2026-11-20T12:00").today == 510.0
    assert counter.read(1520.0, "2026-11-20T12:05").today == 520.0
    assert counter.estimated == NONE


def test_a_zone_further_east_begins_the_day_where_the_counter_then_stood() -> None:
    counter = settled(0.0, "2026-11-19T23:59:59", ZoneInfo("US/Eastern"))
    counter.read(0.0, "2026-11-20T00:00:00")
    counter.read(2000.0, "2026-11-20T20:00")
    counter.tz = VIENNA  # where it is 02:00 of the next day, and that began at 18:00 in the east
    assert counter.read(2000.0, "2026-11-21T02:00").today == 200.0
    assert counter.estimated == {"today", "week", "month", "year"}
    counter.read(2200.0, "2026-11-21T23:59:59")
    counter.read(2200.0, "2026-11-22T00:00:00")
    assert counter.totals.today == 0.0
    assert "today" not in counter.estimated


def test_a_zone_further_west_keeps_what_was_counted() -> None:
    counter = settled(0.0, "2026-11-20T23:59:59")
    counter.read(0.0, "2026-11-21T00:00:00")
    counter.read(100.0, "2026-11-21T02:00")
    counter.tz = ZoneInfo("US/Eastern")
    assert counter.read(100.0, "2026-11-20T20:00").today == 100.0
    assert "today" in counter.estimated
    counter.read(500.0, "2026-11-20T23:59:59")
    assert counter.read(500.0, "2026-11-21T00:00:00").today == 0.0
    assert "today" not in counter.estimated


def test_another_name_of_the_same_zone_changes_nothing() -> None:
    counter = settled(0.0, "2026-11-20T12:00", ZoneInfo("US/Eastern"))
    counter.tz = ZoneInfo("America/New_York")
    assert counter.read(70.0, "2026-11-20T13:00").today == 70.0
    assert counter.estimated == NONE


# Counters that are set


def test_a_counter_set_to_another_figure_keeps_its_totals() -> None:
    counter = settled(5000.0, "2026-11-20T12:00")
    before = counter.read(5700.0, "2026-11-20T13:00")
    assert counter.state is not None
    counter.state = moved(counter.state, 1_000_000.0)
    assert turn(counter.state, counter.at("2026-11-20T13:01"), VIENNA) == (before, NONE)
    assert counter.read(1_005_700.0, "2026-11-20T13:01") == before
    assert counter.read(12.0, "2026-11-20T13:02") == before
    assert counter.read(13.0, "2026-11-20T13:03").today == 701.0


# Long runs against the truth


def walk(seed: int, start: float, days: float) -> Iterator[tuple[float, float]]:
    """A counter's course: (time, Wh) every few seconds, day and night, with pauses."""
    chance = random.Random(seed)  # noqa: S311 - a course that can be repeated
    when, energy = start, Decimal(chance.randrange(10**10)) / 1000
    power = 0
    while when < start + days * DAY:
        yield when, float(energy)
        width = chance.choice([1, 1, 5, 5, 5, 60, 280])
        power = chance.choice([power, power, power, 0, chance.randrange(12_000)])
        when += width
        energy += Decimal(power * width * 1000 // 3600) / 1000


ZONES = ["Europe/Vienna", "US/Eastern", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut", "Asia/Kolkata"]
STARTS = ["2026-03-05T00:10", "2026-03-26T10:00", "2026-10-22T21:00", "2026-09-04T00:00", "2026-12-29T12:00"]


@pytest.mark.parametrize(("seed", "zone", "start"), [(i, ZONES[i % 6], STARTS[i % 5]) for i in range(6)])
def test_the_days_add_up_to_the_lifetime_counter_exactly(seed: int, zone: str, start: str) -> None:
    """Steps of today within days, and at midnight what was yet yesterday's, are the growth to the last digit."""
    counter = Counter(ZoneInfo(zone))
    course = list(walk(seed, utc(start), 5))
    counted = Decimal(0)
    today, lifetime = Decimal(0), Decimal(repr(course[0][1]))
    counter.read(course[0][1], course[0][0])
    for when, energy in course[1:]:
        assert counter.state is not None
        before = counter.state.openings["today"]
        counter.read(energy, when)
        opening = counter.state.openings["today"]
        now = Decimal(repr(counter.totals.today))
        if opening == before:
            assert now >= today
            counted += now - today
        else:
            yesterdays = Decimal(repr(opening.lifetime)) - lifetime
            assert now >= 0
            assert yesterdays >= 0
            counted += yesterdays + now
        today, lifetime = now, Decimal(repr(energy))
    assert counted == Decimal(repr(course[-1][1])) - Decimal(repr(course[0][1]))


def stood(course: Sequence[tuple[float, float]], moment: float) -> float:
    """Where the counter truly stood at a moment."""
    for (first, low), (last, high) in pairwise(course):
        if first <= moment <= last:
            return low + (high - low) * (moment - first) / (last - first)
    raise AssertionError


@pytest.mark.parametrize(("seed", "zone", "start"), [(i, ZONES[i % 6], STARTS[i % 5]) for i in range(6)])
def test_each_day_is_the_truth_and_restarts_and_missed_polls_change_nothing(seed: int, zone: str, start: str) -> None:
    """Every few polls one is lost, and the state goes through the disk at any moment; the totals stay true."""
    chance = random.Random(seed)  # noqa: S311 - a course that can be repeated
    tz = ZoneInfo(zone)
    counter, witness = Counter(tz), Counter(tz)
    course = list(walk(seed, utc(start), 5))
    last = 0
    found: dict[int, tuple[float, float]] = {}  # first moment: opening, and how far off it may be
    for place, (when, energy) in enumerate(course):
        value = None if chance.random() < 0.2 else energy
        assert counter.read(value, when) == witness.read(value, when)
        assert counter.estimated == witness.estimated
        if chance.random() < 0.1:
            counter.restart()
        if counter.state and value is not None:
            opening = counter.state.openings["today"]
            doubt = 0.0 if place == last + 1 else energy - course[last][1]
            found.setdefault(opening.begin, (opening.lifetime, doubt))
            last = place
    found.pop(min(found))  # the day of the first reading
    assert found.keys() == {int(midnight) for midnight in local_midnights(course[0][0], course[-1][0], tz)}
    assert any(doubt == 0.0 for _, doubt in found.values())
    for begin, (lifetime, doubt) in found.items():
        assert lifetime == pytest.approx(stood(course, begin), abs=doubt + 0.001)


def local_midnights(start: float, end: float, tz: tzinfo) -> Iterator[float]:
    """The moments at which the local date changes, found by looking at the date only."""
    moment = datetime.fromtimestamp(start // 60 * 60, UTC)
    day = moment.astimezone(tz).date()
    while moment.timestamp() < end:
        moment += timedelta(minutes=30)
        if moment.astimezone(tz).date() != day:
            day = moment.astimezone(tz).date()
            back = moment
            while (back - timedelta(minutes=1)).astimezone(tz).date() == day:
                back -= timedelta(minutes=1)
            yield back.timestamp()


def test_random_clocks_and_gaps_never_give_a_negative_total() -> None:
    """Steps of the clock by seconds to days, either way, gaps, zones and lost readings, in any order."""
    for seed in range(120):
        chance = random.Random(seed)  # noqa: S311 - a course that can be repeated
        counter = Counter(ZoneInfo(chance.choice(ZONES)), chance.choice([evenly, sunlit]))
        when, energy = utc("2026-03-27T21:00"), 0.0
        for _ in range(200):
            when += chance.choice([5.0, 60.0, 5 * HOUR, chance.uniform(-3, 3), chance.uniform(-1, 1) * 2 * DAY])
            energy = round(energy + chance.choice([0.0, 0.001, chance.uniform(0, 5000)]), 3)
            if chance.random() < 0.05:
                counter.tz = ZoneInfo(chance.choice(ZONES))
            totals = counter.read(chance.choice([energy, energy, energy, None]), when)
            assert all(figure is None or figure >= 0 for figure in totals)
            if counter.state:
                assert all(o.lifetime <= counter.state.lifetime for o in counter.state.openings.values())
                assert len(msgspec.json.encode(counter.state)) < 400
