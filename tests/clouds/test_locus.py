"""The client of Locus against its simulated cloud, over real HTTP: what it finds, and that nothing is lost."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from clouds.locus_account import NOON, Account, account, asked, clock_at, settings
from handclock import HandClock

from envoy_bridge.clouds.locus.parse import SETTLED_AFTER
from envoy_bridge.clouds.report import Alert, Sample, SiteReport
from envoy_bridge.simulator.clouds.locus import SimulatedLocus
from envoy_bridge.simulator.clouds.locus_days import GRID_METER, INVERTER, METER, SITE, sunny_day
from envoy_bridge.simulator.faults import Answer

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


def of_site(reports: list[SiteReport], site: str = "123") -> SiteReport:
    """The newest report of a site that lists its devices."""
    return [report for report in reports if report.site == site and report.devices is not None][-1]


async def test_the_first_round_finds_sites_and_devices(home: Account) -> None:
    await home.run()
    site, empty = of_site(home.reports), of_site(home.reports, "789")
    assert (site.zone, empty.zone) == ("America/Los_Angeles", "US/Pacific")
    assert [(device.part, device.parent, device.label) for device in site.devices or ()] == [
        ("meter-54369", None, "PV Meter"),
        ("inverter-54370", "meter-54369", "AE Inverter E1"),
        ("meter-54371", None, "Grid Meter"),
    ]
    assert empty.devices == ()
    assert home.errors == []


async def test_the_first_round_tells_what_is_now(home: Account, cloud: SimulatedLocus) -> None:
    await home.run()
    now = home.latest("meter-54369", "power")
    assert now.end == NOON.replace(minute=0, second=0)
    assert now.value == pytest.approx(sunny_day(now.end + timedelta(minutes=2.5)), abs=1)
    assert home.latest("inverter-54370", "voltage").value == 121.5
    assert home.latest("meter-54369", "power_l3").value == pytest.approx(0.4 * float(str(now.value)), abs=1)
    assert home.latest("meter-54371", "power").value == pytest.approx(700 - float(str(now.value)), abs=1)
    site = home.latest("site", "power")
    assert site.end == NOON.replace(minute=0, second=0)
    assert home.latest("site", "irradiance").end == site.end
    assert home.latest("site", "size").value == 6400
    assert asked(cloud, "/v3/components/54372") == []  # which is only drawn there


async def test_the_first_round_tells_energies(home: Account, cloud: SimulatedLocus) -> None:
    await home.run()
    days = cloud.days[SITE]
    midnight = datetime(2026, 6, 10, 7, tzinfo=UTC)
    today = home.latest("site", "energy_today")
    assert (today.day, today.quality, today.kind) == (date(2026, 6, 10), "partial", "daily")
    assert today.value == pytest.approx(days.energy(midnight, NOON), abs=0.01)
    assert home.latest("site", "energy_lifetime").value == pytest.approx(days.energy(days.since, NOON), abs=0.1)
    assert home.latest("site", "energy_year").value == home.latest("site", "energy_lifetime").value
    june = datetime(2026, 6, 1, 7, tzinfo=UTC)
    assert home.latest("site", "energy_month").value == pytest.approx(days.energy(june, NOON), abs=0.1)
    assert home.latest("site", "energy_modelled").value == pytest.approx(1.02 * float(str(today.value)), abs=0.1)
    assert home.latest("meter-54369", "energy_today").value == today.value
    assert not any(home.samples(f"meter-{GRID_METER}", f"energy{kind}", "daily") for kind in ("", "_today"))


async def test_all_years_are_the_lifetime_and_the_last_one_is_the_present() -> None:
    clock = clock_at(datetime(2026, 1, 20, 20, 0, tzinfo=UTC))
    async with SimulatedLocus(clock=clock) as cloud, account(cloud, clock) as home:
        await home.run()
        days, now = cloud.days[SITE], datetime.fromtimestamp(clock.wall(), UTC)
        new_year = datetime(2026, 1, 1, 8, tzinfo=UTC)
        assert days.since < new_year
        assert home.latest("site", "energy_lifetime").value == pytest.approx(days.energy(days.since, now), abs=0.1)
        assert home.latest("site", "energy_year").value == pytest.approx(days.energy(new_year, now), abs=0.1)


async def test_there_is_never_a_second_request_in_flight(home: Account, cloud: SimulatedLocus) -> None:
    cloud.life = 700.0
    await home.live(2 * HOUR)
    assert cloud.in_flight_max == 1
    assert {request.status for request in cloud.requests} == {200}
    assert len(cloud.logins) > 5


async def test_intervals_are_asked_for_in_utc_and_days_in_the_time_of_the_site(
    home: Account, cloud: SimulatedLocus
) -> None:
    await home.run()
    queries = [parse_qs(urlsplit(path).query) for path in asked(cloud, "/v3/") if "/data?" in path]
    zones = {(query["gran"][0], query["tz"][0]) for query in queries}
    fine = {(gran, "UTC") for gran in ("latest", "15min", "hourly")}
    assert zones == fine | {(gran, "America/Los_Angeles") for gran in ("daily", "yearly", "monthly")} | {
        ("monthly", "US/Pacific")
    }
    assert all("+" not in start and "Z" not in start for query in queries for start in query.get("start", []))


async def test_a_model_is_asked_for_with_its_parameters(home: Account, cloud: SimulatedLocus) -> None:
    await home.run()
    (model, *_) = [parse_qs(urlsplit(path).query) for path in asked(cloud, "/v3/sites/123/data") if "W_m_avg" in path]
    assert model["modelType"] == ["simple"]
    assert model["irradianceSource"] == ["weatherStation"]
    assert model["inverterClipping"] == ["true"]


async def test_what_six_hours_of_daylight_cost(home: Account, cloud: SimulatedLocus) -> None:
    await home.live(6 * HOUR)
    kinds = Counter(urlsplit(path).path for path in asked(cloud))
    assert kinds["/oauth/token"] == 6
    assert kinds["/v3/partners/111/alerts"] == 24
    assert kinds["/v3/partners/111/sites"] == kinds["/v3/sites/123/dataavailable"] == 1
    latest = [path for path in asked(cloud) if "gran=latest" in path]
    assert len(latest) == 3 * 72
    assert len(cloud.requests) < 400


def closed(samples: list[Sample]) -> Counter[tuple[datetime | None, float]]:
    return Counter({(sample.start, float(str(sample.value))) for sample in samples if sample.quality == "ok"})


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("nulls", [False, True])
async def test_no_interval_is_lost_or_has_two_values(
    home: Account, cloud: SimulatedLocus, *, inclusive: bool, nulls: bool
) -> None:
    cloud.inclusive, cloud.nulls = inclusive, nulls
    await home.live(6 * HOUR, step=900.0)
    starts = [start for start, _ in closed(home.samples("site", "energy", "interval"))]
    assert len(starts) == len(set(starts))
    settled = home.clock.wall() - SETTLED_AFTER.total_seconds()
    first = NOON.timestamp() // 900 * 900 + 900 - DAY
    expected = {second for second in range(int(first), int(settled), 900) if second + 900 <= settled}
    assert expected <= {int(start.timestamp()) for start in starts if start}
    for sample in home.samples("site", "energy", "interval"):
        if sample.quality == "ok" and sample.start:
            assert sample.value == pytest.approx(cloud.days[SITE].energy(sample.start, sample.end), abs=0.01)


async def test_data_that_come_late_are_found(home: Account, cloud: SimulatedLocus) -> None:
    start = datetime(2026, 6, 10, 18, tzinfo=UTC)
    cloud.days[SITE].dark.add(start)
    await home.run()
    assert start not in {sample.start for sample in home.samples("site", "energy", "interval")}
    await home.live(6 * HOUR, step=900.0)
    cloud.days[SITE].dark.clear()
    await home.live(HOUR, step=900.0)
    assert start in {sample.start for sample in home.samples("site", "energy", "interval")}


async def test_the_offsets_of_july_in_january_do_not_move_days() -> None:
    clock = clock_at(datetime(2026, 1, 20, 20, 7, tzinfo=UTC))
    async with SimulatedLocus(clock=clock) as cloud, account(cloud, clock) as home:
        cloud.summer = True
        await home.run()
        days = {sample.day for sample in home.samples("site", "energy_today", "daily")}
        assert days == {date(2026, 1, 17) + timedelta(days=number) for number in range(4)}
        starts = {sample.start for sample in home.samples("site", "energy_today", "daily")}
        assert {start.hour for start in starts if start} == {8}


async def test_after_a_restart_only_what_is_due_is_asked(
    home: Account, cloud: SimulatedLocus, clock: HandClock
) -> None:
    await home.run()
    memory = home.provider.remember()
    cloud.requests.clear()
    async with account(cloud, clock, memory=memory) as again:
        again.next = home.next
        await again.run()
        assert asked(cloud) == []
        clock.advance(300)
        await again.run()
        assert len(asked(cloud)) == 3
        assert all("gran=latest" in path for path in asked(cloud))
        assert of_site(again.reports).devices == of_site(home.reports).devices


async def test_after_a_break_what_was_missed_is_fetched(home: Account, cloud: SimulatedLocus, clock: HandClock) -> None:
    await home.run()
    clock.advance(20 * DAY)
    async with account(cloud, clock, memory=home.provider.remember()) as again:
        await again.run()
        starts = {sample.start for sample in again.samples("site", "energy", "interval")}
        assert {NOON.replace(minute=0, second=0) + number * QUARTER for number in range(20 * 96)} <= starts
        days = {sample.day for sample in again.samples("site", "energy_today", "daily")}
        assert {date(2026, 6, 10) + timedelta(days=number) for number in range(21)} <= days


async def test_memory_of_another_account_is_not_taken_up(
    home: Account, cloud: SimulatedLocus, clock: HandClock
) -> None:
    await home.run()
    memory = home.provider.remember().replace(b'"111"', b'"112"')
    for useless in (memory, b"", b"{", b'{"account": 5}', None):
        async with account(cloud, clock, memory=useless) as again:
            assert [job.key for job in again.provider.jobs()] == ["sites", "offers partners/111/sites"]


async def test_sites_that_are_not_wanted_any_more_are_forgotten(
    home: Account, cloud: SimulatedLocus, clock: HandClock
) -> None:
    await home.run()
    async with account(cloud, clock, settings("789"), memory=home.provider.remember()) as again:
        assert not any("123" in job.key or "54369" in job.key for job in again.provider.jobs())


async def test_memory_does_not_change_with_each_answer(home: Account, clock: HandClock) -> None:
    await home.run()
    before = home.provider.remember()
    clock.advance(1800)
    await home.run()
    assert home.provider.remember() == before


async def test_memory_holds_nothing_personal(home: Account) -> None:
    await home.run()
    memory = home.provider.remember()
    assert not any(word in memory for word in (b"Shine", b"Test Site", b"sunshine", b"5ecret"))


async def test_sites_that_were_chosen_are_asked_about_by_themselves(cloud: SimulatedLocus, clock: HandClock) -> None:
    async with account(cloud, clock, settings("123")) as home:
        await home.run()
        assert {report.site for report in home.reports} == {"123"}
        assert asked(cloud, "/v3/partners") == []
        assert len(asked(cloud, "/v3/sites/123/alerts")) == 1
        assert home.latest("site", "energy_month").kind == "counter"


async def test_a_chosen_site_without_a_time_zone_has_its_clients(cloud: SimulatedLocus, clock: HandClock) -> None:
    async with account(cloud, clock, settings("789")) as home:
        await home.run()
        assert asked(cloud, "/v3/clients") == ["/v3/clients/456"]
        assert of_site(home.reports, "789").zone == "US/Pacific"


async def test_a_site_without_any_time_zone_has_no_days(cloud: SimulatedLocus, clock: HandClock) -> None:
    site = b'{"statusCode": 200, "id": 123, "clientId": 456, "locationTimezone": "Middle/Earth"}'
    cloud.faults["/v3/sites/123"] = Answer(site)
    cloud.forbidden.add("/v3/clients/456")
    async with account(cloud, clock, settings("123")) as home:
        await home.run()
        assert of_site(home.reports).zone is None
        assert home.samples("site", "energy", "interval")
        assert not home.samples("site", "energy_today", "daily")
        assert home.latest("site", "energy_lifetime").kind == "counter"


async def test_what_is_forbidden_costs_only_itself(home: Account, cloud: SimulatedLocus) -> None:
    cloud.forbidden |= {
        f"/v3/components/{METER}/data",
        "/v3/sites/123/modelsettings",
        f"/v3/sites/{SITE}/dataavailable",
    }
    await home.run()
    assert not home.samples("meter-54369", "power", "instant")
    assert not home.samples("site", "power", "instant")
    assert home.latest(f"inverter-{INVERTER}", "power").kind == "instant"
    refused = len(home.errors)
    cloud.requests.clear()
    await home.live(3 * HOUR)
    assert len(home.errors) == refused
    assert [grant for grant, _ in cloud.logins] == ["password", "refresh_token", "refresh_token", "refresh_token"]


def warning(number: int, **more: object) -> dict[str, object]:
    return {
        "id": number,
        "componentId": INVERTER,
        "componentName": "AE Inverter E1",
        "siteId": SITE,
        "siteName": "Test Site",
        "alertType": "Zero Generation",
        "priority": "High",
        "start": NOON - timedelta(days=20),
        "updated": NOON - timedelta(hours=1),
    } | more


@pytest.mark.parametrize("chosen", [(), ("123",)])
async def test_warnings_that_are_open_or_were_lately(
    cloud: SimulatedLocus, clock: HandClock, chosen: tuple[str, ...]
) -> None:
    over = NOON - timedelta(days=2)
    cloud.alerts = [warning(1), warning(2, end=over), warning(3, end=NOON - timedelta(days=10))]
    async with account(cloud, clock, settings(*chosen)) as home:
        await home.run()
        (found,) = [report.alerts for report in home.reports if report.alerts]
    assert {alert.id: alert.closed for alert in found} == {"1": None, "2": over}
    assert found[0] == Alert(
        id="1",
        part="inverter-54370",
        code="Zero Generation",
        severity="high",
        title="Zero Generation",
        opened=NOON - timedelta(days=20),
        updated=NOON - timedelta(hours=1),
    )


async def test_no_warnings_are_an_empty_list(home: Account) -> None:
    await home.run()
    assert {report.site: report.alerts for report in home.reports if report.alerts is not None} == {
        "123": (),
        "789": (),
    }
