"""What an earlier run left on the broker and this one does not know: cleared, since nobody confirms it any more."""

from dataclasses import dataclass, field
from typing import Final

from envoy_bridge.clock import Clock
from envoy_bridge.logs import get_logger
from envoy_bridge.sinks.mqtt import Message, MqttConnection

log = get_logger(__name__)

LISTEN: Final = 2.0
"""Seconds to listen to what is retained: it comes at once. Longer, and all that we publish would come back to us."""

SETTLED: Final = 120.0
"""Seconds after which a value that is there has been put: each endpoint was asked, and asked again if it was busy."""

_LARGEST: Final = 20_000


@dataclass(slots=True)
class Leftovers:
    """Looks after the values below the topics of gateways."""

    mqtt: MqttConnection
    clock: Clock
    listen: float = LISTEN
    settled: float = SETTLED
    _found: set[str] = field(default_factory=set)

    async def clear(self, root: str) -> None:
        """Find what is retained below `root`; later, clear what of it was not put since."""
        while not self.mqtt.connected:
            await self.clock.sleep(self.listen)
        values = (f"{root}/+/+/+", f"{root}/+/+")
        for topic in values:
            self.mqtt.subscribe(topic, self._keep)
        await self.clock.sleep(self.listen)
        for topic in values:
            self.mqtt.unsubscribe(topic)
        await self.clock.sleep(self.settled - self.listen)
        stale = [topic for topic in self._found if topic.startswith(f"{root}/") and not self.mqtt.holds(topic)]
        for topic in sorted(stale):
            self.mqtt.put(Message(topic))
        if stale:
            log.info("leftovers_cleared", topics=len(stale), below=root)

    async def sweep(self, root: str) -> None:
        """Clear all that is retained below `root`: nobody publishes there any more."""
        while not self.mqtt.connected:
            await self.clock.sleep(self.listen)
        self.mqtt.subscribe(f"{root}/#", self._drop)
        await self.clock.sleep(self.listen)
        self.mqtt.unsubscribe(f"{root}/#")

    def _drop(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - as above
        if retained and payload:
            self.mqtt.put(Message(topic))

    def _keep(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - the broker's word for it
        if retained and payload and len(self._found) < _LARGEST:
            self._found.add(topic)
