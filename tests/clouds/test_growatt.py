import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from clouds import documents_growatt as documents
from clouds.documents_growatt import Skipping
from handclock import Hands

from envoy_bridge.clouds.errors import CloudError, NotAllowed
from envoy_bridge.clouds.growatt.provider import Growatt
from envoy_bridge.clouds.provider import Job, Provider
from envoy_bridge.clouds.quota import Quota
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.clouds.schedule import Schedule
from envoy_bridge.settings import GrowattCloud
from envoy_bridge.simulator.clouds.growatt import TOKEN, SimulatedGrowatt
from envoy_bridge.simulator.clouds.growatt_house import MIN, SPH, Inverter, kwh
from envoy_bridge.simulator.clouds.growatt_plant import TOO_OFTEN
from envoy_bridge.simulator.faults import Answer
from envoy_bridge.values import Secret

VIENNA = ZoneInfo("Europe/Vienna")
SITE = "24832"
FIRST = ["plant/list?", "plant/list?what=again"]
MIN_PART, SPH_PART, BATTERY = "inverter-min0000001", "inverter-sph0000001", "battery-sph0000001"


@dataclass
class Life:
    """A program with this cloud alone: what it learns, and what it may ask next, survive its restarts."""

    cloud: SimulatedGrowatt
    clock: Skipping
    folder: Path
    stack: AsyncExitStack
    timezone: str | None = "Europe/Vienna"
    sites: tuple[str, ...] | None = None
    reports: list[SiteReport] = field(default_factory=list)
    errors: list[CloudError] = field(default_factory=list)
    zones: set[str] = field(default_factory=set)
    memory: bytes | None = None

    async def start(self) -> None:
        settings = GrowattCloud(token=Secret(TOKEN), timezone=self.timezone, sites=self.sites)
        quota = Quota(self.folder / "quota.json", TOKEN, Growatt.quota, self.clock)
        rest = Rest(self.cloud.url, provider="growatt", clock=self.clock, quota=quota, timeout=2.0)
        await self.stack.enter_async_context(rest)
        self.growatt = Growatt(settings, rest, self.clock)
        self.growatt.recall(self.memory)
        self.schedule = Schedule(self.clock)

    async def restart(self) -> None:
        kept = self.schedule.keep(self.growatt.jobs())
        await self.start()
        self.schedule.recall(*kept)

    async def run(self, seconds: float) -> None:
        """Run what is due, for so long."""
        end = self.clock.wall() + seconds
        while self.clock.wall() + (wait := await self.step()) < end:
            self.clock.advance(wait)
        self.clock.advance(max(0.0, end - self.clock.wall()))

    async def step(self) -> float:
        """Run the first job if it is due; or else say how long it is until then."""
        zones = [ZoneInfo(zone) for zone in self.zones]
        jobs = self.schedule.in_turn(self.growatt.jobs())
        job = min(jobs, key=lambda job: self.schedule.due_in(job, zones))
        wait = self.schedule.due_in(job, zones)
        if wait > 0:
            return wait
        self.schedule.begins(job, 1.0)
        try:
            reports = await job.run()
        except CloudError as error:
            self.errors.append(error)
            self.schedule.failed(job, error, 1.0)
        else:
            self.schedule.succeeded(job)
            self.take(reports)
        self.memory = self.growatt.remember()
        return 0.0

    def take(self, reports: Sequence[SiteReport]) -> None:
        self.reports.extend(reports)
        self.zones |= {report.zone for report in reports if report.zone}

    def samples(self, wanted: Callable[[Sample], bool]) -> list[Sample]:
        return [sample for report in self.reports for sample in report.samples if wanted(sample)]

    def latest(self) -> dict[str, Sample]:
        """The newest of each value that is not of the past."""
        found: dict[str, Sample] = {}
        for sample in self.samples(lambda sample: sample.kind != "interval"):
            name = f"{sample.part}/{sample.quantity}"
            if name not in found or sample.end >= found[name].end:
                found[name] = sample
        return found

    def devices(self) -> list[str]:
        return next([device.part for device in r.devices] for r in reversed(self.reports) if r.devices is not None)

    def paths(self) -> list[str]:
        return [asked.path for asked in self.cloud.asked]


def clock_at(text: str) -> Skipping:
    return Skipping(hands=Hands(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp(), 1000.0))


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    clock = clock_at("2024-06-12 09:00")
    async with AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(SimulatedGrowatt(clock=clock))
        cloud.gap = 3.0
        cloud.plant.inverters = [
            Inverter("MIN0000001", MIN, 0.6),
            Inverter("SPH0000001", SPH, 0.4, battery=True),
            Inverter("0000004711", 1, 0.0),
        ]
        running = Life(cloud, clock, tmp_path, stack)
        await running.start()
        yield running


