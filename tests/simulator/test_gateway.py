import asyncio
import socket
import time
from http.cookies import SimpleCookie

import aiohttp
import pytest
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.gateway.passwords import installer_password
from envoy_bridge.simulator.faults import Hang
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.login import Claims, TokenService, sign


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def token_for(serial: str, *, life: float = 3600) -> str:
    return sign(Claims(aud=serial, exp=time.time() + life, iat=time.time(), username="me@example.org"))


async def status(client: aiohttp.ClientSession, url: str, **headers: str) -> int:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get(url, headers=fields, allow_redirects=False) as response:
        await response.read()
        return response.status


async def log_in(client: aiohttp.ClientSession, gateway: SimulatedGateway, token: str, method: str = "GET") -> str:
    """The session that the gateway gives for a token."""
    async with client.request(method, f"{gateway.https_url}/auth/check_jwt", headers=bearer(token)) as response:
        assert response.status == 200
        assert await response.text() == "<!DOCTYPE html><h2>Valid token.</h2>"
        cookie = SimpleCookie(response.headers["Set-Cookie"])["sessionId"]
        assert cookie["httponly"]
        assert cookie["secure"]
        return f"sessionId={cookie.value}"


async def test_info_is_open_on_both_ports(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        for url in (f"{gateway.https_url}/info", f"{gateway.http_url}/info.xml"):
            async with client.get(url) as response:
                assert (response.status, response.content_type) == (200, "text/xml")
                assert b"122000000001" in await response.read()


async def test_data_needs_a_token(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        url = f"{gateway.https_url}/ivp/meters"
        async with client.get(url) as response:
            assert (response.status, response.content_type) == (401, "text/html")
        async with client.get(url, headers=bearer(token_for("122000000001"))) as response:
            assert (response.status, await response.json()) == (200, [{"eid": 704643328}])


@pytest.mark.parametrize("token", [token_for("121000000002"), token_for("122000000001", life=-1), "a.b.c", "password"])
async def test_a_token_that_does_not_hold(client: aiohttp.ClientSession, modern: Recording, token: str) -> None:
    async with SimulatedGateway(modern) as gateway:
        for path in ("/ivp/meters", "/auth/check_jwt"):
            assert await status(client, gateway.https_url + path, Authorization=f"Bearer {token}") == 401


async def test_only_tokens_of_the_service_count_where_there_is_one(
    client: aiohttp.ClientSession, modern: Recording
) -> None:
    async with TokenService() as tokens, SimulatedGateway(modern, tokens=tokens) as gateway:
        url = f"{gateway.https_url}/ivp/meters"
        issued = tokens.issue(modern.serial)

        assert await status(client, url, Authorization=f"Bearer {token_for(modern.serial)}") == 401
        assert await status(client, url, Authorization=f"Bearer {issued}") == 200
        tokens.issued.clear()
        assert await status(client, url, Authorization=f"Bearer {issued}") == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_session_stands_for_the_token(client: aiohttp.ClientSession, modern: Recording, method: str) -> None:
    async with SimulatedGateway(modern) as gateway:
        session = await log_in(client, gateway, token_for(modern.serial), method)

        assert await status(client, f"{gateway.https_url}/ivp/meters", Cookie=session) == 200
        assert await status(client, f"{gateway.https_url}/ivp/meters", Cookie=session + "x") == 401


async def test_a_session_ends_after_ten_idle_minutes(client: aiohttp.ClientSession, modern: Recording) -> None:
    clock = Clock.fast(1200)  # ten minutes in half a second
    async with SimulatedGateway(modern, clock=clock) as gateway:
        session = await log_in(client, gateway, token_for(modern.serial, life=1e9))
        assert await status(client, f"{gateway.https_url}/ivp/meters", Cookie=session) == 200
        await clock.sleep(601)
        assert await status(client, f"{gateway.https_url}/ivp/meters", Cookie=session) == 401


async def test_plain_http_gives_no_data_and_tells_of_leaked_tokens(
    client: aiohttp.ClientSession, modern: Recording
) -> None:
    async with SimulatedGateway(modern) as gateway:
        assert await status(client, f"{gateway.http_url}/ivp/meters") == 301
        assert gateway.leaks == []
        assert await status(client, f"{gateway.http_url}/ivp/meters", **bearer(token_for(modern.serial))) == 301
        assert await status(client, f"{gateway.http_url}/info", Cookie="sessionId=1") == 200
        assert [leak.path for leak in gateway.leaks] == ["/ivp/meters", "/info"]


async def test_the_port_for_plain_http_can_be_closed(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern, http=False) as gateway:
        assert await status(client, f"{gateway.https_url}/info") == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"{gateway.http_url}/info")


async def test_recorded_statuses_and_unknown_paths(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        headers = bearer(token_for(modern.serial))
        async with client.get(f"{gateway.https_url}/ivp/ensemble/power", headers=headers) as response:
            assert (response.status, await response.text()) == (401, "<html>not for you</html>")
        async with client.get(f"{gateway.https_url}/ivp/none", headers=headers) as response:
            assert (response.status, await response.json()) == (404, {"error": "404 - Not Found"})
        async with client.get(f"{gateway.https_url}/production.json?details=1", headers=headers) as response:
            assert await response.json() == {"production": [{"lines": []}]}


@pytest.mark.parametrize("user", ["envoy", "installer"])
async def test_digest_before_firmware_7(client: aiohttp.ClientSession, old: Recording, user: str) -> None:
    password = {"envoy": "000002", "installer": installer_password(old.serial)}[user]
    async with SimulatedGateway(old) as gateway:
        for url in (gateway.http_url, gateway.https_url):
            digest = aiohttp.DigestAuthMiddleware(user, password)
            async with client.get(f"{url}/production.json") as response:
                assert response.status == 200
            async with client.get(f"{url}/api/v1/production/inverters") as response:
                assert response.status == 401
                challenge = response.headers["WWW-Authenticate"]
                nonce = challenge.split('"')[-2]
                assert challenge == f'Digest qop="auth", realm="enphaseenergy.com", nonce="{nonce}"'
                assert abs(int(nonce) - time.time()) < 5
            async with client.get(f"{url}/ivp/meters?x=1", middlewares=(digest,)) as response:
                assert await response.json() == [{"eid": 704643328}]
        assert [request.authorised for request in gateway.requests if request.status == 200] == [False, True] * 2


@pytest.mark.parametrize(("user", "password"), [("envoy", "000003"), ("installer", "000002"), ("admin", "admin")])
async def test_a_wrong_digest(client: aiohttp.ClientSession, old: Recording, user: str, password: str) -> None:
    digest = aiohttp.DigestAuthMiddleware(user, password)
    async with (
        SimulatedGateway(old) as gateway,
        client.get(f"{gateway.http_url}/ivp/meters", middlewares=(digest,)) as response,
    ):
        assert response.status == 401


async def test_a_gateway_that_lets_only_the_installer_in(client: aiohttp.ClientSession, old: Recording) -> None:
    async with SimulatedGateway(old, refuse_envoy=True) as gateway:
        for user, password, expected in (("envoy", "000002", 401), ("installer", installer_password(old.serial), 200)):
            digest = aiohttp.DigestAuthMiddleware(user, password)
            async with client.get(f"{gateway.http_url}/ivp/meters", middlewares=(digest,)) as response:
                assert response.status == expected


async def test_every_request_is_remembered(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        await status(client, f"{gateway.https_url}/info")
        await status(client, f"{gateway.https_url}/production.json?details=1", **bearer(token_for(modern.serial)))
        await status(client, f"{gateway.http_url}/none")
        first, second, third = gateway.requests

    assert [(r.path, r.status, r.secure, r.token, r.authorised) for r in (first, second, third)] == [
        ("/info", 200, True, False, False),
        ("/production.json?details=1", 200, True, True, True),
        ("/none", 301, False, False, False),
    ]
    assert first.connection == second.connection != third.connection
    assert first.time <= second.time <= third.time
    assert (gateway.connections, gateway.in_flight_max) == (2, 1)


async def test_requests_at_the_same_time_are_counted(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        gateway.faults["*"] = Hang(0.05)
        await asyncio.gather(*(status(client, f"{gateway.https_url}/info") for _ in range(3)))

    assert sorted(request.in_flight for request in gateway.requests) == [1, 2, 3]
    assert (gateway.in_flight_max, gateway.in_flight, gateway.connections) == (3, 0, 3)


async def test_a_client_that_leaves_is_no_longer_in_flight(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        gateway.faults["/info"] = Hang()
        with pytest.raises(TimeoutError):
            await client.get(f"{gateway.https_url}/info", timeout=aiohttp.ClientTimeout(total=0.05))
        await until(lambda: gateway.in_flight == 0)

    assert [(request.path, request.status) for request in gateway.requests] == [("/info", None)]


async def test_a_reboot_refuses_connections_and_forgets_sessions(
    client: aiohttp.ClientSession, modern: Recording
) -> None:
    async with SimulatedGateway(modern) as gateway, asyncio.TaskGroup() as tasks:
        ports = gateway.port, gateway.https_port
        session = await log_in(client, gateway, token_for(modern.serial))
        reboot = tasks.create_task(gateway.reboot(0.5))
        await asyncio.sleep(0)
        for url in (gateway.http_url, gateway.https_url):
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(f"{url}/info")
        await reboot
        assert (gateway.port, gateway.https_port) == ports
        assert await status(client, f"{gateway.http_url}/info") == 200
        assert await status(client, f"{gateway.https_url}/ivp/meters", Cookie=session) == 401


async def test_a_reboot_into_another_firmware(client: aiohttp.ClientSession, old: Recording, modern: Recording) -> None:
    async with SimulatedGateway(old) as gateway:
        assert await status(client, f"{gateway.http_url}/production.json") == 200
        await gateway.reboot(0, modern, http=False)
        assert await status(client, f"{gateway.https_url}/production.json") == 401
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"{gateway.http_url}/info")


async def test_a_reboot_cuts_what_is_in_flight(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        gateway.faults["*"] = Hang()
        request = asyncio.create_task(status(client, f"{gateway.https_url}/info"))
        await until(lambda: gateway.in_flight == 1)
        await gateway.reboot(0.05)
        with pytest.raises(aiohttp.ClientConnectionError):
            await request


async def test_a_reboot_that_outlasts_the_gateway_opens_nothing(
    client: aiohttp.ClientSession, modern: Recording
) -> None:
    async with SimulatedGateway(modern) as gateway:
        reboot = asyncio.create_task(gateway.reboot(0.1))
        await asyncio.sleep(0.01)
    await reboot
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(f"{gateway.http_url}/info")


async def test_it_stops_at_once_in_the_middle_of_an_answer(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with SimulatedGateway(modern) as gateway:
        gateway.faults["*"] = Hang()
        request = asyncio.create_task(status(client, f"{gateway.https_url}/info"))
        await until(lambda: gateway.in_flight == 1)
        start = time.monotonic()
    assert time.monotonic() - start < 0.5
    with pytest.raises(aiohttp.ClientConnectionError):
        await request


async def test_it_starts_quickly(modern: Recording) -> None:
    async with SimulatedGateway(modern):
        pass  # imports are not the gateway's start
    start = time.monotonic()
    async with SimulatedGateway(modern):
        assert time.monotonic() - start < 0.2


async def test_a_port_that_is_taken(modern: Recording) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await SimulatedGateway(modern, https_port=taken).__aenter__()
