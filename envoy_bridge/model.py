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
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Struct, field

Value = float | str | bool | datetime
"""What a field holds when it is known."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts. `live` values are true for a moment only; the others stay true. `counts`: it only grows.

    `device_class`, `state_class` and `precision` (digits shown) are Home Assistant's words for it; None: it has none.
    """

    symbol: str
    live: bool = True
    counts: bool = False
    device_class: str | None = None
    state_class: str | None = None
    precision: int | None = None


def _measured(symbol: str, device_class: str | None, precision: int) -> Unit:
    return Unit(symbol, device_class=device_class, state_class="measurement", precision=precision)


WATT = _measured("W", "power", 0)
VOLT_AMPERE = _measured("VA", "apparent_power", 0)
VAR = _measured("var", "reactive_power", 0)
VOLT = _measured("V", "voltage", 1)
AMPERE = _measured("A", "current", 2)
HERTZ = _measured("Hz", "frequency", 2)
CELSIUS = _measured("°C", "temperature", 0)
PERCENT = _measured("%", None, 0)
CHARGE = _measured("%", "battery", 0)
IRRADIANCE = _measured("W/m²", "irradiance", 0)
RATIO = _measured("", "power_factor", 2)
COUNT = Unit("", live=False, precision=0)
SECOND = Unit("s", live=False, device_class="duration", precision=0)
MINUTE = Unit("min", live=False, device_class="duration", precision=0)
TIME = Unit("time", device_class="timestamp")
WORD = Unit("word")
FLAG = Unit("true/false")
HEARD = Unit("true/false", device_class="connectivity")
AVAILABILITY = Unit("word", device_class="connectivity")
WATT_PEAK = Unit("W", live=False, device_class="power", precision=0)
WATT_HOUR = Unit("Wh", live=False, counts=True, device_class="energy", state_class="total_increasing", precision=0)
WATT_HOUR_TODAY = Unit("Wh", live=False, device_class="energy", state_class="total_increasing", precision=0)
WATT_HOUR_NOW = _measured("Wh", "energy_storage", 0)
WATT_HOUR_MOST = Unit("Wh", live=False, device_class="energy_storage", precision=0)
WATT_HOUR_ONCE = Unit("Wh", device_class="energy", precision=0)
WATT_HOUR_COARSE = Unit("Wh", live=False, device_class="energy", precision=0)

Rank = Literal["main", "detail", "diagnostic"]
"""Who wants it: everybody; few, so that programs show it on demand only; everybody who looks for a fault."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a field of the model measures: its unit, what it means in the house, and who wants to know."""

    unit: Unit
    doc: str
    rank: Rank = "main"


def detail(unit: Unit, doc: str) -> Quantity:
    """A quantity that few want to see."""
    return Quantity(unit, doc, "detail")


def diagnostic(unit: Unit, doc: str) -> Quantity:
    """A quantity for those who look for a fault."""
    return Quantity(unit, doc, "diagnostic")


@dataclass(frozen=True, slots=True)
class Branch:
    """What a flow of the snapshot has below it: phases of class `kind`.

    `label`: what people call it. `rank`: who wants its phases one by one.
    """

    kind: type
    label: str
    doc: str
    rank: Rank = "detail"


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
        Number, detail(VOLT, "RMS voltage, phase to neutral; of the total only where there is one phase")
    ] = None
    current: Annotated[Number, detail(AMPERE, "RMS current")] = None
    frequency: Annotated[Number, detail(HERTZ, "Frequency of the grid")] = None
    power_factor: Annotated[Number, detail(RATIO, "Power factor, -1 to 1")] = None
    apparent_power: Annotated[Number, detail(VOLT_AMPERE, "Apparent power now")] = None
    reactive_power: Annotated[Number, detail(VAR, "Reactive power now; negative: leading")] = None


class Production(Channel, frozen=True, kw_only=True):
    """What the panels make. Power above 0: produced; a few watts below 0 at night are the inverters' own use."""

    energy_lifetime: Annotated[Number, Quantity(WATT_HOUR, "Energy produced since the installation")] = None
    energy_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced since midnight at the gateway")] = None
    energy_week: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced this week, from Monday")] = None
    energy_month: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced this month")] = None
    energy_year: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced this year")] = None
    energy_lifetime_coarse: Annotated[
        Number,
        detail(
            WATT_HOUR_COARSE,
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
    """All that is known of one gateway at one moment. `time`: when its newest reply arrived, by our clock, in UTC.

    Of a site that a cloud tells of, `serial` is its place: `cloud/<provider>/<site>`.
    """

    serial: str
    time: datetime
    production: Annotated[
        Flow[Production] | None,
        Branch(Production, "Production", "What the panels make: + produced", "main"),
    ] = None
    consumption: Annotated[
        Flow[Consumption] | None,
        Branch(Consumption, "Consumption", "What the site uses; so does a battery that charges", "main"),
    ] = None
    net_consumption: Annotated[
        Flow[NetConsumption] | None,
        Branch(NetConsumption, "Grid", "The grid: + import, - export", "main"),
    ] = None
    storage: Annotated[
        Flow[Storage] | None,
        Branch(Storage, "Battery", "The batteries: + they supply, - they charge"),
    ] = None
    home: Annotated[
        Flow[Home] | None,
        Branch(Home, "House", "What the house itself uses; where the batteries are measured"),
    ] = None
    backfeed: Annotated[
        Flow[Circuit] | None,
        Branch(Circuit, "Backfeed", "A combiner's backfeed: + towards the switchboard"),
    ] = None
    load: Annotated[
        Flow[Circuit] | None,
        Branch(Circuit, "Load circuit", "A combiner's load circuit: + towards the switchboard"),
    ] = None
    evse: Annotated[
        Flow[Circuit] | None,
        Branch(Circuit, "Car charger", "The car charger's circuit: + towards the switchboard"),
    ] = None
    pv3p: Annotated[
        Flow[Circuit] | None,
        Branch(Circuit, "Other panels", "Panels of another make: + towards the switchboard"),
    ] = None
    devices: Mapping[str, Members] = field(default_factory=dict)
    """By kind of device: see `gateway/devices`."""
    gone: frozenset[str] = frozenset()
    """Paths of devices that were taken away, as the gateway says; those of which it says so."""
    cloud: Mapping[str, Struct] = field(default_factory=dict)
    """By part of a cloud's site (`site`, `panel-3`): see `clouds/parts.py`."""
    raw: Mapping[str, float] = field(default_factory=dict)
    """By path: what the gateway itself said of a counter."""
    estimated: frozenset[str] = frozenset()
    """Paths of counters whose gain of today is not known exactly."""
