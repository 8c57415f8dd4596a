"""What the public notes on Growatt's OpenAPI v1, and those who use it, show of its answers; names and serials made up.

The vendor's library describes calls, not answers; the answers are in the shape that its users have met.
"""

import asyncio
import math
from dataclasses import dataclass

from handclock import HandClock


@dataclass(frozen=True)
class Skipping(HandClock):
    """A clock for days of simulated time: waiting takes none, and the hands are as far as they should be."""

    async def sleep(self, seconds: float) -> None:
        if seconds == math.inf:
            await asyncio.Event().wait()
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


METHODS = {
    "plant_list": "plant/list",
    "plant_details": "plant/details",
    "plant_energy_overview": "plant/data",
    "plant_energy_history": "plant/energy",
    "device_list": "device/list",
    "min_energy": "device/tlx/tlx_last_data",
    "min_detail": "device/tlx/tlx_data_info",
    "min_energy_history": "device/tlx/tlx_data",
    "sph_detail": "device/mix/mix_data_info",
    "sph_energy": "device/mix/mix_last_data",
    "sph_energy_history": "device/mix/mix_data",
}
"""The document's methods that read from the cloud, and what each asks. It has none for `plant/power`."""

SETTING = (
    "tlxSet",
    "mixSet",
    "readMinParam",
    "readMixParam",
    "tlx_set",
    "write_parameter",
    "read_parameter",
    "time_segment",
)
"""What its other methods ask, or are called: they set something in the inverter, or reach through to it."""

SERVER_URL = "https://openapi.growatt.com/v1/"
"""The default, says the document. Its code puts `v1/` behind that once more."""

OVERVIEW = b"""{"data": {"peak_power_actual": 20, "monthly_energy": "15.7", "last_update_time": "2018-12-13 11:06:34",
"current_power": 0, "timezone": "GMT+8", "yearly_energy": "15.7", "today_energy": "0.4", "carbon_offset": "9.4",
"efficiency": "", "total_energy": "15.7"}, "error_code": 0, "error_msg": ""}"""

POWERS = b"""{"data": {"count": 4, "powers": [{"time": "2018-12-13 10:45", "power": 7903.39990234375},
{"time": "2018-12-13 10:40", "power": 7689.7001953125}, {"time": "2018-12-13 10:50", "power": null},
{"time": "2018-12-13 10:35", "power": "null"}]}, "error_code": 0, "error_msg": ""}"""

ENERGY_DAYS = b"""{"data": {"count": 3, "time_unit": "day", "energys": [{"date": "2018-12-12", "energy": "0"},
{"date": "2018-12-13", "energy": 7.599999904632568}, {"date": "2018-12-14", "energy": ""}]}, "error_code": 0}"""
ENERGY_MONTHS = b'{"data": {"count": 1, "energys": [{"date": "2018-12", "energy": "19.3"}]}, "error_code": 0}'
ENERGY_YEARS = b'{"data": {"count": 1, "energys": [{"date": "2018", "energy": "56"}]}, "error_code": 0}'

MIN_NOW = b"""{"data": {"pac": 2503.8, "ppv": 2558.7, "ppv1": 1500.7, "ppv2": 1058, "ppv3": 0.0, "ppv4": 0.0,
"vpv1": 258.6000061035156, "vpv2": 9.899999618530273, "vpv3": 0, "ipv1": 5.800000190734863, "ipv3": 0.0,
"pac1": 2530.699951171875, "pac2": 0.0, "pac3": 0.0, "vac1": 239.5, "vac2": 0, "vac3": 0, "iac1": 10.699999809265137,
"iac2": 0.0, "iac3": 0.0, "fac": 50.0099983215332, "eacToday": 21.600000381469727, "eacTotal": 1859.5,
"epv1Today": 13.199999809265137, "epv1Total": 926.6, "epv3Today": 0.0, "epv3Total": 0.0, "epvTotal": 1833.0,
"echargeToday": 0.0, "echargeTotal": 0.0, "edischargeToday": 0.0, "edischargeTotal": 0.0, "bmsSoc": 0, "bdc1Soc": 0,
"bdc1ChargePower": 0.0, "bdc1DischargePower": 0.0, "pacToUserTotal": 0.0, "pacToGridTotal": 0.0, "etoUserToday": 0.0,
"etoUserTotal": 0.0, "etoGridToday": 0.0, "etoGridTotal": 0.0, "pacToLocalLoad": 0.0, "elocalLoadToday": 0.0,
"elocalLoadTotal": 0.0, "eex1Today": -0.1, "pex1": -0.1, "temp1": 47.79999923706055, "batSn": "", "tlxBean": null,
"status": 1, "statusText": "Normal", "lost": true, "time": "2022-04-09 14:52:39"}, "dataloggerSn": "XGD0000000",
"tlx_sn": "MIN0000001", "error_code": 0, "error_msg": ""}"""

SPH_NOW = b"""{"data": {"pac": "2503.8", "ppv": "1058", "soc": "100", "bmsSOC": 100, "pcharge1": "0",
"pdischarge1": "16.5", "echarge1Today": "0.2", "echarge1Total": "6113.2", "edischarge1Today": "0.4",
"edischarge1Total": "5540.6", "etoUserToday": "0", "etoUserTotal": "11991.1", "etoGridToday": "0.3",
"etogridTotal": "2293", "pacToGridTotal": "38.6", "pacToUserTotal": "0", "plocalLoadTotal": "0",
"elocalLoadTotal": "26980.8", "vbat": "56.70000076293945", "vac1": "219.89999389648438", "status": 5,
"statusText": "PV Bat Online", "time": "2022-04-09 14:52:39"}, "dataloggerSn": "XGD0000000", "mix_sn": "SPH0000001",
"error_code": 0, "error_msg": ""}"""

JAVA_DATE = {"date": 12, "hours": 16, "minutes": 46, "month": 3, "seconds": 22, "time": 1649753182000, "year": 122}
"""`lastUpdateTime` of `tlx_data_info`: months from 0, years from 1900."""

NO_DEVICES = b'{"data": {"count": 1, "devices": []}, "error_code": 0, "error_msg": ""}'
OTHER_ENVELOPE = b'{"data": null, "code": 102, "message": "FREQUENTLY_ACCESS"}'
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Login</title></head><body></body></html>"
