"""Telling a gateway something: as asking it, but never twice."""

from collections.abc import AsyncIterator

import pytest
from livehouse import FIXTURES
from livestatus import with_live_data

from envoy_bridge.errors import GatewayUnreachable, UnusableReply
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.simulator.faults import BothLengths, Hang, Reset, Status
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.livedata import STATUS, SWITCH
from envoy_bridge.simulator.login import TokenService

ON = b'{"enable": 1}'


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway(with_live_data(Recording.from_har(FIXTURES / "d8_2_split_battery.har"))) as running:
        yield running


@pytest.fixture
async def http(gateway: SimulatedGateway) -> AsyncIterator[GatewayHttp]:
    async with GatewayHttp(f"127.0.0.1:{gateway.https_port}", secure=True) as connection:
        connection.headers = {"Authorization": f"Bearer {TokenService().issue('122011000015')}"}
        yield connection


async def test_a_post_carries_json_and_the_login_over_the_same_connection(
    gateway: SimulatedGateway, http: GatewayHttp
) -> None:
    assert (await http.get(STATUS, deadline=5)).status == 200
    answer = await http.post(SWITCH, ON, deadline=5)
    assert answer.content(SWITCH) == b'{"sc_stream":"enabled"}'
    assert gateway.live_data.enabled
    assert (await http.get(STATUS, deadline=5)).status == 200
    assert [request.method for request in gateway.requests] == ["GET", "POST", "GET"]
    assert gateway.connections == 1
    assert "Content-Type" not in http.headers


async def test_without_a_login_it_is_refused(gateway: SimulatedGateway, http: GatewayHttp) -> None:
    http.headers = {}
    assert (await http.post(SWITCH, ON, deadline=5)).status == 401
    assert not gateway.live_data.enabled


async def test_an_old_gateway_gets_it_with_digest() -> None:
    world = with_live_data(Recording.from_har(FIXTURES / "r4_10_split_net.har"))
    async with SimulatedGateway(world) as old, GatewayHttp(f"127.0.0.1:{old.port}", secure=False) as http:
        await http.use_digest("envoy", world.serial[-6:])
        assert (await http.post(SWITCH, ON, deadline=5)).status == 200
        assert old.live_data.enabled


async def test_it_fails_as_a_question_does(gateway: SimulatedGateway, http: GatewayHttp) -> None:
    for fault, expected in (
        (Hang(), GatewayUnreachable),
        (BothLengths(), UnusableReply),
        (Reset(), GatewayUnreachable),
    ):
        gateway.faults[SWITCH] = fault
        with pytest.raises(expected):
            await http.post(SWITCH, ON, deadline=0.2)
    gateway.faults[SWITCH] = Status(503)
    with pytest.raises(GatewayUnreachable):
        (await http.post(SWITCH, ON, deadline=5)).content(SWITCH)


async def test_it_is_sent_once_only_where_a_question_is_repeated(gateway: SimulatedGateway, http: GatewayHttp) -> None:
    """What was told may have been done although the connection broke."""
    gateway.faults["*"] = Reset(reused=True)
    assert (await http.get(STATUS, deadline=5)).status == 200
    assert (await http.get(STATUS, deadline=5)).status == 200
    asked = len(gateway.requests)
    with pytest.raises(GatewayUnreachable):
        await http.post(SWITCH, ON, deadline=5)
    assert [request.method for request in gateway.requests[asked:]] == ["POST"]
