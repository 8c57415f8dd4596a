"""The live view of a terminal: power per flow and phase, redrawn in place; plain lines where there is no terminal."""

import shutil
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

from envoy_bridge.catalog import PHASES, flows
from envoy_bridge.model import Flow, Snapshot
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings

LINES_EVERY: Final = 1.0
"""Seconds between two lines where lines are printed."""

_WIDTH: Final = 28
_BAR: Final = 30
_FULL: Final = 6000.0
"""Watts that fill the bar."""


class Terminal:
    """A sink that shows the newest snapshot of each gateway."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._redraws = out.isatty()
        self._drawn = 0
        self._shown: dict[str, float] = {}
        self._latest: dict[str, Snapshot] = {}
        self.cycles = 0

    def snapshot(self, snapshot: Snapshot) -> None:
        """Show it."""
        self.cycles += 1
        self._latest[snapshot.serial] = snapshot
        if self._redraws:
            self._redraw()
        elif snapshot.time.timestamp() - self._shown.get(snapshot.serial, 0.0) >= LINES_EVERY:
            self._shown[snapshot.serial] = snapshot.time.timestamp()
            self._out.write(_line(snapshot) + "\n")
            self._out.flush()

    def _redraw(self) -> None:
        room = shutil.get_terminal_size().columns
        lines = [line[:room] for snapshot in self._latest.values() for line in table(snapshot)]
        up = f"\033[{self._drawn}A" if self._drawn else ""
        self._out.write(up + "".join(f"\033[2K{line}\n" for line in lines) + "\033[J")
        self._out.flush()
        self._drawn = len(lines)

    def availability(self, serial: str, *, online: bool) -> None:
        """Not shown: a gateway that is away shows no values."""

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """Not shown."""

    def event(self, event: Event) -> None:
        """Not shown: the log has it."""

    def holdings(self, holdings: Holdings) -> None:
        """Not shown."""

    def cloud(self, message: CloudMessage) -> None:
        """Not shown."""


def table(snapshot: Snapshot) -> Iterator[str]:
    """A table of the power of each flow and phase, in watts, and of its counters."""
    yield f"gateway {snapshot.serial}   {snapshot.time.astimezone():%H:%M:%S}".ljust(_WIDTH)
    yield f"{'power in W':<16}" + "".join(f"{phase:>9}" for phase in PHASES)
    for name, _ in flows():
        flow: Flow[Any] | None = getattr(snapshot, name)
        if flow is not None:
            yield f"{name:<16}" + "".join(_cell(getattr(flow, phase)) for phase in PHASES) + "  " + _bar(flow)
    inverters = snapshot.devices.get("inverter", {})
    if inverters:
        online = sum(getattr(inverter, "availability", None) == "online" for inverter in inverters.values())
        yield f"{'inverter':<16}{online:>9} of {len(inverters)} online"


def _cell(channel: Any) -> str:  # noqa: ANN401 - the channel of any flow
    return f"{'' if channel is None or channel.power is None else round(channel.power):>9}"


def _bar(flow: Flow[Any]) -> str:
    power: float = flow.total.power if flow.total is not None and flow.total.power is not None else 0.0
    length = min(_BAR, round(abs(power) / _FULL * _BAR))
    return ("+" if power >= 0 else "-") * length


def _line(snapshot: Snapshot) -> str:
    """One line: the totals, and the phases behind each."""
    parts = []
    for name, _ in flows():
        flow: Flow[Any] | None = getattr(snapshot, name)
        if flow is not None and flow.total is not None and flow.total.power is not None:
            phases = [channel for channel in (flow.l1, flow.l2, flow.l3) if channel is not None]
            shown = " ".join("?" if channel.power is None else str(round(channel.power)) for channel in phases)
            parts.append(f"{name} {round(flow.total.power)}" + (f" ({shown})" if shown else ""))
    return f"{snapshot.time.astimezone():%H:%M:%S} {snapshot.serial}  {'  '.join(parts)}  W"
