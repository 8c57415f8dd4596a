"""What a gateway tells, once its replies are understood. The fields are the catalogue.

Every topic, table and payload is a walk over these classes: the path of a value through the model is its topic below
`<base>/<serial>/`. A new measurement is one line here and one in `gateway/normalise.py`. These are the flows; what else
there is in the house (inverters, batteries, relays) has a file each in `gateway/devices`.

Everything is frozen. `None` means that the gateway did not say; it is never published, and never turned into 0.
Numbers are finite when they get here, and zero has no sign. They are published with three decimals at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from msgspec import Struct, field

Value = float | str | bool | datetime
"""What a field holds when it is known."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts. `live` values are true for a moment only; the others stay true. `counts`: it only grows."""

    symbol: str
    live: bool = True
    counts: bool = False


WATT = Unit("W")
VOLT_AMPERE = Unit("VA")
VAR = Unit("var")
VOLT = Unit("V")
AMPERE = Unit("A")
HERTZ = Unit("Hz")
CELSIUS = Unit("°C")
PERCENT = Unit("%")
RATIO = Unit("")
COUNT = Unit("", live=False)
SECOND = Unit("s", live=False)
MINUTE = Unit("min", live=False)
TIME = Unit("time")
WORD = Unit("word")
FLAG = Unit("true/false")
WATT_PEAK = Unit("W", live=False)
WATT_HOUR = Unit("Wh", live=False, counts=True)
WATT_HOUR_TODAY = Unit("Wh", live=False)
WATT_HOUR_NOW = Unit("Wh")
WATT_HOUR_MOST = Unit("Wh", live=False)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a field of the model measures: its unit, and what it means in the house."""

    unit: Unit
    doc: str


@dataclass(frozen=True, slots=True)
class Branch:
    """What a flow of the snapshot has below it: phases of class `kind`."""

    kind: type
    doc: str


def number(value: float | None) -> float | None:
    """A number of a reply as a number of the model: zero has no sign."""
    return None if value is None else value + 0.0


def scaled(value: float | None, scale: float = 1.0) -> float | None:
    """A number that was computed as a number of the model: to three decimals, more were not measured."""
    return None if value is None else round(value * scale, 3) + 0.0


Number = float | None
"""A number, or None where the gateway does not say."""
Flag = bool | None
"""Yes or no, or None where the gateway does not say."""


class Channel(Struct, frozen=True, kw_only=True):
    """A whole meter, or one of its phases."""

    power: Annotated[Number, Quantity(WATT, "Active power now")] = None
    voltage: Annotated[
        Number, Quantity(VOLT, "RMS voltage, phase to neutral; of the total only where there is one phase")
    ] = None
    current: Annotated[Number, Quantity(AMPERE, "RMS current")] = None
    frequency: Annotated[Number, Quantity(HERTZ, "Frequency of the grid")] = None
    power_factor: Annotated[Number, Quantity(RATIO, "Power factor, -1 to 1")] = None
    apparent_power: Annotated[Number, Quantity(VOLT_AMPERE, "Apparent power now")] = None
    reactive_power: Annotated[Number, Quantity(VAR, "Reactive power now; negative: leading")] = None


class Production(Channel, frozen=True, kw_only=True):
    """What the panels make. Power above 0: produced; a few watts below 0 at night are the inverters' own use."""

    energy_lifetime: Annotated[Number, Quantity(WATT_HOUR, "Energy produced since the installation")] = None
    energy_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced since midnight at the gateway")] = None
    energy_week: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced this week, from Monday")] = None
    energy_month: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced this month")] = None
    energy_year: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced this year")] = None
    energy_lifetime_coarse: Annotated[
        Number,
        Quantity(
            WATT_HOUR_MOST,
            "Energy produced since the installation, to three digits: it moves in steps of up to 1 MWh; "
            "not for an energy dashboard",
        ),
    ] = None


class Consumption(Channel, frozen=True, kw_only=True):
    """What the site uses: production + net_consumption; a battery that charges counts as use."""

    energy_lifetime: Annotated[Number, Quantity(WATT_HOUR, "Energy used since the installation")] = None
    energy_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy used since midnight")] = None
    energy_week: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy used this week, from Monday")] = None
    energy_month: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy used this month")] = None
    energy_year: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy used this year")] = None


