"""What goes wrong with Tigo, over real HTTP: refusals, limits, pages in place of data."""

import pytest
from clouds import documents_tigo as documents
from clouds.tigo_account import NOON, Account, account, client
from handclock import HandClock

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudThrottled,
    NotAllowed,
    UnusableAnswer,
)
from envoy_bridge.clouds.rest import Answer as Reply
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.clouds.tigo.errors import allowance, failure
from envoy_bridge.simulator.clouds.tigo import SimulatedTigo
from envoy_bridge.simulator.faults import Answer, Fault, Html, Redirect, Reset, Status, Truncated

SUMMARY = "/api/v3/data/summary"
TABLE = "/api/v3/data/aggregate"


# --- refusals


async def test_without_a_subscription_only_data_are_refused() -> None:
    async with account() as here:
        here.cloud.premium = False
        await here.learn()

        for key in ("summary 1", "panel Pin 1", "hours 1"):
            with pytest.raises(NotAllowed, match="Premium") as error:
                await here.run(key)
            assert error.value.alone
        await here.run("sources 1")
        assert here.cloud.logins == [200]


async def test_an_endpoint_that_refuses_a_fresh_token_is_refused_alone() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.faults[SUMMARY] = Answer(documents.ERROR, 401)

        with pytest.raises(NotAllowed, match="invalid credential"):
            await here.run("summary 1")

        assert here.cloud.logins == [200, 200]
        await here.run("panel Pin 1")


@pytest.mark.parametrize("key", ["summary 1", "panel Pin 1"])
async def test_an_error_that_calls_itself_a_success_is_one(key: str) -> None:
    async with account() as here:
        await here.learn()
        here.cloud.premium = here.cloud.honest = False

        with pytest.raises(NotAllowed, match="403"):
            await here.run(key)

        here.cloud.premium = True
        here.cloud.expire()
        assert await here.requests_for(key) == 3


async def test_an_account_without_systems() -> None:
    async with account() as here:
        here.cloud.systems.clear()

        with pytest.raises(NotAllowed, match="no systems"):
            await here.run("systems")


# --- limits


async def test_the_limit_of_the_headers_is_kept_without_a_refusal() -> None:
    clock = Clock.fast(200)
    async with SimulatedTigo(clock=clock) as cloud, Rest(cloud.url, provider="tigo", clock=clock) as rest:
        cloud.limit = 3
        here = Account(cloud, client(rest, clock), HandClock())
        await here.learn()
        await here.run("summary 1")

        assert [each.status for each in cloud.requests] == [200] * 7
        assert cloud.in_flight_max == 1


async def test_for_a_limit_that_begins_anew_much_later_all_of_the_cloud_waits() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.spent_for = 1800
        await here.run("summary 1")
        here.cloud.spent_for = None

        with pytest.raises(CloudThrottled) as error:
            await here.run("panel Pin 1")

        assert error.value.retry_in == pytest.approx(1801)
        assert not error.value.alone
        assert here.cloud.asked("data/aggregate") == []
        here.clock.advance(1801)
        await here.run("panel Pin 1")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"x-rate-limit-remaining": "3", "x-rate-limit-reset": "30"}, (3, 31)),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "0"}, (0, 1)),  # less than a second
        ({"x-rate-limit-remaining": "-1", "x-rate-limit-reset": "1795252256"}, (0, 3601)),
        ({"x-rate-limit-remaining": "3"}, None),
        ({"x-rate-limit-remaining": "none", "x-rate-limit-reset": "30"}, None),
        ({"x-rate-limit-remaining": "3", "x-rate-limit-reset": "-30"}, None),
    ],
)
def test_what_the_headers_allow(headers: dict[str, str], allowed: tuple[int, float] | None) -> None:
    assert allowance(Reply(200, headers, b"")) == allowed


