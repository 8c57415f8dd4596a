"""Gateways on the LAN, announced by a real mDNS responder on loopback."""

import asyncio
import gc
import ipaddress
import secrets
import subprocess
import sys

import pytest
from yarl import URL
from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from envoy_bridge.errors import GatewayUnreachable
from envoy_bridge.gateway.discovery import SERVICE, Found, discover
from envoy_bridge.simulator.announce import Announcement

LOOPBACK = ["127.0.0.1"]
RUN = secrets.token_hex(4)  # another run of the tests may be announcing on the same loopback
SEARCHES = 5


def announcement(name: str, *addresses: str, txt: dict[str | bytes, str | bytes | None], port: int = 80) -> ServiceInfo:
    name = f"{name}-{RUN}"
    packed = [ipaddress.ip_address(address).packed for address in addresses]
    server = f"{name}.local."
    return ServiceInfo(SERVICE, f"{name}.{SERVICE}", addresses=packed, port=port, properties=txt, server=server)


def serial(number: int) -> str:
    return f"{RUN}{number}"


ANNOUNCED = [
    announcement("first", "192.0.2.11", "fd00::11", "fe80::11", "169.254.1.1", txt={"serialnum": serial(1)}),
    announcement("first-2", "192.0.2.10", "fd00::11", txt={"serialnum": serial(1)}),
    announcement("second", "192.0.2.20", txt={"serialnum": serial(2), "protovers": "8.3.5433"}),
    announcement("cable", "169.254.7.7", "fe80::7", txt={"serialnum": serial(3)}),
    announcement("here", "127.0.0.1", txt={"serialnum": serial(4)}),
    announcement("modern", "fd00::8", txt={"serialnum": serial(5)}),
    announcement("nowhere", "0.0.0.0", "224.0.0.1", "::", "ff02::1", txt={"serialnum": serial(6)}),  # noqa: S104 - nobody binds to it
    announcement("many", *(f"192.0.2.{number}" for number in range(30, 60)), txt={"serialnum": serial(7)}),
    announcement("simulated", "192.0.2.40", "fd00::40", txt={"serialnum": serial(8)}, port=8443),
    announcement("secure", "192.0.2.41", txt={"serialnum": serial(9)}, port=443),
    announcement("odd\u202eemit", "192.0.2.1", txt={"serialnum": "12/+/#"}),
    announcement("long", "192.0.2.2", txt={"serialnum": "x" * 33}),
    announcement("none", "192.0.2.3", txt={"serialnum": None}),
    announcement("bytes", "192.0.2.4", txt={b"serialnum": b"\xff\x00"}),
    announcement("silent", "192.0.2.5", txt={}),
]
GATEWAYS = len(ANNOUNCED) - 2  # "first" is one, "nowhere" is none


async def announce_and_search() -> list[Found]:
    """What is found of this run's announcements."""
    async with AsyncZeroconf(interfaces=LOOPBACK) as responder:
        sent = [
            await responder.async_register_service(info, cooperating_responders=True, strict=False)
            for info in ANNOUNCED
        ]
        await asyncio.gather(*sent)
        mine: list[Found] = []
        for _ in range(SEARCHES):  # datagrams may get lost
            found = await discover(2.5, interfaces=LOOPBACK)
            mine = [gateway for gateway in found if RUN in f"{gateway.serial} {gateway.name}"]
            if len(mine) == GATEWAYS:
                break
        return mine


@pytest.fixture(scope="module")
def found() -> list[Found]:
    return asyncio.run(announce_and_search())


@pytest.fixture(scope="module")
def by_name(found: list[Found]) -> dict[str, Found]:
    return {gateway.name.removesuffix(f"-{RUN}"): gateway for gateway in found}


def test_each_gateway_is_found_once(found: list[Found]) -> None:
    serials = [gateway.serial for gateway in found if gateway.serial]
    assert serials == [serial(1), serial(2), serial(3), serial(4), serial(5), *map(serial, (7, 8, 9))]
    assert len(found) == GATEWAYS


def test_addresses_of_wifi_and_ethernet_come_together_best_first(found: list[Found]) -> None:
    addresses = {gateway.serial: gateway.addresses for gateway in found}
    assert addresses[serial(1)] == ("192.0.2.10", "192.0.2.11", "[fd00::11]")
    assert addresses[serial(2)] == ("192.0.2.20",)


def test_an_address_of_one_cable_is_better_than_none(by_name: dict[str, Found]) -> None:
    assert by_name["cable"].addresses == ("169.254.7.7", "[fe80::7]")
    assert by_name["here"].addresses == ("127.0.0.1",)


def test_addresses_can_stand_in_a_url(found: list[Found], by_name: dict[str, Found]) -> None:
    assert by_name["modern"].addresses == ("[fd00::8]",)
    assert all(URL(f"https://{address}/info").path == "/info" for gateway in found for address in gateway.addresses)


def test_an_unusual_port_is_part_of_the_address(by_name: dict[str, Found]) -> None:
    assert by_name["simulated"].addresses == ("192.0.2.40:8443", "[fd00::40]:8443")
    assert by_name["secure"].addresses == ("192.0.2.41",), "gateways are asked at both of their ports anyway"


def test_what_is_no_serial_number_is_not_one(by_name: dict[str, Found]) -> None:
    for name in ("odd?emit", "long", "none", "bytes", "silent"):
        assert by_name[name].serial is None
    assert by_name["silent"].addresses == ("192.0.2.5",)


def test_what_has_no_address_is_no_gateway(by_name: dict[str, Found]) -> None:
    assert "nowhere" not in by_name


def test_addresses_are_bounded(by_name: dict[str, Found]) -> None:
    assert len(by_name["many"].addresses) == 8


async def test_a_search_ends_when_the_wanted_one_is_heard() -> None:
    wanted = serial(10)
    async with asyncio.timeout(10), Announcement(wanted, "192.0.2.50"):
        assert wanted in [gateway.serial for gateway in await discover(60, wanted=wanted, interfaces=LOOPBACK)]


async def test_a_search_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    await discover(0.1, interfaces=LOOPBACK)
    assert asyncio.all_tasks() == before


async def test_a_search_can_be_cancelled() -> None:
    search = asyncio.create_task(discover(60, interfaces=LOOPBACK))
    await asyncio.sleep(0.1)
    search.cancel()
    done, _ = await asyncio.wait([search], timeout=5)
    assert done
    assert search.cancelled()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket that zeroconf forgets then
async def test_a_network_that_cannot_be_searched_is_explained() -> None:
    with pytest.raises(GatewayUnreachable, match=r"host in \[\[gateway\]\]"):
        await discover(1, interfaces=["203.0.113.77"])
    gc.collect()


def test_zeroconf_is_loaded_for_a_search_only() -> None:
    code = "import sys, envoy_bridge.gateway.discovery; print('zeroconf' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout == "False\n"
