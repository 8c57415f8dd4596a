"""Which sites an account has lost: nothing is told of them any more, while of others it is. Pure."""

from collections.abc import Collection
from typing import Final

GONE_AFTER: Final = 2 * 86_400.0
"""Seconds without a word of a site, while others are told, until it is gone;..."""

TURNS: Final = 3.0
"""...and at least so many cadences: of many systems each is asked seldom."""

COUNTED: Final = 3600.0
"""Seconds that count at most from one report to the next: an outage, or a night, says nothing about a site."""


class Presence:
    """Of the sites of one account, in one run: after a start the turn of a site may come late."""

    def __init__(self) -> None:
        self._silent: dict[str, float] = {}
        self._pace: dict[str, float] = {}
        self._last: float | None = None

    def known(self, site: str) -> None:
        """This one was there in an earlier run."""
        self._silent[site] = 0.0

    def lost(self, told: Collection[str], every: float, now: float) -> list[str]:
        """A job that runs each `every` seconds told of these sites, at `now` (monotonic). Returns what is gone."""
        if not told:
            return []
        passed = 0.0 if self._last is None else min(now - self._last, COUNTED)
        self._last = now
        self._silent = {site: silent + passed for site, silent in self._silent.items()} | dict.fromkeys(told, 0.0)
        for site in told:
            self._pace[site] = min(every, self._pace.get(site, every))
        patience = max(GONE_AFTER, TURNS * max(self._pace.values()))
        return [site for site, silent in self._silent.items() if silent >= patience]

    def forget(self, site: str) -> None:
        """It is not expected any more."""
        self._silent.pop(site, None)
        self._pace.pop(site, None)
