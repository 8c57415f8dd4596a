"""Growatt's times: local to the plant and without a zone, in most answers. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

AHEAD: Final = timedelta(minutes=1)
"""By how much the vendor's clock may be ahead of ours; what is later than that has not happened yet."""

_OFFSET: Final = re.compile(r"(?:GMT|UTC)?\s*([+-]?)\s*(\d{1,2})(?::?([0-5]\d))?(?:\.0)?", re.IGNORECASE)
_FURTHEST: Final = timedelta(hours=14)
_HOUR: Final = timedelta(hours=1)
_YEARS: Final = range(2000, 2200)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def zone_of(text: object) -> tzinfo | None:
    """The time zone that a plant's `timezone` names: `GMT+8`, `GMT-3:30`. It has no summer time. None: not clear."""
    found = _OFFSET.fullmatch(str(text).strip()) if isinstance(text, str | int | float) else None
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return None if offset > _FURTHEST else timezone(-offset if found[1] == "-" else offset)


def zone_name(zone: tzinfo) -> str | None:
    """The IANA name of the zone. None: there is none, as for an offset of half an hour."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    offset = zone.utcoffset(None) or timedelta()
    hours, rest = divmod(offset, _HOUR)
    # In these names the sign is the other way round: Etc/GMT-8 is eight hours ahead of UTC.
    return None if rest or hours < -12 else f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"  # noqa: PLR2004


def zone_id(zone: tzinfo) -> str:
    """What the vendor takes as `timezone_id`: an IANA name, or `GMT+05:30`."""
    return zone_name(zone) or str(zone).replace("UTC", "GMT")


def day_start(day: date, zone: tzinfo) -> datetime:
    """Midnight at the plant, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def moment(value: object, zone: tzinfo, now: datetime) -> datetime | None:
    """When that was, in UTC. In the hour that summer time repeats: the later one that has come. None: not clear."""
    possible = _readings(value, zone)
    come = [reading for reading in possible if reading <= now + AHEAD]
    return come[-1] if come else possible[0] if possible else None


def moments(values: Sequence[object], zone: tzinfo, now: datetime) -> list[datetime | None]:
    """When each of a series was, whichever way it goes. In the hour that summer time repeats, it tells which one it is.

    There a series goes back once, and a time may stand twice. In a series that is in no order only the second tells.
    """
    readings = [[reading for reading in found if reading <= now + AHEAD] or found[:1] for found in _all(values, zone)]
    steps = [
        (later > earlier) - (later < earlier) for earlier, later in pairwise(found[0] for found in readings if found)
    ]
    forwards = sum(steps) >= 0
    ordered = min(steps.count(1), steps.count(-1)) <= 1
    seen: dict[datetime, int] = {}
    last = _LONG_AGO
    times: list[datetime | None] = [None] * len(values)
    for index in range(len(values)) if forwards else reversed(range(len(values))):
        if not (possible := readings[index]):
            continue
        again = seen.get(possible[0], 0)
        seen[possible[0]] = again + 1
        back = ordered and possible[0] < last
        times[index] = last = possible[-1] if again or back else possible[0]
    return times


def _all(values: Sequence[object], zone: tzinfo) -> list[list[datetime]]:
    return [_readings(value, zone) for value in values]


def _readings(value: object, zone: tzinfo) -> list[datetime]:
    """What the time can mean, the earliest first: one moment; two in an hour that is repeated; none if it never was."""
    if isinstance(value, Mapping):
        return _java(value)
    try:
        stamp = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return []
    if stamp is None or stamp.year not in _YEARS:
        return []
    if stamp.tzinfo is not None:
        return [stamp.astimezone(UTC)]
    both = {stamp.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(reading for reading in both if reading.astimezone(zone).replace(tzinfo=None) == stamp)


def _java(value: Mapping[str, Any]) -> list[datetime]:
    """A `java.util.Date`, or the Calendar around one: `time` is in milliseconds since 1970, its year since 1900."""
    milliseconds = value.get("time")
    if isinstance(milliseconds, Mapping):
        return _java(milliseconds)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return []
    try:
        return [datetime.fromtimestamp(milliseconds / 1000, UTC)]
    except (ValueError, OverflowError, OSError):
        return []
