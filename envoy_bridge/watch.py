"""An eye on one gateway: does it add up, and which panel died? What is odd is told once, and stands in `info`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.advice import Advisor, judge
from envoy_bridge.errors import StateError
from envoy_bridge.fleet import State, watch
from envoy_bridge.fleet_yield import Weak
from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.gateway.wire import Meter
from envoy_bridge.logs import get_logger
from envoy_bridge.model import Snapshot
from envoy_bridge.state import read, write_atomically

log = get_logger(__name__)

JUDGE_EVERY: Final = 10.0
"""Seconds between two looks at whether it adds up: means of five minutes are judged, thirty looks make a good one."""

KEEP_EVERY: Final = 600.0
"""Seconds between two writes of what is remembered: losing ten minutes of habits costs nothing."""

Tell = Callable[[Literal["info", "warning"], str, str], None]


class Habits(Struct, frozen=True):
    """What is remembered over restarts: what was found odd, and how the inverters usually are."""

    advisor: Advisor = Advisor()
    fleet: State = State()


class Watch:
    """Looks at every snapshot. `path`: where its memory is kept, if anywhere; `tell`: an event for people."""

    def __init__(self, path: Path | None, tell: Tell) -> None:
        self._path = path
        self._tell = tell
        habits = _load(path)
        self._advisor = habits.advisor
        self._fleet = habits.fleet
        self._kept = float("-inf")
        self._seen: object = None
        self._shown: Mapping[str, Inverter] = {}
        self._weak: tuple[Weak, ...] = ()
        self._judged = float("-inf")
        self._said: tuple[str, ...] = ()
        self.online: tuple[int, int] | None = None
        """Inverters that are online, of how many."""

    @property
    def advice(self) -> tuple[str, ...]:
        """What is odd about the installation, in words that a person can act on."""
        return (*self._said, *(weak.text for weak in self._weak))

    def look(self, snapshot: Snapshot, meters: Sequence[Meter] | None, now: float) -> Snapshot:
        """The snapshot, with each inverter judged by its own habits. `now`: seconds since 1970."""
        snapshot = self._count(snapshot, now)
        if 0 <= now - self._judged < JUDGE_EVERY:
            return snapshot
        self._judged = now
        if not 0 <= now - self._kept < KEEP_EVERY:
            self._kept = now
            self.save()
        verdict = judge(self._advisor, snapshot, meters, now)
        self._advisor = verdict.state
        self._said = tuple(advice.text for advice in verdict.advice)
        for advice in verdict.said:
            self._tell("warning", f"advice_{advice.id}", advice.text)
        for advice in verdict.withdrawn:
            self._tell("info", "advice_over", f"no longer so: {advice.text}")
        return snapshot

    def save(self) -> None:
        """Keep what is remembered on disk; where that cannot be done, it is learnt anew after the next start."""
        if self._path is not None:
            try:
                self._path.parent.mkdir(mode=0o700, exist_ok=True)
                write_atomically(self._path, msgspec.json.encode(Habits(advisor=self._advisor, fleet=self._fleet)))
            except (StateError, OSError) as error:
                log.warning("habits_not_kept", path=str(self._path), reason=str(error)[:200])

    def _count(self, snapshot: Snapshot, now: float) -> Snapshot:
        members = snapshot.devices.get("inverter")
        if not members:
            return snapshot
        if members is not self._seen:
            self._seen, inverters = members, cast("Mapping[str, Inverter]", members)
            self._fleet, fleet = watch(self._fleet, inverters, now)
            for weak in fleet.weak:
                if weak.serial not in {known.serial for known in self._weak}:
                    self._tell("warning", "inverter_weak", weak.text)
            self._weak, self.online = fleet.weak, (fleet.online, fleet.total)
            self._shown = {
                serial: replace(inverter, availability=fleet.availability.get(serial))
                for serial, inverter in inverters.items()
            }
        return replace(snapshot, devices={**snapshot.devices, "inverter": self._shown})


def _load(path: Path | None) -> Habits:
    try:
        content = None if path is None else read(path)
        return Habits() if content is None else msgspec.json.decode(content, type=Habits)
    except (StateError, ValueError, RecursionError) as error:
        log.warning("habits_unreadable", path=str(path), reason=str(error)[:200], consequence="they are learnt anew")
        return Habits()
