"""How far a backfill is: a bar that is redrawn on a terminal, now and then a line elsewhere."""

import re
import shutil
from collections.abc import Callable
from datetime import date
from typing import Final, TextIO

LINE_EVERY: Final = 10.0
"""Seconds between two lines where there is no terminal."""

_BAR: Final = 24
_ERASE: Final = "\r\033[2K"
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Progress:
    """Where a backfill stands, by the days that stand in the keys of its chunks.

    A vendor may give one site after the other: then the days begin anew, and the bar with them. `now`: monotonic
    seconds. `spent`: requests so far.
    """

    def __init__(
        self, out: TextIO, start: date, end: date, *, now: Callable[[], float], spent: Callable[[], int]
    ) -> None:
        self._out = out
        self._redraws = out.isatty()
        self._start = start
        self._days = (end - start).days + 1
        self._now = now
        self._spent = spent
        self._began = self._pass_began = now()
        self._told = float("-inf")
        self._before = spent()
        self._day = start
        self._first = start
        self._waits = ""
        self.chunks = 0

    @property
    def requests(self) -> int:
        """Those that were sent since it began, with those of other processes on the same account."""
        return max(0, self._spent() - self._before)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self._now() - self._began

    def reached(self, key: str) -> None:
        """This chunk is done."""
        self.chunks += 1
        self._waits = ""
        day = self._in(key)
        if day is not None:
            if day < self._day or self.chunks == 1:  # another site, or the first that was not done before
                self._first, self._pass_began = day, self._now()
            self._day = day
        self.draw()

    def waits(self, seconds: float, why: str) -> None:
        """Nothing happens for a while."""
        self._waits = f"{why}; goes on in {lasts(seconds)}"
        self.draw(always=True)

    def draw(self, *, always: bool = False) -> None:
        """Show it as it is now. As a line only where the last one is old enough and nothing waits, or `always`."""
        if self._redraws:
            room = shutil.get_terminal_size().columns - 1
            self._write(f"{_ERASE}{self._line(bar=True)[:room]}")
        elif always or (not self._waits and self._now() - self._told >= LINE_EVERY):
            self._told = self._now()
            self._write(f"{self._line(bar=False)}\n")

    def end(self) -> None:
        """Leave the line as it is."""
        if self._redraws:
            self._write(_ERASE)

    def _line(self, *, bar: bool) -> str:
        part = ((self._day - self._start).days + (1 if self.chunks else 0)) / self._days
        filled = round(part * _BAR)
        drawn = f"[{'#' * filled}{'.' * (_BAR - filled)}] " if bar else ""
        rate = self.requests / self.seconds * 60 if self.seconds > 1 else 0.0
        parts = [f"{part:4.0%}", f"{self._day}", f"{self.requests} requests", f"{rate:.0f}/min", self._left()]
        return drawn + "  ".join(filter(None, [*parts, self._waits]))

    def _left(self) -> str:
        """What is left of this pass, by the days that were done in it."""
        done, last = (self._day - self._first).days, (self._start - self._first).days + self._days - 1
        passed = self._now() - self._pass_began
        if done <= 0 or passed <= 0:
            return ""
        return f"{lasts(passed / done * (last - done))} left"

    def _in(self, key: str) -> date | None:
        """The day of a chunk: the last one that its key names. One outside says nothing."""
        for text in reversed(_DAY.findall(key)):
            try:
                day = date.fromisoformat(text)
            except ValueError:
                continue
            if 0 <= (day - self._start).days < self._days:
                return day
        return None

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def lasts(seconds: float) -> str:
    """A time as people say it: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:  # noqa: PLR2004 - more reads better in minutes
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004 - as above
