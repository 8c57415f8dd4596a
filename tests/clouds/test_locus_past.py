"""The past of a site at Locus, fetched afterwards."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from clouds.locus_account import Account, account, asked, clock_at
from handclock import HandClock

from envoy_bridge.clouds.errors import NotAllowed
from envoy_bridge.simulator.clouds.locus import SimulatedLocus
from envoy_bridge.simulator.clouds.locus_days import INVERTER, METER, SITE

HOUR, DAY = 3600.0, 86_400.0
QUARTER = timedelta(minutes=15)


@pytest.fixture
def clock() -> HandClock:
    return clock_at()


@pytest.fixture
async def cloud(clock: HandClock) -> AsyncIterator[SimulatedLocus]:
    async with SimulatedLocus(clock=clock) as cloud:
        yield cloud


@pytest.fixture
async def home(cloud: SimulatedLocus, clock: HandClock) -> AsyncIterator[Account]:
    async with account(cloud, clock) as found:
        yield found


async def test_the_past_comes_in_pieces_oldest_first(home: Account, cloud: SimulatedLocus) -> None:
    chunks = [chunk async for chunk in home.provider.backfill("123", date(2026, 4, 20), date(2026, 6, 10))]
    assert [key for key, _ in chunks] == ["123 2026-04-20 2026-05-19", "123 2026-05-20 2026-06-10"]
    home.reports = [report for _, reports in chunks for report in reports]
    days = [sample for sample in home.samples("site", "energy_today", "daily") if sample.quality == "ok"]
    online = cloud.days[SITE].since
    assert [sample.day for sample in days] == [online.date() + timedelta(days=number) for number in range(40)]
    midnight = datetime(2026, 6, 1, 7, tzinfo=UTC)
    expected = cloud.days[SITE].energy(midnight, midnight + timedelta(days=1))
    assert {sample.day: sample.value for sample in days}[date(2026, 6, 1)] == pytest.approx(expected, abs=0.01)
    quarters = [sample.start for sample in home.samples("meter-54369", "energy", "interval")]
    assert len(quarters) == len(set(quarters)) == 40 * 96 + 1
    assert {request.status for request in cloud.requests} == {200}
    assert cloud.in_flight_max == 1


async def test_the_past_of_all_sites_begins_with_all_that_has_to_be_known(home: Account, cloud: SimulatedLocus) -> None:
    chunks = [chunk async for chunk in home.provider.backfill(None, date(2026, 6, 9), date(2026, 6, 9))]
    assert [key for key, _ in chunks] == ["123 2026-06-09 2026-06-09", "789 2026-06-09 2026-06-09"]
    assert chunks[1][1][0].samples == ()
    asked_for = Counter(urlsplit(path).path for path in asked(cloud))
    assert asked_for["/v3/partners/111/sites"] == asked_for["/v3/sites/123/components"] == 1


async def test_the_past_of_a_place_that_is_forbidden_is_left_out(home: Account, cloud: SimulatedLocus) -> None:
    cloud.forbidden |= {f"/v3/components/{METER}/data", f"/v3/components/{INVERTER}/dataavailable"}
    ((_, (report,)),) = [chunk async for chunk in home.provider.backfill("123", date(2026, 6, 9), date(2026, 6, 9))]
    assert {sample.part for sample in report.samples} == {"site", "meter-54371"}


async def test_the_past_of_a_site_that_is_not_there(home: Account) -> None:
    with pytest.raises(NotAllowed, match="no site 5; it has 123, 789"):
        _ = [chunk async for chunk in home.provider.backfill("5", date(2026, 6, 9), date(2026, 6, 9))]


async def test_the_future_is_not_asked_for(home: Account, cloud: SimulatedLocus) -> None:
    await home.run()
    cloud.requests.clear()
    chunks = [chunk async for chunk in home.provider.backfill("123", date(2026, 7, 1), date(2026, 7, 2))]
    assert len(chunks) == 1
    assert asked(cloud) == []
