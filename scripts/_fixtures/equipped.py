"""Households that show devices: batteries without a CT of their own, AC batteries alone, a generator."""

from _fixtures.equipment import AcBattery, Contact, Controller, Devices, Generator, Network, Storage
from _fixtures.household import Battery, Ct, Household, Inverters, Phase

HOUSEHOLDS = (
    Household(
        name="d7_6_battery_no_storage_ct",
        shows="firmware 7 with batteries and a net CT alone: that they discharge, only they themselves tell",
        firmware="D7.6.185",
        serial="122011000029",
        part="800-00555-r03",
        time="2023-10-19T01:12:33+00:00",
        imeter=True,
        inverters=Inverters(first=482202029001, count=8, watts=15, peak=288, energy=1877204),
        totals=(14204, 88118, 6204877, 120),
        hertz=60.0,
        mode="split",
        cts=(
            Ct(
                "production",
                (Phase(61.204, 24.1, 121.118, 3102118.204, 4.1), Phase(60.402, 23.8, 121.377, 3101877.331, 4.4)),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(22.118, -141.2, 121.121, 2204877.118, 1204118.377),
                    Phase(-14.604, -138.8, 121.38, 1877118.204, 1377204.118),
                ),
            ),
        ),
        today=(14228.1, 17204.6),
        batteries=(
            Battery(serial="492201000291", watts=402, soc=71, capacity=3360, celsius=27, revision=1),
            Battery(serial="492201000292", watts=398, soc=69, capacity=3360, celsius=26, revision=1),
        ),
        reserve=30,
        devices=Devices(
            controller=Controller(serial="482211000029", fahrenheit=83),
            contacts=(Contact(id="NC2", load="Dryer", status="open", mode="soc", soc=(40.0, 60.0)),),
            storage=Storage(mode="economy"),
            network=Network(interface="wlan0", zone="US/Pacific", hours=-7),
            live=True,
        ),
    ),
    Household(
        name="d8_2_battery_no_storage_ct",
        shows="batteries charge beside a net CT alone; one of the three fell silent days ago; exports are limited",
        firmware="D8.2.4345",
        serial="122011000030",
        part="800-00654-r08",
        time="2025-05-08T10:41:07+00:00",
        imeter=True,
        inverters=Inverters(first=482202030001, count=10, watts=320, peak=364, energy=4118204),
        totals=(9204, 118377, 4204118, 3201),
        cts=(
            Ct("production", (Phase(3204.377, 41.2, 233.118, 4203877.118, 210.4),)),
            Ct("net-consumption", (Phase(-118.204, -88.1, 233.121, 2877118.204, 1011377.402),)),
        ),
        today=(9231.8, 4118.2),
        lines=1,
        meter_reports=True,
        batteries=(
            Battery(serial="492201000301", watts=-904, soc=64, celsius=24, revision=3),
            Battery(serial="492201000302", watts=-896, soc=65, celsius=25, revision=3),
            Battery(serial="492201000303", watts=0, soc=47, celsius=19, revision=3, silent=True),
        ),
        reserve=5,
        devices=Devices(
            storage=Storage(plans=True), network=Network(interface="wlan0", hours=2), export_limit=70.0, live=True
        ),
    ),
    Household(
        name="d8_2_acb_only",
        shows="AC batteries without IQ batteries: two charge, one sleeps, one was removed",
        firmware="D8.2.4382",
        serial="122011000031",
        part="800-00654-r08",
        time="2024-12-03T11:20:48+00:00",
        imeter=True,
        inverters=Inverters(first=482202031001, count=6, watts=134, peak=251, energy=14118204),
        totals=(1204, 21877, 14204118, 806),
        cts=(
            Ct("production", (Phase(802.118, -12.4, 231.204, 14203877.331, 1204.8),)),
            Ct("net-consumption", (Phase(-61.402, -104.2, 231.21, 9204118.377, 4118204.771),)),
        ),
        today=(1211.7, 2877.4),
        lines=1,
        ac_batteries=(
            AcBattery(serial="482202107001", watts=-142, soc=41, celsius=19),
            AcBattery(serial="482202107002", watts=-138, soc=38, celsius=20),
            AcBattery(serial="482202107003", soc=24, celsius=14, sleep=(20, 30)),
            AcBattery(serial="482202107004", soc=0, celsius=0, removed=True),
        ),
        devices=Devices(network=Network(hours=1)),
    ),
    Household(
        name="d8_3_generator",
        shows="a generator at rest and dry contacts in use; the group of batteries is there, and empty",
        firmware="D8.3.5169",
        serial="122011000032",
        part="800-00664-r05",
        time="2026-05-29T18:05:16+00:00",
        imeter=True,
        inverters=Inverters(first=482202032001, count=9, watts=316, peak=371, energy=3118377),
        totals=(14118, 121204, 3204877, 2841),
        hertz=60.0,
        mode="split",
        cts=(
            Ct(
                "production",
                (Phase(1420.204, 8.4, 122.118, 1602118.204, 5.2), Phase(1421.877, 8.8, 122.604, 1603204.118, 5.4)),
            ),
            Ct(
                "net-consumption",
                (
                    Phase(-604.118, -41.2, 122.121, 1804118.377, 901204.118),
                    Phase(-307.877, -52.8, 122.601, 2204877.204, 688118.402),
                ),
            ),
        ),
        today=(14132.4, 11204.8),
        lines=2,
        meter_reports=True,
        reserve=0,
        devices=Devices(
            controller=Controller(serial="482211000032", fahrenheit=88),
            contacts=(
                Contact(id="NC1", load="Pool pump/Sauna", override=True),
                Contact(id="NC2", load="Water heater", mode="soc", soc=(35.0, 65.0)),
                Contact(id="NO1", load="Car", status="open", override=True),
            ),
            generator=Generator(
                id="302201000321", manufacturer="Dynamo", model="DX-18 (18kW)", kilowatts=18.0, amps=70.0, soc=(25, 80)
            ),
            network=Network(interface="ppp0", zone="US/Central", hours=-5, reported=False),
            esub="482211000132",
            live=True,
        ),
    ),
)
