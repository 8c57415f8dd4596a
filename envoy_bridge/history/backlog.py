"""Sends what was kept, beside the live values: oldest first, a few at a time, as the broker takes them.

Pure: `offer` is the connection to the broker.
"""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from envoy_bridge.history.readings import Reading
from envoy_bridge.sinks.outbox import Message

IN_FLIGHT = 10
"""Readings on their way and not acknowledged. With a pause of half a second that makes 20 a second."""

BYTES = 64 * 1024
"""Bytes handed over in one go, or one reading: what comes next is live and must not wait for long on a slow line."""

REST = 10.0
LONGEST_REST = 900.0
"""Seconds to leave a broker alone that went away, or threw a reading away; then twice that, until it takes one. Brokers
that forbid a topic may end the connection at each attempt, and live values need it.
"""


class Backlog:
    """A page of readings that are being sent. `arrived` gets each that the broker has acknowledged, in order."""

    def __init__(self, offer: Callable[[Message], bool], arrived: Callable[[Reading], None]) -> None:
        self._offer = offer
        self._arrived = arrived
        self._page: deque[Reading] = deque()
        self._acknowledged: set[Reading] = set()
        self._on_the_way = 0
        self._failed = False
        self._again_at = 0.0
        self._rest = REST

    @property
    def empty(self) -> bool:
        """Whether all of the page has arrived."""
        return not self._page

    @property
    def in_memory(self) -> bool:
        """Whether the readings of the page are nowhere on disk."""
        return any(reading.number is None for reading in self._page)

    def fill(self, page: Iterable[Reading]) -> None:
        """The next ones. Only when empty."""
        self._page.extend(page)

    def send(self, now: float) -> None:
        """Hand over as many as may be on their way. `now`: monotonic seconds."""
        if self._failed:
            self._failed = False
            self._again_at = now + self._rest
            self._rest = min(LONGEST_REST, 2 * self._rest)
        if now < self._again_at:
            return
        handed = 0
        while self._on_the_way < min(len(self._page), IN_FLIGHT) and handed < BYTES:
            reading = self._page[self._on_the_way]
            told = partial(self._told, reading)
            self._on_the_way += 1  # first, as the answer may come at once
            if not self._offer(Message(reading.topic, reading.body, retain=False, told=told)):
                self._on_the_way -= 1
                return
            handed += len(reading.body)

    def _told(self, reading: Reading, *, taken: bool) -> None:
        if reading not in self._page:  # sent twice, and acknowledged once before
            return
        if taken:
            self._acknowledged.add(reading)
            self._let_go()
        else:
            self._failed = True
            self._on_the_way = 0
            if self.in_memory:  # they may be written in the meantime
                self._page.clear()
                self._acknowledged.clear()

    def _let_go(self) -> None:
        """Part with those that have arrived and have nothing before them that has not."""
        while self._page and self._page[0] in self._acknowledged:
            reading = self._page.popleft()
            self._rest = REST
            self._acknowledged.discard(reading)
            self._on_the_way = max(0, self._on_the_way - 1)
            self._arrived(reading)
