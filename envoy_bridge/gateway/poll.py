"""Asks a gateway what its plan names, each endpoint at its own cadence, one at a time. A polite guest on a slow box.

The meters come first: another request may take no longer than until the meters are due again. One that does is given
up and rests; what it supplies goes stale by and by and is cleared, and nothing else is. Failures wait longer each
time, at random, so that a gateway that is back on its feet is not met by a crowd.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Final, Protocol

from envoy_bridge.clock import Clock
from envoy_bridge.errors import EndpointAbsent, GatewayError, GatewayUnreachable, NotPermitted, UnusableReply
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.pace import DAY, RETRY_FIRST, RETRY_LAST, retry_delay
from envoy_bridge.gateway.plan import Plan, Reply
from envoy_bridge.gateway.quirks import QUIRKS, repair
from envoy_bridge.gateway.rows import Endpoint
from envoy_bridge.gateway.schedule import PATIENCE, Schedule, Turn

LOST_AFTER: Final = 3
"""Times in a row that nobody answers, `/info` included, until the gateway is looked for from the start."""

WAKE_AT_MOST_EVERY: Final = 60.0
"""Seconds between two attempts to wake an endpoint that has fallen asleep."""


class Talk(Protocol):
    """What the poller needs of a connection. Both raise GatewayError."""

    async def ask(self, path: str, deadline: float) -> bytes:
        """The body of a good answer to GET."""

    async def tell(self, path: str, body: bytes, deadline: float) -> None:
        """POST this JSON."""


class Poller:
    """Brings one reply after the other, for as long as the gateway answers."""

    def __init__(self, line: Talk, plan: Plan, schedule: Schedule, clock: Clock) -> None:
        self._line = line
        self._plan = plan
        self._schedule = schedule
        self._clock = clock
        self._silences = 0
        self._hurried = asyncio.Event()
        self.refused: set[str] = set()
        """Ids of endpoints that turned out not to be permitted."""

    @property
    def streams(self) -> tuple[Endpoint, ...]:
        """What is not asked but listened to."""
        return tuple(endpoint for endpoint in self._plan.endpoints if endpoint.stream)

    async def next(self) -> Reply:
        """The next reply, when it comes. One without data: what this endpoint supplies is no longer known.

        Raises:
            GatewayUnreachable: nothing has answered for several times in a row.
            GatewayError: none of the endpoints gives what it should any more.
        """
        while True:
            now = self._clock.monotonic()
            expired = self._schedule.expired(now)
            if expired is not None:
                expired.known = False
                return Reply(endpoint=expired.endpoint, data=None, time=self._clock.wall())
            turn = self._schedule.next(now)
            if turn.due > now:
                self._hurried.clear()
                await self._clock.wait(self._hurried, self._schedule.wake(now) - now)
                continue
            reply = await self._take(turn, now)
            if reply is not None:
                return reply

    def follow(self, plan: Plan) -> None:
        """Ask what this plan says from now on."""
        self._plan = plan
        self._schedule.follow(plan, self._clock.monotonic())

    def rest(self, endpoint: Endpoint) -> None:
        """It has nothing to tell: ask again tomorrow, if nothing depends on it."""
        now = self._clock.monotonic()
        for turn in self._schedule.turns:
            if turn.endpoint is endpoint and turn.optional:
                turn.due, turn.known = now + DAY, False

    def hurry(self) -> None:
        """Ask everything now that is not resting for a day: somebody wants fresh values."""
        self._pull([turn for turn in self._schedule.turns if turn.due - self._clock.monotonic() < DAY / 2])

    def resume(self) -> None:
        """Ask everything now that failed: the gateway is back."""
        self._pull([turn for turn in self._schedule.turns if turn.failures])

    def _pull(self, turns: Iterable[Turn]) -> None:
        now = self._clock.monotonic()
        for turn in turns:
            turn.due = min(turn.due, now)
        self._hurried.set()

    async def _take(self, turn: Turn, now: float) -> Reply | None:
        allowance = self._schedule.allowance(turn, now)
        try:
            data = turn.endpoint.decode(await self._line.ask(turn.path, allowance))
        except GatewayError as error:
            self._failed(turn, error, given_up=allowance < turn.endpoint.deadline)
            return None
        arrived, wall = self._clock.monotonic(), self._clock.wall()
        turn.answered(arrived - now, arrived)
        self._silences = 0
        await self._keep_awake(turn, data, arrived)
        data, fired = repair(data, turn.endpoint.id, self._plan.known, QUIRKS)
        if data is not None and turn.moved(data):
            turn.good, turn.known = arrived, True
        elif turn.known or data is not None:
            return None  # not usable this time, or nothing new: what is known stays until it is stale
        return Reply(endpoint=turn.endpoint, data=data, quirks=fired, time=wall)

    async def _keep_awake(self, turn: Turn, data: Any, now: float) -> None:  # noqa: ANN401 - what the endpoint decodes
        wake = turn.endpoint.wake
        if wake is not None and wake.asleep(data) and now - turn.woken > WAKE_AT_MOST_EVERY:
            turn.woken = now
            with contextlib.suppress(GatewayError):  # it is tried again with the next reply
                await self._line.tell(wake.path, wake.body, turn.endpoint.deadline)

    def _failed(self, turn: Turn, error: GatewayError, *, given_up: bool) -> None:
        now = self._clock.monotonic()
        turn.failures += 1
        if turn.optional and isinstance(error, NotPermitted):
            self.refused.add(turn.endpoint.id)
        if turn.optional and isinstance(error, EndpointAbsent | NotPermitted | UnusableReply) and not turn.known:
            turn.due = now if turn.next_path() else now + DAY
        elif turn.optional and isinstance(error, EndpointAbsent | NotPermitted):
            turn.due = now + DAY
        elif given_up and isinstance(error, GatewayUnreachable):
            turn.given_up = turn.given_up + 1 if turn.given_up < PATIENCE else 0
            turn.due = now + max(turn.every if turn.known else 0.0, retry_delay(turn.failures))
        else:
            first = min(turn.every, RETRY_FIRST)
            turn.due = now + retry_delay(turn.failures, first=first, last=max(RETRY_LAST, turn.every))
        self._look_around(turn, error)

    def _look_around(self, turn: Turn, error: GatewayError) -> None:
        """Is it this endpoint alone, or the gateway? `/info` tells, which is open to all; and what else there is."""
        others = [other for other in self._schedule.turns if other is not turn and not other.failures]
        if not any(other.endpoint is not INFO for other in others):
            raise error
        self._silences += isinstance(error, GatewayUnreachable) and not (turn.optional and not turn.known)
        if self._silences >= LOST_AFTER:
            raise error
        if isinstance(error, NotPermitted) and not turn.optional:
            self._pull(others)
        elif turn.failures == 1 and not (turn.optional and not turn.known):
            self._pull(other for other in others if other.endpoint is INFO)
