"""Households whose gateways show a fault of their firmware that no other household shows."""

from dataclasses import replace

from _fixtures import firmware_3_to_5
from _fixtures.answers import LOGIN_PAGE, NO_METERS, UNAUTHORIZED
from _fixtures.household import Battery, Ct, Household, Inverters, Phase

_OLDER = {home.name: home for home in firmware_3_to_5.HOUSEHOLDS}

HOUSEHOLDS = (
    Household(
        name="r3_9_refused",
        shows="R3.9 refuses the page of the figures and the tariff to everybody; totals and inverters are fine",
        firmware="R3.9.36",
        serial="122011000061",
        part="800-00069-r05",
        time="2023-06-02T15:40:11+00:00",
        imeter=None,
        inverters=Inverters(first=482202061001, count=7, watts=118, peak=226, energy=0),
        totals=(5102, 61044, 20118377, 826),
        instead=NO_METERS | {"/production": UNAUTHORIZED, "/admin/lib/tariff": UNAUTHORIZED},
    ),
    replace(
        _OLDER["m4_2_no_measurement_type"],
        name="m4_2_report_only",
        shows="a consumption section without measurementType where the report is all there is",
        serial="122011000062",
        inverters=Inverters(first=482202062001, count=15, watts=211, peak=250, energy=10877204),
        cts=(
            Ct(
                "production",
                (
                    Phase(1579.118, 40.8, 121.402, 5411877.204, 208.1),
                    Phase(1581.204, 41.1, 121.688, 5414118.771, 209.4),
                ),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(-601.377, -88.2, 121.402, 2204877.118, 3118204.402),
                    Phase(204.118, -79.4, 121.688, 2411204.877, 2877118.331),
                ),
            ),
        ),
        instead=NO_METERS,
    ),
    replace(
        _OLDER["r4_10_split_net"],
        name="r4_10_report_only",
        shows="net lifetime in the report is the import alone, and the report is all there is",
        serial="122011000063",
        inverters=Inverters(first=482202063001, count=12, watts=37, peak=281, energy=20118331),
        instead=NO_METERS,
    ),
    Household(
        name="d7_3_boot_report",
        shows="7.3 while it starts, with the report alone: its meters are active, but zero in everything",
        firmware="D7.3.130",
        serial="122011000064",
        part="800-00555-r03",
        time="2023-11-03T06:50:29+00:00",
        imeter=True,
        inverters=Inverters(first=482202064001, count=6, watts=19, peak=288, energy=301877),
        totals=(0, 0, 0, 0),
        hertz=60.0,
        mode="split",
        cts=(Ct("production", (Phase(), Phase())), Ct("net-consumption", (Phase(), Phase()))),
        instead=NO_METERS,
    ),
    Household(
        name="d8_3_boot_standard",
        shows="8.3 without meters while it starts: totals and the report's sum over the inverters are zero",
        firmware="D8.3.5289",
        serial="122011000065",
        part="800-00656-r06",
        time="2026-04-02T05:31:44+00:00",
        imeter=False,
        inverters=Inverters(first=482202065001, count=3, watts=0, peak=352, energy=0),
        totals=(0, 0, 0, 0),
        instead=NO_METERS | {"/ivp/pdm/device_data": LOGIN_PAGE},
    ),
    Household(
        name="d8_3_storage_phase_zero",
        shows="8.3.6087 now and then: one leg of the storage CT reads zero in everything, the sums are half",
        firmware="D8.3.6087",
        serial="122011000066",
        part="800-00664-r05",
        time="2026-07-11T20:14:53+00:00",
        imeter=True,
        inverters=Inverters(first=482202066001, count=5, watts=61, peak=371, energy=2011877),
        totals=(19402, 151118, 7204377, 305),
        hertz=60.0,
        mode="split",
        cts=(
            Ct(
                "production",
                (Phase(152.204, 9.8, 120.877, 3602118.402, 18.2), Phase(153.118, 10.1, 121.204, 3603204.771, 18.9)),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(88.402, -44.1, 120.871, 1877204.118, 801118.204),
                    Phase(-21.877, -40.8, 121.197, 1688118.377, 788204.331),
                ),
            ),
            Ct("storage", (Phase(), Phase(744.118, -5.2, 121.201, 604118.771, 688204.402))),
        ),
        today=(19420.6, 22118.8),
        lines=2,
        batteries=(
            Battery(serial="492201000661", watts=748, soc=66, celsius=29),
            Battery(serial="492201000662", watts=744, soc=64, celsius=29),
        ),
        instead={"/ivp/pdm/device_data": LOGIN_PAGE},
    ),
)
