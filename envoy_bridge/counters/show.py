"""How the counters of a gateway stand, for people and for scripts. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.catalog import plain
from envoy_bridge.counters.guard import WHY
from envoy_bridge.counters.line import Code, CounterState, published

Stands = Literal["held", "new", "ok"]

_ORDER: Final[tuple[Stands, ...]] = ("held", "new", "ok")

_YELLOW, _RESET = "\033[1;33m", "\033[0m"


class Row(Struct, frozen=True, kw_only=True):
    """One counter. Energies in Wh, times as topics have them; None: not known, or there is none.

    `stands`: "held" at the last good value, "new" and not published yet, or "ok". `raw`: what the gateway said at the
    time `read`; believed, it is published with `offset` on top. `code`, `since` and `why` tell of what is waited on.
    """

    stands: Stands
    published: float | None
    raw: float
    offset: float
    read: str | None
    code: Code | None = None
    since: str | None = None
    why: str | None = None


def rows(counters: Mapping[str, CounterState]) -> dict[str, Row]:
    """The rows by the path of the counter below the gateway: those that are held first, then by path."""
    made = {path: _row(state) for path, state in sorted(counters.items())}
    return dict(sorted(made.items(), key=lambda item: _ORDER.index(item[1].stands)))


def _row(state: CounterState) -> Row:
    suspect = state.suspect
    line = state.line if suspect is None else suspect.line
    known = Row(
        stands="ok",
        published=state.published,
        raw=line.raw,
        offset=published(state.line.offset),
        read=_moment(line.time),
    )
    if suspect is None:
        return known
    stands: Stands = "held" if state.held else "new"
    return replace(known, stands=stands, code=suspect.code, since=_moment(suspect.since), why=WHY[suspect.code])


def lines(known: Mapping[str, Row], *, coloured: bool) -> Iterator[str]:
    """A table with one line for each counter. In words it says what is waited on, not what will come of it."""
    width = max(map(len, known), default=0)
    yield f"  {'':<4}  {'counter':<{width}}  {'published Wh':>16} {'raw Wh':>16} {'offset Wh':>16}"
    for path, row in known.items():
        mark = "HELD" if row.stands == "held" else f"{row.stands:<4}"
        if coloured and row.stands == "held":
            mark = f"{_YELLOW}{mark}{_RESET}"
        told = "-" if row.published is None else plain(row.published)
        line = f"  {mark}  {path:<{width}}  {told:>16} {plain(row.raw):>16} {plain(row.offset):>16}"
        yield line if row.why is None else f"{line}  {row.code} since {row.since}: {row.why.partition('. ')[0]}"


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else plain(datetime.fromtimestamp(int(seconds), UTC))
