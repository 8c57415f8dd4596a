"""The login of Enlighten's version 4: refresh tokens that are good for one time, and must not be lost."""

import asyncio
import logging
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from clouds.enlighten_account import DAY, Account, account, clock_at, settings
from disks import fill, small_disk
from handclock import HandClock
from waiting import until

from envoy_bridge.clouds.enlighten.authorize import authorize
from envoy_bridge.clouds.enlighten.tokens import FILE, Tokens
from envoy_bridge.clouds.errors import CloudBlocked, CloudDown, CloudError, CloudRefused, NotAllowed, ReauthRequired
from envoy_bridge.simulator.clouds.enlighten import CLIENT_SECRET, KEY, TOKENS
from envoy_bridge.simulator.faults import Answer, Html, SlowDrip, Status
from envoy_bridge.values import Secret

LIST = "/api/v4/systems"


@pytest.fixture(autouse=True)
def no_secret_in_any_log_line(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert not any(secret in record.getMessage() for record in caplog.records for secret in ("eyJ", CLIENT_SECRET, KEY))


@pytest.fixture
def clock() -> HandClock:
    return clock_at()


@pytest.fixture
async def home(tmp_path: Path, clock: HandClock) -> AsyncIterator[Account]:
    async with account("v4", tmp_path, clock) as running:
        yield running


def tokens(home: Account) -> Tokens:
    """What another process, or the next one, makes of the folder."""
    return Tokens(settings("v4"), home.rest, home.clock, home.folder)


def on_disk(home: Account) -> bytes:
    return (home.folder / FILE).read_bytes()


# -- the owner --


async def test_the_owner_is_sent_to_the_right_page_and_the_code_brings_tokens(tmp_path: Path, clock: HandClock) -> None:
    questions: list[str] = []

    async with account("v4", tmp_path, clock, authorized=False) as home:
        assert isinstance(await home.error("systems"), ReauthRequired)

        def answer(question: str) -> str:
            questions.append(question)
            return f" {home.cloud.allow()}\n"

        await authorize(settings("v4"), home.rest, answer, clock=clock, directory=tmp_path)
        address = urlsplit(next(word for word in questions[0].split() if word.startswith("http")))
        query = {name: texts[0] for name, texts in parse_qs(address.query).items()}
        assert address.path == "/oauth/authorize"
        assert query.pop("state")
        assert query == {
            "response_type": "code",
            "client_id": "app-client",
            "redirect_uri": f"{home.cloud.url}/oauth/redirect_uri",
        }
        assert (await home.run("systems")).site == "67"
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("before", ["https://example.org/?", "?", ""], ids=["address", "query", "bare"])
async def test_the_whole_address_of_the_page_may_be_pasted(tmp_path: Path, clock: HandClock, before: str) -> None:
    async with account("v4", tmp_path, clock, authorized=False) as home:

        def paste(question: str, state: str = "") -> str:
            query = parse_qs(urlsplit(next(word for word in question.split() if word.startswith("http"))).query)
            return f"{before}code={home.cloud.allow()}&state={state or query['state'][0]}"

        with pytest.raises(CloudRefused, match="another attempt"):
            await authorize(settings("v4"), home.rest, lambda q: paste(q, "x"), clock=clock, directory=tmp_path)
        await authorize(settings("v4"), home.rest, paste, clock=clock, directory=tmp_path)
        await home.run("systems")


@pytest.mark.parametrize("answer", ["", "no code at all", "https://example.org/?error=access_denied&code="])
async def test_what_is_no_code_is_not_sent(home: Account, answer: str) -> None:
    sent = len(home.cloud.requests)
    with pytest.raises(CloudRefused, match="no code"):
        await authorize(settings("v4"), home.rest, lambda _: answer, clock=home.clock, directory=home.folder)
    assert len(home.cloud.requests) == sent


async def test_a_code_is_good_for_one_time_and_a_bad_one_costs_nothing(home: Account) -> None:
    code, before = home.cloud.allow(), on_disk(home)
    await tokens(home).exchange(code, f"{home.cloud.url}/oauth/redirect_uri")
    after = on_disk(home)
    assert after != before
    with pytest.raises(ReauthRequired, match="authorize"):
        await tokens(home).exchange(code, f"{home.cloud.url}/oauth/redirect_uri")
    assert on_disk(home) == after


async def test_the_wrong_application_is_said(tmp_path: Path, clock: HandClock) -> None:
    async with account("v4", tmp_path, clock, authorized=False, client_secret=Secret("wrong-5ecret")) as home:
        wrong = settings("v4", client_secret=Secret("wrong-5ecret"))
        with pytest.raises(CloudRefused, match="client_secret"):
            await authorize(wrong, home.rest, lambda _: home.cloud.allow(), clock=clock, directory=tmp_path)


async def test_tokens_of_another_application_are_not_used(home: Account) -> None:
    with pytest.raises(ReauthRequired):
        await Tokens(settings("v4", client_id="another"), home.rest, home.clock, home.folder).access()


# -- refreshing --


async def test_a_token_is_renewed_before_it_ends(home: Account, clock: HandClock) -> None:
    for day in range(1, 4):
        await home.run("systems")
        clock.advance(DAY - 300)
        await home.again().run("systems")
        assert home.cloud.refreshes == day
    assert all(request.status == 200 for request in home.cloud.requests)


async def test_a_token_that_is_refused_is_renewed_once_and_the_question_asked_again(
    home: Account, clock: HandClock
) -> None:
    clock.advance(3600)
    home.cloud.expire()
    assert (await home.run("systems")).site == "67"
    assert [request.status for request in home.cloud.requests[-3:]] == [401, 200, 200]


async def test_a_fresh_token_that_is_refused_is_not_renewed_again_and_again(home: Account, clock: HandClock) -> None:
    clock.advance(3600)
    home.cloud.faults[LIST] = Answer(b'{"message": "Not Authorized", "details": "no", "code": "401"}', 401)
    for _ in range(5):
        assert isinstance(await home.error("systems"), CloudRefused)
    assert home.cloud.refreshes == 1


async def test_key_and_client_id_of_two_applications_are_said_and_nothing_is_renewed(
    home: Account, clock: HandClock
) -> None:
    clock.advance(3600)
    other = home.again(key=Secret("another-key"))
    error = await other.error("systems")
    assert isinstance(error, CloudRefused)
    assert "two applications" in str(error)
    assert home.cloud.refreshes == 0


async def test_new_tokens_are_on_disk_before_they_are_used(home: Account, clock: HandClock) -> None:
    """The process is killed after the refresh, before anything else was sent: the next one goes on."""
    clock.advance(DAY)
    await tokens(home).access()
    assert (home.cloud.refreshes, home.cloud.requests[-1].path.split("?")[0]) == (1, TOKENS)
    await home.again().run("systems")
    assert home.cloud.refreshes == 1


async def test_all_who_need_a_token_share_one_refresh(home: Account, clock: HandClock) -> None:
    clock.advance(DAY)
    several = [tokens(home) for _ in range(3)]
    got = await asyncio.gather(*(each.access() for each in several for _ in range(3)))
    assert len(set(got)) == 1
    assert home.cloud.refreshes == 1


async def test_a_refusal_that_several_see_makes_one_refresh(home: Account, clock: HandClock) -> None:
    first, second = tokens(home), tokens(home)
    old = await first.access()
    assert await second.access() == old
    clock.advance(3600)
    assert await first.renew(old) == await second.renew(old)
    assert home.cloud.refreshes == 1


async def test_who_is_told_to_end_waits_for_the_answer_and_keeps_it(home: Account, clock: HandClock) -> None:
    clock.advance(DAY)
    home.cloud.faults[TOKENS] = SlowDrip(1.0)  # of a clock that runs a thousand times as fast
    task = asyncio.create_task(tokens(home).access())
    await until(lambda: home.cloud.refreshes)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    home.cloud.faults.clear()
    await home.again().run("systems")
    assert home.cloud.refreshes == 1


async def test_no_token_is_asked_for_that_could_not_be_kept(tmp_path: Path, clock: HandClock) -> None:
    with small_disk(tmp_path):
        async with account("v4", tmp_path, clock) as home:
            clock.advance(DAY)
            other = fill(tmp_path)
            error = await home.error("systems")
            assert isinstance(error, CloudDown)
            assert "No space left" in str(error)
            assert home.cloud.refreshes == 0
            other.unlink()
            await home.run("systems")
            assert home.cloud.refreshes == 1


async def test_a_token_that_cannot_be_kept_after_all_lasts_until_it_can(tmp_path: Path, clock: HandClock) -> None:
    with small_disk(tmp_path):
        async with account("v4", tmp_path, clock) as home:
            clock.advance(DAY)
            home.cloud.faults[TOKENS] = SlowDrip(1.0)
            task = asyncio.create_task(home.run("systems"))
            await until(lambda: home.cloud.refreshes)
            other = fill(tmp_path)
            assert (await task).site == "67"
            before = on_disk(home)
            other.unlink()
            await home.run("systems")
            assert on_disk(home) != before
            await home.again().run("systems")
            assert home.cloud.refreshes == 1


async def test_a_file_that_cannot_be_read_is_no_lost_authorization(home: Account) -> None:
    (home.folder / FILE).unlink()
    (home.folder / FILE).mkdir()
    assert isinstance(await home.error("systems"), CloudDown)


async def test_a_dead_refresh_token_is_sent_once_ever(home: Account, clock: HandClock) -> None:
    clock.advance(40 * DAY)
    home.cloud.expire(refresh=True)
    for _ in range(3):
        home = home.again()
        error = await home.error("systems")
        assert isinstance(error, ReauthRequired)
        assert "envoy-bridge cloud enlighten authorize" in str(error)
    assert len(home.asked(TOKENS)) == 2  # the first was for the code
    await authorize(settings("v4"), home.rest, lambda _: home.cloud.allow(), clock=clock, directory=home.folder)
    assert (await home.run("systems")).site == "67"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Status(503), CloudDown), (Html(), CloudBlocked), (Answer(b'{"errorCode": 7}', 500), CloudDown)],
    ids=["503", "html", "code 7"],
)
async def test_a_token_service_that_is_down_costs_no_token(
    home: Account, clock: HandClock, fault: Answer | Status | Html, kind: type[CloudError]
) -> None:
    clock.advance(DAY)
    home.cloud.faults[TOKENS] = fault
    assert isinstance(await home.error("systems"), kind)
    home.cloud.faults.clear()
    assert (await home.run("systems")).site == "67"


async def test_a_clock_that_was_not_set_yet_is_no_reason_to_renew(home: Account, clock: HandClock) -> None:
    clock.set_wall(1000.0)
    await home.run("systems")
    assert home.cloud.refreshes == 0


async def test_a_plan_without_an_endpoint_is_about_that_alone(home: Account) -> None:
    await home.learn()
    home.cloud.system.forbidden = {"battery_lifetime"}
    assert isinstance(await home.error("67/battery_lifetime"), NotAllowed)
    assert "67/battery_lifetime" not in home.jobs()
    assert home.cloud.refreshes == 0


async def test_a_token_that_an_error_quotes_is_hidden(home: Account, clock: HandClock) -> None:
    clock.advance(DAY)
    token = msgspec.json.decode(on_disk(home))["refresh_token"]
    said = {"error": "invalid_grant", "error_description": f"Invalid refresh token (expired): {token}"}
    home.cloud.faults[TOKENS] = Answer(msgspec.json.encode(said), 400)
    message = str(await home.error("systems"))
    assert "Invalid refresh token (expired): ***" in message
    assert token not in message
