"""The stream of the meters, as a client sees it: what it says, when, and how it goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from livehouse import FIXTURES, SHOWCASE
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.faults import Hang, Stall, Status
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recorded, Recording, World
from envoy_bridge.simulator.live import LiveWorld
from envoy_bridge.simulator.login import TokenService
from envoy_bridge.simulator.meterstream import reading
from envoy_bridge.simulator.roles import METER_STREAM
from envoy_bridge.simulator.streams import Events

SPEED = 50.0
UNUSED = dict.fromkeys(("p", "q", "s", "v", "i", "pf", "f"), 0.0)


def household(name: str) -> Recording:
    return Recording.from_har(FIXTURES / f"{name}.har")


def told(world: World, now: float = 0.0) -> dict[str, Any]:
    """What the stream says of a world."""
    body = reading(world.reply("/ivp/meters", now), world.reply("/ivp/meters/readings", now))
    assert body is not None
    flows: dict[str, Any] = json.loads(body)
    return flows


def test_each_phase_of_each_meter() -> None:
    flows = told(household("d7_6_three_phase_net"))
    assert list(flows) == ["production", "net-consumption", "total-consumption"]
    assert all(list(flow) == ["ph-a", "ph-b", "ph-c"] for flow in flows.values())
    expected = {"p": -604.118, "q": -92.3, "s": 611.128, "v": 232.12, "i": 2.633, "pf": -0.989, "f": 50.0}
    assert flows["net-consumption"]["ph-b"] == expected


def test_the_meter_that_is_not_there_is_computed() -> None:
    for name in ("d7_6_three_phase_net", "d8_1_total_ct"):
        flows = told(household(name))
        for phase in flows["production"]:
            total, net, production = (
                flows[flow][phase]["p"] for flow in ("total-consumption", "net-consumption", "production")
            )
            assert total == pytest.approx(production + net, abs=0.001)


def test_phases_that_are_not_used_are_nothing() -> None:
    flows = told(household("d7_6_single_phase"))
    assert [flow["ph-a"]["v"] > 200 for flow in flows.values()] == [True] * 3
    assert [(flow["ph-b"], flow["ph-c"]) for flow in flows.values()] == [(UNUSED, UNUSED)] * 3


def test_of_the_grid_a_single_meter_for_production_knows_nothing() -> None:
    flows = told(household("d7_3_production_ct_only"))
    assert flows["production"]["ph-a"] != UNUSED
    assert flows["net-consumption"] == dict.fromkeys(("ph-a", "ph-b", "ph-c"), UNUSED)


@pytest.mark.parametrize("name", ["d7_6_cts_disabled", "d5_0_standard", "d8_3_unmetered_zero_v1"])
def test_without_meters_there_is_no_stream(name: str) -> None:
    world = household(name)
    assert reading(world.reply("/ivp/meters", 0), world.reply("/ivp/meters/readings", 0)) is None
    assert reading(None, Recorded(200, "", b"<html>")) is None


# --- over the wire


@asynccontextmanager
async def served(name: str, *, live: bool = False) -> AsyncIterator[tuple[SimulatedGateway, Mapping[str, str]]]:
    """A gateway, and the headers of an installer."""
    clock = Clock.fast(SPEED)
    recording = household(name)
    world: World = LiveWorld(recording, clock) if live else recording
    async with TokenService(clock=clock) as tokens, SimulatedGateway(world, tokens=tokens, clock=clock) as gateway:
        yield gateway, {"Authorization": f"Bearer {tokens.issue(recording.serial, role='installer')}"}


async def lines(response: aiohttp.ClientResponse, count: int) -> list[bytes]:
    return [await asyncio.wait_for(response.content.readline(), 5) for _ in range(count)]


async def test_a_reading_a_second(client: aiohttp.ClientSession) -> None:
    async with served(SHOWCASE, live=True) as (gateway, headers):
        clock = Clock.fast(SPEED)
        async with client.get(gateway.https_url + METER_STREAM, headers=headers) as response:
            assert (response.status, response.content_type) == (200, "text/event-stream")
            begun = clock.monotonic()
            got = await lines(response, 2 * 30)
            took = clock.monotonic() - begun
            assert gateway.in_flight == 1
        assert took == pytest.approx(29, abs=3)
        assert set(got[1::2]) == {b"\r\n"}
        assert all(line.startswith(b'data: {"production":{') and line.endswith(b"}\r\n") for line in got[::2])
        assert len({json.loads(line[6:])["net-consumption"]["ph-a"]["p"] for line in got[::2]}) > 20
        await until(lambda: gateway.in_flight == 0)


async def test_it_says_what_the_readings_say(client: aiohttp.ClientSession) -> None:
    async with (
        served("d8_2_split_battery") as (gateway, headers),
        client.get(gateway.https_url + METER_STREAM, headers=headers) as response,
    ):
        assert json.loads((await lines(response, 1))[0][6:]) == told(household("d8_2_split_battery"))


@pytest.mark.parametrize("name", ["d8_3_unmetered_zero_v1", "d7_6_cts_disabled"])
async def test_without_meters_it_is_absent(client: aiohttp.ClientSession, name: str) -> None:
    async with (
        served(name) as (gateway, headers),
        client.get(gateway.https_url + METER_STREAM, headers=headers) as response,
    ):
        assert response.status == 404


async def test_it_falls_silent(client: aiohttp.ClientSession) -> None:
    async with served("d8_2_split_battery") as (gateway, headers):
        gateway.faults[METER_STREAM] = Events(good=2, then="is silent")
        async with client.get(gateway.https_url + METER_STREAM, headers=headers) as response:
            await lines(response, 4)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await response.content.readline()
            assert gateway.in_flight == 1


async def test_it_ends(client: aiohttp.ClientSession) -> None:
    async with served("d8_2_split_battery") as (gateway, headers):
        gateway.faults[METER_STREAM] = Events(good=2, then="ends")
        async with client.get(gateway.https_url + METER_STREAM, headers=headers) as response:
            assert (await asyncio.wait_for(response.read(), 5)).count(b"data: ") == 2


async def test_odd_bytes_come_in_between(client: aiohttp.ClientSession) -> None:
    async with served("d8_2_split_battery") as (gateway, headers):
        gateway.faults[METER_STREAM] = Events(good=1, odd=b"\xff\x00 what\r\n")
        async with client.get(gateway.https_url + METER_STREAM, headers=headers) as response:
            got = await lines(response, 5)
        assert got[2] == b"\xff\x00 what\r\n"
        assert got[3] == got[0]


async def test_an_event_without_an_end(client: aiohttp.ClientSession) -> None:
    async with served("d8_2_split_battery") as (gateway, headers):
        gateway.faults[METER_STREAM] = Events(good=0, odd=b"data: " + b"x" * 10_000_000, then="is silent")
        async with client.get(gateway.https_url + METER_STREAM, headers=headers) as response:
            assert await asyncio.wait_for(response.content.readexactly(10_000_006), 5)


async def test_other_faults_come_before_it(client: aiohttp.ClientSession) -> None:
    async with served("d8_2_split_battery") as (gateway, headers):
        url = gateway.https_url + METER_STREAM
        gateway.faults[METER_STREAM] = Status(503)
        async with client.get(url, headers=headers) as response:
            assert response.status == 503
        gateway.faults[METER_STREAM] = Hang(5)
        async with client.get(url, headers=headers) as response:
            assert len(await lines(response, 4)) == 4, "a stream, when it has hung long enough"
        gateway.faults[METER_STREAM] = Stall(5, Clock.fast(SPEED))
        async with client.get(url, headers=headers) as response:
            assert len(await lines(response, 4)) == 4


async def test_it_ends_when_the_login_does(client: aiohttp.ClientSession) -> None:
    async with served("d8_2_split_battery") as (gateway, headers):
        async with client.get(gateway.https_url + METER_STREAM, headers=headers) as response:
            await lines(response, 2)
            gateway.become(household("d7_6_three_phase_net"))
            rest = await asyncio.wait_for(response.read(), 5)
        assert rest.count(b"data: ") <= 1
        assert b"<html>" not in rest
