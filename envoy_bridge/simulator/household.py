"""The days of a household, second by second: sun and clouds, what is switched on, a battery. Pure.

The same household lives the same days again: weather and habits are drawn from its serial number and the time. A power
lasts for its whole second, so that the energies are exact integrals.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

Power = tuple[complex, ...]
"""W + j var, one number per phase. The sign is the gateway's: + = towards the switchboard."""

REPORT_EVERY = 300
"""Seconds between two reports of an inverter."""

_SUNRISE, _SUNSET = 6.0, 20.0
_NIGHT_DRAW = 2.1
"""W that the inverters' relays and filters draw without light."""
_PANELS = (1.0, 0.993, 1.004)
_BASE = (5.0, 3.0, 2.0)
_EVEN = (1.0, 1.0, 1.0)
"""How things spread over the phases."""
_RATE = 0.35
"""W per Wh of capacity that a battery takes or gives at most."""
_FOLLOWS = 0.85
"""The part of surplus or need that the battery takes over. The rest is the grid's, as with real ones, which lag."""
_RESERVE = 0.1
"""The part of the capacity that is kept for a power cut."""
_PV3P = 0.15
"""W of the foreign inverter per W of our own."""


class Appliance(NamedTuple):
    """What is switched on once in each `every` seconds for `runs` seconds, between two hours of the day.

    `phases` from 0. `circuit`: the meter that watches it; where that is not enabled, the household has no such thing.
    """

    name: str
    power: complex
    phases: tuple[int, ...]
    every: int
    runs: int
    hours: tuple[float, float] = (0, 24)
    circuit: str = ""


_APPLIANCES = (
    Appliance("fridge", 95 + 40j, (0,), 1500, 500),
    Appliance("kettle", 1800 + 0j, (1,), 40, 12, (6, 22)),
    Appliance("microwave", 820 + 190j, (2,), 90, 20, (6, 22)),
    Appliance("hob", 1400 + 0j, (0,), 50, 22, (17.5, 19.5)),
    Appliance("washing machine", 480 + 210j, (1,), 240, 90, (9, 13)),
    Appliance("car", 1380 + 25j, (0,), 240, 190, (9, 15), "evse"),
    Appliance("heat pump", 310 + 105j, (0, 1, 2), 600, 420, circuit="load"),
)
"""Hours are those of the simulated day, seconds are real ones: any minute of daylight has something to show."""


class Energy(NamedTuple):
    """Wh of a phase since the start: towards the switchboard, and away from it. Both only grow."""

    delivered: float = 0.0
    received: float = 0.0

    def after(self, power: complex) -> "Energy":
        """A second later."""
        watts = power.real
        if watts >= 0:
            return Energy(self.delivered + watts / 3600, self.received)
        return Energy(self.delivered, self.received - watts / 3600)


class InverterReport(NamedTuple):
    """What an inverter's last report is made of: when it was, W (mean) and Wh (since the start) of all inverters."""

    second: int
    watts: float
    energy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a household has. `peak`: W of the panels at noon. `capacity`, `stored`: Wh of its batteries, 0 without.

    `flows`: what is measured, by the gateway's names. `inverters`: serial numbers.
    """

    serial: str
    phases: int
    peak: float
    capacity: float
    stored: float
    flows: frozenset[str]
    inverters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A household in one second. `stored`: Wh in the batteries. `reports`: the last one of each inverter."""

    second: int
    powers: Mapping[str, Power]
    energies: Mapping[str, tuple[Energy, ...]]
    stored: float
    reports: tuple[InverterReport, ...]

    @property
    def produced(self) -> float:
        """Wh that the panels have made since the start."""
        return sum(energy.delivered for energy in self.energies["production"])


