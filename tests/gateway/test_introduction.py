"""Who answers at an address: by `/info`, and by the page `/home` where that does not say. Over real sockets."""

from collections.abc import Sequence

import pytest

from envoy_bridge.config import Gateway
from envoy_bridge.errors import GatewayUnreachable, UnusableReply, WrongGateway
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.info import HOME, LIMIT, GatewayInfo, parse_info
from envoy_bridge.gateway.legacy import parse_home
from envoy_bridge.simulator.faults import Fault, Html, Oversized, Status
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recorded, Recording

SERIAL = "120911000317"
INFO = (
    b"<?xml version='1.0' encoding='UTF-8'?><envoy_info><device><sn>120911000317</sn><pn>800-00069-r05</pn>"
    b"<software>R3.17.3</software></device></envoy_info>"
)
NAMELESS = INFO.replace(b"<sn>120911000317</sn>", b"")
HOME_TEXT = b"<html><body><td>Envoy Serial Number: 120911000317</td><td>Software Version<td>R3.7.31</body></html>"
NOT_FOUND = b"<html><body><td>Envoy Serial Number: 120911000317</td><h2>Page Not Found</h2></body></html>"

ABSENT = Recorded(404, "text/html", NOT_FOUND)
HOME_PAGE = Recorded(200, "text/html", HOME_TEXT)
NO_INFO = [
    Recorded(200, "application/json", NAMELESS),
    ABSENT,
    Recorded(200, "text/html", NOT_FOUND),
    Recorded(200, "text/html", b""),
]
NO_INFO_IDS = ["no serial", "404", "page not found with status 200", "empty"]


def household(info: Recorded, home: Recorded = HOME_PAGE) -> Recording:
    return Recording(SERIAL, "3.7.31", needs_token=False, replies={"/info": info, HOME: home})


async def introduced(gateway: SimulatedGateway, serial: str | None = None) -> GatewayInfo:
    http, info = await connect(Gateway(host=f"127.0.0.1:{gateway.port}"), serial)
    await http.close()
    return info


def asked(gateway: SimulatedGateway) -> Sequence[str]:
    return [request.path for request in gateway.requests]


@pytest.mark.parametrize("info", NO_INFO, ids=NO_INFO_IDS)
async def test_home_introduces_where_info_does_not(info: Recorded) -> None:
    async with SimulatedGateway(household(info)) as gateway:
        assert await introduced(gateway) == parse_home(HOME_PAGE.body)
        assert asked(gateway) == ["/info", HOME]


async def test_home_is_not_asked_where_info_says_it() -> None:
    async with SimulatedGateway(household(Recorded(200, "text/xml", INFO))) as gateway:
        assert await introduced(gateway) == parse_info(INFO)
        assert asked(gateway) == ["/info"]


@pytest.mark.parametrize(
    "fault",
    [Html(), Status(404), Status(401), Status(302), Oversized(LIMIT + 1)],
    ids=["html", "404", "401", "302", "big"],
)
async def test_where_neither_says_it_the_fault_is_that_of_info(fault: Fault) -> None:
    async with SimulatedGateway(household(NO_INFO[0])) as gateway:
        gateway.faults[HOME] = fault
        with pytest.raises(UnusableReply, match="/info names no serial number"):
            await introduced(gateway)
        assert asked(gateway).count(HOME) == 1


async def test_a_gateway_that_is_not_available_is_not_asked_more() -> None:
    async with SimulatedGateway(household(NO_INFO[0])) as gateway:
        gateway.faults["/info"] = Status(503)
        with pytest.raises(GatewayUnreachable):
            await introduced(gateway)
        assert asked(gateway) == ["/info"]


async def test_a_home_that_is_not_available_may_be_later() -> None:
    async with SimulatedGateway(household(NO_INFO[0])) as gateway:
        gateway.faults[HOME] = Status(503)
        with pytest.raises(GatewayUnreachable):
            await introduced(gateway)
        gateway.faults.clear()
        assert (await introduced(gateway)).serial == SERIAL


async def test_another_serial_on_the_page_is_another_gateway() -> None:
    async with SimulatedGateway(household(ABSENT)) as gateway:
        with pytest.raises(WrongGateway, match=SERIAL):
            await introduced(gateway, "120911000999")
        assert (await introduced(gateway, SERIAL)).serial == SERIAL
