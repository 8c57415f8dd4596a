"""What a gateway does to us, and what we do then: over real sockets, with time that runs faster."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from households import FIXTURES, look
from rig import rig, world
from waiting import until

from envoy_bridge.config import Secret
from envoy_bridge.simulator.faults import (
    BothLengths,
    Endless,
    Fault,
    GzipBomb,
    Hang,
    Html,
    Oversized,
    Redirect,
    Reset,
    SlowDrip,
    Status,
    Truncated,
)
from envoy_bridge.simulator.har import Recorded, Recording
from envoy_bridge.simulator.login import PASSWORD, USERNAME

READINGS = "/ivp/meters/readings"
INVERTERS = "/api/v1/production/inverters"
DEVICE_DATA = "/ivp/pdm/device_data"
TOTALS = "/api/v1/production"
THREE_PHASES = "d7_6_three_phase_net"
WITH_DETAILS = "d8_2_split_battery"
OLD = "d5_0_standard"
MANY = look(FIXTURES / "d8_3_many_inverters.har").values
EXPECTED = look(FIXTURES / f"{WITH_DETAILS}.har").values


async def test_polls_one_at_a_time_over_one_connection(tmp_path: Path) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=20) as house:
        await until(lambda: house.count(READINGS) >= 20, within=10)
        seen = house.recorder.values
        assert {key: value for key, value in seen.items() if "availability" not in key} == {
            key: value for key, value in EXPECTED.items() if "availability" not in key
        }
        assert house.gateway.in_flight_max == 1
        assert house.gateway.connections == 1
        assert house.recorder.online == [True]
        assert house.tokens.logins == 1
        assert house.count("/production.json?details=1") == 1, "the meters say it all; it knows of no AC batteries"


async def test_keeps_the_beat_of_the_meters(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, speed=10, fast=1) as house:
        await until(lambda: house.count(READINGS) >= 30)
        times = [request.time for request in house.gateway.requests if request.path == READINGS]
        assert times[-1] - times[0] == pytest.approx(len(times) - 1, abs=0.9)


async def test_a_cached_token_needs_no_cloud(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES) as house:
        await until(lambda: house.recorder.snapshots)
        issued = house.tokens.issued
    (tmp_path / "certificates.json").unlink()  # it is another simulated gateway, with a certificate of its own
    async with rig(tmp_path, THREE_PHASES) as house:
        house.tokens.issued |= issued
        await until(lambda: house.recorder.snapshots)
        assert house.tokens.logins == 0


async def test_a_token_by_hand_needs_no_cloud_and_no_account(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, username=None, password=None, token=Secret("")) as house:
        house.gateway.faults["*"] = Status(503)
        token = house.tokens.issue("122011000012")
    async with rig(tmp_path, THREE_PHASES, username=None, password=None, token=Secret(token)) as house:
        house.tokens.issued.add(token)
        await until(lambda: house.recorder.snapshots)
        assert house.tokens.requests == []


@pytest.mark.parametrize("hanging", [DEVICE_DATA, INVERTERS])
async def test_a_hanging_endpoint_never_delays_the_meters(tmp_path: Path, hanging: str) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=30, fast=5, inverters=60.0) as house:
        await until(lambda: house.recorder.values.get("inverter/482202000091/power") or house.count(DEVICE_DATA))
        house.gateway.faults[hanging] = Hang(85)
        await until(lambda: house.clock.monotonic() > house.gateway.requests[0].time + 150, within=20)
        times = [request.time for request in house.gateway.requests if request.path == READINGS]
        assert max(after - before for before, after in pairwise(times)) < 5 * 1.5
        assert house.recorder.online == [True]
        assert house.recorder.values["production/total/power"]


SPOILT: list[Fault] = [
    Html(),
    Truncated(),
    BothLengths(),
    Reset(),
    Status(500),
    Status(404),
    Redirect("http://127.0.0.1:9/"),
    Oversized(5 * 1024 * 1024),
    Endless(),
    GzipBomb(),
]


@pytest.mark.parametrize("fault", SPOILT, ids=lambda fault: type(fault).__name__)
async def test_an_endpoint_that_lies_costs_what_it_supplies_and_nothing_else(tmp_path: Path, fault: Fault) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=30, inverters=60.0) as house:
        await until(lambda: house.recorder.values.get("production/total/power"), within=10)
        await until(lambda: any(key.startswith("inverter/") for key in house.recorder.values), within=10)
        house.gateway.faults[READINGS] = fault
        await until(lambda: "production/total/power" not in house.recorder.values, within=20)
        assert any(key.startswith("inverter/") for key in house.recorder.values)
        house.gateway.faults.clear()
        await until(lambda: house.recorder.values.get("production/total/power"), within=20)
        assert house.tokens.logins == 1


async def test_a_slow_drip_is_given_up(tmp_path: Path) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=60, inverters=60.0) as house:
        await until(lambda: house.recorder.values.get("production/total/power"))
        house.gateway.faults[DEVICE_DATA] = SlowDrip(1)
        before = house.count(READINGS)
        await until(lambda: house.count(READINGS) > before + 30, within=10)
        assert house.recorder.online == [True]


async def test_a_gateway_that_answers_503_is_left_alone_and_found_again(tmp_path: Path) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=60) as house:
        await until(lambda: house.recorder.values.get("production/total/power"))
        house.gateway.faults["*"] = Status(503)
        begun, before = house.clock.monotonic(), len(house.gateway.requests)
        await until(lambda: house.clock.monotonic() > begun + 600, within=25)
        asked = len(house.gateway.requests) - before
        assert asked <= 10 * 60
        assert house.recorder.online == [True, False]
        assert house.recorder.values == {}
        house.gateway.faults.clear()
        back = house.clock.monotonic()
        await until(lambda: any(key.startswith("inverter/") for key in house.recorder.values), within=10)
        await until(lambda: house.recorder.values.get("production/total/power"), within=10)
        assert house.clock.monotonic() - back < 120
        assert house.recorder.online == [True, False, True]
        assert house.tokens.logins == 1


async def test_after_a_short_outage_the_slow_endpoints_do_not_wait_for_their_beat(tmp_path: Path) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=60) as house:
        await until(lambda: any(key.startswith("inverter/") for key in house.recorder.values))
        house.gateway.faults["*"] = Status(503)
        await until(lambda: house.recorder.online == [True, False], within=10)
        house.gateway.faults.clear()
        back = house.clock.monotonic()
        await until(lambda: any(key.startswith("inverter/") for key in house.recorder.values), within=10)
        assert house.clock.monotonic() - back < 120


async def test_a_gateway_that_refuses_everything_costs_few_logins(tmp_path: Path) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=60) as house:
        await until(lambda: house.recorder.values.get("production/total/power"))
        house.gateway.faults["*"] = Status(401)
        begun, before = house.clock.monotonic(), len(house.gateway.requests)
        await until(lambda: house.clock.monotonic() > begun + 600, within=25)
        assert len(house.gateway.requests) - before <= 10 * 60
        assert house.tokens.logins <= 3
        house.gateway.faults.clear()
        back = house.clock.monotonic()
        await until(lambda: house.recorder.values.get("production/total/power"), within=10)
        assert house.clock.monotonic() - back < 120


async def test_what_is_not_permitted_rests_and_nobody_logs_in(tmp_path: Path) -> None:
    async with rig(tmp_path, WITH_DETAILS, speed=60, inverters=60.0) as house:
        await until(lambda: house.recorder.values.get("production/total/power"))
        house.gateway.faults[DEVICE_DATA] = Status(401)
        before = house.count(DEVICE_DATA)
        begun = house.clock.monotonic()
        await until(lambda: house.clock.monotonic() > begun + 600, within=25)
        assert house.count(DEVICE_DATA) - before <= 2
        assert house.tokens.logins == 1
        assert house.recorder.online == [True]


async def test_a_lost_session_is_opened_again_without_the_cloud(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, speed=60) as house:
        await until(lambda: house.recorder.snapshots)
        begun = house.clock.monotonic()
        await until(lambda: house.clock.monotonic() > begun + 70, within=5)
        house.gateway.faults[READINGS] = Status(401)
        checks = house.count("/auth/check_jwt")
        await until(lambda: house.count("/auth/check_jwt") > checks, within=5)
        house.gateway.faults.clear()
        polls = house.count(READINGS)
        await until(lambda: house.count(READINGS) > polls + 3, within=5)
        assert house.tokens.logins == 1


@pytest.mark.parametrize(("later", "power"), [(THREE_PHASES, "2311.403"), ("d8_3_many_inverters", None)])
async def test_a_firmware_update_in_mid_run(tmp_path: Path, later: str, power: str | None) -> None:
    """Digest becomes token, HTTP becomes HTTPS, other endpoints supply: under the same topics."""
    before, update = world(OLD), _renamed(world(later), world(OLD).serial)
    async with rig(tmp_path, before, speed=60, username=USERNAME, password=Secret(PASSWORD)) as house:
        await until(lambda: house.recorder.values.get("production/total/power") == "3120")
        old_gateway = house.gateway
        await house.replace(update)
        wanted = power or MANY["production/total/power"]
        await until(lambda: house.recorder.values.get("production/total/power") == wanted, within=10)
        assert "firmware_changed" in house.recorder.codes()
        assert {snapshot.serial for snapshot in house.recorder.snapshots} == {before.serial}
        assert house.tokens.logins == 1
        assert old_gateway.leaks == []
        assert house.gateway.leaks == []


def _renamed(recording: Recording, serial: str) -> Recording:
    """The same household with another serial number."""
    replies = {
        path: Recorded(reply.status, reply.mime, reply.body.replace(recording.serial.encode(), serial.encode()))
        for path, reply in recording.replies.items()
    }
    return Recording(serial, recording.firmware, recording.needs_token, replies)


async def test_a_new_certificate_along_with_a_new_firmware_is_accepted_and_told(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, speed=60) as house:
        await until(lambda: house.recorder.snapshots)
        await house.replace(_renamed(world("d8_3_many_inverters"), "122011000012"))
        await until(lambda: "certificate_changed" in house.recorder.codes(), within=10)
        await until(lambda: house.recorder.values.get("production/total/power") == "14476.081", within=10)
        assert house.tokens.logins == 1, "the token is still good"


async def test_another_certificate_with_the_same_firmware_never_sees_the_token(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, speed=60) as house:
        await until(lambda: house.recorder.snapshots)
        await house.gateway.new_certificate()
        await until(lambda: "certificate_changed" in house.recorder.codes(), within=10)
        shown = [request for request in house.gateway.requests if request.token]
        await until(lambda: house.recorder.online == [True, False], within=10)
        assert [request for request in house.gateway.requests if request.token] == shown


async def test_another_serial_is_refused(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, speed=20, serial="122099999999") as house:
        await until(lambda: "wrong_gateway" in house.recorder.codes())
        assert house.recorder.snapshots == []
        assert not any(request.token for request in house.gateway.requests)
        assert house.tokens.requests == []


async def test_digest_reads_inverters_and_more(tmp_path: Path) -> None:
    async with rig(tmp_path, OLD, speed=20) as house:
        await until(lambda: house.recorder.values.get("production/total/power") == "3120")
        await until(lambda: any(key.startswith("inverter/") for key in house.recorder.values))
        assert house.tokens.requests == []


async def test_zeros_after_a_start_are_not_published_and_numbers_are_later(tmp_path: Path) -> None:
    async with rig(tmp_path, "r3_9_boot_zeros", speed=60, slow=10.0) as house:
        await until(lambda: house.recorder.snapshots)
        assert "production/total/power" not in house.recorder.values
        house.gateway.become(_with(world("r3_9_boot_zeros"), TOTALS, world("r3_17_html")))
        await until(lambda: house.recorder.values.get("production/total/energy_lifetime") == "71248913", within=10)


def _with(recording: Recording, path: str, other: Recording) -> Recording:
    replies = {**recording.replies, path: other.replies[path]}
    return Recording(recording.serial, recording.firmware, recording.needs_token, replies)


async def test_stops_at_once_in_the_middle_of_a_slow_answer(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with rig(tmp_path, THREE_PHASES) as house:
        await until(lambda: house.recorder.snapshots)
        house.gateway.faults["*"] = Hang(60)
        house.source.refresh()
        await until(lambda: house.gateway.in_flight)
        begun = loop.time()
    assert loop.time() - begun < 1.5


async def test_a_gateway_that_resets_kept_connections_gets_one_for_each_request(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, speed=20, fast=1) as house:
        await until(lambda: house.recorder.snapshots)
        house.gateway.faults["*"] = Reset(reused=True)
        before = house.count(READINGS)
        await until(lambda: house.count(READINGS) > before + 20)
        later = [request for request in house.gateway.requests if request.path == READINGS][-10:]
        assert len({request.connection for request in later}) == len(later)
        assert all(request.status == 200 for request in later), "none is wasted on a connection that will be reset"
        assert house.recorder.online == [True]


async def test_a_token_is_renewed_in_time_and_nothing_is_missed(tmp_path: Path) -> None:
    life = 1200.0
    async with rig(tmp_path, THREE_PHASES, speed=200, life=life) as house:
        await until(lambda: house.recorder.snapshots)
        born = house.clock.monotonic()
        await until(lambda: house.tokens.logins == 2, within=10)
        assert 0.89 * life <= house.clock.monotonic() - born <= 0.95 * life
        await until(lambda: house.clock.monotonic() - born > life + 60, within=10)
        assert all(request.status == 200 for request in house.gateway.requests if request.path == READINGS)
        assert house.recorder.online == [True]


async def test_a_gateway_that_refuses_tokens_while_it_starts_is_read_as_soon_as_it_does_not(tmp_path: Path) -> None:
    async with rig(tmp_path, THREE_PHASES, speed=60) as house:
        house.gateway.faults["/auth/check_jwt"] = Status(401)
        begun = house.clock.monotonic()
        await until(lambda: house.clock.monotonic() > begun + 240, within=10)
        assert house.recorder.snapshots == []
        house.gateway.faults.clear()
        back = house.clock.monotonic()
        await until(lambda: house.recorder.snapshots, within=10)
        assert house.clock.monotonic() - back < 120
        assert house.tokens.logins == 1, "the token that was refused is tried again; another is not to be had yet"
