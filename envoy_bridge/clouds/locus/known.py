"""What is known of an account at Locus: its sites, their components, what data each offers. Kept over restarts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from envoy_bridge.clouds.locus.fields import Offer, Role, role
from envoy_bridge.clouds.locus.login import Tokens
from envoy_bridge.clouds.locus.parse import devices
from envoy_bridge.clouds.locus.times import floor, zone_named
from envoy_bridge.clouds.locus.wire import Component
from envoy_bridge.clouds.report import SITE, CloudDevice

KEPT_TO: Final = 86_400
"""Seconds: how exactly it is kept up to when data were asked for. Else each answer would be a write to the disk."""

_DARK: Final = "SOLAR"
"""The generation type of what has nothing to tell at night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something that data are asked of. `path`: below /v3. `part`: its topic level. `dark`: of no interest at night."""

    path: str
    id: str
    part: str
    role: Role
    dark: bool


class KnownSite(Struct, frozen=True, dict=True):
    """A site. `zone`: IANA name, None where neither the site nor its client has one that is valid.

    `components`: None before they were asked for.
    """

    id: str
    client: str | None = None
    zone: str | None = None
    components: tuple[Component, ...] | None = None

    @cached_property
    def tz(self) -> ZoneInfo | None:
        """Its time zone."""
        return zone_named([self.zone])

    @cached_property
    def devices(self) -> tuple[CloudDevice, ...]:
        """Its devices that measure something."""
        return devices(self.components or ())

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The site itself, and its devices."""
        known: dict[str, Component] = {}
        for component in self.components or ():
            known.setdefault(str(component.id), component)
        parts = tuple(
            Place(
                path=f"components/{device.id}",
                id=device.id,
                part=device.part,
                role=role(known[device.id]),
                dark=known[device.id].generation_type == _DARK and role(known[device.id]) == "makes",
            )
            for device in self.devices
        )
        dark = bool(parts) and all(part.dark for part in parts)
        return (Place(path=f"sites/{self.id}", id=self.id, part=SITE, role="makes", dark=dark), *parts)


class Memory(Struct, frozen=True):
    """What is on disk. `account`: whose it is. `offers`: by path of a place. `reached`: by job, up to when it asked."""

    account: tuple[str, ...]
    tokens: Tokens | None = None
    sites: tuple[KnownSite, ...] = ()
    zones: Mapping[str, str] = {}
    offers: Mapping[str, tuple[Offer, ...]] = {}
    reached: Mapping[str, datetime] = {}


@dataclass(slots=True)
class Known:
    """What was learnt so far. `zones`: of clients, by their ids."""

    sites: dict[str, KnownSite] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)
    offers: dict[str, tuple[Offer, ...]] = field(default_factory=dict)
    reached: dict[str, datetime] = field(default_factory=dict)

    def take(self, kept: Memory, chosen: Sequence[str] | None) -> None:
        """Take up what was kept. `chosen`: the sites that are still wanted; None: all."""
        self.sites |= {site.id: site for site in kept.sites if chosen is None or site.id in chosen}
        self.zones |= kept.zones
        self.offers |= kept.offers
        self.reached |= kept.reached

    def kept(self, account: tuple[str, ...], tokens: Tokens | None) -> Memory:
        """What is to be kept."""
        return Memory(
            account=account,
            tokens=tokens,
            sites=tuple(self.sites.values()),
            zones=self.zones,
            offers=self.offers,
            reached={key: floor(moment, KEPT_TO) for key, moment in self.reached.items()},
        )
