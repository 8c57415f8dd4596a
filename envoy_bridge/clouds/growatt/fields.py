"""What the inverters tell, MIN (TLX) and SPH (MIX) alike: the vendor's fields, and what they are called here.

The two families, and several versions of each, have different names for some things: then there are several keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from envoy_bridge.clouds.growatt.wire import Row, number
from envoy_bridge.clouds.report import Kind

Place = Literal["inverter", "battery", "string-1", "string-2", "string-3", "string-4"]
STRINGS: Final[tuple[Place, ...]] = ("string-1", "string-2", "string-3", "string-4")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the vendor: how much of ours it is, and to how many digits it is true. Values are 32 bit floats."""

    factor: float
    digits: int


KILOWATT_HOUR: Final = Unit(1000, 1)
TENTH: Final = Unit(1, 1)
"""W, V, VA, %, °C."""
HUNDREDTH: Final = Unit(1, 2)
"""A, Hz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One quantity of a place. `keys`: in lower case, of one value; `less`: of another that is taken off.

    `ability`: what an inverter needs to have for it. What it does not have is told as 0, not left out.
    """

    place: Place
    quantity: str
    unit: Unit = TENTH
    keys: tuple[str, ...]
    less: tuple[str, ...] = ()
    ability: str | None = None
    kind: Kind = "instant"

    def value(self, row: Row) -> float | None:
        """In our unit. None: there is none."""
        found = _first(row, self.keys)
        if self.less and found is not None:
            other = _first(row, self.less)
            found = None if other is None else found - other
        return None if found is None else round(round(found, self.unit.digits) * self.unit.factor, self.unit.digits)


def _first(row: Row, keys: tuple[str, ...]) -> float | None:
    """The first value that is not 0: of several keys of one value, those that are not in use say 0."""
    told = [found for key in keys if (found := number(row.get(key))) is not None]
    return next((found for found in told if found), told[0] if told else None)


def _energy(place: Place, today: str, lifetime: str, keys: str, ability: str | None = None) -> Iterator[Field]:
    """The energy of today and of all days: two quantities. `keys`: with * for Today and Total."""
    spans: tuple[tuple[str, str, Kind], ...] = ((today, "today", "daily"), (lifetime, "total", "counter"))
    for quantity, span, kind in spans:
        these = tuple(keys.replace("*", span).split())
        yield Field(place=place, quantity=quantity, unit=KILOWATT_HOUR, keys=these, ability=ability, kind=kind)


def _phase(phase: int) -> Iterator[Field]:
    """Of an inverter on one phase, the second and the third are 0. `pac1` is documented as apparent power."""
    ability = f"l{phase}" if phase > 1 else None
    for quantity, key, unit in (
        ("voltage", "vac", TENTH),
        ("current", "iac", HUNDREDTH),
        ("apparent_power", "pac", TENTH),
    ):
        yield Field(
            place="inverter", quantity=f"{quantity}_l{phase}", unit=unit, keys=(f"{key}{phase}",), ability=ability
        )


def _string(place: Place, index: int) -> Iterator[Field]:
    for quantity, key, unit in (("power", "ppv", TENTH), ("voltage", "vpv", TENTH), ("current", "ipv", HUNDREDTH)):
        yield Field(place=place, quantity=f"{quantity}_dc", unit=unit, keys=(f"{key}{index}",), ability=place)
    yield from _energy(place, "energy_today_dc", "energy_lifetime_dc", f"epv{index}*", place)


FIELDS: Final[tuple[Field, ...]] = (
    Field(place="inverter", quantity="power", keys=("pac",)),
    Field(place="inverter", quantity="power_dc", keys=("ppv",)),
    Field(place="inverter", quantity="frequency", unit=HUNDREDTH, keys=("fac",)),
    Field(place="inverter", quantity="temperature", keys=("temp1",)),
    *_energy("inverter", "energy_today", "energy_lifetime", "eac*"),
    *_energy("inverter", "energy_today_dc", "energy_lifetime_dc", "epv*"),
    *(field for phase in (1, 2, 3) for field in _phase(phase)),
    Field(place="inverter", quantity="power_imported", keys=("pactousertotal",), ability="meter"),
    Field(place="inverter", quantity="power_exported", keys=("pactogridtotal",), ability="meter"),
    *_energy("inverter", "energy_imported_today", "energy_imported", "etouser*", "meter"),
    *_energy("inverter", "energy_exported_today", "energy_exported", "etogrid*", "meter"),
    Field(place="inverter", quantity="power_consumed", keys=("pactolocalload", "plocalloadtotal"), ability="load"),
    *_energy("inverter", "energy_consumed_today", "energy_consumed_lifetime", "elocalload*", "load"),
    Field(place="battery", quantity="soc", keys=("soc", "bmssoc", "bdc1soc"), ability="battery"),
    Field(
        place="battery",
        quantity="power",
        keys=("pdischarge1", "bdc1dischargepower"),
        less=("pcharge1", "bdc1chargepower"),
        ability="battery",
    ),
    Field(place="battery", quantity="voltage_dc", keys=("vbat", "bdc1vbat"), ability="battery"),
    *_energy("battery", "energy_charged_today", "energy_charged", "echarge* echarge1*", "battery"),
    *_energy("battery", "energy_discharged_today", "energy_discharged", "edischarge* edischarge1*", "battery"),
    *(field for index, place in enumerate(STRINGS, 1) for field in _string(place, index)),
)

KEPT: Final = frozenset({"power", "power_dc", "power_imported", "power_exported", "power_consumed", "soc"})
"""Of the momentary values, those that are worth keeping for each five minutes of the past."""


def abilities(row: Row) -> frozenset[str]:
    """What this inverter has, as far as this row shows: what is not 0 is there."""
    return frozenset(field.ability for field in FIELDS if field.ability and field.value(row))
