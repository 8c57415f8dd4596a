"""Renders what measures production in a made-up household: inverters, and device_data with the meters in it."""

from itertools import islice
from typing import Any

from _fixtures.household import Ct, Household, Phase, Reading

Row = dict[str, Any]

PCU = 0x21000100
"""The number of the first inverter."""
LONG_AGO = 40 * 86400
"""Seconds since things were installed."""

_LIMIT = 50
_METER = 0x2A000100
_REPORT_EVERY, _MEASURED_FOR = 300, 900


def channel_eid(eid: int, n: int) -> int:
    """The number of the n-th channel of a device."""
    return eid + 0x40000011 + n


# --- inverters


def inverter_list(home: Household) -> list[Row]:
    """`/api/v1/production/inverters`; firmware 3 gives no devType."""
    typed = home.version[0] > 3  # noqa: PLR2004 - see above
    rows = [
        {"serialNumber": serial, "lastReportDate": last_report(home, n)}
        | ({"devType": 1} if typed else {})
        | {"lastReportWatts": watts, "maxReportWatts": peak}
        for n, (serial, watts, peak) in enumerate(home.inverters)
    ]
    return rows + [
        {
            "serialNumber": battery.serial,
            "lastReportDate": home.epoch - 1200,
            "devType": 11,
            "lastReportWatts": 3,
            "maxReportWatts": 262,
        }
        for battery in home.present_ac_batteries
    ]


def last_report(home: Household, n: int) -> int:
    """Each inverter reports at its own moment; the last ones of the list may have fallen silent."""
    ago = 17 + n * 83 % _REPORT_EVERY
    return home.epoch - ago - (3 * 86400 if n >= home.inverters.count - home.inverters.silent else 0)


def device_data(home: Household) -> Row:
    """`/ivp/pdm/device_data`: fifty devices at most, the meters among them, removed inverters first."""
    meters = [ct for ct in home.cts if ct.kind in ("production", "net-consumption", "total-consumption")]
    present = [_pcu(home, n, *inverter) for n, inverter in enumerate(home.inverters)]
    gone = [_gone(home, n) for n in range(home.inverters.gone)]
    batteries = [_device("acb", battery.serial, [{}], here=True) for battery in home.present_ac_batteries]
    room = _LIMIT - len(meters)
    devices = {
        str(PCU + 256 * n): _numbered(device, PCU + 256 * n)
        for n, device in enumerate(islice([*gone, *present, *batteries], room))
    }
    for n, ct in enumerate(meters):
        devices[str(_METER + 256 * n)] = _numbered(_meter(home, ct, n + 1), _METER + 256 * n)
    return devices | {"deviceCount": len(devices), "deviceDataLimit": _LIMIT}


def _gone(home: Household, n: int) -> Row:
    """A removed inverter: an empty entry, but the last of them left its last words."""
    serial = gone_serial(home, n)
    last = n == home.inverters.gone - 1
    words = _pcu(home, n, serial, 41, home.inverters.peak, silent_for=LONG_AGO)["channels"] if last else []
    return _device("pcu", serial, words, here=False)


def gone_serial(home: Household, n: int) -> str:
    """The serial number of the n-th removed inverter."""
    return str(home.inverters.first - 100 - n)


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
    seen = last_report(home, n) - silent_for
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
        "lifetime": {"createdTime": home.epoch - LONG_AGO, "duration": 9_630_000, "joulesProduced": energy * 3600},
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
        "lifetime": {"createdTime": home.epoch - LONG_AGO, "duration": 9_630_000} | sums,
    }
