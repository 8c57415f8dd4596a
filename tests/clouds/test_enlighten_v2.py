"""Enlighten's version 2 over real HTTP: every endpoint, each of its own ways to say no, and nothing lost or doubled."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from clouds import documents_enlighten as document
from clouds.enlighten_account import DAY, Account, account, clock_at, found, values
from handclock import HandClock

from envoy_bridge.clouds.errors import CloudBlocked, CloudDown, CloudRefused, CloudThrottled, NotAllowed, UnusableAnswer
from envoy_bridge.simulator.clouds.enlighten_system import GATEWAY
from envoy_bridge.simulator.faults import Answer, Html, Status, Truncated


@pytest.fixture
def clock() -> HandClock:
    return clock_at()


@pytest.fixture
async def home(tmp_path: Path, clock: HandClock) -> AsyncIterator[Account]:
    async with account("v2", tmp_path, clock) as running:
        yield running


# -- systems --


async def test_nothing_is_asked_but_the_list_before_it_is_known(home: Account) -> None:
    assert home.jobs() == ["systems"]
    report = await home.run("systems")
    assert (report.site, report.zone) == ("67", "America/Los_Angeles")
    assert home.jobs()[:2] == ["systems", "67/summary"]


async def test_pages_are_followed_to_the_end(home: Account) -> None:
    home.cloud.others, home.cloud.page = 5, 2
    reports = await home.job("systems").run()
    assert [report.site for report in reports] == ["67", "1000", "1001", "1002", "1003", "1004"]
    assert [query.get("next") for query in home.asked("/systems")] == [None, "2", "4"]


async def test_a_cursor_that_comes_again_ends_the_list(home: Account) -> None:
    home.cloud.faults["/api/v2/systems"] = Answer(b'{"systems": [{"system_id": 67}], "next": "4d"}')
    assert [report.site for report in await home.job("systems").run()] == ["67"]
    assert len(home.cloud.requests) == 2


async def test_only_the_configured_systems_are_asked_for(tmp_path: Path, clock: HandClock) -> None:
    async with account("v2", tmp_path, clock, sites=("67", "9")) as home:
        home.cloud.others = 3
        assert [report.site for report in await home.job("systems").run()] == ["67"]
        assert "system_id%5B%5D=67&system_id%5B%5D=9" in home.cloud.requests[0].path


async def test_an_empty_list_does_not_take_systems_away(home: Account) -> None:
    await home.run("systems")
    home.cloud.faults["/api/v2/systems"] = Answer(b'{"systems": []}')
    await home.run("systems")
    assert "67/summary" in home.jobs()


async def test_a_gateway_is_looked_for_when_no_system_tells_it(tmp_path: Path, clock: HandClock) -> None:
    async with account("v2", tmp_path, clock, serials=(GATEWAY, "999")) as home:
        await home.run("systems")
        assert not [key for key in home.jobs() if key.startswith("find/")]
        await home.run("67/envoys")
        assert [key for key in home.jobs() if key.startswith("find/")] == ["find/999"]
        assert await home.job("find/999").run() == ()


async def test_a_gateway_that_was_exchanged_is_on_the_site_no_more(home: Account) -> None:
    await home.run("systems")
    assert (await home.run("67/envoys")).serials == (GATEWAY,)
    other = b'{"envoys": [{"serial_number": "122300000009", "last_report_at": 1781118000}]}'
    home.cloud.faults["/api/v2/systems/67/envoys"] = Answer(other)
    assert (await home.run("67/envoys")).serials == ("122300000009",)


async def test_the_system_of_a_gateway_is_found_by_its_serial(tmp_path: Path, clock: HandClock) -> None:
    async with account("v2", tmp_path, clock, serials=(GATEWAY,)) as home:
        await home.run("systems")
        home.cloud.system.forbidden = {"envoys"}
        assert isinstance(await home.error("67/envoys"), NotAllowed)
        assert (await home.run(f"find/{GATEWAY}")).serials == (GATEWAY,)
        assert home.asked("/search_system_id") == [{"serial_num": GATEWAY}]


# -- what each endpoint tells --


async def test_the_summary_and_the_days_agree_with_the_household(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    system = home.cloud.system
    report = await home.run("67/summary")
    today = sum(
        system.house.energy("production", end - 300, end)
        for end in range(system.house.midnight(date(2026, 6, 10)) + 300, system.reported + 1, 300)
    )
    assert values(found(report, "energy_today")) == [today]
    whole = await home.run("67/energy_lifetime")
    days = found(whole, "energy_today")
    assert [sample.day for sample in days] == [date(2026, 6, day) for day in (6, 7, 8, 9)]
    assert values(days) == [system.house.day("production", date(2026, 6, day)) for day in (6, 7, 8, 9)]
    assert values(found(report, "energy_lifetime")) == [
        today + sum(system.house.day("production", system.first_day + timedelta(days=n)) for n in range(40))
    ]
    assert found(report, "power")[0].end.timestamp() == system.reported
    assert clock.wall() - system.reported == 7 * 60


async def test_every_endpoint_tells_its_own(home: Account) -> None:
    await home.run("systems")
    assert len(found(await home.run("67/envoys"), "last_report", f"gateway-{GATEWAY}")) == 1
    inventory = await home.run("67/inventory")
    assert [device.kind for device in inventory.devices or ()] == ["gateway"] * 2 + ["inverter"] * 3 + ["meter"]
    readings = await home.run("67/production_meter_readings")
    assert [sample.quality for sample in readings.samples] == ["stale", "ok"]
    inverters = await home.run("67/inverters_summary_by_envoy_or_site")
    assert home.asked("/inverters_summary_by_envoy_or_site") == [{"site_id": "67"}]
    assert {device.parent for device in inverters.devices or () if device.kind == "inverter"} == {f"gateway-{GATEWAY}"}
    total = sum(float(str(sample.value)) for sample in inverters.samples if sample.quantity == "energy_lifetime")
    assert total == pytest.approx(float(str(readings.samples[1].value)), abs=0.1)
    rgm = await home.run("67/rgm_stats")
    assert values(found(rgm, "energy")) == values(found(rgm, "energy", "meter-090101000201"))
    used = await home.run("67/consumption_stats")
    assert values(found(used, "energy_consumed_today")) == [48 * 159]
    assert len(found(used, "energy_consumed")) == 7 * 96
    days = await home.run("67/consumption_lifetime")
    assert values(found(days, "energy_consumed_lifetime")) == [40 * 288 * 53]


async def test_no_address_has_a_date_format_and_times_are_whole_seconds(home: Account) -> None:
    await home.learn()
    for key in home.jobs():
        await home.job(key).run()
    assert not any("datetime_format" in request.path for request in home.cloud.requests)
    (query,) = home.asked("/67/stats")
    assert [name for name in query if query[name].isdecimal()] == ["start_at", "end_at"]


async def test_a_meter_whose_channel_says_nothing_is_missing(home: Account) -> None:
    await home.learn()
    home.cloud.system.nulls = True
    report = await home.run("67/rgm_stats")
    assert not found(report, "energy", "meter-090101000201")
    assert found(report, "energy")


async def test_without_revenue_grade_meters_they_are_not_asked(home: Account) -> None:
    home.cloud.system.hardware.discard("rgm")
    await home.learn()
    assert "67/rgm_stats" not in home.jobs()


# -- how it says no --


async def test_204_is_no_meter_and_is_asked_again_in_a_week(home: Account, clock: HandClock) -> None:
    home.cloud.system.hardware.discard("consumption")
    await home.run("systems")
    assert await home.job("67/consumption_lifetime").run() == ()
    assert "67/consumption_lifetime" not in home.again().jobs()
    clock.advance(7 * DAY + 1)
    assert "67/consumption_lifetime" in home.jobs()


async def test_no_permission_for_consumption_is_no_permission_for_that_alone(home: Account) -> None:
    home.cloud.system.forbidden = {"consumption_lifetime", "consumption_stats"}
    await home.run("systems")
    assert isinstance(await home.error("67/consumption_stats"), NotAllowed)
    assert "67/consumption_stats" not in home.jobs()
    assert found(await home.run("67/summary"), "energy_today")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_refusal_of_what_everybody_may_ask_is_about_the_key(home: Account, status: int) -> None:
    await home.run("systems")
    home.cloud.faults["*"] = Answer(document.REFUSED, status)
    for key in ("systems", "67/summary"):
        error = await home.error(key)
        assert isinstance(error, CloudRefused)
        assert "user_id" in str(error)


async def test_one_system_of_several_may_be_refused_alone(home: Account) -> None:
    home.cloud.others = 1
    await home.job("systems").run()
    assert isinstance(await home.error("1000/summary"), NotAllowed)
    assert "1000/summary" not in home.jobs()


async def test_throttled_with_409_until_the_minute_is_over(home: Account, clock: HandClock) -> None:
    await home.run("systems")
    clock.set_wall(clock.wall() // 60 * 60 + 48)
    home.cloud.minute = 0
    error = await home.error("67/summary")
    assert isinstance(error, CloudThrottled)
    assert error.retry_in == pytest.approx(12)
    home.cloud.behind = True
    assert (await home.error("67/summary")).retry_in == 60


async def test_code_7_waits_for_ten_minutes(home: Account) -> None:
    await home.run("systems")
    home.cloud.faults["*"] = Answer(document.UNAVAILABLE, 503)
    error = await home.error("67/summary")
    assert (type(error), error.retry_in) == (CloudDown, 600)


async def test_what_is_not_json_is_told_apart(home: Account) -> None:
    await home.run("systems")
    for fault, kind in (
        (Html(), CloudBlocked),
        (Status(503), CloudDown),
        (Status(403), CloudBlocked),
        (Truncated(), CloudDown),
        (Answer(b'{"current_power": 3'), UnusableAnswer),
        (Answer(b'{"current_power": "much"}'), UnusableAnswer),
        (Answer(b""), UnusableAnswer),
    ):
        home.cloud.faults["*"] = fault
        assert isinstance(await home.error("67/summary"), kind), fault


async def test_json_under_another_name_is_json(home: Account) -> None:
    await home.run("systems")
    home.cloud.faults["*"] = Answer(document.SUMMARY, mime="text/html")
    assert values(found(await home.run("67/summary"), "power")) == [271]


# -- what is kept --


async def test_what_is_remembered_is_no_secret_and_garbage_is_nothing(home: Account) -> None:
    await home.learn()
    await home.run("67/stats")
    memory = home.client.remember()
    assert b"app5e7key" not in memory
    assert b"4d6a51330a" not in memory
    keys = home.jobs()
    for garbage in (b"{", b"[]", b'{"sites": {"67": {"zone": 5}}}', None):
        home.client.recall(garbage)
        assert home.jobs() == ["systems"]
    home.client.recall(memory)
    assert home.jobs() == keys


async def test_one_request_at_a_time(home: Account) -> None:
    await home.learn()
    for key in home.jobs():
        await home.job(key).run()
    assert home.cloud.in_flight_max == 1
