"""What is asked about each system, and how often: one table for each version of Enlighten's API.

Cadences are those that one system with everything can have within the vendor's free plan or nearly so; where there are
more, all are stretched alike. Left out: `monthly_production` of version 2, which is deprecated and says nothing that
`energy_lifetime` does not; of version 4 what the free plan does not have (single devices, settings, live data).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from envoy_bridge.clouds.enlighten import wire
from envoy_bridge.clouds.enlighten.api import Query
from envoy_bridge.clouds.enlighten.devices import devices, envoys, inventory, inverters, meter_readings
from envoy_bridge.clouds.enlighten.intervals import Reading
from envoy_bridge.clouds.enlighten.known import Known
from envoy_bridge.clouds.enlighten.parse import Found, Here, summary
from envoy_bridge.clouds.rest import Answer

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
WEEK: Final = 7 * DAY

DAYLIGHT: Final = 17 / 24
"""The part of a day in which questions for the daylight are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that is asked of a system. `name`: its path below the system, where there is no other.

    `needs`, `unless`: hardware that must be there, or must not. `essential`, `daylight`: as in `Job`.
    """

    name: str
    every: float
    needs: str | None = None
    unless: str | None = None
    essential: bool = False
    daylight: bool = False

    def wanted(self, known: Known, now: float) -> bool:
        """Is it of use to ask?"""
        if self.needs is not None and self.needs not in known.hardware:
            return False
        return self.unless not in known.hardware and known.absent.get(self.name, now) <= now

    @property
    def in_a_day(self) -> float:
        """How often it is asked."""
        return DAY / self.every * (DAYLIGHT if self.daylight else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Question):
    """About the present. `reveals`: the hardware that it tells of; all of it is expected where it is refused."""

    read: Callable[[Answer, Here], Found]
    reveals: frozenset[str] = frozenset()
    path: str | None = None
    query: Callable[[str], Query] = lambda _site: ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Days(Question):
    """A value for each day. `quantities`: by field of `wire.Lifetime`."""

    quantities: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Question):
    """Intervals of `length` seconds. A reply covers at most `span` seconds, and nothing that is `reach` seconds old.

    `window`: how a start and an end are asked for. `totals`: as in `so_far`.
    """

    length: float
    span: float
    reach: float
    readings: tuple[Reading, ...]
    window: Callable[[int, int], Query]
    totals: Mapping[str, str] = field(default_factory=dict)


def _from_to(start: int, end: int) -> Query:
    return (("start_at", str(start)), ("end_at", str(end)))


def _week_from(start: int, _end: int) -> Query:
    return (("start_at", str(start)), ("granularity", "week"))


def _series(
    name: str, readings: Mapping[str, str], *, length: float = 15 * MINUTE, needs: str | None, unless: str | None = None
) -> Series:
    """Intervals of version 4. `readings`: paths, several with a | between them, by quantity."""
    return Series(
        name=name,
        every=DAY,
        needs=needs,
        unless=unless,
        length=length,
        span=WEEK,
        reach=729 * DAY,
        readings=tuple(Reading(quantity, tuple(paths.split("|"))) for quantity, paths in readings.items()),
        window=_week_from,
    )


def _summary(answer: Answer, here: Here) -> Found:
    return summary(answer.json(wire.Summary), here)


def _meter_readings(answer: Answer, here: Here) -> Found:
    return meter_readings(answer.json(wire.MeterReadings), here)


_YEAR = 364 * DAY
_PRODUCED = {"production": "energy_today"}
_CONSUMED = {"consumption": "energy_consumed_today"}

V2: Final[tuple[Question, ...]] = (
    Look(name="summary", every=15 * MINUTE, essential=True, daylight=True, read=_summary),
    Look(name="envoys", every=6 * HOUR, read=lambda answer, here: envoys(answer.json(wire.Envoys), here)),
    Look(name="inventory", every=DAY, read=lambda answer, _: inventory(answer.json(wire.Inventory))),
    Look(
        name="production_meter_readings",
        every=6 * HOUR,
        read=_meter_readings,
        reveals=frozenset(("rgm",)),
    ),
    Look(
        name="inverters_summary_by_envoy_or_site",
        path="/inverters_summary_by_envoy_or_site",
        query=lambda site: (("site_id", site),),
        every=HOUR,
        daylight=True,
        read=lambda answer, here: inverters(answer.json(tuple[wire.InverterGroup, ...]), here),
    ),
    Days(name="energy_lifetime", every=DAY, essential=True, quantities=_PRODUCED),
    Days(name="consumption_lifetime", every=DAY, quantities=_CONSUMED),
    Series(
        name="stats",
        every=30 * MINUTE,
        daylight=True,
        length=5 * MINUTE,
        span=DAY,
        reach=_YEAR,
        readings=(Reading("power", ("powr",)), Reading("energy", ("enwh",))),
        window=_from_to,
    ),
    Series(
        name="rgm_stats",
        every=30 * MINUTE,
        daylight=True,
        needs="rgm",
        length=15 * MINUTE,
        span=WEEK,  # a month in the document; restricted later, with an error
        reach=_YEAR,
        readings=(Reading("energy", ("wh_del",)),),
        window=_from_to,
    ),
    Series(
        name="consumption_stats",
        every=30 * MINUTE,
        length=15 * MINUTE,
        span=28 * DAY,
        reach=_YEAR,
        readings=(Reading("energy_consumed", ("enwh",)),),
        window=_from_to,
        totals={"energy_consumed": "energy_consumed_today"},
    ),
)

V4: Final[tuple[Question, ...]] = (  # first what the others depend on
    Look(
        name="devices",
        every=WEEK,
        read=lambda answer, _: devices(answer.json(wire.Devices)),
        reveals=frozenset(("consumption", "battery")),
    ),
    Look(name="summary", every=HOUR, essential=True, daylight=True, read=_summary),
    Look(name="production_meter_readings", every=DAY, needs="production", read=_meter_readings),
    Days(name="energy_lifetime", every=DAY, essential=True, quantities=_PRODUCED),
    Days(name="consumption_lifetime", every=DAY, needs="consumption", quantities=_CONSUMED),
    Days(
        name="energy_import_lifetime",
        every=DAY,
        needs="consumption",
        quantities={"imported": "energy_imported_today"},
    ),
    Days(
        name="energy_export_lifetime",
        every=DAY,
        needs="consumption",
        quantities={"exported": "energy_exported_today"},
    ),
    Days(
        name="battery_lifetime",
        every=DAY,
        needs="battery",
        quantities={"charge": "energy_charged_today", "discharge": "energy_discharged_today"},
    ),
    # The vendor's tables and examples disagree about the names of what a meter produced.
    _series("telemetry/production_meter", {"power": "powr", "energy": "wh_del|enwh"}, needs="production"),
    _series(
        "telemetry/production_micro",
        {"power": "powr", "energy": "enwh"},
        length=5 * MINUTE,
        needs=None,
        unless="production",
    ),
    _series("telemetry/consumption_meter", {"energy_consumed": "enwh"}, needs="consumption"),
    _series("energy_import_telemetry", {"energy_imported": "wh_imported|enwh"}, needs="consumption"),
    _series("energy_export_telemetry", {"energy_exported": "wh_exported|enwh"}, needs="consumption"),
    _series(
        "telemetry/battery",
        {"energy_charged": "charge.enwh", "energy_discharged": "discharge.enwh", "soc": "soc.percent"},
        needs="battery",
    ),
)
