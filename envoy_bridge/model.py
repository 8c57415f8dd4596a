"""What a gateway tells, once its replies are understood. The fields are the catalogue.

Every topic, table and payload is a walk over these classes: the path of a value through the model is its topic below
`<base>/<serial>/`. A new measurement is one line here and one in `gateway/normalise.py`.

Everything is frozen. `None` means that the gateway did not say; it is never published, and never turned into 0.
Numbers are finite when they get here, and zero has no sign. They are published with three decimals at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

Value = float | str | datetime
"""What a field holds when it is known."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts. `live` values are true for a moment only; the others (counters) stay true."""

    symbol: str
    live: bool = True


WATT = Unit("W")
VOLT_AMPERE = Unit("VA")
VAR = Unit("var")
VOLT = Unit("V")
AMPERE = Unit("A")
HERTZ = Unit("Hz")
CELSIUS = Unit("°C")
RATIO = Unit("")
TIME = Unit("time")
WORD = Unit("word")
WATT_PEAK = Unit("W", live=False)
WATT_HOUR = Unit("Wh", live=False)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a field of the model measures: its unit, and what it means in the house."""

    unit: Unit
    doc: str


def number(value: float | None) -> float | None:
    """A number of a reply as a number of the model: zero has no sign."""
    return None if value is None else value + 0.0


def scaled(value: float | None, scale: float = 1.0) -> float | None:
    """A number that was computed as a number of the model: to three decimals, more were not measured."""
    return None if value is None else round(value * scale, 3) + 0.0


def quantity(unit: Unit, doc: str) -> Any:  # noqa: ANN401 - as dataclasses.field: the annotation of the field is its type
    """A field of the model that is published under its own name."""
    return field(default=None, metadata={"quantity": Quantity(unit, doc)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A whole meter, or one of its phases."""

    power: float | None = quantity(WATT, "Active power now")
    voltage: float | None = quantity(VOLT, "RMS voltage, phase to neutral; of the total only where there is one phase")
    current: float | None = quantity(AMPERE, "RMS current")
    frequency: float | None = quantity(HERTZ, "Frequency of the grid")
    power_factor: float | None = quantity(RATIO, "Power factor, -1 to 1")
    apparent_power: float | None = quantity(VOLT_AMPERE, "Apparent power now")
    reactive_power: float | None = quantity(VAR, "Reactive power now; negative: leading")


@dataclass(frozen=True, slots=True, kw_only=True)
class Production(Channel):
    """What the panels make. Power above 0: produced; a few watts below 0 at night are the inverters' own use."""

    energy_lifetime: float | None = quantity(WATT_HOUR, "Energy produced since the installation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption(Channel):
    """What the site uses: production + net_consumption; a battery that charges counts as use."""

    energy_lifetime: float | None = quantity(WATT_HOUR, "Energy used since the installation")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetConsumption(Channel):
    """The connection to the grid. Power above 0: import; below 0: export. Both counters are positive and only grow."""

    energy_imported: float | None = quantity(WATT_HOUR, "Energy taken from the grid since the installation")
    energy_exported: float | None = quantity(WATT_HOUR, "Energy given to the grid since the installation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage(Channel):
    """The batteries. Power above 0: they supply the house; below 0: they charge."""

    energy_discharged: float | None = quantity(WATT_HOUR, "Energy the batteries gave since the installation")
    energy_charged: float | None = quantity(WATT_HOUR, "Energy the batteries took since the installation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit(Channel):
    """Another measured circuit of a combiner. Power above 0: towards the switchboard."""

    energy_delivered: float | None = quantity(WATT_HOUR, "Energy that flowed towards the switchboard")
    energy_received: float | None = quantity(WATT_HOUR, "Energy that flowed away from the switchboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What the house itself uses, batteries left out."""

    power: float | None = quantity(WATT, "Power the house itself uses now")


C = TypeVar("C", Production, Consumption, NetConsumption, Storage, Circuit, Home)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(Generic[C]):
    """One place where current is measured: the whole of it, and its phases as far as the meter has them."""

    total: C | None = None
    l1: C | None = None
    l2: C | None = None
    l3: C | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverter:
    """One microinverter. It reports every 5 to 60 minutes; its numbers stay as they are when it falls silent."""

    power: float | None = quantity(WATT, "Power at the last report")
    power_max: float | None = quantity(WATT_PEAK, "Highest power ever reported")
    last_report: datetime | None = quantity(TIME, "When it last reported")
    availability: str | None = quantity(WORD, "online / offline: has it reported lately")
    energy_lifetime: float | None = quantity(WATT_HOUR, "Energy produced since the installation")
    ac_voltage: float | None = quantity(VOLT, "Voltage on the grid side")
    ac_current: float | None = quantity(AMPERE, "Current on the grid side")
    ac_frequency: float | None = quantity(HERTZ, "Frequency on the grid side")
    dc_voltage: float | None = quantity(VOLT, "Voltage of the panel")
    dc_current: float | None = quantity(AMPERE, "Current of the panel")
    temperature: float | None = quantity(CELSIUS, "Temperature inside")


def flow(channel: type, doc: str) -> Any:  # noqa: ANN401 - as quantity()
    """A flow of the snapshot; `channel` is the class of its total and phases."""
    return field(default=None, metadata={"channel": channel, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that is known of one gateway at one moment. `time`: when its newest reply arrived, by our clock, in UTC."""

    serial: str
    time: datetime
    production: Flow[Production] | None = flow(Production, "What the panels make: + produced")
    consumption: Flow[Consumption] | None = flow(Consumption, "What the site uses; so does a battery that charges")
    net_consumption: Flow[NetConsumption] | None = flow(NetConsumption, "The grid: + import, - export")
    storage: Flow[Storage] | None = flow(Storage, "The batteries: + they supply, - they charge")
    home: Flow[Home] | None = flow(Home, "What the house itself uses; where the batteries are measured")
    backfeed: Flow[Circuit] | None = flow(Circuit, "A combiner's backfeed: + towards the switchboard")
    load: Flow[Circuit] | None = flow(Circuit, "A combiner's load circuit: + towards the switchboard")
    evse: Flow[Circuit] | None = flow(Circuit, "The car charger's circuit: + towards the switchboard")
    pv3p: Flow[Circuit] | None = flow(Circuit, "Panels of another make: + towards the switchboard")
    inverter: Mapping[str, Inverter] = field(
        default_factory=dict, metadata={"device": Inverter, "doc": "The microinverters, by serial number"}
    )
