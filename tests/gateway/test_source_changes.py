"""What changes while the daemon runs: firmware, address, the hour of the night, the speed of the box, what is live."""

from itertools import pairwise
from pathlib import Path

from households import FIXTURES, look
from rig import Rig, rig, world
from waiting import until

from envoy_bridge.simulator.announce import Announcement
from envoy_bridge.simulator.faults import Hang, Stall

READINGS = "/ivp/meters/readings"
DEVICE_DATA = "/ivp/pdm/device_data"
METERED = "d8_2_split_battery"
NO_STORAGE_CT = "d8_2_battery_no_storage_ct"
STREAM = "/stream/meter"
LIVE = "/ivp/livedata/status"
EXPECTED = {name: look(FIXTURES / f"{name}.har").values for name in (METERED, NO_STORAGE_CT)}


def asked(house: Rig, path: str) -> list[float]:
    """When a path was asked, by the clock."""
    return [request.time for request in house.gateway.requests if request.path.partition("?")[0] == path]


async def test_all_devices_come_in_after_the_flows(tmp_path: Path) -> None:
    expected = EXPECTED[NO_STORAGE_CT]
    async with rig(tmp_path, NO_STORAGE_CT, speed=20) as house:
        await until(lambda: house.recorder.values.keys() == expected.keys(), within=10)
        first = house.recorder.snapshots[0]
        assert first.production is not None
        assert not first.devices.get("battery"), "the first values do not wait for the devices"
        assert house.gateway.in_flight_max == 1
        assert "battery.power" in house.recorder.infos[-1]["sources"]
        assert house.recorder.infos[-1]["not_permitted"] == ["comm_check", "device_status"]


async def test_one_endpoint_that_hangs_for_85_seconds_costs_the_meters_nothing(tmp_path: Path) -> None:
    """As at eleven at night. One second is a tenth of one here."""
    async with rig(tmp_path, METERED, speed=10, fast=1.0, inverters=60.0) as house:
        await until(lambda: house.recorder.values.get("battery/total/soc"), within=10)
        before = {key: value for key, value in house.recorder.values.items() if key.startswith("inverter/")}
        house.gateway.faults[DEVICE_DATA] = Stall(85.0, house.clock)
        start = house.clock.monotonic()
        await until(lambda: house.clock.monotonic() > start + 130, within=20)
        beats = [time for time in asked(house, READINGS) if time > start]
        assert max(later - former for former, later in pairwise(beats)) < 2.9, "the meters do not wait for it"
        assert len(beats) >= 126
        tried = [time for time in asked(house, DEVICE_DATA) if start < time < start + 85]
        assert 1 <= len(tried) <= 4
        assert house.recorder.online == [True]
        after = {key: value for key, value in house.recorder.values.items() if key.startswith("inverter/")}
        assert {key for key in before if key not in after} == set()


async def test_batteries_are_found_when_they_are_installed(tmp_path: Path) -> None:
    """What has nothing to tell rests for a day, and is then asked again. A day is 18 seconds here."""
    empty = world("d8_3_total_ct")
    async with rig(tmp_path, empty, speed=4800, fast=600.0, slow=3600.0, inverters=7200.0) as house:
        await until(lambda: asked(house, "/ivp/ensemble/inventory"), within=10)
        assert not any(key.startswith("battery/") for key in house.recorder.values)
        assert len(asked(house, "/ivp/ensemble/inventory")) == 1
        replies = {**empty.replies, **{path: world(METERED).replies[path] for path in ENSEMBLE}}
        house.gateway.become(type(empty)(empty.serial, empty.firmware, empty.needs_token, replies))
        await until(lambda: house.recorder.values.get("battery/total/soc"), within=40)


ENSEMBLE = ("/ivp/ensemble/inventory", "/ivp/ensemble/power", "/ivp/ensemble/secctrl", "/ivp/ensemble/status")


async def test_a_slow_box_is_asked_less_often_and_as_often_as_before_when_it_recovers(tmp_path: Path) -> None:
    async with rig(tmp_path, METERED, speed=10, fast=1.0) as house:
        await until(lambda: house.recorder.values.get("production/total/power"), within=10)
        assert house.recorder.infos[-1]["slowed_down"] == {}
        house.gateway.faults[READINGS] = Hang(1.5)
        await until(lambda: house.recorder.infos[-1]["slowed_down"].get(READINGS, 0) >= 4, within=10)
        assert house.recorder.online == [True]
        house.gateway.faults.clear()
        await until(lambda: READINGS not in house.recorder.infos[-1]["slowed_down"], within=10)
        start = house.clock.monotonic()
        await until(lambda: len([time for time in asked(house, READINGS) if time > start]) > 10, within=3)


