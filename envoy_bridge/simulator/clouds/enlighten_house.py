"""What a made-up household looks like at Enlighten: whole Wh in intervals of five minutes, and all sums of them. Pure.

Power is given as a function of the moment, so that a gateway and other clouds can tell of the same household.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

Power = Callable[[datetime], float]
"""W at a moment (aware)."""

FIVE: Final = 300
FIFTEEN: Final = 900
"""Seconds of the intervals of microinverters, and of meters."""

FLOWS: Final = ("production", "consumption", "charge", "discharge", "import", "export")

_TO_BATTERY, _FROM_BATTERY = 0.5, 0.3
"""The part of surplus and of need that the battery takes over."""


def sunny_day(zone: ZoneInfo) -> Power:
    """A day like any other: half a sine from 6 to 20 h, 5 kW at its top."""

    def power(at: datetime) -> float:
        local = at.astimezone(zone)
        hour = local.hour + local.minute / 60 + local.second / 3600
        return 5000.0 * max(0.0, math.sin(math.pi * (hour - 6) / 14)) if 6 < hour < 20 else 0.0  # noqa: PLR2004

    return power


def steady(_at: datetime) -> float:
    """W of a household that never changes."""
    return 640.0


@dataclass(frozen=True)
class House:
    """`power`: of the panels; `uses`: what the household uses. With `battery` some of it goes through one."""

    zone: ZoneInfo
    power: Power
    uses: Power = steady
    battery: bool = True

    def watts(self, flow: str, at: datetime) -> float:
        """Mean power of a flow in the five minutes around a moment."""
        produced, used = self.power(at), self.uses(at)
        surplus, need = max(0.0, produced - used), max(0.0, used - produced)
        charge, discharge = (surplus * _TO_BATTERY, need * _FROM_BATTERY) if self.battery else (0.0, 0.0)
        flows = (produced, used, charge, discharge, need - discharge, surplus - charge)
        return dict(zip(FLOWS, flows, strict=True))[flow]

    def energy(self, flow: str, start: int, end: int) -> int:
        """Wh between two marks of five minutes."""
        return sum(self._five(flow, mark) for mark in range(start, end, FIVE))

    @lru_cache(maxsize=200_000)  # noqa: B019 - a household lasts as long as the simulator
    def _five(self, flow: str, start: int) -> int:
        return round(self.watts(flow, datetime.fromtimestamp(start + FIVE / 2, UTC)) * FIVE / 3600)

    def ends(self, start: float, end: float, length: int) -> Iterator[int]:
        """The trailing edges of all intervals of a time; its start is rounded down to the mark."""
        first = int(start // length) * length
        yield from range(first + length, int(end) + 1, length)

    def midnight(self, day: date) -> int:
        """When a day begins, in seconds since 1970."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp())

    def date_of(self, at: float) -> date:
        """The date at a moment."""
        return datetime.fromtimestamp(at, self.zone).date()

    def day(self, flow: str, day: date, until: float = math.inf) -> int:
        """Wh of a day, as far as it was reported."""
        start, end = self.midnight(day), self.midnight(day + timedelta(days=1))
        return self._whole(flow, start, end) if until >= end else self.energy(flow, start, int(until // FIVE) * FIVE)

    @lru_cache(maxsize=10_000)  # noqa: B019 - as above
    def _whole(self, flow: str, start: int, end: int) -> int:
        return self.energy(flow, start, end)
