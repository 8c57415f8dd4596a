"""The budget of cloud logins: over restarts, wrong clocks and damaged files."""

import json
import logging
import stat
from pathlib import Path

import pytest
from handclock import HandClock

from envoy_bridge.errors import LoginBudgetSpent
from envoy_bridge.gateway.budget import LoginBudget

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def budget(tmp_path: Path, clock: HandClock) -> LoginBudget:
    return LoginBudget(tmp_path, clock)


def wait(budget: LoginBudget, clock: HandClock) -> float:
    """Seconds until the next login; 0: one was just spent."""
    try:
        budget.spend()
    except LoginBudgetSpent as error:
        return error.retry_at - clock.wall()
    return 0.0


def logins(tmp_path: Path, clock: HandClock, *, step: float, restarts: int, rejected: bool = False) -> int:
    """How many logins get through when the process is started anew after every `step` seconds."""
    count = 0
    for _ in range(restarts):
        budget = LoginBudget(tmp_path, clock)
        if wait(budget, clock) == 0.0:
            count += 1
            if rejected:
                budget.reject()
        clock.advance(step)
    return count


def test_one_login_in_fifteen_minutes(budget: LoginBudget, clock: HandClock) -> None:
    assert wait(budget, clock) == 0
    assert wait(budget, clock) == pytest.approx(15 * MINUTE)
    clock.advance(14 * MINUTE)
    assert wait(budget, clock) == pytest.approx(MINUTE)
    clock.advance(MINUTE)
    assert wait(budget, clock) == 0


def test_restarts_spend_from_the_same_budget(tmp_path: Path, clock: HandClock) -> None:
    assert logins(tmp_path, clock, step=10, restarts=20) == 1
    clock.advance(HOUR)
    assert logins(tmp_path, clock, step=5 * MINUTE, restarts=20) == 7


def test_three_rejections_stop_all_logins_for_a_day(tmp_path: Path, clock: HandClock) -> None:
    assert logins(tmp_path, clock, step=HOUR, restarts=20, rejected=True) == 3
    assert logins(tmp_path, clock, step=HOUR, restarts=6, rejected=True) == 0
    assert logins(tmp_path, clock, step=HOUR, restarts=24, rejected=True) == 3


def test_rejections_more_than_a_day_apart_stop_nothing(budget: LoginBudget, clock: HandClock) -> None:
    for _ in range(10):
        assert wait(budget, clock) == 0
        budget.reject()
        clock.advance(13 * HOUR)


def test_a_stop_lasts_a_day_from_the_third_rejection_and_is_explained_to_its_end(
    budget: LoginBudget, clock: HandClock
) -> None:
    budget.reject()
    clock.advance(20 * HOUR)
    budget.reject()
    budget.reject()
    clock.advance(23 * HOUR)
    with pytest.raises(LoginBudgetSpent, match="refused"):
        budget.require_open()
    clock.advance(HOUR)
    budget.require_open()


def test_a_success_does_not_wipe_rejections_out(budget: LoginBudget, clock: HandClock) -> None:
    for _ in range(3):
        assert wait(budget, clock) == 0
        clock.advance(HOUR)
        assert wait(budget, clock) == 0
        budget.reject()
        clock.advance(HOUR)
    assert wait(budget, clock) == pytest.approx(23 * HOUR)


def test_a_stopped_budget_says_until_when_and_what_to_do(budget: LoginBudget, clock: HandClock, tmp_path: Path) -> None:
    for _ in range(3):
        budget.reject()
    with pytest.raises(LoginBudgetSpent) as caught:
        budget.require_open()
    assert caught.value.retry_at == pytest.approx(clock.wall() + DAY)
    for hint in ("[[gateway]]", "password", "token_file", str(tmp_path / "logins.json")):
        assert hint in str(caught.value)


def test_a_login_that_was_not_sent_costs_a_minute(budget: LoginBudget, clock: HandClock) -> None:
    assert wait(budget, clock) == 0
    budget.unsent()
    assert wait(budget, clock) == pytest.approx(MINUTE)


@pytest.mark.parametrize(("asked", "granted"), [(90.0, 90.0), (HOUR, HOUR), (30 * DAY, DAY), (1e300, DAY)])
def test_enlighten_may_ask_for_a_pause_of_a_day_at_most(tmp_path: Path, asked: float, granted: float) -> None:
    clock = HandClock()
    LoginBudget(tmp_path, clock).close(asked)
    again = LoginBudget(tmp_path, clock)
    with pytest.raises(LoginBudgetSpent, match="left alone"):
        again.require_open()
    assert wait(again, clock) == pytest.approx(granted)
    clock.advance(granted)
    assert wait(again, clock) == 0


def test_a_short_pause_does_not_shorten_a_long_one(budget: LoginBudget, clock: HandClock) -> None:
    budget.close(HOUR)
    budget.close(0)
    assert wait(budget, clock) == pytest.approx(HOUR)


def test_the_file_is_there_before_the_login_is_sent_and_private(tmp_path: Path, budget: LoginBudget) -> None:
    budget.spend()
    file = tmp_path / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_bytes())["next_login"] > 0


# -- clocks that jump --