async def test_a_new_address_is_found_by_the_serial_number(tmp_path: Path) -> None:
    async with rig(tmp_path, METERED, speed=2, fast=1.0) as house:
        await until(lambda: house.recorder.values.get("battery/total/soc"), within=10)
        serial = world(METERED).serial
        await house.gateway.move("127.0.0.2", port=0, https_port=0)
        async with Announcement(serial, "127.0.0.2", port=house.gateway.https_port):
            snapshots = len(house.recorder.snapshots)
            await until(lambda: "address_changed" in house.recorder.codes(), within=40)
            await until(lambda: len(house.recorder.snapshots) > snapshots + 2, within=10)
        assert house.recorder.values["production/total/power"] == EXPECTED[METERED]["production/total/power"]
        assert house.tokens.logins == 1, "the token is good at the new address too"
        assert (tmp_path / "addresses.json").exists()


async def test_live_data_wakes_the_gateway_and_fills_what_no_ct_tells(tmp_path: Path) -> None:
    async with rig(tmp_path, NO_STORAGE_CT, speed=10, live_data=True) as house:
        await until(lambda: house.recorder.values.get("storage/total/power") == "-1800", within=10)
        assert house.recorder.infos[-1]["sources"]["storage"] == LIVE
        assert house.recorder.infos[-1]["sources"]["production"] == READINGS, "what a CT tells stays as it is"
        posts = [request for request in house.gateway.requests if request.method == "POST"]
        assert len(posts) == 1


async def test_live_data_that_stands_still_is_no_longer_known(tmp_path: Path) -> None:
    async with rig(tmp_path, NO_STORAGE_CT, speed=20, live_data=True) as house:
        house.gateway.live_data.lasts = 20.0
        await until(lambda: house.recorder.values.get("storage/total/power"), within=10)
        house.gateway.faults["/ivp/livedata/stream"] = Hang()
        await until(lambda: "storage/total/power" not in house.recorder.values, within=15)
        assert house.recorder.values.get("production/total/power"), "the rest goes on"


async def test_the_stream_of_the_meters_is_for_installers_on_new_firmware(tmp_path: Path) -> None:
    async with rig(tmp_path, METERED, speed=10, meter_stream=True) as house:
        await until(lambda: house.recorder.values.get("battery/total/soc"), within=10)
        assert not asked(house, STREAM), "the token is an owner's: it is not even asked"
        assert "meter_stream" in house.recorder.infos[-1]["not_permitted"]


async def test_the_stream_brings_a_reading_each_second(tmp_path: Path) -> None:
    async with rig(tmp_path, METERED, speed=10, fast=60.0, role="installer", meter_stream=True) as house:
        await until(lambda: "network/interface" in house.recorder.values, within=10)
        start, before = house.clock.monotonic(), len(house.recorder.snapshots)
        await until(lambda: len(house.recorder.snapshots) > before + 20, within=10)
        assert 10 < house.clock.monotonic() - start < 30
        expected = EXPECTED[METERED]
        seen = house.recorder.values
        for name in ("production/total/power", "net_consumption/l1/power", "production/total/energy_lifetime"):
            assert abs(float(seen[name]) - float(expected[name])) < 0.5
        house.gateway.faults[STREAM] = Hang()
        await house.gateway.drop_connections()
        await until(lambda: "production/l1/voltage" in house.recorder.values, within=15)
        assert house.recorder.online == [True], "the readings go on without it"


async def test_an_installer_is_told_more(tmp_path: Path) -> None:
    async with rig(tmp_path, "d7_6_three_phase_net", speed=20, role="installer") as house:
        await until(lambda: asked(house, "/ivp/peb/devstatus"), within=10)
        assert "device_status" not in house.recorder.infos[-1]["not_permitted"]


async def test_slow_endpoints_are_read_even_at_one_second(tmp_path: Path) -> None:
    """A report that always takes two seconds is let finish once it is known to be that slow."""
    async with rig(tmp_path, METERED, speed=10, fast=1.0) as house:
        house.gateway.faults["/ivp/ensemble/inventory"] = Hang(2.0)
        await until(lambda: house.recorder.values.get("battery/total/soc"), within=20)
        assert house.recorder.online == [True]
