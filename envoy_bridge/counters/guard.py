"""A lifetime counter that only grows, whatever the gateway says. Pure: one state and one reading give the next state.

            follows its line                     2^32 J less (or more): another offset, at once
           +-----------------+                  +-----------+
           v                 |                  v           |
      +---------------------------------------------------------+    accept, set: the step is taken as it is
      |  believed: published = max(published, raw + offset)     | <-----------------------------------------+
      +---------------------------------------------------------+                                           |
           |                              ^           ^                                                     |
           | any other step               | comes     | ten readings that agree, for as long as the row     |
           |                              | back      | says, and have grown; or reset by hand              |
           v                              |           |                                                     |
      +---------------------------------------------------------+                                           |
      |  held: published stays; the readings form a new line    | ------------------------------------------+
      +---------------------------------------------------------+    a jump waits for a person only

What becomes of the energy:

* Believed: `raw + offset`. Offsets change in the rows of the table alone, so every Wh that the counter gains is
  published once. A fall of a few Wh is waited out in silence: published stays until the counter is there again.
* Held, and the counter comes back: the offset was never touched, so published catches up with the truth in one step.
* Held, and it is a new count: it goes on from where published stands, plus all that the new count gained since it was
  first seen: `offset = published - first raw`. If the first reading was so low that the count can have started at zero
  since the last believed reading, then all of it was gained unseen: `offset = published`. What was gained between the
  last believed reading and the new beginning nobody knows; it is lost, and not made up.
* The old line is remembered for two weeks. If the counter comes back to it after all, its old offset holds again, and
  the energy of the time in between is right again as well.
* After a start the state on disk may be older than what subscribers were told, the `floor`. Published then begins at
  the floor, and the line goes on from the disk: the counter has grown past the floor, or will. Nothing is added to the
  floor itself. Only where it is out of reach (`behind`) the offset is made to fit it. And if a counter started at zero
  meanwhile, `raw` is added to what the disk says, not to the floor, which may hold a part of it already.
* Without a state on disk the floor stands for it: at an unknown time, of an unknown origin, without an offset.
* The first reading ever seen is believed. A zero is not published, though: it is provisional, until the counter moves,
  another figure shows that the meter counts, or a day has gone by. A gateway that starts would else lead to a step
  from zero to megawatt-hours, and nothing was known before it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from msgspec.structs import replace

from envoy_bridge.counters import signs
from envoy_bridge.counters.line import Code, CounterState, Left, Line, Outcome, Reading, Repair, Step, Suspect
from envoy_bridge.counters.settle import reset
from envoy_bridge.counters.signs import Case

AGREEING = 10
"""Readings that must agree on a new count. At a poll a second the row's patience is longer; at an inverter's reading
each five minutes this is."""

HALF_HOUR = 1800.0
"""Seconds: longer than a gateway takes to start. A new count taken for true too early costs an event, no energy."""

HOUR = 3600.0
DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that can have become of a counter: how it is told, what is done, and why.

    `patience`: seconds that readings must agree before they are taken for a new count; `inf`: never by themselves.
    `from_zero`: a new count of this row can have begun at zero unseen.
    """

    id: Code
    applies: Callable[[Case], bool]
    act: "Callable[[Case, Row], Step]"
    why: str
    patience: float = inf
    from_zero: bool = False


def step(state: CounterState | None, reading: Reading, *, floor: float | None = None) -> Step:
    """Take one reading. `floor`: Wh that subscribers were told last; give it with the first reading after a start."""
    floor = floor or None  # a zero that was published once tells as little as nothing
    if state is None or state.published is None:
        if floor is None:
            return _first(state, reading)
        state = CounterState(line=Line(raw=floor), published=floor)
    was = state.published or 0.0
    ahead = floor if floor is not None and floor > was else None
    case = Case(state, reading, was if ahead is None else ahead, ahead)
    row = next(row for row in TABLE if row.applies(case))
    return row.act(case, row)


def _first(state: CounterState | None, reading: Reading) -> Step:
    """Nothing was published yet."""
    polls, since = 1, reading.time
    if state is not None and state.suspect is not None:
        polls, since = state.suspect.polls + 1, min(state.suspect.since, reading.time)
    line = Line(raw=reading.raw, time=reading.time, origin=reading.origin)
    lasted = polls >= AGREEING and reading.time - since >= DAY
    if reading.raw >= signs.NOUGHT or reading.alive or lasted:
        known = CounterState(line=line, published=max(line.total, 0.0))
        return Step(known, known.published)
    provisional = Suspect(code="zero", line=line, since=since, start=since, polls=polls)
    return Step(CounterState(line=line, suspect=provisional), None)


def _follow(case: Case, _row: Row) -> Step:
    """The counter is believed."""
    return _believe(case, case.line.read(case.reading), case.state.left)


def _return(case: Case, _row: Row) -> Step:
    """The counter is back on a line that was left. All that it was left for since was the fault, and is forgotten."""
    back = signs.lines_left(case)
    believed = _believe(case, back[0].line.read(case.reading), back[1:])
    return replace(believed, repair=believed.repair or _repair(case, "returned", "resumed", believed.state))


def _believe(case: Case, line: Line, left: tuple[Left, ...]) -> Step:
    """Publish the line. Whatever was waited on is over."""
    state = CounterState(line=line, published=max(case.was, line.total), left=left)
    waited = case.state.suspect
    return Step(state, state.published, None if waited is None else _repair(case, waited.code, "resumed", state))


