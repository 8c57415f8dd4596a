"""Enlighten's version 4 over real HTTP: the same quantities, and the battery, import and export besides."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from clouds import documents_enlighten as document
from clouds.enlighten_account import DAY, NOON, Account, account, clock_at, found, settings, values
from handclock import HandClock

from envoy_bridge.clouds.enlighten.provider import limits
from envoy_bridge.clouds.errors import CloudThrottled, NotAllowed, UnusableAnswer
from envoy_bridge.simulator.clouds.enlighten_system import GATEWAY
from envoy_bridge.simulator.faults import Answer


@pytest.fixture
def clock() -> HandClock:
    return clock_at()


@pytest.fixture
async def home(tmp_path: Path, clock: HandClock) -> AsyncIterator[Account]:
    async with account("v4", tmp_path, clock) as running:
        yield running


async def test_pages_are_numbered_and_end_with_the_total(home: Account) -> None:
    home.cloud.others, home.cloud.page = 4, 2
    assert len(await home.job("systems").run()) == 5
    assert [query["page"] for query in home.asked("/systems")] == ["1", "2", "3"]
    assert {query["size"] for query in home.asked("/systems")} == {"100"}


async def test_a_zone_that_is_none_is_none(home: Account) -> None:
    home.cloud.faults["/api/v4/systems"] = Answer(b'{"systems": [{"system_id": 5, "timezone": "Mars/Base"}]}')
    (report,) = await home.job("systems").run()
    assert (report.site, report.zone) == ("5", None)


async def test_devices_decide_what_is_asked(home: Account) -> None:
    await home.run("systems")
    assert home.jobs() == [
        "systems",
        "67/devices",
        "67/summary",
        "67/energy_lifetime",
        "67/telemetry/production_micro",
    ]
    report = await home.run("67/devices")
    kinds = [device.kind for device in report.devices or ()]
    assert kinds == ["gateway", "inverter", "inverter", "inverter", "meter", "meter", "battery"]
    assert report.serials == (GATEWAY,)
    assert "67/telemetry/production_micro" not in home.jobs()
    assert {"67/telemetry/production_meter", "67/telemetry/battery", "67/battery_lifetime"} <= set(home.jobs())
    home.cloud.system.hardware = set()
    await home.run("67/devices")
    assert "67/telemetry/production_micro" in home.jobs()
    assert len(home.jobs()) == 5


async def test_without_the_list_of_devices_what_they_may_be_is_tried(home: Account) -> None:
    await home.run("systems")
    home.cloud.system.forbidden = {"devices"}
    home.cloud.system.hardware = {"consumption"}
    assert isinstance(await home.error("67/devices"), NotAllowed)
    assert "67/battery_lifetime" in home.jobs()
    assert await home.job("67/battery_lifetime").run()
    assert values(found(await home.run("67/energy_import_lifetime"), "energy_imported"))


async def test_every_flow_agrees_with_the_household(home: Account) -> None:
    await home.learn()
    house, days = home.cloud.system.house, [date(2026, 6, day) for day in (6, 7, 8, 9)]
    for key, flow, quantity in (
        ("energy_lifetime", "production", "energy_today"),
        ("consumption_lifetime", "consumption", "energy_consumed_today"),
        ("energy_import_lifetime", "import", "energy_imported_today"),
        ("energy_export_lifetime", "export", "energy_exported_today"),
        ("battery_lifetime", "charge", "energy_charged_today"),
        ("battery_lifetime", "discharge", "energy_discharged_today"),
    ):
        samples = found(await home.run(f"67/{key}"), quantity, kind="daily")
        assert [sample.day for sample in samples] == days
        assert values(samples) == [house.day(flow, day) for day in days]
    total = sum(house.day("import", home.cloud.system.first_day + timedelta(days=n)) for n in range(40))
    assert values(found(await home.run("67/energy_import_lifetime"), "energy_imported")) == [total]


async def test_every_interval_agrees_with_the_household(home: Account) -> None:
    await home.learn()
    house = home.cloud.system.house
    for key, flow, quantity in (
        ("telemetry/production_meter", "production", "energy"),
        ("telemetry/consumption_meter", "consumption", "energy_consumed"),
        ("energy_import_telemetry", "import", "energy_imported"),
        ("energy_export_telemetry", "export", "energy_exported"),
        ("telemetry/battery", "charge", "energy_charged"),
        ("telemetry/battery", "discharge", "energy_discharged"),
    ):
        samples = found(await home.run(f"67/{key}"), quantity, kind="interval")
        assert len(samples) >= 24, key  # a second question goes on where the first one ended, less six hours
        for sample in samples:
            end = int(sample.end.timestamp())
            assert sample.value == house.energy(flow, end - 900, end)
            assert sample.granularity == 900
    assert home.asked("/telemetry/battery")[0]["granularity"] == "week"


async def test_the_battery_s_rating_is_not_its_power(home: Account) -> None:
    await home.learn()
    report = await home.run("67/summary")
    assert values(found(report, "capacity")) == [10_080]
    assert {sample.quantity for sample in report.samples} == {
        "status",
        "last_report",
        "modules",
        "size",
        "capacity",
        "power",
        "energy_today",
        "energy_lifetime",
    }


async def test_intervals_go_on_after_nine_days_off(home: Account, clock: HandClock) -> None:
    await home.learn()
    seen = {sample.end for sample in found(await home.run("67/energy_import_telemetry"), "energy_imported")}
    clock.advance(9 * DAY)
    home = home.again()
    for _ in range(2):
        seen |= {sample.end for sample in found(await home.run("67/energy_import_telemetry"), "energy_imported")}
    ends = sorted(end.timestamp() for end in seen)
    assert [later - sooner for sooner, later in pairwise(ends)] == [900.0] * (len(ends) - 1)
    assert ends[-1] == home.cloud.system.reported


async def test_what_an_offline_gateway_uploads_late_is_not_skipped(home: Account, clock: HandClock) -> None:
    await home.learn()
    await home.run("67/telemetry/consumption_meter")
    home.cloud.system.reports_until = clock.wall()
    for _ in range(3):
        clock.advance(10 * DAY)
        await home.job("67/telemetry/consumption_meter").run()
    home.cloud.system.reports_until = None
    seen = set[float]()
    for _ in range(5):
        report = await home.run("67/telemetry/consumption_meter")
        seen |= {sample.end.timestamp() for sample in found(report, "energy_consumed")}
    last = home.cloud.system.reported
    assert {float(end) for end in range(last - 30 * int(DAY), last + 1, 900)} <= seen


async def test_what_comes_later_than_newer_intervals_is_not_lost(home: Account, clock: HandClock) -> None:
    """One gateway of two was away for three days, and uploads what it has kept in the end."""
    await home.learn()
    series, seen = "67/telemetry/consumption_meter", set[float]()
    reply = b'{"total_devices": 1, "intervals": [{"end_at": %d, "enwh": 1, "devices_reporting": 1}]}'
    for number in range(4):
        clock.advance(DAY)
        home.cloud.faults[f"/api/v4/systems/{series}"] = Answer(reply % home.cloud.system.reported)
        seen |= {sample.end.timestamp() for sample in (await home.run(series)).samples}
        assert len(seen) == number + 1
    home.cloud.faults.clear()
    seen |= {sample.end.timestamp() for sample in (await home.run(series)).samples}
    assert {float(end) for end in range(int(NOON - DAY) // 900 * 900, home.cloud.system.reported + 1, 900)} <= seen


async def test_what_one_reply_cannot_cover_is_asked_in_time(tmp_path: Path, clock: HandClock) -> None:
    async with account("v4", tmp_path, clock, month_quota=120) as home:
        await home.learn()
        series = "67/telemetry/consumption_meter"
        await home.run(series)
        assert home.job(series).every > 8 * DAY  # a week's reply is too little for that
        clock.advance(10 * DAY)
        assert home.job(series).every == 1.75 * DAY
        await home.run(series)
        assert home.job(series).every > 8 * DAY


async def test_a_page_that_comes_again_ends_the_list(home: Account) -> None:
    home.cloud.faults["/api/v4/systems"] = Answer(b'{"total": 999, "systems": [{"system_id": 67}, {"system_id": 67}]}')
    await home.run("systems")
    assert [query["page"] for query in home.asked("/systems")] == ["1", "2"]


async def test_the_id_of_a_system_stays_within_its_place_in_the_address(home: Account) -> None:
    home.cloud.faults["/api/v4/systems"] = Answer(b'{"total": 1, "systems": [{"system_id": "6/7?x=#%"}]}')
    await home.run("systems")
    await home.error("6/7?x=#%/devices")
    assert home.cloud.requests[-1].path.startswith("/api/v4/systems/6%2F7%3Fx=%23%25/devices?key=")


async def test_only_the_list_of_devices_says_what_there_is(home: Account) -> None:
    await home.learn()
    before = home.jobs()
    await home.run("67/production_meter_readings")
    assert home.jobs() == before


async def test_a_time_without_data_is_an_empty_list_or_a_422_and_no_failure(home: Account, clock: HandClock) -> None:
    await home.learn()
    home.cloud.system.reports_until = clock.wall() - 3 * DAY
    report = await home.run("67/telemetry/production_meter")
    assert max(sample.end for sample in report.samples).timestamp() == home.cloud.system.reported
    home.cloud.system.reports_until = clock.wall() - 8 * DAY
    assert (await home.run("67/telemetry/production_meter")).samples == ()
    home.cloud.faults["/api/v4/systems/67/telemetry/production_meter"] = Answer(document.TOO_LATE_V4, 422)
    assert await home.job("67/telemetry/production_meter").run() == ()
    home.cloud.faults.clear()
    home.cloud.system.reports_until = None
    report = await home.run("67/telemetry/production_meter")
    assert max(sample.end for sample in report.samples).timestamp() == home.cloud.system.reported


async def test_throttled_with_429_with_and_without_a_period(home: Account, clock: HandClock) -> None:
    await home.learn()
    clock.set_wall(clock.wall() // 60 * 60 + 50)
    home.cloud.minute = 0
    error = await home.error("67/summary")
    assert isinstance(error, CloudThrottled)
    assert error.retry_in == pytest.approx(10)
    home.cloud.says_when = False
    assert (await home.error("67/summary")).retry_in is None


async def test_501_is_about_that_alone_and_a_shape_that_is_not_known_says_so(home: Account) -> None:
    await home.learn()
    home.cloud.faults["/api/v4/systems/67/battery_lifetime"] = Answer(document.UNKNOWN_METHOD_V4, 501)
    assert isinstance(await home.error("67/battery_lifetime"), NotAllowed)
    home.cloud.faults["/api/v4/systems/67/summary"] = Answer(b'[{"current_power": 5}]')
    assert isinstance(await home.error("67/summary"), UnusableAnswer)


async def test_a_gateway_is_looked_for_by_its_serial(tmp_path: Path, clock: HandClock) -> None:
    async with account("v4", tmp_path, clock, serials=("999",)) as home:
        await home.learn()
        assert await home.job("find/999").run() == ()
        assert home.asked("/retrieve_system_id") == [{"serial_num": "999"}]


async def test_the_quota_is_the_free_plan_s_unless_it_is_said_otherwise(tmp_path: Path, clock: HandClock) -> None:
    async with account("v4", tmp_path, clock) as home:
        assert home.client.quota is not None
        assert (home.client.quota.month, home.client.quota.minute) == (1000, 10)
        await home.learn()
        slow = home.job("67/summary").every
        rich = home.again(month_quota=50_000).job("67/summary").every
        assert rich == 3600
        assert 3600 < slow < 2 * 3600
        home.cloud.others = 9
        await home.job("systems").run()
        assert home.job("67/summary").every > 4 * slow
        assert _in_a_month(home) < 760
    assert limits(settings("v2")).month == 10_000


def _in_a_month(home: Account) -> float:
    """Requests, with one for the token a day."""
    return 31 * sum(DAY / job.every * (17 / 24 if job.daylight else 1) for job in home.client.jobs())
