"""Microinverters: the list that every firmware has, and what newer ones tell of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Struct, field

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.devices.base import GONE, Device, by_serial, each, lenient, part, total, word
from envoy_bridge.gateway.devices.ensemble import DEVICES, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.gateway.rows import Cadence, Endpoint, Restriction, json
from envoy_bridge.model import (
    AMPERE,
    AVAILABILITY,
    CELSIUS,
    COUNT,
    FLAG,
    HEARD,
    HERTZ,
    SECOND,
    TIME,
    VOLT,
    WATT,
    WATT_HOUR,
    WATT_HOUR_ONCE,
    WATT_HOUR_TODAY,
    WATT_PEAK,
    WORD,
    Flag,
    Number,
    Quantity,
    detail,
    diagnostic,
    number,
    scaled,
)

SILENT_AFTER: Final = 2 * 3600.0
"""Seconds without a report until an inverter counts as offline: twice the longest interval they are set to."""

_INVERTER = 1
_PHASES = {"ph-a": "l1", "ph-b": "l2", "ph-c": "l3"}
_BEST_LEVEL = 5


class Inverter(Struct, frozen=True, kw_only=True):
    """One microinverter. It reports every 5 to 60 minutes; its numbers stay as they are when it falls silent."""

    power: Annotated[Number, Quantity(WATT, "Power at the last report")] = None
    power_max: Annotated[Number, detail(WATT_PEAK, "Highest power ever reported")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None
    availability: Annotated[str | None, diagnostic(AVAILABILITY, "online / offline: has it reported lately")] = None
    energy_lifetime: Annotated[Number, detail(WATT_HOUR, "Energy produced since the installation")] = None
    energy_today: Annotated[Number, detail(WATT_HOUR_TODAY, "Energy produced since midnight at the gateway")] = None
    ac_voltage: Annotated[Number, detail(VOLT, "Voltage on the grid side")] = None
    ac_current: Annotated[Number, detail(AMPERE, "Current on the grid side")] = None
    ac_frequency: Annotated[Number, detail(HERTZ, "Frequency on the grid side")] = None
    dc_voltage: Annotated[Number, detail(VOLT, "Voltage of the panel")] = None
    dc_current: Annotated[Number, detail(AMPERE, "Current of the panel")] = None
    temperature: Annotated[Number, detail(CELSIUS, "Temperature inside")] = None
    report_duration: Annotated[Number, detail(SECOND, "How long its last report measured")] = None
    report_energy: Annotated[Number, detail(WATT_HOUR_ONCE, "Energy produced in that time")] = None
    phase: Annotated[str | None, detail(WORD, "The phase it feeds: l1, l2 or l3")] = None
    communicating: Annotated[Flag, detail(HEARD, "Does it answer the gateway")] = None
    producing: Annotated[Flag, detail(FLAG, "Does it produce")] = None
    operating: Annotated[Flag, detail(FLAG, "Does it work")] = None
    comm_level: Annotated[Number, detail(COUNT, "How well the gateway hears it, 0 to 5")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None


class Listed(Struct, frozen=True):
    """A PCU of `/inventory.json`; `admin_state` 0: it was taken away."""

    serial_num: str
    admin_state: int | None = None
    img_pnum_running: str = ""
    phase: str = ""
    communicating: bool | None = None
    producing: bool | None = None
    operating: bool | None = None


class Table(Struct, frozen=True):
    """One kind of devices in `/ivp/peb/devstatus`: names of columns, and a row for each device."""

    fields: tuple[str, ...] = ()
    values: tuple[tuple[Any, ...], ...] = ()


class DeviceStatus(Struct, frozen=True):
    """`/ivp/peb/devstatus`."""

    pcu: Table


class StatusRow(Struct, frozen=True, rename="camel"):
    """One inverter in it. °C, and thousandths of V, A and W; seconds since 1970."""

    serial_number: str
    communicating: bool | None = None
    producing: bool | None = None
    report_date: float | None = None
    temperature: float | None = None
    ac_millivolts: float | None = field(default=None, name="acVoltageINmV")
    ac_milliwatts: float | None = field(default=None, name="acPowerINmW")
    dc_millivolts: float | None = field(default=None, name="dcVoltageINmV")
    dc_milliamperes: float | None = field(default=None, name="dcCurrentINmA")


INVERTERS: Final = Endpoint(
    "inverters", ("/api/v1/production/inverters",), lenient(tuple[Any, ...]), Cadence.INVERTERS, 30
)
DEVICE_DATA: Final = Endpoint("device_data", ("/ivp/pdm/device_data",), json(wire.DeviceData), Cadence.INVERTERS, 45)
DEVICE_STATUS: Final = Endpoint(
    "device_status", ("/ivp/peb/devstatus",), lenient(DeviceStatus), Cadence.INVERTERS, 45, installer=Restriction()
)
COMM_CHECK: Final = Endpoint(
    "comm_check", ("/installer/pcu_comm_check",), lenient(dict[str, Any]), Cadence.HOURLY, 60, installer=Restriction()
)


def listed(reply: Sequence[object], _known: Known, now: float) -> dict[str, Inverter]:
    """The list of inverters. Batteries and others in it have another device type; the oldest firmware gives none."""
    return by_serial(
        (
            entry.serial_number,
            Inverter(
                power=number(entry.last_report_watts),
                power_max=number(entry.max_report_watts),
                last_report=moment(entry.last_report_date),
                availability=_availability(entry.last_report_date, now),
            ),
        )
        for entry in each(reply, wire.InverterReport)
        if entry.dev_type in (None, _INVERTER)
    )


def _availability(last_report: float | None, now: float) -> str | None:
    if last_report is None:
        return None
    return "online" if now - last_report < SILENT_AFTER else "offline"


def details(reply: wire.DeviceData, _known: Known, now: float) -> dict[str, Inverter]:
    """What each inverter measures, where the firmware tells; about fifty entries at most, meters included."""
    return by_serial(
        (device.sn, _inverter(device.channels, now))
        for device in reply.values()
        if isinstance(device, wire.Device) and device.dev_name == "pcu" and device.channels
    )


def taken_down(reply: wire.DeviceData, _known: Known, _now: float) -> dict[str, Inverter]:
    """The inverters of which the gateway says that they are gone."""
    gone = (each for each in reply.values() if isinstance(each, wire.Device) and each.dev_name == "pcu")
    return by_serial((device.sn, Inverter()) for device in gone if device.active is False)


def decommissioned(reply: Sequence[Group], _known: Known, _now: float) -> dict[str, Inverter]:
    """Those of which the inventory says it."""
    return by_serial((pcu.serial_num, Inverter()) for pcu in of_type(reply, "PCU", Listed) if pcu.admin_state == 0)


def _inverter(channels: Sequence[wire.DeviceChannel], now: float) -> Inverter:
    """One inverter; one with several inputs makes the sum, its other values are those of the first input."""
    last = channels[0].last_reading
    return Inverter(
        power=total(_mean_power(channel.last_reading) for channel in channels),
        last_report=moment(last.end_date),
        availability=_availability(last.end_date, now),
        energy_lifetime=scaled(total(channel.lifetime.joules_produced for channel in channels), 1 / 3600),
        ac_voltage=scaled(last.ac_millivolts, 1e-3),
        ac_current=scaled(last.ac_milliamperes, 1e-3),
        ac_frequency=scaled(last.ac_millihertz, 1e-3),
        dc_voltage=scaled(last.dc_millivolts, 1e-3),
        dc_current=scaled(last.dc_milliamperes, 1e-3),
        temperature=number(last.celsius),
        report_duration=number(last.duration),
        report_energy=scaled(total(channel.last_reading.joules_produced for channel in channels), 1 / 3600),
    )


def _mean_power(reading: wire.LastReading) -> float | None:
    if reading.joules_produced is None or not reading.duration:
        return None
    return round(reading.joules_produced / reading.duration)


def inventory(reply: Sequence[Group], _known: Known, _now: float) -> dict[str, Inverter]:
    """What the inventory says of each: how it does, not what it makes."""
    return by_serial(
        (
            entry.serial_num,
            Inverter(
                phase=_PHASES.get(entry.phase),
                communicating=entry.communicating,
                producing=entry.producing,
                operating=entry.operating,
                firmware=word(entry.img_pnum_running),
            ),
        )
        for entry in of_type(reply, "PCU", Listed)
        if entry.admin_state != 0
    )


def device_status(reply: DeviceStatus, _known: Known, now: float) -> dict[str, Inverter]:
    """What an installer is told of each, on firmware that has no `device_data` too."""
    rows = (dict(zip(reply.pcu.fields, row, strict=False)) for row in reply.pcu.values)
    return by_serial((entry.serial_number, _of_status(entry, now)) for entry in each(rows, StatusRow))


def _of_status(entry: StatusRow, now: float) -> Inverter:
    return Inverter(
        power=scaled(entry.ac_milliwatts, 1e-3),
        last_report=moment(entry.report_date),
        availability=_availability(entry.report_date, now),
        ac_voltage=scaled(entry.ac_millivolts, 1e-3),
        dc_voltage=scaled(entry.dc_millivolts, 1e-3),
        dc_current=scaled(entry.dc_milliamperes, 1e-3),
        temperature=number(entry.temperature),
        communicating=entry.communicating,
        producing=entry.producing,
    )


def comm_levels(reply: dict[str, Any], _known: Known, _now: float) -> dict[str, Inverter]:
    """How well the gateway hears each."""
    levels = {serial: level for serial, level in reply.items() if isinstance(level, int) and 0 <= level <= _BEST_LEVEL}
    return by_serial((serial, Inverter(comm_level=float(level))) for serial, level in levels.items())


INVERTER = Device(
    "inverter",
    "Inverter",
    Inverter,
    "The microinverters, by serial number",
    (
        part("inverter", INVERTERS, listed),
        part("inverter.details", DEVICE_DATA, details),
        part("inverter.inventory", DEVICES, inventory),
        part("inverter.status", DEVICE_STATUS, device_status),
        part("inverter.comm_level", COMM_CHECK, comm_levels),
        part(f"{GONE}inverter.taken_down", DEVICE_DATA, taken_down),
        part(f"{GONE}inverter.decommissioned", DEVICES, decommissioned),
    ),
)
