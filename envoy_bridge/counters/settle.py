"""How a counter that is held is settled: by the guard when it has waited for long enough, or by a person. Pure."""

from typing import Final

from msgspec.structs import replace

from envoy_bridge.counters.line import CounterState, Left

LINES: Final = 3
"""Lines that were left and are remembered, so that the state stays small."""


def accept(state: CounterState) -> CounterState:
    """A person says: the counter is right. A jump is published; a fall is a reset, since published never falls."""
    suspect = state.suspect
    if suspect is None or state.published is None:
        return state
    line = replace(suspect.line, offset=state.line.offset)
    if line.total < state.published:
        return reset(state)
    return CounterState(line=line, published=line.total, left=state.left)


def reset(state: CounterState) -> CounterState:
    """A person says: it is a new count. Goes on from where published stands, without the step."""
    if state.suspect is None or state.published is None:
        return state
    suspect = state.suspect
    left = Left(line=state.line, time=suspect.line.time or suspect.start, unseen=suspect.unseen)
    published = max(state.published, suspect.line.total)
    return CounterState(line=suspect.line, published=published, left=(left, *state.left)[:LINES])


def set_to(state: CounterState, value: float) -> CounterState:
    """A person says: the energy is `value` Wh now, higher or lower. Goes on from there with what the counter gains."""
    line = state.line if state.suspect is None else state.suspect.line
    return CounterState(line=replace(line, offset=value - line.raw), published=value)
