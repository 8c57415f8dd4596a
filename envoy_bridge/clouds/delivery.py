"""Brings what a backfill fetched to the broker, over a connection of its own, or leaves it to a daemon that runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, TextIO

from msgspec.structs import replace

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.build import Connected
from envoy_bridge.clouds.courier import Courier
from envoy_bridge.clouds.publish import Publisher
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.sinks.topics import Topics

TICK: Final = 1.0
"""Seconds between two looks at how it goes."""

BROKER_AWAY: Final = 30.0
"""Seconds without the broker after which we end: what was fetched is on disk."""

LEFT_TO_DAEMON: Final = 180.0
"""Seconds for which a daemon is waited for: it looks each minute whether there is something."""

SETTLE: Final = 2.0
"""Real seconds for the broker to acknowledge what it was given, when we end: else it comes a second time."""

LISTEN: Final = 0.5
"""Real seconds for the broker to say whether a daemon runs."""


class Delivery:
    """The way of the history of one cloud to the broker. Two senders of the same would send it twice."""

    def __init__(
        self, mqtt: MqttConnection, publisher: Publisher, courier: "_Courier", out: TextIO, clock: Clock
    ) -> None:
        self.publisher = publisher
        self.trouble = ""
        """What the connection last complained of."""
        self._mqtt = mqtt
        self._courier = courier
        self._out = out
        self._clock = clock
        self._daemon = False
        self._sending: asyncio.Task[None] | None = None

    def heard(self, _topic: str, payload: bytes, _retained: bool) -> None:  # noqa: FBT001 - as the connection calls it
        """The daemon tells whether it is there."""
        self._daemon = payload == b"online"
        if self._daemon and self._sending is not None:
            self._sending.cancel()

    async def start(self) -> None:
        """Send, unless a daemon does."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(LISTEN))
            tasks.create_task(self._mqtt.start())
        if not self._daemon:
            self._sending = asyncio.create_task(self._courier.run())

    async def finish(self) -> bool:
        """Wait until all has arrived. False: the broker does not take it; it is on disk."""
        flush = asyncio.create_task(self._courier.flush())
        away = waited = 0.0
        try:
            while not flush.done():
                await asyncio.wait({flush}, timeout=TICK / self._clock.speed)
                waited += TICK
                away = 0.0 if self._mqtt.connected and not self.trouble else away + TICK
                if away >= BROKER_AWAY:
                    self._out.write(
                        f"{self.trouble or 'the broker does not answer'}\nWhat was fetched is kept, and sent by the "
                        "daemon, or when the same command is typed again.\n"
                    )
                    return False
                if self._daemon and waited >= LEFT_TO_DAEMON:
                    self._out.write("The daemon sends the rest.\n")
                    return False
            await flush
        finally:
            flush.cancel()
        return True

    async def stop(self) -> None:
        """End. What the broker has is noted."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
        await self._courier.settle(SETTLE)
        await self._mqtt.stop([])
        self.publisher.sent.close()


class _Courier(Courier):
    """Can end without that anything is sent a second time."""

    async def settle(self, within: float) -> None:
        """After `run` has ended: wait for what is under way, up to so many real seconds, and note what has arrived."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._under_way:
                    self._news.clear()
                    await self._news.wait()
        if self._arrived:
            await asyncio.to_thread(self._sent.arrived, frozenset(self._arrived))
            self._arrived.clear()


@asynccontextmanager
async def delivery(settings: Mqtt, connected: Connected, out: TextIO, clock: Clock) -> AsyncIterator[Delivery]:
    """A connection of our own to the broker, over which the history goes, and nothing else."""
    base, name = settings.base_topic, connected.name
    own = replace(settings, client_id=f"{settings.client_id}-backfill-{name}")
    sign = Message(f"{base}/bridge/backfill", retain=False)  # of life, which nobody needs to hear

    def happened(code: str, text: str) -> None:
        way.trouble = "" if code == "mqtt_connected" else text

    mqtt = MqttConnection(
        own,
        will=replace(sign, payload=b"offline"),
        hello=replace(sign, payload=b"online"),
        clock=clock,
        on_event=happened,
    )
    sink = Topics(base, {}, clock, deliver=_not_ours, announce=mqtt.send)
    publisher = Publisher(name, sink, connected.directory, clock, sites=connected.settings.sites)
    courier = _Courier(publisher.sent, name, sink.cloud, clock)
    publisher.courier = courier
    way = Delivery(mqtt, publisher, courier, out, clock)
    mqtt.subscribe(f"{base}/bridge/state", way.heard)
    await publisher.start()
    await way.start()
    try:
        yield way
    finally:
        await way.stop()


def _not_ours(_message: Message) -> None:
    """What is retained is the daemon's to tell."""
