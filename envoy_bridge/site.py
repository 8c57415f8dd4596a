"""Several gateways of one house as one more gateway, `site`: what adds up is added, one meter stands for the grid.

Only totals are added: `l1` of one gateway and `l1` of another need not be the same conductor. A sum that lacks a part
would be a wrong number, so it is unknown until every gateway that has a part is known.

The parts are readings of different moments, up to one cadence apart. So is what follows from them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from msgspec.structs import replace

from envoy_bridge.catalog import flows, quantities
from envoy_bridge.clock import Clock
from envoy_bridge.derive import derive
from envoy_bridge.gateway.plan import OF_BATTERIES
from envoy_bridge.logs import get_logger
from envoy_bridge.model import WATT, WATT_HOUR, Channel, Flow, Snapshot, scaled
from envoy_bridge.settings import SiteSection
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings, Sink

log = get_logger(__name__)

SITE: Final = "site"
"""Stands where a serial number stands."""

ADDED: Final = ("production", "storage", "pv3p")
GRID: Final = "net_consumption"

PAUSE: Final = 1.0
"""Seconds between two snapshots of the site, unless all gateways have spoken: a hundred must not make a hundred."""

LARGEST_DIP: Final = 5000.0
"""Watt hours by which the energy used may seem to fall because one of its parts was read later than the others: what
inverters make in the half hour that their reports may be late. A larger fall is a meter that began anew."""

Measured = Literal["net_consumption", "consumption"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who takes part in what.

    `having`: per flow the serials of the gateways that have it, known at the moment or not. `grid`: the serial of the
    gateway whose meter stands for the grid, None where there is none. `measured`: what this meter is a CT for.
    """

    having: Mapping[str, Collection[str]]
    grid: str | None = None
    measured: Measured = "net_consumption"


def site_of(snapshots: Mapping[str, Snapshot], rules: Rules) -> Snapshot:
    """The site as it follows from the newest snapshot of each of its gateways, by serial. At least one must be there.

    `time` is that of the oldest part, gateways of which nothing is known left out.
    """
    parts = {name: [_total(snapshots.get(serial), name) for serial in rules.having.get(name, ())] for name in ADDED}
    known: dict[str, Any] = {name: _sum(name, channels) for name, channels in parts.items() if channels}
    if rules.grid is not None:
        known[rules.measured] = getattr(snapshots.get(rules.grid), rules.measured, None)
    follows = "consumption" if rules.measured == GRID else GRID
    return derive(Snapshot(serial=SITE, time=_oldest(snapshots.values()), **known), frozenset({follows, "home"}))


def _total(snapshot: Snapshot | None, flow: str) -> Channel | None:
    return getattr(getattr(snapshot, flow, None), "total", None)


def _sum(flow: str, channels: Iterable[Channel | None]) -> Flow[Any]:
    """A flow of the sums of power and energy: voltages do not add up, nor do apparent powers of different phases."""
    kind, channels = dict(flows())[flow], list(channels)
    added = {}
    for name, what in quantities(kind):
        if what.unit in (WATT, WATT_HOUR):
            values = [getattr(channel, name, None) for channel in channels]
            known = [value for value in values if value is not None]
            added[name] = scaled(sum(known)) if len(known) == len(values) else None
    return Flow(total=kind(**added))


def _oldest(snapshots: Collection[Snapshot]) -> datetime:
    telling = [snapshot.time for snapshot in snapshots if any(getattr(snapshot, name) for name in (*ADDED, GRID))]
    return min(telling) if telling else max(snapshot.time for snapshot in snapshots)


def steady(snapshot: Snapshot, before: float | None) -> Snapshot:
    """The snapshot with an energy used that is not less than `before` (Wh), where it is only a little less."""
    flow = snapshot.consumption
    if before is None or flow is None or flow.total is None or flow.total.energy_lifetime is None:
        return snapshot
    if not flow.total.energy_lifetime < before <= flow.total.energy_lifetime + LARGEST_DIP:
        return snapshot
    return replace(snapshot, consumption=replace(flow, total=replace(flow.total, energy_lifetime=before)))


def grid_meter(candidates: Collection[str], named: str | None) -> str | None:
    """The serial of the gateway whose meter stands for the grid: the named one, or the only one; else None."""
    if named is not None:
        return named if named in candidates else None
    return next(iter(candidates)) if len(candidates) == 1 else None


def measures_total(info: Mapping[str, Any]) -> bool:
    """Has this gateway a CT for what the house uses, and none for the connection to the grid? From its `info`."""
    enabled = {meter["measurement"] for meter in info["meters"] if meter["state"] == "enabled"}
    return "total-consumption" in enabled and "net-consumption" not in enabled


def supplied(info: Mapping[str, Any]) -> set[str]:
    """What a gateway supplies, from its `info`. One with batteries has `storage`, even if no meter tells it.

    Then the sum over all batteries of the house is unknown, and not that of those which have a meter.
    """
    names = set(info["sources"])
    return names | {"storage"} if names & OF_BATTERIES else names


