"""What Growatt's answers about a plant mean. Pure: decoded answers to samples."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from envoy_bridge.clouds.growatt.times import AHEAD, day_start, moment, moments
from envoy_bridge.clouds.growatt.wire import Details, Energies, Overview, Plant, Powers, number
from envoy_bridge.clouds.report import SITE, Sample

STEP: Final = timedelta(minutes=5)
"""From one value of `plant/power` to the next. A value is that of the five minutes up to its time."""

SETTLED: Final = timedelta(minutes=10)
"""Age from which the power of a plant does not change any more: by then all its inverters have reported."""

FRESH: Final = timedelta(minutes=10)
"""Age up to which the newest power is the power now."""

_KILO: Final = 1000.0


def size(plant: Plant | Details, now: datetime) -> Iterator[Sample]:
    """The peak power of the plant. 0 means that nobody has typed it in."""
    if peak := number(plant.peak_power):
        yield Sample(part=SITE, quantity="size", value=round(peak * _KILO, 1), end=now)


def totals(overview: Overview, zone: tzinfo, now: datetime) -> Iterator[Sample]:
    """The energies of a plant. Those of a day, month or year that is over are left out: the cloud tells them on."""
    told = moment(overview.last_update_time, zone, now)
    if told is None or told > now + AHEAD:
        return
    yield Sample(part=SITE, quantity="last_report", value=told, end=told)
    if (whole := number(overview.total_energy)) is not None:
        yield Sample(part=SITE, quantity="energy_lifetime", value=round(whole * _KILO), end=told, kind="counter")
    local, today = told.astimezone(zone).date(), now.astimezone(zone).date()
    for quantity, value, current in (
        ("energy_month", overview.monthly_energy, (local.year, local.month) == (today.year, today.month)),
        ("energy_year", overview.yearly_energy, local.year == today.year),
    ):
        if current and (energy := number(value)) is not None:
            yield Sample(part=SITE, quantity=quantity, value=round(energy * _KILO), end=told, kind="counter")
    if local == today and (energy := number(overview.today_energy)) is not None:
        start = day_start(local, zone)
        yield Sample(
            part=SITE,
            quantity="energy_today",
            value=round(energy * _KILO),
            start=start,
            end=max(told, start),
            kind="daily",
            day=local,
            quality="partial",
        )


def power_intervals(powers: Powers, zone: tzinfo, now: datetime) -> tuple[Sample, ...]:
    """The mean powers of a day, oldest first, each moment once. Those to come, and those without a value, are not."""
    found: dict[datetime, Sample] = {}
    entries = powers.powers or ()
    times = moments([entry.time for entry in entries], zone, now)
    for end, entry in zip(times, entries, strict=True):
        value = number(entry.power)
        if end is None or value is None or end > now + AHEAD or end in found:
            continue
        found[end] = Sample(
            part=SITE,
            quantity="power",
            value=round(value, 1),
            start=end - STEP,
            end=end,
            kind="interval",
            granularity=STEP.total_seconds(),
            quality="ok" if now - end >= SETTLED else "partial",
        )
    return tuple(found[end] for end in sorted(found))


def power_now(intervals: tuple[Sample, ...], now: datetime) -> Iterator[Sample]:
    """The newest of them, if it is fresh: the only power of a plant that all of the vendor's servers tell in W."""
    if intervals and now - intervals[-1].end <= FRESH:
        yield Sample(part=SITE, quantity="power", value=intervals[-1].value, end=intervals[-1].end)


def daily_energies(energies: Energies, zone: tzinfo, today: date) -> Iterator[Sample]:
    """The energies of days that are over."""
    for entry in energies.energys or ():
        day, energy = _day(entry.date), number(entry.energy)
        if day is not None and energy is not None and day < today:
            yield closed_day(SITE, "energy_today", round(energy * _KILO), day, zone)


def closed_day(part: str, quantity: str, value: float, day: date, zone: tzinfo) -> Sample:
    """A value of a whole day, which has 23 or 25 hours now and then."""
    return Sample(
        part=part,
        quantity=quantity,
        value=value,
        start=day_start(day, zone),
        end=day_start(day + timedelta(days=1), zone),
        kind="daily",
        day=day,
    )


def utc(seconds: float) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def _day(text: object) -> date | None:
    """A day; None for a month (`2018-12`), a year (`2018`) and what is no date."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) and text.count("-") > 1 else None
    except ValueError:
        return None
