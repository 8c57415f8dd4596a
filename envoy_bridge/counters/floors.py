"""Where subscribers stand: the counters that an earlier run left retained on the broker."""

from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from typing import Final

from envoy_bridge.clock import Clock
from envoy_bridge.counters.hints import counter_names
from envoy_bridge.sinks.mqtt import MqttConnection

WAIT: Final = 5.0
"""Seconds to wait for the broker. Without it nobody is told anything, and what was told before is not known."""

LISTEN: Final = 0.3
"""Seconds to listen to what is retained: it comes at once."""

_LARGEST: Final = 5_000


async def no_floors(_serial: str) -> Mapping[str, float]:
    """Nobody was told anything."""
    return {}


class Floors:
    """Asks the broker."""

    def __init__(self, mqtt: MqttConnection, base: str, clock: Clock) -> None:
        self._mqtt = mqtt
        self._base = base
        self._clock = clock

    async def __call__(self, serial: str) -> Mapping[str, float]:
        """The retained counters of a gateway, by path below it."""
        root, found = f"{self._base}/{serial.lower()}/", dict[str, float]()
        until = self._clock.monotonic() + WAIT
        while not self._mqtt.connected and self._clock.monotonic() < until:
            await self._clock.sleep(0.05)
        if not self._mqtt.connected:
            return found

        def keep(topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - the broker's word for it
            if retained and len(found) < _LARGEST:
                with suppress(ValueError):
                    if isfinite(stood := float(payload)):
                        found[topic.removeprefix(root)] = stood

        # One by one: of all that is retained of a large gateway a broker keeps only a part for one subscription.
        topics = [f"{root}+/+/{name}" for name in counter_names()]
        for topic in topics:
            self._mqtt.subscribe(topic, keep)
        await self._clock.sleep(LISTEN)
        for topic in topics:
            self._mqtt.unsubscribe(topic)
        return found
