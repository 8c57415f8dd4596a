"""A month of a roof, with every fault of a counter at random, restarts, power cuts and a week away: nothing invented,
nothing lost beyond what nobody could know, no fall, and nothing held once a fault is over.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from envoy_bridge.counters.guard import step
from envoy_bridge.counters.line import Code, CounterState, Reading, Repair
from envoy_bridge.counters.settle import reset
from envoy_bridge.counters.signs import WRAP

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
ROOF = 10_000.0
BEGIN = 1_790_035_200.0 // DAY * DAY
EXACT = 0.0015
"""Wh: the counter has three decimals."""

PASSING = ("zero", "is_today", "halved", "vanished", "fall", "jump", "source_switch", "noise", "again")
HIDDEN = ("is_today", "halved", "vanished", "fall", "again")
PLACED = ("fall", "jump", "halved", "vanished")

LASTING = ("rollover", "restart", "fall", "source_switch", "new_meter", "jump")


@dataclass(frozen=True)
class Fault:
    """What happens to a counter, and when. `lasting`: the counter goes on from there. `size`: 0 to 1."""

    kind: str
    start: float
    end: float
    size: float
    lasting: bool = False


@dataclass
class Roof:
    """The truth: what was produced, in Wh, and what the gateway says of it."""

    dice: random.Random
    time: float = BEGIN
    truth: float = 0.0
    midnight: float = 0.0
    beginning: float = 0.0
    """Where the truth stood when the counter was zero."""
    origin: str = "eim:704643328"

    def go_on(self, seconds: float) -> None:
        before = self.time
        self.time += seconds
        sun = 6 * HOUR < self.time % DAY < 20 * HOUR
        power = self.dice.uniform(0, ROOF * 0.7) if sun else 0.0
        if seconds > HOUR:
            power = ROOF * 0.2
        self.truth = round(self.truth + power * seconds / 3600, 3)
        if self.time // DAY > before // DAY:
            self.midnight = self.truth

    @property
    def raw(self) -> float:
        return round(self.truth - self.beginning, 3)

    def strike(self, fault: Fault, since: float) -> None:
        """A lasting fault. `since`: the truth at the reading before; it struck somewhere in between."""
        moment = round(since + fault.size * (self.truth - since), 3)
        wraps = 1 + int(fault.size * 3)
        if fault.kind == "rollover":
            self.beginning += wraps * WRAP
        elif fault.kind == "restart":
            self.beginning = moment
        elif fault.kind == "fall":
            self.beginning += (wraps - 0.7) * WRAP
        elif fault.kind == "jump":
            self.beginning -= (wraps - 0.2) * WRAP
        else:
            self.origin = f"2023000{int(fault.size * 99999):05}"
            counted = 5_000_000 + 4_000_000 * fault.size
            self.beginning = moment if fault.kind == "new_meter" else round(moment - counted, 3)

    def read(self, fault: Fault | None) -> Reading:
        """What the gateway says while a passing fault lasts."""
        today = round(self.truth - self.midnight, 3)
        good = Reading(raw=self.raw, time=self.time, origin=self.origin, ceiling=ROOF, today=today)
        if fault is None:
            return good
        raw, size = good.raw, fault.size
        said = {
            "zero": 0.0,
            "is_today": today,
            "again": max(today - 50 * size, 0),
            "halved": raw * (0.49 + size * 0.02),
            "vanished": raw * (0.6 + size * 0.1),
            "fall": raw - (0.1 + size / 2) * WRAP,
            "jump": raw + (int(size * 6) + 0.8 + size / 8) * WRAP,
            "noise": raw - self.dice.uniform(0, 12),
            "source_switch": 640_883 + self.truth * 0.97,
        }[fault.kind]
        origin = "inverters" if fault.kind == "source_switch" else self.origin
        return msgspec.structs.replace(good, raw=said, origin=origin, phase_lost=fault.kind == "vanished")


@dataclass
class Daemon:
    """Steps the guard, keeps its state on disk every ten minutes and with each repair, and tells subscribers."""

    state: CounterState | None = None
    disk: bytes = b"null"
    saved: float = 0.0
    told: float | None = None
    floor: float | None = None
    repairs: list[Repair] = field(default_factory=list)

    def take(self, reading: Reading) -> None:
        result = step(self.state, reading, floor=self.floor)
        self.state, self.floor = result.state, None
        if result.repair is not None:
            self.repairs.append(result.repair)
        if self.told is not None:
            assert result.published is not None
            assert result.published >= self.told, "a published counter fell"
        self.told = result.published
        if result.repair is not None or reading.time - self.saved >= 10 * MINUTE:
            self.save(reading.time)

    def save(self, time: float) -> None:
        self.disk, self.saved = msgspec.json.encode(self.state), time

    def power_cut(self) -> None:
        self.state = msgspec.json.decode(self.disk, type=CounterState | None)
        self.floor = self.told


def waits(dice: random.Random) -> Iterator[float]:
    """Seconds from one reading to the next: polls, sometimes fast ones, sometimes hours without any."""
    while True:
        if dice.random() < 0.002:
            yield dice.uniform(HOUR, 10 * HOUR)
        for _ in range(dice.randrange(1, 30)):
            yield dice.choice((5.0, MINUTE, 5 * MINUTE, 5 * MINUTE, 15 * MINUTE))


def faults(dice: random.Random) -> list[Fault]:
    """One fault every day and a half; a lasting one has until the next to be settled."""
    made = []
    for number in range(20):
        start = BEGIN + (1 + number * 1.5) * DAY + dice.uniform(0, 6 * HOUR)
        end = start + dice.choice((10.0, MINUTE, 20 * MINUTE, 3 * HOUR, 20 * HOUR))
        lasting = dice.random() < 0.4
        kind = dice.choice(LASTING if lasting else PASSING)
        made.append(Fault(kind, start, end, dice.random(), lasting=lasting))
    return made


def resembles_rollover(fall: float) -> bool:
    """Nobody can tell such a fall from a rollover after a few hours away."""
    return not 0.001 < fall / WRAP % 1 < 0.9


@dataclass
class Month:
    """The roof, the daemon and what is asserted of the two after each reading."""

    seed: int
    error: float = 0.0
    """Published minus the truth: what was lost for good."""
    loss: float = 0.0
    """What a lasting fault that is not settled yet may lose at most."""
    unsettled: Fault | None = None
    beginnings: list[float] = field(default_factory=list)
    """Where the counter began before each lasting fault."""

    def live(self) -> Counter[tuple[Code, str]]:
        self.dice = random.Random(self.seed)  # noqa: S311 - dice, not a secret
        self.roof = Roof(self.dice, truth=self.dice.uniform(5_500_000, 9_000_000) // 1)
        self.daemon = Daemon()
        self.coming = faults(self.dice)
        week = BEGIN + self.dice.uniform(2, 29) * DAY
        for seconds in waits(self.dice):
            away = self.roof.time > week
            week = week + 1000 * DAY if away else week
            self.poll(7 * DAY if away else seconds, cut=away or seconds > HOUR or self.dice.random() < 0.003)
            if self.roof.time > BEGIN + 33 * DAY:
                break
        assert self.unsettled is None
        return Counter((repair.code, repair.outcome) for repair in self.daemon.repairs)

    def poll(self, seconds: float, *, cut: bool) -> None:
        if cut:
            self.daemon.power_cut()
        since, begun = self.roof.truth, self.roof.time
        self.roof.go_on(seconds)
        passing = self.fault_now(since, begun)
        self.daemon.take(self.roof.read(passing))
        if self.unsettled is not None and passing is None:
            self.settle(self.unsettled)
        self.compare(passing)

    def fault_now(self, since: float, begun: float) -> Fault | None:
        """The passing fault of this moment, if there is one. A lasting one strikes."""
        while self.coming and self.coming[0].start <= self.roof.time:
            fault = self.coming[0]
            if not fault.lasting:
                if self.roof.time < fault.end or begun < fault.start:
                    return None if self.unsettled or self.is_hidden(fault, begun) else fault
                self.coming.pop(0)
                continue
            self.coming.pop(0)
            state = self.daemon.state
            if state is None or self.unsettled is not None or self.roof.time - (state.line.time or 0) > DAY:
                continue
            if self.roof.raw < 4 * WRAP or (fault.kind == "restart" and resembles_rollover(self.roof.raw)):
                fault = replace(fault, kind="source_switch")
            before, beginning, origin = self.known_truth(), self.roof.beginning, self.roof.origin
            self.roof.strike(fault, since)
            if any(abs(self.roof.beginning - old) < 0.5 * WRAP for old in self.beginnings):
                self.roof.beginning, self.roof.origin = beginning, origin
                continue
            self.beginnings.append(beginning)
            known = fault.kind in ("restart", "new_meter")
            self.loss = 0.0 if fault.kind == "rollover" else self.roof.truth - (self.roof.raw if known else 0) - before
            self.unsettled = fault
            self.repairs = len(self.daemon.repairs)
        return None

    def is_hidden(self, fault: Fault, begun: float) -> bool:
        """Whether nobody could tell the fault.

        From what the counter gained in a week; from a start at zero, where the counter is some days old; from its
        coming back, where it is put where it was some days ago; from a rollover.
        """
        raw = self.roof.read(fault).raw
        return (
            self.roof.time - begun > DAY
            or (fault.kind in HIDDEN and self.roof.raw < 1.5 * WRAP)
            or (fault.kind == "halved" and resembles_rollover(self.roof.raw - raw))
            or (fault.kind in PLACED and any(abs(raw - self.roof.truth + old) < 0.5 * WRAP for old in self.beginnings))
        )

    def known_truth(self) -> float:
        """The truth at the last reading that the daemon remembers."""
        assert self.daemon.state is not None
        return self.daemon.state.line.raw + self.roof.beginning

    def settle(self, fault: Fault) -> None:
        """See whether the lasting fault is settled, at what loss. A person resets a jump after some hours."""
        state = self.daemon.state
        assert state is not None
        waiting = state.suspect is not None and state.suspect.code == "jump"
        if fault.kind == "jump" and waiting and self.roof.time > fault.start + 5 * HOUR:
            self.daemon.state = reset(state)
            self.daemon.told = self.daemon.state.published
            self.daemon.save(self.roof.time)
        assert self.daemon.told is not None
        if self.daemon.state is not None and not self.daemon.state.held:
            error = self.daemon.told - self.roof.truth
            assert self.error - self.loss - EXACT <= error <= self.error + EXACT
            self.error, self.unsettled = error, None

    def compare(self, passing: Fault | None) -> None:
        if self.daemon.told is None:
            return
        assert self.daemon.told <= self.roof.truth + self.error + EXACT, "a watt-hour was invented"
        if passing is None and self.unsettled is None:
            assert self.daemon.told == pytest.approx(self.roof.truth + self.error, abs=EXACT), "something is held"


def test_the_months_of_many_roofs() -> None:
    seen: Counter[tuple[Code, str]] = Counter()
    for seed in range(40):
        try:
            seen += Month(seed).live()
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
    codes = ("zero", "is_today", "halved", "vanished", "restart", "fall", "jump", "source_switch")
    assert {code for code, outcome in seen if outcome == "held"} == set(codes)
    assert {code for code, outcome in seen if outcome == "reset"} >= {"restart", "fall", "source_switch"}
    assert seen["rollover", "carried"] > 20
    assert seen["returned", "resumed"] > 20
