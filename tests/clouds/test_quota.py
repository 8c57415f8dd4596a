"""The quota: to the call over a month, with restarts, wrong clocks, damaged files and other processes."""

import asyncio
import json
import logging
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from handclock import HandClock
from waiting import until

from envoy_bridge import state
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import QuotaSpent
from envoy_bridge.clouds.quota import Limits, Quota

HOUR, DAY = 3600.0, 86_400.0
FREE_PLAN = Limits(month=1000, minute=10)


@pytest.fixture
def clock() -> HandClock:
    clock = HandClock(speed=1e6)
    clock.set_wall(datetime(2026, 8, 1, 0, 10, tzinfo=UTC).timestamp())
    return clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clouds" / "enlighten.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def damaged(path: Path, content: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)


async def sent(quota: Quota, key: str = "", *, essential: bool = False) -> bool:
    try:
        async with quota.turn(key, essential=essential):
            return True
    except QuotaSpent:
        return False


async def send(quota: Quota, times: int, *, essential: bool = False) -> int:
    return sum([await sent(quota, essential=essential) for _ in range(times)])


async def test_a_month_with_a_restart_after_each_call_keeps_the_quota_to_the_call(path: Path, clock: HandClock) -> None:
    """Every forty minutes a process starts, asks, and is gone: 1116 times in 31 days."""
    optional = essential = 0
    while clock.wall() < datetime(2026, 9, 1, tzinfo=UTC).timestamp():
        optional += await sent(Quota(path, "key", FREE_PLAN, clock))
        essential += optional >= 950 and await sent(Quota(path, "key", FREE_PLAN, clock), essential=True)
        clock.advance(2400)
    assert (optional, essential) == (950, 50)
    assert await sent(Quota(path, "key", FREE_PLAN, clock))
    assert Quota(path, "key", FREE_PLAN, clock).used == 1


async def test_it_is_counted_before_it_is_sent(path: Path, clock: HandClock) -> None:
    async with Quota(path, "key", FREE_PLAN, clock).turn():
        assert Quota(path, "key", FREE_PLAN, clock).used == 1
    assert mode(path) == 0o600


async def test_what_remains_decides_what_may_be_asked(path: Path, clock: HandClock) -> None:
    quota = Quota(path, "key", Limits(month=100), clock)
    levels = []
    for _ in range(100):
        levels.append(quota.level)
        await sent(quota, essential=True)
    levels.append(quota.level)
    assert [levels.index(level) for level in ("free", "stretched", "essential", "spent")] == [0, 80, 95, 100]
    assert (quota.used, quota.limit) == (100, 100)


async def test_says_when_the_next_request_is_allowed(path: Path, clock: HandClock) -> None:
    clock.set_wall(datetime(2026, 12, 31, 22, tzinfo=UTC).timestamp())
    quota = Quota(path, "key", Limits(month=20, day=10), clock)
    await send(quota, 20, essential=True)
    with pytest.raises(QuotaSpent, match="10 of 10 requests are spent until 2027-01-01 00:00 UTC") as caught:
        async with quota.turn():
            pass
    assert caught.value.retry_in == pytest.approx(2 * HOUR)
    assert caught.value.state == "throttled"
    assert not caught.value.alone


async def test_what_is_not_essential_waits_alone(path: Path, clock: HandClock) -> None:
    quota = Quota(path, "key", Limits(month=100), clock)
    assert await send(quota, 99) == 95
    with pytest.raises(QuotaSpent, match="the rest is for what is essential") as caught:
        async with quota.turn():
            pass
    assert caught.value.alone
    assert await sent(quota, essential=True)


async def test_what_the_vendor_does_not_count_is_not_counted(path: Path, clock: HandClock) -> None:
    quota = Quota(path, "key", Limits(month=1), clock)
    for _ in range(3):
        async with quota.turn(counts=False):
            pass
    assert quota.used == 0


async def test_each_account_has_its_own(path: Path, clock: HandClock) -> None:
    assert await send(Quota(path, "mine", Limits(month=5), clock), 9, essential=True) == 5
    assert await send(Quota(path, "yours", Limits(month=5), clock), 9, essential=True) == 5
    assert not await sent(Quota(path, "mine", Limits(month=5), clock), essential=True)
    assert b"mine" not in (state.read(path) or b"")


async def test_days_are_counted_too(path: Path, clock: HandClock) -> None:
    sums = []
    for _ in range(3):
        sums.append(await send(Quota(path, "key", Limits(day=3), clock), 5, essential=True))
        clock.advance(DAY)
    assert sums == [3, 3, 3]


async def test_a_minute_that_is_full_is_waited_for_over_restarts_too(path: Path) -> None:
    clock = Clock.fast(100)
    began = clock.monotonic()
    times = []
    for _ in range(5):
        async with Quota(path, "key", Limits(minute=3), clock).turn():
            times.append(clock.monotonic() - began)
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[3:], strict=False))
    assert times[2] < 60


