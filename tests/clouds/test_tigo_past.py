"""Days on which clocks are set, days of the past, and a day that is polled, at the simulated Tigo."""

from datetime import UTC, date, datetime, timedelta

import pytest
from clouds.tigo_account import NOON, account, clock_at

from envoy_bridge.clouds.errors import NotAllowed
from envoy_bridge.clouds.report import Sample
from envoy_bridge.simulator.clouds.tigo import SimulatedTigo
from envoy_bridge.simulator.clouds.tigo_house import TigoSystem
from envoy_bridge.simulator.faults import Answer


async def summer_ends(moment: str) -> list[Sample]:
    async with account(datetime.fromisoformat(moment)) as here:
        here.cloud.systems[1].power = lambda at: at.timestamp() % 86_400
        await here.learn()
        return await here.samples("panel Pin 1")


async def test_each_minute_of_an_hour_that_comes_twice_is_told_where_it_belongs() -> None:
    for moment in ("2026-11-01T01:30:20-07:00", "2026-11-01T01:30:20-08:00", "2026-11-01T02:10:20-08:00"):
        found = await summer_ends(moment)
        now = datetime.fromisoformat(moment).astimezone(UTC)
        told = [each for each in found if each.kind == "interval" and each.part == "panel-3"]

        assert [each.start for each in told] == [
            now.replace(second=0) - timedelta(minutes=count) for count in range(119, 0, -1)
        ]
        for each in told:
            assert each.start is not None
            assert each.value == pytest.approx(each.start.timestamp() % 86_400 / 5, rel=1e-4)


async def test_a_day_of_25_hours_in_hours() -> None:
    async with account(datetime.fromisoformat("2026-11-02T06:00:00-08:00")) as here:
        await here.learn()

        starts = [each.start for each in await here.samples("hours 1") if each.part == "site"]

        first = datetime.fromisoformat("2026-11-01T00:00:00-07:00").astimezone(UTC)
        day = [start for start in starts if start and first <= start < first + timedelta(hours=25)]
        assert day == [first + timedelta(hours=count) for count in range(25)]


@pytest.mark.parametrize("inclusive", [True, False])
async def test_the_past_of_a_day_is_whole_and_has_nothing_of_another(*, inclusive: bool) -> None:
    async with account(datetime.fromisoformat("2026-11-03T12:00:00-08:00")) as here:
        here.cloud.inclusive = inclusive
        await here.learn()

        chunks = [chunk async for chunk in here.tigo.backfill(None, date(2026, 11, 1), date(2026, 11, 2))]

        assert [key for key, _ in chunks] == ["1 2026-11-01", "1 2026-11-02"]
        for (_, (report,)), minutes in zip(chunks, (25 * 60, 24 * 60), strict=True):
            of_panel = [each for each in report.samples if each.part == "panel-3"]
            assert len({each.start for each in of_panel if each.quantity == "power_dc"}) == minutes
            assert len([each for each in of_panel if each.quantity == "energy_dc"]) == minutes // 60
            assert len([each for each in report.samples if each.part == "site" and each.kind == "daily"]) == 1
            assert {each.kind for each in report.samples} == {"interval", "daily"}


async def test_the_past_goes_on_where_it_was_left() -> None:
    async with account() as here:
        days = date(2026, 6, 8), date(2026, 6, 20)
        assert [key async for key, _ in here.tigo.backfill("1", *days, {"1 2026-06-08"})] == [
            "1 2026-06-09", "1 2026-06-10", "1 2026-06-11",
        ]  # fmt: skip
        with pytest.raises(NotAllowed, match="no system 5; it has 1"):
            await anext(here.tigo.backfill("5", *days))


async def test_a_day_polled_again_and_again_has_each_interval_and_all_agree() -> None:
    """Of what is told as complete nothing changes, nothing lacks, and the hours are the sum of the minutes."""
    async with account(datetime.fromisoformat("2026-06-10T05:00:00-07:00")) as here:
        here.cloud.lag = 400.0
        here.cloud.systems[1] = TigoSystem(1, "America/Los_Angeles", here.cloud.now(), strings={"A": 1})
        await here.learn()
        told: dict[tuple[str, datetime | None, float | None], object] = {}
        for _ in range(34):
            here.clock.advance(1800)
            for key in ("panel Pin 1", "hours 1"):
                for each in await here.samples(key):
                    if each.kind == "interval" and each.quality == "ok":
                        name = (each.part, each.start, each.granularity)
                        assert told.setdefault(name, each.value) == each.value
        noon = datetime.fromisoformat("2026-06-10T12:00:00-07:00").astimezone(UTC)
        minutes = [told["panel-3", noon + timedelta(minutes=n), 60.0] for n in range(60)]
        hour = told["panel-3", noon, 3600.0]
        assert sum(float(str(watts)) for watts in minutes) / 60 == pytest.approx(float(str(hour)), rel=1e-3)
        assert here.cloud.in_flight_max == 1


async def test_nothing_is_told_with_a_name_of_an_ac_quantity() -> None:
    async with account() as here:
        await here.learn()
        found = [
            each
            for key in [job.key for job in here.tigo.jobs()]
            for each in await here.samples(key)
            if each.quantity not in ("last_report", "status", "signal", "modules", "size")
        ]

        assert found
        assert {each.quantity.endswith("_dc") for each in found} == {True}


async def test_the_cloud_is_the_same_household_at_all_levels() -> None:
    clock = clock_at(NOON)
    async with SimulatedTigo(clock=clock, power=lambda _at: 600.0) as cloud:
        system = cloud.systems[1]
        assert system.watts(1, NOON) == pytest.approx(600)
        assert system.energy(1, NOON - timedelta(hours=2), NOON) == pytest.approx(1200)
        assert system.total(NOON) == pytest.approx(600 * 144, rel=1e-3)


async def test_the_past_of_a_system_without_a_time_zone_is_not_taken_for_empty() -> None:
    async with account(sites=("2",)) as here:
        here.cloud.faults["/api/v3/sources/system"] = Answer(b'{"sources": []}')

        with pytest.raises(NotAllowed, match="time zone of system 2"):
            await anext(here.tigo.backfill(None, date(2026, 6, 8), date(2026, 6, 9)))


async def test_the_past_of_a_program_that_knows_nothing_yet() -> None:
    async with account(sites=("2",)) as here:
        ((_, (report,)),) = [chunk async for chunk in here.tigo.backfill(None, date(2026, 6, 8), date(2026, 6, 8))]

        assert {each.part for each in report.samples} == {"site", "string-2", "panel-3"}
