"""A gateway that gets another address, and says so on the LAN."""

import secrets
import socket
import subprocess
import sys
from collections.abc import Sequence

import aiohttp
import pytest

from envoy_bridge.gateway.discovery import Found, discover
from envoy_bridge.simulator.announce import Announcement
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.login import TokenService

LOOPBACK = ["127.0.0.1"]
RUN = secrets.token_hex(4)  # another run of the tests may be announcing on the same loopback


async def status(client: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with client.get(url, headers=headers) as response:
        return response.status


async def test_another_address_with_the_same_ports(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with TokenService() as tokens, SimulatedGateway(modern, tokens=tokens) as gateway:
        before, ports = (gateway.http_url, gateway.https_url), (gateway.port, gateway.https_port)
        login = {"Authorization": f"Bearer {tokens.issue(modern.serial)}"}
        async with client.get(gateway.https_url + "/auth/check_jwt", headers=login) as response:
            session = response.headers["Set-Cookie"].partition(";")[0]

        await gateway.move("127.0.0.2")

        assert (gateway.host, gateway.port, gateway.https_port) == ("127.0.0.2", *ports)
        assert gateway.https_url == f"https://127.0.0.2:{ports[1]}"
        assert await status(client, gateway.http_url + "/info") == 200
        assert await status(client, gateway.https_url + "/ivp/meters", Cookie=session) == 200
        for url in before:
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(url + "/info")


async def test_another_port(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        before, plain = gateway.https_url, gateway.http_url
        await gateway.move(https_port=0)
        assert (gateway.https_url != before, gateway.http_url) == (True, plain)
        assert await status(client, gateway.https_url + "/info") == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(before + "/info")


async def test_somebody_else_can_take_the_old_address(
    client: aiohttp.ClientSession, modern: Recording, old: Recording
) -> None:
    async with SimulatedGateway(modern) as gateway:
        left = gateway.port
        await gateway.move("127.0.0.2")
        async with (
            SimulatedGateway(old, port=left) as other,
            client.get(other.http_url + "/info") as response,
        ):
            assert old.serial in await response.text()


async def test_connections_do_not_move_along(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        await status(client, gateway.https_url + "/info")
        await gateway.move("127.0.0.2")
        await status(client, gateway.https_url + "/info")
        assert gateway.connections == 2


async def test_an_address_that_is_taken(client: aiohttp.ClientSession, modern: Recording) -> None:
    with socket.create_server(("127.0.0.2", 0)) as other:
        async with SimulatedGateway(modern) as gateway:
            with pytest.raises(OSError, match="in use"):
                await gateway.move("127.0.0.2", https_port=other.getsockname()[1])
            await gateway.move("127.0.0.3", https_port=0)
            assert await status(client, gateway.https_url + "/info") == 200


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_an_ipv6_address(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        await gateway.move("::1", port=0, https_port=0)
        assert gateway.https_url == f"https://[::1]:{gateway.https_port}"
        assert await status(client, gateway.https_url + "/info") == 200


async def search(serials: Sequence[str], *addresses: tuple[str, ...]) -> list[Found | None]:
    """What is found of these gateways, once it is found at these addresses."""
    found: list[Found | None] = []
    for _ in range(5):  # datagrams may get lost
        heard = {gateway.serial: gateway for gateway in await discover(2.5, interfaces=LOOPBACK)}
        found = [heard.get(serial) for serial in serials]
        if [gateway.addresses if gateway else () for gateway in found] == list(addresses):
            break
    return found


async def test_what_is_announced_is_found_and_moves() -> None:
    one, two = f"{RUN}1", f"{RUN}2"
    async with (
        Announcement(one, "127.0.0.1", interfaces=LOOPBACK) as announcement,
        Announcement(two, "192.0.2.7", name=f"wifi-{RUN}"),
        Announcement(two, "169.254.3.3", "fd00::7", name=f"cable-{RUN}"),
    ):
        here, twice = await search((one, two), ("127.0.0.1",), ("192.0.2.7", "[fd00::7]"))
        assert here == Found(one, ("127.0.0.1",), f"envoy-{one}")
        assert twice is not None
        assert twice.addresses == ("192.0.2.7", "[fd00::7]")
        await announcement.move("192.0.2.1", "192.0.2.2")
        (moved,) = await search((one,), ("192.0.2.1", "192.0.2.2"))
        assert moved is not None
        assert moved.addresses == ("192.0.2.1", "192.0.2.2")


def test_zeroconf_is_loaded_for_an_announcement_only() -> None:
    code = "import sys, envoy_bridge.simulator.announce; print('zeroconf' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout == "False\n"
