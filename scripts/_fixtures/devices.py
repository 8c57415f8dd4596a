"""Renders the devices of a made-up household: inverters, and batteries with what belongs to them."""

from itertools import islice
from typing import Any

from _fixtures.household import Battery, Ct, Household, Inverters, Phase, Reading

Row = dict[str, Any]

_LIMIT = 50
_PCU, _METER = 0x21000100, 0x2A000100
_REPORT_EVERY, _MEASURED_FOR = 300, 900
_LONG_AGO = 40 * 86400


def channel_eid(eid: int, n: int) -> int:
    """The number of the n-th channel of a device."""
    return eid + 0x40000011 + n


# --- inverters


def inverter_list(home: Household) -> list[Row]:
    """`/api/v1/production/inverters`; firmware 3 gives no devType."""
    typed = home.version[0] > 3  # noqa: PLR2004 - see above
    rows = [
        {"serialNumber": serial, "lastReportDate": _last_report(home, n)}
        | ({"devType": 1} if typed else {})
        | {"lastReportWatts": watts, "maxReportWatts": peak}
        for n, (serial, watts, peak) in enumerate(home.inverters)
    ]
    return rows + [
        {
            "serialNumber": serial,
            "lastReportDate": home.epoch - 1200,
            "devType": 11,
            "lastReportWatts": 3,
            "maxReportWatts": 262,
        }
        for serial in _acb_serials(home.inverters)
    ]


def _acb_serials(inverters: Inverters) -> list[str]:
    return [str(inverters.first + 90000 + n) for n in range(inverters.acb)]


def _last_report(home: Household, n: int) -> int:
    """Each inverter reports at its own moment; the last ones of the list may have fallen silent."""
    ago = 17 + n * 83 % _REPORT_EVERY
    return home.epoch - ago - (3 * 86400 if n >= home.inverters.count - home.inverters.silent else 0)


def device_data(home: Household) -> Row:
    """`/ivp/pdm/device_data`: fifty devices at most, the meters among them, removed inverters first."""
    meters = [ct for ct in home.cts if ct.kind in ("production", "net-consumption", "total-consumption")]
    present = [_pcu(home, n, *inverter) for n, inverter in enumerate(home.inverters)]
    gone = [_gone(home, n) for n in range(home.inverters.gone)]
    batteries = [_device("acb", serial, [{}], here=True) for serial in _acb_serials(home.inverters)]
    room = _LIMIT - len(meters)
    devices = {
        str(_PCU + 256 * n): _numbered(device, _PCU + 256 * n)
        for n, device in enumerate(islice([*gone, *present, *batteries], room))
    }
    for n, ct in enumerate(meters):
        devices[str(_METER + 256 * n)] = _numbered(_meter(home, ct, n + 1), _METER + 256 * n)
    return devices | {"deviceCount": len(devices), "deviceDataLimit": _LIMIT}


def _gone(home: Household, n: int) -> Row:
    """A removed inverter: an empty entry, but the last of them left its last words."""
    serial = str(home.inverters.first - 100 - n)
    last = n == home.inverters.gone - 1
    words = _pcu(home, n, serial, 41, home.inverters.peak, silent_for=_LONG_AGO)["channels"] if last else []
    return _device("pcu", serial, words, here=False)


def _device(kind: str, serial: str, channels: list[Row], *, here: bool) -> Row:
    return {"devName": kind, "sn": serial, "active": here, "modGone": not here, "channels": channels or [{}]}


def _numbered(device: Row, eid: int) -> Row:
    """The device with its channels' numbers, and zeros for what a channel does not tell."""
    silent: Row = {
        "created": 0,
        "wattHours": {"today": 0, "yesterday": 0, "week": 0},
        "watts": {"now": 0, "nowUsed": 0, "max": 0},
        "lastReading": {},
        "lifetime": {},
    }
    channels = []
    for n, channel in enumerate(device["channels"]):
        row = {"chanEid": channel_eid(eid, n)} | silent | channel
        if row["lastReading"]:
            row["lastReading"] = {"eid": row["chanEid"]} | row["lastReading"]
        channels.append(row)
    return device | {"channels": channels}


def _pcu(home: Household, n: int, serial: str, watts: int, peak: int, *, silent_for: int = 0) -> Row:
    seen = _last_report(home, n) - silent_for
    energy = home.inverters.energy // home.inverters.count + n * 137
    millivolts = _line_millivolts(home) + n * 31 % 900
    channel = {
        "created": seen,
        "wattHours": {"today": 4 * watts, "yesterday": 5 * peak, "week": 33 * peak},
        "watts": {"now": watts, "nowUsed": 0, "max": peak},
        "lastReading": {
            "interval_type": 0,
            "endDate": seen,
            "duration": _MEASURED_FOR,
            "flags": 0,
            "flags_hex": "0x0000000000000000",
            "joulesProduced": watts * _MEASURED_FOR,
            "acVoltageINmV": millivolts,
            "acFrequencyINmHz": int(home.hertz * 1000) + 12,
            "dcVoltageINmV": 34150 + n * 53 % 700,
            "dcCurrentINmA": watts * 1_000_000 // 33170,
            "channelTemp": 19 + watts // 13,
            "pwrConvErrSecs": 0,
            "pwrConvMaxErrCycles": 0,
            "joulesUsed": 0,
            "leadingVArs": 0,
            "laggingVArs": 21,
            "acCurrentInmA": watts * 1_000_000 // millivolts,
            "l1NAcVoltageInmV": 0,
            "l2NAcVoltageInmV": 0,
            "l3NAcVoltageInmV": 0,
            "rssi": 104,
            "issi": 72,
        },
        "lifetime": {"createdTime": home.epoch - _LONG_AGO, "duration": 9_630_000, "joulesProduced": energy * 3600},
    }
    return _device("pcu", serial, [channel], here=True)


