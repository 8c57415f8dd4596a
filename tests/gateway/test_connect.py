"""A gateway whose address changes: over real sockets, announced by a real mDNS responder on loopback."""

import asyncio
import gc
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from handclock import HandClock

from envoy_bridge.clock import Clock
from envoy_bridge.config import Gateway
from envoy_bridge.errors import CertificateChanged, GatewayError, GatewayUnreachable, WrongGateway
from envoy_bridge.gateway.addresses import Addresses, Place, Whereabouts
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.simulator.announce import Announcement
from envoy_bridge.simulator.faults import Html, Status
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recorded, Recording

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOPBACK = ("127.0.0.1",)
FIRST, SECOND, THIRD, NOWHERE = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
"""Gateways announce that they are at the first three."""

PATIENT, HASTY = 2.0, 50.0
"""Clock speeds: a search lasts 2.5 s, in which what is announced is heard, or 0.1 s."""


def new_serial() -> str:
    """Another run of the tests may be announcing on the same loopback."""
    return secrets.token_hex(6)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind((FIRST, 0))
        number: int = bound.getsockname()[1]
        return number


def household(serial: str) -> Recording:
    info = (
        f"<envoy_info><device><sn>{serial}</sn><pn>800-00555-r03</pn><software>D8.2.4345</software></device>"
        "<web-tokens>true</web-tokens></envoy_info>"
    )
    return Recording(serial, "8.2.4345", needs_token=True, replies={"/info": Recorded(200, "text/xml", info.encode())})


class Lan:
    """Gateways on addresses of loopback, and the one that looks for them."""

    def __init__(self, directory: Path, stack: AsyncExitStack, serial: str, port: int) -> None:
        self.directory = directory
        self.stack = stack
        self.serial = serial
        self.port = port

    async def gateway(self, host: str = FIRST, serial: str | None = None) -> SimulatedGateway:
        """A gateway that speaks HTTPS on the port of this LAN."""
        gateway = SimulatedGateway(household(serial or self.serial), host=host, https_port=self.port, http=False)
        return await self.stack.enter_async_context(gateway)

    def at(self, host: str, serial: str | None = None) -> str:
        """What `found` says of a gateway there."""
        return f"{serial or self.serial} at {host}:{self.port}"

    @property
    def host(self) -> str:
        """`host` as it is configured: the first address."""
        return f"{FIRST}:{self.port}"

    def whereabouts(self, speed: float = PATIENT) -> Whereabouts:
        """What is known after a restart."""
        return Whereabouts(addresses=Addresses(self.directory), clock=Clock.fast(speed), interfaces=LOOPBACK)

    @property
    def on_disk(self) -> str | None:
        return Addresses(self.directory).last(self.serial)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def announced() -> AsyncIterator[list[tuple[str, int]]]:
    """Serial numbers that are announced while this module is tested, and their ports: each test takes one."""
    ports = [(new_serial(), free_port()) for _ in range(12)]
    async with AsyncExitStack() as stack:
        announcements = [Announcement(serial, FIRST, SECOND, THIRD, port=port) for serial, port in ports]
        await asyncio.gather(*(stack.enter_async_context(announcement) for announcement in announcements))
        await asyncio.sleep(1)  # what was sent a moment ago is not repeated for anybody
        yield ports


@pytest_asyncio.fixture(loop_scope="module")
async def lan(tmp_path: Path, announced: list[tuple[str, int]]) -> AsyncIterator[Lan]:
    async with AsyncExitStack() as stack:
        yield Lan(tmp_path, stack, *announced.pop())


@pytest_asyncio.fixture(loop_scope="module")
async def quiet(tmp_path: Path) -> AsyncIterator[Lan]:
    """Nobody announces anything here."""
    async with AsyncExitStack() as stack:
        yield Lan(tmp_path, stack, new_serial(), free_port())


async def found(host: str | None, serial: str | None, where: Whereabouts | None) -> str:
    """Serial number and address of what was connected to."""
    http, info = await connect(Gateway(host=host), serial, where)
    await http.close()
    return f"{info.serial} at {http.url.partition('://')[2]}"


