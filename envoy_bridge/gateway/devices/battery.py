"""IQ batteries (Encharge): each of them, and all batteries of the site together.

Source: the public notes on `/ivp/ensemble`, and what gateways of firmware 7 and 8 answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from envoy_bridge.gateway.devices.ac_battery import AcBattery
from envoy_bridge.gateway.devices.base import TOTAL, UNKNOWN, Device, by_serial, each, lenient, part, total, word
from envoy_bridge.gateway.devices.ensemble import CONTROL, INVENTORY, Control, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.gateway.live import LIVE_DATA, LiveData
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.model import (
    CELSIUS,
    CHARGE,
    COUNT,
    FLAG,
    HEARD,
    PERCENT,
    TIME,
    VOLT_AMPERE,
    WATT,
    WATT_HOUR,
    WATT_HOUR_MOST,
    WATT_HOUR_NOW,
    WATT_HOUR_TODAY,
    WATT_PEAK,
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

IQ: Final = "iq"
"""The name of all IQ batteries together, where there are AC batteries too."""


class Battery(Struct, frozen=True, kw_only=True):
    """One battery, or all: the values of all of them together are marked.

    Of one that does not communicate stands what it reported last, but for its power, which nobody knows.
    """

    soc: Annotated[Number, Quantity(CHARGE, "State of charge")] = None
    power: Annotated[Number, Quantity(WATT, "Power now; above 0: discharging, below 0: charging")] = None
    apparent_power: Annotated[Number, detail(VOLT_AMPERE, "Apparent power now; below 0: charging")] = None
    temperature: Annotated[Number, Quantity(CELSIUS, "Temperature inside")] = None
    max_cell_temp: Annotated[Number, detail(CELSIUS, "Temperature of the warmest cell")] = None
    state: Annotated[str | None, diagnostic(WORD, "What the gateway calls its state")] = None
    grid_mode: Annotated[str | None, detail(WORD, "How it stands to the grid, as it reports")] = None
    communicating: Annotated[Flag, diagnostic(HEARD, "Does it answer the gateway")] = None
    operating: Annotated[Flag, detail(FLAG, "Does it work; firmware 7 only")] = None
    comm_level_sub_ghz: Annotated[Number, detail(COUNT, "Radio level below 1 GHz, 0 to 5; 0 by cable")] = None
    comm_level_2_4_ghz: Annotated[Number, detail(COUNT, "Radio level at 2.4 GHz, 0 to 5; 0 by cable")] = None
    led_status: Annotated[Number, detail(COUNT, "Number of what its lamp shows")] = None
    dc_switch_off: Annotated[Flag, detail(FLAG, "Is its DC switch off")] = None
    sleeping: Annotated[Flag, detail(FLAG, "Was it put to sleep")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None
    bmu_firmware: Annotated[str | None, detail(WORD, "Firmware of its battery management")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None
    capacity: Annotated[Number, diagnostic(WATT_HOUR_MOST, "Energy it can hold")] = None
    rated_power: Annotated[Number, detail(WATT_PEAK, "Power it is made for")] = None
    energy_available: Annotated[Number, Quantity(WATT_HOUR_NOW, "Energy that is in them (total only)")] = None
    energy_discharged: Annotated[
        Number, Quantity(WATT_HOUR, "Energy they gave, counted from their power where no CT does (total only)")
    ] = None
    energy_charged: Annotated[
        Number, Quantity(WATT_HOUR, "Energy they took, counted from their power where no CT does (total only)")
    ] = None
    energy_discharged_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "The same since midnight (total only)")] = None
    energy_charged_today: Annotated[Number, Quantity(WATT_HOUR_TODAY, "The same since midnight (total only)")] = None
    energy_reserved: Annotated[Number, detail(WATT_HOUR_NOW, "Energy kept for an outage (total only)")] = None
    reserve_soc: Annotated[Number, Quantity(PERCENT, "State of charge kept for an outage (total only)")] = None
    reserve_soc_configured: Annotated[Number, detail(PERCENT, "The reserve as configured (total only)")] = None
    reserve_soc_adjusted: Annotated[Number, detail(PERCENT, "The reserve as the system set it (total only)")] = None


class Listed(Struct, frozen=True):
    """An ENCHARGE in the inventory. °C, %, Wh, seconds since 1970; keys differ by firmware."""

    serial_num: str
    part_num: str = ""
    last_rpt_date: float | None = None
    admin_state_str: str = ""
    img_pnum_running: str = ""
    bmu_fw_version: str = ""
    communicating: bool | None = None
    operating: bool | None = None
    sleep_enabled: bool | None = None
    percent_full: float | None = field(default=None, name="percentFull")
    temperature: float | None = None
    max_cell_temp: float | None = field(default=None, name="maxCellTemp")
    reported_enc_grid_state: str = ""
    comm_level_sub_ghz: float | None = None
    comm_level_2_4_ghz: float | None = None
    led_status: float | None = None
    dc_switch_off: bool | None = None
    encharge_capacity: float | None = None


class Output(Struct, frozen=True):
    """What one battery does now: thousandths of W and VA, below 0 when it charges; %."""

    serial_num: str
    real_power_mw: float | None = None
    apparent_power_mva: float | None = None
    soc: float | None = None


class Outputs(Struct, frozen=True):
    """`/ivp/ensemble/power`: an `Output` for each battery. The colon belongs to the key."""

    devices: tuple[Any, ...] = field(name="devices:")


class Rating(Struct, frozen=True):
    """What `/ivp/ensemble/status` says of a device, as far as it is not in the inventory. W."""

    encharge_rated_power: float | None = None


class Ratings(Struct, frozen=True):
    """Its devices by serial number, each a `Rating`: batteries, and others without a rated power."""

    serial_nums: dict[str, Any] = {}


class Status(Struct, frozen=True):
    """`/ivp/ensemble/status`: much of what the others say, and the parts of each battery."""

    inventory: Ratings = Ratings()
    secctrl: Control = Control()


POWER: Final = Endpoint("ensemble_power", ("/ivp/ensemble/power",), lenient(Outputs), Cadence.SLOW, 20)
STATUS: Final = Endpoint("ensemble_status", ("/ivp/ensemble/status",), lenient(Status), Cadence.INVERTERS, 30)


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """The batteries that there are, and all of them."""
    found = by_serial((entry.serial_num, _battery(entry)) for entry in of_type(reply, "ENCHARGE", Listed))
    return {**found, TOTAL: Battery(), IQ: Battery()} if found else {}


def _battery(entry: Listed) -> Battery:
    return Battery(
        soc=number(entry.percent_full),
        temperature=number(entry.temperature),
        max_cell_temp=number(entry.max_cell_temp),
        state=word(entry.admin_state_str),
        grid_mode=word(entry.reported_enc_grid_state),
        communicating=entry.communicating,
        operating=entry.operating,
        comm_level_sub_ghz=number(entry.comm_level_sub_ghz),
        comm_level_2_4_ghz=number(entry.comm_level_2_4_ghz),
        led_status=number(entry.led_status),
        dc_switch_off=entry.dc_switch_off,
        sleeping=entry.sleep_enabled,
        part_number=word(entry.part_num),
        firmware=word(entry.img_pnum_running),
        bmu_firmware=word(entry.bmu_fw_version),
        last_report=moment(entry.last_rpt_date),
        capacity=number(entry.encharge_capacity),
    )


def outputs(reply: Outputs, _known: Known, _now: float) -> Members:
    """What each does now, and all together."""
    found = by_serial((entry.serial_num, _output(entry)) for entry in each(reply.devices, Output))
    if not found:
        return {}
    return {
        **found,
        TOTAL: Battery(
            power=scaled(total(battery.power for battery in found.values())),
            apparent_power=scaled(total(battery.apparent_power for battery in found.values())),
        ),
    }


def _output(entry: Output) -> Battery:
    return Battery(
        soc=number(entry.soc),
        power=scaled(entry.real_power_mw, 1e-3),
        apparent_power=scaled(entry.apparent_power_mva, 1e-3),
    )


def control(reply: Control, _known: Known, _now: float) -> Members:
    """All batteries; and the IQ batteries alone, where AC batteries hold a part of the whole."""
    if reply == Control():
        return {}
    whole = Battery(
        soc=number(reply.soc),
        energy_available=scaled(total((reply.enc_energy, reply.acb_energy or 0.0))),
        energy_reserved=number(reply.enc_backup),
        capacity=number(reply.capacity),
        reserve_soc=number(reply.reserve_configured if reply.reserve_adjusted is None else reply.reserve_adjusted),
        reserve_soc_configured=number(reply.reserve_configured),
        reserve_soc_adjusted=number(reply.reserve_adjusted),
    )
    if reply.enc_capacity in (None, reply.capacity):
        return {TOTAL: whole}
    alone = Battery(
        soc=number(reply.enc_soc), energy_available=number(reply.enc_energy), capacity=number(reply.enc_capacity)
    )
    return {TOTAL: whole, IQ: alone}


def live_batteries(reply: LiveData, _known: Known, _now: float) -> Members:
    """What is in the batteries."""
    energy = scaled(total((reply.meters.enc_agg_energy, reply.meters.acb_agg_energy or 0.0)))
    return {TOTAL: Battery(soc=number(reply.meters.soc), energy_available=energy)}


def ratings(reply: Status, _known: Known, _now: float) -> Members:
    """The rated power of each."""
    rated = {
        serial: scaled(rating.encharge_rated_power)
        for serial, told in reply.inventory.serial_nums.items()
        for rating in each([told], Rating)
    }
    return {serial: Battery(rated_power=power) for serial, power in rated.items() if power is not None}


def control_of_status(reply: Status, known: Known, now: float) -> Members:
    """As `control`, where firmware says it nowhere else."""
    return control(reply.secctrl, known, now)


def together(members: Members, others: Mapping[str, Members]) -> Members:
    """All batteries of the site: the IQ batteries that communicate, and the AC batteries."""
    if members is UNKNOWN:
        return members
    found = {name: battery for name, battery in members.items() if isinstance(battery, Battery)}
    ac_batteries = others.get("ac_battery")
    if not found:
        return {TOTAL: _of_ac_batteries(ac_batteries)} if ac_batteries else {}
    power, apparent_power = _sum(found, "power"), _sum(found, "apparent_power")
    whole = replace(found.get(TOTAL, Battery()), power=power, apparent_power=apparent_power)
    told = {name: _without_guess(battery) for name, battery in found.items()}
    if not ac_batteries:
        return {**told, TOTAL: whole}
    alone = replace(found.get(IQ, Battery()), power=power, apparent_power=apparent_power)
    power = scaled(total((power, _of_ac_batteries(ac_batteries).power)))
    return {**told, IQ: alone, TOTAL: replace(whole, power=power, apparent_power=None)}


def _sum(found: Mapping[str, Battery], quantity: str) -> float | None:
    """The gateway's sum without those that it does not hear, or None where one that it hears says nothing."""
    batteries = [battery for name, battery in found.items() if name not in (TOTAL, IQ)]
    heard = [getattr(battery, quantity) for battery in batteries if battery.communicating is not False]
    silent = [getattr(battery, quantity) or 0.0 for battery in batteries if battery.communicating is False]
    whole = getattr(found.get(TOTAL), quantity, None)
    return None if whole is None or not heard or None in heard else scaled(whole - sum(silent))


def _without_guess(battery: Battery) -> Battery:
    """Of one that is silent the gateway goes on saying a power, mostly 0."""
    return replace(battery, power=None, apparent_power=None) if battery.communicating is False else battery


def _of_ac_batteries(members: Members) -> Battery:
    """All batteries of the site, where they are AC batteries."""
    ac = members.get(TOTAL)
    if not isinstance(ac, AcBattery):
        return Battery()
    return Battery(soc=ac.soc, power=ac.power, energy_available=ac.energy_available, capacity=ac.capacity)


_NEEDS: Final = ("battery",)
BATTERY: Final = Device(
    "battery",
    "Battery",
    Battery,
    "The IQ batteries, by serial number; `total`: all batteries of the site; `iq`: the IQ batteries, where there are "
    "AC batteries too",
    (
        part("battery.live", LIVE_DATA, live_batteries, needs=_NEEDS),
        part("battery.power", POWER, outputs, needs=_NEEDS),
        part("battery", INVENTORY, listed),
        part("battery.control", CONTROL, control, needs=_NEEDS),
        part("battery.ratings", STATUS, ratings, needs=_NEEDS),
        part("battery.control", STATUS, control_of_status, needs=_NEEDS, id="battery.control_of_status"),
    ),
    complete=together,
)
