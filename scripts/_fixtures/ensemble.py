"""Renders what else a made-up household's gateway says of its storage system: state, dry contacts, generator."""

from typing import Any

from _fixtures.batteries import battery_image, battery_part, grid_word, inventory, secctrl
from _fixtures.equipment import Contact, Devices, Generator
from _fixtures.household import FIRMWARE_8, Battery, Household

Row = dict[str, Any]

_KINDS = {"ENCHARGE": 13, "ENPOWER": 17, "COLLAR": 27, "C6 COMBINER CONTROLLER": 125, "C6 RGM": 115}
_RATED_POWER = {1: 1280, 2: 1280, 3: 3840, 4: 3540}
_CONTACTS = ("NC1", "NC2", "NO1", "NO2")
_FULL_SETTINGS = (8, 2, 4345)
"""From here on contacts have priorities, and a generator that is not there is not `present`."""


# --- status


def status(home: Household) -> Row:
    """`/ivp/ensemble/status`: all devices by serial number, the batteries together, the relay to the grid."""
    serials = {
        device["serial_num"]: _entry(home, group["type"], device)
        for group in inventory(home)
        for device in group["devices"]
    }
    row: Row = {"inventory": {"serial_nums": serials}}
    if home.version < FIRMWARE_8:
        row |= {"counters": {"api_ecagtInit": 1, "api_ecagtTick": 3118204, "rest_StatusGet": 41}}
    row |= {"secctrl": secctrl(home), "relay": _relay(home)}
    if home.version < FIRMWARE_8:
        row |= {
            "profile": {"message": "Obsolete API, please use ivp/arf/profile"},
            "fakeit": {"fake_inventory_mode": False},
        }
    return row


def _entry(home: Household, group: str, device: Row) -> Row:
    serial = device["serial_num"]
    row: Row = {"device_type": _KINDS[group]}
    if home.version >= FIRMWARE_8:
        row |= {"com_interface_str": "CAN", "device_id": serial}
    row |= {"admin_state": device.get("admin_state", device.get("Device State"))}
    row |= {"admin_state_str": device.get("admin_state_str", "ENCMN_C6_RGM_DEV_CONNECTED")}
    battery = next((battery for battery in home.batteries if battery.serial == serial), None)
    if battery:
        row |= _battery(home, battery)
    image = device.get("img_pnum_running", device.get("fw_version", device.get("FW Version")))
    return (
        row | {"msg_retry_count": 1, "part_number": device["part_num"], "app_fw_version": image} | _submodules(battery)
    )


def _battery(home: Household, battery: Battery) -> Row:
    place = {"phase": battery.phase, "der_index": 2} if home.version >= FIRMWARE_8 else {"phase": 1}
    return {
        "reported_grid_mode": grid_word(home),
        **place,
        "encharge_revision": battery.revision,
        "encharge_capacity": battery.capacity,
        "encharge_rated_power": _RATED_POWER[battery.revision],
        "reported_enc_grid_state": "grid-tied",
    }


def _submodules(battery: Battery | None) -> Row:
    if battery is None:
        return {"submodule_count": 0, "submodules": {}}
    module = {
        "device_type": 16,
        "admin_state": 1,
        "part_number": battery_part(battery),
        "dmir": {"part_number": "", "assembly_number": ""},
        "procload": {"part_number": "490-00158", "assembly_number": battery_image(battery)},
    }
    return {"submodule_count": 1, "submodules": {str(int(battery.serial) + 7000): module}}


def _relay(home: Household) -> Row:
    row: Row = {"mains_admin_state": "closed", "mains_oper_state": "closed"}
    newer = home.version >= FIRMWARE_8
    if newer:
        row |= {"srt12_state": "open", "srt13_state": "open"}
    row |= {"der1_state": 1, "der2_state": int(bool(home.batteries))}
    if newer:
        row |= {"der3_state": 0}
    return row | {
        "Enchg_grid_mode": grid_word(home) if home.batteries else "unknown",
        "Solar_grid_mode": grid_word(home),
    }


