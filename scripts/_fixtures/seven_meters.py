"""Households with the firmware 8.3 that lists seven meters, and its faults."""

from _fixtures.answers import NO_METERS
from _fixtures.equipment import Collar, Controller, Devices, Network, Storage
from _fixtures.household import Battery, Ct, Household, Inverters, Phase, seven

HOUSEHOLDS = (
    Household(
        name="d8_3_collar_pf_sum",
        shows="a collar; seven meters: power factors added up, a third line of zeros, today equal to lifetime",
        firmware="D8.3.1598",
        serial="122011000017",
        part="800-00664-r05",
        time="2025-07-22T17:08:28+00:00",
        imeter=True,
        inverters=Inverters(first=482202017001, count=5, watts=331, peak=372, energy=88204),
        totals=(0, 0, 0, 0),
        hertz=60.0,
        mode="split",
        cts=seven(
            Ct(
                "production",
                (Phase(828.118, 81.2, 120.771, 42118.204, 7.1), Phase(826.402, 80.7, 119.904, 42204.877, 7.3)),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(1204.377, -122.4, 120.771, 51204.118, 11877.402),
                    Phase(677.118, -211.8, 119.904, 62118.771, 7204.118),
                ),
            ),
            Ct(
                "storage",
                (Phase(-611.204, 2.4, 120.812, 1204.118, 9118.402), Phase(-608.877, 1.8, 119.977, 1188.204, 9104.771)),
            ),
            Ct(
                "backfeed",
                (Phase(216.914, 83.6, 120.79, 34203.92, 204.118), Phase(217.525, 82.5, 119.941, 34288.31, 211.377)),
            ),
            Ct("evse", (Phase(-14.118, 0.0, 0.0, 120.402, -18.204), Phase()), enabled=False),
        ),
        lines=3,
        batteries=(
            Battery(serial="492201000171", watts=-612, soc=71, celsius=31, revision=4),
            Battery(serial="492201000172", watts=-608, soc=73, celsius=32, revision=4),
        ),
        devices=Devices(
            collar=Collar(serial="482221000017", combiner="482222000017", rgm="482223000017"),
            storage=Storage(plans=True),
            network=Network(interface="wlan0", zone="US/Eastern", hours=-4),
            live=True,
        ),
        summed_pf=True,
        today_is_lifetime=True,
        zero_meter=True,
    ),
    Household(
        name="d8_3_total_ct",
        shows="total CT from 8.3.5433 on: the report repeats net as total, the readings are right; removed inverters",
        firmware="D8.3.5433",
        serial="122011000018",
        part="800-00555-r03",
        time="2026-05-16T14:27:11+00:00",
        imeter=True,
        inverters=Inverters(first=482202018001, count=4, watts=183, peak=301, energy=6118204, gone=5),
        totals=(0, 2118, 5204118, 1877),
        hertz=60.0,
        mode="split",
        cts=seven(
            Ct(
                "production",
                (Phase(366.204, 201.8, 121.404, 4204118.331, 0.04), Phase(368.118, 202.4, 121.488, 4206877.204, 0.03)),
            ),
            Ct(
                "total-consumption",
                (Phase(618.377, 88.4, 121.411, 5877204.118, 101.8), Phase(402.771, 61.2, 121.492, 5204118.902, 61.4)),
            ),
        ),
        lines=3,
        devices=Devices(network=Network(zone="US/Pacific", hours=-7)),
        total_is_net=True,
        summed_pf=True,
        today_is_lifetime=True,
        zero_meter=True,
    ),
    Household(
        name="d8_3_total_ct_report_only",
        shows="the same fault where the report is all there is: total is net, power factors summed, a dead third line",
        firmware="D8.3.5433",
        serial="122011000019",
        part="800-00555-r03",
        time="2026-05-16T14:44:02+00:00",
        imeter=True,
        inverters=Inverters(first=482202019001, count=3, watts=275, peak=303, energy=4877118),
        totals=(0, 1877, 4118204, 1402),
        hertz=60.0,
        mode="split",
        cts=(
            Ct(
                "production",
                (Phase(411.877, 188.2, 121.204, 3118204.771, 0.04), Phase(413.204, 189.1, 121.377, 3120118.402, 0.03)),
            ),
            Ct(
                "total-consumption",
                (Phase(1204.118, 91.4, 121.211, 4204877.118, 88.2), Phase(318.402, 44.7, 121.381, 3877118.204, 51.7)),
            ),
        ),
        lines=3,
        total_is_net=True,
        summed_pf=True,
        today_is_lifetime=True,
        instead=NO_METERS,
    ),
    Household(
        name="d8_3_three_phase_battery_pv3p",
        shows="three phases with everything: net, storage, a foreign inverter, a car, a heat pump",
        firmware="D8.3.5433",
        serial="122011000025",
        part="800-00654-r08",
        time="2026-06-18T08:30:00+00:00",
        imeter=True,
        inverters=Inverters(first=482202025001, count=18, watts=337, peak=366, energy=9118204),
        totals=(11204, 188402, 9204118, 6011),
        cts=seven(
            Ct(
                "production",
                (
                    Phase(2021.204, 38.2, 231.404, 3068204.118, 118.204),
                    Phase(2018.877, 37.9, 232.118, 3067118.331, 117.877),
                    Phase(2024.402, 38.8, 230.877, 3069402.771, 119.118),
                ),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(204.118, -44.2, 231.404, 1204118.377, 1877204.118),
                    Phase(-1211.204, -88.1, 232.118, 688204.771, 2204118.402),
                    Phase(-611.877, -61.4, 230.877, 801377.204, 2011204.877),
                ),
            ),
            Ct(
                "storage",
                (
                    Phase(-604.118, 4.1, 231.41, 704118.204, 881204.377),
                    Phase(-602.877, 4.4, 232.12, 703877.118, 880118.204),
                    Phase(-606.204, 3.9, 230.88, 705204.331, 882377.118),
                ),
            ),
            Ct(
                "load",
                (
                    Phase(-311.204, 101.8, 231.4, 0.118, 411204.377),
                    Phase(-308.877, 102.2, 232.11, 0.121, 409118.204),
                    Phase(-312.118, 100.9, 230.87, 0.119, 412877.331),
                ),
            ),
            Ct(
                "evse",
                (
                    Phase(-1384.204, 31.2, 231.39, 0.204, 1204118.402),
                    Phase(0.0, 0.0, 232.1, 0.0, 604877.118),
                    Phase(0.0, 0.0, 230.86, 0.0, 603118.204),
                ),
            ),
            Ct(
                "pv3p",
                (
                    Phase(288.118, 8.2, 231.4, 404118.204, 12.118),
                    Phase(289.204, 8.4, 232.11, 405204.877, 12.204),
                    Phase(287.877, 8.1, 230.87, 403877.118, 12.377),
                ),
            ),
        ),
        lines=3,
        batteries=(
            Battery(serial="492201000251", watts=-605, soc=58, celsius=23, phase="ph-a", revision=3),
            Battery(serial="492201000252", watts=-603, soc=57, celsius=24, phase="ph-b", revision=3),
            Battery(serial="492201000253", watts=-606, soc=58, celsius=23, phase="ph-c", revision=3),
        ),
        devices=Devices(
            controller=Controller(serial="482211000025"),
            network=Network(zone="Europe/Berlin"),
            export_limit=60.0,
            live=True,
        ),
        summed_pf=True,
        today_is_lifetime=True,
        zero_meter=True,
    ),
)
