"""What the answers of Locus mean that are not data: who is to wait, and for how long."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from clouds import documents_locus as document
from clouds.locus_account import asked, clock_at, settings
from clouds.locus_calls import PLACE, URL, failure, grants, sites
from handclock import HandClock
from waiting import until

from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudRefused,
    CloudThrottled,
    NotAllowed,
    UnusableAnswer,
)
from envoy_bridge.clouds.locus.client import LocusClient
from envoy_bridge.clouds.locus.wire import Sites
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.simulator.clouds.locus import TOKENS, SimulatedLocus
from envoy_bridge.simulator.faults import Answer, Fault, Hang, Html, Redirect, Reset, Status, Truncated


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


@pytest.mark.parametrize("status", [400, 403, 404, 418])
async def test_what_is_not_for_us_is_no_reason_to_log_in_again(
    client: LocusClient, cloud: SimulatedLocus, status: int
) -> None:
    cloud.faults[URL] = Answer(b'{"message": "No\\nnever", "statusCode": 200}', status=status)
    error = await failure(client)
    assert isinstance(error, NotAllowed)
    assert error.alone
    assert PLACE in str(error)
    assert grants(cloud) == ["password"]
    assert len(asked(cloud, URL)) == 1


async def test_a_token_in_an_answer_is_not_passed_on(client: LocusClient, cloud: SimulatedLocus) -> None:
    await sites(client)
    assert client.login.tokens is not None
    token = client.login.tokens.access
    cloud.faults[URL] = Answer(b'{"message": "%s is not for this"}' % token.encode(), status=403)
    assert "'*** is not for this'" in str(await failure(client))


async def test_being_throttled_makes_us_wait_longer_each_time(client: LocusClient, cloud: SimulatedLocus) -> None:
    await sites(client)
    cloud.faults[URL] = Answer(document.THROTTLED, status=429)
    errors = [await failure(client) for _ in range(6)]
    assert {type(error) for error in errors} == {CloudThrottled}
    assert [error.retry_in for error in errors] == [5, 10, 20, 40, 60, 60]
    assert len(asked(cloud, URL)) == 7
    cloud.faults.clear()
    await sites(client)
    cloud.faults[TOKENS] = cloud.faults[URL] = Answer(document.THROTTLED, status=429)
    assert (await failure(client)).retry_in == 5
    cloud.expire()
    assert isinstance(await failure(client), CloudThrottled)


async def test_a_request_of_somebody_else_throttles_us(
    client: LocusClient, cloud: SimulatedLocus, clock: HandClock
) -> None:
    cloud.faults["/v3/slow"] = Hang()
    async with Rest(cloud.url, provider="locus", clock=clock) as other:
        somebody = asyncio.create_task(LocusClient(settings(), other, clock).get("slow", Sites))
        await until(lambda: cloud.connections == 2 and cloud.in_flight)
        assert isinstance(await failure(client), CloudThrottled)
        somebody.cancel()
        await asyncio.wait([somebody])


NOW = "Wed, 10 Jun 2026 19:07:30 GMT"


class Busy:
    """Says how long to wait."""

    def __init__(self, said: str) -> None:
        self.said = said

    async def play(self, _exchange: object) -> web.Response:
        return web.Response(status=429, body=document.THROTTLED, headers={"Retry-After": self.said, "Date": NOW})


@pytest.mark.parametrize(
    ("said", "seconds"), [("90", 90), ("999999", 3600), ("soon", 5), ("-3", 5), ("Wed, 10 Jun 2026 19:09:30 GMT", 120)]
)
async def test_the_wait_that_the_cloud_asks_for_is_passed_on(
    client: LocusClient, cloud: SimulatedLocus, said: str, seconds: float
) -> None:
    cloud.faults["*"] = Busy(said)
    assert (await failure(client)).retry_in == seconds


@pytest.mark.parametrize(
    ("path", "kind"),
    [(URL, NotAllowed), (TOKENS, CloudRefused)],
)
async def test_an_error_that_comes_with_status_200_is_one(
    client: LocusClient, cloud: SimulatedLocus, path: str, kind: type[CloudError]
) -> None:
    cloud.honest = False
    if path == TOKENS:
        cloud.grants.clear()
    cloud.forbidden.add(path)
    assert type(await failure(client)) is kind


async def test_a_token_that_ended_is_seen_in_the_body_too(client: LocusClient, cloud: SimulatedLocus) -> None:
    cloud.honest = False
    await sites(client)
    cloud.expire()
    assert await sites(client) == 2
    cloud.faults[URL] = Answer(document.THROTTLED)
    assert isinstance(await failure(client), CloudThrottled)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(503), CloudDown),
        (Status(500), CloudDown),
        (Html(), CloudBlocked),
        (Status(403), CloudBlocked),
        (Status(401), CloudBlocked),
        (Reset(), CloudDown),
        (Redirect("https://example.org/"), CloudBlocked),
        (Answer(b"", status=302), CloudDown),
    ],
)
@pytest.mark.parametrize("path", [URL, TOKENS])
async def test_a_cloud_that_does_not_work_is_not_a_refusal(
    client: LocusClient, cloud: SimulatedLocus, path: str, fault: Fault, kind: type[CloudError]
) -> None:
    cloud.faults[path] = fault
    error = await failure(client)
    assert type(error) is kind
    assert not error.alone
    cloud.faults.clear()
    assert await sites(client) == 2
    assert set(grants(cloud)) == {"password"}


@pytest.mark.parametrize(
    "fault", [Truncated(), Answer(b""), Answer(b"[]"), Answer(b'{"sites": 5}'), Answer(b'{"statusCode": 200}')]
)
async def test_an_answer_of_no_use_costs_only_itself(client: LocusClient, cloud: SimulatedLocus, fault: Fault) -> None:
    cloud.faults[URL] = fault
    error = await failure(client)
    assert type(error) is UnusableAnswer
    assert error.alone


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"access_token": ""}', b'{"access_token": "x", "expires_in": null}']
)
async def test_a_login_without_a_token_concerns_all(client: LocusClient, cloud: SimulatedLocus, body: bytes) -> None:
    cloud.faults[TOKENS] = Answer(body)
    error = await failure(client)
    assert type(error) is CloudDown
    assert not error.alone
