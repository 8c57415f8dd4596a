"""Which readings the broker has, and which of them are lost unless somebody keeps them. Pure."""

from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from envoy_bridge.sinks.outbox import Message, fault

PATIENCE = 10.0
"""Seconds until a reading that the broker did not acknowledge is lost: it hangs, or a newer one took its place."""

IN_MEMORY = 100
"""Lost readings that wait for a disk that takes them; then the oldest go."""

_EARLY = 0.2
"""Part of the interval by which a reading may come too early and still be the one: cadences jitter."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A snapshot as JSON, and the topic of its history. `number`: its place in the store, None while in memory."""

    topic: str
    body: bytes
    number: int | None = None


class Readings:
    """Follows one reading of each gateway in `every` seconds, from its publication to the acknowledgement."""

    def __init__(self, base: str, every: float) -> None:
        self._prefix = f"{base}/"
        self._every = every
        self._due: dict[str, float] = {}
        self._newest: dict[str, Reading] = {}
        self._unacknowledged: dict[Reading, float] = {}
        self.lost: dict[Reading, None] = {}
        """Those that the broker does not have, oldest first."""
        self.dropped = 0
        """Lost readings that had to go because too many waited."""

    def follow(self, message: Message, now: float) -> Message:
        """The same message. If it is the `state` of a gateway and one is due, we are told when the broker has it.

        Those that come before the next is due stand for it, should it be overtaken. `now`: monotonic seconds.
        """
        root = message.topic.removesuffix("/state")
        name = root.removeprefix(self._prefix)
        if "/" in name or name == "bridge" or fault(message):
            return message
        due = self._due.get(name, now)
        if now >= due - _EARLY * self._every:
            self._due[name] = max(due, now) + self._every
            reading = self._newest[name] = Reading(f"{root}/history", message.payload)
            self._unacknowledged[reading] = now
        elif (reading := self._newest[name]) not in self._unacknowledged:
            return message
        return replace(message, told=partial(self._told, reading))

    def give_up(self, now: float, patience: float = PATIENCE) -> None:
        """Count as lost what has not been acknowledged for so many seconds."""
        while self._unacknowledged:
            reading, since = next(iter(self._unacknowledged.items()))
            if now - since < patience:
                return
            del self._unacknowledged[reading]
            self.lost[reading] = None
            if len(self.lost) > IN_MEMORY:
                self.settled(next(iter(self.lost)))
                self.dropped += 1

    def settled(self, reading: Reading) -> None:
        """Somebody else has it now."""
        self.lost.pop(reading, None)

    def _told(self, reading: Reading, *, taken: bool) -> None:
        if taken:
            self._unacknowledged.pop(reading, None)
            self.settled(reading)
        else:  # those before it, too: they were overtaken, or are on the same connection
            self.give_up(float("inf"))