def closed(samples: Iterable[Sample]) -> dict[datetime, Sample]:
    """Intervals by their start."""
    return {sample.start: sample for sample in samples if sample.start is not None and sample.quality == "ok"}


async def test_it_is_a_provider(life: Life) -> None:
    provider: Provider = life.growatt
    assert (provider.name, [job.key for job in provider.jobs()]) == ("growatt", FIRST)


async def test_after_some_minutes_all_is_known(life: Life) -> None:
    await life.run(780)
    assert life.errors == []
    assert {asked.code for asked in life.cloud.asked} == {0}
    assert life.devices() == [
        MIN_PART,
        "string-min0000001-1",
        "string-min0000001-2",
        SPH_PART,
        BATTERY,
        "string-sph0000001-1",
        "string-sph0000001-2",
        "inverter-0000004711",
    ]
    house, now = life.cloud.plant.house, life.cloud.plant.now
    latest = {name: sample.value for name, sample in life.latest().items()}
    produced, charged, _, imported, exported = house.flows(now)
    today, ever = house.day(date(2024, 6, 12), now), house.before(date(2024, 6, 12))
    assert latest["site/power"] == pytest.approx(produced, abs=0.1)
    assert latest["site/size"] == 5200
    assert latest["site/energy_today"] == pytest.approx(1000 * kwh(today[0]))
    assert latest["site/energy_lifetime"] == pytest.approx(1000 * kwh(ever[0] + today[0]))
    assert latest[f"{MIN_PART}/power"] == pytest.approx(0.6 * produced, abs=0.1)
    assert latest[f"{SPH_PART}/power_exported"] == pytest.approx(exported, abs=0.1)
    assert latest[f"{SPH_PART}/power_imported"] == pytest.approx(imported, abs=0.1)
    assert latest[f"{BATTERY}/power"] == pytest.approx(-charged, abs=0.1)
    assert latest[f"{BATTERY}/soc"] == 57
    assert latest["inverter-0000004711/last_report"] == datetime.fromtimestamp(now, UTC) - timedelta(minutes=10)
    assert "CANARY" not in repr(life.reports) + repr(life.memory)


async def test_days_with_a_change_of_the_clocks_and_restarts(tmp_path: Path) -> None:
    clock = clock_at("2024-10-26 20:00")
    async with AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(SimulatedGrowatt(clock=clock, power=lambda _: 1234.5, days=3))
        cloud.gap = 3.0
        cloud.plant.inverters = [Inverter("SPH0000001", SPH, 1.0, battery=True)]
        life = Life(cloud, clock, tmp_path, stack)
        await life.start()
        for _ in range(10):
            await life.run(3600 * 3.3)
            await life.restart()
        assert life.errors == []
        assert {asked.code for asked in cloud.asked} == {0}, "nothing is asked too often"
        assert cloud.in_flight_max == 1
        assert len(cloud.asked) < 1.3 * 510

        for part in ("site", SPH_PART):
            told = life.samples(lambda s: s.kind == "interval" and s.quantity == "power")
            found = closed(sample for sample in told if sample.part == part)
            first = datetime(2024, 10, 25, tzinfo=VIENNA).astimezone(UTC)
            wanted = [first + timedelta(minutes=5 * step) for step in range(288 + 288 + 300 - 1)]
            assert [start for start in wanted if start not in found] == [], part
            assert {sample.value for sample in found.values()} == {1234.5}
        days = {
            sample.day: sample.value
            for sample in life.samples(lambda s: s.kind == "daily" and s.part == "site" and s.quality == "ok")
        }
        assert days[date(2024, 10, 27)] == pytest.approx(1234.5 * 25, abs=100)
        assert days[date(2024, 10, 26)] == pytest.approx(1234.5 * 24, abs=100)


async def test_a_crash_loop_asks_nothing_twice(life: Life) -> None:
    await life.run(120)
    asked = len(life.cloud.asked)
    for _ in range(20):
        await life.restart()
        await life.run(5)
    assert len(life.cloud.asked) == asked
    assert life.errors == []


async def test_too_often_is_no_reason_to_give_up(life: Life) -> None:
    life.cloud.errors["plant/list"] = TOO_OFTEN
    await life.run(600)
    assert life.reports == []
    del life.cloud.errors["plant/list"]
    await life.run(1200)
    assert "site/power" in life.latest()


