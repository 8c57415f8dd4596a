"""Whose turn it is: each endpoint at its own cadence, the meters first. Pure; all times are monotonic seconds."""

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envoy_bridge.config import Gateway
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.pace import Pace
from envoy_bridge.gateway.plan import Plan
from envoy_bridge.gateway.rows import Cadence, Endpoint

PATIENCE: Final = 3
"""Times in a row that a request is given up for the meters' sake until it may take longer once..."""

LONGER: Final = 15.0
"""...up to this many seconds. What an endpoint took then it is allowed the next time: it may always be that slow."""

MARGIN: Final = 1.5
"""Times the usual duration that a request may take."""

ROOM: Final = 0.4
"""Seconds that there should be until the meters are due when another request begins: most answers take less."""

STALE_AFTER: Final = 3
"""Cadences without a good reply until what an endpoint supplies is no longer known..."""

STALE_AT_LEAST: Final = 30.0
"""...but never sooner than this many seconds: one missed second is not an outage."""


HOUR: Final = 3600.0

LIVE_LEAST: Final = 5.0
"""Seconds between two requests for live data at least."""


def cadences(settings: Gateway) -> Mapping[Cadence, float]:
    """Seconds between two requests, for each cadence."""
    return {
        Cadence.FAST: float(settings.fast),
        Cadence.LIVE: max(float(settings.fast), LIVE_LEAST),
        Cadence.SLOW: float(settings.slow),
        Cadence.INVERTERS: float(settings.inverters),
        Cadence.HOURLY: HOUR,
    }


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
    pace: Pace = field(default_factory=Pace)
    stamp: object = None
    """The gateway's own time of the last reply."""
    woken: float = -math.inf

    @property
    def cadence(self) -> float:
        """Seconds between two requests, as long as the gateway takes so long to answer."""
        return self.every * self.pace.stretch

    @property
    def stale_after(self) -> float:
        """Seconds after the last good reply until its values are no longer known."""
        return max(STALE_AFTER * self.cadence, STALE_AT_LEAST)

    def answered(self, seconds: float, now: float) -> None:
        """It answered after so many seconds: the next turn is on the beat that lies ahead; no drift, and no burst."""
        self.pace.took(seconds, self.every, surprising=self.given_up > 0)
        self.failures = self.given_up = 0
        missed = int((now - self.due) // self.cadence)
        self.due += (missed + 1) * self.cadence

    def moved(self, data: Any) -> bool:  # noqa: ANN401 - what the endpoint decodes
        """Is this another reading than the last? An endpoint without a time of its own always brings one."""
        if self.endpoint.stamp is None:
            return True
        former, self.stamp = self.stamp, self.endpoint.stamp(data)
        return self.stamp != former

    def next_path(self) -> bool:
        """Try another path next time; False when there is none."""
        paths = self.endpoint.paths
        following = paths.index(self.path) + 1 if self.path in paths else len(paths)
        if self.known or following >= len(paths):
            return False
        self.path = paths[following]
        return True


@dataclass(slots=True)
class Schedule:
    """The turns of all endpoints of one plan."""

    cadences: Mapping[Cadence, float]
    turns: list[Turn] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, cadences: Mapping[Cadence, float], answered: Iterable[str], now: float) -> "Schedule":
        """A schedule that starts now; `answered`: ids of endpoints whose first reply the probe has brought."""
        offset = 0.5 + zlib.crc32(plan.info.serial.encode()) / 2**32  # many gateways do not all beat at the same moment
        schedule = cls(cadences)
        schedule.follow(plan, now)
        for turn in schedule.turns:
            if turn.endpoint.id in answered or turn.endpoint is INFO:
                turn.due, turn.known = now + turn.every * offset, True
        return schedule

    def follow(self, plan: Plan, now: float) -> None:
        """Take up what the plan has come to ask besides, and drop what it no longer asks."""
        present = {turn.endpoint.id: turn for turn in self.turns}
        self.turns = [
            present.get(endpoint.id) or self._turn(endpoint, plan, now)
            for endpoint in plan.endpoints
            if not endpoint.stream
        ]

    def _turn(self, endpoint: Endpoint, plan: Plan, now: float) -> Turn:
        decisive = {row.id for row in ROWS if row.endpoint is endpoint and row.decisive}
        optional = endpoint is not INFO and decisive.isdisjoint(plan.sources.values())
        path = plan.paths.get(endpoint.id, endpoint.paths[0])
        return Turn(endpoint, path, self.cadences[endpoint.cadence], now, now, optional, known=plan.tells(endpoint))

    def next(self, now: float) -> Turn:
        """The turn that is due, meters first; else the one that is due soonest.

        What there is no room for before the meters are due waits until they are read.
        """
        due = [turn for turn in self.turns if turn.due <= now]
        meters = [turn for turn in due if turn.endpoint.cadence is Cadence.FAST]
        soon = self._meters_due()
        if meters or soon is None or soon.due - now >= ROOM:
            return min(meters or due or self.turns, key=_when)
        return soon

    def _meters_due(self) -> Turn | None:
        """The meters that are due soonest, of those that answer."""
        meters = [turn for turn in self.turns if turn.endpoint.cadence is Cadence.FAST and not turn.failures]
        return min(meters, key=_when, default=None)

    def expired(self, now: float) -> Turn | None:
        """An endpoint whose values have just become unknown."""
        return next((turn for turn in self.turns if turn.known and now - turn.good > turn.stale_after), None)

    def allowance(self, turn: Turn, now: float) -> float:
        """Seconds this request may take: the meters wait for the others only where these are known to be slow."""
        meters = self._meters_due()
        if meters is None or turn.endpoint.cadence is Cadence.FAST:
            return turn.endpoint.deadline
        needed = MARGIN * turn.pace.mean if turn.given_up < PATIENCE else LONGER
        return min(turn.endpoint.deadline, max(needed, meters.due - now))

    def wake(self, now: float) -> float:
        """When something is to be done next: a request, or values that become unknown."""
        expiries = [turn.good + turn.stale_after for turn in self.turns if turn.known]
        return max(now, min([turn.due for turn in self.turns] + expiries))

    def paces(self) -> Mapping[str, float]:
        """Seconds between two requests for a path, where the gateway's slowness has made them more than usual."""
        return {turn.path: turn.cadence for turn in self.turns if turn.pace.stretch > 1}


def _when(turn: Turn) -> float:
    return turn.due
