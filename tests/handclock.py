"""A clock that is moved by hand, for rules that span days."""

import time
from dataclasses import dataclass, field

from envoy_bridge.clock import Clock


@dataclass
class Hands:
    wall: float = field(default_factory=time.time)
    monotonic: float = 1000.0


@dataclass(frozen=True)
class HandClock(Clock):
    """Stands still until it is moved. `sleep` and deadlines still take real time, divided by `speed`."""

    hands: Hands = field(default_factory=Hands)

    def wall(self) -> float:
        return self.hands.wall

    def monotonic(self) -> float:
        return self.hands.monotonic

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.hands.wall += seconds
        self.hands.monotonic += seconds

    def set_wall(self, moment: float) -> None:
        """Somebody sets the wall clock."""
        self.hands.wall = moment

    def rebooted(self) -> "HandClock":
        """The same moment after a restart of the machine, when monotonic time begins anew."""
        return HandClock(self.speed, hands=Hands(self.hands.wall, 5.0))
