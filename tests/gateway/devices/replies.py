"""What a gateway with one of everything replies. Not one number is of a real house."""

from typing import Any

from gateway.devices.told import CONTROL, INVENTORY, LIST, NOW, POWER, REPORT, STATUS, TARIFF

BATTERY, SILENT, CONTROLLER, ACB, INVERTER = (
    "492200000001",
    "492200000002",
    "482200000003",
    "482200000004",
    "482200000005",
)
Q_RELAY, ESUB, COLLAR, COMBINER, RGM = "482200000006", "482200000007", "482200000008", "482200000009", "482200000010"


def battery(serial: str, **changed: Any) -> dict[str, Any]:
    return {
        "serial_num": serial,
        "part_num": "830-1",
        "last_rpt_date": NOW - 60,
        "admin_state_str": "ENCHG_STATE_READY",
        "img_pnum_running": "2.6.1",
        "bmu_fw_version": "2.1.3",
        "communicating": True,
        "operating": True,
        "sleep_enabled": False,
        "percentFull": 41,
        "temperature": 23,
        "maxCellTemp": 24,
        "reported_enc_grid_state": "grid-tied",
        "comm_level_sub_ghz": 4,
        "comm_level_2_4_ghz": 3,
        "led_status": 12,
        "dc_switch_off": False,
        "encharge_capacity": 3500,
    } | changed


def output(serial: str, milliwatts: Any, soc: Any = 43) -> dict[str, Any]:
    return {"serial_num": serial, "real_power_mw": milliwatts, "apparent_power_mva": milliwatts, "soc": soc}


def inventory(*batteries: dict[str, Any]) -> dict[str, Any]:
    return {INVENTORY: [{"type": "ENCHARGE", "devices": list(batteries)}]}


def listed(kind: str, *devices: dict[str, Any]) -> dict[str, Any]:
    return {LIST: [{"type": kind, "devices": list(devices)}]}


def storage(**changed: Any) -> dict[str, Any]:
    """The report's AC batteries."""
    acb = {"type": "acb", "activeCount": 2, "wNow": -140, "whNow": 900, "state": "charging", "percentFull": 36}
    return {REPORT: {"production": [], "consumption": [], "storage": [acb | changed]}}


ENPOWER: dict[str, Any] = {
    "serial_num": CONTROLLER,
    "part_num": "860-1",
    "last_rpt_date": NOW - 61,
    "admin_state_str": "ENPWR_STATE_OPER_CLOSED",
    "img_pnum_running": "1.5.1",
    "communicating": True,
    "operating": True,
    "temperature": 77,
    "comm_level_sub_ghz": 5,
    "comm_level_2_4_ghz": 5,
    "mains_admin_state": "closed",
    "mains_oper_state": "open",
    "Enpwr_grid_mode": "multimode-offgrid",
    "Enchg_grid_mode": "multimode-ongrid",
}
_C6: list[dict[str, Any]] = [
    {
        "type": "COLLAR",
        "devices": [
            {
                "serial_num": COLLAR,
                "part_num": "865-1",
                "last_rpt_date": NOW - 62,
                "admin_state_str": "ENCMN_MDE_ON_GRID",
                "img_pnum_running": "3.0.6",
                "communicating": True,
                "temperature": 41,
                "mid_state": "close",
                "grid_state": "on_grid",
                "control_error": 0,
                "collar_state": "Installed",
            }
        ],
    },
    {
        "type": "C6 COMBINER CONTROLLER",
        "devices": [
            {
                "serial_num": COMBINER,
                "part_num": "800-2",
                "last_rpt_date": NOW - 63,
                "admin_state_str": "ENCMN_C6_CC_READY",
                "fw_version": "0.1.20",
                "communicating": True,
            }
        ],
    },
    {"type": "C6 RGM", "devices": [{"serial_num": RGM, "part_num": "800-3", "FW Version": "2.2", "Device State": 80}]},
]
_LISTED: dict[str, Any] = {"admin_state": 2, "img_pnum_running": "521-1", "communicating": True, "operating": True}
ACB_ROW: dict[str, Any] = _LISTED | {
    "serial_num": ACB,
    "part_num": "800-4",
    "last_rpt_date": str(NOW - 64),
    "sleep_enabled": False,
    "percentFull": 35,
    "maxCellTemp": 19,
    "sleep_min_soc": 20,
    "sleep_max_soc": 30,
    "charge_status": "charging",
}
NSRB: dict[str, Any] = _LISTED | {
    "serial_num": Q_RELAY,
    "part_num": "800-5",
    "last_rpt_date": str(NOW - 65),
    "relay": "closed",
    "reason": "ok",
    "reason_code": 0,
    "forced": False,
    "line-count": 3,
    "line1-connected": True,
    "line2-connected": False,
    "line3-connected": True,
}
ESUB_ROW: dict[str, Any] = _LISTED | {
    "serial_num": ESUB,
    "part_num": "800-6",
    "last_rpt_date": str(NOW - 66),
    "producing": False,
}
PCU: dict[str, Any] = _LISTED | {"serial_num": INVERTER, "producing": True, "phase": "ph-b"}

