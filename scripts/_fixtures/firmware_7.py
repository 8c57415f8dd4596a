"""Households with firmware 7: the first that asks for a token."""

from _fixtures.answers import EMPTY_LIST, LOGIN_PAGE, NO_METERS, UNAUTHORIZED
from _fixtures.equipment import Devices, Network, QRelay
from _fixtures.household import Ct, Household, Inverters, Phase

HOUSEHOLDS = (
    Household(
        name="d7_3_report_only",
        shows="metered, but /ivp/meters is not there: production and consumption from the report alone, no phases",
        firmware="D7.3.130",
        serial="122011000007",
        part="800-00555-r03",
        time="2023-10-07T09:14:31+00:00",
        imeter=True,
        inverters=Inverters(first=482202007001, count=11, watts=87, peak=291, energy=288114),
        totals=(1318, 88420, 4108802, 944),
        hertz=60.0,
        mode="split",
        cts=(
            Ct(
                "production",
                (Phase(478.204, -14.2, 120.418, 2054911.206, 31.8), Phase(479.313, -13.9, 120.977, 2054218.907, 30.2)),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(711.45, -402.1, 120.43, 4610118.334, 601244.871),
                    Phase(204.266, -377.8, 120.99, 3877420.012, 688109.418),
                ),
            ),
        ),
        today=(1331.4, 6204.8),
        sorted_report=True,
        instead=NO_METERS,
    ),
    Household(
        name="d7_3_production_ct_only",
        shows="the production CT is enabled, the net CT is not: no consumption of any kind is known",
        firmware="D7.3.130",
        serial="122011000008",
        part="800-00647-r10",
        time="2023-09-14T20:31:02+00:00",
        imeter=True,
        inverters=Inverters(first=482202008001, count=14, watts=248, peak=297, energy=744902),
        totals=(13104, 164220, 3871144, 3502),
        hertz=60.0,
        mode="split",
        cts=(
            Ct(
                "production",
                (Phase(1741.118, 12.4, 120.866, 1935501.14, 0.29), Phase(1745.602, 11.9, 121.073, 1936204.418, 0.31)),
                flags=("production-imbalance",),
            ),
            Ct("net-consumption", (Phase(0.0, 0.0, 120.881), Phase(0.0, 0.0, 121.08)), enabled=False),
        ),
        today=(13428.9, 0.0),
        instead={"/ivp/ensemble/power": LOGIN_PAGE, "/ivp/ensemble/secctrl": LOGIN_PAGE},
    ),
    Household(
        name="d7_3_early_standard",
        shows="early 7.x without meters refuses the report with a valid token; the totals are fine",
        firmware="D7.0.88",
        serial="122011000009",
        part="800-00656-r06",
        time="2023-03-28T13:05:20+00:00",
        imeter=False,
        inverters=Inverters(first=482202009001, count=9, watts=204, peak=288, energy=0),
        totals=(6120, 48117, 1920443, 1831),
        instead={
            "/production.json?details=1": LOGIN_PAGE,
            "/production.json": LOGIN_PAGE,
            "/production": LOGIN_PAGE,
            "/ivp/meters": EMPTY_LIST,
            "/ivp/ensemble/inventory": UNAUTHORIZED,
            "/ivp/ensemble/power": LOGIN_PAGE,
            "/ivp/ensemble/secctrl": LOGIN_PAGE,
        },
    ),
    Household(
        name="d7_6_cts_disabled",
        shows="metered with both CTs disabled: readings are noise, the totals zero, the inverters' sum is right",
        firmware="D7.6.175",
        serial="122011000010",
        part="800-00654-r08",
        time="2023-09-02T11:44:50+00:00",
        imeter=True,
        inverters=Inverters(first=482202010001, count=8, watts=141, peak=286, energy=918220),
        totals=(0, 0, 0, 1104),
        cts=(
            Ct(
                "production",
                (Phase(604.118, 122.3, 234.816, 2811402.118, 7204.33),),
                (Phase(0.0, 0.0, 5.417), Phase(-1.208, 0.2, 10.662)),
                enabled=False,
                flags=("negative-production",),
            ),
            Ct(
                "net-consumption",
                (Phase(-41.377, -588.2, 234.79, 3304118.907, 1488203.112),),
                (Phase(-0.0, 0.0, 3.114), Phase(-0.512, 0.1, 4.904)),
                enabled=False,
            ),
        ),
        today=(3877.4, 16220.0),
        devices=Devices(),
    ),
    Household(
        name="d7_6_single_phase",
        shows="one phase of a three-phase meter at night: channels 2 and 3 are noise, -0.7 W and minus zero",
        firmware="D7.6.185",
        serial="122011000011",
        part="800-00654-r08",
        time="2023-11-12T22:31:17+00:00",
        imeter=True,
        inverters=Inverters(first=482202011001, count=6, watts=0, peak=293, energy=61208),
        totals=(0, 38114, 2118402, 0),
        cts=(
            Ct(
                "production",
                (Phase(-0.704, 81.2, 237.911, 2118402.771, 1604.218),),
                (Phase(-0.0, 0.0, 6.904, 0.011, 7120.4), Phase(-0.081, 0.1, 1.312, 0.0, 10977.2)),
            ),
            Ct(
                "net-consumption",
                (Phase(488.602, -402.8, 237.702, 2011377.904, 940112.338),),
                (Phase(0.0, 0.0, 3.118, 0.0, 988.4), Phase(-0.344, 0.1, 8.204, 0.0, 5104.9)),
            ),
        ),
        today=(0.8, 71.4),
    ),
    Household(
        name="d7_6_three_phase_net",
        shows="three phases, net CT: imports on L1 while exporting on L2; the report has lines; two Q-Relays, one open",
        firmware="D7.6.175",
        serial="122011000012",
        part="800-00654-r08",
        time="2023-08-30T10:03:22+00:00",
        imeter=True,
        inverters=Inverters(first=482202012001, count=15, watts=154, peak=291, energy=6204118),
        totals=(5204, 71882, 6218377, 2298),
        cts=(
            Ct(
                "production",
                (
                    Phase(771.204, 31.8, 231.204, 2077118.402, 1.204),
                    Phase(769.318, 32.4, 232.118, 2071204.771, 1.188),
                    Phase(770.881, 30.9, 230.677, 2070877.118, 1.191),
                ),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(412.877, -188.4, 231.21, 1404118.204, 901204.118),
                    Phase(-604.118, -92.3, 232.12, 601877.331, 1377204.802),
                    Phase(-88.402, -41.7, 230.68, 588204.119, 1402118.377),
                ),
            ),
        ),
        today=(5231.6, 6877.2),
        lines=3,
        devices=Devices(
            q_relays=(
                QRelay(serial="482202108001"),
                QRelay(serial="482202108002", state="open", reason=(12, "grid-lost"), lines=(True, True, False)),
            ),
            network=Network(zone="Europe/Amsterdam"),
        ),
    ),
)
