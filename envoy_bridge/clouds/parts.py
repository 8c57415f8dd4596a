"""The catalogue of the clouds: what may be published of a site and of each device on it. See `envoy_bridge.model`.

One class for all kinds of devices: which fields a device has is what its vendor tells. DC quantities end in `_dc`.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Struct

from envoy_bridge.model import (
    AMPERE,
    CELSIUS,
    CHARGE,
    COUNT,
    HERTZ,
    IRRADIANCE,
    RATIO,
    TIME,
    VAR,
    VOLT,
    VOLT_AMPERE,
    WATT,
    WATT_HOUR,
    WATT_HOUR_MOST,
    WATT_HOUR_ONCE,
    WATT_HOUR_TODAY,
    WATT_PEAK,
    WORD,
    Number,
    Quantity,
    detail,
    diagnostic,
)


class Measured(Struct, frozen=True, kw_only=True):
    """What a vendor's cloud tells of a site, or of one device."""

    power: Annotated[Number, Quantity(WATT, "Active power; of a battery + = discharging")] = None
    power_dc: Annotated[Number, Quantity(WATT, "Power on the DC side")] = None
    power_imported: Annotated[Number, Quantity(WATT, "Power taken from the grid")] = None
    power_exported: Annotated[Number, Quantity(WATT, "Power given to the grid")] = None
    power_consumed: Annotated[Number, Quantity(WATT, "Power that the site uses")] = None
    energy: Annotated[Number, detail(WATT_HOUR_ONCE, "Energy produced in one interval")] = None
    energy_consumed: Annotated[Number, detail(WATT_HOUR_ONCE, "Energy used in one interval or day")] = None
    energy_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy produced since midnight at the site")] = None
    energy_month: Annotated[Number, detail(WATT_HOUR_TODAY, "Energy produced this month")] = None
    energy_year: Annotated[Number, detail(WATT_HOUR_TODAY, "Energy produced this year")] = None
    energy_lifetime: Annotated[Number, Quantity(WATT_HOUR, "Energy produced since the installation")] = None
    energy_today_difference: Annotated[
        Number, diagnostic(WATT_HOUR_ONCE, "Energy of today as the cloud has it, less what the gateway itself counted")
    ] = None
    energy_consumed_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy used since midnight")] = None
    energy_consumed_lifetime: Annotated[Number, Quantity(WATT_HOUR, "Energy used since the installation")] = None
    energy_imported: Annotated[Number, Quantity(WATT_HOUR, "Energy taken from the grid")] = None
    energy_exported: Annotated[Number, Quantity(WATT_HOUR, "Energy given to the grid")] = None
    energy_imported_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy taken from the grid today")] = None
    energy_exported_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy given to the grid today")] = None
    energy_charged: Annotated[Number, Quantity(WATT_HOUR, "Energy that went into the batteries")] = None
    energy_discharged: Annotated[Number, Quantity(WATT_HOUR, "Energy that came out of the batteries")] = None
    energy_charged_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy into the batteries today")] = None
    energy_discharged_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy out of the batteries today")] = None
    energy_dc: Annotated[Number, detail(WATT_HOUR_ONCE, "Energy on the DC side in one interval")] = None
    energy_today_dc: Annotated[Number, Quantity(WATT_HOUR_TODAY, "Energy of today on the DC side")] = None
    energy_year_dc: Annotated[Number, detail(WATT_HOUR_TODAY, "Energy of this year on the DC side")] = None
    energy_lifetime_dc: Annotated[Number, Quantity(WATT_HOUR, "Energy on the DC side since the installation")] = None
    power_modelled: Annotated[Number, detail(WATT, "Power that a model of the site expects in this weather")] = None
    energy_modelled: Annotated[Number, detail(WATT_HOUR_ONCE, "The same as energy of one interval or day")] = None
    energy_expected: Annotated[Number, detail(WATT_HOUR_ONCE, "Energy of a day as it was planned for the site")] = None
    soc: Annotated[Number, Quantity(CHARGE, "State of charge")] = None
    capacity: Annotated[Number, diagnostic(WATT_HOUR_MOST, "Energy that the batteries can hold")] = None
    voltage: Annotated[Number, detail(VOLT, "Voltage")] = None
    current: Annotated[Number, detail(AMPERE, "Current")] = None
    frequency: Annotated[Number, detail(HERTZ, "Frequency of the grid")] = None
    power_factor: Annotated[Number, detail(RATIO, "Power factor, -1 to 1")] = None
    apparent_power: Annotated[Number, detail(VOLT_AMPERE, "Apparent power")] = None
    reactive_power: Annotated[Number, detail(VAR, "Reactive power")] = None
    power_l1: Annotated[Number, detail(WATT, "Active power of the first phase")] = None
    power_l2: Annotated[Number, detail(WATT, "Active power of the second phase")] = None
    power_l3: Annotated[Number, detail(WATT, "Active power of the third phase")] = None
    voltage_l1: Annotated[Number, detail(VOLT, "Voltage of the first phase")] = None
    voltage_l2: Annotated[Number, detail(VOLT, "Voltage of the second phase")] = None
    voltage_l3: Annotated[Number, detail(VOLT, "Voltage of the third phase")] = None
    current_l1: Annotated[Number, detail(AMPERE, "Current of the first phase")] = None
    current_l2: Annotated[Number, detail(AMPERE, "Current of the second phase")] = None
    current_l3: Annotated[Number, detail(AMPERE, "Current of the third phase")] = None
    apparent_power_l1: Annotated[Number, detail(VOLT_AMPERE, "Apparent power of the first phase")] = None
    apparent_power_l2: Annotated[Number, detail(VOLT_AMPERE, "Apparent power of the second phase")] = None
    apparent_power_l3: Annotated[Number, detail(VOLT_AMPERE, "Apparent power of the third phase")] = None
    voltage_dc: Annotated[Number, detail(VOLT, "Voltage on the DC side")] = None
    current_dc: Annotated[Number, detail(AMPERE, "Current on the DC side")] = None
    temperature: Annotated[Number, detail(CELSIUS, "Temperature")] = None
    signal: Annotated[Number, detail(COUNT, "Strength of its radio signal, as the vendor counts")] = None
    irradiance: Annotated[Number, detail(IRRADIANCE, "Irradiance on the panels")] = None
    modules: Annotated[Number, diagnostic(COUNT, "How many panels there are")] = None
    size: Annotated[Number, diagnostic(WATT_PEAK, "Power of all panels together, as they are rated")] = None
    status: Annotated[str | None, diagnostic(WORD, "How it is, in the vendor's word")] = None
    measured: Annotated[datetime | None, detail(TIME, "When the newest of these values was measured")] = None
    last_report: Annotated[datetime | None, diagnostic(TIME, "When it last reported to the cloud")] = None
