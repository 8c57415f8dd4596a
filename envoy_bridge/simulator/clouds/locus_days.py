"""What a made-up household looks like at Locus: which data there are, and their rows. Pure.

Power is given as a function of the moment, so that a gateway and other clouds can tell of the same household.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Power = Callable[[datetime], float]
"""W of all panels at a moment."""

SECONDS: Final = {"1min": 60, "5min": 300, "15min": 900, "hourly": 3600}
CALENDAR: Final = ("daily", "monthly", "yearly")
FINE: Final = ("1min", "5min", "15min", "hourly", *CALENDAR)
SPANS: Final = {"1min": 5, "5min": 31, "15min": 31, "hourly": 31, "daily": 365}
"""Days that may be asked for at once: fewer than that."""

GRID_DRAW: Final = 700.0
"""W that the house uses."""

_STEP: Final = 300
_PARAMETERS: Final = [
    {"param": "modelType", "values": ["simple"]},
    {"param": "irradianceSource", "values": ["weatherStation"]},
    {"param": "inverterClipping", "values": ["true", "false"]},
]


def sunny_day(at: datetime) -> float:
    """W on a day like any other: half a sine from 6 to 20 h at -08:00, 5 kW at its top."""
    hour = (at.astimezone(UTC) - timedelta(hours=8)).timestamp() % 86_400 / 3600
    return 5000.0 * max(0.0, math.sin(math.pi * (hour - 6) / 14))


def base(name: str, unit: str, source: str, grans: Sequence[str], aggregations: Sequence[str]) -> Json:
    """A base field as `dataavailable` lists it. Modelled ones have parameters, and without aggregations no names."""
    found: Json = {"baseField": name, "longName": name, "source": source, "unit": unit}
    if aggregations:
        found["aggregations"] = [{"shortName": f"{name}_{each}", "aggregation": each} for each in aggregations]
    if source == "Modeled" and not name.startswith("GHI"):
        found["fieldParameters"] = _PARAMETERS
    return found | {"granularities": list(grans)}


_MEASURED: Final = (("A", "A"), ("Hz", "Hz"), ("PF", ""), ("PPV", "V"), ("PhV", "V"), ("VA", "VA"), ("VAR", "VAR"))
_PHASES: Final = (("W", "W"), ("WphA", "W"), ("WphB", "W"), ("WphC", "W"))
OF_COMPONENTS: Final = [
    *(base(name, unit, "Measured", ("latest", *FINE), ("avg", "max", "min")) for name, unit in _MEASURED + _PHASES),
    base("Wh", "Wh", "Measured", ("latest", *FINE), ("sum",)),
    base("W_m", "W", "Modeled", FINE, ()),
    base("PI_m", "", "Modeled", FINE, ()),
]
OF_SITES: Final = [
    base("GHI_m", "W/m²", "Modeled", ("hourly", *CALENDAR), ("avg", "max", "min")),
    base("GHIh_m", "Wh/m²", "Modeled", ("hourly", *CALENDAR), ("sum",)),
    base("W", "W", "Measured", FINE[1:], ("avg", "max")),
    base("W_m", "W", "Modeled", FINE, ("avg",)),
    base("Wh", "Wh", "Measured", FINE, ("sum",)),
    base("Wh_e", "Wh", "Expected", CALENDAR, ("sum",)),
    base("Wh_m", "Wh", "Modeled", FINE, ("sum",)),
]
OF_PARTNERS: Final = [
    base("Wh", "Wh", "Measured", ("monthly",), ("sum",)),
    base("Whp", "Wh", "Measured", ("monthly",), ("sum",)),
    base("Wh_e", "Wh", "Expected", ("monthly",), ("sum",)),
    base("EER", "", "Modeled", ("monthly",), ("avg",)),
]


CLIENT: Final = {"id": 456, "partnerId": 111, "tz": "US/Pacific", "firstName": "Sun", "lastName": "Shine"}
SITE, EMPTY_SITE = 123, 789
METER, INVERTER, GRID_METER, DRAWN_ONLY = 54369, 54370, 54371, 54372


def _component(number: int, name: str, kind: str, parent: int, **more: object) -> Json:
    """`parent`: the site, or another component."""
    return {
        "id": number,
        "siteId": SITE,
        "clientId": CLIENT["id"],
        "parentId": parent,
        "parentType": "SITE" if parent == SITE else "COMPONENT",
        "nodeId": f"OB.001EC1{number:06}.1",
        "name": name,
        "nodeType": kind,
        "application": "GENERATION",
        "generationType": "SOLAR",
        "oem": "Locus Energy",
        "model": "LGate 120",
        "isConceptualNode": False,
    } | more


SITES: Final[list[Json]] = [
    {"id": SITE, "clientId": CLIENT["id"], "name": "Test Site", "locationTimezone": "America/Los_angeles"},
    {"id": EMPTY_SITE, "clientId": CLIENT["id"], "name": "Test Site 2"},
]
"""The second has no time zone of its own, and no components."""

COMPONENTS: Final = [
    _component(METER, "PV Meter", "METER", SITE, serialNumber="ABC123"),
    _component(DRAWN_ONLY, "Panel board", "DISTRIBUTION", METER, isConceptualNode=True),
    _component(INVERTER, "AE Inverter E1", "INVERTER", DRAWN_ONLY, oem="Advanced Energy", model="AE 6.0"),
    _component(GRID_METER, "Grid Meter", "METER", SITE, application="NET-GRID", generationType="NET-GRID"),
]


@dataclass
class Days:
    """The rows of one entity. `since`: when it came online. `grid`: it is the meter at the grid, + = import.

    `dark`: the intervals, by their beginnings, of which nothing is known (yet).
    """

    power: Power
    since: datetime
    grid: bool = False
    dark: set[datetime] = field(default_factory=set)
    _energies: dict[int, float] = field(default_factory=dict, repr=False)

    def watts(self, at: datetime) -> float:
        """W at a moment."""
        return GRID_DRAW - self.power(at) if self.grid else self.power(at)

    def energy(self, start: datetime, end: datetime) -> float:
        """Wh between two moments."""
        begin, until = int(start.timestamp()), int(end.timestamp())
        total, second = 0.0, begin
        while second < until:
            upto = min(until, (second // _STEP + 1) * _STEP)
            total += self._mean(second // _STEP) * (upto - second) / 3600
            second = upto
        return total

    def _mean(self, step: int) -> float:
        if step not in self._energies:
            self._energies[step] = self.watts(datetime.fromtimestamp((step + 0.5) * _STEP, UTC))
        return self._energies[step]

    def values(self, fields: Sequence[str], start: datetime, end: datetime, now: datetime) -> Json:
        """What is known of an interval, in the middle of it too. A field that is not known is left out."""
        start, end = max(start, self.since), min(end, now)
        if start >= end or start in self.dark:
            return {}
        energy = self.energy(start, end)
        return {name: _value(name, energy, (end - start).total_seconds()) for name in fields}


def _value(name: str, energy: float, seconds: float) -> float:
    watts = energy * 3600 / seconds
    of_base = {
        "W": watts,
        "W_m": watts * 1.02,
        "WphA": watts * 0.3,
        "WphB": watts * 0.3,
        "WphC": watts * 0.4,
        "VA": abs(watts) + 20,
        "VAR": 15.0,
        "PF": 0.98,
        "Hz": 60.01,
        "A": watts / 240,
        "PhV": 121.5,
        "PPV": 243.0,
        "GHI_m": watts / 6,
    }
    sums = {"Wh": energy, "Whp": energy, "Wh_m": energy * 1.02, "Wh_e": energy * 0.97, "GHIh_m": energy / 6}
    stem = name.rsplit("_", 1)[0]
    return round({**of_base, **sums, "EER": 1.03}[stem], 3)


def bounds(
    gran: str, start: datetime, end: datetime, zone: ZoneInfo, *, inclusive: bool
) -> Iterator[tuple[datetime, datetime]]:
    """The intervals that begin from `start` on and before `end` (`inclusive`: at `end` too), as moments in the zone."""
    begin = _first(gran, start, zone)
    until = end.timestamp() + (1 if inclusive else 0)
    while begin.timestamp() < until:
        after = _next(gran, begin, zone)
        yield begin, after
        begin = after


def _first(gran: str, start: datetime, zone: ZoneInfo) -> datetime:
    if gran in SECONDS:
        return datetime.fromtimestamp(-(-start.timestamp() // SECONDS[gran]) * SECONDS[gran], zone)
    begin = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if gran != "daily":
        begin = begin.replace(day=1)
    if gran == "yearly":
        begin = begin.replace(month=1)
    return begin if begin >= start else _next(gran, begin, zone)


def _next(gran: str, begin: datetime, zone: ZoneInfo) -> datetime:
    if gran in SECONDS:
        return datetime.fromtimestamp(begin.timestamp() + SECONDS[gran], zone)
    if gran == "daily":
        return begin + timedelta(days=1)  # by the calendar: datetimes in a zone add up so
    if gran == "monthly":
        return (begin + timedelta(days=31)).replace(day=1)
    return begin.replace(year=begin.year + 1)
