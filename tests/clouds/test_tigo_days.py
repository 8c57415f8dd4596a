"""Some days with Tigo in the program's own task, over restarts: nothing of them is lost, and nothing told twice."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from clouds.cloud_recorder import Recorder
from clouds.tigo_account import client
from handclock import HandClock, Hands

from envoy_bridge.clouds.publish import Publisher
from envoy_bridge.clouds.quota import Quota
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.clouds.task import CloudTask
from envoy_bridge.settings import CloudSection
from envoy_bridge.simulator.clouds.tigo import SimulatedTigo
from envoy_bridge.simulator.clouds.tigo_house import TigoSystem
from envoy_bridge.values import Duration

HOUR = 3600.0
FIRST = datetime.fromisoformat("2026-11-01T00:00:00-07:00")
"""When a day begins on which clocks are set back."""


@dataclass(frozen=True)
class JumpClock(HandClock):
    """Whoever sleeps has slept at once, and time has passed."""

    async def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


async def live(cloud: SimulatedTigo, clock: JumpClock, folder: Path, until: float) -> None:
    """One run of the program: from its start until that time."""
    quota = Quota(folder / "quota.json", "tigo", None, clock)
    async with Rest(cloud.url, provider="tigo", clock=clock, quota=quota) as rest:
        publisher = Publisher("tigo", Recorder(), folder, clock)
        slow = CloudSection(every=Duration(HOUR))
        task = CloudTask(client(rest, clock), quota, publisher, settings=slow, directory=folder, clock=clock)
        await task.begin()
        while clock.wall() < until:
            wait = await task.step()
            if wait > 0:  # looks in between, each minute, would find nothing to do
                wait = max(wait, (task.status.next_try or 0.0) - clock.wall())
            clock.advance(min(wait, until - clock.wall()))
        publisher.sent.close()


def history(folder: Path, clock: JumpClock) -> list[dict[str, object]]:
    """All samples that are to go to the history."""
    sent, last, rows = Publisher("tigo", Recorder(), folder, clock).sent, 0, list[dict[str, object]]()
    while page := sent.after(last, 100):
        rows += [row for waiting in page for row in waiting.body["samples"]]
        last = page[-1].number
    sent.close()
    return rows


def starts(rows: Iterable[dict[str, object]], device: str, quantity: str) -> Counter[datetime]:
    return Counter(
        datetime.fromisoformat(str(row["start"]))
        for row in rows
        if (row["device"], row["quantity"]) == (device, quantity)
    )


async def test_days_with_restarts_and_an_hour_that_comes_twice(tmp_path: Path) -> None:
    clock = JumpClock(1.0, hands=Hands(FIRST.timestamp()))
    async with SimulatedTigo(clock=clock) as cloud:
        cloud.systems[1] = TigoSystem(1, "America/Los_Angeles", cloud.now(), strings={"A": 1})
        cloud.lag, cloud.limit, cloud.life = 600.0, 7, 6 * HOUR
        for hours in (9, 16, 23, 30, 37):  # noon of the second day
            await live(cloud, clock, tmp_path, FIRST.timestamp() + hours * HOUR)

        rows = history(tmp_path, clock)
        for device in ("site", "panel-3"):
            assert starts(rows, device, "energy_today_dc") == Counter([FIRST])
            hours_of = starts(rows, device, "energy_dc")
            assert hours_of == Counter(FIRST + timedelta(hours=count) for count in range(35))
        minutes = starts(rows, "panel-3", "power_dc")
        assert minutes == Counter(FIRST + timedelta(minutes=count) for count in range(len(minutes)))
        assert len(minutes) > 35 * 60
        assert {each.status for each in cloud.requests} == {200}
        assert cloud.in_flight_max == 1
        assert len(cloud.logins) < 10