async def test_each_endpoint_waits_alone(life: Life) -> None:
    await life.run(400)
    life.cloud.errors["plant/data"] = TOO_OFTEN
    before = life.paths().count("plant/power")
    await life.run(3600)
    assert life.paths().count("plant/power") - before >= 10
    assert sum(asked.code == TOO_OFTEN for asked in life.cloud.asked) <= 4


async def test_a_list_that_has_lost_its_devices_takes_none_away_and_is_asked_for_again(life: Life) -> None:
    await life.run(780)
    devices = life.devices()
    life.cloud.fault("device/list", Answer(documents.NO_DEVICES))
    life.clock.advance(86400)
    await life.run(7200)
    assert life.devices() == devices
    before = life.paths().count("device/tlx/tlx_last_data")
    await life.run(780)
    assert life.paths().count("device/tlx/tlx_last_data") > before, "they are asked on"
    times = [request.time for request in life.cloud.requests if "device/list" in request.path]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[1:3] == [pytest.approx(expected, abs=200) for expected in (305, 3600)]
    life.cloud.fault("device/list", None)
    await life.run(3 * 3600)
    assert life.paths().count("device/list") == 2, "once in the beginning, and once more"


async def test_a_list_that_has_lost_its_plants_takes_none_away(life: Life) -> None:
    await life.run(400)
    life.cloud.fault("plant/list", Answer(b'{"error_code": 0, "data": {"count": 1, "plants": []}}'))
    life.clock.advance(86400)
    await life.run(400)
    assert any("plant/data" in job.key for job in life.growatt.jobs())


async def test_numbers_as_text_and_powers_in_no_order(life: Life) -> None:
    life.cloud.plant.as_text = life.cloud.plant.shuffled = True
    await life.run(780)
    house = life.cloud.plant.house
    assert life.latest()["site/power"].value == pytest.approx(house.watts(life.cloud.plant.now), abs=0.1)
    assert life.latest()[f"{MIN_PART}/power"].value == pytest.approx(0.6 * house.watts(life.cloud.plant.now), abs=0.1)
    assert max(float(str(sample.value)) for sample in life.samples(lambda s: s.quantity == "power")) < 9999
    found = closed(life.samples(lambda s: s.kind == "interval" and s.part == "site"))
    assert {start: sample.value for start, sample in found.items()} == {
        start: round(house.watts(int(start.timestamp()) + 300), 1) for start in found
    }


async def test_inverters_that_do_not_tell_any_more(life: Life) -> None:
    await life.run(400)
    silent = life.cloud.plant.silent = life.cloud.plant.now
    await life.run(3600)
    stale = life.latest()[f"{MIN_PART}/power"]
    assert (stale.quality, stale.end) == ("stale", datetime.fromtimestamp(silent, UTC))
    assert life.latest()[f"{MIN_PART}/status"].value == "offline"
    assert life.latest()["site/power"].end == stale.end, "no power is made up"
    life.clock.advance(86400)
    await life.run(900)
    today = life.samples(lambda s: s.quantity == "energy_today" and s.quality == "partial")
    assert {sample.day for sample in today} == {date(2024, 6, 12)}


async def test_at_night_only_what_has_a_battery_is_asked(life: Life) -> None:
    await life.run(780)
    life.clock.advance(3600 * 12)
    await life.run(400)
    life.cloud.asked.clear()
    await life.run(3600 * 3)  # from 23:18 in Vienna
    assert life.paths().count("device/mix/mix_last_data") in range(5, 8)
    assert not {"plant/data", "device/tlx/tlx_last_data", "plant/power"} & set(life.paths())


async def test_without_a_time_zone_in_the_configuration_that_of_the_plant_counts(life: Life) -> None:
    life.timezone, life.cloud.plant.timezone = None, "GMT+2"  # as it is in Vienna in summer
    await life.start()
    await life.run(400)
    assert life.zones == {"Etc/GMT-2"}
    assert life.latest()["site/power"].end == datetime.fromtimestamp(life.cloud.plant.now, UTC)


async def test_without_any_time_zone_no_time_is_guessed(life: Life) -> None:
    life.timezone, life.cloud.plant.timezone = None, None
    await life.start()
    await life.run(7200)
    assert life.samples(lambda s: s.quantity != "size") == []
    assert set(life.paths()) == {"plant/list", "plant/details", "device/list"}


async def test_only_the_sites_that_are_wanted(life: Life) -> None:
    life.sites = ("99",)
    await life.start()
    await life.run(7200)
    assert set(life.paths()) == {"plant/list"}


async def test_a_memory_that_is_not_understood_is_none(life: Life) -> None:
    for memory in (None, b"", b"[", b'{"sites": 7}', b"[" * 100_000):
        life.growatt.recall(memory)
        assert [job.key for job in life.growatt.jobs()] == FIRST


