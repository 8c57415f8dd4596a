"""Fetching the past from Enlighten over real HTTP: once, whole, and no more requests than needed."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from clouds.enlighten_account import Account, account, clock_at
from handclock import HandClock

from envoy_bridge.clouds.errors import NotAllowed


@pytest.fixture
def clock() -> HandClock:
    return clock_at()


@pytest.fixture
async def home(tmp_path: Path, clock: HandClock) -> AsyncIterator[Account]:
    async with account("v2", tmp_path, clock) as running:
        yield running


async def test_the_past_is_fetched_once_and_whole(home: Account) -> None:
    start, end = date(2026, 5, 20), date(2026, 5, 28)
    chunks = {key: reports async for key, reports in home.client.backfill("67", start, end)}
    samples = [sample for reports in chunks.values() for report in reports for sample in report.samples]
    identities = [(each.part, each.quantity, each.start, each.granularity) for each in samples]
    assert len(identities) == len(set(identities))
    house = home.cloud.system.house
    begin, over = house.midnight(start), house.midnight(end + timedelta(days=1))
    got = {int(s.end.timestamp()): s.value for s in samples if s.quantity == "energy" and s.granularity == 300}
    true = {e: house.energy("production", e - 300, e) for e in range(begin + 300, over + 1, 300)}
    assert got == {end: energy for end, energy in true.items() if energy}
    assert sum(sample.quantity == "energy_consumed" for sample in samples) == 9 * 96
    assert [s.day for s in samples if s.quantity == "energy_today"] == [start + timedelta(days=n) for n in range(9)]
    asked = len(home.cloud.requests)
    again = [key async for key, _ in home.client.backfill("67", start, end, done=set(chunks))]
    assert (again, len(home.cloud.requests)) == ([], asked)


async def test_the_past_has_an_hour_more_on_the_longest_day(tmp_path: Path) -> None:
    clock = clock_at(datetime(2026, 11, 10, 20, tzinfo=UTC).timestamp())
    async with account("v2", tmp_path, clock) as home:
        day = date(2026, 11, 1)
        samples = [
            sample
            async for _, reports in home.client.backfill(None, day, day)
            for report in reports
            for sample in report.samples
        ]
    used = sorted(sample.end for sample in samples if sample.quantity == "energy_consumed")
    assert len(used) == len(set(used)) == 100
    (today,) = (sample for sample in samples if sample.quantity == "energy_consumed_today")
    assert today.value == sum(float(str(s.value)) for s in samples if s.quantity == "energy_consumed") == 300 * 53


async def test_older_than_a_year_only_days_are_asked(home: Account) -> None:
    keys = [key async for key, _ in home.client.backfill("67", date(2024, 1, 1), date(2024, 1, 2))]
    assert keys == ["67/energy_lifetime/2024-01-01", "67/consumption_lifetime/2024-01-01"]


async def test_a_system_that_is_not_there_is_said(home: Account) -> None:
    with pytest.raises(NotAllowed, match="no system 99"):
        _ = [key async for key, _ in home.client.backfill("99", date(2026, 1, 1), date(2026, 1, 2))]
