"""From a reply to fields of the model: signs, units, and which entry belongs to which flow. Pure.

Each function takes one decoded (and repaired) reply, what else is `Known` of the gateway, and the time (wall clock); it
gives fields of the model. A field that is in the result as None is this endpoint's to tell, but not known now; a field
that is not in the result is not this endpoint's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.model import (
    Channel,
    Circuit,
    Consumption,
    Flow,
    Inverter,
    NetConsumption,
    Production,
    Storage,
    number,
    scaled,
)

Fields = Mapping[str, Any]
"""Fields of the model by name."""

FLOW_OF_MEASUREMENT = {
    "production": "production",
    "net-consumption": "net_consumption",
    "total-consumption": "consumption",
    "storage": "storage",
    "backfeed": "backfeed",
    "load": "load",
    "evse": "evse",
    "pv3p": "pv3p",
}
"""What a gateway calls a measurement, and the flow it is."""

SILENT_AFTER = 2 * 3600.0
"""Seconds without a report until an inverter counts as offline: twice the longest interval they are set to."""

_INVERTER = 1
_PHASES_OF_MODE = {"single": 1, "split": 2, "three": 3}
_END_OF_TIME = 4102444800.0


class Known:
    """What is known of a gateway besides the reply at hand. `meters`: None where it has no list of meters."""

    def __init__(self, info: GatewayInfo, meters: wire.Meters | None = None) -> None:
        self.info = info
        self.meters = meters
        self.measuring: Mapping[str, wire.Meter] = {
            FLOW_OF_MEASUREMENT[meter.measurement_type]: meter
            for meter in reversed(meters or ())
            if meter.state == "enabled" and meter.measurement_type in FLOW_OF_MEASUREMENT
        }
        """The CTs that are enabled, by flow."""


def moment(seconds: float | None) -> datetime | None:
    """A time in UTC from seconds since 1970. 0 is how a gateway says never."""
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < _END_OF_TIME else None


def phase_count(meter: wire.Meter) -> int:
    """How many phases a CT measures. The gateway lists three channels whatever is connected."""
    return meter.phase_count or _PHASES_OF_MODE.get(meter.phase_mode, 1)


# --- /ivp/meters and /ivp/meters/readings


def meters(reply: wire.Meters, _known: Known, _now: float) -> Fields:
    """The CTs themselves; the other endpoints are understood with them."""
    return {"meters": reply}


def flows_of_readings(reply: wire.Readings, known: Known, _now: float) -> Fields:
    """A flow for each enabled CT, matched by `eid`. Entries that no CT owns are somebody else's noise."""
    by_eid = {reading.eid: reading for reading in reply}
    return {
        name: _flow_of_reading(name, by_eid.get(meter.eid), phase_count(meter))
        for name, meter in known.measuring.items()
    }


def _flow_of_reading(name: str, reading: wire.Reading | None, phases: int) -> Flow[Any] | None:
    if reading is None:
        return None
    build = _CHANNELS[name]
    lines = [build(line, _electrical_of_meter(line)) for line in reading.channels[:phases]]
    return _flow(build(reading, _electrical_of_meter(reading, with_voltage=phases == 1)), lines)


def _electrical_of_meter(channel: wire.MeterChannel, *, with_voltage: bool = True) -> dict[str, float | None]:
    return {
        "power": number(channel.active_power),
        "voltage": number(channel.voltage) if with_voltage else None,
        "current": number(channel.current),
        "frequency": number(channel.freq) or None,
        "power_factor": number(channel.pwr_factor),
        "apparent_power": _not_negative(channel.apparent_power),
        "reactive_power": number(channel.reactive_power),
    }


def _not_negative(value: float | None) -> float | None:
    clean = number(value)
    return None if clean is not None and clean < 0 else clean


_Electrical = Mapping[str, float | None]
_Build = Callable[[wire.MeterChannel, _Electrical], Channel]

_CHANNELS: Mapping[str, _Build] = {
    "production": lambda c, e: Production(energy_lifetime=number(c.act_energy_dlvd), **e),
    "consumption": lambda c, e: Consumption(energy_lifetime=number(c.act_energy_dlvd), **e),
    "net_consumption": lambda c, e: NetConsumption(
        energy_imported=number(c.act_energy_dlvd), energy_exported=number(c.act_energy_rcvd), **e
    ),
    "storage": lambda c, e: Storage(
        energy_discharged=number(c.act_energy_dlvd), energy_charged=number(c.act_energy_rcvd), **e
    ),
} | dict.fromkeys(
    ("backfeed", "load", "evse", "pv3p"),
    lambda c, e: Circuit(energy_delivered=number(c.act_energy_dlvd), energy_received=number(c.act_energy_rcvd), **e),
)
"""How a channel of each flow is made: the only place that knows which counter of a meter is which."""


def _flow(total: Channel, lines: Sequence[Channel]) -> Flow[Any]:
    return Flow(total=total, **dict(zip(("l1", "l2", "l3"), lines, strict=False)))


# --- /production.json