async def test_an_endpoint_has_its_pause_over_restarts_too(path: Path, clock: HandClock) -> None:
    limits = Limits(pause=300)
    assert await sent(Quota(path, "key", limits, clock), "plant/data?plant_id=3")
    assert await sent(Quota(path, "key", limits, clock), "plant/power?plant_id=3")
    with pytest.raises(QuotaSpent) as caught:
        async with Quota(path, "key", limits, clock).turn("plant/data?plant_id=3"):
            pass
    assert caught.value.alone
    assert caught.value.retry_in is not None
    assert 300 <= caught.value.retry_in <= 310
    clock.advance(caught.value.retry_in)
    assert await sent(Quota(path, "key", limits, clock), "plant/data?plant_id=3")


async def test_a_clock_that_boots_in_the_past_does_not_begin_anew(path: Path, clock: HandClock) -> None:
    limits = Limits(month=10)
    await send(Quota(path, "key", limits, clock), 6, essential=True)
    true = clock.wall()
    for unset in (0.0, true - 3 * DAY):  # no clock chip; the time of the last shutdown
        clock.set_wall(unset)
        assert await sent(Quota(path, "key", limits, clock), essential=True)
    clock.set_wall(true)
    assert Quota(path, "key", limits, clock).used == 8


async def test_a_clock_that_was_far_ahead_does_no_lasting_harm(path: Path, clock: HandClock) -> None:
    limits = Limits(month=10, day=5)
    true = clock.wall()
    await send(Quota(path, "key", limits, clock), 3, essential=True)
    for day in range(9):
        clock.set_wall(datetime(2038, 1, 1 + day, tzinfo=UTC).timestamp())
        await send(Quota(path, "key", limits, clock), 5, essential=True)
    clock.set_wall(true)
    quota = Quota(path, "key", limits, clock)
    assert await send(quota, 9, essential=True) == 2
    clock.set_wall(datetime(2026, 9, 3, tzinfo=UTC).timestamp())
    assert await send(quota, 9, essential=True) == 5


async def test_a_clock_that_is_set_back_costs_one_pause(path: Path, clock: HandClock) -> None:
    limits = Limits(pause=300)
    quota = Quota(path, "key", limits, clock)
    await sent(quota, "a")
    clock.advance(-7200)
    assert not await sent(quota, "a")
    clock.advance(310)
    assert await sent(quota, "a")


async def test_a_damaged_file_counts_as_mostly_spent(
    path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    for damage in ("", "[]", '{"' + "0" * 16 + '": {"months": {"August": 1}}}', "{" * 100_000):
        damaged(path, damage)
        quota = Quota(path, "key", Limits(month=10), clock)
        assert quota.level == "stretched"
        assert await send(quota, 9, essential=True) == 2
    assert "quota_record_damaged" in caplog.text


async def test_where_nothing_can_be_read_or_written_it_is_counted_until_the_end(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    quota = Quota(tmp_path / "file" / "tigo.json", "key", Limits(month=10), clock)
    with caplog.at_level(logging.WARNING):
        assert await send(quota, 20, essential=True) == 2
    assert caplog.text.count("quota_not_recorded") == 1


async def test_processes_that_share_the_file_take_turns(path: Path, clock: HandClock) -> None:
    quotas = [Quota(path, "key", Limits(month=10), clock) for _ in range(3)]
    inside = most = total = 0

    async def ask(quota: Quota) -> None:
        nonlocal inside, most, total
        for _ in range(5):
            try:
                async with quota.turn(essential=True):
                    inside += 1
                    most, total = max(most, inside), total + 1
                    await asyncio.sleep(0)
                    inside -= 1
            except QuotaSpent:
                pass

    await asyncio.gather(*(ask(quota) for quota in quotas))
    assert (most, total) == (1, 10)
    (account,) = json.loads(state.read(path) or b"").values()
    assert list(account["months"].values()) == [10]


async def test_who_is_cancelled_gives_the_turn_back(path: Path, clock: HandClock) -> None:
    first, second = (Quota(path, "key", None, clock) for _ in range(2))

    async def hang() -> None:
        async with first.turn():
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await until(lambda: first.used)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(2):
        assert await sent(second)


async def test_what_the_vendor_says_is_left_is_counted_down_over_restarts(path: Path, clock: HandClock) -> None:
    assert await sent(Quota(path, "key", None, clock))
    await Quota(path, "key", None, clock).told(2, 600)

    assert [await sent(Quota(path, "key", None, clock)) for _ in range(3)] == [True, True, False]
    with pytest.raises(QuotaSpent, match="no more requests now") as error:
        async with Quota(path, "key", None, clock).turn():
            pass
    assert error.value.retry_in == pytest.approx(600)
    assert not error.value.alone
    clock.advance(600)
    assert await send(Quota(path, "key", None, clock), 3) == 3


async def test_for_what_the_vendor_takes_soon_a_request_waits(path: Path) -> None:
    clock = Clock.fast(1000)
    quota = Quota(path, "key", None, clock)
    await quota.told(0, 60)
    before = clock.wall()

    assert await sent(quota)
    assert clock.wall() - before >= 60


async def test_a_clock_that_was_ahead_has_nobody_wait_for_years(path: Path, clock: HandClock) -> None:
    assert await sent(Quota(path, "key", None, clock))
    await Quota(path, "key", None, clock).told(0, 600)
    clock.advance(-30 * DAY)

    assert await sent(Quota(path, "key", None, clock))