class Site:
    """A sink before another: passes everything on and adds what the gateways make together, as a gateway named `site`.

    `gateways`: how many there are. With fewer than two that take part nothing is added. Nothing of the site is told
    before each of them has told something: a sum of some would be wrong, and its counters would jump later.
    """

    def __init__(self, sink: Sink, settings: SiteSection, gateways: int, clock: Clock) -> None:
        self._sink = sink
        self._settings = settings
        self._size = gateways if settings.gateways is None else len(set(settings.gateways))
        self._clock = clock
        self._snapshots: dict[str, Snapshot] = {}
        self._having: Mapping[str, set[str]] = {name: set() for name in (*ADDED, GRID)}
        self._measuring_total: set[str] = set()
        self._online: set[str] = set()
        self._told_online: bool | None = None
        self._told_info: Mapping[str, Any] = {}
        self._told_trouble: set[str] = set()
        self._told_at = float("-inf")
        self._awaited: set[str] = set()
        self._energy_used: float | None = None

    def _takes_part(self, serial: str) -> bool:
        chosen = self._settings.gateways
        return self._size > 1 and (chosen is None or serial in chosen)

    def snapshot(self, snapshot: Snapshot) -> None:
        """See `Sink`."""
        self._sink.snapshot(snapshot)
        if self._takes_part(snapshot.serial):
            self._snapshots[snapshot.serial] = snapshot
            if len(self._snapshots) == self._size and self._is_due(snapshot.serial):
                self._tell()

    def _is_due(self, serial: str) -> bool:
        """Has it been a while, or has every gateway told something since? Then readings lie close together."""
        self._awaited.discard(serial)
        now = self._clock.monotonic()
        if self._awaited and now - self._told_at < PAUSE:
            return False
        self._told_at = now
        self._awaited = self._snapshots.keys() - {serial}
        return True

    def _tell(self) -> None:
        grid = grid_meter(self._having[GRID], self._settings.grid_meter)
        if grid is None:
            self._advise()
        self._tell_info(grid)
        measured: Measured = "consumption" if grid in self._measuring_total else "net_consumption"
        site = site_of(self._snapshots, Rules(having=self._having, grid=grid, measured=measured))
        site = steady(site, self._energy_used)
        if site.consumption is not None and site.consumption.total is not None:
            self._energy_used = site.consumption.total.energy_lifetime or self._energy_used
        self._sink.snapshot(site)

    def availability(self, serial: str, *, online: bool) -> None:
        """See `Sink`. The site is online when all its gateways are; its next snapshot is not held back."""
        self._sink.availability(serial, online=online)
        if not self._takes_part(serial):
            return
        (self._online.add if online else self._online.discard)(serial)
        self._awaited.clear()
        whole = len(self._online) == self._size
        if whole is not self._told_online:
            self._told_online = whole
            self._sink.availability(SITE, online=whole)

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """See `Sink`. What a gateway has ever supplied in this run it has: without it a sum is not whole."""
        self._sink.info(serial, info)
        if not self._takes_part(serial):
            return
        for name in self._having.keys() & supplied(info):
            self._having[name].add(serial)
        (self._measuring_total.add if measures_total(info) else self._measuring_total.discard)(serial)

    def event(self, event: Event) -> None:
        """See `Sink`."""
        self._sink.event(event)

    def holdings(self, holdings: Holdings) -> None:
        """See `Sink`."""
        self._sink.holdings(holdings)

    def cloud(self, message: CloudMessage) -> None:
        """See `Sink`."""
        self._sink.cloud(message)

    def _tell_info(self, grid: str | None) -> None:
        added = {name: sorted(self._having[name]) for name in ADDED if self._having[name]}
        info = {"serial": SITE, "gateways": sorted(self._snapshots), "grid_meter": grid, "sums": added}
        if info != self._told_info:
            self._told_info = info
            self._sink.info(SITE, info)

    def _advise(self) -> None:
        """Say once why the site has no net consumption, where the configuration can help."""
        named, candidates = self._settings.grid_meter, sorted(self._having[GRID])
        choice = " or ".join(f'"{serial}"' for serial in candidates)
        if named is not None:
            code = "grid_meter_missing"
            what = f"gateway {named}, which [site] grid_meter names, tells no net consumption"
            advice = f"name {choice}" if choice else "take the key away"
        elif candidates:
            code = "grid_meter_ambiguous"
            what = f"{len(candidates)} gateways tell a net consumption"
            advice = f"name the one whose meter is at the grid: [site] grid_meter = {choice}"
        else:
            return
        if code not in self._told_trouble:
            self._told_trouble.add(code)
            message = f"{what}; {advice}. Until then the site has no net_consumption, consumption and home"
            log.warning(code, gateway=SITE, message=message)
            self._sink.event(Event(level="warning", code=code, message=message, source=SITE, time=self._clock.wall()))
