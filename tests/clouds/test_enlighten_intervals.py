"""Enlighten's intervals and days over real HTTP: none is lost and none doubled, whoever was away."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from clouds.enlighten_account import DAY, HOUR, Account, account, clock_at, found
from handclock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return clock_at()


@pytest.fixture
async def home(tmp_path: Path, clock: HandClock) -> AsyncIterator[Account]:
    async with account("v2", tmp_path, clock) as running:
        yield running


async def test_intervals_go_on_where_they_ended_over_days_and_restarts(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    seen: dict[datetime, object] = {}
    for _ in range(60):
        home = home.again()
        home.cloud.system.filling = 1
        for sample in found(await home.run("67/stats"), "energy"):
            if sample.quality == "ok":
                assert seen.setdefault(sample.end, sample.value) == sample.value
        clock.advance(HOUR)
    house, last = home.cloud.system.house, home.cloud.system.reported
    first = int(min(seen).timestamp())
    true = {end: house.energy("production", end - 300, end) for end in range(first, last - 4 * 3600, 300)}
    true = {end: energy for end, energy in true.items() if energy}
    got = {int(end.timestamp()): value for end, value in seen.items()}
    assert {end: got.get(end) for end in true} == true
    assert len(true) > 300


async def test_after_a_week_off_every_day_is_fetched(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    await home.run("67/stats")
    clock.advance(7 * DAY)
    seen = set[datetime]()
    for _ in range(12):
        seen |= {sample.end for sample in found(await home.run("67/stats"), "energy")}
    house, last = home.cloud.system.house, home.cloud.system.reported
    begin = int(last - 7 * DAY)
    true = {end for end in range(begin, last + 1, 300) if house.energy("production", end - 300, end)}
    assert true <= {int(end.timestamp()) for end in seen}
    assert max(float(query["end_at"]) - float(query["start_at"]) for query in home.asked("/67/stats")) <= DAY


async def test_what_an_offline_gateway_uploads_late_is_not_skipped(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    await home.run("67/stats")
    home.cloud.system.reports_until = clock.wall()
    for _ in range(10):
        clock.advance(6 * HOUR)
        await home.job("67/stats").run()
    home.cloud.system.reports_until = None
    seen = set[int]()
    for _ in range(6):
        seen |= {int(sample.end.timestamp()) for sample in found(await home.run("67/stats"), "energy")}
    house, last = home.cloud.system.house, home.cloud.system.reported
    true = {e for e in range(int(last - 2.5 * DAY), last + 1, 300) if house.energy("production", e - 300, e)}
    assert true <= seen


async def test_dark_days_do_not_hold_the_cursor(tmp_path: Path, clock: HandClock) -> None:
    """A polar night: nothing is produced for days, so that no interval is reported."""
    async with account("v2", tmp_path, clock) as home:
        await home.run("systems")
        await home.run("67/stats")
        bright = home.cloud.system.house.power
        dark = datetime.fromtimestamp(clock.wall(), UTC)
        home.cloud.system.house = replace(
            home.cloud.system.house, power=lambda at: 0.0 if dark <= at < dark + timedelta(days=5) else bright(at)
        )
        clock.advance(6 * DAY)
        last = set[datetime]()
        for _ in range(12):
            last = {sample.end for sample in found(await home.run("67/stats"), "energy")} or last
        assert max(last).timestamp() == home.cloud.system.reported


async def test_a_start_that_is_too_late_moves_the_cursor_back(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    silent = clock.wall() - 2 * DAY
    home.cloud.system.reports_until = silent
    assert await home.job("67/stats").run() == ()
    home.cloud.system.reports_until = None
    report = await home.run("67/stats")
    assert min(sample.end for sample in found(report, "energy")).timestamp() <= silent + 600


async def test_days_are_fetched_again_for_three_days_and_after_a_pause(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    await home.run("67/energy_lifetime")
    assert home.asked("/energy_lifetime")[0] == {"start_date": "2026-06-06"}
    clock.advance(20 * DAY)
    report = await home.again().run("67/energy_lifetime")
    assert [sample.day for sample in found(report, "energy_today")] == [
        date(2026, 6, 6) + timedelta(days=n) for n in range(24)
    ]


async def test_days_that_were_not_reported_are_none_and_come_later(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    home.cloud.system.reports_until = clock.wall() - 2 * DAY
    report = await home.run("67/energy_lifetime")
    assert [(sample.day, sample.quality) for sample in found(report, "energy_today")] == [
        (date(2026, 6, 6), "ok"),
        (date(2026, 6, 7), "ok"),
        (date(2026, 6, 8), "partial"),
    ]
    home.cloud.system.reports_until = None
    report = await home.run("67/energy_lifetime")
    assert {sample.quality for sample in found(report, "energy_today")} == {"ok"}
