"""Live data: still until somebody asks for them, for a while, and then still again."""

import json
from typing import Any

import aiohttp
import pytest
from handclock import HandClock
from livehouse import FIXTURES, SHOWCASE
from livestatus import BODY, with_live_data

from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recorded, Recording
from envoy_bridge.simulator.live import LiveWorld
from envoy_bridge.simulator.livedata import STATUS, SWITCH
from envoy_bridge.simulator.login import TokenService

ON = b'{"enable":1}'


class House:
    """A gateway with live data, its clock, and an owner who is logged in."""

    def __init__(self, client: aiohttp.ClientSession, gateway: SimulatedGateway, token: str) -> None:
        self._client = client
        self._url = gateway.https_url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def status(self) -> Any:
        async with self._client.get(self._url + STATUS, headers=self._headers) as response:
            assert response.status == 200
            return json.loads(await response.read())

    async def post(self, body: bytes, path: str = SWITCH) -> tuple[int, bytes]:
        async with self._client.post(self._url + path, data=body, headers=self._headers) as response:
            return response.status, await response.read()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def test_a_recording_tells_when_it_was_updated_and_no_more(
    client: aiohttp.ClientSession, modern: Recording, clock: HandClock
) -> None:
    async with TokenService(clock=clock) as tokens:
        token = tokens.issue(modern.serial)
        async with SimulatedGateway(with_live_data(modern), tokens=tokens, clock=clock) as gateway:
            house = House(client, gateway, token)
            assert await house.status() == BODY
            clock.advance(10)
            assert await house.status() == BODY, "nobody asked for more"

            assert await house.post(ON) == (200, b'{"sc_stream":"enabled"}')
            for _ in range(2):
                clock.advance(10)
                moving = await house.status()
                assert moving["connection"] == BODY["connection"] | {"sc_stream": "enabled"}
                assert moving["meters"] == BODY["meters"] | {"last_update": int(clock.wall())}
            last = moving["meters"]

            clock.advance(900)
            still = await house.status()
            assert (still["connection"]["sc_stream"], still["meters"]) == ("disabled", last)


async def test_it_can_be_asked_for_again_given_up_and_made_shorter(
    client: aiohttp.ClientSession, modern: Recording, clock: HandClock
) -> None:
    async with TokenService(clock=clock) as tokens:
        token = tokens.issue(modern.serial)
        async with SimulatedGateway(with_live_data(modern), tokens=tokens, clock=clock) as gateway:
            house = House(client, gateway, token)
            gateway.live_data.lasts = 60
            for _ in range(3):
                await house.post(ON)
                assert gateway.live_data.enabled
                clock.advance(59)
                assert gateway.live_data.enabled
            clock.advance(1)
            assert not gateway.live_data.enabled
            await house.post(ON)
            assert await house.post(b'{"enable":0}') == (200, b'{"sc_stream":"disabled"}')
            await house.post(ON)
            gateway.become(with_live_data(modern))
            assert (await house.status())["connection"]["sc_stream"] == "disabled"


async def test_a_live_household_moves_while_it_is_asked_for(client: aiohttp.ClientSession, clock: HandClock) -> None:
    world = LiveWorld(with_live_data(Recording.from_har(FIXTURES / f"{SHOWCASE}.har")), clock)
    async with TokenService(clock=clock) as tokens, SimulatedGateway(world, tokens=tokens, clock=clock) as gateway:
        house = House(client, gateway, tokens.issue("122011000025"))
        first = await house.status()
        clock.advance(30)
        assert await house.status() == first
        await house.post(ON)
        moved = await house.status()
        assert {key for key in first["meters"] if moved["meters"][key] != first["meters"][key]} >= {
            "pv",
            "grid",
            "load",
        }
        clock.advance(1000)
        assert (await house.status())["meters"] == moved["meters"]


async def test_a_gateway_without_it(client: aiohttp.ClientSession, modern: Recording, clock: HandClock) -> None:
    async with TokenService(clock=clock) as tokens, SimulatedGateway(modern, tokens=tokens, clock=clock) as gateway:
        house = House(client, gateway, tokens.issue(modern.serial))
        assert (await house.post(ON))[0] == 405
        assert (await house.post(ON, STATUS))[0] == 405


@pytest.mark.parametrize("body", [b"", b"[]", b'{"enable":"yes"}', b"{}"])
async def test_what_is_no_switch(
    client: aiohttp.ClientSession, modern: Recording, clock: HandClock, body: bytes
) -> None:
    async with TokenService(clock=clock) as tokens:
        token = tokens.issue(modern.serial)
        async with SimulatedGateway(with_live_data(modern), tokens=tokens, clock=clock) as gateway:
            assert (await House(client, gateway, token).post(body))[0] == 400
            assert not gateway.live_data.enabled


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"connection":1,"meters":{}}'])
async def test_an_answer_of_another_kind_stays_as_recorded(
    client: aiohttp.ClientSession, modern: Recording, clock: HandClock, body: bytes
) -> None:
    world = Recording(
        modern.serial, modern.firmware, modern.needs_token, {**modern.replies, STATUS: Recorded(200, "text/html", body)}
    )
    async with TokenService(clock=clock) as tokens, SimulatedGateway(world, tokens=tokens, clock=clock) as gateway:
        headers = {"Authorization": f"Bearer {tokens.issue(modern.serial)}"}
        async with client.get(gateway.https_url + STATUS, headers=headers) as response:
            assert await response.read() == body
