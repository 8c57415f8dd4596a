"""The system that the simulated Enlighten serves: what it has, and until when it has reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.clouds.enlighten_house import FIFTEEN, FIVE, House

Json = dict[str, Any]
Query = Mapping[str, str]

YEAR: Final = 365 * 86400
DAY: Final = 86400

GATEWAY, METER, RETIRED_METER, CONSUMPTION_METER, BATTERY = (
    "010731000003",
    "090101000201",
    "090101000101",
    "090101000202",
    "491004000001",
)
INVERTERS: Final = ("482200000001", "482200000002", "482200000003")


class Refusal(Exception):
    """An answer that is no data: its status and body."""

    def __init__(self, status: int, body: Json | None = None) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body


@dataclass
class System:
    """One system. May be changed while it is served.

    `reports_until`: seconds since 1970 after which its gateway was silent; None: it reports. `filling`: inverters that
    are late in the newest interval. `hardware`: `production`, `consumption`, `battery`, `rgm`. `forbidden`: paths below
    the system that the user may not see. `nulls`: a revenue-grade meter says nothing of its second channel. `pads`:
    zeros stand for days that were not reported. `kilojoules`: so are the energies of inverters.
    """

    number: int
    house: House
    clock: Clock
    operational: int
    timezone: str
    hardware: set[str] = field(default_factory=lambda: {"production", "consumption", "battery", "rgm"})
    forbidden: set[str] = field(default_factory=set)
    reports_until: float | None = None
    filling: int = 0
    nulls: bool = False
    pads: bool = True
    kilojoules: bool = True

    @property
    def now(self) -> float:
        """The time, in seconds since 1970."""
        return self.clock.wall()

    @property
    def reported(self) -> int:
        """When the gateway reported last: it does each quarter of an hour."""
        latest = self.now if self.reports_until is None else min(self.now, self.reports_until)
        return int(latest // FIFTEEN) * FIFTEEN

    @property
    def energy_at(self) -> int | None:
        """When the last energy was produced, as far as it was reported."""
        for end in range(self.reported, max(self.operational, self.reported - 30 * DAY), -FIVE):
            if self.house.energy("production", end - FIVE, end):
                return end
        return None

    @property
    def meta(self) -> Json:
        """How it is."""
        silent = self.now - self.reported > DAY
        return {
            "status": "comm" if silent else "normal",
            "last_report_at": self.reported,
            "last_energy_at": self.energy_at,
            "operational_at": self.operational,
        }

    @property
    def first_day(self) -> date:
        """The day on which it began."""
        return self.house.date_of(self.operational)

    def summary(self) -> Json:
        """Both versions' present: energy of the lifetime is without today."""
        today, last = self.house.date_of(self.now), self.reported
        days = (today - self.first_day).days
        before = sum(
            self.house.day("production", self.first_day + timedelta(days=n), self.reported) for n in range(days)
        )
        return {
            "system_id": self.number,
            "current_power": self.house.energy("production", last - FIVE, last) * 3600 // FIVE,
            "energy_today": self.house.day("production", today, last),
            "energy_lifetime": before,
            "last_interval_end_at": last,
            "last_report_at": last,
            "last_energy_at": self.energy_at,
            "operational_at": self.operational,
            "modules": len(INVERTERS),
            "size_w": 6000,
            "source": "meter" if "production" in self.hardware else "microinverters",
            "status": self.meta["status"],
            "summary_date": today.isoformat(),
        }

    def days(self, query: Query, arrays: Mapping[str, str]) -> Json:
        """A series of days. `arrays`: flows by field. It never begins before the system did."""
        today = self.house.date_of(self.now)
        first = max(_day(query.get("start_date"), self.first_day), self.first_day)
        reported = self.house.date_of(self.reported - 1)
        usual = today - timedelta(days=1) if self.pads else min(reported, today - timedelta(days=1))
        last = min(_day(query.get("end_date"), usual), today)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        values = {name: [self.house.day(flow, day, self.reported) for day in days] for name, flow in arrays.items()}
        return {"system_id": self.number, "start_date": first.isoformat(), **values, "meta": self.meta}

    def reporting(self, end: int) -> int:
        """How many inverters have reported in an interval."""
        late = self.filling if self.reported - end < FIFTEEN else 0
        return len(INVERTERS) - late

    def devices_meta(self) -> Json:
        """What all lists of intervals say besides."""
        return {"system_id": self.number, "total_devices": len(INVERTERS), "meta": self.meta}


def _day(text: str | None, usual: date) -> date:
    try:
        return date.fromisoformat(text) if text else usual
    except ValueError:
        raise Refusal(422, {"reason": 422, "message": "Requested date is invalid"}) from None
