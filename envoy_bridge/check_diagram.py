"""The CTs of a site as a small drawing with what they measure now, and a table of its phases beneath. Pure.

At most 79 columns wide.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from envoy_bridge.catalog import PHASES, flows
from envoy_bridge.gateway.devices.base import TOTAL
from envoy_bridge.model import Flow, Snapshot

_INSIDE: Final = 12
"""Columns inside a box."""
_BETWEEN: Final = 15
"""Columns between two boxes."""
_WIDE: Final = _INSIDE + 2
_CENTRE: Final = _WIDE + _BETWEEN + _WIDE // 2
"""The column of the middle of the house."""
_STILL: Final = 0.5
"""Watts. Less flows nowhere."""

_COLUMNS: Final = (
    ("power", "W", ".0f"),
    ("voltage", "V", ".1f"),
    ("current", "A", ".2f"),
    ("power_factor", "PF", ".2f"),
)


@dataclass(frozen=True, slots=True)
class Pens:
    """What is drawn with. `corners`: top left, top right, bottom left, bottom right; `heads`: left, right, up, down."""

    across: str
    down: str
    corners: str
    heads: str


LINES: Final = Pens("─", "│", "┌┐└┘", "◀▶▲▼")
ASCII: Final = Pens("-", "|", "++++", "<>^v")


def diagram(snapshot: Snapshot, measured: Collection[str], pens: Pens = ASCII) -> list[str]:
    """Panels, house, grid and batteries, with arrows the way the power flows. `measured`: the flows that have a CT.

    Empty where nothing is known of any of them.
    """
    production, net = _power(snapshot.production), _power(snapshot.net_consumption)
    house, batteries = _house(snapshot), _batteries(snapshot)
    if production is house is net is batteries is None:
        return []
    label = "house [CT]" if "consumption" in measured else "house"
    gap = " " * _BETWEEN
    top, bottom = (pens.corners[at] + pens.across * _INSIDE + pens.corners[at + 1] for at in (0, 2))
    lines = [
        gap.join(f"{name:^{_WIDE}}" for name in ("panels", label, "grid")),
        gap.join([top] * 3),
        _box(production, pens)
        + _arrow(production, pens, ct="production" in measured)
        + _box(house, pens)
        + _arrow(None if net is None else -net, pens, ct="net_consumption" in measured)
        + _box(net, pens),
        gap.join([bottom] * 3),
    ]
    others = _power(snapshot.pv3p)
    words = (
        f"+ {others:.0f} W pv3p" if others else _word(production, "producing", "using"),
        _word(net, "import", "export"),
    )
    has_batteries = snapshot.storage is not None or batteries is not None
    middle = pens.heads[2] if has_batteries and (batteries or 0) >= _STILL else pens.down if has_batteries else ""
    lines.append(f"{f'{words[0]:^{_WIDE}}':<{_CENTRE}}{middle:<{_WIDE + _BETWEEN - _WIDE // 2}}{words[1]:^{_WIDE}}")
    if has_batteries:
        lines += _below(snapshot, batteries, pens, ct="storage" in measured)
    return [line.rstrip() for line in lines]


def _below(snapshot: Snapshot, power: float | None, pens: Pens, *, ct: bool) -> Iterator[str]:
    """The batteries under the house, from the second line of the arrow on."""
    yield " " * _CENTRE + pens.down if not ct else " " * (_CENTRE - 2) + "[CT]"
    yield " " * _CENTRE + (pens.heads[3] if power is not None and power <= -_STILL else pens.down)
    left = " " * (_WIDE + _BETWEEN)
    charge = _charge(snapshot)
    words = [_word(power, "discharging", "charging"), "" if charge is None else f"{charge:.0f} %"]
    yield left + pens.corners[0] + pens.across * _INSIDE + pens.corners[1]
    yield left + _box(power, pens) + "  " + ", ".join(filter(None, words))
    yield left + pens.corners[2] + pens.across * _INSIDE + pens.corners[3]
    yield left + f"{'batteries':^{_WIDE}}"


def table(snapshot: Snapshot) -> list[str]:
    """What is known of each flow and its phases: watts, volts, amperes, power factor. No empty columns."""
    rows = []
    for name, _ in flows():
        flow: Flow[Any] | None = getattr(snapshot, name)
        for phase in PHASES:
            channel = getattr(flow, phase, None)
            values = [getattr(channel, key, None) for key, _, _ in _COLUMNS]
            if any(value is not None for value in values):
                rows.append((name if phase == TOTAL else f"  {phase.upper()}", values))
    used = [at for at in range(len(_COLUMNS)) if any(values[at] is not None for _, values in rows)]
    if not rows:
        return []
    head = " " * 16 + "".join(f"{_COLUMNS[at][1]:>10}" for at in used)
    lines = (f"{name:<16}" + "".join(f"{_cell(values[at], at):>10}" for at in used) for name, values in rows)
    return [head, *(line.rstrip() for line in lines)]


def _cell(value: float | None, column: int) -> str:
    return "" if value is None else format(round(value, 2) + 0.0, f"z{_COLUMNS[column][2]}")


def _box(power: float | None, pens: Pens) -> str:
    text = "not known" if power is None else f"{abs(power):.0f} W"
    return f"{pens.down}{text:^{_INSIDE}}{pens.down}"


def _arrow(power: float | None, pens: Pens, *, ct: bool) -> str:
    """Above 0: to the right."""
    near, far = pens.across * 3, pens.across * 5
    mark = "[CT]" if ct else pens.across * 4
    if power is None or abs(power) < _STILL:
        return f" {near}{pens.across}{mark}{far} " if ct or power is not None else " " * _BETWEEN
    if power > 0:
        return f" {near}{mark}{far}{pens.heads[1]} "
    return f" {pens.heads[0]}{far}{mark}{near} "


def _word(power: float | None, positive: str, negative: str) -> str:
    if power is None or abs(power) < _STILL:
        return ""
    return positive if power > 0 else negative


def _power(flow: Flow[Any] | None) -> float | None:
    return None if flow is None else getattr(flow.total, "power", None)


def _house(snapshot: Snapshot) -> float | None:
    """What the house itself uses; where there are no batteries that is the consumption."""
    home = _power(snapshot.home)
    if home is not None or snapshot.storage is not None or _batteries(snapshot) is not None:
        return home
    return _power(snapshot.consumption)


def _batteries(snapshot: Snapshot) -> float | None:
    """Watts, above 0 discharging: by the CT, else by what the batteries say."""
    measured = _power(snapshot.storage)
    return measured if measured is not None else _of_all(snapshot, "power")


def _charge(snapshot: Snapshot) -> float | None:
    """Percent."""
    return _of_all(snapshot, "soc")


def _of_all(snapshot: Snapshot, key: str) -> float | None:
    """What all batteries together say; they are counted as batteries where there are several kinds."""
    kinds = (snapshot.devices.get(kind, {}).get(TOTAL) for kind in ("battery", "ac_battery"))
    return next((value for each in kinds if (value := getattr(each, key, None)) is not None), None)
