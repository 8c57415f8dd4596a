"""Writes a moment of a household into recorded replies: the same keys, the same faults, other numbers. Pure.

Counters go on from where they were recorded. What is not connected, not enabled or dead stays as it was, and so do
apparent and reactive energy, which nobody reads.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envoy_bridge.gateway.basics import READINGS, REPORT, TOTALS
from envoy_bridge.gateway.devices.inverter import DEVICE_DATA, INVERTERS
from envoy_bridge.gateway.rows import json
from envoy_bridge.simulator.household import REPORT_EVERY, InverterReport, Power
from envoy_bridge.simulator.view import Row, Values, View, filled, measured, stamped

_ENERGIES = {"actEnergyDlvd": "delivered", "actEnergyRcvd": "received"}
"""What the meters call their counters; the reports are less simple."""


# --- meters


def _readings(rows: list[Row], view: View) -> list[Row]:
    return [_reading(row, view) for row in rows]


def _reading(row: Row, view: View) -> Row:
    second = view.moment.second
    channels = [stamped(channel, second) for channel in row.get("channels", ())]
    meter = view.shape.meters.get(row["eid"])
    phases = view.phases(meter.measurement_type, meter.phase_count or 1) if meter else []
    if phases:
        row = measured(row, view.together(phases), _ENERGIES)
        channels[: len(phases)] = [
            measured(channel, values, _ENERGIES) for channel, values in zip(channels, phases, strict=False)
        ]
    return stamped(row, second) | {"channels": channels}


# --- reports


def _report(body: Row, view: View) -> Row:
    consumption = body.get("consumption", [])
    return filled(
        body,
        {
            "production": [_section(section, "production", view) for section in body["production"]],
            "consumption": [_section(section, _shown(section, consumption), view) for section in consumption],
        },
    )


def _shown(section: Row, consumption: list[Row]) -> str:
    """What a section shows; with the fault that total-consumption repeats net-consumption, the latter."""
    kind = str(section.get("measurementType"))
    same = {(row.get("wNow"), row.get("whLifetime")) for row in consumption}
    return "net-consumption" if len(consumption) > len(same) else kind


def _section(section: Row, kind: str, view: View) -> Row:
    if section.get("type") == "inverters":
        return _sum_of_inverters(section, view)
    phases = view.phases(kind) if section.get("activeCount") else []
    row = stamped(section, view.moment.second)
    return _with_lines(row, kind, phases, view) if phases else row


def _with_lines(row: Row, kind: str, phases: Sequence[Values], view: View) -> Row:
    """A section of the report; lines beyond the phases are faults, and stay."""
    one_way = kind == "production" or (kind == "net-consumption" and view.shape.net_is_import)
    lifetime = "delivered" if one_way else "balance"
    energies = {"whLifetime": lifetime}
    if row.get("measurementType") != "net-consumption":  # whose day and week are always 0
        energies |= {"whToday": lifetime, "whLastSevenDays": lifetime}
    lines = row.get("lines", [])
    moved = [measured(line, values, energies) for line, values in zip(lines, phases, strict=False)]
    whole = measured(row, view.together(phases), energies)
    return whole | ({"lines": [*moved, *lines[len(moved) :]]} if lines else {})


def _sum_of_inverters(section: Row, view: View) -> Row:
    reports = view.inverters().values()
    fresh = {
        "readingTime": max(report.second for report in reports),
        "wNow": sum(round(report.watts) for report in reports),
        "whLifetime": section.get("whLifetime", 0) + int(sum(report.energy for report in reports)),
    }
    return filled(section, fresh)


def _meter_reports(rows: list[Row], view: View) -> list[Row]:
    """`/ivp/meters/reports`: counters of production both ways, of everything else the balance."""
    return [_meter_report(stamped(row, view.moment.second), str(row.get("reportType")), view) for row in rows]


def _meter_report(row: Row, kind: str, view: View) -> Row:
    phases = view.phases(kind)
    if not phases:
        return row
    both = {"whDlvdCum": "delivered", "whRcvdCum": "received"}
    energies = both if kind == "production" else {"whDlvdCum": "balance"}
    lines = [measured(line, values, energies) for line, values in zip(row.get("lines", ()), phases, strict=False)]
    return row | {"cumulative": measured(row.get("cumulative", {}), view.together(phases), energies), "lines": lines}


def _totals(body: Row, view: View) -> Row:
    if not view.shape.totals_move:
        return body
    reports = view.inverters().values()
    more = int(sum(report.energy for report in reports))
    sums = {key: value + more for key, value in body.items() if key.startswith("wattHours") and value is not None}
    return body | sums | {"wattsNow": sum(round(report.watts) for report in reports)}


# --- inverters


def _inverters(rows: list[Row], view: View) -> list[Row]:
    reports = view.inverters()
    return [_inverter(row, reports.get(str(row["serialNumber"]))) for row in rows]


def _inverter(row: Row, report: InverterReport | None) -> Row:
    if report is None:
        return row
    watts = round(report.watts)
    fresh = {"lastReportDate": report.second, "lastReportWatts": watts}
    return filled(row, fresh | {"maxReportWatts": max(watts, row.get("maxReportWatts") or 0)})


def _device_data(body: Row, view: View) -> Row:
    reports = view.inverters()
    return {
        key: _device(device, reports[device["sn"]])
        if isinstance(device, dict) and device.get("sn") in reports and device.get("channels")
        else device
        for key, device in body.items()
    }


def _device(device: Row, report: InverterReport) -> Row:
    """An inverter; its first input makes everything."""
    channel, watts, made = device["channels"][0], round(report.watts), int(report.energy)
    last, lifetime, hours = channel.get("lastReading", {}), channel.get("lifetime", {}), channel.get("wattHours", {})
    fresh = {
        "created": report.second,
        "wattHours": filled(hours, {key: hours.get(key, 0) + made for key in ("today", "week")}),
        "watts": filled(channel.get("watts", {}), {"now": watts}),
        "lastReading": filled(last, _last_reading(last, report)),
        "lifetime": filled(lifetime, {"joulesProduced": lifetime.get("joulesProduced", 0) + int(3600 * report.energy)}),
    }
    return device | {"channels": [filled(channel, fresh), *device["channels"][1:]]}


def _last_reading(last: Row, report: InverterReport) -> Row:
    watts = max(0.0, report.watts)
    return {
        "endDate": report.second,
        "duration": REPORT_EVERY,
        "joulesProduced": round(watts * REPORT_EVERY),
        "acCurrentInmA": round(watts * 1e6 / (last.get("acVoltageINmV") or 230_000)),
        "dcCurrentINmA": round(watts * 1.03e6 / (last.get("dcVoltageINmV") or 34_000)),
        "channelTemp": round(17 + 0.07 * watts),
    }


# --- batteries


def _soc(view: View) -> int:
    return round(100 * view.moment.stored / view.shape.equipment.capacity)


def _power(body: Row, view: View) -> Row:
    devices = body.get("devices:", [])
    if not devices or not view.shape.equipment.capacity:
        return body
    milliwatts = round(sum(view.moment.powers["storage"]).real / len(devices)) * 1000
    fresh = {"real_power_mw": milliwatts, "apparent_power_mva": milliwatts, "soc": _soc(view)}
    return body | {"devices:": [filled(device, fresh) for device in devices]}


def _secctrl(body: Row, view: View) -> Row:
    if not view.shape.equipment.capacity:
        return body
    soc, stored = _soc(view), round(view.moment.stored)
    return filled(body, {"agg_soc": soc, "ENC_agg_soc": soc, "ENC_agg_avail_energy": stored})


def _status(body: Row, view: View) -> Row:
    """`/ivp/ensemble/status`, which repeats secctrl."""
    return filled(body, {"secctrl": _secctrl(body.get("secctrl", {}), view)})


def _inventory(groups: list[Row], view: View) -> list[Row]:
    if not view.shape.equipment.capacity:
        return groups
    fresh = {"percentFull": _soc(view), "last_rpt_date": view.moment.second // 60 * 60}
    return [
        group | {"devices": [filled(device, fresh) for device in group.get("devices", ())]}
        if group.get("type") == "ENCHARGE"
        else group
        for group in groups
    ]


# --- live data


def _live_data(body: Row, view: View) -> Row:
    """`/ivp/livedata/status`: the same second as the meters. When it was updated is for the gateway to say."""
    meters = body.get("meters")
    if not isinstance(meters, dict):
        return body
    flows = {"pv": "production", "storage": "storage", "grid": "net-consumption"}
    powers = {name: view.moment.powers[kind] for name, kind in flows.items() if kind in view.moment.powers}
    if "grid" in powers:
        fed = [power for kind, power in view.moment.powers.items() if kind in (*flows.values(), "pv3p")]
        powers["load"] = tuple([sum(phase) for phase in zip(*fed, strict=True)])
    fresh: Row = {name: filled(meters[name], _milliwatts(power)) for name, power in powers.items() if name in meters}
    if view.shape.equipment.capacity:
        fresh |= {"soc": _soc(view), "enc_agg_soc": _soc(view), "enc_agg_energy": round(view.moment.stored)}
    return body | {"meters": filled(meters, fresh)}


def _milliwatts(power: Power) -> Row:
    """Of one flow: all phases together, and each."""
    row: Row = {"agg_p_mw": round(1000 * sum(power).real), "agg_s_mva": round(1000 * abs(sum(power)))}
    for letter, phase in zip("abc", power, strict=False):
        row |= {f"agg_p_ph_{letter}_mw": round(1000 * phase.real), f"agg_s_ph_{letter}_mva": round(1000 * abs(phase))}
    return row


@dataclass(frozen=True, slots=True)
class Rewrite:
    """How replies of an endpoint are written anew. `check` raises UnusableReply for what is not such a reply."""

    check: Callable[[bytes], object]
    write: Callable[[Any, View], object]


REWRITES: Mapping[str, Rewrite] = {
    "/ivp/meters/readings": Rewrite(READINGS.decode, _readings),
    "/ivp/meters/reports": Rewrite(json(list[dict[str, Any]]), _meter_reports),
    "/production.json": Rewrite(REPORT.decode, _report),
    "/production": Rewrite(REPORT.decode, _report),
    "/api/v1/production": Rewrite(TOTALS.decode, _totals),
    "/api/v1/production/inverters": Rewrite(INVERTERS.decode, _inverters),
    "/ivp/pdm/device_data": Rewrite(DEVICE_DATA.decode, _device_data),
    "/ivp/ensemble/power": Rewrite(json(dict[str, list[dict[str, Any]]]), _power),
    "/ivp/ensemble/secctrl": Rewrite(json(dict[str, Any]), _secctrl),
    "/ivp/ensemble/inventory": Rewrite(json(list[dict[str, Any]]), _inventory),
    "/ivp/ensemble/status": Rewrite(json(dict[str, dict[str, Any]]), _status),
    "/ivp/livedata/status": Rewrite(json(dict[str, Any]), _live_data),
}
"""By path without query. Every other reply stays as recorded."""