_CONTACT: dict[str, Any] = {
    "id": "NC1",
    "type": "LOAD",
    "grid_action": "apply",
    "micro_grid_action": "shed",
    "gen_action": "none",
    "essential_start_time": 28800.0,
    "essential_end_time": 64830.0,
    "priority": 1.0,
    "black_s_start": 5.0,
    "override": "false",
    "manual_override": "true",
    "load_name": "Pool pump",
    "mode": "soc",
    "soc_low": 30.0,
    "soc_high": 70.0,
}

EVERYTHING: dict[str, Any] = {
    INVENTORY: [
        {"type": "ENCHARGE", "devices": [battery(BATTERY), battery(SILENT, communicating=False, percentFull=17)]},
        {"type": "ENPOWER", "devices": [ENPOWER]},
        *_C6,
    ],
    POWER: {"devices:": [output(BATTERY, -512500, 42), output(SILENT, 0, 17)]},
    CONTROL: {
        "agg_soc": 40,
        "Max_energy": 6000,
        "ENC_agg_soc": 42,
        "ENC_agg_avail_energy": 1470,
        "ENC_agg_backup_energy": 700,
        "Enc_max_available_capacity": 3500,
        "ACB_agg_soc": 36,
        "ACB_agg_energy": 900,
        "configured_backup_soc": 20,
        "adjusted_backup_soc": 25,
    },
    STATUS: {"inventory": {"serial_nums": {BATTERY: {"encharge_rated_power": 1280}, CONTROLLER: {"device_type": 17}}}},
    LIST: [
        {"type": "PCU", "devices": [PCU]},
        {"type": "ACB", "devices": [ACB_ROW]},
        {"type": "NSRB", "devices": [NSRB]},
        {"type": "ESUB", "devices": [ESUB_ROW]},
    ],
    **storage(),
    "/admin/lib/acb_config": {"acb_sleep": [{"serial_num": ACB, "sleep_min_soc": 20, "sleep_max_soc": 30}]},
    "/api/v1/production/inverters": [
        {
            "serialNumber": INVERTER,
            "lastReportDate": NOW - 300,
            "devType": 1,
            "lastReportWatts": 211,
            "maxReportWatts": 300,
        },
        {"serialNumber": ACB, "lastReportDate": NOW - 300, "devType": 11, "lastReportWatts": 3, "maxReportWatts": 262},
    ],
    "/ivp/peb/devstatus": {
        "pcu": {
            "fields": ["serialNumber", "temperature", "acPowerINmW", "acVoltageINmV", "dcVoltageINmV", "dcCurrentINmA"],
            "values": [[INVERTER, 31, 210500, 239100, 34200, 6200]],
        }
    },
    "/installer/pcu_comm_check": {INVERTER: 4},
    "/ivp/ensemble/dry_contacts": {
        "dry_contacts": [{"id": "NC1", "status": "closed"}, {"id": "NO2", "status": "open"}]
    },
    "/ivp/ss/dry_contact_settings": {"dry_contacts": [_CONTACT, _CONTACT | {"id": "NO2", "type": "NONE"}]},
    "/ivp/ss/gen_config": {
        "max_cont_gen_amps": 60.0,
        "name_plate_rating_wat": 18.5,
        "start_method": "auto",
        "warm_up_mins": 5,
        "cool_down_mins": 4,
        "gen_type": "Standby",
        "model": "X-1",
        "manufacturer": "Maker",
        "charge_from_generator": True,
    },
    "/ivp/ensemble/generator": {
        "admin_state": "open",
        "oper_state": "closed",
        "start_soc": 30,
        "stop_soc": 70,
        "exc_on": 0,
    },
    "/ivp/ss/gen_mode": {"gen_cmd": "auto"},
    "/ivp/ss/gen_schedule": {"exercise_config": {"freq_in_weeks": 3, "start": 945, "duration": 20, "day": "Sat"}},
    TARIFF: {
        "tariff": {
            "storage_settings": {
                "mode": "self-consumption",
                "operation_mode_sub_type": "prioritize-energy",
                "reserved_soc": 20.0,
                "very_low_soc": 5,
                "charge_from_grid": False,
                "opt_schedules": True,
            }
        }
    },
    "/ivp/ss/pel_settings": {
        "PEL": True,
        "Hard_PEL": False,
        "Soft_PEL": True,
        "Export_Limit_Type": "Aggregate",
        "percent": False,
        "apparent": False,
        "PEL_Limit": 5000.0,
    },
    "/ivp/sc/pvlimit": {"enable": False, "pv_limit_pct": 100},
    "/home": {
        "timezone": "Europe/Vienna",
        "tariff": "single_rate",
        "network": {
            "web_comm": True,
            "last_enlighten_report_time": NOW - 90,
            "primary_interface": "wlan0",
            "interfaces": [
                {"interface": "eth0", "type": "ethernet", "signal_strength": 0, "signal_strength_max": 1},
                {"interface": "wlan0", "type": "wifi", "signal_strength": 4, "signal_strength_max": 5, "ip": None},
            ],
        },
        "comm": {
            "num": 3,
            "level": 5,
            "pcu": {"num": 1, "level": 5},
            "acb": {"num": 1, "level": 5},
            "nsrb": {"num": 1, "level": 4},
            "encharge": [{"num": 1, "level": 4}],
        },
    },
}
