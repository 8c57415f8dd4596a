"""What version 2 of Enlighten's API answers about a system, as Enphase's document has it. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from envoy_bridge.simulator.clouds.enlighten_house import FIFTEEN, FIVE
from envoy_bridge.simulator.clouds.enlighten_system import (
    DAY,
    GATEWAY,
    INVERTERS,
    METER,
    RETIRED_METER,
    YEAR,
    Json,
    Query,
    Refusal,
    System,
)


def unauthorised() -> Refusal:
    """Not this user, or not with this key."""
    return Refusal(401, {"reason": 401, "message": ["Not authorized to access requested resource"]})


def throttled(now: float, limit: int, *, ended: bool = False) -> Refusal:
    """Too many requests in this minute. `ended`: the clock of the cloud is behind."""
    start = int(now // 60) * 60 - (600 if ended else 0)
    body = {
        "reason": "409",
        "message": ["Usage limit exceeded for plan Watt"],
        "period": "minute",
        "period_start": start,
        "period_end": start + 60,
        "limit": limit,
    }
    return Refusal(409, body)


def unavailable(status: int = 503) -> Refusal:
    """The data are not there now."""
    return Refusal(status, {"errorCode": 7, "errorMessages": ["Data temporarily unavailable."]})


def absent() -> Refusal:
    """No such gateway."""
    return Refusal(404, {"reason": "404", "errorMessages": ["Couldn't find System"]})


def summary(system: System, _query: Query) -> Json:
    """`/systems/{id}/summary`."""
    return system.summary()


def energy_lifetime(system: System, query: Query) -> Json:
    """`/systems/{id}/energy_lifetime`."""
    return system.days(query, {"production": "production"})


def consumption_lifetime(system: System, query: Query) -> Json:
    """`/systems/{id}/consumption_lifetime`; nothing without a meter."""
    if "consumption" not in system.hardware:
        raise Refusal(204)
    return system.days(query, {"consumption": "consumption"})


def _window(system: System, query: Query, length: int, longest: int) -> tuple[float, float] | None:
    """Start and end of what is answered; None: it is too long ago."""
    start = float(query.get("start_at", system.house.midnight(system.house.date_of(system.now))))
    end = float(query.get("end_at", system.now))
    if start < system.now - YEAR:
        return None
    if start // length * length > system.reported:
        times = {
            "start_at": start,
            "end_at": end,
            "first_interval": system.operational,
            "last_interval": system.reported,
        }
        said = "Requested start is later than the last reported interval"
        raise Refusal(422, {"reason": 422, "message": said, "errorMessages": [said], **times})
    return max(start, system.operational), min(end, start + longest, system.reported)


def stats(system: System, query: Query) -> Json:
    """`/systems/{id}/stats`: no interval where nothing was produced."""
    window = _window(system, query, FIVE, DAY)
    rows = []
    for end in system.house.ends(*window, FIVE) if window else ():
        energy = system.house.energy("production", end - FIVE, end)
        if energy:
            power = round(energy * 3600 / FIVE)
            rows.append({"end_at": end, "powr": power, "enwh": energy, "devices_reporting": system.reporting(end)})
    return {**system.devices_meta(), "intervals": rows}


def rgm_stats(system: System, query: Query) -> Json:
    """`/systems/{id}/rgm_stats`: the site's sums, and each meter's own two channels."""
    window = _window(system, query, FIFTEEN, 7 * DAY)
    ends = list(system.house.ends(*window, FIFTEEN)) if window and "rgm" in system.hardware else []
    energies = [(end, system.house.energy("production", end - FIFTEEN, end)) for end in ends]
    channels = [
        {
            "channel": channel,
            "end_at": end,
            "wh_del": None if system.nulls and channel > 1 else energy / 2,
            "curr_w": None if system.nulls and channel > 1 else energy * 2,
        }
        for end, energy in energies
        for channel in (1, 2)
    ]
    rows = [{"end_at": end, "wh_del": float(energy), "devices_reporting": 1} for end, energy in energies]
    meters = [{"meter_serial_number": METER, "envoy_serial_number": GATEWAY, "intervals": channels}] if ends else []
    return {**system.devices_meta(), "total_devices": 1, "intervals": rows, "meter_intervals": meters}


def consumption_stats(system: System, query: Query) -> Json:
    """`/systems/{id}/consumption_stats`."""
    window = _window(system, query, FIFTEEN, 28 * DAY)
    ends = system.house.ends(*window, FIFTEEN) if window and "consumption" in system.hardware else ()
    rows = [
        {"end_at": end, "enwh": system.house.energy("consumption", end - FIFTEEN, end), "devices_reporting": 1}
        for end in ends
    ]
    return {**system.devices_meta(), "total_devices": 1, "intervals": rows}


def production_meter_readings(system: System, _query: Query) -> Json:
    """`/systems/{id}/production_meter_readings`: the retired meter too."""
    if "rgm" not in system.hardware:
        return {"system_id": system.number, "meter_readings": [], "meta": system.meta}
    count = system.summary()
    now = {
        "serial_number": METER,
        "value": count["energy_lifetime"] + count["energy_today"],
        "read_at": system.reported,
    }
    old = {"serial_number": RETIRED_METER, "value": 12_361_512, "read_at": system.operational - DAY}
    return {"system_id": system.number, "meter_readings": [old, now], "meta": system.meta}


def envoys(system: System, _query: Query) -> Json:
    """`/systems/{id}/envoys`: the second one never reported."""
    first = {
        "envoy_id": 512,
        "last_report_at": system.reported,
        "name": f"Envoy {GATEWAY}",
        "part_number": "800-00002-r00",
        "serial_number": GATEWAY,
        "status": "normal",
    }
    second = first | {"envoy_id": 841, "last_report_at": None, "serial_number": "010814000001", "status": "comm"}
    return {"system_id": system.number, "envoys": [first, second]}


def inventory(system: System, _query: Query) -> Json:
    """`/systems/{id}/inventory`."""
    inverters = [{"sn": serial, "model": "M250"} for serial in INVERTERS]
    meters = [{"sn": METER, "manufacturer": "Itron", "model": "C1SR"}] if "rgm" in system.hardware else []
    return {"system_id": system.number, "inverters": inverters, "meters": meters}


def inverters_summary(system: System) -> list[Json]:
    """`/systems/inverters_summary_by_envoy_or_site`: energies in kJ, as some are."""
    count = system.summary()
    watt_hours = (count["energy_lifetime"] + count["energy_today"]) / len(INVERTERS)
    kilojoules = {"value": round(watt_hours * 3.6, 1), "units": "kJ", "precision": 1}
    power = {"value": count["current_power"] // len(INVERTERS), "units": "W", "precision": 0}
    energy = kilojoules if system.kilojoules else {"value": round(watt_hours), "units": "Wh", "precision": 0}
    micros = [
        {
            "id": 1_059_689_000 + number,
            "serial_number": serial,
            "model": "M250",
            "part_number": "800-00103-r05",
            "sku": "M250-60-2LL-S22",
            "status": "normal",
            "power_produced": power,
            "energy": energy,
            "envoy_serial_number": GATEWAY,
            "last_report_date": system.reported,
        }
        for number, serial in enumerate(INVERTERS)
    ]
    return [{"signal_strength": 5, "micro_inverters": micros}]


OF_A_SYSTEM: Final[Mapping[str, Callable[[System, Query], Json]]] = {
    each.__name__: each
    for each in (
        summary,
        energy_lifetime,
        consumption_lifetime,
        stats,
        rgm_stats,
        consumption_stats,
        production_meter_readings,
        envoys,
        inventory,
    )
}
