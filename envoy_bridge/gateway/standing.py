"""How it stands with one gateway: online or not, what is wrong, how polling goes. Tells the sink when that changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from envoy_bridge.clock import Clock
from envoy_bridge.errors import EnvoyBridgeError, LoginError
from envoy_bridge.logs import get_logger
from envoy_bridge.sinks.base import Event, Sink

log = get_logger(__name__)

OFFLINE_AFTER: Final = 30.0
"""Seconds without a good reply until a gateway is offline; three cadences where these are longer."""

Level = Literal["info", "warning", "error"]


@dataclass(slots=True)
class Tally:
    """How polling goes. `good`: wall-clock time of the last good reply, None before the first."""

    ok: int = 0
    failed: int = 0
    good: float | None = None


class Standing:
    """The standing of one gateway. `name` is its serial as soon as that is known."""

    def __init__(self, name: str, sink: Sink, clock: Clock) -> None:
        self.name = name
        self.serial: str | None = None
        self.tally = Tally()
        self.moved = clock.monotonic()
        """When this gateway's task last did something (monotonic)."""
        self._good = self.moved
        self._online: bool | None = None
        self._trouble = ""
        self._sink = sink
        self._clock = clock

    def identify(self, serial: str) -> None:
        """From now on we know who it is."""
        self.name = self.serial = serial

    def answered(self) -> None:
        """An endpoint gave a good reply."""
        self.moved = self._good = self._clock.monotonic()
        self.tally.ok += 1
        self.tally.good = self._clock.wall()

    def failed(self) -> None:
        """An endpoint did not."""
        self.moved = self._clock.monotonic()
        self.tally.failed += 1

    def polling(self) -> None:
        """The gateway is reachable, logged in, and its replies are published."""
        if self._trouble:
            self._trouble = ""
            self.tell("info", "gateway_back", "the gateway answers again")
        if not self._online and self.serial is not None:
            self._online = True
            self._sink.availability(self.serial, online=True)

    def trouble(self, error: EnvoyBridgeError) -> None:
        """Say what is wrong: once, until it is something else."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            self.tell("error" if isinstance(error, LoginError) else "warning", _code(error), str(error))

    def tell(self, level: Level, code: str, message: str) -> None:
        """One line in the log and one event."""
        log.log({"info": 20, "warning": 30, "error": 40}[level], code, gateway=self.name, message=message)
        event = Event(level=level, code=code, message=message, source=self.name, time=self._clock.wall())
        self._sink.event(event)

    async def watch(self, allowed: Callable[[], float], gone: Callable[[], None]) -> None:
        """Runs for ever: when nothing was good for `allowed` seconds the gateway is offline, and `gone` is called."""
        while True:
            left = self._good + allowed() - self._clock.monotonic()
            if left > 0 or self._online is False or self.serial is None:
                await self._clock.sleep(min(max(left, 1.0), OFFLINE_AFTER))
                continue
            self._online = False
            self._sink.availability(self.serial, online=False)
            gone()


def _code(error: EnvoyBridgeError) -> str:
    """The kind of an error as an event's code: GatewayUnreachable is gateway_unreachable."""
    name = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
