"""What each fault looks like from outside: to a strict client, and as bytes on a plain socket."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.faults import (
    Answer,
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
    Stall,
    Status,
    Truncated,
)
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording

HEALTHY = b'{"production":[]}'
PATH = "/production.json"


@pytest.fixture
async def gateway(old: Recording) -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway(old) as running:
        yield running


async def get(client: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    async with client.get(url, allow_redirects=False) as response:
        return response.status, await response.read()


async def raw(gateway: SimulatedGateway, path: str = PATH) -> bytes:
    """Every byte that comes for one request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: envoy.local\r\nConnection: close\r\n\r\n".encode())
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_faults_come_and_go_while_it_runs(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    url = gateway.http_url + PATH
    assert await get(client, url) == (200, HEALTHY)
    gateway.faults[PATH] = Status(503)
    assert (await get(client, url))[0] == 503
    del gateway.faults[PATH]
    assert await get(client, url) == (200, HEALTHY)


async def test_the_most_exact_fault_plays(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults |= {"*": Status(500), PATH: Status(502), PATH + "?details=1": Status(504)}

    statuses = [(await get(client, gateway.http_url + path))[0] for path in ("/info", PATH, PATH + "?details=1")]

    assert statuses == [500, 502, 504]


async def test_hang_ends_with_the_healthy_answer(client: aiohttp.ClientSession, old: Recording) -> None:
    async with SimulatedGateway(old, clock=Clock.fast(100)) as gateway:
        gateway.faults[PATH] = Hang(30)
        start = time.monotonic()
        assert await get(client, gateway.http_url + PATH) == (200, HEALTHY)
        assert time.monotonic() - start >= 0.29


async def test_a_stall_is_over_at_a_moment_however_often_it_is_asked(
    client: aiohttp.ClientSession, old: Recording
) -> None:
    clock = Clock.fast(100)
    async with SimulatedGateway(old, clock=clock) as gateway:
        url = gateway.http_url + PATH
        begun = clock.monotonic()
        gateway.faults[PATH] = Stall(40, clock)
        with pytest.raises(TimeoutError):
            await client.get(url, timeout=aiohttp.ClientTimeout(total=0.1))
        assert await get(client, url) == (200, HEALTHY)
        assert 39 <= clock.monotonic() - begun < 60
        again = clock.monotonic()
        assert await get(client, url) == (200, HEALTHY)
        assert clock.monotonic() - again < 20


async def test_one_hanging_path_leaves_the_others(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Hang()
    hanging = asyncio.create_task(get(client, gateway.http_url + PATH))
    assert (await get(client, gateway.http_url + "/info"))[0] == 200
    assert not hanging.done()
    hanging.cancel()


@pytest.mark.parametrize("status", [401, 500, 502, 503, 504])
async def test_status(client: aiohttp.ClientSession, gateway: SimulatedGateway, status: int) -> None:
    gateway.faults[PATH] = Status(status)
    async with client.get(gateway.http_url + PATH) as response:
        assert (response.status, response.content_type) == (status, "text/html")
        assert f"<title>{status} " in await response.text()
    assert gateway.requests[-1].status == status


async def test_html_with_status_200(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Html()
    async with client.get(gateway.http_url + PATH) as response:
        assert (response.status, response.content_type) == (200, "text/html")


async def test_another_answer(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Answer(b"[]")
    assert await get(client, gateway.http_url + PATH) == (200, b"[]")


async def test_redirect(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Redirect("http://127.0.0.1:1/elsewhere")
    async with client.get(gateway.http_url + PATH, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")


async def test_truncated(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Truncated()
    with pytest.raises(aiohttp.ClientPayloadError):
        await get(client, gateway.http_url + PATH)
    head, _, body = (await raw(gateway)).partition(b"\r\n\r\n")
    assert b"Content-Length: 17" in head
    assert body == HEALTHY[:8]


async def test_both_lengths(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = BothLengths()
    with pytest.raises(aiohttp.ClientResponseError, match="Transfer-Encoding"):
        await get(client, gateway.http_url + PATH)
    head, _, body = (await raw(gateway)).partition(b"\r\n\r\n")
    assert b"Content-Length: 17" in head
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"11\r\n" + HEALTHY + b"\r\n0\r\n\r\n"


async def test_reset(gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Reset()
    with pytest.raises(ConnectionResetError):
        await raw(gateway)


@pytest.mark.parametrize("fault", [Truncated(), BothLengths(), Reset()])
async def test_a_spent_connection_has_no_status(
    client: aiohttp.ClientSession, gateway: SimulatedGateway, fault: Fault
) -> None:
    gateway.faults[PATH] = fault
    for url in (gateway.http_url, gateway.https_url):
        with pytest.raises(aiohttp.ClientError):
            await get(client, url + PATH)
    assert {request.status for request in gateway.requests} == {None}


async def test_reset_of_a_connection_that_is_used_again(gateway: SimulatedGateway) -> None:
    gateway.faults["*"] = Reset(reused=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    request = f"GET {PATH} HTTP/1.1\r\nHost: envoy.local\r\n\r\n".encode()
    writer.write(request)
    assert (await reader.readuntil(HEALTHY)).startswith(b"HTTP/1.1 200")
    writer.write(request)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert await raw(gateway)


async def test_slow_drip(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = SlowDrip(0.01)
    start = time.monotonic()
    assert await get(client, gateway.http_url + PATH) == (200, HEALTHY)
    assert time.monotonic() - start >= 0.008 * len(HEALTHY)  # timers may be a little early


async def test_oversized(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Oversized(100_000)
    status, body = await get(client, gateway.http_url + PATH)
    assert (status, len(body)) == (200, 100_000)


async def test_endless(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = Endless()
    for url in (gateway.http_url, gateway.https_url):
        async with client.get(url + PATH) as response:
            await response.content.readexactly(3_000_000)
            assert gateway.in_flight == 1
            response.close()
        await until(lambda: gateway.in_flight == 0)


async def test_gzip_bomb(client: aiohttp.ClientSession, gateway: SimulatedGateway) -> None:
    gateway.faults[PATH] = GzipBomb(8 << 20)
    body = (await raw(gateway)).partition(b"\r\n\r\n")[2]
    assert len(body) < 20_000
    assert zlib.decompress(body, wbits=31) == b" " * (8 << 20)
    assert (await get(client, gateway.http_url + PATH))[1] == b" " * (8 << 20)
