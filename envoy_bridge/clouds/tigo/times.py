"""Tigo's times: JSON has them with an offset, CSV in the local time of the site, without one. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOUR: Final = timedelta(hours=1)


def zone_of(names: Iterable[str | None]) -> ZoneInfo | None:
    """The first of the names that is one of a time zone."""
    for name in names:
        try:
            if name:
                return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def moment(text: str | None, zone: ZoneInfo | None = None) -> datetime | None:
    """A time as JSON has it, in UTC. Without an offset it is the site's. None: it is none."""
    try:
        stamp = datetime.fromisoformat(text or "")
        if stamp.tzinfo is None and zone is None:
            return None
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins at the site, in UTC. A day may have 23 or 25 hours."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def asked(moment: datetime, zone: ZoneInfo, *, end: bool = False) -> str:
    """A bound of what is asked for, as Tigo wants it: local, without an offset.

    What is said twice when clocks are set back would be ambiguous: then it is an hour more than wanted.
    """
    local = moment.astimezone(zone)
    if _offsets_differ(local):
        local += HOUR if end else -HOUR
    return f"{local:%Y-%m-%dT%H:%M:%S}"


def _offsets_differ(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


class LocalClock:
    """Turns the local times of a table into UTC, one after the other in the order of the table.

    When clocks are set back an hour comes twice. The second time is where the table steps back inside that hour, or,
    among rows that belong to the same columns, stays where it is.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._last: datetime | None = None
        self._fold = 0

    def utc(self, stamp: datetime, *, same_columns: bool) -> datetime | None:
        """The moment of a row. None: there was no such time, since clocks were set forward over it."""
        try:
            return self._utc(stamp, same_columns=same_columns)
        except OverflowError:
            return None

    def _utc(self, stamp: datetime, *, same_columns: bool) -> datetime | None:
        if stamp.tzinfo is not None:
            return stamp.astimezone(UTC)
        local = stamp.replace(tzinfo=self._zone)
        if not _offsets_differ(local):
            self._last = None
            return local.astimezone(UTC)
        before, self._last = self._last, stamp
        if before is None:
            self._fold = 0
        elif stamp < before or (stamp == before and same_columns):
            self._fold = 1
        moment = local.replace(fold=self._fold).astimezone(UTC)
        exists = moment.astimezone(self._zone).replace(tzinfo=None) == stamp
        return moment if exists else None
