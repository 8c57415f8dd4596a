"""A recorded gateway whose household lives on: power, energy, inverters and batteries move through a day."""

import re
from collections import deque
from dataclasses import replace
from typing import Any

import msgspec

from envoy_bridge.clock import Clock
from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway.rows import json
from envoy_bridge.simulator.har import Recorded, Recording
from envoy_bridge.simulator.household import Household, Moment
from envoy_bridge.simulator.rewrite import REWRITES, Rewrite
from envoy_bridge.simulator.shape import look
from envoy_bridge.simulator.view import View

_parse = json(Any)

DAY = 86400.0
"""Seconds of a day."""


class LiveWorld:
    """A world that goes on where `recording` ends: at the present of `clock`, at `start_hour` of the household's day.

    `day`: how many seconds a day of the household takes; energies count the real seconds, as the times in the replies
    do. Replies change once a second. A reply costs about 50 µs for each second since the last one, and 0.5 ms.
    """

    def __init__(self, recording: Recording, clock: Clock, *, day: float = DAY, start_hour: float = 10.5) -> None:
        self._recording = recording
        self._shape = look(recording)
        self._household = Household(self._shape.equipment, start=int(clock.wall()), hour=start_hour, pace=DAY / day)
        self._moments = deque([self._household.first()], maxlen=3)  # a slow reader may ask for a second that is over
        self._moving: dict[tuple[str, bytes], tuple[Rewrite, object]] = {}
        for path in recording.paths:
            self._learn(path)

    def _learn(self, path: str) -> None:
        """Keep the reply in parsed form, if it is one that moves."""
        bare, recorded = path.partition("?")[0], self._recording.reply(path, 0.0)
        rewrite = REWRITES.get(bare)
        if rewrite is None or recorded is None or recorded.status != 200:  # noqa: PLR2004 - OK
            return
        try:
            rewrite.check(recorded.body)
        except UnusableReply:
            return
        self._moving[bare, recorded.body] = rewrite, _parse(recorded.body)

    def reply(self, path: str, now: float) -> Recorded | None:
        """The answer to GET `path` at `now`, seconds since 1970 that may go back by one."""
        recorded = self._recording.reply(path, now)
        if recorded is None:
            return None
        bare = path.partition("?")[0]
        if bare in ("/info", "/info.xml"):
            return replace(recorded, body=re.sub(rb"(?<=<time>)\d+", b"%d" % now, recorded.body))
        rewrite, body = self._moving.get((bare, recorded.body), (None, None))
        if rewrite is None:
            return recorded
        return replace(recorded, body=msgspec.json.encode(rewrite.write(body, View(self._shape, self._at(int(now))))))

    def _at(self, second: int) -> Moment:
        while self._moments[-1].second < second:
            self._moments.append(self._household.after(self._moments[-1]))
        return next(moment for moment in self._moments if moment.second >= second)
