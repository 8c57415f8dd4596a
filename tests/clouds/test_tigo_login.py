"""Logins at Tigo, over real HTTP: tokens that end, that are refused, and those that never come."""

import msgspec
import pytest
from clouds import documents_tigo as documents
from clouds.tigo_account import NOON, account, client

from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudRefused,
    UnusableAnswer,
)
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.logs import redact
from envoy_bridge.simulator.clouds.tigo import PASSWORD
from envoy_bridge.simulator.faults import Answer, Fault, Html, Status
from envoy_bridge.values import Secret

LOGIN = "/api/v3/users/login"


async def test_one_login_does_for_all() -> None:
    async with account() as here:
        await here.learn()
        await here.run("summary 1")

        assert here.cloud.logins == [200]
        assert all(each.authorised for each in here.cloud.requests[1:])


async def test_a_token_that_is_refused_is_fetched_anew_once_and_the_request_sent_again() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.expire()

        assert await here.requests_for("summary 1") == 3
        assert here.cloud.logins == [200, 200]


@pytest.mark.parametrize(("life", "still"), [(86_400, 86_000), (1200, 800), (200, 90)])
async def test_a_token_is_not_used_in_the_last_minutes_of_its_life(life: float, still: float) -> None:
    async with account() as here:
        here.cloud.life = life
        await here.learn()
        here.clock.advance(still)
        assert await here.requests_for("summary 1") == 1
        here.clock.advance(life - still - min(300, life / 2))

        assert await here.requests_for("summary 1") == 2
        assert {each.status for each in here.cloud.requests} == {200}


async def test_a_clock_that_is_set_does_not_end_a_token() -> None:
    async with account() as here:
        await here.learn()
        here.clock.set_wall(NOON.timestamp() + 3600)

        assert await here.requests_for("summary 1") == 1


async def test_a_token_that_ended_long_ago_by_its_own_word_is_used_until_it_is_refused() -> None:
    async with account() as here:
        here.cloud.faults |= {LOGIN: Answer(documents.LOGIN), "/api/v3/systems": Answer(documents.SYSTEMS)}
        for _ in range(3):
            await here.run("systems")

        assert len(here.cloud.asked("users/login")) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"auth": "ABCDE"}',
        b'{"data": {"auth": "ABCDE", "refresh_token": "x", "user_agreement": true}}',
        b'{"user": {"auth": "ABCDE", "expires": null}}',
        b'{"user": {"auth": "ABCDE", "expires": "never"}}',
    ],
)
async def test_a_login_may_look_otherwise(body: bytes) -> None:
    async with account() as here:
        here.cloud.faults |= {LOGIN: Answer(body), "/api/v3/systems": Answer(documents.SYSTEMS)}

        assert [report.site for report in await here.run("systems")] == ["1"]


@pytest.mark.parametrize("body", [b"{}", b'{"user": {"auth": ""}}', b'{"user": {"auth": "a\\r\\nX: y"}}', b""])
async def test_a_login_without_a_token(body: bytes) -> None:
    async with account() as here:
        here.cloud.faults[LOGIN] = Answer(body)

        with pytest.raises(UnusableAnswer):
            await here.run("systems")


async def test_a_wrong_password_is_tried_once() -> None:
    async with account(password=Secret("rain-canary")) as here:
        with pytest.raises(CloudRefused, match=r"username and password in \[cloud.tigo\]") as error:
            await here.run("systems")

        assert here.cloud.logins == [401]
        assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(503), CloudDown),
        (Html(), CloudBlocked),
        (Status(403), CloudBlocked),
        (Answer(documents.ERROR, 403), CloudRefused),
        (Answer(documents.ERROR), CloudRefused),
        (Answer(b'{"message": "no"}', 400), UnusableAnswer),
    ],
)
async def test_a_login_that_fails_concerns_the_whole_cloud(fault: Fault, kind: type[CloudError]) -> None:
    async with account() as here:
        here.cloud.faults[LOGIN] = fault

        with pytest.raises(kind) as error:
            await here.run("systems")

        assert not error.value.alone


async def test_neither_password_nor_token_is_ever_shown() -> None:
    async with account() as here:
        await here.run("systems")
        token = msgspec.json.decode(here.tigo.remember())["token"]["text"]

        assert token not in redact(f"Bearer {token}")
        assert token not in redact(repr(here.tigo.remember()))
        assert PASSWORD not in repr(here.tigo.remember())


@pytest.mark.parametrize("away", [86_400.0, 86_400.0 - 299.0])
async def test_a_token_that_ended_while_nothing_ran_or_is_about_to_is_not_sent(away: float) -> None:
    async with account() as here:
        await here.learn()
        memory = here.tigo.remember()
        here.clock.advance(away)
        async with Rest(here.cloud.url, provider="tigo", clock=here.clock) as rest:
            again = client(rest, here.clock)
            again.recall(memory)
            await next(job for job in again.jobs() if job.key == "summary 1").run()

        assert {each.status for each in here.cloud.requests} == {200}
        assert len(here.cloud.logins) == 2