def _line_millivolts(home: Household) -> int:
    """What an inverter measures: two legs of split phase, else a phase to neutral."""
    volts = next((ct.phases[0].volts for ct in home.cts if ct.phases[0].volts > 90), 230.0)  # noqa: PLR2004 - or it is noise
    return int(volts * 1000) * (2 if home.mode == "split" else 1)


def _meter(home: Household, ct: Ct, n: int) -> Row:
    channels = [_meter_channel(home, phase) if ct.enabled else {} for phase in ct.phases]
    padded = [*channels, {}, {}, {}][:4]
    return _device("eim", f"{home.serial}EIM{n}", padded, here=True) | {"modGone": True}


def _meter_channel(home: Household, phase: Phase) -> Row:
    reading = Reading.of(phase)
    sums = {
        "wh_dlvd_cum": int(phase.delivered),
        "varh_lead_cum": int(0.07 * phase.delivered),
        "varh_lag_cum": int(0.21 * phase.delivered),
        "vah_cum": int(1.16 * (phase.delivered + phase.received)),
    }
    ends = home.epoch // _MEASURED_FOR * _MEASURED_FOR
    return {
        "created": ends,
        "watts": {"now": int(phase.watts), "nowUsed": 0, "max": 4000},
        "lastReading": {"interval_type": 0, "endDate": ends, "duration": _MEASURED_FOR, "curr_w": int(phase.watts)}
        | sums
        | {
            "rms_mvolt": int(reading.volts * 1000),
            "rms_mamp": int(reading.amps * 1000),
            "freq_mhz": int(home.hertz * 1000),
            "wh_pos": int(phase.delivered),
            "wh_neg": int(phase.received),
        },
        "lifetime": {"createdTime": home.epoch - _LONG_AGO, "duration": 9_630_000} | sums,
    }


# --- batteries


def inventory(home: Household) -> list[Row]:
    """`/ivp/ensemble/inventory`: batteries in °C, and what stands between house and grid, in °F."""
    if not home.batteries:
        return []
    controller = {
        "part_num": "865-00371-r11",
        "serial_num": f"48221100{home.serial[-4:]}",
        "installed": home.epoch - _LONG_AGO,
        "device_status": ["envoy.global.ok", "prop.done"],
        "last_rpt_date": home.epoch - 9,
        "admin_state": 24,
        "admin_state_str": "ENPWR_STATE_OPER_CLOSED",
        "created_date": home.epoch - _LONG_AGO,
        "img_load_date": home.epoch - _LONG_AGO,
        "img_pnum_running": "3.0.5512_rel/31.02",
        "communicating": True,
        "temperature": 79,
        "comm_level_sub_ghz": 0,
        "comm_level_2_4_ghz": 0,
        "mains_admin_state": "closed",
        "mains_oper_state": "closed",
        "Enpwr_grid_mode": "multimode-ongrid",
        "Enchg_grid_mode": "multimode-ongrid",
    }
    batteries = [_battery(home, n, battery) for n, battery in enumerate(home.batteries)]
    return [{"type": "ENCHARGE", "devices": batteries}, {"type": "ENPOWER", "devices": [controller]}]


def _battery(home: Household, n: int, battery: Battery) -> Row:
    return {
        "part_num": "836-01822-r40",
        "serial_num": battery.serial,
        "installed": home.epoch - _LONG_AGO,
        "device_status": ["envoy.global.ok", "prop.done"],
        "last_rpt_date": home.epoch - 31 - 44 * n,
        "admin_state": 6,
        "admin_state_str": "ENCHG_STATE_READY",
        "created_date": home.epoch - _LONG_AGO,
        "img_load_date": home.epoch - _LONG_AGO,
        "img_pnum_running": "3.0.6231_rel/31.02",
        "bmu_fw_version": "3.8.41",
        "communicating": True,
        "sleep_enabled": False,
        "percentFull": battery.soc,
        "temperature": battery.celsius,
        "maxCellTemp": battery.celsius + 1,
        "reported_enc_grid_state": "grid-tied",
        "comm_level_sub_ghz": 4,
        "comm_level_2_4_ghz": 4,
        "led_status": 13 if battery.watts > 0 else 12,
        "dc_switch_off": False,
        "encharge_rev": 2,
        "encharge_capacity": battery.capacity,
        "phase": battery.phase,
        "der_index": n + 1,
    }


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
    """`/ivp/ensemble/secctrl`: the batteries together, Wh and percent."""
    capacity = sum(battery.capacity for battery in home.batteries)
    stored = sum(battery.capacity * battery.soc // 100 for battery in home.batteries)
    soc = round(100 * stored / capacity) if capacity else 0
    reserve = home.reserve if capacity else 0
    return {
        "shutdown": False,
        "freq_bias_hz": 0.0,
        "voltage_bias_v": 0.0,
        "configured_backup_soc": reserve,
        "adjusted_backup_soc": reserve,
        "agg_soc": soc,
        "Max_energy": capacity,
        "ENC_agg_soc": soc,
        "ENC_agg_soh": 100 if capacity else 0,
        "ENC_agg_backup_energy": capacity * reserve // 100,
        "ENC_agg_avail_energy": stored,
        "Enc_commissioned_capacity": capacity,
        "Enc_max_available_capacity": capacity,
        "ACB_agg_soc": home.acb_row.get("percentFull", 0),
        "ACB_agg_energy": home.acb_row.get("whNow", 0),
        "VLS_Limit": 10,
        "soc_rec_enabled": True,
        "soc_recovery_entry": 0,
        "soc_recovery_exit": 10,
        "Commission_in_progress": False,
        "ESS_in_progress": False,
    }
