"""The examples of Enlighten's own documents, also where they contradict their text, and errors in all known forms."""

ENERGY_LIFETIME = b"""{
"start_date": "2013-01-01", "system_id": 66, "production": [15422, 15421, 17118, 18505, 18511, 18487],
"meter_start_date": "2013-02-15",
"meta": {"status": "normal", "last_report_at": 1445619615, "last_energy_at": 1445619033, "operational_at": 1357023600}
}"""
"""The meter starts after the end of the series."""

ENVOYS = b"""{
"system_id": 67, "envoys": [
{"envoy_id": 512, "last_report_at": 1308008107, "name": "Envoy 010731000003", "part_number": "800-00002-r00",
"serial_number": "010731000003", "status": "normal"},
{"envoy_id": 841, "last_report_at": null, "name": "Envoy 010814000001", "part_number": "910-10000-r01",
"serial_number": "010814000001", "status": "normal"}
]}"""
"""The second one never reported, and is normal."""

STATS = b"""{
"system_id": 67, "total_devices": 35, "intervals": [
{"end_at": 1384122600, "devices_reporting": 35, "powr": 173, "enwh": 14},
{"end_at": 1384122900, "devices_reporting": 35, "powr": 258, "enwh": 22},
{"end_at": 1384123200, "devices_reporting": 34, "powr": 308, "enwh": 26}
],
"meta": {"status": "normal", "last_report_at": 1384123300, "last_energy_at": 1384123200, "operational_at": 1357023600}
}"""
"""Energies that are not the powers times five minutes: they are rounded by themselves."""

RGM_STATS = b"""{
"system_id": 66, "total_devices": 2, "intervals": [
{"end_at": 1384122700, "devices_reporting": 2, "wh_del": 1172.0},
{"end_at": 1384123600, "devices_reporting": 2, "wh_del": 1144.5}],
"meter_intervals": [{"meter_serial_number": "090101000201", "envoy_serial_number": "010731000003", "intervals": [
{"channel": 1, "end_at": 1384122700, "wh_del": 586.0, "curr_w": 2344},
{"channel": 2, "end_at": 1384122700, "wh_del": 586.0, "curr_w": 2344},
{"channel": 1, "end_at": 1384123600, "wh_del": 572.25, "curr_w": 2289},
{"channel": 2, "end_at": 1384123600, "wh_del": null, "curr_w": null}]}],
"meta": {"status": "normal", "last_report_at": 1384123700, "last_energy_at": 1384123600, "operational_at": 1357023600}
}"""
"""Intervals "at the top of the hour" that end 100 seconds after a quarter."""

SUMMARY = b"""{
"system_id": 67, "current_power": 271, "energy_today": 30030, "energy_lifetime": 71280000, "modules": 12,
"size_w": 2520, "operational_at": 1201362300, "source": "microinverters", "status": "power",
"summary_date": "2011-06-13", "last_report_at": 1308008107, "last_interval_end_at": 1308007800
}"""

INVENTORY = b"""{
"system_id": 67, "inverters": [{"sn": "110206000001", "model": "M210"}, {"sn": "110206000002", "model": "M210"}],
"meters": [{"sn": "090101000201", "manufacturer": "Itron", "model": "C1SR"}]
}"""
"""Without `sku` and `meta`, which the table requires."""

