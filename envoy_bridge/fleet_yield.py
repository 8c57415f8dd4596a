"""Which panel makes far less than it should? The share of each in what the fleet makes a day. Pure.

A share is the energy of one inverter's day over that of the middle one: 1 for a panel like most, less for a smaller or
a worse placed one. It is compared with the inverter's own former share, and until that is known with the share that
its highest power promises.
"""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

WEAK: Final = 0.5
"""Part of its usual share below which an inverter is far behind."""
RECOVERED: Final = 0.6
"""Part above which it no longer is: at the very edge it must not come and go."""
LEAST_DAYS: Final = 3
"""Days until anything is said: a leaf or a day of snow is no fault."""
_DAYS = 5
"""Newest days whose median is looked at."""
_SETTLED = 5
"""Former days that make an inverter's own usual share."""
_SLOW = 20
"""Former days that the usual share is a mean of: it follows the seasons, and no failing panel."""
_ENOUGH = 0.5
"""Hours at its highest power that the middle inverter must have worked: on a darker day the shares say nothing."""
_LEAST_FLEET = 3
"""Inverters that make a middle."""
_GUESSED_PEAK = 250.0
"""W, where no inverter says what it has reached."""
_LOWEST_USUAL = 0.1
"""The smallest share anything is compared with."""
_MOST_WEAK = 0.25
"""Part of the fleet that can be weak. More is the weather: snow that slides off one roof before the other."""


class Yield(Struct, frozen=True, kw_only=True):
    """What is remembered of the yield of one inverter.

    `energy`: Wh of this day as it reported them, None when it has not. `whole`: it was there when the day began.
    `shares`: of the newest days, the last is the newest. `usual`: mean share of the `counted` days before these.
    """

    energy: float | None = None
    whole: bool = False
    shares: tuple[float, ...] = ()
    usual: float | None = None
    counted: int = 0
    weak: bool = False

    def plus(self, watt_hours: float) -> "Yield":
        """With what one more report tells."""
        return replace(self, energy=(self.energy or 0.0) + watt_hours)


class Weak(Struct, frozen=True, kw_only=True):
    """An inverter that makes far less than it should. `part`: of what it should make, 0..1; median of `days` days."""

    serial: str
    part: float
    days: int

    @property
    def text(self) -> str:
        """What to tell a person."""
        return (
            f"inverter {self.serial} makes {self.part:.0%} of what it should, by its neighbours, over "
            f"{self.days} days; look for shade, dirt or a broken panel or connector, compare it with its neighbour"
        )


def after_day(yields: Mapping[str, Yield], peaks: Mapping[str, float]) -> dict[str, Yield]:
    """The day is over: what is remembered then, by serial. `peaks`: W that an inverter has reached, where known."""
    made = {serial: known.energy for serial, known in yields.items() if known.whole and known.energy is not None}
    middle = median(made.values()) if len(made) >= _LEAST_FLEET else 0.0
    if middle < _ENOUGH * middle_peak(peaks):
        made = {}
    return {
        serial: replace(
            _with_share(known, made[serial] / middle, expected(serial, peaks)) if serial in made else known,
            energy=None,
            whole=True,
        )
        for serial, known in yields.items()
    }


def expected(serial: str, peaks: Mapping[str, float]) -> float:
    """The share that an inverter's highest power promises; 1 at most, and where that is not known."""
    middle = middle_peak(peaks)
    return min(1.0, peaks.get(serial, middle) / middle)


def middle_peak(peaks: Mapping[str, float]) -> float:
    """W that the middle inverter has reached."""
    return median(peaks.values()) if peaks else _GUESSED_PEAK


def _with_share(known: Yield, share: float, promised: float) -> Yield:
    shares = (*known.shares, round(share, 4))
    if len(shares) > _DAYS:
        known = known if known.weak else _settled(known, shares[0])
        shares = shares[1:]
    known = replace(known, shares=shares)
    limit = RECOVERED if known.weak else WEAK
    return replace(known, weak=len(shares) >= LEAST_DAYS and _part(known, promised) < limit)


def _settled(known: Yield, share: float) -> Yield:
    """One more day is long enough ago to belong to what is usual."""
    counted = min(known.counted + 1, _SLOW)
    usual = known.usual or 0.0
    return replace(known, usual=round(usual + (share - usual) / counted, 4), counted=counted)


def _part(known: Yield, promised: float) -> float:
    usual = known.usual if known.usual is not None and known.counted >= _SETTLED else promised
    return median(known.shares) / max(usual, _LOWEST_USUAL)


def weak_ones(yields: Mapping[str, Yield], peaks: Mapping[str, float], silent: Iterable[str]) -> tuple[Weak, ...]:
    """The inverters to name. `silent`: serials of those that do not report at all; that is said of them already."""
    found = [serial for serial, known in yields.items() if known.weak]
    if len(found) > max(1.0, _MOST_WEAK * len(yields)):
        return ()
    gone = frozenset(silent)
    return tuple(
        Weak(serial=serial, part=round(_part(known, expected(serial, peaks)), 2), days=len(known.shares))
        for serial in found
        if serial not in gone
        for known in (yields[serial],)
    )
