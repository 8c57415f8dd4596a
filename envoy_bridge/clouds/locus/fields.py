"""What Locus' data mean: from the short names (`W_avg`) that a place offers to the quantities of the program. Pure.

Only what `dataavailable` offers is asked for; what it offers in a unit that is not known is left alone.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from envoy_bridge.clouds.locus.times import DAILY, INTERVALS, MONTHLY, YEARLY
from envoy_bridge.clouds.locus.wire import BaseField, Component, FieldParameter

Role = Literal["makes", "uses", "grid"]
"""What energy is at a place: produced; used, at a charging point; of the grid, which the document gives no sign for."""

Parameters = tuple[tuple[str, str], ...]

LATEST: Final = "latest"
"""The granularity that is the newest row alone. Components have it, sites do not."""

_POWER: Final = {"W": 1.0, "kW": 1e3, "MW": 1e6}
_ENERGY: Final = {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6}
_REACTIVE: Final = {"VAR": 1.0, "VAr": 1.0, "var": 1.0, "kVAR": 1e3}
_IRRADIANCE: Final = {"W/m²": 1.0, "W/m2": 1.0, "W/m^2": 1.0}


class _Rate(NamedTuple):
    """Something that has a value at each moment. `units`: what one of each is in ours. `kept`: part of a history."""

    quantity: str
    units: Mapping[str, float]
    kept: bool = False


_RATES: Final[Mapping[str, _Rate]] = {
    "W_avg": _Rate("power", _POWER, kept=True),
    "W_m_avg": _Rate("power_modelled", _POWER, kept=True),
    "WphA_avg": _Rate("power_l1", _POWER, kept=True),
    "WphB_avg": _Rate("power_l2", _POWER, kept=True),
    "WphC_avg": _Rate("power_l3", _POWER, kept=True),
    "GHI_m_avg": _Rate("irradiance", _IRRADIANCE, kept=True),
    "VA_avg": _Rate("apparent_power", {"VA": 1.0, "kVA": 1e3}),
    "VAR_avg": _Rate("reactive_power", _REACTIVE),
    "PF_avg": _Rate("power_factor", {"": 1.0}),
    "Hz_avg": _Rate("frequency", {"Hz": 1.0}),
    "A_avg": _Rate("current", {"A": 1.0}),
    "PhV_avg": _Rate("voltage", {"V": 1.0, "kV": 1e3}),
}

_INTERVAL: Final = "interval"
_MEASURED_ENERGY: Final[Mapping[Role, Mapping[str, str]]] = {
    "makes": {
        _INTERVAL: "energy",
        DAILY.name: "energy_today",
        MONTHLY.name: "energy_month",
        YEARLY.name: "energy_lifetime",
    },
    "uses": {
        _INTERVAL: "energy_consumed",
        DAILY.name: "energy_consumed_today",
        YEARLY.name: "energy_consumed_lifetime",
    },
    "grid": {},
}
"""Of Wh_sum. A year is asked for only as one of all: together they are the lifetime."""

_OTHER_ENERGY: Final[Mapping[str, Mapping[str, str]]] = {
    "Wh_m_sum": {_INTERVAL: "energy_modelled", DAILY.name: "energy_modelled"},
    "Wh_e_sum": {DAILY.name: "energy_expected"},
}

LIVE: Final = frozenset(rate.quantity for rate in _RATES.values())
"""Quantities whose newest value is of interest by itself."""


class Offer(Struct, frozen=True):
    """A short name that a place offers. `factor`: what one of its unit is in ours. `parameters`: to be said besides."""

    name: str
    factor: float
    granularities: tuple[str, ...]
    parameters: Parameters = ()


class Bundle(NamedTuple):
    """What can be asked for in one request. `factors`: by short name."""

    granularity: str
    parameters: Parameters
    factors: Mapping[str, float]


def role(component: Component) -> Role:
    """What energy is at a component."""
    if component.generation_type == "EVSE":
        return "uses"
    return "grid" if "NET-GRID" in (component.application, component.generation_type) else "makes"


def quantity(name: str, granularity: str, role: Role) -> str | None:
    """What a short name is in the program. None: of no use at this granularity."""
    interval = any(granularity == known.name for known in INTERVALS)
    if rate := _RATES.get(name):
        return rate.quantity if granularity == LATEST or (interval and rate.kept) else None
    energies = _MEASURED_ENERGY[role] if name == "Wh_sum" else _OTHER_ENERGY.get(name, {})
    return energies.get(_INTERVAL if interval else granularity)


def offers(fields: Iterable[BaseField]) -> tuple[Offer, ...]:
    """Of all that a place offers, what is of use."""
    return tuple(
        Offer(each.short_name, factor, field.granularities or (), _chosen(field.field_parameters or ()))
        for field in fields
        for each in field.aggregations or ()
        if (factor := _units(each.short_name).get(field.unit or "")) is not None
    )


def bundles(offers: Iterable[Offer], role: Role) -> tuple[Bundle, ...]:
    """The requests that bring all that is of use: each interval value in one granularity, the same for as many as can.

    What is measured and what is modelled are asked for apart: a model without its weather station fails alone.
    """
    found: dict[tuple[str, Parameters], dict[str, float]] = {}
    for offer in offers:
        for granularity in _granularities(offer):
            if quantity(offer.name, granularity, role):
                found.setdefault((granularity, offer.parameters), {})[offer.name] = offer.factor
    return tuple(Bundle(*key, factors) for key, factors in found.items())


def _granularities(offer: Offer) -> tuple[str, ...]:
    interval = next((known.name for known in INTERVALS if known.name in offer.granularities), None)
    others = (LATEST, DAILY.name, MONTHLY.name, YEARLY.name)
    return (*(name for name in others if name in offer.granularities), *((interval,) if interval else ()))


def _units(name: str) -> Mapping[str, float]:
    if name in _RATES:
        return _RATES[name].units
    return _ENERGY if name == "Wh_sum" or name in _OTHER_ENERGY else {}


def _chosen(parameters: Iterable[FieldParameter]) -> Parameters:
    """One value for each parameter: the first that the site has, and of yes and no yes (an inverter does clip)."""
    return tuple(
        (each.param, "true" if "true" in each.values else each.values[0]) for each in parameters if each.values
    )
