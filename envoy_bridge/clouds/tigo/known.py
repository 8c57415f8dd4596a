"""What was learnt about the systems of a Tigo account, so that a restart need not ask again. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.clouds.report import SITE, CloudDevice, Sample, SiteReport
from envoy_bridge.clouds.tigo.login import Token
from envoy_bridge.clouds.tigo.parse import Tree
from envoy_bridge.clouds.tigo.series import Series
from envoy_bridge.clouds.tigo.times import zone_of

UPDATES: Final = 10
"""Times of a change that are remembered: servers behind one address need not learn of it in the same moment."""

MISSED: Final = timedelta(days=1)
"""For how long there may have been a new device before we hear of it."""


class Known(Struct, frozen=True, omit_defaults=True):
    """One system.

    `devices`: of its objects, None: never asked; `parts`, `keys`: as in `Tree`. `loggers`: None: never asked.
    `updates`: when its configuration was changed, in Tigo's words; `changes`: how many changes we heard of.
    `reached`: until when a series is known, by its name; seconds since 1970.
    """

    zone: str | None = None
    devices: tuple[CloudDevice, ...] | None = None
    parts: Mapping[str, str] = {}
    keys: Mapping[str, str] = {}
    loggers: tuple[CloudDevice, ...] | None = None
    updates: tuple[str, ...] = ()
    changes: int = 0
    reached: Mapping[str, float] = {}

    def time_zone(self) -> ZoneInfo | None:
        """Its time zone; without one no table can be read."""
        return zone_of([self.zone])

    def in_zone(self, names: Iterable[str | None]) -> "Known":
        """With the first of these zones, if it is one."""
        zone = zone_of([*names, self.zone])
        return replace(self, zone=zone.key if zone else None)

    def with_objects(self, tree: Tree, now: datetime) -> "Known":
        """With its objects as they are now. What new ones did until now is still to be asked for."""
        reached = self.reached
        if not tree.parts.keys() <= self.parts.keys():
            reached = {name: min(end, (now - MISSED).timestamp()) for name, end in reached.items()}
        return replace(self, devices=tuple(tree.devices()), parts=tree.parts, keys=tree.keys, reached=reached)

    def as_of(self, updated: str | None, *, listed: bool = False) -> "Known":
        """With what an answer says of when it was changed. `listed`: it has the objects as they are since then.

        The form of that time is not documented: one that we have not met yet is a change, but for the first one.
        """
        if not updated or updated in self.updates:
            return self
        news = bool(self.updates) and not listed
        return replace(self, updates=(*self.updates, updated)[-UPDATES:], changes=self.changes + news)

    def up_to(self, series: Series, samples: Iterable[Sample], start: datetime, again: datetime) -> "Known":
        """With what is complete of a series now, that was asked for from `start` on, and need not be before `again`."""
        ends = [each.end.timestamp() for each in samples if each.kind != "instant" and each.quality == "ok"]
        newest = max([*ends, self.reached.get(series.name, start.timestamp()), again.timestamp()])
        return replace(self, reached={**self.reached, series.name: newest})

    def objects_for(self, series: Series) -> list[str]:
        """The ids of the objects of which this is asked."""
        return [key for key, part in self.parts.items() if series.covers(part)]

    def report(self, site: str, samples: Iterable[Sample] = (), *, devices: bool = False) -> SiteReport:
        """What is told of it. `devices`: with all of them, once all are known."""
        listed = None
        if devices and self.devices is not None and self.loggers is not None:
            listed = (*self.loggers, *self.devices)
        return SiteReport(site=site, zone=self.zone, devices=listed, samples=tuple(samples))

    def modules(self, now: datetime) -> Sample:
        """How many panels it has."""
        count = sum(device.kind == "panel" for device in self.devices or ())
        return Sample(part=SITE, quantity="modules", value=float(count), end=now)


class Memory(Struct, frozen=True, omit_defaults=True):
    """What is kept of an `account`, and is of no use for another one. `sites`: by id."""

    account: tuple[str, str]
    token: Token | None = None
    sites: dict[str, Known] = {}


def recalled(memory: bytes | None, account: tuple[str, str]) -> Memory:
    """What an earlier run kept of this account."""
    try:
        kept = msgspec.json.decode(memory or b"", type=Memory)
    except (msgspec.DecodeError, RecursionError):
        return Memory(account)
    return kept if kept.account == account else Memory(account)
