"""Renders what a made-up household's gateway says of the house: tariff, limits, its own network."""

from datetime import datetime, timedelta
from typing import Any

from _fixtures.equipment import Devices, Network
from _fixtures.household import FIRMWARE_8, Household

Row = dict[str, Any]

_PLANS = (8, 2, 4264)
_FULL_LIMITS = (8, 2, 4345)
_WEEK = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_AMERICAN_HERTZ = 60.0


# --- tariff and limits


def tariff(home: Household, devices: Devices) -> Row:
    """`/admin/lib/tariff`: what energy costs, and how the batteries are to be used."""
    storage = devices.storage
    settings = {
        "mode": storage.mode,
        "operation_mode_sub_type": "",
        "reserved_soc": float(home.reserve),
        "very_low_soc": 5,
        "charge_from_grid": storage.charge_from_grid,
        "date": str(home.epoch - 86400),
    }
    if home.version >= _PLANS:
        settings["opt_schedules"] = storage.plans
    american = home.hertz == _AMERICAN_HERTZ
    prices = {
        "currency": {"code": "USD" if american else "EUR"},
        "logger": "mylogger",
        "date": str(home.epoch - 86400),
        "storage_settings": settings,
        "single_rate": {"rate": 0.1877 if american else 0.2418, "sell": 0.0},
        "seasons": [],
        "seasons_sell": [],
    }
    return {"tariff": prices, "schedule": _schedule(home, devices)}


def _schedule(home: Household, devices: Devices) -> Row:
    """What the settings became. Its reserve is not the one that counts."""
    newer = home.version >= FIRMWARE_8
    row: Row = {"filename": ""} if newer else {}
    day = datetime.fromtimestamp(home.epoch - 7200, datetime.fromisoformat(home.time).tzinfo)
    row |= {"source": "Tariff", "date": f"{day:%Y-%m-%d %H:%M:%S} UTC", "version": "00.00.02", "reserved_soc": 30.0}
    row |= {"very_low_soc": 10, "charge_from_grid": devices.storage.charge_from_grid}
    row |= {"batt_mode": devices.storage.mode} if newer else {}
    disabled = [{name: [{"start": 0, "duration": 1440, "setting": "ID"}]} for name in _WEEK]
    return row | {
        "battery_mode": devices.storage.mode,
        "operation_mode_sub_type": "",
        "schedule": {"Disable": disabled},
        "override": False,
        "override_backup_soc": 30.0,
        "override_chg_dischg_rate": 0.0,
        "override_tou_mode": "StorageTouMode_DEFAULT_TOU_MODE",
    }


def pel_settings(home: Household, devices: Devices) -> Row:
    """`/ivp/ss/pel_settings`: how much may be exported."""
    limit = devices.export_limit
    if home.version < _FULL_LIMITS:
        return {"PEL": False}
    return {
        "PEL": limit is not None,
        "Hard_PEL": False,
        "Soft_PEL": limit is not None,
        "Export_Limit_Type": "Aggregate",
        "percent": limit is not None,
        "apparent": False,
        "PEL_Limit": limit or 0.0,
        "Comm_Time_Loss": 10000.0 if limit is not None else 0.0,
        "Resp_Time_SoftPEL": 30000.0 if limit is not None else 0.0,
        "PEL_db": 1.0 if limit is not None else 0.0,
    }


PV_LIMIT = {"enable": False, "pv_limit_pct": 100}
"""`/ivp/sc/pvlimit`."""


# --- network


def home_page(home: Household, devices: Devices) -> Row:
    """`/home` of firmware 7 and 8: the gateway's own state."""
    network = devices.network
    local = datetime.fromisoformat(home.time) + timedelta(hours=network.hours)
    return {
        "software_build_epoch": home.epoch - 200 * 86400,
        "timezone": network.zone,
        "current_date": f"{local:%m/%d/%Y}",
        "current_time": f"{local:%H:%M}",
        "network": {
            "web_comm": network.reported,
            "ever_reported_to_enlighten": True,
            "last_enlighten_report_time": home.epoch - (151 if network.reported else 11 * 86400),
            "primary_interface": network.interface,
            "interfaces": _interfaces(network),
        },
        "tariff": "single_rate",
        "comm": _communication(home, devices),
        "wireless_connection": [{"signal_strength": 0, "signal_strength_max": 0, "type": "BLE", "connected": False}],
    }


def _interfaces(network: Network) -> list[Row]:
    wired, wireless = network.interface == "eth0", network.interface == "wlan0"
    cellular = {"type": "cellular", "interface": "ppp0", "dhcp": True, "ip": "203.0.113.24", "carrier": True}
    ethernet = {
        "type": "ethernet",
        "interface": "eth0",
        "mac": "02:00:5E:10:00:01",
        "dhcp": True,
        "ip": "192.0.2.40" if wired else "169.254.120.1",
        "signal_strength": int(wired),
        "signal_strength_max": 1,
        "carrier": wired,
    }
    wifi = {
        "signal_strength": 3 if wireless else 0,
        "signal_strength_max": 5 if wireless else 0,
        "type": "wifi",
        "interface": "wlan0",
        "mac": "02:00:5E:10:00:02",
        "dhcp": True,
        "ip": "192.0.2.41" if wireless else None,
        "carrier": wireless,
        "supported": True,
        "present": True,
        "configured": wireless,
        "status": "connected" if wireless else "connecting",
    }
    first = [{"signal_strength": 21, "signal_strength_max": 31, "network": True} | cellular]
    return (first if network.interface == "ppp0" else []) + [ethernet, wifi]


def _communication(home: Household, devices: Devices) -> Row:
    """How many devices are heard, and how well: 0 to 5."""
    inverters = home.inverters.count - home.inverters.silent
    own = sum(not battery.silent for battery in home.batteries)
    counts = {
        "pcu": inverters,
        "acb": len(home.present_ac_batteries),
        "nsrb": sum(relay.communicating for relay in devices.q_relays),
        "esub": int(bool(devices.controller or devices.collar)),
    }
    rows: Row = {name: {"num": number, "level": 5 if number else 0} for name, number in counts.items()}
    level = 4 if own else 0
    rows["encharge"] = [{"num": own, "level": level, "level_24g": level, "level_subg": level}]
    return {"num": sum(counts.values()), "level": 5} | rows
