"""The task of a cloud: what is due when, over failures, quotas, nights and restarts."""

import asyncio
import json
import logging
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from clouds.cloud_recorder import Recorder
from handclock import HandClock
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudRefused,
    CloudThrottled,
    NotAllowed,
    ReauthRequired,
    UnusableAnswer,
)
from envoy_bridge.clouds.provider import Job
from envoy_bridge.clouds.publish import Publisher
from envoy_bridge.clouds.quota import Limits, Quota
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.schedule import until_daylight
from envoy_bridge.clouds.task import CloudTask
from envoy_bridge.settings import CloudSection

HOUR, DAY = 3600.0, 86_400.0
STATUS = "cloud/tigo/status"


class Cloud:
    """What the provider asks, and what goes wrong with it; the same over restarts of the program."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[tuple[str, float]] = []
        self.faults: dict[str, CloudError] = {}
        self.hang = asyncio.Event()
        self.hang.set()
        self.inside = self.most = 0

    def times(self, key: str) -> list[float]:
        return [at for asked, at in self.asked if asked == key]


class Provider:
    """Asks `cloud` for each of its jobs, and counts that with the quota as every client does."""

    name = "tigo"

    def __init__(self, cloud: Cloud, quota: Quota, limits: Limits | None, *jobs: Job) -> None:
        self.cloud = cloud
        self.ledger = quota
        self.quota = limits
        self.memory: bytes = b""
        self.recalled: bytes | None = b"never"
        self._jobs = [
            Job(
                key=job.key,
                every=job.every,
                run=self._runs(job.key, essential=job.essential),
                essential=job.essential,
                daylight=job.daylight,
            )
            for job in jobs
        ]

    def jobs(self) -> Sequence[Job]:
        return self._jobs

    def _runs(self, key: str, *, essential: bool) -> Callable[[], Awaitable[Sequence[SiteReport]]]:
        async def run() -> Sequence[SiteReport]:
            async with self.ledger.turn(key, essential=essential):
                cloud = self.cloud
                cloud.asked.append((key, cloud.clock.wall()))
                cloud.inside += 1
                cloud.most = max(cloud.most, cloud.inside)
                try:
                    await cloud.hang.wait()
                finally:
                    cloud.inside -= 1
            if key in cloud.faults:
                raise cloud.faults[key]
            now = datetime.fromtimestamp(cloud.clock.wall(), UTC)
            power = Sample(part="site", quantity="power", value=1000.0, end=now)
            return [SiteReport(site="15", zone="Europe/Vienna", samples=(power,))]

        return run

    async def backfill(
        self, site: str | None, start: date, end: date, done: Container[str] = ()
    ) -> AsyncIterator[tuple[str, Sequence[SiteReport]]]:
        raise NotImplementedError
        yield site, [start, end, done]  # what makes it an iterator

    def recall(self, memory: bytes | None) -> None:
        self.recalled = memory

    def remember(self) -> bytes:
        return self.memory


async def nothing() -> Sequence[SiteReport]:
    return []


def job(key: str, every: float, *, essential: bool = False, daylight: bool = False) -> Job:
    return Job(key=key, every=every, run=nothing, essential=essential, daylight=daylight)


class House:
    """A machine: the program can be started on it again and again."""

    def __init__(self, directory: Path, clock: HandClock, *jobs: Job) -> None:
        self.directory = directory / "clouds"
        self.clock = clock
        self.jobs = jobs
        self.limits: Limits | None = None
        self.every: float | None = None
        self.cloud = Cloud(clock)
        self.sink = Recorder()
        self.provider: Provider
        self.task: CloudTask
        self.publisher: Publisher

    async def start(self) -> None:
        """As `run` begins."""
        quota = Quota(self.directory / "tigo.json", "me", None, self.clock)
        self.provider = Provider(self.cloud, quota, self.limits, *self.jobs)
        self.publisher = Publisher("tigo", self.sink, self.directory, self.clock)
        self.task = CloudTask(
            self.provider,
            quota,
            self.publisher,
            settings=CloudSection(every=self.every),  # type: ignore[arg-type]  # seconds, as a Duration is
            directory=self.directory,
            clock=self.clock,
        )
        await self.task.begin()

    def crash(self) -> None:
        """Nothing can be written any more; only the lock on a file goes."""
        self.publisher.sent.close()

    async def live(self, seconds: float, *, restarts: bool = False, leap: bool = False) -> None:
        """Let time pass. With `restarts`, the program is killed and started again after each job.

        With `leap`, it is not looked at between two jobs.
        """
        end = self.clock.monotonic() + seconds
        while True:
            wait = await self.task.step()
            if wait and leap and self.task.status.next_try is not None:
                wait = max(wait, self.task.status.next_try - self.clock.wall())
            if self.clock.monotonic() + wait > end:
                break
            self.clock.advance(wait)
            if restarts and not wait:
                self.crash()
                await self.start()
        self.clock.advance(max(0.0, end - self.clock.monotonic()))
        await self.task.step()

    def state(self) -> object:
        """What the status says."""
        return self.sink.retained[STATUS]["state"]


@pytest.fixture
def clock() -> HandClock:
    clock = HandClock(speed=1e6)
    clock.set_wall(datetime(2026, 8, 1, 8, tzinfo=UTC).timestamp())
    return clock


def gaps(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


async def house(tmp_path: Path, clock: HandClock, *jobs: Job) -> House:
    made = House(tmp_path, clock, *jobs)
    await made.start()
    return made


async def test_jobs_run_at_their_cadence_one_after_the_other(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300), job("list", DAY))
    await home.live(HOUR)
    assert [key for key, _ in home.cloud.asked[:2]] == ["power", "list"]
    assert all(300 <= gap <= 330 for gap in gaps(home.cloud.times("power")))
    assert len(home.cloud.times("power")) >= 11
    assert len(home.cloud.times("list")) == 1
    assert home.cloud.most == 1
    assert home.state() == "ok"
    assert home.sink.online["cloud/tigo"] == [True]
    home.crash()


async def test_every_slows_down_and_never_hurries(tmp_path: Path, clock: HandClock) -> None:
    home = House(tmp_path, clock, job("power", 300), job("list", DAY))
    home.every = 900
    await home.start()
    await home.live(2 * DAY - 600, leap=True)
    assert min(gaps(home.cloud.times("power"))) >= 900
    assert min(gaps(home.cloud.times("list"))) >= DAY
    home.crash()


async def test_a_crash_loop_asks_no_more_than_a_program_that_runs(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300), job("list", DAY))
    for _ in range(120):  # killed every minute for two hours
        await home.live(60)
        home.crash()
        await home.start()
    assert len(home.cloud.times("list")) == 1
    assert 20 <= len(home.cloud.times("power")) <= 24
    home.crash()


async def test_a_job_that_kills_the_program_is_not_run_again_at_once(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 3600))
    home.cloud.hang.clear()
    for _ in range(30):
        running = asyncio.create_task(home.task.step())
        await until(lambda: home.cloud.inside or running.done())  # noqa: B023 - it ends within the round
        running.cancel()  # in the middle of the request
        with suppress(asyncio.CancelledError):
            await running
        home.crash()
        clock.advance(60)
        await home.start()
    assert len(home.cloud.asked) == 1
    home.crash()


async def test_a_rare_job_that_was_killed_comes_again_sooner_and_not_again_and_again(
    tmp_path: Path, clock: HandClock
) -> None:
    """What sites there are is asked once a week: one power cut must not hide them for so long."""
    home = await house(tmp_path, clock, job("list", 7 * DAY))
    home.cloud.hang.clear()
    for _ in range(4 * 14):
        running = asyncio.create_task(home.task.step())
        await until(lambda: home.cloud.inside or running.done())  # noqa: B023 - it ends within the round
        running.cancel()  # in the middle of the request
        with suppress(asyncio.CancelledError):
            await running
        home.crash()
        clock.advance(6 * HOUR)
        await home.start()
    assert [round(gap / HOUR) for gap in gaps(home.cloud.times("list"))] == [6, 6, 6, 12, 18, 36, 66, 132]
    home.cloud.hang.set()
    asked = len(home.cloud.asked)
    await home.live(21 * DAY, leap=True)
    assert min(gaps(home.cloud.times("list")[asked:])) >= 7 * DAY
    home.crash()
    await home.start()
    asked = len(home.cloud.asked)
    await home.live(DAY)
    assert len(home.cloud.asked) == asked  # what went well is not asked again
    home.crash()


async def test_a_month_with_a_restart_after_each_call_keeps_the_quota_to_the_call(
    tmp_path: Path, clock: HandClock
) -> None:
    clock.set_wall(datetime(2026, 8, 1, tzinfo=UTC).timestamp())
    home = House(tmp_path, clock, job("power", 4000), job("days", DAY, essential=True))
    home.limits = Limits(month=300)
    await home.start()
    await home.live(31 * DAY - 60, restarts=True, leap=True)
    assert 20 <= len(home.cloud.times("days")) <= 24  # every second day in the end
    asked = home.cloud.times("power")
    first = [gap for gap, at in zip(gaps(asked), range(2, len(asked) + 2), strict=False) if at < 210]
    assert max(first) <= 4100
    assert all(gap >= 8000 for gap in gaps(asked)[-20:])  # beyond 80 % half as often
    assert home.cloud.asked.index(("power", asked[-1])) < 285 < len(home.cloud.asked)  # beyond 95 % only the days
    assert gaps(home.cloud.times("days"))[-1] < 2.2 * DAY
    assert home.sink.retained[STATUS]["quota_limit"] == 300
    assert home.sink.retained[STATUS]["quota_used"] == len(home.cloud.asked)
    before = len(home.cloud.asked)
    await home.live(3 * HOUR)
    assert len(home.cloud.asked) > before
    home.crash()


async def test_when_all_is_spent_nothing_is_asked_until_the_month_ends(tmp_path: Path, clock: HandClock) -> None:
    home = House(tmp_path, clock, job("power", 600, essential=True))
    home.limits = Limits(month=20)
    await home.start()
    await home.live(10 * DAY, restarts=True, leap=True)
    assert len(home.cloud.asked) == 20
    assert home.state() == "throttled"
    assert home.sink.retained[STATUS]["next_try"].startswith("2026-09-01T00:00")
    assert home.sink.online["cloud/tigo"][-1] is False
    await home.live(20 * DAY + 17 * HOUR, leap=True)
    assert len(home.cloud.asked) > 20
    assert home.state() == "ok"
    home.crash()


async def test_who_buys_a_larger_quota_has_it_at_once(tmp_path: Path, clock: HandClock) -> None:
    home = House(tmp_path, clock, job("power", 600))
    home.limits = Limits(month=20)
    await home.start()
    await home.live(2 * DAY, leap=True)
    assert len(home.cloud.asked) == 19
    home.crash()
    home.limits = Limits(month=10_000)
    await home.start()
    await home.live(HOUR)
    assert len(home.cloud.asked) > 22
    home.crash()


async def test_after_failures_it_waits_longer_each_time_and_begins_anew_after_a_success(
    tmp_path: Path, clock: HandClock
) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    home.cloud.faults["power"] = CloudDown("no answer")
    await home.live(DAY)
    waits = gaps(home.cloud.times("power"))
    assert waits[0] <= 130
    assert max(waits) > 1200
    assert max(waits) <= 3700
    assert 20 < len(waits) < 100
    assert len({round(wait) for wait in waits}) > len(waits) * 0.8  # jittered
    assert home.state() == "down"
    del home.cloud.faults["power"]
    await home.live(2 * HOUR)
    assert home.state() == "ok"
    assert [event.code for event in home.sink.events] == ["cloud_down", "cloud_ok"]
    assert home.sink.events[0].message == "no answer"
    assert home.sink.events[0].source == "cloud/tigo"
    home.cloud.faults["power"] = CloudDown("no answer")
    again = len(home.cloud.asked)
    await home.live(HOUR)
    assert gaps(home.cloud.times("power")[again:])[0] <= 130
    home.crash()


async def test_backoff_survives_restarts(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    home.cloud.faults["power"] = CloudDown("no answer")
    await home.live(DAY, restarts=True, leap=True)
    assert max(gaps(home.cloud.times("power"))) > 1200
    assert len(home.cloud.asked) < 100
    home.crash()


async def test_the_vendor_says_how_long(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300), job("list", 300))
    home.cloud.faults["power"] = CloudThrottled("too often", retry_in=1000.0)
    await home.live(990)
    assert [key for key, _ in home.cloud.asked] == ["power"]  # all of the cloud waits
    assert home.state() == "throttled"
    assert home.sink.online.get("cloud/tigo") == [False]  # nothing has ever come
    await home.live(100)
    assert [key for key, _ in home.cloud.asked][1] == "list"  # who has waited longer comes first
    home.crash()


async def test_one_throttled_endpoint_waits_alone(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300), job("list", 300))
    home.cloud.faults["power"] = CloudThrottled("5 minutes/time", retry_in=330.0, alone=True)
    await home.live(HOUR)
    assert len(home.cloud.times("list")) >= 11
    assert min(gaps(home.cloud.times("power"))) >= 330
    assert home.state() == "throttled"
    assert home.sink.online["cloud/tigo"][-1] is True
    home.crash()


@pytest.mark.parametrize("error", [UnusableAnswer("HTML"), NotAllowed("no permission")])
async def test_one_failing_endpoint_costs_only_itself(tmp_path: Path, clock: HandClock, error: CloudError) -> None:
    home = await house(tmp_path, clock, job("broken", 300), job("power", 300))
    home.cloud.faults["broken"] = error
    await home.live(6 * HOUR)
    assert len(home.cloud.times("power")) >= 66
    assert len(home.cloud.times("broken")) < 40
    assert home.state() == "ok"
    home.crash()


@pytest.mark.parametrize("retry_in", [None, 30.0])
async def test_one_endpoint_that_is_down_for_days_is_asked_seldom(
    tmp_path: Path, clock: HandClock, retry_in: float | None
) -> None:
    """The whole cloud waits for a moment, as it may be the cloud; then it is seen that it is only this."""
    home = await house(tmp_path, clock, job("broken", 300), job("power", 300))
    home.cloud.faults["broken"] = CloudDown("status 500", retry_in=retry_in)
    await home.live(6 * HOUR)
    assert len(home.cloud.times("broken")) < 40
    assert len(home.cloud.times("power")) >= 70
    assert [event.code for event in home.sink.events] == ["cloud_down", "cloud_ok"]
    assert home.sink.online["cloud/tigo"] == [False, True]
    home.cloud.faults["power"] = CloudDown("status 502")
    await home.live(HOUR)
    assert home.state() == "down"
    home.crash()


async def test_what_went_well_hours_ago_does_not_hide_that_all_fails_now(tmp_path: Path, clock: HandClock) -> None:
    often = ("power", "alerts", "energy")
    home = await house(tmp_path, clock, job("sites", DAY), job("never", 900), *(job(key, 900) for key in often))
    home.cloud.faults["never"] = NotAllowed("no permission")
    await home.live(HOUR)
    assert home.state() == "ok"
    home.cloud.faults |= dict.fromkeys(often, NotAllowed("no permission"))
    await home.live(HOUR / 2)
    assert home.state() == "ok"
    await home.live(HOUR)
    assert (home.state(), home.sink.online["cloud/tigo"]) == ("auth", [True, False])
    home.crash()
    await home.start()
    await home.live(HOUR)
    assert home.state() == "auth"
    home.cloud.faults.clear()
    await home.live(DAY + HOUR)
    assert home.state() == "ok"
    home.crash()


async def test_a_rare_job_that_fails_does_not_eat_the_quota(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 3600), job("days", DAY))
    home.cloud.faults["days"] = UnusableAnswer("HTML")
    await home.live(10 * DAY, leap=True)
    assert 10 <= len(home.cloud.times("days")) < 60
    home.crash()


async def test_a_refused_password_rests_for_a_day(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300), job("list", 300))
    home.cloud.faults["power"] = CloudRefused("check password in [cloud.tigo]")
    await home.live(DAY - 60)
    assert len(home.cloud.asked) == 1
    assert home.state() == "auth"
    assert home.sink.events[-1].level == "error"
    await home.live(600)
    assert len(home.cloud.asked) > 1
    home.crash()


async def test_a_restart_tries_a_refused_password_again_and_a_crash_loop_does_not(
    tmp_path: Path, clock: HandClock
) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    home.cloud.faults["power"] = CloudRefused("check password in [cloud.tigo]")
    for _ in range(60):  # killed every minute for an hour
        await home.live(60)
        home.crash()
        await home.start()
    assert len(home.cloud.asked) <= 5
    home.cloud.faults.clear()
    await home.live(1000)
    assert home.state() == "ok"
    home.crash()


async def test_who_has_to_log_in_again_is_asked_to(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    home.cloud.faults["power"] = ReauthRequired("type: envoy-bridge cloud enlighten authorize")
    await home.live(HOUR)
    assert home.state() == "reauth_required"
    assert [event.message for event in home.sink.events] == ["type: envoy-bridge cloud enlighten authorize"]
    home.cloud.faults.clear()
    await home.live(300)
    assert home.state() == "ok"
    home.crash()


async def test_who_is_blocked_asks_seldom(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    home.cloud.faults["power"] = CloudBlocked("a web page")
    await home.live(5 * DAY, leap=True)
    assert len(home.cloud.asked) < 80
    assert min(gaps(home.cloud.times("power"))) >= 450
    assert home.state() == "blocked"
    home.crash()


async def test_at_night_only_what_is_of_use_is_asked_and_the_cloud_stays_online(
    tmp_path: Path, clock: HandClock
) -> None:
    home = await house(tmp_path, clock, job("power", 3600, daylight=True))
    await home.live(2 * DAY)
    hours = {datetime.fromtimestamp(at, UTC).hour for at in home.cloud.times("power")[1:]}
    assert hours <= {3, *range(4, 20)}  # 5 to 22 h of summer in Vienna
    assert len(hours) >= 16
    assert home.sink.online["cloud/tigo"] == [True]
    assert not home.sink.values("cloud/tigo/15") or clock.wall() - home.cloud.asked[-1][1] < 3 * HOUR
    home.crash()


async def test_the_first_time_it_is_asked_at_night_too(tmp_path: Path, clock: HandClock) -> None:
    clock.set_wall(datetime(2026, 8, 1, 22, tzinfo=UTC).timestamp())  # midnight in Vienna
    home = await house(tmp_path, clock, job("list", DAY), job("power", 3600, daylight=True))
    await home.live(4 * HOUR)
    assert [key for key, _ in home.cloud.asked] == ["list", "power"]
    home.crash()
    await home.start()
    await home.live(HOUR / 2)
    assert len(home.cloud.asked) == 2
    home.crash()


@pytest.mark.parametrize(
    ("moment", "zone", "hours"),
    [
        ("2026-08-01T12:00+02:00", "Europe/Vienna", 0),
        ("2026-08-01T04:00+02:00", "Europe/Vienna", 1),
        ("2026-08-01T22:00+02:00", "Europe/Vienna", 7),
        ("2026-10-24T22:00+02:00", "Europe/Vienna", 8),  # the night of 25 hours
        ("2026-03-28T22:00+01:00", "Europe/Vienna", 6),
    ],
)
def test_daylight(moment: str, zone: str, hours: float) -> None:
    time = datetime.fromisoformat(moment).timestamp()
    assert until_daylight(time, [ZoneInfo(zone)]) == hours * HOUR
    assert until_daylight(time, []) == 0
    assert until_daylight(time, [ZoneInfo(zone), ZoneInfo("Australia/Sydney")]) <= hours * HOUR


async def test_availability_goes_when_nothing_comes_any_more(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    await home.live(HOUR)
    home.cloud.faults["power"] = CloudThrottled("too often")
    await home.live(1800)
    assert home.sink.online["cloud/tigo"] == [True]
    await home.live(HOUR)
    assert home.sink.online["cloud/tigo"] == [True, False]
    assert home.sink.values("cloud/tigo/15") == {}
    home.crash()


async def test_status_is_told_from_the_start_with_what_was_known(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    await home.live(200)
    home.crash()
    home.sink = Recorder()
    await home.start()
    await home.live(10)
    body = home.sink.retained[STATUS]
    assert (body["state"], body["quota_limit"]) == ("ok", None)
    assert body["since"] == body["last_success"] == "2026-08-01T08:00:00Z"
    assert body["next_try"].startswith("2026-08-01T08:05")
    assert home.sink.values("cloud/tigo/15") == {"power": 1000.0}
    json.dumps(body)
    home.crash()


async def test_what_was_learnt_is_kept_for_us_alone(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    assert home.provider.recalled is None
    home.provider.memory = b"a token"
    await home.live(10)
    home.crash()
    await home.start()
    assert home.provider.recalled == b"a token"
    assert {stat.S_IMODE(file.stat().st_mode) for file in home.directory.iterdir() if file.is_file()} == {0o600}
    home.crash()


async def test_a_disk_that_takes_nothing_is_complained_of_once(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "clouds").write_text("in the way")
    home = await house(tmp_path, clock, job("power", 900))
    home.provider.memory = b"a token"
    caplog.clear()
    await home.live(3 * HOUR)
    assert len(home.cloud.times("power")) >= 11
    complaints = ("quota_not_recorded", "cloud_schedule_not_kept", "cloud_memory_not_kept", "cloud_sites_not_kept")
    assert [caplog.text.count(complaint) for complaint in complaints] == [1, 1, 1, 1]
    home.crash()


async def test_damaged_files_are_begun_anew(tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    await home.live(10)
    home.crash()
    for name in ("tigo.schedule.json", "tigo.sites.json"):
        (home.directory / name).write_bytes(b"{" * 100_000)
    with caplog.at_level(logging.WARNING):
        await home.start()
    assert "cloud_schedule_unreadable" in caplog.text
    assert "cloud_sites_unreadable" in caplog.text
    await home.live(10)
    assert home.state() == "ok"
    home.crash()


async def test_a_clock_that_was_set_back_makes_nothing_wait_for_ever(tmp_path: Path, clock: HandClock) -> None:
    home = await house(tmp_path, clock, job("power", 300))
    clock.set_wall(datetime(2038, 1, 1, tzinfo=UTC).timestamp())
    await home.live(10)
    home.crash()
    clock.set_wall(datetime(2026, 8, 1, tzinfo=UTC).timestamp())
    await home.start()
    await home.live(700)
    assert len(home.cloud.asked) >= 3
    home.crash()


async def test_it_runs_by_itself_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    clock = Clock.fast(600)
    quota = Quota(tmp_path / "clouds" / "tigo.json", "me", None, clock)
    cloud, sink = Cloud(clock), Recorder()
    provider = Provider(cloud, quota, None, job("power", 300))
    provider.memory = b"learnt"
    publisher = Publisher("tigo", sink, tmp_path / "clouds", clock)
    task = CloudTask(provider, quota, publisher, settings=CloudSection(), directory=tmp_path / "clouds", clock=clock)
    running = asyncio.create_task(task.run())
    await until(lambda: len(cloud.asked) >= 3)
    cloud.hang.clear()
    await until(lambda: cloud.inside)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (tmp_path / "clouds" / "tigo.memory").read_bytes() == b"learnt"
    assert task.status.state == "ok"
