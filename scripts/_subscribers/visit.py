"""One Home Assistant, one house, and what was seen so far."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from scripts._bench.table import Figure
from scripts._subscribers.announced import UNAVAILABLE, Component, Topics, components, retained
from scripts._subscribers.homeassistant import HomeAssistant
from scripts._subscribers.house import House
from scripts._subscribers.judge import Seen, complaints

WITHIN: Final = 60.0
"""Seconds until all is as it should be after anything that happens."""

REST: Final = 10.0
"""Seconds without another announcement after which there will be none: devices are asked for one by one."""

LOOK_EVERY: Final = 0.5
SHOWN: Final = 12
"""Complaints of one step that are printed at once."""

Faults = Callable[[], Awaitable[list[str]]]


@dataclass(slots=True)
class Visit:
    """A test that goes on. `complaints` is what was not as it should be; `figures` what was measured."""

    home: HomeAssistant
    house: House
    complaints: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    begin: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"{self.home.release.version} {time.monotonic() - self.begin:5.0f} s  {text}", flush=True)

    def complain(self, step: str, found: Sequence[str]) -> None:
        """Note them, and show some."""
        self.complaints += [f"{self.home.release.version}, {step}: {text}" for text in found]
        for text in found[:SHOWN]:
            self.say(f"  ! {text}")
        if len(found) > SHOWN:
            self.say(f"  ! and {len(found) - SHOWN} more")

    def measured(self, what: str, seconds: float, limit: float | None = None, control: str = "") -> None:
        """Note a figure."""
        self.figures.append(Figure(f"{self.home.release.version}: {what}", seconds, " s", limit, control))
        self.say(f"{what}: {seconds:.2f} s {control}")

    async def see(self) -> Seen:
        """All that Home Assistant has now."""
        client = self.home.client
        return Seen(await client.entities(), await client.devices(), await client.states())

    async def topics(self) -> Topics:
        """All that stands on the broker."""
        return await retained(self.house.broker.port)

    async def announced(self) -> list[Component]:
        """All that is announced."""
        return list(components(await self.topics()))

    async def until(self, faults: Faults, within: float, *, every: float = LOOK_EVERY) -> list[str]:
        """Ask until there is nothing to complain of any more, or until the time is over: then what is left."""
        deadline = time.monotonic() + within
        while found := await faults():
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(every)
        return found

    async def settled(self, step: str, begin: float, within: float = WITHIN, *, least: int = 1) -> None:
        """Wait until all that is announced (so many at least) is there and right; measure it from `begin` on."""

        async def faults() -> list[str]:
            topics = await self.topics()
            announced = list(components(topics))
            if len(announced) < least:
                return [f"{len(announced)} of {least} announced"]
            asleep = [each.unique_id for each in announced if each.expected(topics) == UNAVAILABLE]
            return [f"{key} is not available" for key in asleep] or complaints(announced, topics, await self.see())

        self.complain(step, await self.until(faults, within))
        self.measured(f"{step}, until all is right", time.monotonic() - begin)

    async def at_rest(self) -> float:
        """Wait until announcements no longer change. Returns since when, monotonic."""
        known, since, deadline = -1, time.monotonic(), time.monotonic() + WITHIN
        while time.monotonic() < min(since + REST, deadline):
            count = len(await self.announced())
            if count != known or not count:
                known, since = count, time.monotonic()
            await asyncio.sleep(LOOK_EVERY)
        return since
