"""The replies of Growatt's OpenAPI v1, as JSON puts them. Decoded once, at the edge; nothing here is interpreted.

Ids and numbers come as numbers from one server and as text from another: `number` and `whole` take both. Source: the
public notes on the API and what its clients have met.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

MISSING: Final = frozenset({"", "null", "none", "nan", "-"})
"""Texts that stand where there is no value, in lower case."""

NO_VALUE: Final = -0.1
"""Stands in numbers where there is no value. Nothing that is measured here can be negative by so little."""

_LONGEST_WORD: Final = 40


class Envelope(Struct, frozen=True):
    """Around every answer; HTTP says 200 to all of them. Only `error_code` 0 is success, and no code is none."""

    error_code: int | str | None = None
    error_msg: Any = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class Plant(Struct, frozen=True):
    """A site. `peak_power`: kWp. Its `current_power` and the personal data beside it are not read."""

    plant_id: int | str | None = None
    peak_power: Any = None


class Plants(Struct, frozen=True):
    """One page of `plant/list`. `count`: of all pages."""

    plants: tuple[Plant, ...] | None = None
    count: Any = None

    @property
    def entries(self) -> tuple[Plant, ...]:
        """Those on this page."""
        return self.plants or ()


class Details(Struct, frozen=True):
    """`plant/details`. `peak_power`: kWp. `timezone`: `GMT+1`."""

    peak_power: Any = None
    timezone: Any = None


class Overview(Struct, frozen=True):
    """`plant/data`: kWh, most often as text. `last_update_time`: without a zone.

    Its `current_power` is not read: servers disagree whether it is W or kW, and give 0 at noon.
    """

    today_energy: Any = None
    monthly_energy: Any = None
    yearly_energy: Any = None
    total_energy: Any = None
    last_update_time: Any = None


class Power(Struct, frozen=True):
    """One five minutes of `plant/power`: W, or null."""

    time: Any = None
    power: Any = None


class Powers(Struct, frozen=True):
    """`plant/power`: the newest first, says the vendor; in any order, say its servers."""

    powers: tuple[Power, ...] | None = None


class Energy(Struct, frozen=True):
    """One day, month or year of `plant/energy`: kWh."""

    date: Any = None
    energy: Any = None


class Energies(Struct, frozen=True):
    """`plant/energy`."""

    energys: tuple[Energy, ...] | None = None


class Listed(Struct, frozen=True):
    """One entry of `device/list`. `type`: see `growatt_devices.TYPES`. `lost`: it does not reach the cloud."""

    device_sn: int | str | None = None
    type: Any = None
    model: Any = None
    lost: Any = None
    last_update_time: Any = None


class Devices(Struct, frozen=True):
    """One page of `device/list`. `count`: of all pages; it has been 1 with no device in the list."""

    devices: tuple[Listed, ...] | None = None
    count: Any = None

    @property
    def entries(self) -> tuple[Listed, ...]:
        """Those on this page."""
        return self.devices or ()


Row = Mapping[str, Any]
"""What an inverter tells, by the vendor's names in lower case: their case differs from answer to answer."""


class Rows(Struct, frozen=True):
    """One page of the history of an inverter. `count`: of all pages."""

    datas: tuple[dict[str, Any], ...] | None = None
    count: Any = None

    @property
    def entries(self) -> tuple[dict[str, Any], ...]:
        """Those on this page."""
        return self.datas or ()


def lowered(row: Mapping[str, Any]) -> Row:
    """The row with its names in lower case."""
    return {name.lower(): value for name, value in row.items()}


def number(value: object) -> float | None:
    """A number, or a text that is one. None: there is no value."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return None if not math.isfinite(found) or math.isclose(found, NO_VALUE, abs_tol=1e-6) else found


def whole(value: object) -> int | None:
    """A whole number, or a text that is one."""
    found = number(value)
    return None if found is None else int(found)


def word(value: object) -> str | None:
    """A short text on one line, without markup."""
    if not isinstance(value, str) or value.strip().lower() in MISSING:
        return None
    text = value.strip()
    return text[:_LONGEST_WORD] if text.isprintable() and "<" not in text else None
