"""What follows from a snapshot: the consumption that no CT measures, and what the house itself uses. Pure.

Only values of one reply are added up: two meters read a minute apart do not make a third.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from envoy_bridge.catalog import PHASES
from envoy_bridge.model import Channel, Consumption, Flow, Home, NetConsumption, Snapshot, scaled

IMPOSSIBLE_HOME = -50.0
"""Watts: a house that uses less than this makes power. Then a CT is wrong, and the sum is not published."""


def derivable(sources: Mapping[str, str]) -> frozenset[str]:
    """Which flows follow from the others, given which endpoint supplies each flow."""
    meter = sources.get("production")
    if meter is None:
        return frozenset()
    given = {name for name, source in sources.items() if source == meter}
    found = set()
    if "net_consumption" in given and "consumption" not in given:
        found.add("consumption")
    if "consumption" in given and "net_consumption" not in given:
        found.add("net_consumption")
    if "storage" in given and given & {"net_consumption", "consumption"}:
        found.add("home")
    return frozenset(found)


def derive(snapshot: Snapshot, wanted: frozenset[str]) -> Snapshot:
    """Fill in the flows named in `wanted` (see `derivable`), as far as what they follow from is known."""
    if "consumption" in wanted:
        snapshot = replace(snapshot, consumption=_consumption(snapshot))
    if "net_consumption" in wanted:
        snapshot = replace(snapshot, net_consumption=_net_consumption(snapshot))
    if "home" in wanted:
        snapshot = replace(snapshot, home=_home(snapshot))
    return snapshot


def _consumption(snapshot: Snapshot) -> Flow[Consumption] | None:
    return _per_phase(
        snapshot.production,
        snapshot.net_consumption,
        make=lambda production, net: Consumption(
            power=_add(production.power, net.power),
            energy_lifetime=_add(production.energy_lifetime, net.energy_imported, _negative(net.energy_exported)),
        ),
    )


def _net_consumption(snapshot: Snapshot) -> Flow[NetConsumption] | None:
    """Import and export do not follow from the balance of two counters: only the power does."""
    return _per_phase(
        snapshot.consumption,
        snapshot.production,
        make=lambda consumption, production: NetConsumption(power=_add(consumption.power, _negative(production.power))),
    )


def _home(snapshot: Snapshot) -> Flow[Home] | None:
    parts = [snapshot.consumption, snapshot.storage, *([snapshot.pv3p] if snapshot.pv3p else [])]
    home = _per_phase(*parts, make=lambda *channels: Home(power=_add(*(channel.power for channel in channels))))
    return None if home is None else _possible(home)


def home_of(consumption: Flow[Consumption] | None, batteries: float | None) -> Flow[Home] | None:
    """What the house itself uses, where the batteries say what they give (watts; below 0: they charge)."""
    if consumption is None or consumption.total is None:
        return None
    power = _add(consumption.total.power, batteries)
    return None if power is None else _possible(Flow(total=Home(power=power)))


def _possible(home: Flow[Home]) -> Flow[Home] | None:
    return None if home.total is None or (home.total.power or 0.0) < IMPOSSIBLE_HOME else home


def _per_phase(*flows: Flow[Any] | None, make: Any) -> Flow[Any] | None:  # noqa: ANN401 - takes the channels of `flows`
    """A flow whose total and phases are made of those of `flows`; a phase that one of them lacks is not made."""
    if any(flow is None for flow in flows):
        return None
    made: dict[str, Channel] = {}
    for phase in PHASES:
        channels = [getattr(flow, phase) for flow in flows]
        if all(channel is not None for channel in channels):
            made[phase] = make(*channels)
    return Flow(**made)


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _add(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return scaled(sum(known)) if len(known) == len(values) else None