class NetConsumption(Channel, frozen=True, kw_only=True):
    """The connection to the grid. Power above 0: import; below 0: export. Both counters are positive and only grow."""

    energy_imported: Annotated[Number, Quantity(WATT_HOUR, "Energy taken from the grid since the installation")] = None
    energy_exported: Annotated[Number, Quantity(WATT_HOUR, "Energy given to the grid since the installation")] = None
    energy_imported_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy taken from it since midnight")] = None
    energy_imported_week: Annotated[
        Number, Quantity(WATT_HOUR_TODAY, "Energy taken from it this week, from Monday")
    ] = None
    energy_imported_month: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy taken from it this month")] = None
    energy_imported_year: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy taken from it this year")] = None
    energy_exported_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy given to it since midnight")] = None
    energy_exported_week: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy given to it this week, from Monday")] = (
        None
    )
    energy_exported_month: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy given to it this month")] = None
    energy_exported_year: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy given to it this year")] = None


class Storage(Channel, frozen=True, kw_only=True):
    """The batteries. Power above 0: they supply the house; below 0: they charge."""

    energy_discharged: Annotated[Number, Quantity(WATT_HOUR, "Energy the batteries gave since the installation")] = None
    energy_charged: Annotated[Number, Quantity(WATT_HOUR, "Energy the batteries took since the installation")] = None
    energy_discharged_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they gave since midnight")] = None
    energy_discharged_week: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they gave this week, from Monday")] = (
        None
    )
    energy_discharged_month: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they gave this month")] = None
    energy_discharged_year: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they gave this year")] = None
    energy_charged_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they took since midnight")] = None
    energy_charged_week: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they took this week, from Monday")] = None
    energy_charged_month: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they took this month")] = None
    energy_charged_year: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy they took this year")] = None


class Circuit(Channel, frozen=True, kw_only=True):
    """Another measured circuit of a combiner. Power above 0: towards the switchboard."""

    energy_delivered: Annotated[Number, Quantity(WATT_HOUR, "Energy that flowed towards the switchboard")] = None
    energy_received: Annotated[Number, Quantity(WATT_HOUR, "Energy that flowed away from the switchboard")] = None


class Home(Struct, frozen=True, kw_only=True):
    """What the house itself uses, batteries left out."""

    power: Annotated[Number, Quantity(WATT, "Power the house itself uses now")] = None


C = TypeVar("C", Production, Consumption, NetConsumption, Storage, Circuit, Home)


class Flow(Struct, Generic[C], frozen=True, kw_only=True):
    """One place where current is measured: the whole of it, and its phases as far as the meter has them."""

    total: C | None = None
    l1: C | None = None
    l2: C | None = None
    l3: C | None = None


Members = Mapping[str, Struct]
"""Devices of one kind, by serial number or name; the only one of its kind is under the empty name."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that is known of one gateway at one moment. `time`: when its newest reply arrived, by our clock, in UTC."""

    serial: str
    time: datetime
    production: Annotated[Flow[Production] | None, Branch(Production, "What the panels make: + produced")] = None
    consumption: Annotated[
        Flow[Consumption] | None, Branch(Consumption, "What the site uses; so does a battery that charges")
    ] = None
    net_consumption: Annotated[Flow[NetConsumption] | None, Branch(NetConsumption, "The grid: + import, - export")] = (
        None
    )
    storage: Annotated[Flow[Storage] | None, Branch(Storage, "The batteries: + they supply, - they charge")] = None
    home: Annotated[Flow[Home] | None, Branch(Home, "What the house itself uses; where the batteries are measured")] = (
        None
    )
    backfeed: Annotated[Flow[Circuit] | None, Branch(Circuit, "A combiner's backfeed: + towards the switchboard")] = (
        None
    )
    load: Annotated[Flow[Circuit] | None, Branch(Circuit, "A combiner's load circuit: + towards the switchboard")] = (
        None
    )
    evse: Annotated[Flow[Circuit] | None, Branch(Circuit, "The car charger's circuit: + towards the switchboard")] = (
        None
    )
    pv3p: Annotated[Flow[Circuit] | None, Branch(Circuit, "Panels of another make: + towards the switchboard")] = None
    devices: Mapping[str, Members] = field(default_factory=dict)
    """By kind of device: see `gateway/devices`."""
    raw: Mapping[str, float] = field(default_factory=dict)
    """By path: what the gateway itself said of a counter."""
    estimated: frozenset[str] = frozenset()
    """Paths of counters whose gain of today is not known exactly."""
