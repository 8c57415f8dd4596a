"""Renders the list of a made-up household's devices on the power line: inverters, AC batteries, Q-Relays."""

from typing import Any

from _fixtures.batteries import charging_word
from _fixtures.devices import LONG_AGO, PCU, channel_eid, gone_serial, last_report
from _fixtures.equipment import AcBattery, Devices, QRelay
from _fixtures.household import Household

Row = dict[str, Any]

_ACB, _NSRB, _ESUB = 0x25000100, 0x22000100, 0x33000100
_LINES = range(3)


def inventory_list(home: Household, devices: Devices) -> list[Row]:
    """`/inventory.json?deleted=1`: times are strings. What was removed is in it, and says less."""
    present = [_inverter(home, n, serial, watts) for n, (serial, watts, _) in enumerate(home.inverters)]
    gone = [_gone_inverter(home, n) for n in range(home.inverters.gone)]
    return [
        {"type": "PCU", "devices": present + gone},
        {"type": "ACB", "devices": [_ac_battery(home, n, battery) for n, battery in enumerate(home.ac_batteries)]},
        {"type": "NSRB", "devices": [_q_relay(home, n, relay) for n, relay in enumerate(devices.q_relays)]},
        {"type": "ESUB", "devices": [_esub(home, devices.esub)] if devices.esub else []},
    ]


def _row(home: Household, serial: str, part: str, kind: int, eid: int, *, seen: int, state: int = 2) -> Row:
    installed = str(home.epoch - LONG_AGO)
    return {
        "part_num": part,
        "installed": installed,
        "serial_num": serial,
        "device_status": ["envoy.global.ok"],
        "last_rpt_date": str(seen),
        "admin_state": state,
        "dev_type": kind,
        "created_date": installed,
        "img_load_date": "0",
        "img_pnum_running": "521-00007-r02-v03.11.01",
        "ptpn": "549-00044-r01-v03.11.01",
        "chaneid": channel_eid(eid, 0),
        "device_control": [{"gficlearset": False}],
    }


def _inverter(home: Household, n: int, serial: str, watts: int) -> Row:
    here = n < home.inverters.count - home.inverters.silent
    row = _row(home, serial, "800-01337-r02", 1, PCU + 256 * (n + home.inverters.gone), seen=last_report(home, n))
    if not here:
        row["device_status"] = ["envoy.cond_flags.obs_strs.failure"]
    return row | {
        "producing": here and watts > 0,
        "communicating": here,
        "provisioned": True,
        "operating": here,
        "phase": f"ph-{'abc'[n % home.legs]}" if home.mode == "three" else "ph-a",
    }


def _gone_inverter(home: Household, n: int) -> Row:
    row = _row(home, gone_serial(home, n), "800-01127-r02", 1, PCU + 256 * n, seen=home.epoch - LONG_AGO, state=3)
    return row | {"device_status": ["envoy.cond_flags.pcu_ctrl.dc-pwr-low", "envoy.cond_flags.obs_strs.failure"]}


def _ac_battery(home: Household, n: int, battery: AcBattery) -> Row:
    low, high = battery.sleep or (0, 0)
    here = not battery.removed
    seen = home.epoch - (141 + n if here else LONG_AGO)
    row = _row(home, battery.serial, "800-00562-r06", 11, _ACB + 256 * n, seen=seen, state=6 if here else 0)
    return row | {
        "producing": here and battery.watts > 0,
        "communicating": here,
        "provisioned": here,
        "operating": here and battery.sleep is None,
        "sleep_enabled": battery.sleep is not None,
        "percentFull": battery.soc,
        "maxCellTemp": battery.celsius,
        "sleep_min_soc": low,
        "sleep_max_soc": high,
        "charge_status": charging_word(battery.watts),
    }


def _q_relay(home: Household, n: int, relay: QRelay) -> Row:
    seen = home.epoch - (203 + n if relay.communicating else 4 * 86400)
    row = _row(home, relay.serial, "800-00602-r03", 12, _NSRB + 256 * n, seen=seen)
    return (
        row
        | {"producing": False, "communicating": relay.communicating, "provisioned": True, "operating": True}
        | _relay_state(relay)
    )


def _relay_state(relay: QRelay) -> Row:
    code, reason = relay.reason
    lines = {f"line{n + 1}-connected": relay.lines[n : n + 1] == (True,) for n in _LINES}
    head = {"relay": relay.state, "forced": False, "reason_code": code, "reason": reason}
    return head | {"line-count": len(relay.lines)} | lines


def _esub(home: Household, serial: str) -> Row:
    row = _row(home, serial, "800-01861-r02", 19, _ESUB, seen=home.epoch - 61, state=1)
    return row | {"producing": False, "communicating": True, "operating": True}


def acb_config(home: Household) -> Row:
    """`/admin/lib/acb_config`: which AC batteries sleep."""
    rows = [
        {"serial_num": battery.serial, "sleep_min_soc": battery.sleep[0], "sleep_max_soc": battery.sleep[1]}
        for battery in home.ac_batteries
        if battery.sleep
    ]
    return {"acb_sleep": rows}


# --- for installers


def device_status(home: Household, devices: Devices) -> Row:
    """`/ivp/peb/devstatus`: the same devices as a table each."""
    return {
        "counters": _counters(home, devices),
        "pcu": _table([_inverter_status(home, n, *inverter) for n, inverter in enumerate(home.inverters)]),
        "acb": _table([_ac_battery_status(battery) for battery in home.present_ac_batteries]),
        "nsrb": _table([{"serialNumber": relay.serial} | _relay_state(relay) for relay in devices.q_relays]),
        "pld": {"fields": [], "values": []},
        "esub": {"fields": [], "values": []},
    }


def _table(rows: list[Row]) -> Row:
    return {"fields": list(rows[0]) if rows else [], "values": [list(row.values()) for row in rows]}


def _counters(home: Household, devices: Devices) -> Row:
    """How many there should be, and how many are heard."""
    inverters = home.inverters.count
    groups = {
        "pcu": (inverters, inverters - home.inverters.silent),
        "acb": (len(home.present_ac_batteries),) * 2,
        "nsrb": (len(devices.q_relays), sum(relay.communicating for relay in devices.q_relays)),
    }
    return {name: {"expected": all_, "reporting": heard} for name, (all_, heard) in groups.items()}


def _inverter_status(home: Household, n: int, serial: str, watts: int, _peak: int) -> Row:
    here = n < home.inverters.count - home.inverters.silent
    return {
        "serialNumber": serial,
        "devType": 1,
        "communicating": here,
        "recent": here,
        "producing": here and watts > 0,
        "reportDate": last_report(home, n),
        "temperature": 19 + watts // 13,
        "dcVoltageINmV": 34150 + n * 53 % 700,
        "dcCurrentINmA": watts * 1_000_000 // 33170,
        "acVoltageINmV": 231_100 + n * 31 % 900,
        "acPowerINmW": watts * 1000,
    }


def _ac_battery_status(battery: AcBattery) -> Row:
    low, high = battery.sleep or (0, 0)
    return {
        "serialNumber": battery.serial,
        "SOC": battery.soc,
        "minCellTemp": battery.celsius - 2,
        "maxCellTemp": battery.celsius,
        "capacity": battery.energy,
        "totVoltage": 25_400,
        "sleepEnabled": battery.sleep is not None,
        "sleepMinSoc": low,
        "sleepMaxSoc": high,
    }
