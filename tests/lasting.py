"""A gateway whose readings are numbers, on a real broker, with the history between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from broker import Broker, Subscriber, bridge
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.config import Duration
from envoy_bridge.history.keep import FILE, History
from envoy_bridge.settings import History as Settings
from envoy_bridge.sinks.base import Event
from envoy_bridge.sinks.mqtt import KEEPALIVE, Message, MqttConnection

STATE, HISTORY = "envoy/1/state", "envoy/1/history"
SPEED = 60.0


@dataclass
class House:
    """A gateway that publishes a number as its state."""

    folder: Path
    connection: MqttConnection
    history: History
    clock: Clock
    numbers: "count[int]"
    events: list[Event] = field(default_factory=list)
    said: list[int] = field(default_factory=list)

    def say(self) -> int:
        """Publish the next number."""
        number = next(self.numbers)
        self.said.append(number)
        self.history.put(Message(STATE, b"%d" % number + b" " * 5000))
        return number

    async def live(self, seconds: float) -> None:
        """Publish each second for so long."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.say()
            await self.clock.sleep(1)

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob(f"{FILE}*"))

    def codes(self) -> list[str]:
        return [event.code for event in self.events]

    async def connected(self) -> None:
        await until(lambda: self.connection.connected)

    async def gone(self) -> None:
        await until(lambda: not self.connection.connected)

    async def emptied(self, within: float = 8.0) -> None:
        """Wait until nothing is kept any more."""
        await until(lambda: self.history.health["stored"] == 0 and not self.files, within)


@asynccontextmanager
async def house(
    folder: Path,
    broker: Broker,
    *,
    every: float = 1.0,
    speed: float = SPEED,
    numbers: "count[int] | None" = None,
    keepalive: int = KEEPALIVE,
) -> AsyncIterator[House]:
    clock = Clock.fast(speed)
    async with bridge(broker.port, clock=clock, keepalive=keepalive) as connection:
        history = History(connection, "envoy", Settings(every=Duration(every)), folder, clock)
        place = House(folder, connection, history, clock, numbers or count())
        history.start(place.events.append)
        try:
            yield place
        finally:
            await connection.stop([])
            await history.stop()


def arrived(subscriber: Subscriber, topic: str = HISTORY) -> list[int]:
    return [int(payload) for payload in subscriber.payloads(topic)]


def complete(subscriber: Subscriber, said: list[int]) -> bool:
    """Whether all arrived in order: the last one as the state with which the connection begins, or besides."""
    kept = list(dict.fromkeys(arrived(subscriber)))
    return kept in (said, said[:-1]) and arrived(subscriber, STATE)[-1] == said[-1]
