"""Real gateways, where their recordings are at hand: devices as published, against the replies read by other means."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from households import look
from program import ROOT

FOLDER = ROOT.parent / "shared" / "recordings"
NAMES = sorted(path.stem for path in FOLDER.glob("*.har"))

pytestmark = pytest.mark.skipif(not NAMES, reason="the recordings are not beside this checkout")
of_each = pytest.mark.parametrize("name", NAMES)


@cache
def values(name: str) -> Mapping[str, str]:
    return {topic.lower(): payload for topic, payload in look(FOLDER / f"{name}.har").values.items()}


@cache
def replies(name: str) -> Mapping[str, Any]:
    """The good JSON by path."""
    found: dict[str, Any] = {}
    for entry in json.loads(Path(FOLDER / f"{name}.har").read_text())["log"]["entries"]:
        path = "/" + entry["request"]["url"].split("/", 3)[3]
        if entry["response"]["status"] == 200 and path not in found:
            try:
                found[path] = json.loads(entry["response"]["content"].get("text") or "")
            except ValueError:
                continue
    return found


def devices(name: str, kind: str) -> list[dict[str, Any]]:
    groups = replies(name).get("/ivp/ensemble/inventory") or []
    return [device for group in groups if group["type"] == kind for device in group["devices"]]


def listed(name: str, kind: str) -> list[dict[str, Any]]:
    groups = replies(name).get("/inventory.json?deleted=1") or []
    return [device for group in groups if group["type"] == kind for device in group["devices"]]


def text(value: Any) -> str | None:
    """A value of a reply as a subscriber reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.3f}".rstrip("0").rstrip(".").replace("-0", "0" if value == 0 else "-0")
    return value or None


def kinds(name: str) -> set[str]:
    return {topic.partition("/")[0] for topic in values(name)}


def agree(name: str, branch: str, expected: Mapping[str, Any]) -> None:
    said = {key: values(name).get(f"{branch}/{key}") for key in expected}
    assert said == {key: text(value) for key, value in expected.items()}, branch


@of_each
def test_batteries(name: str) -> None:
    outputs = {row["serial_num"]: row for row in (replies(name).get("/ivp/ensemble/power") or {}).get("devices:", [])}
    batteries = devices(name, "ENCHARGE")
    for battery in batteries:
        now = outputs.get(battery["serial_num"], {})
        agree(
            name,
            f"battery/{battery['serial_num']}",
            {
                "soc": now.get("soc", battery["percentFull"]),
                "power": now["real_power_mw"] / 1000 if now else None,
                "temperature": battery["temperature"],
                "max_cell_temp": battery["maxCellTemp"],
                "state": battery["admin_state_str"],
                "communicating": battery["communicating"],
                "capacity": battery["encharge_capacity"],
                "led_status": battery["led_status"],
                "firmware": battery["img_pnum_running"],
                "grid_mode": battery.get("reported_enc_grid_state"),
            },
        )
    assert ("battery" in kinds(name)) is bool(batteries or acb(name))


def acb(name: str) -> dict[str, Any]:
    rows = replies(name).get("/production.json?details=1", {}).get("storage") or []
    return next((row for row in rows if row["type"] == "acb" and row["activeCount"]), {})


@of_each
def test_all_batteries(name: str) -> None:
    control = replies(name).get("/ivp/ensemble/secctrl") or {}
    outputs = (replies(name).get("/ivp/ensemble/power") or {}).get("devices:", [])
    if not devices(name, "ENCHARGE"):
        return
    if outputs:
        sum_ = sum(row["real_power_mw"] for row in outputs) / 1000 + (acb(name)["wNow"] if acb(name) else 0)
        agree(name, "battery/total", {"power": sum_})
    if control:
        agree(
            name,
            "battery/total",
            {
                "soc": control["agg_soc"],
                "capacity": control["Max_energy"],
                "energy_available": control["ENC_agg_avail_energy"] + control["ACB_agg_energy"],
                "energy_reserved": control["ENC_agg_backup_energy"],
                "reserve_soc": control["adjusted_backup_soc"],
                "reserve_soc_configured": control["configured_backup_soc"],
            },
        )


@of_each
def test_ac_batteries(name: str) -> None:
    found = acb(name)
    assert ("ac_battery" in kinds(name)) is bool(found)
    if found:
        keys = {"power": "wNow", "energy_available": "whNow", "soc": "percentFull", "count": "activeCount"}
        agree(name, "ac_battery/total", {key: found.get(said) for key, said in keys.items()})


@of_each
def test_system_controllers(name: str) -> None:
    found = devices(name, "ENPOWER")
    assert ("system_controller" in kinds(name)) is bool(found)
    for box in found:
        agree(
            name,
            f"system_controller/{box['serial_num']}",
            {
                "temperature": (box["temperature"] - 32) * 5 / 9,
                "mains_relay": box["mains_oper_state"],
                "mains_relay_admin": box["mains_admin_state"],
                "grid_mode": box["Enpwr_grid_mode"],
                "battery_grid_mode": box["Enchg_grid_mode"],
                "communicating": box["communicating"],
                "part_number": box["part_num"],
            },
        )


