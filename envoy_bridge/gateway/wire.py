"""The replies of a gateway, as JSON puts them. Decoded once, at the edge; nothing here is interpreted.

Names are the gateway's, in snake case. Only what is used is listed: msgspec passes over the rest without building it.
Absent and null are None. Not-a-number, infinity and numbers beyond a float are refused by the decoder.
Source: the public notes on the gateway's endpoints, and what gateways of firmware 3.17 to 8.3 answer.
"""

from typing import Any

from msgspec import Struct, field

Count = int | float
"""Counts and times: whole numbers, written with a decimal point by some firmware."""


class Meter(Struct, frozen=True, rename="camel"):
    """One entry of `/ivp/meters`: a current transformer (CT) and how it is configured."""

    eid: int
    state: str = ""
    measurement_type: str = ""
    phase_mode: str = ""
    phase_count: int | None = None
    metering_status: str = ""
    status_flags: tuple[str, ...] | None = None


class MeterChannel(Struct, frozen=True, rename="camel"):
    """What a CT measures: W, VA, var, V, A, Hz; energies in Wh. Delivered = towards the switchboard."""

    active_power: float | None = None
    apparent_power: float | None = None
    reactive_power: float | None = None
    pwr_factor: float | None = None
    voltage: float | None = None
    current: float | None = None
    freq: float | None = None
    act_energy_dlvd: float | None = None
    act_energy_rcvd: float | None = None


class Reading(MeterChannel, frozen=True, kw_only=True, rename="camel"):
    """One entry of `/ivp/meters/readings`: the sums of a CT, and always three channels, used or not."""

    eid: int
    channels: tuple[MeterChannel, ...] = ()


class ReportLine(Struct, frozen=True, rename="camel"):
    """One phase in the production report. W, Wh, A, V, var, VA."""

    w_now: float | None = None
    wh_lifetime: float | None = None
    rms_current: float | None = None
    rms_voltage: float | None = None
    react_pwr: float | None = None
    apprnt_pwr: float | None = None
    pwr_factor: float | None = None


class ReportSection(ReportLine, frozen=True, rename="camel"):
    """One entry of the production report: `type` is `inverters`, `eim` (a meter) or `acb` (AC batteries)."""

    type: str | None = None
    measurement_type: str | None = None
    active_count: Count | None = None
    wh_now: float | None = None
    state: str | None = None
    percent_full: float | None = None
    lines: tuple[ReportLine, ...] = ()


class ProductionReport(Struct, frozen=True):
    """`/production.json` and its relatives."""

    production: tuple[ReportSection, ...]
    consumption: tuple[ReportSection, ...] = ()
    storage: tuple[ReportSection, ...] = ()


class ProductionTotals(Struct, frozen=True, rename="camel"):
    """`/api/v1/production`: what gateways without meters know. Wh and W."""

    watt_hours_today: float | None = None
    watt_hours_seven_days: float | None = None
    watt_hours_lifetime: float | None = None
    watts_now: float | None = None


class InverterReport(Struct, frozen=True, rename="camel"):
    """One entry of `/api/v1/production/inverters`. `last_report_date`: seconds since 1970."""

    serial_number: str | int
    last_report_date: Count | None = None
    dev_type: int | None = None
    last_report_watts: float | None = None
    max_report_watts: float | None = None


class LastReading(Struct, frozen=True):
    """The newest measurement of an inverter: joules made in `duration` seconds; thousandths of V, A and Hz."""

    end_date: Count | None = field(default=None, name="endDate")
    duration: float | None = None
    joules_produced: float | None = field(default=None, name="joulesProduced")
    ac_millivolts: float | None = field(default=None, name="acVoltageINmV")
    ac_milliamperes: float | None = field(default=None, name="acCurrentInmA")
    ac_millihertz: float | None = field(default=None, name="acFrequencyINmHz")
    dc_millivolts: float | None = field(default=None, name="dcVoltageINmV")
    dc_milliamperes: float | None = field(default=None, name="dcCurrentINmA")
    celsius: float | None = field(default=None, name="channelTemp")


class Lifetime(Struct, frozen=True, rename="camel"):
    """Joules an inverter has made since it was installed."""

    joules_produced: float | None = None


class DeviceChannel(Struct, frozen=True, rename="camel"):
    """One input of an inverter."""

    last_reading: LastReading = LastReading()
    lifetime: Lifetime = Lifetime()


class Device(Struct, frozen=True, rename="camel"):
    """One entry of `/ivp/pdm/device_data`. `dev_name`: `pcu` is an inverter, `eim` a meter, `acb` an AC battery."""

    dev_name: str = ""
    sn: str = ""
    active: bool | None = None
    mod_gone: bool | None = None
    channels: tuple[DeviceChannel, ...] = ()


Meters = tuple[Meter, ...]
Readings = tuple[Reading, ...]
InverterReports = tuple[InverterReport, ...]
DeviceData = dict[str, Device | int | float | str | bool | list[Any] | None]
"""Devices by their number, and counts beside them under names such as `deviceCount`."""