def _unwrap(case: Case, row: Row) -> Step:
    """Put back what the rollover took."""
    times = signs.wraps(case, signs.WRAP_AWAY)
    return _carry(case, row, case.line.offset + times * signs.WRAP)


def _reach(case: Case, row: Row) -> Step:
    """Go on from where subscribers stand."""
    return _carry(case, row, case.was - case.reading.raw)


def _carry(case: Case, row: Row, offset: float) -> Step:
    """Go on at once, with another offset."""
    line = replace(case.line.read(case.reading), offset=offset)
    state = CounterState(line=line, published=max(case.was, line.total), left=case.state.left)
    return Step(state, state.published, _repair(case, row.id, "carried", state))


def _hold(case: Case, row: Row) -> Step:
    """Wait at the last good value; or, if the readings have agreed for long enough, take them for a new count."""
    suspect = _suspect(case, row)
    state = replace(case.state, published=case.was, suspect=suspect)
    agreed = suspect.polls >= AGREEING and case.reading.time - suspect.start >= row.patience
    if agreed and suspect.line.total > case.was:
        taken = reset(state)
        return Step(taken, taken.published, _repair(case, row.id, "reset", taken))
    before = case.state.suspect
    told = before is not None and before.code == row.id
    return Step(state, case.was, None if told else _repair(case, row.id, "held", state))


def _suspect(case: Case, row: Row) -> Suspect:
    """What is waited on, this reading included."""
    reading, before = case.reading, case.state.suspect
    since = reading.time if before is None else min(before.since, reading.time)
    if before is None or not before.line.follows(reading):
        line = Line(raw=reading.raw, time=reading.time, origin=reading.origin, offset=_fresh_offset(case, row))
        return Suspect(code=row.id, line=line, since=since, start=reading.time, unseen=signs.unseen(case))
    line = before.line.read(reading)
    if before.code != row.id:
        return replace(before, code=row.id, line=line, since=since, start=reading.time, polls=1)
    return replace(before, line=line, since=since, start=min(before.start, reading.time), polls=before.polls + 1)


def _fresh_offset(case: Case, row: Row) -> float:
    """The offset of a new count whose first reading this is."""
    raw = case.reading.raw
    if row.from_zero and signs.restarted(case):
        return max(case.line.total + raw, case.was) - raw
    return case.was - raw


def _repair(case: Case, code: Code, outcome: Outcome, state: CounterState) -> Repair:
    now = case.was if state.published is None else state.published
    return Repair(code=code, outcome=outcome, raw=case.reading.raw, was=case.was, now=now, why=WHY[code])


_JUMP = (
    "The counter rose by more than the installation can gain in the time gone by. It is held until it comes back, or "
    "until you say what it is: `envoy-bridge counters` with accept (it is right), reset (go on without the step) or "
    "set (to a figure of yours)."
)

TABLE: tuple[Row, ...] = (
    Row(id="jump", applies=signs.stays_up, act=_hold, why=_JUMP),
    Row(
        id="behind",
        applies=signs.behind,
        act=_reach,
        why="Subscribers stand higher than the counter and what was kept on disk, by more than it can catch up with "
        "soon. It goes on from where they stand.",
    ),
    Row(id="steady", applies=signs.follows, act=_follow, why="The counter goes on."),
    Row(
        id="returned",
        applies=lambda case: bool(signs.lines_left(case)),
        act=_return,
        why="The counter is back where it was before it was taken for a new one. It goes on as if it had never left.",
    ),
    Row(
        id="source_switch",
        applies=signs.foreign,
        act=_hold,
        patience=HOUR,
        from_zero=True,
        why="Another meter answers for the counter, or another figure of the gateway. It is held until the old one is "
        "back; if it does not come back, the new one is gone on with from where the old one stood.",
    ),
    Row(
        id="zero",
        applies=signs.zero,
        act=_hold,
        from_zero=True,
        why="The counter is zero, as it is while a gateway starts. It is held until the counter is back, or counts.",
    ),
    Row(
        id="is_today",
        applies=signs.is_today,
        act=_hold,
        why="The gateway gives what was gained today as the lifetime counter. It is held until the two differ.",
    ),
    Row(
        id="vanished",
        applies=signs.vanished,
        act=_hold,
        patience=DAY,
        why="The counter fell, and one of its phases is missing. It is held until the phase is back.",
    ),
    Row(
        id="rollover",
        applies=signs.wrapped,
        act=_unwrap,
        why="The counter stepped by 2^32 J (1 193 046 Wh) or a multiple: counters of joules in 32 bits start again "
        "there, each inverter's for itself. What the step took is put back.",
    ),
    Row(
        id="halved",
        applies=signs.halved,
        act=_hold,
        patience=DAY,
        why="The counter is half of what it was: one of two phases does not count. It is held until both do.",
    ),
    Row(
        id="restart",
        applies=signs.restarted,
        act=_hold,
        patience=HALF_HOUR,
        from_zero=True,
        why="The counter started again at zero. If that lasts, the new count is added to where the old one stood.",
    ),
    Row(
        id="fall",
        applies=signs.fallen,
        act=_hold,
        patience=HALF_HOUR,
        why="The counter fell, and nothing tells why. If that lasts, it is gone on from where it stood.",
    ),
    Row(id="jump", applies=signs.jumped, act=_hold, why=_JUMP),
)

WHY: dict[Code, str] = {row.id: row.why for row in TABLE}
