"""What there is of each gateway: remembered over restarts, so that what is announced does not depend on the hour.

A sink in front of the others. It tells them what a gateway has (`holdings`) before the first snapshot, and again when
something is new or gone. Something is gone when the gateway says so, or when, though it answers, it has not told it for
a day; a gateway is gone when it is no longer one of those that are read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from envoy_bridge.catalog import PHASES, cloud_of, described, flows, of_cloud, quantities
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.errors import StateError
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.logs import get_logger
from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings, Sink
from envoy_bridge.state import read, write_atomically

log = get_logger(__name__)

GONE_AFTER: Final = 86_400.0
"""Seconds for which a gateway has not told something until it is gone..."""

SURE_AFTER: Final = 600.0
"""...of which so many in this run: after a start a gateway lists its devices by and by."""

KEEP_EVERY: Final = 3600.0
"""Seconds between two writes of when each part was seen last. What is new or gone is written at once."""

LOOK_EVERY: Final = 60.0
"""Seconds between two looks for what is gone."""

PERIODS: Final = frozenset({"today", "week", "month", "year"})
"""What names of counters may end in that begin anew."""

RECENT: Final = 900.0
"""Seconds for which what a gateway counted today is compared with others: later it may be of another day."""

_ORDER: Final = (*(f"{name}/{phase}" for name, _ in flows() for phase in PHASES), *(device.name for device in DEVICES))


class Part(Struct):
    """One part: names of its quantities, and when it was told last (seconds since 1970)."""

    names: list[str]
    seen: float


class Book(Struct):
    """All that is known of one gateway, by path of the part."""

    serial: str
    parts: dict[str, Part] = field(default_factory=dict)


class Page:
    """The book of one gateway while it is read. `path`: its file. Times: `now` by the wall, `moment` monotonic.

    `off`: what the names of quantities end in that are no longer wanted.
    """

    def __init__(self, path: Path, book: Book, moment: float, off: tuple[str, ...] = ()) -> None:
        self._path = path
        self._book = book
        self._off = off
        self._opened = moment
        self._kept = moment
        self._looked = moment
        self._met: dict[str, float] = {}
        self._untold: dict[str, tuple[str, ...]] = {}
        self._members: dict[str, object] = {}
        self._cloud: object = None

    def look(self, snapshot: Snapshot, now: float, moment: float) -> bool:
        """Note what a snapshot tells. Is there anything new or gone?"""
        changed, due = False, moment - self._looked >= LOOK_EVERY
        for path, part, kind in self._fresh(snapshot, flows_too=due or moment - self._opened < SURE_AFTER):
            changed |= part is not None and self._note(path, part, kind, now, moment)
        if due:
            self._looked = moment
            changed |= self._strike(snapshot, now, moment)
        if changed or moment - self._kept >= KEEP_EVERY:
            self._kept = moment
            self.save()
        return changed

    def holdings(self) -> Holdings:
        """What there is, in the order of the model."""
        order = {path: index for index, path in enumerate(_ORDER)}
        known = sorted(self._book.parts, key=lambda path: (order.get(path, order.get(path.partition("/")[0], 0)), path))
        parts = {
            path: tuple(name for name in described(path) if name in self._book.parts[path].names) for path in known
        }
        return Holdings(serial=self._book.serial, parts={path: names for path, names in parts.items() if names})

    def save(self) -> None:
        """Keep it on disk; where that cannot be done, it is learnt anew after the next start."""
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self._path, msgspec.json.encode(self._book))
        except (StateError, OSError) as error:
            log.warning("roster_not_kept", path=str(self._path), reason=str(error)[:200])

    def _fresh(self, snapshot: Snapshot, *, flows_too: bool) -> Iterator[tuple[str, object, type]]:
        """The parts that may have something new to say: devices only when somebody spoke of their kind.

        The flows speak all the time, and say something new seldom.
        """
        for name, kind in flows():
            flow = getattr(snapshot, name) if flows_too else None
            if flow is not None:
                for phase in PHASES:
                    yield f"{name}/{phase}", getattr(flow, phase), kind
        for device in DEVICES:
            members = snapshot.devices.get(device.name)
            if members and members is not self._members.get(device.name):
                self._members[device.name] = members
                for member, part in members.items():
                    yield f"{device.name}/{member}" if member else device.name, part, device.kind
        if snapshot.cloud is not self._cloud:
            self._cloud = snapshot.cloud
            for place, part in snapshot.cloud.items():
                yield place, part, Measured

    def _note(self, path: str, part: object, kind: type, now: float, moment: float) -> bool:
        """Note one part. Does it tell something for the first time?"""
        untold = self._untold.get(path)
        if untold is None:
            untold = tuple(name for name, _ in quantities(kind))
        fresh = [name for name in untold if getattr(part, name) is not None]
        if fresh or path not in self._untold:
            self._untold[path] = tuple(name for name in untold if name not in fresh)
        known = self._book.parts.get(path)
        if known is None:
            if not fresh:
                return False
            known = self._book.parts[path] = Part([], now)
        known.seen, self._met[path] = now, moment
        new = [name for name in fresh if name not in known.names]
        known.names += new
        return bool(new)

    def _strike(self, snapshot: Snapshot, now: float, moment: float) -> bool:
        """Strike out what was not told for so long. Is there such a thing?"""
        if not any(getattr(snapshot, name) for name, _ in flows()) and not any(
            (*snapshot.devices.values(), snapshot.cloud)
        ):
            self._opened = moment  # it is away: its silence says nothing
            self._met.clear()
            return False
        gone = []
        for path, part in self._book.parts.items():
            silent = moment - self._met.get(path, self._opened)
            if _has(snapshot, path):
                part.seen, self._met[path] = now, moment
            elif path in snapshot.gone or (silent >= SURE_AFTER and now - part.seen >= GONE_AFTER):
                gone.append(path)
        for path in gone:
            del self._book.parts[path]
            self._untold.pop(path, None)
        return self._strike_names(all_untold=moment - self._opened >= GONE_AFTER) or bool(gone)

    def _strike_names(self, *, all_untold: bool) -> bool:
        """Strike out single quantities that nobody told in this run: those that are turned off, or all."""
        struck = False
        for path, part in self._book.parts.items():
            untold = self._untold.get(path, ())
            told = [name for name in part.names if name not in untold or not (all_untold or name.endswith(self._off))]
            struck |= len(told) < len(part.names)
            part.names = told
        return struck


def _has(snapshot: Snapshot, path: str) -> bool:
    """Does this snapshot tell something of this part?"""
    if of_cloud(path):
        return path in snapshot.cloud
    name, _, rest = path.partition("/")
    if rest in PHASES and name in dict(flows()):
        return getattr(getattr(snapshot, name), rest, None) is not None
    return rest in snapshot.devices.get(name, {})


class Roster:
    """The books of all gateways, as a sink that passes on what it gets.

    `periods`: those of `PERIODS` that are published of a gateway's counters; what is known of others is struck out.
    """

    def __init__(self, sink: Sink, directory: Path, clock: Clock, periods: Collection[str] = PERIODS) -> None:
        self._sink = sink
        self._folder = directory / "roster"
        self._clock = clock
        self._off = tuple(f"_{period}" for period in PERIODS.difference(periods))
        self._pages: dict[str, Page] = {}
        self._latest: dict[str, Snapshot] = {}

    def energy_today(self, serial: str) -> float | None:
        """What a gateway counted of its production since midnight, in Wh; None: not known, or not any more."""
        latest = self._latest.get(serial)
        if latest is None or self._clock.wall() - latest.time.timestamp() > RECENT:
            return None
        production = latest.production
        return None if production is None or production.total is None else production.total.energy_today

    def snapshot(self, snapshot: Snapshot) -> None:
        """See `Sink`."""
        self._latest[snapshot.serial] = snapshot
        now, moment, page = self._clock.wall(), self._clock.monotonic(), self._pages.get(snapshot.serial)
        first = page is None
        if page is None:
            path = self._path(snapshot.serial)
            off = () if cloud_of(snapshot.serial) else self._off
            page = self._pages[snapshot.serial] = Page(path, _load(path, snapshot.serial), moment, off)
        if page.look(snapshot, now, moment) or first:
            holdings = page.holdings()
            if holdings.parts:  # after its own start a gateway may tell nothing for a while: it is not gone
                self._sink.holdings(holdings)
        self._sink.snapshot(snapshot)

    def begin(self, clouds: Collection[str]) -> None:
        """Nobody has answered yet: what an earlier run that was killed said of availability no longer holds.

        `clouds`: the names of those that are asked. What is remembered of others' sites is told as gone, and forgotten.
        """
        self._forget(lambda serial: cloud_of(serial) not in (None, *clouds))
        serials = {_load(path, path.stem).serial for path in self._folder.glob("*.json")}
        for serial in sorted({serial.rpartition("/")[0] or serial for serial in serials}):
            self._sink.availability(serial, online=False)

    def only(self, serials: Collection[str]) -> None:
        """These are the gateways that are read. What is remembered of others is told as gone, and forgotten."""
        wanted = {serial.lower() for serial in serials}
        self._forget(lambda serial: cloud_of(serial) is None and serial.lower() not in wanted)

    def _forget(self, gone: Callable[[str], bool]) -> None:
        """`gone`: by its serial number, or `cloud/<provider>/<site>`."""
        for path in sorted(self._folder.glob("*.json")):
            serial = _load(path, path.stem.replace(".", "/")).serial
            if gone(serial):
                log.info("gateway_removed", gateway=serial, message="it is no longer read: its topics are cleared")
                self._sink.holdings(Page(path, _load(path, serial), 0.0).holdings())
                self.holdings(Holdings(serial=serial, parts={}))

    def save(self) -> None:
        """Keep everything on disk: the end."""
        for page in self._pages.values():
            page.save()

    def availability(self, serial: str, *, online: bool) -> None:
        """See `Sink`."""
        self._sink.availability(serial, online=online)

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """See `Sink`."""
        self._sink.info(serial, info)

    def event(self, event: Event) -> None:
        """See `Sink`."""
        self._sink.event(event)

    def holdings(self, holdings: Holdings) -> None:
        """See `Sink`. What has no parts is gone, and forgotten."""
        self._sink.holdings(holdings)
        if holdings.parts:
            return
        self._pages.pop(holdings.serial, None)
        try:
            self._path(holdings.serial).unlink(missing_ok=True)
        except OSError as error:  # it is told again after the next start
            log.warning("roster_not_kept", path=str(self._path(holdings.serial)), reason=str(error)[:200])

    def _path(self, serial: str) -> Path:
        return self._folder / f"{serial.lower().replace('/', '.')}.json"

    def cloud(self, message: CloudMessage) -> None:
        """See `Sink`."""
        self._sink.cloud(message)


def _load(path: Path, serial: str) -> Book:
    """The book of a gateway; an empty one where there is none that can be read."""
    try:
        content = read(path)
        return Book(serial) if content is None else msgspec.json.decode(content, type=Book)
    except (StateError, msgspec.DecodeError, RecursionError) as error:
        log.warning("roster_unreadable", path=str(path), reason=str(error)[:200], consequence="it is learnt anew")
        return Book(serial)
