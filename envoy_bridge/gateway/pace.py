"""How long to wait: after a failure, and for a gateway that is slow."""

import random
from dataclasses import dataclass
from typing import Final

RETRY_FIRST: Final = 5.0
RETRY_LAST: Final = 60.0
"""Seconds a failed endpoint waits at most, after the first failure and after many."""

DAY: Final = 86400.0
"""Seconds that an endpoint rests which is not there, not permitted, or has nothing to tell."""

BUSY_FOR_US: Final = 0.5
"""Share of an endpoint's cadence that the gateway may spend on its answer; beyond, we ask less often."""

STRETCH_MOST: Final = 8
"""Times the cadence at most: a figure an eighth as often is still a figure."""

_WEIGHT: Final = 0.3
"""Of the newest answer in the running mean: one slow answer changes nothing, three do."""


def retry_delay(failures: int, *, first: float = RETRY_FIRST, last: float = RETRY_LAST) -> float:
    """Seconds to wait after so many failures in a row: full jitter above a floor, doubling up to `last`."""
    return random.uniform(first / 2, max(first, min(last, first * 2 ** min(failures, 10))))  # noqa: S311 - not a secret


@dataclass(slots=True)
class Pace:
    """How fast the gateway answers one endpoint, and by how much its cadence is stretched for that."""

    mean: float = 0.0
    """Seconds an answer takes, newer ones counting more."""
    stretch: int = 1

    def took(self, seconds: float, every: float, *, surprising: bool = False) -> None:
        """An answer took so long; `every`: seconds between two requests, unstretched. `surprising`: others took longer.

        Stretches at once to what the mean asks for. Returns step by step, and only where there is room to spare, so
        that it does not go to and fro.
        """
        self.mean = max(self.mean, seconds) if surprising else self.mean + _WEIGHT * (seconds - self.mean)
        needed = self.mean / BUSY_FOR_US / every
        while self.stretch < min(needed, STRETCH_MOST):
            self.stretch *= 2
        if self.stretch > 1 and needed < self.stretch / 4:
            self.stretch //= 2
