"""The signs by which the guard tells what has become of a counter. Pure predicates over one reading and the state."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from envoy_bridge.counters.line import REMEMBERED, CounterState, Left, Line, Reading

WRAP: Final = 2**32 / 3600
"""Wh after which a counter of joules in 32 bits starts again: 1 193 046.47."""

WRAP_CLOSE: Final = WRAP / 32
"""Wh (37 000) that may have been gained over a rollover, whatever else it looks like: a house in a day, one inverter in
weeks. Any other step passes for a rollover once in 32 times at most, and that only after a day away."""

WRAP_AWAY: Final = WRAP / 4
"""Wh (298 000) that may have been gained over a rollover while we were away, where nothing else explains the fall: a
house in a sunny week."""

HALF: Final = 0.02
"""Of the counter: how far from a half a halved one may be. The two phases of a battery carry nearly the same."""

NOUGHT: Final = 0.5
"""Wh: below this a counter is zero."""

LATELY: Final = 86400.0
"""Seconds of full power at most that a counter which started again at zero is believed to have counted unseen. A roof
needs days for that; other figures of the same house (a sum over the inverters, say) are far beyond."""

LIKELY: Final = 0.3
"""Of full power: what a roof makes over days at the very most, nights included."""

FORGOTTEN: Final = 3600.0
"""Seconds of full power: subscribers may stand that far ahead of the counter, and it will catch up within the day. A
gateway that lost its power can have forgotten so much. Further ahead, the offset on disk is not the one they had."""


@dataclass(frozen=True, slots=True)
class Case:
    """One reading of a counter that has been published.

    `was`: Wh published so far. `floor`: where subscribers stand, if that is higher than the state knew; else None.
    """

    state: CounterState
    reading: Reading
    was: float
    floor: float | None = None

    @property
    def line(self) -> Line:
        """The counter as it was last believed."""
        return self.state.line

    @property
    def gain(self) -> float:
        """Wh gained since the last believed reading."""
        return self.reading.raw - self.line.raw


def stays_up(case: Case) -> bool:
    """A jump is waited on, and the reading goes on from it. Asked first: in time any jump could have been produced."""
    suspect = case.state.suspect
    return suspect is not None and suspect.code == "jump" and suspect.line.follows(case.reading)


def behind(case: Case) -> bool:
    """After a start: the counter goes on, but subscribers were told of more than it and the state on disk know."""
    if case.floor is None or not follows(case):
        return False
    return case.floor - case.line.read(case.reading).total > case.reading.produces(FORGOTTEN)


def follows(case: Case) -> bool:
    """The counter goes on."""
    return case.line.follows(case.reading)


def lines_left(case: Case) -> tuple[Left, ...]:
    """The line that was left and that the reading follows, and all that were left before it; empty: there is none.

    Of several, it is the one that steps the least.
    """
    steps = [
        (abs(left.line.read(case.reading).total - case.was), place)
        for place, left in enumerate(case.state.left)
        if _came_back(case, left)
    ]
    return case.state.left[min(steps)[1] :] if steps else ()


def _came_back(case: Case, left: Left) -> bool:
    """Whether the line makes of the time in between what it can have made.

    That is three times what was published meanwhile: the line it was left for may have lacked two phases of three. But
    no more than a day of full power beyond it, and besides what nobody saw when it was left, and by now. All that
    could have been produced would let any jump pass, after some days.
    """
    line, reading = left.line, case.reading
    if line.elapsed(reading) is None or reading.time - left.time > REMEMBERED or reading.phase_lost:
        return False
    gained, told = line.read(reading).total - line.total, case.was - line.total
    likely = min(3 * told, told + reading.produces(LATELY)) + reading.produces(FORGOTTEN)
    return line.follows(reading) and gained <= likely + left.unseen + case.line.allowed(reading)


def unseen(case: Case) -> float:
    """Wh that are likely to have been gained at most since the last believed reading."""
    return case.reading.produces(LIKELY * (case.line.elapsed(case.reading) or 0.0) + case.reading.lag)


def foreign(case: Case) -> bool:
    """Another meter or another figure of the gateway answers for the counter."""
    return not case.line.same_origin(case.reading)


def zero(case: Case) -> bool:
    """The counter is zero, or below."""
    return case.gain < 0 and case.reading.raw < NOUGHT


def is_today(case: Case) -> bool:
    """The counter fell to what the gateway says of today."""
    today = case.reading.today
    return case.gain < 0 and today is not None and abs(case.reading.raw - today) < 1


def wraps(case: Case, most: float) -> int:
    """How many times 2^32 J were taken off the counter, having gained `most` Wh at most besides. 0: none.

    Below 0: so many were put back; newer firmware counts further than the one before.
    """
    fallen = ceil((-case.gain - case.line.noise(case.reading)) / WRAP)
    gain = case.gain + fallen * WRAP
    return fallen if gain <= min(case.line.allowed(case.reading), most) else 0


def halved(case: Case) -> bool:
    """The counter is half of what it was, or of what it can be by now; of a long absence, a day counts."""
    gain = case.reading.produces(min(case.line.elapsed(case.reading) or 0.0, LATELY))
    twice = 2 * case.reading.raw
    return case.gain < 0 and (1 - HALF) * case.line.raw < twice < (1 + HALF) * (case.line.raw + gain)


def vanished(case: Case) -> bool:
    """The counter fell, and one of its phases is missing."""
    return case.gain < 0 and case.reading.phase_lost


def restarted(case: Case) -> bool:
    """The counter is so low that it can have started at zero since the last believed reading."""
    elapsed = case.line.elapsed(case.reading)
    if elapsed is None:
        return False
    since_zero = case.reading.produces(min(elapsed, LATELY) + case.reading.lag)
    return case.gain < 0 and 0 <= case.reading.raw <= since_zero


def wrapped(case: Case) -> bool:
    """The step is 2^32 J or a multiple: to a day's gain, or where nothing else explains it, to that of a week away.

    Only a step is: what has been waited on for a while is not, though it may grow to that figure.
    """
    if case.state.suspect is not None and case.state.suspect.line.follows(case.reading):
        return False
    if wraps(case, WRAP_CLOSE):
        return True
    unexplained = not (halved(case) or restarted(case)) and case.line.elapsed(case.reading) is not None
    return unexplained and wraps(case, WRAP_AWAY) > 0


def fallen(case: Case) -> bool:
    """The counter is lower, and nothing tells why."""
    return case.gain < 0


def jumped(_case: Case) -> bool:
    """What is left: the counter is higher than can be."""
    return True
