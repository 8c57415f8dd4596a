"""`demo --clouds`, and that all of them tell of one household."""

import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from households import FIXTURES
from program import running
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.demo_clouds import CloudTerminal
from envoy_bridge.model import Snapshot
from envoy_bridge.simulator.clouds.house import CloudHouse, zone_at
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.household import Household
from envoy_bridge.simulator.live import DAY
from envoy_bridge.sinks.base import CloudMessage

HOUSE = "d8_3_three_phase_battery_pv3p"
TODAY = re.compile(r"^cloud (\w+) +\w+ +\d+: .*today (?:\(DC\) )?(\d+) Wh", re.MULTILINE)


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


async def test_each_cloud_has_a_line_and_all_tell_the_same_energy(tmp_path: Path) -> None:
    async with running(tmp_path, "demo", "--clouds") as demo:
        await until(lambda: len(dict(TODAY.findall(demo.out))) == 4, 25)
        told = {name: float(energy) for name, energy in TODAY.findall(demo.out)}
        assert set(told) == {"enlighten", "tigo", "growatt", "locus"}
        assert min(told.values()) > 1000
        assert max(told.values()) < min(told.values()) * 1.25, "Enlighten is a quarter of an hour late"
        await demo.stop()
        assert re.search(
            r"Requests to the clouds: \d+ to enlighten, \d+ to tigo, \d+ to growatt, \d+ to locus", demo.out
        )


def test_the_clouds_house_is_the_gateways() -> None:
    recording, start = Recording.from_har(FIXTURES / f"{HOUSE}.har"), 1_750_000_200
    house = CloudHouse.of(recording, start, hour=12.0, day=DAY)
    moment = Household(house.equipment, start=start, hour=12.0, pace=1.0).first()
    made = []
    for _ in range(300):
        made.append(sum(moment.powers["production"]).real)
        moment = Household(house.equipment, start=start, hour=12.0, pace=1.0).after(moment)
    mean = sum(made) / len(made)
    assert abs(house.production(datetime.fromtimestamp(start, UTC)) - mean) < 0.02 * mean


def test_it_is_the_hour_of_the_household_in_the_zone_of_the_clouds() -> None:
    for hours in range(24):
        now = 1_750_000_000 + 3600 * hours
        local = datetime.fromtimestamp(now, ZoneInfo(zone_at(now, 10.5)))
        assert 9.9 <= local.hour + local.minute / 60 <= 11.1


def test_on_a_terminal_the_lines_stand_below_the_gateway() -> None:
    screen = Screen()
    view = CloudTerminal(screen)
    view.cloud(CloudMessage(topic="cloud/tigo/status", body={"state": "ok"}, retain=True))
    time = datetime.fromtimestamp(Clock().wall(), UTC)
    site = {"site": Measured(power_dc=3512.4, energy_today_dc=20431.0)}
    view.snapshot(Snapshot(serial="cloud/tigo/1", time=time, cloud=site))
    assert screen.getvalue() == ""
    for _ in range(2):
        view.snapshot(Snapshot(serial="122011000025", time=time))
    assert (
        screen.getvalue()
        .rstrip()
        .splitlines()[-1]
        .endswith("cloud tigo      ok        1: power (DC) 3512 W, today (DC) 20431 Wh")
    )
    assert "\033[3A" in screen.getvalue(), "the cloud's line is drawn over, too"
    assert view.cycles == 2
