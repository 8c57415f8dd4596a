"""Logging in to Locus, and what its refusals mean: no password is tried twice, and nothing is asked twice at a time."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from clouds.locus_account import asked, clock_at, settings
from clouds.locus_calls import URL, failure, grants, sites
from handclock import HandClock
from msgspec.structs import replace

from envoy_bridge.clouds.errors import (
    CloudRefused,
)
from envoy_bridge.clouds.locus.client import LocusClient
from envoy_bridge.clouds.locus.provider import Locus
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.settings import LocusCloud
from envoy_bridge.simulator.clouds.locus import CLIENT_SECRET, PASSWORD, TOKENS, SimulatedLocus
from envoy_bridge.simulator.faults import Answer, Reset

HOUR = 3600.0


@pytest.fixture
def clock() -> HandClock:
    return clock_at()


@pytest.fixture
async def cloud(clock: HandClock) -> AsyncIterator[SimulatedLocus]:
    async with SimulatedLocus(clock=clock) as cloud:
        yield cloud


@pytest.fixture
async def rest(cloud: SimulatedLocus, clock: HandClock) -> AsyncIterator[Rest]:
    async with Rest(cloud.url, provider="locus", clock=clock) as rest:
        yield rest


@pytest.fixture
def client(rest: Rest, clock: HandClock) -> LocusClient:
    return LocusClient(settings(), rest, clock)


async def test_one_login_serves_an_hour(client: LocusClient, cloud: SimulatedLocus, clock: HandClock) -> None:
    assert await sites(client) == 2
    clock.advance(HOUR - 61)
    await sites(client)
    assert grants(cloud) == ["password"]


async def test_before_its_end_a_token_is_renewed_with_the_same_refresh_token(
    client: LocusClient, cloud: SimulatedLocus, clock: HandClock
) -> None:
    for _ in range(4):
        await sites(client)
        clock.advance(HOUR - 59)
    assert cloud.logins == [("password", 200), *[("refresh_token", 200)] * 3]
    assert {request.status for request in cloud.requests} == {200}


async def test_a_short_token_is_used_for_half_of_its_time(
    client: LocusClient, cloud: SimulatedLocus, clock: HandClock
) -> None:
    cloud.life = 40.0
    await sites(client)
    clock.advance(19)
    await sites(client)
    assert grants(cloud) == ["password"]


async def test_a_token_that_ended_early_is_renewed_at_once(client: LocusClient, cloud: SimulatedLocus) -> None:
    await sites(client)
    cloud.expire()
    assert await sites(client) == 2
    assert cloud.logins == [("password", 200), ("refresh_token", 200)]


async def test_a_refresh_token_that_ended_leads_back_to_the_password_once(
    client: LocusClient, cloud: SimulatedLocus
) -> None:
    await sites(client)
    cloud.expire(refresh=True)
    assert await sites(client) == 2
    assert cloud.logins == [("password", 200), ("refresh_token", 401), ("password", 200)]


@pytest.mark.parametrize("wrong", [settings(password="wrong-canary"), settings(secret="wrong-canary")])
async def test_a_wrong_secret_is_tried_once_in_each_way(
    rest: Rest, cloud: SimulatedLocus, clock: HandClock, wrong: LocusCloud
) -> None:
    cloud.grants.discard("client_credentials")
    error = await failure(LocusClient(wrong, rest, clock))
    assert isinstance(error, CloudRefused)
    assert "[cloud.locus]" in str(error)
    assert "wrong-canary" not in str(error)
    assert grants(cloud) == ["password", "client_credentials"]
    assert asked(cloud, "/v3") == []


@pytest.mark.parametrize("word", ["invalid_grant", "invalid_client"])
async def test_where_a_wrong_secret_is_called_by_its_name_nothing_else_is_tried(
    client: LocusClient, cloud: SimulatedLocus, word: str
) -> None:
    cloud.faults[TOKENS] = Answer(b'{"error": "%s"}' % word.encode(), status=400)
    assert isinstance(await failure(client), CloudRefused)
    assert len(asked(cloud, TOKENS)) == 1


async def test_an_account_that_knows_only_client_credentials(
    client: LocusClient, cloud: SimulatedLocus, clock: HandClock
) -> None:
    cloud.grants = {"client_credentials"}
    for _ in range(3):
        assert await sites(client) == 2
        clock.advance(HOUR)
    assert grants(cloud) == ["password", "client_credentials", "client_credentials", "client_credentials"]


async def test_without_a_password_the_client_logs_in_as_itself(
    rest: Rest, cloud: SimulatedLocus, clock: HandClock
) -> None:
    alone = replace(settings(), username=None, password=None)
    client = LocusClient(alone, rest, clock)
    for _ in range(2):
        assert await sites(client) == 2
        clock.advance(HOUR)
    cloud.grants.discard("client_credentials")
    assert isinstance(await failure(client), CloudRefused)
    assert grants(cloud) == ["client_credentials"] * 3


@pytest.mark.parametrize("lacking", ["username", "password"])
def test_a_user_name_and_its_password_go_together(lacking: str) -> None:
    with pytest.raises(ValueError, match="go together"):
        replace(settings(), **{lacking: None})


async def test_a_token_that_is_never_taken_is_no_reason_to_log_in_for_ever(
    client: LocusClient, cloud: SimulatedLocus
) -> None:
    cloud.faults[URL] = Answer(b'{"message": "Unauthorized", "statusCode": 401}', status=401)
    assert isinstance(await failure(client), CloudRefused)
    assert grants(cloud) == ["password", "refresh_token"]
    assert len(asked(cloud, URL)) == 2
    cloud.faults.clear()
    assert await sites(client) == 2  # when somebody lets it try again it begins anew
    assert grants(cloud) == ["password", "refresh_token", "password"]


async def test_requests_at_the_same_time_wait_for_each_other_and_share_a_login(
    client: LocusClient, cloud: SimulatedLocus
) -> None:
    assert await asyncio.gather(*(sites(client) for _ in range(8))) == [2] * 8
    cloud.expire()
    assert await asyncio.gather(*(sites(client) for _ in range(8))) == [2] * 8
    assert cloud.in_flight_max == 1
    assert cloud.logins == [("password", 200), ("refresh_token", 200)]


async def test_a_token_outlives_a_restart(rest: Rest, cloud: SimulatedLocus, clock: HandClock) -> None:
    first = Locus(settings(), rest, clock)
    await first.jobs()[0].run()
    clock.advance(HOUR / 2)
    second = Locus(settings(), rest, clock)
    second.recall(first.remember())
    await second.jobs()[0].run()
    assert grants(cloud) == ["password"]
    clock.advance(HOUR / 2)
    third = Locus(settings(), rest, clock.rebooted())
    third.recall(second.remember())
    await third.jobs()[0].run()
    assert grants(cloud) == ["password", "refresh_token"]


async def test_a_clock_that_was_set_back_does_not_make_a_token_immortal(
    rest: Rest, cloud: SimulatedLocus, clock: HandClock
) -> None:
    first = Locus(settings(), rest, clock)
    await first.jobs()[0].run()
    clock.set_wall(0.0)
    second = Locus(settings(), rest, clock)
    second.recall(first.remember())
    clock.advance(HOUR)
    await second.jobs()[0].run()
    assert grants(cloud) == ["password", "refresh_token"]


async def test_no_secret_is_logged(
    client: LocusClient, cloud: SimulatedLocus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await sites(client)
    cloud.faults["*"] = Reset()
    await failure(client)
    lines = [f"{record.msg!r} {record.args!r} {record.exc_info!r}" for record in caplog.records]
    assert not any(secret in line for line in lines for secret in (PASSWORD, CLIENT_SECRET, "Bearer"))
