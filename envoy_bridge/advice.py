"""Does it add up? What is odd about an installation, said once, in words that a person can act on. Pure.

Every five minutes their means are judged by a table of checks. What a check finds is said when it was found for as long
as the table says, and withdrawn when it was in order for as long. Time in which a check cannot judge counts for
neither: a reversed production CT stays so over night.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from envoy_bridge.advice_checks import Odd
from envoy_bridge.advice_facts import House, facts
from envoy_bridge.advice_table import CHECKS, PIECE, Check
from envoy_bridge.gateway.wire import Meter
from envoy_bridge.model import Snapshot

_AT_ONCE: Final = 1800.0
"""Seconds that a check may have to last to be of use for a single moment."""
_COUNTS: Final = 2
"""How much more it counts that something is in order than that it is odd, before it is said."""
_FORGOTTEN: Final = 14 * 86400.0
"""Seconds after which advice is withdrawn that nothing was seen of any more: the meter may be gone."""

_ROWS = {row.id: row for row in CHECKS}


def _row(key: str) -> Check:
    """The check of a trace: its key is the check's id and the subject."""
    return _ROWS[key.partition(" ")[0]]


class Advice(Struct, frozen=True, kw_only=True):
    """Something odd, and what to do. `subject`: what it is about (`production/l2`). `since`: when it was first seen."""

    id: str
    subject: str
    text: str
    figure: float | None
    unit: str
    since: datetime


class Trace(Struct, frozen=True, kw_only=True):
    """How long something was found, or found in order again. `since`, `judged`: seconds since 1970."""

    since: float
    judged: float
    found: int = 0
    fine: int = 0
    said: bool = False
    figure: float | None = None
    against: str = ""


class Advisor(Struct, frozen=True, kw_only=True):
    """What is remembered. `began`: the five minutes at hand; `sums`: what has been added up in them, and how often.

    `before`: the means of the five minutes that ended when these began. `meters`: the CTs as last listed. `traces`: by
    check and subject.
    """

    began: float = 0.0
    count: int = 0
    sums: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    before: Mapping[str, float] = field(default_factory=dict)
    meters: tuple[Meter, ...] = ()
    traces: Mapping[str, Trace] = field(default_factory=dict)


class Verdict(NamedTuple):
    """The advisor after a look; all the advice that stands, what of it is new, and what stands no longer."""

    state: Advisor
    advice: tuple[Advice, ...]
    said: tuple[Advice, ...]
    withdrawn: tuple[Advice, ...]


def judge(state: Advisor, snapshot: Snapshot, meters: Sequence[Meter] | None, now: float) -> Verdict:
    """One more snapshot of a gateway, with the CTs that it lists. `now`: seconds since 1970."""
    former, began = state.traces, now - now % PIECE
    if began != state.began:
        state = _next_piece(state, began)
    state = replace(_added(state, facts(snapshot)), meters=tuple(meters or ()))
    standing = _standing(state.traces)
    if state.traces is former:
        return Verdict(state, tuple(standing.values()), (), ())
    before = _standing(former)
    return Verdict(
        state,
        tuple(standing.values()),
        tuple(advice for key, advice in standing.items() if key not in before),
        tuple(advice for key, advice in before.items() if key not in standing),
    )


def findings(snapshot: Snapshot, meters: Sequence[Meter] | None) -> tuple[Advice, ...]:
    """What looks odd at this moment. A moment proves little: what needs hours to be told from a cloud is left out."""
    house = House(facts(snapshot), {}, meters or ())
    return tuple(
        _advice(key, Trace(since=snapshot.time.timestamp(), judged=0, figure=odd.figure, against=odd.against))
        for key, odd in _judged(house).items()
        if odd is not None and _row(key).lasts <= _AT_ONCE
    )


def _added(state: Advisor, figures: Mapping[str, float]) -> Advisor:
    if not figures:
        return state
    sums = dict(state.sums)
    for name, value in figures.items():
        total, count = sums.get(name, (0.0, 0))
        sums[name] = (total + value, count + 1)
    return replace(state, sums=sums, count=state.count + 1)


def _next_piece(state: Advisor, began: float) -> Advisor:
    """Five minutes are over: they are judged, and the next begin."""
    means = {name: total / count for name, (total, count) in state.sums.items() if 2 * count >= state.count}
    traces = state.traces
    if means:
        traces = _traced(traces, _judged(House(means, state.before, state.meters), _standing(traces)), state.began)
    adjoins = began == state.began + PIECE
    return Advisor(began=began, before=means if adjoins else {}, traces=traces)


def _judged(house: House, standing: Iterable[str] = ()) -> dict[str, Odd | None]:
    """What every check that can judge says of its subjects, by id and subject. `standing`: what has been said."""
    found: dict[str, Odd | None] = {}
    odd = {_row(key).id for key in standing}
    for row in CHECKS:
        if odd.isdisjoint(row.unless) and all(house.power(flow) is not None for flow in row.needs):
            for subject, what in row.measure(house).items():
                found[f"{row.id} {subject}"] = what
                if what is not None:
                    odd.add(row.id)
    return found


def _traced(traces: Mapping[str, Trace], judged: Mapping[str, Odd | None], moment: float) -> dict[str, Trace]:
    kept = {key: trace for key, trace in traces.items() if moment - trace.judged < _FORGOTTEN}
    for key, odd in judged.items():
        row, trace = _row(key), kept.pop(key, None)
        later = _found(row, trace, odd, moment) if odd is not None else _fine(row, trace, moment)
        if later is not None:
            kept[key] = later
    said = {_row(key).id for key, trace in kept.items() if trace.said}
    return {key: trace for key, trace in kept.items() if said.isdisjoint(_row(key).unless)}


def _found(row: Check, trace: Trace | None, odd: Odd, moment: float) -> Trace:
    trace = trace or Trace(since=moment, judged=moment)
    if not trace.said:
        trace = replace(trace, figure=odd.figure, against=odd.against)
    found = trace.found + 1
    return replace(trace, judged=moment, found=found, fine=0, said=trace.said or found * PIECE >= row.lasts)


def _fine(row: Check, trace: Trace | None, moment: float) -> Trace | None:
    """In order again."""
    if trace is None:
        return None
    if not trace.said:
        return replace(trace, judged=moment, found=trace.found - _COUNTS) if trace.found > _COUNTS else None
    return None if (trace.fine + 1) * PIECE >= row.gone else replace(trace, judged=moment, fine=trace.fine + 1)


def _standing(traces: Mapping[str, Trace]) -> dict[str, Advice]:
    return {key: _advice(key, trace) for key, trace in sorted(traces.items()) if trace.said}


def _advice(key: str, trace: Trace) -> Advice:
    row, subject = _row(key), key.partition(" ")[2]
    figure = None if trace.figure is None else round(trace.figure)
    shown = "" if figure is None else f"{figure} {row.unit.symbol}"
    return Advice(
        id=row.id,
        subject=subject,
        text=row.words.format(place=_place(subject), figure=shown, against=trace.against),
        figure=figure,
        unit=row.unit.symbol,
        since=datetime.fromtimestamp(trace.since, UTC),
    )


def _place(subject: str) -> str:
    flow, _, phase = subject.partition("/")
    if not phase and flow in ("l1", "l2", "l3"):
        return flow.upper()
    return f"{flow.replace('_', ' ')} CT" + (f" on {phase.upper()}" if phase else "")