async def refused(host: str | None, serial: str | None, where: Whereabouts | None) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await found(host, serial, where)
    return caught.value


async def test_one_that_moved_is_found_where_it_announces_itself(lan: Lan) -> None:
    gateway = await lan.gateway()
    where = lan.whereabouts()
    assert await found(lan.host, lan.serial, where) == lan.at(FIRST)
    assert where.former is None
    await gateway.move(SECOND)
    for former in (lan.host, None):
        assert await found(lan.host, lan.serial, where) == lan.at(SECOND)
        assert where.former == former, "told once"
    assert lan.on_disk == where.address == f"{SECOND}:{lan.port}"


@pytest.mark.parametrize("configured", [True, False])
async def test_after_a_restart_the_last_good_address_needs_no_search(quiet: Lan, *, configured: bool) -> None:
    await quiet.gateway(SECOND)
    Addresses(quiet.directory).keep(quiet.serial, Place(f"{SECOND}:{quiet.port}"))
    host = quiet.host if configured else None
    where = quiet.whereabouts()
    assert await found(host, quiet.serial, where) == quiet.at(SECOND)
    assert where.may_search, "there was none"
    assert where.former == host, "told at each start, until host is corrected"


async def test_another_gateway_has_taken_over_the_address(lan: Lan) -> None:
    gateway = await lan.gateway()
    where = lan.whereabouts()
    await found(lan.host, lan.serial, where)
    await gateway.move(SECOND)
    usurper = await lan.gateway(FIRST, new_serial())
    assert await found(lan.host, lan.serial, where) == lan.at(SECOND)
    assert [request.path for request in usurper.requests] == ["/info"]
    assert not any(request.token for request in usurper.requests)


async def test_another_gateway_and_ours_is_nowhere(quiet: Lan) -> None:
    await quiet.gateway(FIRST, new_serial())
    for where in (quiet.whereabouts(HASTY), None):
        assert isinstance(await refused(quiet.host, quiet.serial, where), WrongGateway)


async def test_two_that_changed_places_are_told_apart_without_a_serial_in_the_configuration(lan: Lan) -> None:
    gateway = await lan.gateway()
    await found(lan.host, None, lan.whereabouts())
    await gateway.move(SECOND)
    await lan.gateway(FIRST, new_serial())
    assert await found(lan.host, None, lan.whereabouts()) == lan.at(SECOND)


async def test_a_new_gateway_at_the_host_is_taken_where_no_serial_is_configured(quiet: Lan) -> None:
    gateway, successor = await quiet.gateway(), new_serial()
    await found(quiet.host, None, quiet.whereabouts())
    await gateway.move(NOWHERE)
    await quiet.gateway(FIRST, successor)
    for known in (False, True):
        restarted = quiet.whereabouts(HASTY)
        assert await found(quiet.host, None, restarted) == quiet.at(FIRST, successor)
        assert restarted.may_search == known, "the one before is looked for, once"


async def test_the_serial_that_a_host_had_is_enough_to_find_it_again(lan: Lan) -> None:
    gateway = await lan.gateway()
    await found(lan.host, None, lan.whereabouts())
    await gateway.move(SECOND)
    assert await found(lan.host, None, lan.whereabouts()) == lan.at(SECOND)


async def test_wifi_and_ethernet_do_not_take_turns(lan: Lan) -> None:
    """Both are announced, as is one more address that is dead."""
    ethernet, wifi = await lan.gateway(FIRST), await lan.gateway(THIRD)
    where = lan.whereabouts()
    for _ in range(3):
        assert await found(lan.host, lan.serial, where) == lan.at(FIRST)
    assert wifi.requests == []
    await ethernet.move(NOWHERE)
    assert await found(lan.host, lan.serial, where) == lan.at(THIRD)
    await ethernet.move(FIRST)
    for _ in range(3):
        assert await found(lan.host, lan.serial, where) == lan.at(THIRD)
    assert where.former is None