INVERTERS_SUMMARY = b"""[{"signal_strength": 5, "micro_inverters": [
{"id": 1059689835, "serial_number": "110206000001", "model": "M215", "part_number": "800-00103-r05",
"sku": "M215-60-2LL-S22", "status": "normal", "power_produced": {"value": 121, "units": "W", "precision": 0},
"energy": {"value": 471, "units": "Wh", "precision": 0}, "param_table": "540-00016-r01-v01.00.01",
"proc_load": "520-00005-r00-v01.00.00", "grid_profile": null, "envoy_serial_number": "010731000003",
"last_report_date": 1384122700},
{"id": 1059689836, "serial_number": "110206000002", "model": "M215", "status": "weathered",
"power_produced": {"value": 1.21, "units": "kW", "precision": 2},
"energy": {"value": 1695.6, "units": "kJ", "precision": 1}, "envoy_serial_number": "010731000003",
"last_report_date": "2013-11-10T22:31:40Z"},
{"id": 1059689837, "serial_number": "110206000003", "status": "normal",
"power_produced": {"value": 3, "units": "BTU/h", "precision": 0}, "energy": {"value": null, "units": "Wh"},
"last_report_date": "2013-11-10"},
{"id": 1059689838, "serial_number": "110206000004", "status": "retired",
"power_produced": {"value": 0, "units": "W", "precision": 0}, "energy": {"value": 9, "units": "Wh", "precision": 0}}
]}]"""
"""A list at the top; the second one in kJ, of a status that nobody knows."""

METER_READINGS = b"""{
"system_id": 66, "meter_readings": [
{"serial_number": "090101000101", "value": 12361512, "read_at": 1380632700},
{"serial_number": "090101000201", "value": 54321, "read_at": 1473901200}],
"meta": {"status": "normal", "last_report_at": 1473902079, "last_energy_at": 1473901755, "operational_at": 1357023600}
}"""
"""The first one is retired."""

REFUSED = b'{"reason": 401, "message": ["Not authorized to access requested resource"]}'

THROTTLED = b"""{
"reason": "409", "message": ["Usage limit exceeded for plan Watt"], "period": "minute",
"period_start": 1384122660, "period_end": 1384122720, "limit": 10
}"""

TOO_LATE = b"""{
"reason": 422, "message": "Requested start is later than the last reported interval", "errorMessages": ["too late"],
"start_at": 1384200000, "end_at": 1384210000, "first_interval": 1357023600, "last_interval": 1384123200
}"""
"""The message is a text here."""

UNAVAILABLE = b'{"errorCode": 7, "errorMessages": ["Data temporarily unavailable."]}'

NOT_FOUND = b"""{"reason": "404", "errorMessages": ["Couldn't find System"]}"""

# Version 4, as public notes have it.

IMPORT = b"""{
"system_id": 1765, "granularity": "day", "total_devices": 0, "start_at": 1384122600, "end_at": 1384124400,
"items": "intervals", "intervals": [
[{"end_at": 1384123500, "wh_imported": 40}, {"end_at": 1384124400, "wh_imported": 24}]]
}"""
"""A list of lists, and no devices."""

METER_TELEMETRY = b"""{
"system_id": 1765, "total_devices": 2, "intervals": [{"end_at": 1384123500, "devices_reporting": 2, "wh_del": 25},
{"end_at": 1384124400, "devices_reporting": 1, "powr": 100, "enwh": 25}]
}"""
"""One interval as the specification has it, one as an example file has it."""

BATTERY = b"""{
"system_id": 1765, "total_devices": 1, "intervals": [
{"end_at": 1384123500, "charge": {"enwh": 12, "devices_reporting": 1}, "discharge": {"enwh": 0, "devices_reporting": 1},
"soc": {"percent": 87, "devices_reporting": 1}},
{"end_at": 1384124400, "charge": {"enwh": null}, "discharge": null, "soc": {"percent": 88}}],
"last_reported_aggregate_soc": "88%"
}"""

THROTTLED_V4 = b'{"message": "Too Many Requests", "details": "Usage limit exceeded for plan Watt", "code": "429"}'
"""Without a period, and with a code that is a text."""

UNKNOWN_METHOD_V4 = b'{"reason": "501", "message": ["Not implemented"]}'

MISMATCH_V4 = b'{"message": "Not Authorized", "details": "API Key -Client mismatch", "code": 401}'

TOO_LATE_V4 = b"""{
"message": "Unprocessable Entity", "details": "{:first_interval=>1357023600, :last_interval=>1384123200}", "code": 422
}"""
"""A Ruby hash in a text: nothing to read a number from."""
