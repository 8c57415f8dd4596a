"""From a reply to fields of the model: signs, units, and which entry belongs to which flow. Pure.

Each function takes one decoded (and repaired) reply, what else is `Known` of the gateway, and the time (wall clock); it
gives fields of the model. A field that is in the result as None is this endpoint's to tell, but not known now; a field
that is not in the result is not this endpoint's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.known import FLOW_OF_MEASUREMENT, Fields, Known, phase_count
from envoy_bridge.model import (
    Channel,
    Circuit,
    Consumption,
    Flow,
    NetConsumption,
    Production,
    Storage,
    number,
)

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
        name = FLOW_OF_MEASUREMENT.get(section.measurement_type or "")
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
