"""Every counter of one gateway: guarded, counted by the day, kept over restarts.

A snapshot comes in with the counters as the gateway gave them, and goes out with such that only grow, and with today's.
What has not changed since the last one is not looked at again.
"""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.catalog import PHASES, flows
from envoy_bridge.clock import Clock
from envoy_bridge.counters import days, guard, integrate, settle, store
from envoy_bridge.counters.hints import HEADROOM, SUM_LAG, Hints, counters, lost_phase
from envoy_bridge.counters.line import CounterState, Reading, Repair
from envoy_bridge.counters.zone import zone_named
from envoy_bridge.derive import derive
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.devices.base import TOTAL, Device
from envoy_bridge.gateway.devices.battery import Battery
from envoy_bridge.gateway.plan import Plan
from envoy_bridge.model import Flow, Snapshot

SAVE_EVERY: Final = 300.0
"""Seconds between two writes of what has only grown: three hundred writes a day do no harm to an SD card."""

MOMENT: Final = 60.0
"""Seconds for which an unchanged counter is not looked at again: how long it stood still is known to that."""

Tell = Callable[[Literal["info", "warning"], str, str], None]
Action = Literal["accept", "reset", "set"]


class Keeper:
    """Looks after the counters of one gateway. `tell`: an event for people; `periods`: which are published."""

    def __init__(
        self,
        directory: Path,
        serial: str,
        clock: Clock,
        tell: Tell,
        periods: frozenset[str] = frozenset({"today"}),
    ) -> None:
        self._periods = periods
        self._path = store.place(directory, serial)
        self._clock = clock
        self._tell = tell
        kept = store.load(self._path)
        self.clean = kept.clean
        """Was the last run ended in order? Else subscribers may have been told more than is on disk."""
        self._counters = dict(kept.counters)
        self._days = dict(kept.days)
        self._integral = kept.integrals.get(TOTAL)
        self._run = f"{clock.wall()}"
        self._floors: dict[str, float] = {}
        self._former: dict[str, tuple[object, Any]] = {}
        self._last: dict[str, _Last] = {}
        self._today: Mapping[days.Period, int] = {}
        self._raw: dict[str, float] = {}
        self._estimated: set[str] = set()
        self._saved = clock.monotonic()
        self._zone_name = kept.zone
        self._zone: tzinfo = zone_named(kept.zone)

    def counters(self) -> Mapping[str, CounterState]:
        """Every counter by its path below the gateway."""
        return self._counters

    def stand(self, floors: Mapping[str, float]) -> None:
        """Where subscribers stand, by path: no counter that is published falls below."""
        self._floors.update(floors)

    def settle(self, counter: str, action: Action, value: float | None = None) -> str:
        """What a person decides about a counter; gives what was done, in words.

        Raises:
            ValueError: there is no such counter, or nothing to decide.
        """
        known = self._counters.get(counter)
        if known is None:
            raise ValueError(f"there is no counter {counter}; see envoy-bridge counters show")
        if action == "set" and value is None:
            raise ValueError("set needs the energy in Wh")
        if action != "set" and not known.held:
            raise ValueError(f"{counter} is not held: there is nothing to {action}")
        settled = settle.set_to(known, value) if value is not None else _BY_HAND[action](known)
        self._counters[counter] = settled
        if (kept := self._days.get(counter)) is not None and settled.published is not None and action != "accept":
            self._days[counter] = days.moved(kept, settled.published - kept.lifetime)
        self._former.clear()
        self._last.clear()
        self.save()
        words = f"{counter} goes on at {settled.published} Wh, {known.published} before ({action}, by hand)"
        self._tell("info", "counter_settled", words)
        return words

    def keep(self, bare: Snapshot, plan: Plan) -> Snapshot:
        """The snapshot with counters that only grow, what is derived from them, and what they gained today."""
        now = self._clock.wall()
        self._turn_the_day(bare, now)
        guarded = self._flows(bare, plan, now, [name for name, _ in flows() if name not in plan.derived])
        whole = self._flows(derive(guarded, plan.derived), plan, now, sorted(plan.derived))
        devices = self._devices(bare, plan, now)
        if self._clock.monotonic() - self._saved > SAVE_EVERY:  # before anybody is told what a repair made of it
            self.save()
        return replace(whole, devices=devices, raw=dict(self._raw), estimated=frozenset(self._estimated))

    def _turn_the_day(self, bare: Snapshot, now: float) -> None:
        """A day begins; or the gateway says for the first time, or anew, in which zone its days do."""
        named = getattr(bare.devices.get("network", {}).get(""), "time_zone", None)
        if named is not None and named != self._zone_name:
            self._zone_name, self._zone = named, zone_named(named)
        today = days.begins(now, self._zone)
        if today != self._today:
            self._today = today
            self._saved = float("-inf")  # where each counter stands at midnight is not known twice
            self._former.clear()
            self._last.clear()

    def _flows(self, snapshot: Snapshot, plan: Plan, now: float, names: list[str]) -> Snapshot:
        """The flows of these names, kept; a flow that is the same object as last time is what it was last time."""
        kinds = dict(flows())
        kept: dict[str, Flow[Any] | None] = {}
        for name in names:
            flow: Flow[Any] | None = getattr(snapshot, name)
            if not counters(kinds[name]):
                continue
            former = self._former.get(name)
            if former is None or former[0] is not flow:
                former = self._former[name] = (
                    flow,
                    self._flow(name, kinds[name], flow, Hints(snapshot, plan, name), now),
                )
            kept[name] = former[1]
        return replace(snapshot, **kept)

    def _flow(self, name: str, kind: type, flow: Flow[Any] | None, hints: Hints, now: float) -> Flow[Any] | None:
        if flow is None:
            return None
        channels = {phase: channel for phase in PHASES if (channel := getattr(flow, phase)) is not None}
        lost = lost_phase(kind, channels)
        made = {}
        for phase, channel in channels.items():
            values: dict[str, float | None] = {}
            for counter, gains in counters(kind):
                path = f"{name}/{phase}/{counter}"
                raw = getattr(channel, counter)
                reading = None if raw is None else hints.reading(raw, now, channel, lost=lost and phase == "total")
                values[counter], gained = self._count(path, reading, now, hints.shape)
                values |= {name: getattr(gained, period) for period, name in gains.items() if period in self._periods}
            made[phase] = replace(channel, **values)
        return Flow(**made)

    def _devices(self, bare: Snapshot, plan: Plan, now: float) -> Mapping[str, Mapping[str, Struct]]:
        devices = dict(bare.devices)
        for device in DEVICES:
            members = bare.devices.get(device.name)
            if members and counters(device.kind):
                former = self._former.get(device.name)
                if former is None or former[0] is not members:
                    whole = members.get(TOTAL)
                    if isinstance(whole, Battery) and "storage" not in plan.sources:
                        members = {**members, TOTAL: self._integrated(whole, now)}
                    kept = {name: self._member(device, name, member, now) for name, member in members.items()}
                    former = self._former[device.name] = (bare.devices[device.name], kept)
                devices[device.name] = former[1]
        return devices

    def _integrated(self, batteries: Battery, now: float) -> Battery:
        """The batteries with the energy that their power amounts to: no CT counts it."""
        moment = integrate.Moment(now, self._clock.monotonic(), self._run)
        self._integral, energy = integrate.advance(self._integral, batteries.power, moment)
        return replace(batteries, energy_charged=energy.charged, energy_discharged=energy.discharged)

    def _member(self, device: Device, name: str, member: Struct, now: float) -> Struct:
        values: dict[str, float | None] = {}
        peak, reported = getattr(member, "power_max", None), getattr(member, "last_report", None)
        for counter, gains in counters(device.kind):
            raw = getattr(member, counter)
            reading = None
            if raw is not None:
                time = now if reported is None else min(reported.timestamp(), now)
                ceiling = None if peak is None else HEADROOM * peak
                alive = isinstance(member, Battery) or bool(getattr(member, "ac_voltage", None))  # ours begins at 0
                reading = Reading(raw=raw, time=time, ceiling=ceiling, lag=SUM_LAG, alive=alive)
            values[counter], gained = self._count(f"{device.name}/{name}/{counter}".lower(), reading, now, days.sunlit)
            values |= {name: getattr(gained, period) for period, name in gains.items() if period in self._periods}
        return replace(member, **values)

    def _count(
        self, path: str, reading: Reading | None, now: float, shape: days.Shape
    ) -> tuple[float | None, days.Totals]:
        """What is published of one counter: where it stands, and what it gained in each period."""
        last = self._last.get(path)
        if last is not None and reading is not None and last.same(reading):
            return last.published, last.totals
        published = None
        if reading is not None:
            step = guard.step(self._counters.get(path), reading, floor=self._floors.pop(path, None))
            self._counters[path], published = step.state, step.published
            self._raw[path] = reading.raw
            if step.repair is not None:
                self._repaired(path, step.repair)
        else:
            self._raw.pop(path, None)
        state, totals, unsure = days.advance(self._days.get(path), published, now, self._zone, shape)
        if state is not None:
            if path not in self._days:
                self._saved = float("-inf")  # what it counts from today is not known twice
            self._days[path] = state
        if reading is None or self._counters[path].suspect is not None:
            self._last.pop(path, None)
        else:
            self._last[path] = _Last(reading.raw, reading.time, published, totals)
        integral = path.startswith("battery/")
        estimated = published is not None and (integral or "today" in unsure)
        (self._estimated.add if estimated else self._estimated.discard)(path)
        return published, totals

    def _repaired(self, path: str, repair: Repair) -> None:
        level: Literal["info", "warning"] = "warning" if repair.outcome == "held" else "info"
        figures = (
            f"the gateway says {repair.raw:.0f} Wh, published {repair.was:.0f} Wh before and {repair.now:.0f} Wh now"
        )
        self._tell(level, f"counter_{repair.outcome}", f"{path}: {repair.why} ({repair.code}: {figures})")
        self._saved = float("-inf")  # written with this snapshot

    def save(self, *, clean: bool = False) -> None:
        """Keep all of it on disk."""
        self._saved = self._clock.monotonic()
        store.save(self._path, self._all(clean=clean))

    def _all(self, *, clean: bool) -> store.Kept:
        integrals = {} if self._integral is None else {TOTAL: self._integral}
        return store.Kept(
            counters=self._counters, days=self._days, integrals=integrals, zone=self._zone_name, clean=clean
        )


class _Last(NamedTuple):
    """What came of a reading that was believed."""

    raw: float
    time: float
    published: float | None
    totals: days.Totals

    def same(self, reading: Reading) -> bool:
        """Does the counter say the same a moment later? Then there is nothing to think about."""
        return reading.raw == self.raw and 0.0 <= reading.time - self.time < MOMENT


_BY_HAND: Mapping[str, Callable[[CounterState], CounterState]] = {"accept": settle.accept, "reset": settle.reset}