# --- dry contacts


def dry_contacts(devices: Devices) -> Row:
    """`/ivp/ensemble/dry_contacts`: all four, used or not, with or without a system controller to have them."""
    used = {contact.id: contact.status for contact in devices.contacts}
    idle = "closed" if devices.controller else "open"
    return {"dry_contacts": [{"id": name, "status": used.get(name, idle)} for name in _CONTACTS]}


def dry_contact_settings(home: Household, devices: Devices) -> Row:
    """`/ivp/ss/dry_contact_settings`: booleans are words there."""
    used = {contact.id: contact for contact in devices.contacts}
    return {"dry_contacts": [_setting(home, name, n + 1, used.get(name)) for n, name in enumerate(_CONTACTS)]}


def _setting(home: Household, name: str, priority: int, contact: Contact | None) -> Row:
    actions = ("apply", "shed", "apply") if contact else ("none",) * 3
    low, high = contact.soc if contact else (30.0, 70.0)
    row: Row = {"id": name, "type": "LOAD" if contact else "NONE"}
    row |= dict(zip(("grid_action", "micro_grid_action", "gen_action"), actions, strict=True))
    if home.version >= _FULL_SETTINGS:
        row |= {"essential_start_time": 28800.0, "essential_end_time": 61200.0}
        row |= {"priority": float(priority), "black_s_start": 5.0}
    row |= {"override": _word(contact is not None and contact.override)}
    if home.version >= _FULL_SETTINGS:
        row |= {"manual_override": _word(contact is not None and contact.mode == "manual")}
    return row | {
        "load_name": contact.load if contact else "",
        "mode": contact.mode if contact else "manual",
        "soc_low": low,
        "soc_high": high,
        "pv_serial_nb": [],
    }


def _word(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return str(value).lower()


# --- generator


def generator(home: Household, devices: Devices) -> Row:
    """`/ivp/ensemble/generator`; where there is none, older firmware still calls it present, of type 0."""
    found = devices.generator
    if found is None:
        there = int(home.version < _FULL_SETTINGS)
        row = {"admin_state": "unknown", "oper_state": "open", "admin_mode": 0, "schedule": 0}
        return row | {"start_soc": 100, "stop_soc": -1, "exc_on": 0, "present": there, "type": 1 - there}
    return {
        "admin_state": "open",
        "oper_state": "open",
        "admin_mode": ("off", "on", "auto").index(found.mode),
        "schedule": 1,
        "start_soc": found.soc[0],
        "stop_soc": found.soc[1],
        "exc_on": 0,
        "present": 1,
        "type": 1,
    }


def gen_config(found: Generator) -> Row:
    """`/ivp/ss/gen_config`."""
    return {
        "max_cont_gen_amps": found.amps,
        "min_gen_loading_perc": 10,
        "max_gen_efficiency_perc": 90,
        "name_plate_rating_wat": found.kilowatts,
        "start_method": "auto",
        "warm_up_mins": 3,
        "cool_down_mins": 4,
        "gen_type": "Standby",
        "model": found.model,
        "manufacturer": found.manufacturer,
        "last_updated_by": "ITK",
        "generator_id": found.id,
        "charge_from_generator": True,
    }


def gen_schedule(found: Generator) -> Row:
    """`/ivp/ss/gen_schedule`: when it may run, and when it is exercised (minutes of the day)."""
    start, stop = found.soc
    period = {"id": "normal_1", "start": 420.0, "duration": 900.0, "start_soc": float(start), "stop_soc": float(stop)}
    days = {"id": "all_days", "week_days": "Mon,Tue,Wed,Thu,Fri,Sat,Sun", "periods": [period | {"setting": "AON"}]}
    return {
        "exercise_config": {"freq_in_weeks": 2, "start": 660, "duration": 15, "day": "Wed"},
        "default_soc": {"start_soc": start, "stop_soc": stop},
        "schedule": {"default": [{"id": "always_on", "start": "1/1", "end": "12/31", "days": [days]}]},
        "last_updated_by": "ITK",
    }