@of_each
def test_collars_and_combiners(name: str) -> None:
    for box in devices(name, "COLLAR"):
        same = ("temperature", "mid_state", "grid_state", "control_error", "communicating")
        expected = {key: box[key] for key in same} | {"state": box["collar_state"], "firmware": box["img_pnum_running"]}
        agree(name, f"collar/{box['serial_num']}", expected)
    for box in devices(name, "C6 COMBINER CONTROLLER"):
        expected = {
            "state": box["admin_state_str"],
            "firmware": box["fw_version"],
            "communicating": box["communicating"],
        }
        agree(name, f"combiner_controller/{box['serial_num']}", expected)
    for box in devices(name, "C6 RGM"):
        agree(name, f"rgm/{box['serial_num']}", {"state": box["Device State"], "firmware": box["FW Version"]})
    groups = {group["type"] for group in replies(name).get("/ivp/ensemble/inventory") or []}
    assert ("collar" in kinds(name)) is ("COLLAR" in groups)


@of_each
def test_dry_contacts(name: str) -> None:
    if not devices(name, "ENPOWER"):
        assert "dry_contact" not in kinds(name)
        return
    for contact in replies(name)["/ivp/ensemble/dry_contacts"]["dry_contacts"]:
        agree(name, f"dry_contact/{contact['id'].lower()}", {"status": contact["status"]})
    for contact in replies(name)["/ivp/ss/dry_contact_settings"]["dry_contacts"]:
        same = ("type", "mode", "grid_action", "micro_grid_action", "soc_low", "soc_high", "override")
        renamed = {"name": "load_name", "generator_action": "gen_action", "manual_override": "manual_override"}
        expected = {key: contact.get(key) for key in same} | {key: contact.get(old) for key, old in renamed.items()}
        agree(name, f"dry_contact/{contact['id'].lower()}", expected | {"priority": contact.get("priority")})


@of_each
def test_generators(name: str) -> None:
    config = replies(name).get("/ivp/ss/gen_config")
    if not config:
        assert "generator" not in kinds(name)
        return
    relay = replies(name)["/ivp/ensemble/generator"]
    exercise = replies(name)["/ivp/ss/gen_schedule"]["exercise_config"]
    agree(
        name,
        "generator",
        {
            "state": relay["oper_state"],
            "admin_state": relay["admin_state"],
            "start_soc": relay["start_soc"],
            "stop_soc": relay["stop_soc"],
            "mode": replies(name)["/ivp/ss/gen_mode"]["gen_cmd"],
            "rated_power": config["name_plate_rating_wat"] * 1000,
            "max_current": config["max_cont_gen_amps"],
            "model": config["model"],
            "manufacturer": config["manufacturer"],
            "exercise_start": exercise["start"],
            "exercise_day": exercise["day"],
        },
    )


@of_each
def test_storage_settings(name: str) -> None:
    told = (replies(name).get("/admin/lib/tariff") or {}).get("tariff", {}).get("storage_settings")
    if not told or not (devices(name, "ENCHARGE") or devices(name, "ENPOWER") or acb(name)):
        assert "storage_settings" not in kinds(name)
        return
    same = ("mode", "very_low_soc", "charge_from_grid", "opt_schedules")
    agree(name, "storage_settings", {key: told.get(key) for key in same} | {"reserve_soc": told["reserved_soc"]})


@of_each
def test_export_limits(name: str) -> None:
    told = replies(name).get("/ivp/ss/pel_settings")
    if told and "PEL" in told:
        limit = told.get("PEL_Limit") if told["PEL"] else None
        agree(
            name,
            "export_limit",
            {
                "enabled": told["PEL"],
                "scope": told.get("Export_Limit_Type"),
                "percent": limit if told.get("percent") else None,
                "power": None if told.get("percent") else limit,
                "production_percent": replies(name)["/ivp/sc/pvlimit"]["pv_limit_pct"],
            },
        )
    else:
        assert "export_limit" not in kinds(name)


@of_each
def test_network(name: str) -> None:
    home = replies(name).get("/home")
    assert ("network" in kinds(name)) is bool(home)
    if home:
        link, comm = home["network"], home["comm"]
        expected = {
            "interface": link["primary_interface"],
            "enlighten_connected": link["web_comm"],
            "time_zone": home["timezone"],
            "devices_communicating": comm["num"],
            "inverters_communicating": comm["pcu"]["num"],
            "batteries_communicating": sum(kind["num"] for kind in comm["encharge"]),
        }
        agree(name, "network", expected)


@of_each
def test_sub_units(name: str) -> None:
    for unit in listed(name, "ESUB"):
        expected = {key: unit[key] for key in ("communicating", "operating", "producing")}
        agree(name, f"esub/{unit['serial_num']}", expected | {"firmware": unit["img_pnum_running"]})
    assert ("esub" in kinds(name)) is bool(listed(name, "ESUB"))