async def test_who_answers_with_something_else_has_proven_nothing(lan: Lan) -> None:
    """A router that got the address, a gateway that starts."""
    router, starting = await lan.gateway(FIRST), await lan.gateway(SECOND)
    router.faults["*"] = Status(401)
    starting.faults["*"] = Html()
    await lan.gateway(THIRD)
    assert await found(lan.host, lan.serial, lan.whereabouts()) == lan.at(THIRD)


async def test_one_that_is_not_found_is_searched_for_once_a_minute(quiet: Lan) -> None:
    await quiet.gateway(SECOND)
    where = quiet.whereabouts()
    where.clock = clock = HandClock(HASTY)
    first = await refused(quiet.host, quiet.serial, where)
    assert isinstance(first, GatewayUnreachable)
    assert quiet.host in str(first)
    assert not where.may_search
    assert str(await refused(quiet.host, quiet.serial, where)) == str(first), "the same trouble is told once"
    where.clock = replace(clock, speed=PATIENT)
    async with Announcement(quiet.serial, SECOND, port=quiet.port):
        await refused(quiet.host, quiet.serial, where)
        clock.advance(60)
        assert await found(quiet.host, quiet.serial, where) == quiet.at(SECOND)


async def test_what_was_announced_is_tried_again_before_the_next_search(lan: Lan) -> None:
    gateway = await lan.gateway(SECOND)
    gateway.faults["*"] = Status(503)
    where = lan.whereabouts()
    assert isinstance(await refused(None, lan.serial, where), GatewayUnreachable)
    assert not where.may_search
    gateway.faults.clear()
    assert await found(None, lan.serial, where) == lan.at(SECOND)


async def test_an_announced_serial_number_is_no_proof(lan: Lan) -> None:
    gateway = await lan.gateway()
    where = lan.whereabouts()
    http, _ = await connect(Gateway(host=lan.host), lan.serial, where)
    await http.close()
    shown = http.tls and http.tls.seen

    def prove(http: GatewayHttp, info: GatewayInfo) -> None:
        if http.tls is None or http.tls.seen != shown:
            raise CertificateChanged(f"{info.serial} shows another certificate")

    where.prove = prove
    await gateway.move(NOWHERE)
    impostor = await lan.gateway(SECOND)
    assert isinstance(await refused(lan.host, lan.serial, where), CertificateChanged)
    assert impostor.requests
    assert lan.on_disk == lan.host
    await gateway.move(FIRST)
    assert await found(lan.host, lan.serial, where) == lan.at(FIRST), "nobody keeps it from coming back"


async def test_without_host_and_serial_any_will_do(lan: Lan) -> None:
    """Which one does not matter: another run may announce its own on this loopback. Most of them are dead."""
    await lan.gateway(THIRD)
    where = lan.whereabouts()
    answer = None
    async with asyncio.timeout(8):
        while answer is None:
            with suppress(GatewayUnreachable):
                answer = await found(None, None, where)
    restarted = lan.whereabouts()
    assert await found(None, None, restarted) == answer
    assert restarted.may_search, "the last good address needs no search"


async def test_ipv6(quiet: Lan) -> None:
    await quiet.gateway("::1")
    async with Announcement(quiet.serial, "::1", port=quiet.port):
        assert await found(None, quiet.serial, quiet.whereabouts()) == quiet.at("[::1]")
    assert await found(None, quiet.serial, quiet.whereabouts()) == f"{quiet.serial} at {quiet.on_disk}"


async def test_a_command_looks_where_it_is_told(quiet: Lan) -> None:
    gateway = await quiet.gateway()
    assert await found(quiet.host, quiet.serial, None) == quiet.at(FIRST)
    await gateway.move(SECOND)
    started = time.monotonic()
    assert isinstance(await refused(quiet.host, quiet.serial, None), GatewayUnreachable)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket that zeroconf forgets then
async def test_a_network_that_cannot_be_searched(quiet: Lan, *, configured: bool) -> None:
    where = quiet.whereabouts()
    where.interfaces = ["203.0.113.77"]
    problem = str(await refused(quiet.host if configured else None, quiet.serial, where))
    assert ("cannot search the LAN", f"{quiet.host} does not answer")[configured] in problem
    assert where.may_search, "it costs nothing, and may work later"
    gc.collect()
