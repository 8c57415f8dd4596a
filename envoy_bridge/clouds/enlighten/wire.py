"""The replies of Enlighten's API, versions 2 and 4, as JSON puts them. Decoded once; nothing here is interpreted.

Absent and null are None, and everything may be: the examples of the documents leave out what their tables require.
Times are seconds since 1970, W and Wh are whole numbers unless it is said otherwise. Where the versions name a thing
differently both names stand here. Source: Enphase's "Enlighten Systems API" 2.0, and public notes on version 4.
"""

from msgspec import Struct, field

Count = int | float | None
Id = int | str | None
"""Numbers and texts alike: a serial number is a text with leading zeros, wherever it was not lost."""
Days = tuple[Count, ...] | None
"""One value for each day, by position."""


class Meta(Struct, frozen=True):
    """How the system is, as a whole."""

    last_report_at: Count = None
    last_energy_at: Count = None


class System(Struct, frozen=True):
    """An entry of `/systems`. Names, addresses and references are personal, and not read."""

    system_id: Id = None
    timezone: str | None = None


class Systems(Struct, frozen=True):
    """`/systems`. Version 2 continues with `next`, which is opaque; version 4 counts all systems in `total`."""

    systems: tuple[System, ...] | None = ()
    next: str | None = None
    total: int | None = None


class Found(Struct, frozen=True):
    """`/systems/search_system_id`, in version 4 `/systems/retrieve_system_id`."""

    system_id: Id = None


class Summary(Struct, frozen=True):
    """`/systems/{id}/summary`.

    `energy_lifetime` is without the day of the summary. Of a day in the past `current_power`, `modules`
    and `size_w` are 0 by definition; none is asked for.
    """

    current_power: Count = None
    energy_today: Count = None
    energy_lifetime: Count = None
    last_interval_end_at: Count = None
    last_report_at: Count = None
    modules: Count = None
    size_w: Count = None
    status: str | None = None
    summary_date: str | None = None
    battery_capacity_wh: Count = None


class Lifetime(Struct, frozen=True):
    """`energy_lifetime` and its relatives: Wh of each day from `start_date` on, without gaps.

    The production of a system with a meter is the microinverters' before `meter_start_date`, and the meter's from it.
    """

    start_date: str | None = None
    production: Days = None
    consumption: Days = None
    charge: Days = None
    discharge: Days = None
    imported: Days = field(default=None, name="import")
    exported: Days = field(default=None, name="export")
    meta: Meta | None = None


class Part(Struct, frozen=True):
    """What an interval of version 4 says of a battery: `enwh` of its charge or discharge, `percent` of its soc."""

    enwh: Count = None
    percent: Count = None


class Interval(Struct, frozen=True):
    """What happened until `end_at`. `powr`: W, on average. `curr_w`: W. All others: Wh; `wh_del` may have decimals."""

    end_at: Count = None
    powr: Count = None
    enwh: Count = None
    wh_del: Count = None
    curr_w: Count = None
    wh_imported: Count = None
    wh_exported: Count = None
    charge: Part | None = None
    discharge: Part | None = None
    soc: Part | None = None
    channel: int | None = None
    devices_reporting: int | None = None


class MeterIntervals(Struct, frozen=True):
    """The intervals of one revenue-grade meter; each of its channels has its own."""

    meter_serial_number: Id = None
    intervals: tuple[Interval, ...] | None = ()


class Intervals(Struct, frozen=True):
    """`stats`, `rgm_stats`, `consumption_stats`, and the telemetry of version 4, some of it in lists of lists."""

    intervals: tuple[Interval | tuple[Interval, ...], ...] | None = ()
    meter_intervals: tuple[MeterIntervals, ...] | None = ()
    total_devices: int | None = None
    meta: Meta | None = None


class MeterReading(Struct, frozen=True):
    """The odometer of a revenue-grade meter, in service or retired. `value`: Wh."""

    serial_number: Id = None
    serial_num: Id = None
    value: Count = None
    read_at: Count = None


class MeterReadings(Struct, frozen=True):
    """`/systems/{id}/production_meter_readings`."""

    meter_readings: tuple[MeterReading, ...] | None = ()


class Envoy(Struct, frozen=True):
    """A gateway. Its `name` is people's, and not read."""

    last_report_at: Count = None
    part_number: str | None = None
    serial_number: Id = None
    status: str | None = None


class Envoys(Struct, frozen=True):
    """`/systems/{id}/envoys`."""

    envoys: tuple[Envoy, ...] | None = ()


class Item(Struct, frozen=True):
    """A device of the inventory."""

    sn: Id = None
    model: str | None = None


class Inventory(Struct, frozen=True):
    """`/systems/{id}/inventory`."""

    inverters: tuple[Item, ...] | None = ()
    meters: tuple[Item, ...] | None = ()


class Amount(Struct, frozen=True):
    """A value that names its unit. `precision`: of its display."""

    value: Count = None
    units: str | None = None


class Inverter(Struct, frozen=True):
    """A microinverter. `last_report_date` is declared a date, and is seconds since 1970 in the examples."""

    serial_number: Id = None
    model: str | None = None
    status: str | None = None
    power_produced: Amount | None = None
    energy: Amount | None = None
    envoy_serial_number: Id = None
    last_report_date: int | float | str | None = None


class InverterGroup(Struct, frozen=True):
    """An entry of `/systems/inverters_summary_by_envoy_or_site`, which is a list."""

    micro_inverters: tuple[Inverter, ...] | None = ()


class Device(Struct, frozen=True):
    """A device of version 4. `config_type` of a consumption meter: `Net` or `Total`."""

    serial_number: Id = None
    serial_num: Id = None
    part_number: str | None = None
    model: str | None = None
    name: str | None = None
    state: str | None = None
    config_type: str | None = None


class DeviceGroups(Struct, frozen=True):
    """The devices of a system by kind, as far as they are used here. `acbs`, `encharges`: batteries."""

    micros: tuple[Device, ...] | None = ()
    meters: tuple[Device, ...] | None = ()
    gateways: tuple[Device, ...] | None = ()
    encharges: tuple[Device, ...] | None = ()
    acbs: tuple[Device, ...] | None = ()


class Devices(Struct, frozen=True):
    """`/systems/{id}/devices`, version 4."""

    devices: DeviceGroups | None = None
