"""What a made-up plant looks like at Growatt: powers each five minutes, energies in tenths of a kWh. Pure.

Power is given as a function of the moment, so that a gateway and other clouds can tell of the same household.
"""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Power = Callable[[datetime], float]
"""W of all panels at a moment (aware)."""

STEP: Final = 300
MIN, SPH = 7, 5
USES: Final = 640.0
"""W that the house uses."""

_TO_BATTERY: Final = 0.5
"""The part of the surplus that goes into the battery; half of the need comes out of it."""

_STRINGS: Final = (0.6, 0.4)
_LOSS: Final = 1.03
"""W from the panels per W that goes out."""


@dataclass(frozen=True, slots=True)
class Inverter:
    """`kind`: the vendor's type. `share`: of the plant's power. `battery`: it has one. `lost`: it tells no more."""

    serial: str
    kind: int = MIN
    share: float = 1.0
    battery: bool = False
    lost: bool = False


def sunny_day(zone: ZoneInfo) -> Power:
    """A day like any other: half a sine from 6 to 20 h, 5 kW at its top."""

    def power(at: datetime) -> float:
        local = at.astimezone(zone)
        hour = local.hour + local.minute / 60 + local.second / 3600
        return 5000.0 * max(0.0, math.sin(math.pi * (hour - 6) / 14)) if 6 < hour < 20 else 0.0  # noqa: PLR2004

    return power


