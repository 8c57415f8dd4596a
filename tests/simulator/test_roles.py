"""Who may see what: owners less than installers."""

import aiohttp
import pytest
from livehouse import FIXTURES

from envoy_bridge.gateway.passwords import installer_password
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recorded, Recording
from envoy_bridge.simulator.login import TokenService
from envoy_bridge.simulator.roles import METER_STREAM

RESERVED = ["/ivp/peb/devstatus", "/installer/agf/index.json", "/ivp/pdm/energy"]


async def answers(client: aiohttp.ClientSession, url: str, **options: object) -> int:
    async with client.get(url, **options) as response:  # type: ignore[arg-type]  # options are aiohttp's own
        return response.status


def with_reserved(recording: Recording) -> Recording:
    extra = {path: Recorded(200, "application/json", b"{}") for path in RESERVED}
    return Recording(recording.serial, recording.firmware, recording.needs_token, {**recording.replies, **extra})


@pytest.mark.parametrize("path", RESERVED)
async def test_some_paths_are_for_installers(client: aiohttp.ClientSession, modern: Recording, path: str) -> None:
    async with TokenService() as tokens, SimulatedGateway(with_reserved(modern), tokens=tokens) as gateway:
        for role, expected in (("owner", 401), ("installer", 200)):
            headers = {"Authorization": f"Bearer {tokens.issue(modern.serial, role=role)}"}
            assert await answers(client, gateway.https_url + path, headers=headers) == expected
            assert await answers(client, gateway.https_url + "/ivp/meters", headers=headers) == 200


async def test_a_session_has_the_role_of_its_token(client: aiohttp.ClientSession, modern: Recording) -> None:
    async with TokenService() as tokens, SimulatedGateway(with_reserved(modern), tokens=tokens) as gateway:
        for role, expected in (("owner", 401), ("installer", 200)):
            headers = {"Authorization": f"Bearer {tokens.issue(modern.serial, role=role)}"}
            async with client.get(gateway.https_url + "/auth/check_jwt", headers=headers) as response:
                cookie = response.headers["Set-Cookie"].partition(";")[0]
            assert await answers(client, gateway.https_url + RESERVED[0], headers={"Cookie": cookie}) == expected


@pytest.mark.parametrize(
    ("name", "owner"), [("d7_3_production_ct_only", 200), ("d7_6_three_phase_net", 401), ("d8_2_split_battery", 401)]
)
async def test_the_stream_of_the_meters_was_taken_from_owners(
    client: aiohttp.ClientSession, name: str, owner: int
) -> None:
    world = Recording.from_har(FIXTURES / f"{name}.har")
    async with TokenService() as tokens, SimulatedGateway(world, tokens=tokens) as gateway:
        for role, expected in (("owner", owner), ("installer", 200)):
            headers = {"Authorization": f"Bearer {tokens.issue(world.serial, role=role)}"}
            assert await answers(client, gateway.https_url + METER_STREAM, headers=headers) == expected


async def test_before_tokens_the_stream_is_the_installer_s(client: aiohttp.ClientSession) -> None:
    world = Recording.from_har(FIXTURES / "r4_10_split_net.har")
    users = {"envoy": (world.serial[-6:], 401), "installer": (installer_password(world.serial), 200)}
    async with SimulatedGateway(world) as gateway:
        assert await answers(client, gateway.http_url + METER_STREAM) == 401
        for user, (password, expected) in users.items():
            digest = (aiohttp.DigestAuthMiddleware(user, password),)
            assert await answers(client, gateway.http_url + "/ivp/meters", middlewares=digest) == 200
            assert await answers(client, gateway.http_url + METER_STREAM, middlewares=digest) == expected