async def test_too_many_requests() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.limit = 0

        with pytest.raises(CloudThrottled, match="Rate limit exceeded") as error:
            await here.run("summary 1")

        assert error.value.retry_in == pytest.approx(40)  # until the next minute
        assert not error.value.alone
        assert len(here.cloud.asked("data/summary")) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"x-rate-limit-reset": "30"}, 30),
        ({"retry-after": "120", "x-rate-limit-reset": "30"}, 120),
        ({"retry-after": "Wed, 10 Jun 2026 12:01:00 GMT", "date": "Wed, 10 Jun 2026 12:00:15 GMT"}, 45),
        ({"retry-after": "Wed, 10 Jun 2026 12:01:00 GMT"}, None),
        ({"retry-after": "soon", "x-rate-limit-reset": "30"}, 30),
        ({"retry-after": "99999999"}, 3600),
        ({"retry-after": "-5"}, 1),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait: float | None) -> None:
    assert failure(Reply(429, headers, b""), "data/summary").retry_in == wait


def test_a_reset_is_not_when_a_broken_cloud_is_well_again() -> None:
    assert failure(Reply(503, {"x-rate-limit-reset": "2"}, b""), "data/summary").retry_in is None
    assert failure(Reply(503, {"retry-after": "20"}, b""), "data/summary").retry_in == 20


# --- what is no data


@pytest.mark.parametrize("key", ["summary 1", "panel Pin 1"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Html(), CloudBlocked),
        (Status(403), CloudBlocked),
        (Status(405), CloudBlocked),
        (Redirect("https://example.org/login"), CloudBlocked),
        (Status(404), NotAllowed),
        (Status(500), CloudDown),
        (Answer(b'{"name": "Error", "message": "Database", "code": 0, "status": 500}', 500), CloudDown),
        (Answer(b'{"name": "Error", "message": "Database", "code": 0, "status": 500}'), CloudDown),
        (Answer(b'{"message": "no"}', 422), UnusableAnswer),
        (Truncated(), CloudDown),
        (Reset(), CloudDown),
        (Answer(b'["what is this?"]'), UnusableAnswer),
        (Answer(b"\x00\xff\xfe"), UnusableAnswer),
    ],
)
async def test_what_is_no_data_is_never_taken_for_data(key: str, fault: Fault, kind: type[CloudError]) -> None:
    async with account() as here:
        await here.learn()
        here.cloud.faults |= {SUMMARY: fault, TABLE: fault}

        with pytest.raises(kind):
            await here.run(key)

        here.cloud.faults.clear()
        assert await here.samples(key)


@pytest.mark.parametrize("fault", [Answer(b"", 204), Answer(b'{"summary": null}'), Answer(b"{}")])
async def test_a_summary_of_nothing(fault: Fault) -> None:
    async with account() as here:
        await here.learn()
        here.cloud.faults[SUMMARY] = fault

        assert await here.samples("summary 1") == []


@pytest.mark.parametrize("fault", [Answer(b"", 204), Answer(b""), Answer(b"Datetime,3,4\n")])
async def test_a_table_of_nothing_as_at_night(fault: Fault) -> None:
    async with account() as here:
        await here.learn()
        here.cloud.faults[TABLE] = fault

        assert await here.samples("panel Pin 1") == []


async def test_what_one_table_does_not_give_is_not_lacking_in_the_past_of_others() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.faults["/api/v3/data/combined"] = Status(404)

        ((_, (report,)),) = [chunk async for chunk in here.tigo.backfill("1", NOON.date(), NOON.date())]

        assert {each.quantity for each in report.samples} == {"power_dc", "voltage_dc", "current_dc", "signal"}


def test_of_what_the_cloud_says_only_the_words_are_passed_on() -> None:
    body = b'{"message": "<p>No <a href=x>way</a></p> ' + b"x" * 900 + b'", "status": 400}'

    text = str(failure(Reply(400, {}, body), "data/summary"))

    assert "No way" in text
    assert "<" not in text
    assert len(text) < 250
