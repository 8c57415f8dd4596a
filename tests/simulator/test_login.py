import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest

from envoy_bridge.simulator.faults import Html, Status
from envoy_bridge.simulator.login import (
    LOGIN,
    OWNER_LIFE,
    PASSWORD,
    TOKENS,
    USERNAME,
    Claims,
    TokenService,
    role_of,
    sign,
)

SERIAL = "122000000001"


@pytest.fixture
async def service() -> AsyncIterator[TokenService]:
    async with TokenService() as running:
        yield running


async def log_in(
    client: aiohttp.ClientSession, service: TokenService, email: str = USERNAME, password: str = PASSWORD
) -> tuple[int, Any, list[str]]:
    form = {"user[email]": email, "user[password]": password}
    async with client.post(service.url + LOGIN, data=form) as response:
        body = await response.json() if response.content_type == "application/json" else await response.text()
        return response.status, body, list(response.cookies)


async def ask(
    client: aiohttp.ClientSession, service: TokenService, session: str, username: str = USERNAME
) -> tuple[int, str]:
    asked = {"session_id": session, "serial_num": SERIAL, "username": username}
    async with client.post(service.url + TOKENS, json=asked) as response:
        return response.status, await response.text()


async def fetch(client: aiohttp.ClientSession, service: TokenService) -> str:
    _status, answer, _cookies = await log_in(client, service)
    status, token = await ask(client, service, answer["session_id"])
    assert status == 200
    return token


async def test_a_login_leads_to_a_token(client: aiohttp.ClientSession, service: TokenService) -> None:
    status, answer, cookies = await log_in(client, service)
    assert (status, answer["message"], len(answer["session_id"])) == (200, "success", 32)
    assert cookies == ["_enlighten_4_session"]

    status, token = await ask(client, service, answer["session_id"])
    assert status == 200
    assert token in service.issued
    assert (service.logins, service.token_calls) == (1, 1)


async def test_a_token_looks_like_one_of_entrez(client: aiohttp.ClientSession, service: TokenService) -> None:
    token = await fetch(client, service)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["alg"] == "ES256"
    assert len(base64.urlsafe_b64decode(token.split(".")[2] + "==")) == 64
    assert (claims["aud"], claims["iss"], claims["enphaseUser"], claims["username"]) == (
        SERIAL,
        "Entrez",
        "owner",
        USERNAME,
    )
    assert claims["exp"] - claims["iat"] == OWNER_LIFE
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["jti"]


@pytest.mark.parametrize(("email", "password"), [(USERNAME, "wrong"), ("else@example.org", PASSWORD), ("", "")])
async def test_wrong_credentials(
    client: aiohttp.ClientSession, service: TokenService, email: str, password: str
) -> None:
    status, _page, cookies = await log_in(client, service, email, password)
    assert (status, cookies, service.logins) == (401, [], 1)


async def test_users_can_change(client: aiohttp.ClientSession) -> None:
    async with TokenService(users={"me@example.org": "one"}) as service:
        assert (await log_in(client, service, "me@example.org", "one"))[0] == 200
        service.users["me@example.org"] = "two"
        assert (await log_in(client, service, "me@example.org", "one"))[0] == 401


async def test_an_account_with_a_second_factor(client: aiohttp.ClientSession, service: TokenService) -> None:
    service.mfa = True
    assert await log_in(client, service) == (200, {"success": True, "isBlocked": False}, ["login_otp_nonce"])
    assert (await log_in(client, service, password="wrong"))[0] == 401


@pytest.mark.parametrize(("session", "username"), [("0" * 32, USERNAME), ("right", "else@example.org")])
async def test_no_token_without_the_session(
    client: aiohttp.ClientSession, service: TokenService, session: str, username: str
) -> None:
    _status, answer, _cookies = await log_in(client, service)
    session = answer["session_id"] if session == "right" else session
    assert (await ask(client, service, session, username))[0] == 401
    assert not service.issued


async def test_a_short_life_another_role_another_serial(client: aiohttp.ClientSession, service: TokenService) -> None:
    service.life, service.role, service.made_out_to = 60, "installer", "121000000002"

    claims = jwt.decode(await fetch(client, service), options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == 60
    assert (claims["enphaseUser"], claims["aud"]) == ("installer", "121000000002")


async def test_html_instead_of_a_token_and_a_broken_cloud(client: aiohttp.ClientSession, service: TokenService) -> None:
    _status, answer, _cookies = await log_in(client, service)
    service.faults[TOKENS] = Html()
    status, text = await ask(client, service, answer["session_id"])
    assert (status, text[:6]) == (200, "<html>")
    service.faults = {LOGIN: Status(500)}
    assert (await log_in(client, service))[0] == 500
    assert (service.logins, service.token_calls) == (2, 1)


async def test_other_calls(client: aiohttp.ClientSession, service: TokenService) -> None:
    for method, path, expected in (("GET", LOGIN, 404), ("POST", TOKENS, 400), ("GET", "/", 404)):
        async with client.request(method, service.url + path, data=b"{}") as response:
            assert response.status == expected


async def test_tokens_without_http(service: TokenService) -> None:
    token, expired = service.issue(SERIAL), service.issue(SERIAL, life=-1)
    now = time.time()

    assert service.role_of(token, SERIAL, now) == "owner"
    assert service.role_of(service.issue(SERIAL, role="installer"), SERIAL, now) == "installer"
    assert service.role_of(token, SERIAL, now + OWNER_LIFE + 1) is None
    assert service.role_of(token, "121000000002", now) is None
    assert service.role_of(expired, SERIAL, now) is None
    assert service.role_of(sign(Claims(aud=SERIAL, exp=now + 60, iat=now, username=USERNAME)), SERIAL, now) is None


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    ["", "a.b", f"h.{part([])}.s", f"h.{part({'aud': SERIAL})}.s", f"h.{part({'aud': 1, 'exp': 9e9})}.s", "ä.ä.ä"],
)
def test_what_is_no_token(token: str) -> None:
    assert role_of(token, SERIAL, 0) is None