async def test_a_device_that_is_gone_costs_only_itself(life: Life) -> None:
    await life.run(400)
    life.cloud.errors["device/tlx/tlx_last_data"] = 10002
    before = life.paths().count("device/mix/mix_last_data")
    await life.run(3600)
    assert {type(error) for error in life.errors} == {NotAllowed}
    assert life.paths().count("device/mix/mix_last_data") - before >= 10


async def test_the_past(life: Life) -> None:
    life.growatt.recall(None)
    keys = []
    async for key, reports in life.growatt.backfill(None, date(2024, 6, 1), date(2024, 6, 9)):
        keys.append(key)
        life.take(reports)
    assert {asked.code for asked in life.cloud.asked} == {0}
    assert len(keys) == len(set(keys)) == 2 * (1 + 2) + 9
    house = life.cloud.plant.house
    days = {s.day: s.value for s in life.samples(lambda s: s.part == "site" and s.kind == "daily")}
    assert days == {day: pytest.approx(1000 * kwh(house.day(day, 2**40)[0])) for day in days}
    assert sorted(map(str, days)) == [f"2024-06-0{day}" for day in range(1, 10)]
    intervals = life.samples(lambda s: s.part == "site" and s.kind == "interval")
    assert len(closed(intervals)) == len(intervals) == 9 * 288
    of_inverter = closed(life.samples(lambda s: s.part == MIN_PART and s.quantity == "power"))
    assert len(of_inverter) == 9 * 288
    assert {start: s.value for start, s in of_inverter.items()} == {
        start: round(0.6 * house.watts(int(start.timestamp()) + 300), 1) for start in of_inverter
    }
    charged = {s.day: s.value for s in life.samples(lambda s: s.quantity == "energy_charged_today")}
    # The last value of a day is of 23:55.
    assert charged == {day: pytest.approx(1000 * kwh(house.day(day, 2**40)[1]), abs=100) for day in days}
    assert life.samples(lambda s: s.kind == "instant" and s.quantity not in {"size", "last_report"}) == []


async def test_the_past_waits_when_it_has_to(life: Life) -> None:
    chunks = life.growatt.backfill(SITE, date(2024, 6, 1), date(2024, 6, 1))
    await anext(chunks)
    life.cloud.errors["plant/power"] = TOO_OFTEN
    asked = len(life.cloud.asked)

    async def relent() -> None:
        while len(life.cloud.asked) < asked + 3:
            await life.clock.sleep(0)
        life.cloud.errors.clear()

    relenting = asyncio.create_task(relent())
    key, reports = await anext(chunks)
    await relenting
    assert key.endswith("plant/power 2024-06-01")
    assert len(reports[0].samples) == 288
    assert [asked.code for asked in life.cloud.asked[asked:]] == [TOO_OFTEN] * 3 + [0]
    await chunks.aclose()  # type: ignore[attr-defined]


async def test_the_past_ends_yesterday_and_only_that_site_is_asked(life: Life) -> None:
    async for _, reports in life.growatt.backfill(SITE, date(2024, 6, 11), date(2024, 6, 30)):
        life.take(reports)
    dates = {asked.parameters["date"] for asked in life.cloud.asked if asked.path == "plant/power"}
    assert dates == {"2024-06-11"}
    assert {asked.code for asked in life.cloud.asked} == {0}
    assert [chunk async for chunk in life.growatt.backfill("99", date(2024, 6, 1), date(2024, 6, 2))] == []


async def test_the_past_without_a_time_zone_is_not_taken_for_empty(life: Life) -> None:
    life.timezone, life.cloud.plant.timezone = None, "?"
    await life.start()

    with pytest.raises(NotAllowed, match="set timezone"):
        await anext(life.growatt.backfill(None, date(2024, 6, 1), date(2024, 6, 2)))


async def test_a_day_of_which_pages_lack_is_asked_for_again_but_not_for_ever(life: Life) -> None:
    past = "device/tlx/tlx_data"
    life.cloud.fault(past, Answer(b'{"error_code": 0, "data": {"count": 288, "datas": []}}'))
    await life.run(60)

    def job() -> Job | None:
        life.clock.advance(400)
        return next((job for job in life.growatt.jobs() if job.key.startswith(f"{past}?")), None)

    async def run_out() -> int:
        """How often it is asked for."""
        return len([await each.run() for each in iter(job, None)])

    assert life.paths().count(past) == 0
    assert await run_out() == 5  # and once before
    life.clock.advance(24 * 3600)
    (await job().run())  # type: ignore[union-attr]
    life.cloud.fault(past, None)
    assert await run_out() == 1
