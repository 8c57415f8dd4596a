"""What version 4 of Enlighten's API answers about a system, as public notes on it say. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from envoy_bridge.simulator.clouds.enlighten_house import FIFTEEN, FIVE
from envoy_bridge.simulator.clouds.enlighten_system import (
    BATTERY,
    CONSUMPTION_METER,
    DAY,
    GATEWAY,
    INVERTERS,
    METER,
    YEAR,
    Json,
    Query,
    Refusal,
    System,
)


def error(status: int, message: str, details: str) -> Refusal:
    """The usual form."""
    return Refusal(status, {"message": message, "details": details, "code": status})


def throttled(now: float, limit: int, *, says_when: bool) -> Refusal:
    """Too many requests. Several endpoints do not say until when."""
    body: Json = {"message": "Too Many Requests", "details": "Usage limit exceeded for plan Watt", "code": 429}
    start = int(now // 60) * 60
    when = {"period": "minute", "period_start": start, "period_end": start + 60, "limit": limit}
    return Refusal(429, body | when if says_when else body)


def summary(system: System, _query: Query) -> Json:
    """`/systems/{id}/summary`: with what the batteries are rated for."""
    rated = {"battery_charge_w": 3840, "battery_discharge_w": 3840, "battery_capacity_wh": 10_080}
    none = dict.fromkeys(rated, 0)
    return system.summary() | {"nmi": None} | (rated if "battery" in system.hardware else none)


def devices(system: System, _query: Query) -> Json:
    """`/systems/{id}/devices`."""
    common = {"last_report_at": system.reported, "sku": None, "status": "normal", "active": True}
    meter = common | {"part_number": "800-00655-r08", "model": "Envoy S", "state": "enabled"}
    groups: Json = {
        "micros": [{"serial_number": each, "model": "IQ7+", "product_name": "IQ7+"} | common for each in INVERTERS],
        "meters": [],
        "gateways": [{"serial_number": GATEWAY, "model": "IQ Gateway", "emu_sw_version": "D7.3.130"} | common],
    }
    if "production" in system.hardware:
        groups["meters"].append(meter | {"name": "production", "serial_number": METER, "config_type": "Production"})
    if "consumption" in system.hardware:
        groups["meters"].append(
            meter | {"name": "consumption", "serial_number": CONSUMPTION_METER, "config_type": "Net"}
        )
    if "battery" in system.hardware:
        groups["encharges"] = [{"serial_number": BATTERY, "model": "Encharge-10"} | common]
    total = sum(len(group) for group in groups.values())
    return {"system_id": system.number, "total_devices": total, "items": "devices", "devices": groups}


def _days(needs: str, arrays: Mapping[str, str]) -> Callable[[System, Query], Json]:
    def answer(system: System, query: Query) -> Json:
        if needs and needs not in system.hardware:
            return {"system_id": system.number, "start_date": None, **{name: [] for name in arrays}}
        return system.days(query, arrays)

    return answer


def _ends(system: System, query: Query, length: int) -> list[int]:
    """The intervals of a telemetry call: a day, or a week at most, from its start."""
    midnight = system.house.midnight(system.house.date_of(system.now))
    start = float(query.get("start_at", midnight))
    if start < system.now - 2 * YEAR:
        raise error(422, "Unprocessable Entity", 'Failed to parse {:start_at=>"too old"}')
    span = {"week": 7 * DAY, "day": DAY, "15mins": FIFTEEN, "5mins": FIVE}.get(query.get("granularity", "day"), DAY)
    return list(system.house.ends(max(start, system.operational), min(start + span, system.reported), length))


def _telemetry(system: System, query: Query, length: int, rows: list[Json], total: int) -> Json:
    return {
        "system_id": system.number,
        "granularity": query.get("granularity", "day"),
        "total_devices": total,
        "start_at": int(float(query.get("start_at", 0))) // length * length,
        "end_at": system.reported,
        "items": "intervals",
        "intervals": rows,
        "meta": system.meta,
    }


def production_micro(system: System, query: Query) -> Json:
    """`/systems/{id}/telemetry/production_micro`."""
    rows = []
    for end in _ends(system, query, FIVE):
        energy = system.house.energy("production", end - FIVE, end)
        row = {"end_at": end, "devices_reporting": system.reporting(end), "powr": energy * 12, "enwh": energy}
        rows += [row] if energy else []
    return _telemetry(system, query, FIVE, rows, len(INVERTERS))


def _meter(needs: str, flow: str, name: str) -> Callable[[System, Query], Json]:
    def answer(system: System, query: Query) -> Json:
        rows = [
            {"end_at": end, "devices_reporting": 1, name: system.house.energy(flow, end - FIFTEEN, end)}
            for end in _ends(system, query, FIFTEEN)
            if needs in system.hardware
        ]
        return _telemetry(system, query, FIFTEEN, rows, 1)

    return answer


def _grid(flow: str, name: str) -> Callable[[System, Query], Json]:
    """Lists of lists, and no devices, ever."""

    def answer(system: System, query: Query) -> Json:
        days: dict[str, list[Json]] = {}
        for end in _ends(system, query, FIFTEEN):
            if "consumption" in system.hardware:
                day = f"{datetime.fromtimestamp(end - 1, UTC):%Y-%m-%d}"
                days.setdefault(day, []).append({"end_at": end, name: system.house.energy(flow, end - FIFTEEN, end)})
        return _telemetry(system, query, FIFTEEN, [], 0) | {"intervals": list(days.values())}

    return answer


def battery(system: System, query: Query) -> Json:
    """`/systems/{id}/telemetry/battery`."""
    rows = [
        {
            "end_at": end,
            "charge": {"enwh": system.house.energy("charge", end - FIFTEEN, end), "devices_reporting": 1},
            "discharge": {"enwh": system.house.energy("discharge", end - FIFTEEN, end), "devices_reporting": 1},
            "soc": {"percent": 40 + end // FIFTEEN % 50, "devices_reporting": 1},
        }
        for end in _ends(system, query, FIFTEEN)
        if "battery" in system.hardware
    ]
    return _telemetry(system, query, FIFTEEN, rows, 1) | {"last_reported_aggregate_soc": "61%"}


def production_meter_readings(system: System, _query: Query) -> Json:
    """`/systems/{id}/production_meter_readings`: another name for the serial number than in version 2."""
    count = system.summary()
    reading = {
        "serial_num": METER,
        "value": count["energy_lifetime"] + count["energy_today"],
        "read_at": system.reported,
    }
    return {"system_id": system.number, "meter_readings": [reading], "meta": system.meta}


OF_A_SYSTEM: Final[Mapping[str, Callable[[System, Query], Json]]] = {
    "summary": summary,
    "devices": devices,
    "production_meter_readings": production_meter_readings,
    "energy_lifetime": _days("", {"production": "production"}),
    "consumption_lifetime": _days("consumption", {"consumption": "consumption"}),
    "energy_import_lifetime": _days("consumption", {"import": "import"}),
    "energy_export_lifetime": _days("consumption", {"export": "export"}),
    "battery_lifetime": _days("battery", {"charge": "charge", "discharge": "discharge"}),
    "telemetry/production_micro": production_micro,
    "telemetry/production_meter": _meter("production", "production", "wh_del"),
    "telemetry/consumption_meter": _meter("consumption", "consumption", "enwh"),
    "telemetry/battery": battery,
    "energy_import_telemetry": _grid("import", "wh_imported"),
    "energy_export_telemetry": _grid("export", "wh_exported"),
}
