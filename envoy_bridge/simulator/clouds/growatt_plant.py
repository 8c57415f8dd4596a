"""What a simulated Growatt says when nothing is wrong, and how its servers differ in saying it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.clouds.growatt_house import STEP, House, Inverter, Json, kwh, row

PLANT: Final = 24832

SYSTEM, ABSENT, EMPTY, DATE, GONE = 10001, 10002, 10003, 10004, 10005
PERMISSION, TOO_OFTEN, PER_PAGE, PAGES = 10011, 10012, 10013, 10014
"""The vendor's error numbers."""

_DAYS: Final = 7

T = TypeVar("T")


class Refusal(Exception):
    """An answer with an error number."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Plant:
    """The answers of a plant. `timezone`: as the vendor writes it. `listed`: devices in a list that says it has all.

    `shuffled`: powers in no order, with null and what is to come. `as_text`: numbers as text. `silent`: when the
    inverters told last, in seconds since 1970; None: just now.
    """

    house: House
    clock: Clock
    inverters: list[Inverter] = field(default_factory=lambda: [Inverter("MIN0000001")])
    timezone: str | None = "GMT+1"
    listed: int | None = None
    shuffled: bool = False
    as_text: bool = False
    silent: float | None = None

    @property
    def now(self) -> int:
        """When the inverters told last: a mark of five minutes."""
        now = self.clock.wall() if self.silent is None else self.silent
        return int(now // STEP) * STEP

    def plants(self, _asked: Mapping[str, str]) -> Json:
        """`plant/list`."""
        plant = {
            "plant_id": PLANT,
            "name": "CANARY-name",
            "city": "CANARY-city",
            "peak_power": self._value(5.2),
            "current_power": str(self.house.watts(self.now)),
            "total_energy": str(kwh(self._produced()[1])),
            "status": 1,
        }
        return {"data": {"count": 1, "plants": [plant]}}

    def details(self, _asked: Mapping[str, str]) -> Json:
        """`plant/details`."""
        told = {"name": "CANARY-name", "address1": "CANARY-street", "peak_power": self._value(5.2), "currency": "EUR"}
        return {"data": told | {"timezone": self.timezone, "inverters": [], "dataloggers": []}}

    def _produced(self) -> tuple[float, float]:
        """Wh of today, and of all days."""
        day = self.house.date_of(self.now)
        today = self.house.day(day, self.now)[0]
        return today, self.house.before(day)[0] + today

    def overview(self, _asked: Mapping[str, str]) -> Json:
        """`plant/data`, with a power in kW that is not to be trusted."""
        now, (today, ever) = self.now, self._produced()
        local = self.house.date_of(now)
        this_month = ever - self.house.before(max(local.replace(day=1), self.house.began))[0]
        this_year = ever - self.house.before(max(local.replace(day=1, month=1), self.house.began))[0]
        return {
            "data": {
                "today_energy": str(kwh(today)),
                "monthly_energy": str(kwh(this_month)),
                "yearly_energy": str(kwh(this_year)),
                "total_energy": str(kwh(ever)),
                "current_power": self.house.watts(now) / 1000,
                "peak_power_actual": 5.2,
                "carbon_offset": "9.4",
                "efficiency": "",
                "last_update_time": self.house.local(now),
                "timezone": self.timezone,
            }
        }

    def powers(self, asked: Mapping[str, str]) -> Json:
        """`plant/power`: newest first."""
        stamps = self.house.stamps(_date(asked, "date"))
        told: list[Json] = [
            {"time": self.house.local(stamp, "%Y-%m-%d %H:%M"), "power": self._value(round(self.house.watts(stamp), 1))}
            for stamp in reversed(stamps)
            if stamp <= self.now
        ]
        if self.shuffled:
            told = [*told[1::2], *told[::2]]
            ahead = (self.now + count * STEP for count in range(1, 4))
            told[1:1] = [
                {"time": self.house.local(stamp, "%Y-%m-%d %H:%M"), "power": power}
                for stamp, power in zip(ahead, (9999.0, None, "null"), strict=True)
            ]
        return {"data": {"count": len(told), "powers": told}}

    def energies(self, asked: Mapping[str, str]) -> Json:
        """`plant/energy` by days."""
        told = [
            {"date": str(day), "energy": self._value(kwh(self.house.day(day, self.now)[0]))}
            for day in _days(asked)
            if self.house.began <= day <= self.house.date_of(self.now)
        ]
        return {"data": {"count": len(told), "time_unit": asked["time_unit"], "energys": told}}

    def devices(self, asked: Mapping[str, str]) -> Json:
        """`device/list`."""
        told = [
            {
                "device_sn": inverter.serial,
                "type": self._value(inverter.kind),
                "model": "S25B00D00T00P0FU01M0072",
                "lost": inverter.lost,
                "status": 1,
                "last_update_time": self.house.local(self.now),
                "datalogger_sn": "XGD0000000",
                "manufacturer": "Growatt",
            }
            for inverter in self.inverters
        ]
        return {"data": {"count": len(told), "devices": _page(told, asked)[: self.listed]}}

    def detail(self, asked: Mapping[str, str]) -> Json:
        """`tlx_data_info` and `mix_data_info`."""
        inverter = self._inverter(asked, "device_sn")
        updated = {"time": self.now * 1000, "timezoneOffset": -480, "year": 122, "month": 3}
        told = {"serialNum": inverter.serial, "alias": "CANARY-alias", "modelText": "S25B00", "lost": inverter.lost}
        return {"data": told | {"lastUpdateTime": updated}, "dataloggerSn": "XGD0000000"}

    def latest(self, asked: Mapping[str, str]) -> Json:
        """`tlx_last_data` and `mix_last_data`."""
        inverter = self._inverter(asked, "tlx_sn", "mix_sn")
        return {"data": self._told(inverter, self.now), "dataloggerSn": "XGD0000000", "tlx_sn": inverter.serial}

    def past(self, asked: Mapping[str, str]) -> Json:
        """`tlx_data` and `mix_data`: newest first. Times in UTC where no `timezone_id` is given."""
        inverter = self._inverter(asked, "tlx_sn", "mix_sn")
        zone = ZoneInfo(asked.get("timezone_id", "UTC"))
        there = House(zone, self.house.power, self.house.began)
        stamps = [stamp for day in _days(asked) for stamp in there.stamps(day) if stamp <= self.now]
        wanted = _page(stamps[::-1], asked)
        rows = [self._told(inverter, stamp) | {"time": there.local(stamp)} for stamp in wanted]
        return {"data": {"count": len(stamps), "datas": rows, "next_page_start_id": len(rows) + 1}}

    def _told(self, inverter: Inverter, stamp: int) -> Json:
        told = row(self.house, inverter, stamp)
        numbers = {key: str(value) for key, value in told.items() if type(value) in (int, float)}
        return told | numbers if self.as_text else told

    def _value(self, number: float) -> float | str:
        return str(number) if self.as_text else number

    def _inverter(self, asked: Mapping[str, str], *names: str) -> Inverter:
        serial = next((asked[name] for name in names if name in asked), None)
        if serial is None:
            raise Refusal(EMPTY)
        found = next((inverter for inverter in self.inverters if inverter.serial == serial), None)
        if found is None:
            raise Refusal(ABSENT)
        return found


def _date(asked: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(asked.get(name, ""))
    except ValueError:
        raise Refusal(DATE) from None


def _days(asked: Mapping[str, str]) -> list[date]:
    first, last = _date(asked, "start_date"), _date(asked, "end_date")
    if not 0 <= (last - first).days < _DAYS:
        raise Refusal(DATE)
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def _page(entries: Sequence[T], asked: Mapping[str, str]) -> Sequence[T]:
    size = int(asked.get("perpage", 20))
    begin = (int(asked.get("page", 1)) - 1) * size
    return entries[begin : begin + size]
