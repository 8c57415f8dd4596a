"""What a recording tells of the household behind it: what is there to move, and how its firmware puts it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway import wire
from envoy_bridge.gateway.basics import METERS, READINGS, REPORT, TOTALS
from envoy_bridge.gateway.devices.base import each
from envoy_bridge.gateway.devices.inverter import INVERTERS
from envoy_bridge.gateway.rows import Cadence, Endpoint, json
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.household import Equipment, share

_ALL_INVERTERS = "all"
"""Stands for the inverters of a gateway that does not list them."""

_INVERTER = 1
_DEAD_AFTER = 3600
"""Seconds without a report, when others have reported, after which an inverter is dead and stays as recorded."""
_SOME_PEAK = 3000.0
_SOME_CAPACITY = 10_000.0
"""W and Wh where the recording does not tell."""
_LIVE_VOLTS = 90.0
"""Below, it is what a wire catches that is not connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a gateway tells what happens. `volts`: to neutral, by phase. `meters`: the enabled ones, by number.

    `shares`: the part of production of each inverter that is alive. `pf_summed`: power factors of the phases are added
    up. `net_is_import`: the report's net lifetime is the import alone. `totals_move`: /api/v1/production is alive.
    """

    equipment: Equipment
    volts: tuple[float, ...]
    hertz: float
    meters: Mapping[int, wire.Meter]
    shares: Mapping[str, float]
    pf_summed: bool
    net_is_import: bool
    totals_move: bool


class _Batteries(msgspec.Struct):
    """The batteries together: Wh, and percent."""

    capacity: float = msgspec.field(default=0.0, name="Max_energy")
    soc: float = msgspec.field(default=50.0, name="agg_soc")


_BATTERIES = Endpoint("batteries", ("/ivp/ensemble/secctrl",), json(_Batteries), Cadence.SLOW, 10)


def look(recording: Recording) -> Shape:
    """Look at a recording. Whatever it lacks is made up."""
    listed: wire.Meters = _said(recording, METERS) or ()
    readings: wire.Readings = _said(recording, READINGS) or ()
    report: wire.ProductionReport = _said(recording, REPORT) or wire.ProductionReport(())
    totals: wire.ProductionTotals = _said(recording, TOTALS) or wire.ProductionTotals()
    inverters = _alive(_said(recording, INVERTERS) or ())
    meters = {meter.eid: meter for meter in listed if meter.state == "enabled"}
    counters = {meters[reading.eid].measurement_type: reading for reading in readings if reading.eid in meters}
    sections = {row.measurement_type or "": row for row in (*report.production, *report.consumption) if _is_active(row)}
    phases = _phases(meters.values(), sections.get("production"))
    volts = _volts(phases, counters.get("production"), sections.get("production"))
    capacity, stored = _batteries(recording, metered="storage" in counters)
    factors = [row.pwr_factor for row in readings] + [row.pwr_factor for row in sections.values()]
    serials = tuple(str(inverter.serial_number) for inverter in inverters) or (_ALL_INVERTERS,)
    return Shape(
        equipment=Equipment(
            serial=recording.serial,
            phases=phases,
            peak=sum(inverter.max_report_watts or 0.0 for inverter in inverters) or _SOME_PEAK,
            capacity=capacity,
            stored=stored,
            flows=frozenset(counters) | frozenset(sections),
            inverters=serials,
        ),
        volts=volts,
        hertz=50.0 if volts[0] > 150 else 60.0,  # noqa: PLR2004 - Europe, America
        meters=meters,
        shares={serial: share(serial, serials) for serial in serials},
        pf_summed=any(abs(factor or 0.0) > 1 for factor in factors),
        net_is_import=_net_is_import(counters.get("net-consumption"), sections.get("net-consumption")),
        totals_move=bool(totals.watt_hours_lifetime) and bool(meters or not listed),
    )


def _said(recording: Recording, endpoint: Endpoint) -> Any:  # noqa: ANN401 - what the endpoint decodes
    recorded = recording.reply(endpoint.paths[0], 0.0)
    if recorded is None or recorded.status != 200:  # noqa: PLR2004 - OK
        return None
    try:
        return endpoint.decode(recorded.body)
    except UnusableReply:
        return None


def _alive(inverters: Iterable[object]) -> list[wire.InverterReport]:
    listed = each(inverters, wire.InverterReport)
    real = [inverter for inverter in listed if inverter.dev_type in (None, _INVERTER)]
    newest = max((inverter.last_report_date or 0 for inverter in real), default=0)
    return [inverter for inverter in real if (inverter.last_report_date or 0) > newest - _DEAD_AFTER]


def _is_active(section: wire.ReportSection) -> bool:
    return section.type == "eim" and bool(section.active_count) and bool(section.measurement_type)


def _phases(meters: Iterable[wire.Meter], production: wire.ReportSection | None) -> int:
    """As the meters say; without them: volts and amperes of the report are sums, so their product is too large."""
    counts = [meter.phase_count or 1 for meter in meters]
    if counts:
        return min(max(counts), 3)
    if production is None or not production.apprnt_pwr:
        return 1
    product = (production.rms_voltage or 0.0) * (production.rms_current or 0.0)
    return min(max(1, round(abs(product / production.apprnt_pwr))), 3)


def _volts(phases: int, reading: wire.Reading | None, production: wire.ReportSection | None) -> tuple[float, ...]:
    measured = [channel.voltage or 0.0 for channel in reading.channels[:phases]] if reading else []
    if len(measured) == phases and min(measured) > _LIVE_VOLTS:
        return tuple(measured)
    each = (production.rms_voltage or 0.0) / phases if production else 0.0
    return (each if each > _LIVE_VOLTS else 230.0,) * phases


def _batteries(recording: Recording, *, metered: bool) -> tuple[float, float]:
    """Wh of capacity, and Wh that are in it."""
    told: _Batteries = _said(recording, _BATTERIES) or _Batteries()
    capacity = told.capacity or _SOME_CAPACITY * metered
    return capacity, capacity * told.soc / 100


def _net_is_import(net: wire.Reading | None, section: wire.ReportSection | None) -> bool:
    """Whether the report's lifetime is nearer to the import than to the import less the export."""
    if net is None or section is None:
        return False
    imported, lifetime = net.act_energy_dlvd or 0.0, section.wh_lifetime or 0.0
    return abs(lifetime - imported) < abs(lifetime - imported + (net.act_energy_rcvd or 0.0))
