"""What a battery without a CT was charged with and gave back, integrated from its power. Pure.

Power is taken to go in a straight line from one reading to the next. Against holding each reading until the next, that
halves the error of a step at an unknown moment, and follows a slope exactly. What it gives is an estimate always.
"""

from typing import NamedTuple

from msgspec import Struct

from envoy_bridge.model import scaled

LONGEST_GAP = 600.0
"""Seconds: between readings further apart the power is not known, and nothing is added. Batteries are asked each
minute: this bridges a few failed polls and a restart."""

_HOUR = 3600.0


class Moment(NamedTuple):
    """When a reading was taken: `wall` and `monotonic` seconds, and the run of the program they were read in.

    `run` differs from one run to the next. Only within a run do two monotonic times make a width.
    """

    wall: float
    monotonic: float
    run: str


class Integral(Struct, frozen=True):
    """What is kept of a battery, in memory and on disk: Wh so far, not rounded, and its last reading."""

    charged: float
    discharged: float
    power: float
    time: Moment


class Energy(NamedTuple):
    """Wh, both only grow. None: the power has never been known."""

    charged: float | None = None
    discharged: float | None = None


def advance(state: Integral | None, power: float | None, now: Moment) -> tuple[Integral | None, Energy]:
    """Take in a reading: the state from now on, and the energies.

    Args:
        state: What this function gave last; None before the first reading of all, where both energies are 0.
        power: Watts, + = the battery supplies the house; None when it is not known, which changes nothing.
        now: When it was read. Setting the wall clock adds and loses nothing while the program runs; across a restart
            the wall clock is all there is.
    """
    if power is None:
        return state, _energy(state)
    if state is None:
        state = Integral(0.0, 0.0, power, now)
    hours = _width(state.time, now) / _HOUR
    state = Integral(
        charged=state.charged + hours * _mean_above_zero(-state.power, -power),
        discharged=state.discharged + hours * _mean_above_zero(state.power, power),
        power=power,
        time=now,
    )
    return state, _energy(state)


def _energy(state: Integral | None) -> Energy:
    return Energy() if state is None else Energy(scaled(state.charged), scaled(state.discharged))


def _width(last: Moment, now: Moment) -> float:
    """Seconds to integrate over; 0 where the power in between is not known."""
    width = now.monotonic - last.monotonic if now.run == last.run else now.wall - last.wall
    return width if 0.0 < width <= LONGEST_GAP else 0.0


def _mean_above_zero(start: float, end: float) -> float:
    """The mean of a straight line from `start` to `end`, of which only what lies above 0 counts."""
    low, high = min(start, end), max(start, end)
    if low >= 0.0:
        return (low + high) / 2
    return 0.0 if high <= 0.0 else high * high / (high - low) / 2
