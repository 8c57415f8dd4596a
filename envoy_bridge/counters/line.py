"""What the guard of a lifetime counter reads, keeps and gives. Pure data, and when a reading follows a counter.

A counter is seen as a **line**: `raw + offset` is the energy published of it. As long as readings follow the line, all
that they gain is published and nothing else. A repair is either another offset, or waiting.

All energies are Wh, all times seconds since 1970 UTC, all powers W.
"""

from typing import Final, Literal

from msgspec import Struct

SLACK: Final = 300.0
"""Seconds a figure may be late, by default: gateways bring some of their counters up to date each five minutes only."""

ABSENCE: Final = 30 * 86400.0
"""Seconds: as long as the time since the last reading is taken to be where it is not known: no state on disk, or a
clock that was set back."""

REMEMBERED: Final = 14 * 86400.0
"""Seconds that a line that was left is remembered."""

ANY_CEILING: Final = 100_000.0
"""Watts where the ceiling is not known: more than a house can draw or feed (three phases of 125 A: 86 kW), and still
little enough that megawatt-hours between two polls stand out."""

NOISE: Final = 25.0
NOISE_RATE: Final = 10.0
"""Wh that a counter may fall from one reading to the next without anything being wrong, and watts on top of it for the
time in between: at night the inverters draw up to 9 W, and there are counters from which that is taken off."""

Code = Literal[
    "jump",
    "behind",
    "steady",
    "returned",
    "source_switch",
    "zero",
    "is_today",
    "rollover",
    "halved",
    "vanished",
    "restart",
    "fall",
]
"""What a reading is taken for: the rows of the table in `guard.py`."""

Outcome = Literal["carried", "held", "resumed", "reset"]
"""What was done: gone on at once with another offset; waiting at the last good value; the wait is over, nothing was
lost; what was waited on is a new count, and is gone on with."""


class Reading(Struct, frozen=True, kw_only=True):
    """One reading of a counter, as the gateway gave it.

    `time`: when the counter stood there; the report's own time where it has one, else when the reply came.
    `origin`: what counts: "eim:704643328", the serial number of a meter. None: not known, taken for the same as before.
    `ceiling`: the most watts that the counter can gain. None: not known.
    `lag`: seconds by which the figure may be late. More for a sum over inverters that report when they can.
    `today`: what the gateway itself says was gained today. None: it does not say.
    `alive`: another figure in the same reply shows that the meter counts, so a zero can be true.
    `phase_lost`: in the same reply a phase of this counter is zero or missing.
    """

    raw: float
    time: float
    origin: str | None = None
    ceiling: float | None = None
    lag: float = SLACK
    today: float | None = None
    alive: bool = False
    phase_lost: bool = False

    def produces(self, seconds: float) -> float:
        """Wh: the most that can come in so many seconds."""
        return (ANY_CEILING if self.ceiling is None else self.ceiling) * seconds / 3600


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A counter as it was last seen. `raw + offset` is published. `time` None: not known when."""

    raw: float
    time: float | None = None
    origin: str | None = None
    offset: float = 0.0

    @property
    def total(self) -> float:
        """Wh this line stands for, to three decimals: more were not measured."""
        return published(self.raw + self.offset)

    def read(self, reading: Reading) -> "Line":
        """The line after a reading that belongs to it."""
        return Line(raw=reading.raw, time=reading.time, origin=reading.origin or self.origin, offset=self.offset)

    def elapsed(self, reading: Reading) -> float | None:
        """Seconds from the last reading to this. None: not known. A clock set back by less than the lag counts as 0."""
        if self.time is None or reading.time < self.time - reading.lag:
            return None
        return max(reading.time - self.time, 0.0)

    def allowed(self, reading: Reading) -> float:
        """Wh: the most that can have been gained since the last reading."""
        elapsed = self.elapsed(reading)
        return reading.produces((ABSENCE if elapsed is None else elapsed) + reading.lag)

    def noise(self, reading: Reading) -> float:
        """Wh: the most that the counter can have fallen without anything being wrong."""
        return NOISE + NOISE_RATE * (self.elapsed(reading) or 0.0) / 3600

    def same_origin(self, reading: Reading) -> bool:
        """Whether the same thing counts, as far as is known."""
        return self.origin is None or reading.origin is None or self.origin == reading.origin

    def follows(self, reading: Reading) -> bool:
        """Whether the reading is this counter going on: not lower, and not more than can have been gained."""
        gain = reading.raw - self.raw
        return self.same_origin(reading) and -self.noise(reading) <= gain <= self.allowed(reading)


class Suspect(Struct, frozen=True, kw_only=True):
    """Readings that are not believed, or not yet.

    `line`: what they would be as a new count; its offset leaves out the step and keeps what they gain.
    `since`: when the first unbelieved reading came. `start`, `polls`: since when, and how many, they agree on `line`.
    `unseen`: the most Wh that the counter can have gained before they began to.
    """

    code: Code
    line: Line
    since: float
    start: float
    polls: int = 1
    unseen: float = 0.0


class Left(Struct, frozen=True, kw_only=True):
    """A line that was left for another one at `time`.

    `unseen`: the most Wh that it can have gained before the other one was first seen.
    """

    line: Line
    time: float
    unseen: float


class CounterState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is kept of one counter, in memory and on disk.

    `line`: the counter as it was last believed. `published`: where subscribers stand; None: nothing published yet.
    `suspect`: what is waited on. `left`: lines that were left for another, the last one first, should they come back.
    """

    line: Line
    published: float | None = None
    suspect: Suspect | None = None
    left: tuple[Left, ...] = ()

    @property
    def held(self) -> bool:
        """Whether the published value waits for the counter to be explained or to come back."""
        return self.suspect is not None and self.published is not None


class Repair(Struct, frozen=True, kw_only=True):
    """One event: what was seen (`code`), what was done (`outcome`), and why.

    `raw`: Wh the gateway said. `was`, `now`: Wh published before and after.
    """

    code: Code
    outcome: Outcome
    raw: float
    was: float
    now: float
    why: str


class Step(Struct, frozen=True):
    """What came of a reading. `published` None: publish nothing. A `repair` is to be told, and `state` to be kept."""

    state: CounterState
    published: float | None
    repair: Repair | None = None


def published(energy: float) -> float:
    """Wh as they are published."""
    return round(energy, 3) + 0.0