@dataclass(frozen=True)
class House:
    """`began`: the day of the installation."""

    zone: ZoneInfo
    power: Power
    began: date

    def midnight(self, day: date) -> int:
        """When a day begins, in seconds since 1970."""
        return int(datetime.combine(day, time(), self.zone).timestamp())

    def date_of(self, at: float) -> date:
        """The date at a moment."""
        return datetime.fromtimestamp(at, self.zone).date()

    def local(self, at: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """A moment as the vendor writes it: nothing tells the two passes of a repeated hour apart."""
        return datetime.fromtimestamp(at, self.zone).strftime(form)

    def stamps(self, day: date) -> range:
        """The times of the values of a day: 288 most often, 276 and 300 when the clocks change."""
        return range(self.midnight(day), self.midnight(day + timedelta(days=1)), STEP)

    @lru_cache(maxsize=200_000)  # noqa: B019 - a household lasts as long as the simulator
    def watts(self, stamp: int) -> float:
        """Mean power of the five minutes up to a time."""
        return self.power(datetime.fromtimestamp(stamp - STEP / 2, UTC))

    def flows(self, stamp: int) -> tuple[float, ...]:
        """Produced, charged, discharged, imported, exported: W in the five minutes up to a time."""
        produced = self.watts(stamp)
        surplus, need = max(0.0, produced - USES), max(0.0, USES - produced)
        charged, discharged = surplus * _TO_BATTERY, need * _TO_BATTERY
        return produced, charged, discharged, need - discharged, surplus - charged

    @lru_cache(maxsize=2_000)  # noqa: B019 - as above
    def day(self, day: date, until: int) -> tuple[float, ...]:
        """Wh of a day up to a time, in the order of `flows`."""
        steps = [self.flows(stamp) for stamp in self.stamps(day) if stamp <= until]
        return tuple(sum(flow) * STEP / 3600 for flow in zip(*steps, strict=True)) if steps else (0.0,) * 5

    def before(self, day: date) -> tuple[float, ...]:
        """Wh of all days before this one."""
        days = (self.began + timedelta(days=count) for count in range((day - self.began).days))
        sums = [self.day(each, self.midnight(each + timedelta(days=1))) for each in days]
        return tuple(sum(flow) for flow in zip(*sums, strict=True)) if sums else (0.0,) * 5


def kwh(watt_hours: float) -> float:
    """As the vendor's registers have it."""
    return round(watt_hours / 1000, 1)


def single(value: float) -> float:
    """As a number looks that went through 32 bits: 21.600000381469727."""
    narrow: float = struct.unpack("f", struct.pack("f", value))[0]
    return narrow


def row(house: House, inverter: Inverter, stamp: int) -> Json:
    """What an inverter tells at a time."""
    produced, charged, discharged, imported, exported = house.flows(stamp)
    day = house.date_of(stamp)
    so_far = house.day(day, stamp)
    ever = [before + now for before, now in zip(house.before(day), so_far, strict=True)]
    pac = produced * inverter.share
    told: Json = {
        "time": house.local(stamp),
        "lost": True,  # whatever it is
        "status": 1 if pac else 0,
        "statusText": "Normal" if pac else "Standby",
        "pac": round(pac, 1),
        "pac1": single(round(pac, 1)),
        "ppv": round(pac * _LOSS, 1),
        "vac1": single(239.5),
        "iac1": single(round(pac / 239.5, 1)),
        "fac": single(50.01),
        "temp1": single(47.8),
        "eacToday": single(kwh(so_far[0] * inverter.share)),
        "eacTotal": kwh(ever[0] * inverter.share),
        "epvTotal": kwh(ever[0] * inverter.share * _LOSS),
        "pex1": -0.1,
        "eex1Today": -0.1,
        "pacToUserTotal": round(imported, 1),
        "pacToGridTotal": round(exported, 1),
        "etoUserToday": kwh(so_far[3]),
        "etoUserTotal": kwh(ever[3]),
        "etoGridToday": kwh(so_far[4]),
    }
    for phase in (2, 3):
        told |= {f"vac{phase}": 0, f"iac{phase}": 0.0, f"pac{phase}": 0.0}
    for string in range(1, 5):
        part = (*_STRINGS, 0.0, 0.0)[string - 1] * inverter.share * _LOSS
        told |= {
            f"ppv{string}": round(produced * part, 1),
            f"vpv{string}": single(258.6) if produced and part else 0.0,
            f"ipv{string}": single(round(produced * part / 258.6, 1)),
            f"epv{string}Today": kwh(so_far[0] * part),
            f"epv{string}Total": kwh(ever[0] * part),
        }
    powers = (charged, discharged) if inverter.battery else (0.0, 0.0)
    stored: list[Sequence[float]] = [sums if inverter.battery else [0.0] * 5 for sums in (so_far, ever)]
    return told | (_sph if inverter.kind == SPH else _min)(powers, *stored)


def _min(powers: tuple[float, ...], today: Sequence[float], total: Sequence[float]) -> Json:
    return {
        "etoGridTotal": kwh(total[4]),
        "pacToLocalLoad": USES,
        "elocalLoadToday": 1.0,
        "elocalLoadTotal": 4711.5,
        "bdc1ChargePower": round(powers[0], 1),
        "bdc1DischargePower": round(powers[1], 1),
        "bmsSoc": 0,
        "bdc1Soc": 57 if total[1] else 0,
        "echargeToday": kwh(today[1]),
        "echargeTotal": kwh(total[1]),
        "edischargeToday": kwh(today[2]),
        "edischargeTotal": kwh(total[2]),
    }


def _sph(powers: tuple[float, ...], today: Sequence[float], total: Sequence[float]) -> Json:
    return {
        "status": 5,
        "statusText": "PV Bat Online",
        "etogridTotal": kwh(total[4]),
        "plocalLoadTotal": USES,
        "elocalLoadToday": 1.0,
        "elocalLoadTotal": 4711.5,
        "pcharge1": round(powers[0], 1),
        "pdischarge1": round(powers[1], 1),
        "soc": 57 if total[1] else 0,
        "bmsSOC": 57 if total[1] else 0,
        "echarge1Today": kwh(today[1]),
        "echarge1Total": kwh(total[1]),
        "edischarge1Today": kwh(today[2]),
        "edischarge1Total": kwh(total[2]),
    }
