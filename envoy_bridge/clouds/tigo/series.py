"""The series that Tigo keeps as tables: which there are, and what a table of one means. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from envoy_bridge.clouds.report import SITE, Quality, Sample
from envoy_bridge.clouds.tigo.csv import Row, Table
from envoy_bridge.clouds.tigo.times import LocalClock, midnight

AHEAD: Final = timedelta(minutes=5)
"""How far in the future a row may be: clocks differ. Further ahead some tables have rows of what is yet to come."""

SETTLED: Final = timedelta(hours=1)
"""How long after its end an hour or a day may still grow: data have come 38 minutes late."""

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Series:
    """`path` and `level`: where it is asked. `param`: what, of each panel. `length` of an interval; None: a day.

    `parts`: of which parts it is asked, by how their names begin.
    """

    name: str
    path: str
    level: str
    quantity: str
    parts: tuple[str, ...]
    param: str | None = None
    length: timedelta | None = _MINUTE

    def covers(self, part: str) -> bool:
        """Is it asked of this part?"""
        return part.startswith(self.parts)


def _of_panels(param: str, quantity: str) -> Series:
    return Series(f"panel {param}", "data/aggregate", "min", quantity, ("panel-",), param)


POWER: Final = _of_panels("Pin", "power_dc")
DETAILS: Final = (
    _of_panels("Vin", "voltage_dc"),
    _of_panels("Iin", "current_dc"),
    _of_panels("RSSI", "signal"),
)
"""W, V, A, and a strength of signal of which Tigo does not tell the unit. At level `day` only Pin has a meaning."""

_GROUPS: Final = ("string-", "inverter-")
STRING_POWER: Final = Series("strings", "data/combined", "minute", "power_dc", _GROUPS)
"""W; at all other levels Wh."""

HOURS: Final = Series("hours", "data/combined", "hour", "energy_dc", (SITE, "panel-", *_GROUPS), length=_HOUR)
DAYS: Final = Series("days", "data/combined", "day", "energy_today_dc", (SITE, "panel-", *_GROUPS), length=None)


@dataclass(frozen=True, slots=True)
class Reading:
    """A table, and what is needed to read it.

    `parts`: of the objects, by id; `keys`: the same by data source. `start`, `end`: what was asked for, in UTC; rows
    outside of it are passed over, for some servers include a bound and others do not.
    """

    series: Series
    parts: Mapping[str, str]
    keys: Mapping[str, str]
    zone: ZoneInfo
    start: datetime
    end: datetime
    now: datetime

    def samples(self, table: Table) -> tuple[Sample, ...]:
        """One for each value. Of minutes also the newest of each part, by column: a last row seldom has them all."""
        if self.series.length is None:
            return tuple(sample for row in table.rows for sample in self._day(row))
        intervals = tuple(self._intervals(table, self.series.length))
        return (*intervals, *self._latest(intervals)) if self.series.length == _MINUTE else intervals

    def _day(self, row: Row) -> Iterator[Sample]:
        day = row.stamp.date()
        start, over = midnight(day, self.zone), midnight(day + timedelta(days=1), self.zone)
        if not (self.start <= start < self.end) or start > self.now:
            return
        open_still = over > self.now
        for part, value in self._values(row):
            if not (open_still and part == SITE):  # of which the summary tells more, and at another time
                yield Sample(
                    part=part,
                    quantity=self.series.quantity,
                    value=value,
                    start=start,
                    end=self.now if open_still else over,
                    kind="daily",
                    day=day,
                    quality=self._quality(over),
                )

    def _intervals(self, table: Table, length: timedelta) -> Iterator[Sample]:
        clock, block = LocalClock(self.zone), 0
        for row in table.rows:
            start = clock.utc(row.stamp, same_columns=row.block == block)
            block = row.block
            if start is None or not (self.start <= start < self.end) or start > self.now + AHEAD:
                continue
            quality = self._quality(start + length)
            for part, value in self._values(row):
                yield Sample(
                    part=part,
                    quantity=self.series.quantity,
                    value=value,
                    start=start,
                    end=start + length,
                    kind="interval",
                    granularity=length.total_seconds(),
                    quality=quality,
                )

    def _quality(self, end: datetime) -> Quality:
        lag = timedelta() if self.series.length == _MINUTE else SETTLED
        return "ok" if end + lag <= self.now else "partial"

    @staticmethod
    def _latest(intervals: tuple[Sample, ...]) -> Iterator[Sample]:
        newest: dict[str, Sample] = {}
        for sample in intervals:
            if sample.part not in newest or newest[sample.part].end < sample.end:
                newest[sample.part] = sample
        for sample in newest.values():
            if sample.start:
                yield Sample(part=sample.part, quantity=sample.quantity, value=sample.value, end=sample.start)

    def _values(self, row: Row) -> Iterator[tuple[str, float]]:
        for column, value in row.values.items():
            part = self._part(column)
            if part is not None and self.series.covers(part):
                yield part, value

    def _part(self, column: str) -> str | None:
        """Of a column that is called by the id of an object, or by its data source, `_`, and the param."""
        if column in self.parts:
            return self.parts[column]
        source, _, param = column.rpartition("_")
        wanted = self.series.param is not None and param.casefold() == self.series.param.casefold()
        return self.keys.get(source) if wanted else None
