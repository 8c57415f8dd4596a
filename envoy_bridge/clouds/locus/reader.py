"""Asks Locus for one thing at a time, takes note of what is learnt, and reports what is of interest."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.locus import wire
from envoy_bridge.clouds.locus.client import LocusClient
from envoy_bridge.clouds.locus.fields import LATEST, Bundle, bundles, offers
from envoy_bridge.clouds.locus.known import Known, KnownSite, Place
from envoy_bridge.clouds.locus.parse import Asked, alerts, newest, read
from envoy_bridge.clouds.locus.times import GRANULARITIES, MONTHLY, Window, at, naive, window, zone_named
from envoy_bridge.clouds.report import SITE, Alert, Sample, SiteReport

ALERTS_BACK: Final = timedelta(days=7)
"""How long a warning that is over stays in the list. The vendor allows 31 days."""

_UTC: Final = ZoneInfo("UTC")
_KILO: Final = 1000.0


class Reader:
    """The questions. Each method is one request and raises CloudError. `partner`: the path of the account's partner."""

    def __init__(self, client: LocusClient, known: Known, clock: Clock, partner: str) -> None:
        self._client = client
        self._known = known
        self._clock = clock
        self._partner = partner

    async def all_sites(self) -> Sequence[SiteReport]:
        """Which sites the partner has."""
        found = await self._client.get(f"{self._partner}/sites", wire.Sites)
        sites = {str(site.id): self._site(site) for site in found.sites}
        self._known.sites.clear()
        self._known.sites.update(sites)
        return [report(site) for site in sites.values()]

    async def one_site(self, site_id: str) -> Sequence[SiteReport]:
        """Whether a site that was chosen is there."""
        site = self._site(await self._client.get(f"sites/{site_id}", wire.Site))
        self._known.sites[site_id] = site
        return [report(site)]

    def _site(self, site: wire.Site) -> KnownSite:
        client = None if site.client_id is None else str(site.client_id)
        zone = zone_named([site.location_timezone, self._known.zones.get(client or "")])
        known = self._known.sites.get(str(site.id), KnownSite(str(site.id)))
        return replace(known, client=client, zone=zone.key if zone else None)

    async def all_clients(self) -> Sequence[SiteReport]:
        """In which time zones the partner's clients are."""
        found = await self._client.get(f"{self._partner}/clients", wire.Clients)
        return self._located(found.clients)

    async def one_client(self, client_id: str) -> Sequence[SiteReport]:
        """In which time zone a client is."""
        return self._located([await self._client.get(f"clients/{client_id}", wire.Client)])

    def _located(self, clients: Iterable[wire.Client]) -> Sequence[SiteReport]:
        zones = {str(client.id): zone.key for client in clients if (zone := zone_named([client.tz]))}
        self._known.zones.update(zones)
        found = [
            replace(site, zone=zones[site.client])
            for site in self._known.sites.values()
            if site.zone is None and site.client in zones
        ]
        self._known.sites.update({site.id: site for site in found})
        return [report(site) for site in found]

    async def components(self, site: KnownSite) -> Sequence[SiteReport]:
        """Which devices a site has."""
        found = await self._client.get(f"sites/{site.id}/components", wire.Components)
        site = replace(site, components=found.components)
        self._known.sites[site.id] = site
        return [report(site)]

    async def size(self, site: KnownSite) -> Sequence[SiteReport]:
        """How many panels a site has, in W."""
        settings = await self._client.get(f"sites/{site.id}/modelsettings", wire.ModelSettings)
        if not settings.size:
            return ()
        return [report(site, [Sample(part=SITE, quantity="size", value=settings.size * _KILO, end=self._now())])]

    async def offers(self, path: str) -> Sequence[SiteReport]:
        """What data a place has; nothing to report."""
        available = await self._client.get(f"{path}/dataavailable", wire.Available)
        self._known.offers[path] = offers(available.base_fields)
        return ()

    async def data(self, key: str, site: KnownSite, place: Place, bundle: Bundle) -> Sequence[SiteReport]:
        """What is new since the last time, and what is late. `key`: of the job, by which it is remembered."""
        now = self._now()
        gran = GRANULARITIES.get(bundle.granularity)
        span = window(gran, self._known.reached.get(key), now, site.tz or _UTC) if gran else Window(now, now)
        samples = await self.read(site, place, bundle, span)
        if gran:
            self._known.reached[key] = span.end
        if gran and gran.seconds and not self._has_latest(place):
            samples = (*samples, *newest(samples, now))
        return [report(site, samples)] if samples else ()

    async def read(self, site: KnownSite, place: Place, bundle: Bundle, span: Window) -> tuple[Sample, ...]:
        """One request for data of a place."""
        zone = site.tz or _UTC
        query = data_query(bundle, span, zone)
        found = await self._client.get(f"{place.path}/data", wire.Data, query)
        return read(found.data, self._asked(place, bundle, zone), bundle.granularity, span)

    async def months(self, key: str, zone: ZoneInfo, bundle: Bundle) -> Sequence[SiteReport]:
        """The months of all the partner's sites in this time zone."""
        now = self._now()
        span = window(MONTHLY, self._known.reached.get(key), now, zone)
        found = await self._client.get(f"{self._partner}/sites/data", wire.Data, data_query(bundle, span, zone))
        self._known.reached[key] = span.end
        return [
            report(site, samples)
            for site in self._known.sites.values()
            if site.tz == zone
            and (samples := read(found.data, self._asked(site.places[0], bundle, zone), MONTHLY.name, span))
        ]

    async def all_alerts(self) -> Sequence[SiteReport]:
        """The warnings of all the partner's sites."""
        found = await self._client.get(f"{self._partner}/alerts", wire.Alerts, self._lately())
        return [self._warned(site, found.alerts, several=True) for site in self._known.sites.values()]

    async def site_alerts(self, site: KnownSite) -> Sequence[SiteReport]:
        """The warnings of one site."""
        found = await self._client.get(f"sites/{site.id}/alerts", wire.Alerts, self._lately())
        return [self._warned(site, found.alerts, several=False)]

    def _lately(self) -> list[tuple[str, str]]:
        now = self._now()
        return [("tz", "UTC"), ("openDuringMin", naive(now - ALERTS_BACK)), ("openDuringMax", naive(now))]

    def _warned(self, site: KnownSite, found: Iterable[wire.Alert], *, several: bool) -> SiteReport:
        parts = {place.id: place.part for place in site.places if place.part != SITE}
        return report(site, alerts=alerts(found, site.id, parts, several=several))

    def _asked(self, place: Place, bundle: Bundle, zone: ZoneInfo) -> Asked:
        return Asked(id=place.id, part=place.part, role=place.role, factors=bundle.factors, now=self._now(), zone=zone)

    def _has_latest(self, place: Place) -> bool:
        offered = self._known.offers.get(place.path, ())
        return any(bundle.granularity == LATEST for bundle in bundles(offered, place.role))

    def _now(self) -> datetime:
        return at(self._clock.wall())


def data_query(bundle: Bundle, span: Window, zone: ZoneInfo) -> list[tuple[str, str]]:
    """How data are asked for: in UTC, and where the calendar divides them in the time of the site."""
    gran = GRANULARITIES.get(bundle.granularity)
    tz = _UTC if gran is None or gran.seconds else zone
    bounds = [("start", naive(span.start, tz)), ("end", naive(span.end, tz))] if gran else []
    fields = ",".join(sorted(bundle.factors))
    return [("fields", fields), ("gran", bundle.granularity), ("tz", tz.key), *bounds, *bundle.parameters]


def report(site: KnownSite, samples: Sequence[Sample] = (), alerts: tuple[Alert, ...] | None = None) -> SiteReport:
    """The report of a site. Its devices are in each: who hears it may have forgotten them over a restart."""
    known = None if site.components is None else site.devices
    return SiteReport(site=site.id, zone=site.zone, devices=known, samples=tuple(samples), alerts=alerts)
