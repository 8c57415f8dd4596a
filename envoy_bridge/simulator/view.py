"""A moment of a household as a gateway sees it, and how its numbers get into a recorded reply. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envoy_bridge.simulator.household import Energy, InverterReport, Moment
from envoy_bridge.simulator.shape import Shape

Row = dict[str, Any]
Values = Mapping[str, float]
"""What a meter measures on one phase or on all of them, by name: W, var, VA, V, A, Hz; Wh since the start."""

_NOW = {
    "activePower": "watts",
    "instantaneousDemand": "watts",
    "wNow": "watts",
    "currW": "watts",
    "actPower": "watts",
    "apparentPower": "va",
    "apprntPwr": "va",
    "reactivePower": "var",
    "reactPwr": "var",
    "pwrFactor": "pf",
    "voltage": "volts",
    "rmsVoltage": "volts",
    "current": "amps",
    "rmsCurrent": "amps",
    "freq": "hertz",
    "freqHz": "hertz",
}
"""What the endpoints call the present values of a meter."""


@dataclass(frozen=True, slots=True)
class View:
    """A household in one second, as a gateway of this shape sees it."""

    shape: Shape
    moment: Moment

    def phases(self, kind: str, count: int = 3) -> list[Values]:
        """What the meter of this kind (a measurementType) measures on each phase; nothing where there is none."""
        flow = zip(self.shape.volts, self.moment.powers.get(kind, ()), self.moment.energies.get(kind, ()), strict=False)
        return [self._values(*phase) for phase in flow][:count]

    def _values(self, volts: float, power: complex, energy: Energy) -> Values:
        now = volts * (1 + 0.002 * math.sin(self.moment.second / 97 + volts))
        delivered, received = round(energy.delivered, 3), round(energy.received, 3)
        return {
            "watts": power.real,
            "var": power.imag,
            "va": abs(power),
            "volts": now,
            "amps": abs(power) / now,
            "pf": power.real / abs(power) if power else 0.0,
            "hertz": self.shape.hertz + 0.02 * math.sin(self.moment.second / 41),
            "delivered": delivered,
            "received": received,
            "balance": delivered - received,
        }

    def together(self, phases: Sequence[Values]) -> Values:
        """The sums as this gateway forms them: volts are added up too, and power factors where that is its fault."""
        sums = {name: sum(phase[name] for phase in phases) for name in phases[0]}
        pf = sums["pf"] if self.shape.pf_summed or not sums["va"] else sums["watts"] / sums["va"]
        return sums | {"pf": pf, "hertz": phases[0]["hertz"]}

    def inverters(self) -> dict[str, InverterReport]:
        """What each inverter has last reported of itself."""
        return {
            serial: InverterReport(report.second, part * report.watts, part * report.energy)
            for (serial, part), report in zip(self.shape.shares.items(), self.moment.reports, strict=True)
        }


def filled(row: Row, fresh: Row) -> Row:
    """The row with those of the fresh values that it has a key for."""
    return row | {key: value for key, value in fresh.items() if key in row}


def measured(row: Row, values: Values, energies: Mapping[str, str]) -> Row:
    """The row of a meter, or of a phase. `energies`: its counters, and which energy they count."""
    now = {key: round(values[name], 3) for key, name in _NOW.items() if key in row}
    counted = ((key, values[name]) for key, name in energies.items() if isinstance(row.get(key), int | float))
    return row | now | {key: round(row[key] + more, 3) for key, more in counted}


def stamped(row: Row, second: int) -> Row:
    """The row with the present time; 0 is how a gateway says never."""
    return row | {key: second for key in ("timestamp", "readingTime", "createdAt") if row.get(key)}
