"""Time as the rest of the program sees it, so that a test can let an hour pass in a second."""

import asyncio
import contextlib
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's clocks. `speed` above 1 lets all of them run faster: 60 makes a minute of waiting take a second."""

    speed: float = 1.0
    _monotonic_start: float = 0.0
    _wall_start: float = 0.0

    @classmethod
    def fast(cls, speed: float) -> "Clock":
        """A clock that starts at the present and runs `speed` times as fast."""
        return cls(speed, time.monotonic(), time.time())

    def monotonic(self) -> float:
        """Seconds that never jump: for schedules, deadlines and ages."""
        return self._monotonic_start + (time.monotonic() - self._monotonic_start) * self.speed

    def wall(self) -> float:
        """Seconds since 1970 UTC: for what people and tokens call time. May jump."""
        return self._wall_start + (time.time() - self._wall_start) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait so many of this clock's seconds."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait so many of this clock's seconds, or until the event."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds) / self.speed):
                await event.wait()
