"""Asks a gateway what its plan names, each endpoint at its own cadence, one at a time. A polite guest on a slow box.

The meters come first: another request may take no longer than until the meters are due again. One that does is given
up and rests; what it supplies goes stale by and by and is cleared, and nothing else is. Failures wait longer each
time, at random, so that a gateway that is back on its feet is not met by a crowd.
"""

import asyncio
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from envoy_bridge.clock import Clock
from envoy_bridge.errors import EndpointAbsent, GatewayError, GatewayUnreachable, NotPermitted
from envoy_bridge.gateway.endpoints import INFO, ROWS, Cadence, Endpoint
from envoy_bridge.gateway.plan import Plan, Reply
from envoy_bridge.gateway.probe import Ask
from envoy_bridge.gateway.quirks import QUIRKS, repair

LOST_AFTER: Final = 3
"""Times in a row that nobody answers, `/info` included, until the gateway is looked for from the start."""

DAY: Final = 86400.0
"""Seconds that an endpoint rests which is not there, or not permitted."""

RETRY_FIRST: Final = 5.0
RETRY_LAST: Final = 60.0
"""Seconds a failed endpoint waits at most, after the first failure and after many."""

GRACE: Final = 2.0
"""Seconds that any request may take, even if the meters have to wait: real reports take up to 1.8."""

PATIENCE: Final = 3
"""Times a request is given up for the meters' sake until it may take longer once..."""

LONGER: Final = 15.0
"""...up to this many seconds: a gateway must not count as offline because we ask it something slow."""

STALE_AFTER: Final = 3
"""Cadences without a good reply until what an endpoint supplies is no longer known..."""

STALE_AT_LEAST: Final = 30.0
"""...but never sooner than this many seconds: one missed second is not an outage."""


def retry_delay(failures: int, *, first: float = RETRY_FIRST, last: float = RETRY_LAST) -> float:
    """Seconds to wait after so many failures in a row: full jitter above a floor, doubling up to `last`."""
    return random.uniform(first / 2, max(first, min(last, first * 2 ** min(failures, 10))))  # noqa: S311 - not a secret


@dataclass(slots=True)
class Turn:
    """When one endpoint is asked next. All times are monotonic seconds."""

    endpoint: Endpoint
    path: str
    every: float
    due: float
    good: float
    optional: bool
    """Nothing else depends on it; it may be missing on this firmware, or not permitted with this login."""
    failures: int = 0
    given_up: int = 0
    known: bool = False

    @property
    def stale_after(self) -> float:
        """Seconds after the last good reply until its values are no longer known."""
        return max(STALE_AFTER * self.every, STALE_AT_LEAST)


@dataclass(slots=True)
class Schedule:
    """The turns of all endpoints of one plan."""

    turns: list[Turn] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, cadences: Mapping[Cadence, float], answered: Iterable[str], now: float) -> "Schedule":
        """A schedule that starts now; `answered`: ids of endpoints whose first reply the probe has brought."""
        turns = []
        for endpoint in plan.endpoints:
            fresh = endpoint.id in answered or endpoint is INFO
            every = cadences[endpoint.cadence]
            due = now + every if fresh else now
            optional = not any(row.decisive for row in ROWS if row.endpoint is endpoint)
            turns.append(Turn(endpoint, plan.paths[endpoint.id], every, due, now, optional, known=fresh))
        return cls(turns)

    def next(self, now: float) -> Turn:
        """The turn that is due, meters first; else the one that is due soonest."""
        due = [turn for turn in self.turns if turn.due <= now]
        meters = [turn for turn in due if turn.endpoint.cadence is Cadence.FAST]
        return min(meters or due or self.turns, key=lambda turn: turn.due)

    def expired(self, now: float) -> Turn | None:
        """An endpoint whose values have just become unknown."""
        return next((turn for turn in self.turns if turn.known and now - turn.good > turn.stale_after), None)

    def allowance(self, turn: Turn, now: float) -> float:
        """Seconds this request may take: the meters do not wait for the others."""
        deadline = turn.endpoint.deadline
        waiting = [other.due for other in self.turns if other.endpoint.cadence is Cadence.FAST and not other.failures]
        if turn.endpoint.cadence is Cadence.FAST or not waiting:
            return deadline
        least = GRACE if turn.given_up < PATIENCE else LONGER
        return min(deadline, max(least, min(waiting) - now))

    def wake(self, now: float) -> float:
        """When something is to be done next: a request, or values that become unknown."""
        expiries = [turn.good + turn.stale_after for turn in self.turns if turn.known]
        return max(now, min([turn.due for turn in self.turns] + expiries))


class Poller:
    """Brings one reply after the other, for as long as the gateway answers."""

    def __init__(self, ask: Ask, plan: Plan, schedule: Schedule, clock: Clock) -> None:
        self._ask = ask
        self._plan = plan
        self._schedule = schedule
        self._clock = clock
        self._silences = 0
        self._hurried = asyncio.Event()

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
            data = turn.endpoint.decode(await self._ask(turn.path, allowance))
        except GatewayError as error:
            self._failed(turn, error, given_up=allowance < turn.endpoint.deadline)
            return None
        arrived, wall = self._clock.monotonic(), self._clock.wall()
        turn.failures = turn.given_up = self._silences = 0
        turn.due = _next_beat(turn.due, turn.every, arrived)
        data, fired = repair(data, turn.endpoint.id, self._plan.known, QUIRKS)
        if data is not None:
            turn.good, turn.known = arrived, True
        elif turn.known:
            return None  # not usable this time: what is known stays until it is stale
        return Reply(endpoint=turn.endpoint, data=data, quirks=fired, time=wall)

    def _failed(self, turn: Turn, error: GatewayError, *, given_up: bool) -> None:
        now = self._clock.monotonic()
        turn.failures += 1
        if turn.optional and isinstance(error, EndpointAbsent | NotPermitted):
            turn.due = now + DAY
        elif given_up and isinstance(error, GatewayUnreachable):
            turn.given_up = turn.given_up + 1 if turn.given_up < PATIENCE else 0
            turn.due = now + max(turn.every, retry_delay(turn.failures))
        else:
            first = min(turn.every, RETRY_FIRST)
            turn.due = now + retry_delay(turn.failures, first=first, last=max(RETRY_LAST, turn.every))
        self._look_around(turn, error)

    def _look_around(self, turn: Turn, error: GatewayError) -> None:
        """Is it this endpoint alone, or the gateway? `/info` tells, which is open to all; and what else there is."""
        others = [other for other in self._schedule.turns if other is not turn and not other.failures]
        if not any(other.endpoint is not INFO for other in others):
            raise error
        self._silences += isinstance(error, GatewayUnreachable)
        if self._silences >= LOST_AFTER:
            raise error
        if isinstance(error, NotPermitted) and not turn.optional:
            self._pull(others)
        elif turn.failures == 1:
            self._pull(other for other in others if other.endpoint is INFO)


def _next_beat(due: float, every: float, now: float) -> float:
    """The next time of a steady beat that lies ahead: no drift, and no burst after a delay."""
    missed = int((now - due) // every)
    return due + (missed + 1) * every
