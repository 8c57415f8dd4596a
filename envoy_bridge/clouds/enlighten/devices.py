"""What Enlighten tells of the devices of a site: gateways, microinverters, meters, batteries. Pure.

Serial numbers are texts: `010731000003`.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from envoy_bridge.clouds.enlighten.parse import Found, Here, moment, positive, present, word
from envoy_bridge.clouds.enlighten.wire import (
    Amount,
    Device,
    Devices,
    Envoys,
    Inventory,
    Inverter,
    InverterGroup,
    MeterReadings,
)
from envoy_bridge.clouds.report import CloudDevice, DeviceKind, Quality, Sample

RETIRED_AFTER: Final = 2 * 86400.0
"""Seconds after its last reading when a meter is taken for retired: gateways report at least every six hours."""

_WATTS: Final = {"W": 1.0, "kW": 1e3}
_WATT_HOURS: Final = {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "J": 1 / 3600, "kJ": 1 / 3.6, "MJ": 1e3 / 3.6}
"""By the unit that stands beside a value. What is not listed is not guessed."""


def meter_readings(reply: MeterReadings, here: Here) -> Found:
    """Odometers, each by itself. Those of retired meters are listed too: their readings are old, and stale."""
    samples: list[Sample] = []
    meters: list[CloudDevice] = []
    for reading in reply.meter_readings or ():
        serial, value, at = (
            reading.serial_number or reading.serial_num,
            positive(reading.value),
            moment(reading.read_at),
        )
        if serial is None or value is None or at is None:
            continue
        meter, retired = device("meter", serial), here.now - at.timestamp() > RETIRED_AFTER
        meters += [] if retired else [meter]
        quality: Quality = "stale" if retired else "ok"
        samples.append(
            Sample(part=meter.part, quantity="energy_lifetime", value=value, kind="counter", end=at, quality=quality)
        )
    return Found(samples=tuple(samples), devices=tuple(meters), hardware=frozenset(("rgm",) if samples else ()))


def envoys(reply: Envoys, here: Here) -> Found:
    """The gateways of a site. One that never reported has a null in place of the time."""
    samples: list[Sample] = []
    gateways: list[CloudDevice] = []
    for envoy in reply.envoys or ():
        if not envoy.serial_number:
            continue
        gateway, reported = device("gateway", envoy.serial_number, envoy.part_number), moment(envoy.last_report_at)
        gateways.append(gateway)
        samples += present("last_report", reported, reported, gateway.part)
        samples += present("status", word(envoy.status), here.time, gateway.part)
    heard = {sample.part for sample in samples if sample.quantity == "last_report"}
    silent = frozenset(gateway.id for gateway in gateways if gateway.part not in heard)
    return Found(samples=tuple(samples), devices=tuple(gateways), silent=silent)


def inventory(reply: Inventory) -> Found:
    """The microinverters and meters of a site that are not retired."""
    inverters = tuple(device("inverter", item.sn, item.model) for item in reply.inverters or () if item.sn)
    return Found(
        devices=inverters + tuple(device("meter", item.sn, item.model) for item in reply.meters or () if item.sn)
    )


def inverters(reply: Sequence[InverterGroup], here: Here) -> Found:
    """Each microinverter that is not retired."""
    samples: list[Sample] = []
    found: list[CloudDevice] = []
    for inverter in (each for group in reply for each in group.micro_inverters or ()):
        if inverter.serial_number and inverter.status != "retired":
            gateway = inverter.envoy_serial_number
            parent = device("gateway", gateway).part if gateway else None
            found.append(device("inverter", inverter.serial_number, inverter.model, parent))
            samples += _measured(inverter, found[-1].part, here)
    return Found(samples=tuple(samples), devices=tuple(found))


def _measured(inverter: Inverter, part: str, here: Here) -> list[Sample]:
    reported = _reported(inverter.last_report_date)
    at = reported or here.time
    total = _amount(inverter.energy, _WATT_HOURS)
    samples = present("last_report", reported, reported, part)
    samples += present("status", word(inverter.status), here.time, part)
    samples += present("power", _amount(inverter.power_produced, _WATTS), at, part)
    if total is not None and total >= 0:
        samples.append(Sample(part=part, quantity="energy_lifetime", value=total, kind="counter", end=at))
    return samples


def devices(reply: Devices) -> Found:
    """The devices of a site, version 4."""
    groups = reply.devices
    if groups is None:
        return Found()
    batteries = (*(groups.encharges or ()), *(groups.acbs or ()))
    meters = {kind for meter in groups.meters or () if (kind := _measures(meter))}
    return Found(
        devices=(
            *_devices("gateway", groups.gateways),
            *_devices("inverter", groups.micros),
            *_devices("meter", groups.meters),
            *_devices("battery", batteries),
        ),
        hardware=frozenset(meters | ({"battery"} if batteries else set())),
    )


def _measures(meter: Device) -> str | None:
    """`production` or `consumption`; None where the meter is switched off, or measures something else."""
    if meter.state is not None and meter.state != "enabled":
        return None
    said = f"{meter.name} {meter.config_type}".lower()
    if "consumption" in said or (meter.config_type or "").lower() in ("net", "total"):
        return "consumption"
    return "production" if "production" in said else None


def _devices(kind: DeviceKind, group: Sequence[Device] | None) -> tuple[CloudDevice, ...]:
    """One device for each serial number: two meters may be channels of one."""
    listed = {
        str(serial): each.model or each.part_number
        for each in group or ()
        if (serial := each.serial_number or each.serial_num)
    }
    return tuple(device(kind, serial, model) for serial, model in listed.items())


def device(kind: DeviceKind, serial: object, model: str | None = None, parent: str | None = None) -> CloudDevice:
    """A device that is known by its serial number."""
    return CloudDevice(kind=kind, id=str(serial), serial=str(serial), model=model, parent=parent)


def _amount(amount: Amount | None, units: dict[str, float]) -> float | None:
    if amount is None or amount.value is None or amount.units is None:
        return None
    factor = units.get(amount.units)
    return None if factor is None else round(amount.value * factor, 3)


def _reported(value: float | str | None) -> datetime | None:
    """The time of a report: seconds, or ISO 8601 with a zone."""
    if not isinstance(value, str):
        return moment(value)
    with suppress(ValueError):
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo is not None else None
    return None
