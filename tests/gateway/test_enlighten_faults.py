"""What Enlighten, and the way there, can do to a login: each fault has its message, and its effect on the budget."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from account import (
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
from aiohttp import web
from handclock import HandClock

from envoy_bridge.config import Login
from envoy_bridge.errors import CloudUnavailable, LoginBudgetSpent
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.simulator.faults import (
    Answer,
    Endless,
    Exchange,
    Fault,
    GzipBomb,
    Hang,
    Html,
    Oversized,
    Redirect,
    Reset,
    SlowDrip,
    Status,
    Truncated,
)
from envoy_bridge.simulator.login import LOGIN, TOKENS, TokenService
from envoy_bridge.simulator.tls import server_context


@dataclass(frozen=True)
class TooMany:
    """429 with a Retry-After header."""

    retry_after: str
    status: int = 429

    async def play(self, _exchange: Exchange) -> web.Response:
        return web.Response(status=self.status, headers={"Retry-After": self.retry_after})


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


async def logins_in_two_days(enlighten: Enlighten, service: TokenService, clock: HandClock) -> int:
    """Ask each quarter of an hour for two days, nothing having been asked but once, now."""
    for _ in range(2 * 96 - 1):
        clock.advance(15 * MINUTE)
        await failure(enlighten)
    return service.logins


def repr_of(value: object) -> str:
    return repr(value)[:40]


# -- what Enlighten is to blame for --

USELESS_LOGINS = [
    Html(),
    Status(404),
    Status(400),
    Answer(b""),
    Answer(b"Please try again later", mime="text/plain"),
    Answer(b"[]"),
    Answer(b"null"),
    Answer(b"{}"),
    Answer(b'{"success": "yes"}'),
    Answer(b'{"session_id": ""}'),
    Answer(b'{"session_id": 7}'),
    Answer(b'{"session_id": "a b\\r\\nX: y"}'),
    Answer(b'{"session_id": "' + SESSION.encode() * 99 + b'"}'),
    Answer(b'{"session_id": "\xff"}'),
    Answer(b'{"message":"no","session_id":null}'),
    Answer(b'{"session_id": "' + SESSION.encode() + b'"}', status=202),
    Answer(b"[" * 50_000),
    Oversized(),
    Endless(),
    GzipBomb(),
]


@pytest.mark.parametrize("fault", USELESS_LOGINS, ids=repr_of)
async def test_a_useless_answer_to_a_login_counts(
    enlighten: Enlighten, service: TokenService, clock: HandClock, fault: Fault
) -> None:
    service.faults[LOGIN] = fault
    assert isinstance(await failure(enlighten), CloudUnavailable)
    assert await logins_in_two_days(enlighten, service, clock) == 6
    assert service.token_calls == 0


USELESS_TOKENS = [
    (Html(), "web page"),
    (Answer(b"Error: no such gateway", mime="text/plain"), "not a token"),
    (Answer(b""), "empty"),
    (Answer(b"\xff\xfe\x00"), "not a token"),
    (Answer(b'{"token": "eyJ.eyJ.x"}'), "not a token"),
    (Answer(b"eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ4In0"), "not a token"),
    (Status(401), "is that gateway in this account?"),
    (Status(403), "is that gateway in this account?"),
    (Status(404), "status 404"),
    (Oversized(), "more than"),
    (Endless(), "more than"),
]


@pytest.mark.parametrize(("fault", "why"), USELESS_TOKENS, ids=repr_of)
async def test_what_is_no_token_counts(
    enlighten: Enlighten, service: TokenService, clock: HandClock, fault: Fault, why: str
) -> None:
    service.faults[TOKENS] = fault
    error = await failure(enlighten)
    assert isinstance(error, CloudUnavailable)
    assert why in str(error)
    assert await logins_in_two_days(enlighten, service, clock) == 6


@pytest.mark.parametrize("fault", [None, Answer(SESSION.encode()), Status(500), Reset()], ids=repr_of)
async def test_a_session_id_is_never_repeated(
    enlighten: Enlighten, service: TokenService, tmp_path: Path, fault: Fault | None
) -> None:
    service.faults[LOGIN] = Answer(f'{{"session_id": "{SESSION}"}}'.encode())  # which entrez does not know
    if fault:
        service.faults[TOKENS] = fault
    await failure(enlighten)
    assert service.token_calls == 1
    assert SESSION.encode() not in content(tmp_path)


async def test_a_token_of_another_gateway_counts(enlighten: Enlighten, service: TokenService, clock: HandClock) -> None:
    service.made_out_to = OTHER
    assert f"gateway {OTHER}, and this is gateway {SERIAL}" in str(await failure(enlighten))
    assert await logins_in_two_days(enlighten, service, clock) == 6


async def test_an_expired_token_counts(enlighten: Enlighten, service: TokenService, clock: HandClock) -> None:
    service.life = -5.0
    assert "expired" in str(await failure(enlighten))
    assert await logins_in_two_days(enlighten, service, clock) == 6


async def test_a_token_the_gateway_refuses_counts(
    enlighten: Enlighten, service: TokenService, clock: HandClock
) -> None:
    for _ in range(3):
        await fetch(enlighten)
        enlighten.gateway_refused()
        assert isinstance(await failure(enlighten, OTHER), LoginBudgetSpent), "the session may be to blame"
        clock.advance(15 * MINUTE)
    assert isinstance(await failure(enlighten), LoginBudgetSpent)
    assert service.logins == 3


@pytest.mark.parametrize("path", [LOGIN, TOKENS])
@pytest.mark.parametrize("fault", [Status(500), Status(503), Status(429), Truncated(), Reset()], ids=repr_of)
async def test_a_cloud_that_is_down_is_asked_again_each_quarter_of_an_hour(
    enlighten: Enlighten, service: TokenService, clock: HandClock, fault: Fault, path: str
) -> None:
    service.faults[path] = fault
    for _ in range(5):
        assert isinstance(await failure(enlighten), CloudUnavailable)
        assert isinstance(await failure(enlighten), LoginBudgetSpent)
        clock.advance(15 * MINUTE)
    service.faults.clear()
    await fetch(enlighten)
    assert service.logins == 6


@pytest.mark.parametrize("path", [LOGIN, TOKENS])
@pytest.mark.parametrize("fault", [Hang(), SlowDrip(20.0)], ids=repr_of)
async def test_a_slow_cloud_is_left_at_the_deadline(
    service: TokenService, tmp_path: Path, fault: Fault, path: str
) -> None:
    enlighten = started(service, tmp_path, HandClock(speed=100))
    service.faults[path] = fault
    begun = time.monotonic()
    error = await failure(enlighten)
    assert isinstance(error, CloudUnavailable)
    assert "within 30 s" in str(error)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("path", [LOGIN, TOKENS])
async def test_a_redirect_is_not_followed(enlighten: Enlighten, service: TokenService, path: str) -> None:
    async with TokenService(users={USERNAME: PASSWORD}) as elsewhere:
        service.faults[path] = Redirect(elsewhere.url + path)
        assert isinstance(await failure(enlighten), CloudUnavailable)
        assert elsewhere.connections == 0


@pytest.mark.parametrize("path", [LOGIN, TOKENS])
async def test_a_pause_that_is_asked_for_is_kept(
    service: TokenService, tmp_path: Path, clock: HandClock, path: str
) -> None:
    date = format_datetime(datetime.fromtimestamp(clock.wall() + HOUR, tz=UTC), usegmt=True)
    service.faults[path] = TooMany(date)
    await failure(started(service, tmp_path, clock))
    clock.advance(HOUR - 2)
    assert isinstance(await failure(started(service, tmp_path, clock)), LoginBudgetSpent)
    clock.advance(2)
    service.faults[path] = TooMany("7200", status=503)
    await failure(started(service, tmp_path, clock))
    clock.advance(2 * HOUR - 1)
    assert isinstance(await failure(started(service, tmp_path, clock)), LoginBudgetSpent)
    assert service.logins == 2


async def test_a_pause_holds_for_a_login_that_is_shared(enlighten: Enlighten, service: TokenService) -> None:
    service.faults[TOKENS] = TooMany("600")
    await failure(enlighten)
    assert isinstance(await failure(enlighten, OTHER), LoginBudgetSpent)
    assert service.token_calls == 1


@pytest.mark.parametrize("header", ["soon", "-5", "", "1e9", "Mon, 99 Foo 2026", "9" * 40])
async def test_a_pause_that_is_not_understood_is_none(
    enlighten: Enlighten, service: TokenService, clock: HandClock, header: str
) -> None:
    service.faults[LOGIN] = TooMany(header)
    assert isinstance(await failure(enlighten), CloudUnavailable)
    clock.advance(15 * MINUTE)
    assert isinstance(await failure(enlighten), CloudUnavailable)
    assert service.logins == 2


# -- what the way there is to blame for --


async def test_a_cloud_that_cannot_be_reached_may_be_tried_after_a_minute(
    enlighten: Enlighten, service: TokenService, clock: HandClock
) -> None:
    url = service.url
    await service.__aexit__()
    assert "cannot be reached" in str(await failure(enlighten))
    async with TokenService(port=int(url.rpartition(":")[2]), users={USERNAME: PASSWORD}, clock=clock):
        assert isinstance(await failure(enlighten), LoginBudgetSpent)
        clock.advance(MINUTE)
        await fetch(enlighten)


async def test_nothing_is_sent_where_the_certificate_cannot_be_trusted(tmp_path: Path, clock: HandClock) -> None:
    arrived = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", ssl=server_context("enlighten.enphaseenergy.com"))
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        error = await failure(Enlighten(Login(enlighten=url, entrez=url), tmp_path, clock))
    assert isinstance(error, CloudUnavailable)
    assert "certificate" in str(error)
    assert not arrived
