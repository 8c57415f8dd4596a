"""What an installation is judged by: the numbers of a snapshot, and their means over five minutes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from envoy_bridge.catalog import PHASES
from envoy_bridge.gateway.devices.base import TOTAL
from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.gateway.known import FLOW_OF_MEASUREMENT
from envoy_bridge.gateway.wire import Meter
from envoy_bridge.model import Snapshot

_NAMES: Final = {
    flow: tuple((phase, f"{flow}/{phase}/power", f"{flow}/{phase}/voltage") for phase in PHASES)
    for flow in FLOW_OF_MEASUREMENT.values()
}
"""Of each flow its phases, and the names of the numbers of each."""

_FRESH: Final = timedelta(minutes=20)
"""Age of a report that still tells of now: inverters are heard every 5 to 15 minutes."""
_MOSTLY: Final = 0.9
"""Part of the inverters that must have told: one that is dead must not stop the comparison."""
_GONE: Final = timedelta(days=1)
"""An inverter so far behind the newest report is out of use."""
_EVENING: Final = timedelta(hours=4)
"""After the last report of all, this long is certainly night. Later it may be day, with nobody heard."""
_GLIMMER: Final = 10.0
"""W of an inverter's last report of a day, at most."""


@dataclass(frozen=True, slots=True)
class House:
    """What five minutes were like: means by name (`production/l1/power`), those of the five minutes before, the CTs.

    Besides powers (W) and voltages (V) of the flows: `inverters`, what they say they make together (W), where their
    reports are fresh; `peak`, the highest they ever made; `dusk`, the sum of their last reports, where it is
    certainly dark; `battery`, what the batteries say they give (W); `batteries`: 1 where there are any.
    """

    figures: Mapping[str, float]
    before: Mapping[str, float]
    meters: Sequence[Meter]

    def power(self, flow: str, phase: str = TOTAL) -> float | None:
        """W, or None."""
        return self.figures.get(f"{flow}/{phase}/power")

    def phases(self, flow: str) -> dict[str, float]:
        """W by phase; empty where there is one phase only, which is the whole."""
        found = {phase: self.power(flow, phase) for phase in PHASES[1:]}
        known = {phase: power for phase, power in found.items() if power is not None}
        return known if len(known) > 1 else {}

    def stored(self) -> float | None:
        """W that the batteries give, 0 where there are none, None where nobody says."""
        if "batteries" not in self.figures and "storage/total/power" not in self.figures:
            return 0.0
        measured = self.power("storage")
        return self.figures.get("battery") if measured is None else measured

    @property
    def measured(self) -> tuple[str, ...]:
        """The flows that have a CT; without a list of CTs, what is surely measured."""
        enabled = [FLOW_OF_MEASUREMENT.get(meter.measurement_type) for meter in self.meters if meter.state == "enabled"]
        return tuple(flow for flow in enabled if flow) if self.meters else ("production",)


def facts(snapshot: Snapshot) -> dict[str, float]:
    """The numbers of a snapshot that anything is judged by, by name: see `House`."""
    known: dict[str, float | None] = {}
    for flow, names in _NAMES.items():
        channels = getattr(snapshot, flow)
        for phase, power, voltage in names if channels is not None else ():
            channel = getattr(channels, phase)
            if channel is not None:
                known[power], known[voltage] = channel.power, channel.voltage
    batteries = snapshot.devices.get("battery") or snapshot.devices.get("ac_battery") or {}
    known["battery"] = getattr(batteries.get(TOTAL), "power", None)
    known["batteries"] = 1.0 if batteries else None
    found = {name: value for name, value in known.items() if value is not None}
    return found | _inverters(snapshot)


def _inverters(snapshot: Snapshot) -> dict[str, float]:
    reports = [
        (each.last_report, each.power, each.power_max or 0.0)
        for each in snapshot.devices.get("inverter", {}).values()
        if isinstance(each, Inverter) and each.last_report is not None and each.power is not None
    ]
    if not reports:
        return {}
    newest = max(when for when, _, _ in reports)
    alive = [report for report in reports if newest - report[0] < _GONE]
    fresh = [power for when, power, _ in alive if abs(snapshot.time - when) <= _FRESH]
    found = {"peak": sum(peak for _, _, peak in alive)}
    if len(fresh) >= _MOSTLY * len(alive):
        found["inverters"] = sum(fresh)
    if abs(snapshot.time - newest) <= _EVENING and all(power <= _GLIMMER for _, power, _ in alive):
        found["dusk"] = sum(power for _, power, _ in alive)
    return found
