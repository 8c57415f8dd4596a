"""AC batteries (ACB), the generation before the IQ batteries: each of them, and all.

Source: the public notes on `/production.json` (`storage`), `/inventory.json`, `/ivp/ensemble/secctrl` and
`/admin/lib/acb_config`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Struct, field

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.basics import REPORT
from envoy_bridge.gateway.devices.base import TOTAL, Device, by_serial, each, lenient, part, word
from envoy_bridge.gateway.devices.ensemble import CONTROL, DEVICES, Control, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.model import (
    CELSIUS,
    CHARGE,
    COUNT,
    FLAG,
    HEARD,
    PERCENT,
    TIME,
    WATT,
    WATT_HOUR_MOST,
    WATT_HOUR_NOW,
    WORD,
    Flag,
    Members,
    Number,
    Quantity,
    detail,
    diagnostic,
    number,
    scaled,
)


class AcBattery(Struct, frozen=True, kw_only=True):
    """One AC battery, or all: the values of all of them together are marked."""

    soc: Annotated[Number, Quantity(CHARGE, "State of charge")] = None
    power: Annotated[Number, Quantity(WATT, "Power now; above 0: discharging (total only)")] = None
    energy_available: Annotated[Number, Quantity(WATT_HOUR_NOW, "Energy that is in them (total only)")] = None
    capacity: Annotated[Number, diagnostic(WATT_HOUR_MOST, "Energy they can hold (total only)")] = None
    count: Annotated[Number, detail(COUNT, "How many there are (total only)")] = None
    state: Annotated[str | None, Quantity(WORD, "charging, discharging or idle")] = None
    max_cell_temp: Annotated[Number, detail(CELSIUS, "Temperature of the warmest cell")] = None
    sleeping: Annotated[Flag, detail(FLAG, "Is sleep set")] = None
    sleep_min_soc: Annotated[Number, detail(PERCENT, "Sleep: it is charged up to here at least")] = None
    sleep_max_soc: Annotated[Number, detail(PERCENT, "Sleep: it is discharged down to here")] = None
    communicating: Annotated[Flag, diagnostic(HEARD, "Does it answer the gateway")] = None
    operating: Annotated[Flag, detail(FLAG, "Does it work")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None


class Listed(Struct, frozen=True):
    """An ACB of `/inventory.json`. %, °C; `admin_state` 0: it was taken away."""

    serial_num: str
    part_num: str = ""
    last_rpt_date: float | None = None
    admin_state: int | None = None
    img_pnum_running: str = ""
    communicating: bool | None = None
    operating: bool | None = None
    sleep_enabled: bool | None = None
    percent_full: float | None = field(default=None, name="percentFull")
    max_cell_temp: float | None = field(default=None, name="maxCellTemp")
    sleep_min_soc: float | None = None
    sleep_max_soc: float | None = None
    charge_status: str = ""


class Sleeper(Struct, frozen=True):
    """An ACB that is to sleep. %."""

    serial_num: str
    sleep_min_soc: float | None = None
    sleep_max_soc: float | None = None


class Sleepers(Struct, frozen=True):
    """`/admin/lib/acb_config`: a `Sleeper` for each that is to sleep."""

    acb_sleep: tuple[Any, ...]


SLEEP: Final = Endpoint("ac_battery_sleep", ("/admin/lib/acb_config",), lenient(Sleepers), Cadence.HOURLY, 20)


def reported(reply: wire.ProductionReport, _known: Known, _now: float) -> Members:
    """All of them, in the production report. Without any, the report lists them with a count of 0."""
    section = next((entry for entry in reply.storage if entry.type == "acb" and entry.active_count), None)
    if section is None:
        return {}
    return {
        TOTAL: AcBattery(
            soc=number(section.percent_full),
            power=number(section.w_now),
            energy_available=number(section.wh_now),
            count=number(section.active_count),
            state=word(section.state),
        )
    }


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """Each of them."""
    return by_serial(
        (
            entry.serial_num,
            AcBattery(
                soc=number(entry.percent_full),
                state=word(entry.charge_status),
                max_cell_temp=number(entry.max_cell_temp),
                sleeping=entry.sleep_enabled,
                sleep_min_soc=number(entry.sleep_min_soc),
                sleep_max_soc=number(entry.sleep_max_soc),
                communicating=entry.communicating,
                operating=entry.operating,
                part_number=word(entry.part_num),
                firmware=word(entry.img_pnum_running),
                last_report=moment(entry.last_rpt_date),
            ),
        )
        for entry in of_type(reply, "ACB", Listed)
        if entry.admin_state != 0
    )


def sleepers(reply: Sleepers, _known: Known, _now: float) -> Members:
    """Those that are to sleep, where the inventory does not say it."""
    return by_serial(
        (
            entry.serial_num,
            AcBattery(
                sleeping=True, sleep_min_soc=number(entry.sleep_min_soc), sleep_max_soc=number(entry.sleep_max_soc)
            ),
        )
        for entry in each(reply.acb_sleep, Sleeper)
    )


def control(reply: Control, _known: Known, _now: float) -> Members:
    """All of them, with what they can hold: what the IQ batteries leave of the whole."""
    if reply.capacity is None or reply.enc_capacity is None or reply.capacity <= reply.enc_capacity:
        return {}
    capacity = scaled(reply.capacity - reply.enc_capacity)
    return {TOTAL: AcBattery(soc=number(reply.acb_soc), energy_available=number(reply.acb_energy), capacity=capacity)}


_NEEDS: Final = ("ac_battery.report",)
AC_BATTERY: Final = Device(
    "ac_battery",
    "AC battery",
    AcBattery,
    "The AC batteries (ACB), by serial number; `total`: all of them",
    (
        part("ac_battery.report", REPORT, reported),
        part("ac_battery.units", DEVICES, listed),
        part("ac_battery.sleep", SLEEP, sleepers, needs=_NEEDS),
        part("ac_battery.control", CONTROL, control, needs=_NEEDS),
    ),
)