class Household:
    """Lives its days. At second `start` the clock on its wall shows `hour`, and runs `pace` times as fast as ours."""

    def __init__(self, equipment: Equipment, *, start: int, hour: float, pace: float) -> None:
        self.equipment = equipment
        self._start = start
        self._hour = hour
        self._pace = pace
        self._kept = equipment.flows | {"production", "storage"}
        self._due: dict[int, list[int]] = {}
        for n, serial in enumerate(equipment.inverters):
            self._due.setdefault(int(_chance(serial, "offset", 0) * REPORT_EVERY), []).append(n)

    def first(self) -> Moment:
        """The start, each inverter having reported within the five minutes before."""
        powers = self._powers(self._start, self.equipment.stored)
        watts = max(0.0, sum(powers["production"]).real)
        reports = [InverterReport(self._start, watts, 0.0)] * len(self.equipment.inverters)
        for offset, inverters in self._due.items():
            for n in inverters:
                reports[n] = InverterReport(self._start - (self._start - offset) % REPORT_EVERY, watts, 0.0)
        none = (Energy(),) * self.equipment.phases
        return Moment(self._start, powers, dict.fromkeys(powers, none), self.equipment.stored, tuple(reports))

    def after(self, moment: Moment) -> Moment:
        """A second later."""
        second = moment.second + 1
        energies = {
            name: tuple([energy.after(watts) for energy, watts in zip(moment.energies[name], power, strict=True)])
            for name, power in moment.powers.items()
        }
        given = sum(moment.powers["storage"]).real * self._pace / 3600
        stored = min(max(0.0, moment.stored - given), self.equipment.capacity)
        later = Moment(second, self._powers(second, stored), energies, stored, moment.reports)
        due = self._due.get(second % REPORT_EVERY)
        return self._reported(later, due) if due else later

    def _reported(self, moment: Moment, due: Sequence[int]) -> Moment:
        reports, energy = list(moment.reports), moment.produced
        for n in due:
            last = reports[n]
            watts = (energy - last.energy) * 3600 / (moment.second - max(last.second, self._start))
            reports[n] = InverterReport(moment.second, watts, energy)
        return replace(moment, reports=tuple(reports))

    def _powers(self, second: int, stored: float) -> dict[str, Power]:
        has, hour = self.equipment, (self._hour + (second - self._start) * self._pace / 3600) % 24
        light = _light(hour) * _clouds(has.serial, second)
        production = _spread(has.peak * light - _NIGHT_DRAW * (not light), 0.01 * has.peak, _PANELS[: has.phases])
        foreign = _spread(_PV3P * has.peak * light * ("pv3p" in has.flows), 0.0, _EVEN[: has.phases])
        running = self._running(second, hour)
        home = _plus(_spread(_base(has.serial, second, hour), -140, _BASE[: has.phases]), self._drawn(running))
        surplus = sum(production).real + sum(foreign).real - sum(home).real
        storage = _spread(self._battery(surplus, stored), 0.0, _EVEN[: has.phases])
        made = _plus(production, storage)
        net = _minus(home, _plus(made, foreign))
        flows = {
            "production": production,
            "net-consumption": net,
            "total-consumption": _plus(production, net),
            "storage": storage,
            "backfeed": made,
            "pv3p": foreign,
        }
        for circuit in ("evse", "load"):
            used = self._drawn([item for item in running if item.circuit == circuit])
            flows[circuit] = tuple([-power for power in used])
        return {name: power for name, power in flows.items() if name in self._kept}

    def _running(self, second: int, hour: float) -> list[Appliance]:
        has = self.equipment
        return [
            item
            for item in _APPLIANCES
            if (not item.circuit or item.circuit in has.flows) and _runs(has.serial, item, second, hour)
        ]

    def _drawn(self, items: Sequence[Appliance]) -> Power:
        """What these draw from each phase; what belongs to a phase that is not there goes to one that is."""
        drawn = [0j] * self.equipment.phases
        for item in items:
            for phase in item.phases:
                drawn[phase % len(drawn)] += item.power
        return tuple(drawn)

    def _battery(self, surplus: float, stored: float) -> float:
        """W from the battery: it takes most of what is left over, and gives most of what is missing."""
        most = _RATE * self.equipment.capacity
        if surplus > 0:
            return -min(_FOLLOWS * surplus, most) if stored < self.equipment.capacity else 0.0
        return min(-_FOLLOWS * surplus, most) if stored > _RESERVE * self.equipment.capacity else 0.0


def share(serial: str, serials: Sequence[str]) -> float:
    """The part of all inverters' production that one makes: some panels are better placed."""
    return _placed(serial) / sum(map(_placed, serials))


def _placed(serial: str) -> float:
    return 0.95 + 0.1 * _chance(serial, "place", 0)


def _plus(some: Power, others: Power) -> Power:
    return tuple([one + other for one, other in zip(some, others, strict=True)])


def _minus(some: Power, others: Power) -> Power:
    return tuple([one - other for one, other in zip(some, others, strict=True)])


def _spread(watts: float, var: float, weights: Sequence[float]) -> Power:
    """Over the phases, to the milliwatt: a meter shows no more, and sums are to be right to the last digit."""
    whole = sum(weights)
    return tuple([complex(round(watts * part / whole, 3), round(var * part / whole, 3)) for part in weights])


def _light(hour: float) -> float:
    """How much of the peak a clear sky gives: 0 at night, 1 in the middle of the day."""
    if not _SUNRISE < hour < _SUNSET:
        return 0.0
    return math.pow(math.sin(math.pi * (hour - _SUNRISE) / (_SUNSET - _SUNRISE)), 1.2)


def _clouds(serial: str, second: int) -> float:
    """What the sky lets through: nearly all for half of the time, never less than a fifth."""
    haze = _wander(serial, "haze", second, 13)
    cover = 0.8 * _wander(serial, "clouds", second, 110) + 0.2 * haze
    return 1 - 0.03 * haze - 1.5 * max(0.0, cover - 0.5)


def _base(serial: str, second: int, hour: float) -> float:
    """W that are always drawn, more in the morning, most in the evening."""
    morning, evening = math.exp(-(((hour - 7.5) / 1.3) ** 2)), math.exp(-(((hour - 19) / 1.9) ** 2))
    return (210 + 160 * morning + 520 * evening) * (0.95 + 0.1 * _wander(serial, "base", second, 7))


def _runs(serial: str, item: Appliance, second: int, hour: float) -> bool:
    if not item.hours[0] <= hour < item.hours[1]:
        return False
    turn, since = divmod(second, item.every)
    begin = _chance(serial, item.name, turn) * (item.every - item.runs)
    return begin <= since < begin + item.runs


def _wander(serial: str, what: str, second: int, every: int) -> float:
    """A number from 0 to 1 that moves smoothly, with a new aim each `every` seconds."""
    turn, since = divmod(second, every)
    part = (1 - math.cos(math.pi * since / every)) / 2
    return _chance(serial, what, turn) * (1 - part) + _chance(serial, what, turn + 1) * part


@lru_cache(maxsize=4096)
def _chance(serial: str, what: str, turn: int) -> float:
    """A number from 0 to 1, the same each time for the same serial number, matter and turn."""
    digest = hashlib.blake2b(f"{serial}/{what}/{turn}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32
