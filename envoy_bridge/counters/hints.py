"""Which fields of the model are counters, and what the rest of a snapshot tells of one."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from envoy_bridge.catalog import flows, quantities
from envoy_bridge.counters import days
from envoy_bridge.counters.line import SLACK, Reading
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.plan import Plan
from envoy_bridge.model import Snapshot

PERIODS: Final[tuple[days.Period, ...]] = ("today", "week", "month", "year")
"""The periods that are counted; all but the day are published only where the user wants them."""

SUM_LAG: Final = 3600.0
"""Seconds by which a sum over inverters may be late: the longest interval at which they report."""

HEADROOM: Final = 1.3
"""Times the highest power that the inverters ever reported that they can possibly make."""


@cache
def counters(kind: type) -> tuple[tuple[str, Mapping[days.Period, str]], ...]:
    """The counters of a class of the model, and by period the fields for what they gained in it."""
    names = {name for name, _ in quantities(kind)}
    grow = [name for name, what in quantities(kind) if what.unit.counts]
    return tuple(
        (name, {period: gained for period in PERIODS if (gained := _gained(name, period)) in names}) for name in grow
    )


@cache
def counter_names() -> frozenset[str]:
    """The names of all counters that are guarded."""
    kinds = [kind for _, kind in flows()] + [device.kind for device in DEVICES]
    return frozenset(name for kind in kinds for name, _ in counters(kind))


def _gained(counter: str, period: str) -> str:
    return f"energy_{period}" if counter == "energy_lifetime" else f"{counter}_{period}"


class Hints:
    """What else the snapshot tells of the counters of one flow."""

    def __init__(self, snapshot: Snapshot, plan: Plan, name: str) -> None:
        meter = plan.known.measuring.get(name)
        source = plan.sources.get(name, "derived")
        self._origin = f"eim:{meter.eid}" if meter is not None else source
        self._lag = SUM_LAG if source in ("inverters_sum", "production_totals") else SLACK
        self._ceiling = _most(snapshot) if name == "production" else None
        self.shape = days.sunlit if name == "production" else days.evenly

    def reading(self, raw: float, now: float, channel: object, *, lost: bool) -> Reading:
        """A reading of one of its counters."""
        alive = any(getattr(channel, name, None) for name in ("voltage", "power", "current"))
        return Reading(
            raw=raw,
            time=now,
            origin=self._origin,
            ceiling=self._ceiling,
            lag=self._lag,
            alive=alive,
            phase_lost=lost,
        )


def _most(snapshot: Snapshot) -> float | None:
    """Watts: the most that all inverters together can make; None where not all have said what they made at best."""
    peaks = [getattr(inverter, "power_max", None) for inverter in snapshot.devices.get("inverter", {}).values()]
    known = [peak for peak in peaks if peak]
    return HEADROOM * sum(known) if known and len(known) == len(peaks) else None


def lost_phase(kind: type, channels: Mapping[str, Any]) -> bool:
    """Does one phase say zero in all its counters while another counts?"""

    def stands(channel: Any) -> Iterator[float | None]:  # noqa: ANN401 - the channel of any flow
        return (getattr(channel, name) for name, _ in counters(kind))

    counting = [any(stands(channel)) for phase, channel in channels.items() if phase != "total"]
    return any(counting) and not all(counting)
