"""The tables of the simulated Tigo: CSV in local time, whose header may change on the way. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from envoy_bridge.simulator.clouds.tigo_house import HOUR, MINUTE, TigoSystem

PARAMS: Final = ("Pin", "Vin", "Iin", "RSSI")
LONGEST: Final = timedelta(minutes=20_150)
"""More than that may not be asked for at once, minute by minute."""

LEVELS: Final = {
    **dict.fromkeys(("minute", "mi"), "minute"),
    **dict.fromkeys(("hour", "h"), "hour"),
    "day": "day",
    "month": "month",
    "year": "year",
}


class Refused(Exception):
    """An error in the cloud's own form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """What a table is made of. `start`, `end`: local, without an offset. `until`: what is later is not known yet."""

    system: TigoSystem
    objects: Sequence[int]
    start: datetime
    end: datetime
    until: datetime
    inclusive: bool = True
    shifting: bool = False

    def aggregate(self, level: str, param: str, *, keys: bool) -> str:
        """What panels measured: minute by minute, or Wh of days."""
        if param not in PARAMS:
            raise Refused(400, f"{param} is no param")
        names = {each: f"{self.system.source(each)}_{param}" if keys else str(each) for each in self.objects}
        if level == "day":
            return self._table("Datetime", names, self._days())
        if level != "min":
            raise Refused(400, f"{level} is no level")
        return self._table("Datetime", names, self._each(MINUTE, lambda each, at: self._measured(each, param, at)))

    def combined(self, level: str) -> str:
        """W of each minute, or Wh of whatever is longer."""
        names = {each: f" {each}" for each in self.objects}
        of_level = {
            "minute": lambda: self._each(MINUTE, self.system.watts),
            "hour": lambda: self._each(HOUR, self._energy),
            "day": self._days,
        }
        if LEVELS.get(level) not in of_level:
            raise Refused(400, f"{level} is no level")
        return self._table("DATE TIME", names, of_level[LEVELS[level]]())

    def _measured(self, each: int, param: str, at: datetime) -> float | None:
        return self.system.of_panel(each, param, at)

    def _energy(self, each: int, at: datetime) -> float | None:
        return self.system.energy(each, at, min(at + HOUR, self.until))

    def _each(
        self, step: timedelta, value: Callable[[int, datetime], float | None]
    ) -> Iterator[tuple[datetime, dict[int, float | None]]]:
        if step == MINUTE and self.end - self.start > LONGEST:
            raise Refused(400, "The range is too large.")
        for at in self.system.steps(self.start, self.end, step, inclusive=self.inclusive):
            if at < self.until:
                yield at.astimezone(self.system.tz), {each: value(each, at) for each in self.objects}

    def _days(self) -> Iterator[tuple[datetime, dict[int, float | None]]]:
        day = self.start.date()
        while day <= self.end.date():
            start, over = self.system.midnight(day), self.system.midnight(day + timedelta(days=1))
            if start < self.until:
                row = {each: self.system.energy(each, start, min(over, self.until)) for each in self.objects}
                yield datetime(day.year, day.month, day.day, tzinfo=self.system.tz), row
            day += timedelta(days=1)

    def _table(
        self, first: str, names: Mapping[int, str], rows: Iterator[tuple[datetime, dict[int, float | None]]]
    ) -> str:
        """`shifting`: columns without a value go, and the header comes anew; else their cells are empty."""
        lines, columns = [",".join([first, *names.values()])], list(names)
        for stamp, row in rows:
            wanted = [each for each in names if row[each] is not None] if self.shifting else list(names)
            if wanted != columns:
                columns = wanted
                lines.append(",".join([first, *(names[each] for each in columns)]))
            cells = ["" if row[each] is None else f"{row[each]:g}" for each in columns]
            lines.append(",".join([f"{stamp:%Y/%m/%d %H:%M:%S}", *cells]))
        return "\n".join(lines) + "\n"
