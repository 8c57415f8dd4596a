"""Tokens from Enlighten: the simulated token service over real sockets, and how often it is asked."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from account import (
    DAY,
    HOUR,
    MINUTE,
    OTHER,
    PASSWORD,
    SERIAL,
    SESSION,
    USERNAME,
    content,
    failure,
    fetch,
    no_secret_in,
    started,
)
from handclock import HandClock

from envoy_bridge.config import Secret
from envoy_bridge.errors import CredentialsRejected, LoginBudgetSpent, MultiFactorRequired
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.simulator.faults import (
    Answer,
    Hang,
    Status,
)
from envoy_bridge.simulator.login import LOGIN, TOKENS, TokenService


@pytest.fixture(autouse=True)
def no_secret_in_any_log_line(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    no_secret_in(caplog.records)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(speed=20)  # deadlines of 1.5 s


@pytest.fixture
async def service(clock: HandClock) -> AsyncIterator[TokenService]:
    async with TokenService(users={USERNAME: PASSWORD}, clock=clock) as running:
        yield running


@pytest.fixture
def enlighten(service: TokenService, tmp_path: Path, clock: HandClock) -> Enlighten:
    return started(service, tmp_path, clock)


# -- what works --


async def test_a_login_gives_a_token(enlighten: Enlighten, service: TokenService, clock: HandClock) -> None:
    token = await fetch(enlighten)
    assert {token.text} == service.issued
    assert (token.serial, token.role, token.username) == (SERIAL, "owner", USERNAME)
    assert (service.logins, service.token_calls) == (1, 1)
    assert token.issued == pytest.approx(clock.wall())


async def test_white_space_around_a_token_does_no_harm(enlighten: Enlighten, service: TokenService) -> None:
    text = service.issue(SERIAL)
    service.faults[TOKENS] = Answer(f"  {text}\r\n".encode())
    assert (await fetch(enlighten)).text == text


async def test_a_token_that_is_handed_out_again_is_new_here(
    enlighten: Enlighten, service: TokenService, clock: HandClock
) -> None:
    text = service.issue(SERIAL)
    clock.advance(200 * DAY)
    service.faults[TOKENS] = Answer(text.encode())
    assert (await fetch(enlighten)).issued == clock.wall()


async def test_gateways_of_an_account_share_a_login(enlighten: Enlighten, service: TokenService) -> None:
    tokens = await asyncio.gather(*(fetch(enlighten, serial) for serial in (SERIAL, OTHER, "122300000003")))
    assert [token.serial for token in tokens] == [SERIAL, OTHER, "122300000003"]
    assert (service.logins, service.token_calls) == (1, 3)
    assert service.in_flight_max == 1


async def test_a_login_serves_each_gateway_once(enlighten: Enlighten, service: TokenService) -> None:
    await fetch(enlighten)
    assert isinstance(await failure(enlighten), LoginBudgetSpent)
    assert (service.logins, service.token_calls) == (1, 1)


async def test_a_login_is_shared_for_ten_minutes(enlighten: Enlighten, service: TokenService, clock: HandClock) -> None:
    await fetch(enlighten)
    clock.advance(10 * MINUTE)
    assert isinstance(await failure(enlighten, OTHER), LoginBudgetSpent)
    assert service.token_calls == 1


async def test_another_account_needs_its_own_login(
    enlighten: Enlighten, service: TokenService, clock: HandClock
) -> None:
    service.users["other@example.org"] = PASSWORD
    await fetch(enlighten)
    with pytest.raises(LoginBudgetSpent):
        await enlighten.fetch_token(serial=OTHER, username="other@example.org", password=Secret(PASSWORD))
    clock.advance(15 * MINUTE)
    await enlighten.fetch_token(serial=OTHER, username="other@example.org", password=Secret(PASSWORD))
    assert service.logins == 2


# -- what the account is to blame for --


async def test_a_wrong_password_is_sent_once(enlighten: Enlighten, service: TokenService, clock: HandClock) -> None:
    for _ in range(20):
        error = await failure(enlighten, password="wrong canary")
        assert isinstance(error, CredentialsRejected)
        assert USERNAME in str(error)
        assert "password in [[gateway]]" in str(error)
        clock.advance(HOUR)
    assert (service.logins, service.token_calls) == (1, 0)


async def test_a_corrected_password_is_sent(enlighten: Enlighten, service: TokenService, clock: HandClock) -> None:
    await failure(enlighten, password="wrong canary")
    assert isinstance(await failure(enlighten), LoginBudgetSpent)
    clock.advance(15 * MINUTE)
    assert (await fetch(enlighten)).serial == SERIAL
    assert service.logins == 2


async def test_a_refused_account_is_tried_again_after_a_day(
    enlighten: Enlighten, service: TokenService, clock: HandClock
) -> None:
    service.faults[LOGIN] = Status(403)
    assert isinstance(await failure(enlighten), CredentialsRejected)
    service.faults.clear()
    clock.advance(DAY - 1)
    assert isinstance(await failure(enlighten), CredentialsRejected)
    clock.advance(1)
    await fetch(enlighten)
    assert service.logins == 2


async def test_a_second_factor_is_explained_and_not_tried_again(enlighten: Enlighten, service: TokenService) -> None:
    service.mfa = True
    for serial in (SERIAL, OTHER):
        error = await failure(enlighten, serial)
        assert isinstance(error, MultiFactorRequired)
        assert "https://entrez.enphaseenergy.com" in str(error)
        assert "[[gateway]] token_file" in str(error)
    assert service.logins == 1


@pytest.mark.parametrize("session", ["", f', "session_id": "{SESSION}"'])
async def test_a_blocked_account_is_named(enlighten: Enlighten, service: TokenService, session: str) -> None:
    service.faults[LOGIN] = Answer(f'{{"success": true, "isBlocked": true{session}}}'.encode())
    error = await failure(enlighten)
    assert isinstance(error, CredentialsRejected)
    assert "blocked" in str(error)


# -- restarts --


async def test_twenty_starts_with_a_wrong_password_are_three_logins(
    service: TokenService, tmp_path: Path, clock: HandClock
) -> None:
    for _ in range(20):
        await failure(started(service, tmp_path, clock), password="wrong canary")
        clock.advance(HOUR)
    assert service.logins == 3


async def test_twenty_quick_starts_are_one_login(service: TokenService, tmp_path: Path, clock: HandClock) -> None:
    await fetch(started(service, tmp_path, clock))
    for _ in range(20):
        clock.advance(30)
        assert isinstance(await failure(started(service, tmp_path, clock)), LoginBudgetSpent)
    assert (service.logins, service.token_calls) == (1, 1)


async def test_a_start_that_is_cut_short_is_a_login_too(
    service: TokenService, tmp_path: Path, clock: HandClock
) -> None:
    service.faults[LOGIN] = Hang()
    for _ in range(20):
        begun = asyncio.create_task(fetch(started(service, tmp_path, clock)))
        await asyncio.wait([begun], timeout=0.05)
        begun.cancel()
        await asyncio.wait([begun])
    await service.drop_connections()
    assert service.logins == 1


async def test_no_file_has_a_secret(enlighten: Enlighten, tmp_path: Path, clock: HandClock) -> None:
    await fetch(enlighten)
    clock.advance(HOUR)
    await failure(enlighten, password="wrong canary")
    assert b"next_login" in content(tmp_path)
    assert b"canary" not in content(tmp_path)
