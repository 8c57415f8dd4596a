"""Brings the history of a cloud to the broker: oldest first, a few messages at a time, each until it has arrived."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.sent import Sent, Waiting
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger
from envoy_bridge.sinks.base import CloudMessage

UNDER_WAY: Final = 10
"""Messages handed over and not acknowledged."""

PAUSE: Final = 0.5
"""Seconds between two looks at what has arrived, while something is under way."""

REST: Final = 10.0
"""Seconds to leave the broker alone after it went away or threw a message away."""

RETRY: Final = 60.0
"""Seconds until what the disk refused is tried again, and between two looks at what another process left."""

_log = get_logger(__name__)


class Courier:
    """All is for the event loop's thread."""

    def __init__(self, sent: Sent, provider: str, deliver: Callable[[CloudMessage], None], clock: Clock) -> None:
        self._sent = sent
        self._provider = provider
        self._deliver = deliver
        self._clock = clock
        self._news = asyncio.Event()
        self._under_way: set[int] = set()
        self._arrived: set[int] = set()
        self._last = 0
        self._rest = False
        self._failing = False

    def nudge(self) -> None:
        """There is something new to send."""
        self._news.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._news.clear()
            pause = await self._round()
            await self._clock.wait(self._news, pause)

    async def _round(self) -> float:
        """Hand over what may be under way. Returns seconds until the next look."""
        try:
            if arrived := frozenset(self._arrived):
                await asyncio.to_thread(self._sent.arrived, arrived)
                self._arrived -= arrived
            if self._rest:
                self._rest = False
                return REST
            room = UNDER_WAY - len(self._under_way)
            page = await asyncio.to_thread(self._sent.after, self._last, UNDER_WAY) if room else []
        except StateError as error:
            if not self._failing:
                _log.warning("history_not_read", cloud=self._provider, reason=str(error), again_in=RETRY)
            self._failing = True
            return RETRY
        self._failing = False
        for waiting in page[:room]:
            self._last = waiting.number
            self._hand_over(waiting)
            await asyncio.sleep(0)  # each takes a moment to write: others come in between
        return PAUSE if self._under_way or self._arrived else RETRY

    def _hand_over(self, waiting: Waiting) -> None:
        number = waiting.number
        if number in self._under_way or number in self._arrived:
            return
        if not waiting.body:
            self._arrived.add(number)
            return
        self._under_way.add(number)  # first, as the answer may come at once
        topic = f"cloud/{self._provider}/{waiting.site}/history"
        told = partial(self._told, number)
        self._deliver(CloudMessage(topic=topic, body=waiting.body, retain=False, told=told))

    def _told(self, number: int, *, taken: bool) -> None:
        if number not in self._under_way:
            return
        self._under_way.discard(number)
        if taken:
            self._arrived.add(number)
            self._news.set()
        else:
            self._rest = True
            self._last = min(self._last, number - 1)

    async def flush(self) -> None:
        """Return when nothing waits any more. `run` must be running."""
        while self._under_way or self._arrived or await self._more():
            self.nudge()
            await self._clock.sleep(PAUSE)

    async def _more(self) -> bool:
        return bool(await asyncio.to_thread(self._sent.after, 0, 1))
