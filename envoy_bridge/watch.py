"""An eye on one gateway: does it add up, and which panel died? What is odd is told once, and stands in `info`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, cast

from msgspec.structs import replace

from envoy_bridge.advice import Advisor, judge
from envoy_bridge.fleet import State, watch
from envoy_bridge.fleet_yield import Weak
from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.gateway.wire import Meter
from envoy_bridge.model import Snapshot

JUDGE_EVERY: Final = 10.0
"""Seconds between two looks at whether it adds up: means of five minutes are judged, thirty looks make a good one."""

Tell = Callable[[Literal["info", "warning"], str, str], None]


class Watch:
    """Looks at every snapshot. `tell`: an event for people; `advice`: what stands, in words."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._advisor = Advisor()
        self._fleet = State()
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
        verdict = judge(self._advisor, snapshot, meters, now)
        self._advisor = verdict.state
        self._said = tuple(advice.text for advice in verdict.advice)
        for advice in verdict.said:
            self._tell("warning", f"advice_{advice.id}", advice.text)
        for advice in verdict.withdrawn:
            self._tell("info", "advice_over", f"no longer so: {advice.text}")
        return snapshot

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
