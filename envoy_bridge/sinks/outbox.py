"""What the broker should know and what of it still has to be sent: the newest message of each topic. Pure."""

import re
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

REFRESH = 300.0
"""Seconds after which a value is sent again although it did not change: who lost it has it back by then."""

CHECK = 15.0
"""Seconds between two looks through all topics for those that nobody puts any more and that are due again."""

EVENTS = 1000
"""One-off messages kept while the broker is away; then the oldest go."""

LARGEST = 1 << 20
"""Bytes of the largest payload; the snapshot of 500 inverters takes a sixth of it."""

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}(?:/\$?[A-Za-z0-9_-]{1,64}){0,15}")


class Told(Protocol):
    """Learns what became of a message."""

    def __call__(self, *, taken: bool) -> None:
        """Whether the broker has it, or can never take it, as it is too large for it.

        False: it threw the message away, or the connection ended before it answered.
        """


class Message(Struct, frozen=True):
    """What is to be published. An empty retained payload clears the topic.

    `expiry`: seconds after which the broker may forget the value (MQTT 5 only); None: never.
    `told`: is called when that is known; never for what was not sent because a newer message of its topic came.
    """

    topic: str
    payload: bytes = b""
    qos: int = 1
    retain: bool = True
    expiry: int | None = None
    told: Told | None = None


def fault(message: Message) -> str | None:
    """Why this message must not be sent, in words; None: it may.

    One bad topic is enough to lose all: the broker drops the connection, and the message comes again on the next one.
    """
    if not _TOPIC.fullmatch(message.topic):
        return "a topic is up to 16 levels of 1 to 64 letters, digits, _ and -; all but the first may begin with $"
    if len(message.payload) > LARGEST:
        return f"{len(message.payload)} bytes are more than the limit of {LARGEST}"
    return None


@dataclass(slots=True)
class _Kept:
    """The newest message of a topic. `sent_at` is None while it waits; `settled`: a clear that the broker has."""

    message: Message
    put_at: float
    sent_at: float | None = None
    settled: bool = False


class Outbox:
    """Retained messages, newest per topic, in the order of their last puts; and one-off messages behind them.

    `now` is seconds of a clock that never jumps. Its size is bounded by the number of topics and `EVENTS`.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._waiting: OrderedDict[str, _Kept] = OrderedDict()
        self._events: deque[Message] = deque()
        self._check_at = 0.0
        self.dropped = 0
        """One-off messages that had to go, ever."""

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting) + len(self._events)

    def put(self, message: Message, now: float) -> None:
        """Make this the topic's message. It waits to be sent if it is new, changed, or was last sent long ago."""
        if not message.payload and message.expiry is not None:
            message = replace(message, expiry=None)
        kept = self._kept.pop(message.topic, None) or _Kept(message, now)
        self._kept[message.topic] = kept
        kept.put_at = now
        if message != kept.message:
            kept.message = message
            self._wait(kept)
        elif kept.sent_at is None or now - kept.sent_at >= _lifetime(message):
            self._wait(kept)
        if now >= self._check_at:
            self._check(now)

    def holds(self, topic: str) -> bool:
        """Whether the topic has a message."""
        return topic in self._kept

    def send(self, message: Message) -> None:
        """Keep a one-off message; the oldest goes when there are too many."""
        self._events.append(message)
        self._drop()

    def take(self, now: float) -> Message | None:
        """The next message to send, with what is left of its expiry; None: nothing waits."""
        while self._waiting:
            topic, kept = self._waiting.popitem(last=False)
            kept.sent_at = now
            expiry, age = kept.message.expiry, int(now - kept.put_at)
            if expiry is None or age == 0:
                return kept.message
            if age < expiry:
                return replace(kept.message, expiry=expiry - age)
            del self._kept[topic]  # nobody has confirmed it since: the broker would have forgotten it too
        return self._events.popleft() if self._events else None

    def settled(self, clear: Message) -> None:
        """The broker has acknowledged this clear: it is not sent again, unless the topic gets a value in between."""
        kept = self._kept.get(clear.topic)
        if kept is not None and kept.message is clear:
            kept.settled = True

    def resend(self, events: Sequence[Message]) -> None:
        """After a connection: let all wait again, and before other one-offs `events`, which were not acknowledged."""
        self._waiting.clear()
        for kept in self._kept.values():
            if not kept.settled:
                self._wait(kept)
        self._events.extendleft(reversed(events))
        self._drop()

    def _drop(self) -> None:
        """Let go of the oldest one-offs, as long as there are too many."""
        while len(self._events) > EVENTS:
            message = self._events.popleft()
            self.dropped += 1
            if message.told is not None:
                message.told(taken=False)

    def _wait(self, kept: _Kept) -> None:
        """Queue behind all that wait."""
        kept.sent_at, kept.settled = None, False
        self._waiting[kept.message.topic] = kept
        self._waiting.move_to_end(kept.message.topic)

    def _check(self, now: float) -> None:
        """Let what never expires wait again before it is `REFRESH` old. The rest lives only as long as it is put."""
        self._check_at = now + CHECK
        for kept in self._kept.values():
            message, sent_at = kept.message, kept.sent_at
            if message.payload and message.expiry is None and sent_at is not None and now - sent_at >= REFRESH - CHECK:
                self._wait(kept)


def _lifetime(message: Message) -> float:
    """Seconds for which an unchanged message need not be sent again; half its expiry, so that it never runs out."""
    if not message.payload:
        return float("inf")
    return REFRESH if message.expiry is None else min(REFRESH, message.expiry / 2)
