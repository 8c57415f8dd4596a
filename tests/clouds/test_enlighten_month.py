"""A simulated month with Enlighten, in the program's own task: the quota kept to the call, and no interval lost."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from clouds.cloud_recorder import Recorder
from clouds.enlighten_account import Api, settings
from handclock import HandClock, Hands

from envoy_bridge.clouds.enlighten.authorize import authorize
from envoy_bridge.clouds.enlighten.provider import Enlighten, limits
from envoy_bridge.clouds.publish import Publisher
from envoy_bridge.clouds.quota import Quota
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.clouds.task import CloudTask
from envoy_bridge.simulator.clouds.enlighten import KEY, SimulatedEnlighten

JUNE = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
JULY = datetime(2026, 7, 1, tzinfo=UTC).timestamp()
DAY = 86400.0


@dataclass(frozen=True)
class JumpClock(HandClock):
    """Whoever sleeps has slept at once, and time has passed."""

    async def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


@dataclass
class Month:
    """The cloud of one account, and what our program keeps of it over its restarts."""

    api: Api
    cloud: SimulatedEnlighten
    clock: JumpClock
    folder: Path
    sink: Recorder
    first: float

    async def live(self, until: float, quota: int) -> None:
        """One run of the program: from its start until that time."""
        wanted = settings(self.api, month_quota=quota)
        counter = Quota(self.folder / "quota.json", KEY, limits(wanted), self.clock)
        async with Rest(self.cloud.url, provider="enlighten", clock=self.clock, quota=counter) as rest:
            client = Enlighten(wanted, rest, self.clock, directory=self.folder)
            publisher = Publisher("enlighten", self.sink, self.folder, self.clock)
            task = CloudTask(client, counter, publisher, settings=wanted, directory=self.folder, clock=self.clock)
            await task.begin()
            while self.clock.wall() < until:
                wait = await task.step()
                if wait > 0:  # looks in between, each minute, would find nothing to do
                    wait = max(wait, (task.status.next_try or 0.0) - self.clock.wall())
                self.clock.advance(min(wait, until - self.clock.wall()))
            publisher.sent.close()

    async def authorize(self) -> None:
        counter = Quota(self.folder / "quota.json", KEY, limits(settings("v4")), self.clock)
        async with Rest(self.cloud.url, provider="enlighten", clock=self.clock, quota=counter) as rest:
            wanted, code = settings("v4"), self.cloud.allow()
            await authorize(wanted, rest, lambda _: code, clock=self.clock, directory=self.folder)

    def history(self) -> list[dict[str, object]]:
        """All samples that are to go to the history."""
        sent, last, rows = Publisher("enlighten", self.sink, self.folder, self.clock).sent, 0, list[dict[str, object]]()
        while page := sent.after(last, 100):
            rows += [row for waiting in page for row in waiting.body["samples"]]
            last = page[-1].number
        sent.close()
        return rows

    def missing(self, quantity: str, flow: str, length: int, *, dark: bool) -> set[str]:
        """Intervals of the month that are not in the history; each that is there has its own value."""
        house = self.cloud.system.house
        got = [row for row in self.history() if row["quantity"] == quantity and row["granularity"] == length]
        ends = [str(row["end"]) for row in got]
        assert len(ends) == len(set(ends))
        first, last = int(self.first + DAY), int(self.clock.wall() - 2 * DAY)
        true = {end: house.energy(flow, end - length, end) for end in range(first, last, length)}
        values = {datetime.fromisoformat(str(row["end"])).timestamp(): row["value"] for row in got}
        assert all(values[end] == energy for end, energy in true.items() if end in values)
        return {str(end) for end, energy in true.items() if (energy or not dark) and end not in values}


async def a_month(api: Api, folder: Path, quota: int, first: float = JUNE) -> Month:
    """June: started anew each 40 hours without a good-bye, and on the third day again and again, as in a crash loop."""
    clock = JumpClock(hands=Hands(wall=first + 60))
    async with SimulatedEnlighten(clock=clock) as cloud:
        cloud.month = quota
        month = Month(api, cloud, clock, folder, Recorder(), first)
        if api == "v4":
            await month.authorize()
        await month.live(first + 2 * DAY, quota)
        for _ in range(30):
            await month.live(clock.wall() + 30, quota)
        while clock.wall() < JULY - 3600:
            await month.live(min(clock.wall() + 40 * 3600, JULY - 3600), quota)
        return month


async def test_version_4_keeps_within_the_free_plan_and_loses_nothing(tmp_path: Path) -> None:
    month = await a_month("v4", tmp_path, 1000)
    assert month.cloud.refused == 0
    assert 500 < len(month.cloud.counted) < 800
    assert month.missing("energy", "production", 900, dark=False) == set()
    assert month.missing("energy_imported", "import", 900, dark=False) == set()
    assert month.missing("energy_charged", "charge", 900, dark=False) == set()
    days = [row for row in month.history() if row["kind"] == "daily" and row["quantity"] == "energy_today"]
    assert [row["day"] for row in days][-25:] == [str(date(2026, 6, 4) + timedelta(days=n)) for n in range(25)]
    assert not any("revised" in row for row in days)


async def test_a_small_quota_is_kept_to_the_call(tmp_path: Path) -> None:
    month = await a_month("v4", tmp_path, 120)
    assert month.cloud.refused == 0
    assert len(month.cloud.counted) <= 120
    assert month.sink.retained["cloud/enlighten/status"]["quota_used"] == len(month.cloud.counted)


async def test_version_2_keeps_within_its_minute_and_loses_nothing(tmp_path: Path) -> None:
    month = await a_month("v2", tmp_path, 900, JUNE + 18 * DAY)
    assert month.cloud.refused == 0
    assert 200 < len(month.cloud.counted) <= 900
    assert month.missing("energy", "production", 300, dark=True) == set()
    assert month.missing("energy_consumed", "consumption", 900, dark=False) == set()