def flows_of_report(reply: wire.ProductionReport, known: Known, _now: float) -> Fields:
    """What the meters' part of the production report tells.

    A section without an active meter holds noise. Where a CT is enabled for it the flow is unknown for now; where
    none is, the flow is not this report's.
    """
    fields: dict[str, Flow[Any] | None] = {}
    for name, section in _meter_sections(reply):
        if section.active_count and _is_measured(name, known):
            fields[name] = _flow_of_section(name, section, known)
        elif name in known.measuring:
            fields[name] = None
    return fields


def _meter_sections(reply: wire.ProductionReport) -> Iterable[tuple[str, wire.ReportSection]]:
    for section in reply.production:
        if section.type == "eim":
            yield "production", section
    for section in reply.consumption:
        name = FLOW_OF_MEASUREMENT.get(section.measurement_type)
        if section.type == "eim" and name in ("consumption", "net_consumption"):
            yield name, section


def _is_measured(name: str, known: Known) -> bool:
    """Has the flow a CT, or is it computed from two that have? Unknown meters get the benefit of the doubt."""
    measuring = known.measuring.keys()
    if not known.meters or name in measuring:
        return True
    return "production" in measuring and bool(measuring & {"consumption", "net_consumption"})


def _flow_of_section(name: str, section: wire.ReportSection, known: Known) -> Flow[Any]:
    meter = known.measuring.get(name) or known.measuring.get("production")
    phases = phase_count(meter) if meter else len(section.lines)
    return _flow(
        _channel_of_report(name, section, with_voltage=phases == 1),
        [_channel_of_report(name, line, with_voltage=True) for line in section.lines[:phases]],
    )


def _channel_of_report(name: str, line: wire.ReportLine, *, with_voltage: bool) -> Channel:
    """The report computes one of net and total from the other: only power and energy of these are measurements."""
    power, energy = number(line.w_now), number(line.wh_lifetime)
    if name == "net_consumption":  # its lifetime is import, or import less export, by firmware: neither counter
        return NetConsumption(power=power)
    if name == "consumption":
        return Consumption(power=power, energy_lifetime=energy)
    return Production(
        power=power,
        energy_lifetime=energy,
        voltage=number(line.rms_voltage) if with_voltage else None,
        current=number(line.rms_current),
        power_factor=number(line.pwr_factor),
        apparent_power=_not_negative(line.apprnt_pwr),
        reactive_power=number(line.react_pwr),
    )


def production_of_inverters(reply: wire.ProductionReport, known: Known, _now: float) -> Fields:
    """The report's sum over the inverters: for gateways that measure nothing themselves."""
    if "production" in known.measuring:
        return {}
    section = next((entry for entry in reply.production if entry.type == "inverters"), None)
    if section is None:
        return {}
    return {"production": _production(section.w_now, section.wh_lifetime)}


# --- /api/v1/production


def production_of_totals(reply: wire.ProductionTotals, known: Known, _now: float) -> Fields:
    """What a gateway without meters has added up from its inverters."""
    if "production" in known.measuring or reply.watts_now is None:
        return {}
    return {"production": _production(reply.watts_now, reply.watt_hours_lifetime)}


def _production(power: float | None, energy: float | None) -> Flow[Production]:
    return Flow(total=Production(power=number(power), energy_lifetime=number(energy)))


# --- inverters


def inverters(reply: wire.InverterReports, _known: Known, now: float) -> Fields:
    """The list of inverters. Batteries and others in it have another device type; the oldest firmware gives none."""
    return {
        "inverter": {
            str(entry.serial_number): Inverter(
                power=number(entry.last_report_watts),
                power_max=number(entry.max_report_watts),
                last_report=moment(entry.last_report_date),
                availability=_availability(entry.last_report_date, now),
            )
            for entry in reply
            if entry.dev_type in (None, _INVERTER)
        }
    }


def _availability(last_report: float | None, now: float) -> str | None:
    if last_report is None:
        return None
    return "online" if now - last_report < SILENT_AFTER else "offline"


def inverter_details(reply: wire.DeviceData, _known: Known, now: float) -> Fields:
    """What each inverter measures, where the firmware tells; about fifty entries at most, meters included."""
    return {
        "inverter_details": {
            device.sn: _inverter(device.channels, now)
            for device in reply.values()
            if isinstance(device, wire.Device) and device.dev_name == "pcu" and device.channels
        }
    }


def _inverter(channels: Sequence[wire.DeviceChannel], now: float) -> Inverter:
    """One inverter; one with several inputs makes the sum, its other values are those of the first input."""
    last, made = channels[0].last_reading, [channel.lifetime.joules_produced for channel in channels]
    powers = [_mean_power(channel.last_reading) for channel in channels]
    return Inverter(
        power=_sum(powers),
        last_report=moment(last.end_date),
        availability=_availability(last.end_date, now),
        energy_lifetime=scaled(_sum(made), 1 / 3600),
        ac_voltage=scaled(last.ac_millivolts, 1e-3),
        ac_current=scaled(last.ac_milliamperes, 1e-3),
        ac_frequency=scaled(last.ac_millihertz, 1e-3),
        dc_voltage=scaled(last.dc_millivolts, 1e-3),
        dc_current=scaled(last.dc_milliamperes, 1e-3),
        temperature=number(last.celsius),
    )


def _mean_power(reading: wire.LastReading) -> float | None:
    if reading.joules_produced is None or not reading.duration:
        return None
    return round(reading.joules_produced / reading.duration)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
