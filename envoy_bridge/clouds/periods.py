"""Counts by month and by day of the calendar, on a machine whose clock may be wrong. Pure.

A computer without a battery for its clock boots in the past. There it must not begin to count anew, nor may a moment
that a clock spent in the future take the place of what comes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

MONTH: Final = "%Y-%m"
DAY: Final = "%Y-%m-%d"
"""A period's name, which sorts as it comes."""

PERIODS: Final = 4
"""Periods whose counts are kept."""

UNSET_BEFORE: Final = 2024
"""A clock in an earlier year has not been set yet."""

BEHIND: Final = timedelta(days=40)
"""By how much a clock may be behind; what was counted further ahead is the work of one that was wrong."""


def counted(counts: Mapping[str, int], moment: datetime, form: str) -> tuple[dict[str, int], str]:
    """The newest periods, and which of them counts now; it is among them.

    A clock that is behind, as many are at boot, begins none that was over before.
    """
    now, latest = f"{moment:{form}}", f"{moment + BEHIND:{form}}"
    known = {period: count for period, count in counts.items() if period <= latest or moment.year < UNSET_BEFORE}
    current = now if now in known else max(now, *known) if known else now
    return dict(sorted({current: 0, **known}.items())[-PERIODS:]), current