@pytest.mark.parametrize("jump", [-400 * DAY, -HOUR, HOUR, 400 * DAY])
def test_a_jump_of_the_wall_clock_changes_nothing_while_running(
    budget: LoginBudget, clock: HandClock, jump: float
) -> None:
    assert wait(budget, clock) == 0
    clock.set_wall(clock.wall() + jump)
    assert wait(budget, clock) == pytest.approx(15 * MINUTE)
    clock.advance(15 * MINUTE)
    assert wait(budget, clock) == 0
    for _ in range(3):
        budget.reject()
    clock.set_wall(clock.wall() - jump)
    assert wait(budget, clock) == pytest.approx(DAY)
    clock.advance(DAY)
    assert wait(budget, clock) == 0


@pytest.mark.parametrize("back", [HOUR, 30 * DAY, 20_000 * DAY])
def test_after_a_restart_with_the_clock_set_back_it_waits_but_not_for_ever(
    tmp_path: Path, clock: HandClock, back: float
) -> None:
    first = LoginBudget(tmp_path, clock)
    first.spend()
    clock = clock.rebooted()
    clock.set_wall(clock.wall() - back)
    second = LoginBudget(tmp_path, clock)
    assert wait(second, clock) == pytest.approx(15 * MINUTE)
    clock.advance(15 * MINUTE)
    assert wait(second, clock) == 0


def test_often_restarted_with_the_clock_set_back_it_still_gets_to_log_in(tmp_path: Path, clock: HandClock) -> None:
    LoginBudget(tmp_path, clock).spend()
    clock.set_wall(clock.wall() - 30 * DAY)
    assert logins(tmp_path, clock, step=MINUTE, restarts=31) == 2


def test_a_stop_outlasts_a_restart_with_the_clock_set_back(tmp_path: Path, clock: HandClock) -> None:
    logins(tmp_path, clock, step=HOUR, restarts=3, rejected=True)
    clock.set_wall(clock.wall() - 30 * DAY)
    again = LoginBudget(tmp_path, clock.rebooted())
    with pytest.raises(LoginBudgetSpent, match="refused"):
        again.require_open()
    assert logins(tmp_path, clock, step=HOUR, restarts=24, rejected=True) == 0
    assert logins(tmp_path, clock, step=HOUR, restarts=3, rejected=True) == 3


# -- files and disks --


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\x00" * 100, b"[]", b"null", b"\xff", b'{"next_login":"x"}', b'{"opens":1e400}', b"[" * 100_000],
)
def test_a_damaged_file_allows_one_login_that_had_better_be_good(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "logins.json").write_bytes(content)
    assert logins(tmp_path, clock, step=20 * MINUTE, restarts=20, rejected=True) == 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize("number", ["1e308", "-1e308", "0", "-5"])
def test_times_that_cannot_be_are_brought_into_bounds(tmp_path: Path, clock: HandClock, number: str) -> None:
    text = f'{{"next_login":{number},"opens":{number},"rejections":[{number},{number},{number},{number}]}}'
    (tmp_path / "logins.json").write_text(text, "utf-8")
    budget = LoginBudget(tmp_path, clock)
    assert wait(budget, clock) <= DAY
    clock.advance(DAY)
    assert wait(budget, clock) == 0
    assert wait(LoginBudget(tmp_path, clock), clock) == pytest.approx(15 * MINUTE)


def test_a_file_that_cannot_be_read_counts_as_damaged(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logins.json").mkdir()
    budget = LoginBudget(tmp_path, clock)
    assert wait(budget, clock) == 0
    assert wait(budget, clock) == pytest.approx(15 * MINUTE)
    budget.reject()
    assert wait(budget, clock) == pytest.approx(DAY)
    assert len(caplog.records) == 2, "that it cannot be read, and that it cannot be written; both once"


@pytest.mark.parametrize("content", [b"{", b'{"next_login":0,"opens":0,"rejections":[]}'])
def test_a_file_that_is_spoilt_while_running_frees_nothing(tmp_path: Path, clock: HandClock, content: bytes) -> None:
    budget = LoginBudget(tmp_path, clock)
    assert wait(budget, clock) == 0
    (tmp_path / "logins.json").write_bytes(content)
    assert wait(budget, clock) == pytest.approx(15 * MINUTE)
    for _ in range(3):
        (tmp_path / "logins.json").write_bytes(content)
        budget.reject()
    (tmp_path / "logins.json").write_bytes(content)
    with pytest.raises(LoginBudgetSpent, match="refused"):
        budget.require_open()
    assert wait(budget, clock) == pytest.approx(DAY)


def test_without_a_disk_it_counts_in_memory_and_says_so_once(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    budget = LoginBudget(tmp_path / "absent", clock)
    count = 0
    for _ in range(20):
        if wait(budget, clock) == 0:
            count += 1
            budget.reject()
        clock.advance(HOUR)
    assert count == 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_two_processes_share_the_budget(tmp_path: Path, clock: HandClock) -> None:
    daemon, command = LoginBudget(tmp_path, clock), LoginBudget(tmp_path, clock)
    assert wait(command, clock) == 0
    assert wait(daemon, clock) == pytest.approx(15 * MINUTE)
    command.reject()
    command.reject()
    daemon.reject()
    assert wait(command, clock) == pytest.approx(DAY)


def test_a_removed_file_frees_the_next_start_only(tmp_path: Path, clock: HandClock, budget: LoginBudget) -> None:
    for _ in range(3):
        budget.reject()
    (tmp_path / "logins.json").unlink()
    assert wait(budget, clock) == pytest.approx(DAY)
    assert wait(LoginBudget(tmp_path, clock), clock) == 0
