"""Renders the batteries of a made-up household, and what stands between it and the grid: /ivp/ensemble/."""

from dataclasses import dataclass
from typing import Any

from _fixtures.devices import LONG_AGO
from _fixtures.equipment import AC_BATTERY_WH, Collar, Controller
from _fixtures.household import FIRMWARE_8, Battery, Household

Row = dict[str, Any]

_MODELS = {1: "830-00712-r58", 2: "830-01742-r39", 3: "836-01822-r40", 4: "836-01244-r02"}
_SILENT_FOR = 6 * 86400
_REVISION_ON_CAN = 3
_REVISION_OF_COLLARS = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """Wh that batteries could hold, and Wh that are in them."""

    capacity: int
    energy: int

    @property
    def soc(self) -> int:
        """Percent; 0 where there is nothing, as gateways say it."""
        return round(100 * self.energy / self.capacity) if self.capacity else 0

    def __add__(self, other: "Stored") -> "Stored":
        """Both together."""
        return Stored(self.capacity + other.capacity, self.energy + other.energy)

    @classmethod
    def of_batteries(cls, home: Household) -> "Stored":
        """The IQ batteries that report."""
        here = [battery for battery in home.batteries if not battery.silent]
        energy = sum(battery.capacity * battery.soc // 100 for battery in here)
        return cls(sum(battery.capacity for battery in here), energy)

    @classmethod
    def of_ac_batteries(cls, home: Household) -> "Stored":
        """The AC batteries that were not removed."""
        here = home.present_ac_batteries
        return cls(AC_BATTERY_WH * len(here), sum(battery.energy for battery in here))


def charging_word(watts: float) -> str:
    """What AC batteries do."""
    return "discharging" if watts > 0 else "charging" if watts < 0 else "idle"


def grid_word(home: Household) -> str:
    """How a house is on the grid: with a controller it could also be off it."""
    devices = home.devices
    return "multimode-ongrid" if devices and (devices.controller or devices.collar) else "grid-tied"


# --- inventory


def inventory(home: Household) -> list[Row]:
    """`/ivp/ensemble/inventory`: batteries in °C, the system controller in °F. A group may be empty."""
    devices = home.devices
    controller, collar = (devices.controller, devices.collar) if devices else (None, None)
    if not (home.batteries or controller or collar):
        return []
    groups = [{"type": "ENCHARGE", "devices": [_battery(home, n, each) for n, each in enumerate(home.batteries)]}]
    if controller:
        groups.append({"type": "ENPOWER", "devices": [_controller(home, controller)]})
    if collar:
        groups += _collar_groups(home, collar)
    return groups


def _first_keys(home: Household, part: str, serial: str) -> Row:
    """What a device begins with. Firmware 7 had them in another order."""
    names: Row = {"part_num": part, "installed": home.epoch - LONG_AGO, "serial_num": serial}
    if home.version >= FIRMWARE_8:
        names = {"part_num": part, "serial_num": serial, "installed": home.epoch - LONG_AGO}
    return names | {"device_status": ["envoy.global.ok", "prop.done"]}


def _state(home: Household, code: int, word: str, *, seen: int, image: str) -> Row:
    return {
        "last_rpt_date": seen,
        "admin_state": code,
        "admin_state_str": word,
        "created_date": home.epoch - LONG_AGO,
        "img_load_date": home.epoch - LONG_AGO,
        "img_pnum_running": image,
    }


def _radio(home: Household) -> Row:
    """What firmware 7 told of the radio dongle."""
    return {"zigbee_dongle_fw_version": "100F"} if home.version < FIRMWARE_8 else {}


def _working(home: Household, *, works: bool) -> Row:
    """Firmware 8 no longer says `operating`."""
    said = {"communicating": works}
    return said if home.version >= FIRMWARE_8 else {"operating": works} | said


def _controller(home: Household, controller: Controller) -> Row:
    image = "1.7.5341_rel/22.19" if home.version < FIRMWARE_8 else "3.0.5512_rel/31.02"
    return (
        _first_keys(home, "865-00371-r11", controller.serial)
        | _state(home, 24, "ENPWR_STATE_OPER_CLOSED", seen=home.epoch - 9, image=image)
        | _radio(home)
        | _working(home, works=True)
        | {
            "temperature": controller.fahrenheit,
            "comm_level_sub_ghz": 0,
            "comm_level_2_4_ghz": 0,
            "mains_admin_state": "closed",
            "mains_oper_state": "closed",
            "Enpwr_grid_mode": "multimode-ongrid",
            "Enchg_grid_mode": "multimode-ongrid" if home.batteries else "unknown",
            "Enpwr_relay_state_bm": 2993,
            "Enpwr_curr_state_id": 16,
        }
    )


def battery_state(battery: Battery) -> tuple[int, str]:
    """The state of a battery, as number and word."""
    ready = (63, "ENCMN_MDE_ENCHARGE_READY")
    return ready if battery.revision == _REVISION_OF_COLLARS else (6, "ENCHG_STATE_READY")


def battery_image(battery: Battery) -> str:
    """The firmware of a battery."""
    return {1: "2.0.5611_rel/22.13", 2: "2.6.6120_rel/22.19", 4: "4.5.28"}.get(battery.revision, "3.0.6231_rel/31.02")


def battery_part(battery: Battery) -> str:
    """The part number of a battery."""
    return _MODELS[battery.revision]


def _battery(home: Household, n: int, battery: Battery) -> Row:
    code, word = battery_state(battery)
    seen = home.epoch - (_SILENT_FOR if battery.silent else 31 + 44 * n)
    level = 0 if battery.silent or battery.revision >= _REVISION_ON_CAN else 4
    grid = {} if home.version < FIRMWARE_8 else {"reported_enc_grid_state": "grid-tied"}
    row = (
        _first_keys(home, battery_part(battery), battery.serial)
        | _state(home, code, word, seen=seen, image=battery_image(battery))
        | _radio(home)
        | {"bmu_fw_version": "4.5.28" if battery.revision == _REVISION_OF_COLLARS else "2.1.36"}
        | _working(home, works=not battery.silent)
        | {
            "sleep_enabled": False,
            "percentFull": battery.soc,
            "temperature": battery.celsius,
            "maxCellTemp": battery.celsius + 1,
        }
        | grid
        | {
            "comm_level_sub_ghz": level,
            "comm_level_2_4_ghz": level,
            "led_status": _led(battery),
            "dc_switch_off": False,
            "encharge_rev": battery.revision,
            "encharge_capacity": battery.capacity,
        }
    )
    return row | ({"phase": battery.phase, "der_index": min(n, 1) + 1} if grid else {})


def _led(battery: Battery) -> int:
    """12: charging, 13: discharging, 14: neither."""
    return 13 if battery.watts > 0 else 12 if battery.watts < 0 else 14


def _collar_groups(home: Household, collar: Collar) -> list[Row]:
    collar_row = (
        _first_keys(home, "865-00402-r17", collar.serial)
        | _state(home, 88, "ENCMN_MDE_ON_GRID", seen=home.epoch - 3600, image="3.0.4-D0")
        | {
            "communicating": True,
            "temperature": collar.celsius,
            "mid_state": "close",
            "grid_state": "on_grid",
            "control_error": 0,
            "collar_state": "Installed",
        }
    )
    combiner = {
        "part_num": "800-02405-r06",
        "serial_num": collar.combiner,
        "installed": home.epoch - LONG_AGO,
        "last_rpt_date": home.epoch - 1800,
        "admin_state": 82,
        "admin_state_str": "ENCMN_C6_CC_READY",
        "created_date": home.epoch - LONG_AGO,
        "img_load_date": home.epoch - LONG_AGO,
        "fw_version": "0.1.18-D1",
        "dmir_version": "0.1.18-D1",
        "communicating": True,
    }
    rgm = {
        "part_num": "800-02405-r06",
        "serial_num": collar.rgm,
        "installed": home.epoch - LONG_AGO,
        "FW Version": "2.2.0-D4087",
        "Device State": 80,
    }
    return [
        {"type": "COLLAR", "devices": [collar_row]},
        {"type": "C6 COMBINER CONTROLLER", "devices": [combiner]},
        {"type": "C6 RGM", "devices": [rgm]},
    ]


# --- power and state of charge


def power(home: Household) -> Row:
    """`/ivp/ensemble/power`; the colon in the key is the gateway's."""
    rows = [
        {
            "serial_num": battery.serial,
            "real_power_mw": battery.watts * 1000,
            "apparent_power_mva": battery.watts * 1000,
            "soc": battery.soc,
        }
        for battery in home.batteries
    ]
    return {"devices:": rows}


def secctrl(home: Household) -> Row:
    """`/ivp/ensemble/secctrl`: the batteries together, Wh and percent. A silent one counts as bought, not as usable."""
    bought = sum(battery.capacity for battery in home.batteries)
    own, others = Stored.of_batteries(home), Stored.of_ac_batteries(home)
    everything = own + others
    reserve = home.reserve if bought else 0
    row = {
        "shutdown": False,
        "freq_bias_hz": 0.0,
        "voltage_bias_v": 0.0,
        "configured_backup_soc": reserve,
        "adjusted_backup_soc": reserve,
        "agg_soc": everything.soc,
        "Max_energy": everything.capacity,
        "ENC_agg_soc": own.soc,
        "ENC_agg_soh": 100 if bought else 0,
        "ENC_agg_backup_energy": own.capacity * reserve // 100,
        "ENC_agg_avail_energy": own.energy,
        "Enc_commissioned_capacity": bought,
        "Enc_max_available_capacity": own.capacity,
        "ACB_agg_soc": others.soc,
        "ACB_agg_energy": others.energy,
    }
    if home.version < FIRMWARE_8:  # which knows no more
        return row
    return row | {
        "VLS_Limit": 10,
        "soc_rec_enabled": True,
        "soc_recovery_entry": 0,
        "soc_recovery_exit": 10,
        "Commission_in_progress": False,
        "ESS_in_progress": False,
    }
