"""One answer of Growatt after the other: asked, understood, and remembered as far as it tells what there is."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.growatt import calls
from envoy_bridge.clouds.growatt.calls import Call, Caller, Hold
from envoy_bridge.clouds.growatt.devices import MIN, Known, latest, listed, past, standing
from envoy_bridge.clouds.growatt.plants import daily_energies, power_intervals, power_now, size, totals, utc
from envoy_bridge.clouds.growatt.times import zone_id, zone_name, zone_of
from envoy_bridge.clouds.growatt.wire import (
    Details,
    Devices,
    Energies,
    Overview,
    Plants,
    Powers,
    Rows,
    lowered,
    word,
)
from envoy_bridge.clouds.report import Sample, SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.logs import get_logger
from envoy_bridge.settings import GrowattCloud

WEEK: Final = 7
"""Days that the vendor gives in one answer at most."""

LATE: Final = timedelta(hours=3)
"""Time after midnight from which a day is complete: what was measured then has reached the cloud."""

TRIES: Final = 6
"""Times that a day of an inverter is asked for, of which less comes than there is by the vendor's count."""

_log = get_logger(__name__)


class Site(Struct, frozen=True, kw_only=True):
    """A plant as we know it. `zone`: as the vendor has it; None: not asked yet. `complete`: are these all devices?

    `settled`: the last day whose powers were read when it was over; by serial number, that of each inverter.
    """

    zone: str | None = None
    devices: tuple[Known, ...] = ()
    complete: bool = False
    settled: date | None = None
    settled_of: dict[str, date] = {}


class Memory(Struct, frozen=True):
    """What is kept over a restart: the sites by id, and what has to wait by the vendor's word. See `Caller`."""

    sites: dict[str, Site] = {}
    holds: dict[str, Hold] = {}
    strict: dict[str, float] = {}


class Reader:
    """Asks, and knows what there is."""

    def __init__(self, settings: GrowattCloud, rest: Rest, clock: Clock) -> None:
        self.sites: dict[str, Site] = {}
        self._only = settings.sites
        self._zone = ZoneInfo(settings.timezone) if settings.timezone else None
        self._clock = clock
        self._caller = Caller(rest, clock, settings.token.reveal())
        self._hinted: set[str] = set()
        self._lacking: Counter[tuple[str, date]] = Counter()

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return utc(self._clock.wall())

    def recall(self, memory: bytes | None) -> None:
        """Take up what an earlier run learnt."""
        try:
            known = msgspec.json.decode(memory or b"{}", type=Memory)
        except (msgspec.DecodeError, RecursionError):
            known = Memory()
        self.sites = {site: known.sites[site] for site in known.sites if self._wanted(site)}
        self._caller.holds = dict(known.holds)
        self._caller.strict = dict(known.strict)

    def remember(self) -> bytes:
        """What was learnt."""
        now = self._clock.wall()
        holds = {key: hold for key, hold in self._caller.holds.items() if hold.until > now - calls.LONGEST_HOLD}
        strict = {path: until for path, until in self._caller.strict.items() if until > now}
        return msgspec.json.encode(Memory(self.sites, holds, strict))

    def zone(self, site: str) -> tzinfo | None:
        """The time zone of a plant: as configured, or else as the vendor has it, without summer time."""
        return self._zone or zone_of(self.sites[site].zone)

    def day_to_settle(self, site: str, serial: str | None = None) -> date | None:
        """The oldest day that is over and was not read since, of the plant or one of its inverters."""
        zone, known = self.zone(site), self.sites[site]
        if zone is None:
            return None
        last = (self.now.astimezone(zone) - LATE).date() - timedelta(days=1)
        settled = known.settled if serial is None else known.settled_of.get(serial)
        first = last if settled is None else max(settled + timedelta(days=1), last - timedelta(days=WEEK - 1))
        return first if first <= last else None

    async def plants(self) -> tuple[SiteReport, ...]:
        """The plants of the account. A list that is shorter than it says takes nothing away."""
        pages, complete = await self._caller.pages(calls.PLANTS, Plants)
        listed_now = {str(plant.plant_id): plant for page in pages for plant in page.entries if plant.plant_id}
        found = {site: plant for site, plant in listed_now.items() if self._wanted(site)}
        if not found:
            self._hint(
                "growatt_no_plants",
                loud=True,
                listed=len(listed_now),
                advice="make the token in the ShinePhone app (Me, API Token), and look at sites in [cloud.growatt]",
            )
        kept = {} if complete and found else self.sites
        self.sites = {site: self.sites.get(site, Site()) for site in (*kept, *found)}
        return tuple(self._report(site, size(plant, self.now)) for site, plant in found.items())

    async def details(self, site: str) -> tuple[SiteReport, ...]:
        """What the plant is, and in which time zone."""
        answer = await self._caller.ask(calls.DETAILS, Details, plant_id=site)
        told = word(str(answer.timezone)) or self.sites[site].zone or ""
        self.sites[site] = replace(self.sites[site], zone=told)
        if self._zone is None:
            advice = 'set timezone = "Europe/Vienna" or the like in [cloud.growatt]: the vendor knows no summer time'
            self._hint("growatt_time_zone", loud=self.zone(site) is None, site=site, told=told, advice=advice)
        return (self._report(site, size(answer, self.now)),)

    async def overview(self, site: str, zone: tzinfo) -> tuple[SiteReport, ...]:
        """The energies of the plant up to now."""
        answer = await self._caller.ask(calls.OVERVIEW, Overview, plant_id=site)
        return (self._report(site, totals(answer, zone, self.now)),)

    async def power(self, site: str, zone: tzinfo) -> tuple[SiteReport, ...]:
        """The power of the plant now, and that of today in steps of five minutes."""
        intervals = await self._powers(site, zone, self.now.astimezone(zone).date())
        return (self._report(site, (*intervals, *power_now(intervals, self.now))),)

    async def past_power(self, site: str, zone: tzinfo, day: date) -> tuple[SiteReport, ...]:
        """The power of the plant on another day."""
        return (self._report(site, await self._powers(site, zone, day)),)

    async def settle_power(self, site: str, zone: tzinfo, day: date) -> tuple[SiteReport, ...]:
        """The same, of a day that is over now and need not be asked again."""
        reports = await self.past_power(site, zone, day)
        self.sites[site] = replace(self.sites[site], settled=day)
        return reports

    async def energy(self, site: str, zone: tzinfo, first: date, last: date) -> tuple[SiteReport, ...]:
        """The energy of the plant on each of up to seven days."""
        answer = await self._caller.ask(
            calls.ENERGY,
            Energies,
            plant_id=site,
            start_date=str(first),
            end_date=str(last),
            time_unit="day",
            page="1",
            perpage=str(calls.PER_PAGE),
        )
        return (self._report(site, daily_energies(answer, zone, self.now.astimezone(zone).date())),)

    async def devices(self, site: str) -> tuple[SiteReport, ...]:
        """The devices of the plant. A list that is shorter than it says takes nothing away."""
        pages, complete = await self._caller.pages(calls.DEVICES, Devices, plant_id=site)
        entries = {str(entry.device_sn): entry for page in pages for entry in page.entries if entry.device_sn}
        before = {known.serial: known for known in self.sites[site].devices}
        found = {serial: listed(entry, before.get(serial)) for serial, entry in entries.items()}
        together = found if complete else before | found
        self.sites[site] = replace(self.sites[site], devices=tuple(together.values()), complete=complete)
        for known in together.values():
            if not known.readable:
                self._hint(
                    "growatt_device_not_read", site=site, type=known.type, kept="what the plant as a whole tells"
                )
        zone = self.zone(site)
        samples = [
            sample
            for serial, entry in entries.items()
            if zone is not None
            for sample in standing(found[serial], entry.lost, entry.last_update_time, zone, self.now)
        ]
        return (self._report(site, samples),)

    async def detail(self, site: str, zone: tzinfo, known: Known) -> tuple[SiteReport, ...]:
        """What an inverter is."""
        call = calls.MIN_DETAIL if known.type == MIN else calls.SPH_DETAIL
        row = lowered(await self._ask_device(call, known.serial))
        self._learn(site, replace(known, model=word(row.get("modeltext")) or known.model))
        return (self._report(site, standing(known, row.get("lost"), row.get("lastupdatetime"), zone, self.now)),)

    async def latest(self, site: str, zone: tzinfo, known: Known) -> tuple[SiteReport, ...]:
        """What an inverter tells now."""
        call = calls.MIN_NOW if known.type == MIN else calls.SPH_NOW
        row = lowered(await self._ask_device(call, known.serial))
        known = known.learn([row])
        self._learn(site, known)
        return (self._report(site, latest(known, row, zone, self.now)),)

    async def past(self, site: str, zone: tzinfo, known: Known, days: tuple[date, date]) -> tuple[SiteReport, ...]:
        """What an inverter told on up to seven days."""
        report, complete = await self._past(site, zone, known, days)
        if not complete:
            _log.warning("growatt_past_incomplete", site=site, device=known.part, days=[str(day) for day in days])
        return (report,)

    async def _past(self, site: str, zone: tzinfo, known: Known, days: tuple[date, date]) -> tuple[SiteReport, bool]:
        """The same, and whether that is all that there is by the vendor's count."""
        call = calls.MIN_PAST if known.type == MIN else calls.SPH_PAST
        pages, complete = await self._caller.pages(
            call,
            Rows,
            **{call.subject: known.serial},
            start_date=str(days[0]),
            end_date=str(days[1]),
            timezone_id=zone_id(zone),
        )
        rows = [lowered(row) for page in pages for row in page.entries]
        known = known.learn(rows)
        self._learn(site, known)
        return self._report(site, past(known, rows, zone, days, self.now)), complete

    async def settle(self, site: str, zone: tzinfo, known: Known, day: date) -> tuple[SiteReport, ...]:
        """The same, of a day that is over now. Once all of it came, or after some tries, it is not asked again."""
        report, complete = await self._past(site, zone, known, (day, day))
        self._lacking[known.serial, day] += 1
        if complete or self._lacking[known.serial, day] >= TRIES:
            before = self.sites[site]
            self.sites[site] = replace(before, settled_of=before.settled_of | {known.serial: day})
        return (report,)

    async def _powers(self, site: str, zone: tzinfo, day: date) -> tuple[Sample, ...]:
        answer = await self._caller.ask(calls.POWER, Powers, plant_id=site, date=str(day))
        return power_intervals(answer, zone, self.now)

    async def _ask_device(self, call: Call, serial: str) -> dict[str, Any]:
        return await self._caller.ask(call, dict[str, Any], **{call.subject: serial})

    def _learn(self, site: str, known: Known) -> None:
        before = self.sites[site]
        now_known = tuple(known if other.serial == known.serial else other for other in before.devices)
        self.sites[site] = replace(before, devices=now_known)

    def _report(self, site: str, samples: Iterable[Sample]) -> SiteReport:
        zone, known = self.zone(site), self.sites[site].devices
        tree = tuple(device for each in known for device in each.tree())
        return SiteReport(
            site=site,
            zone=None if zone is None else zone_name(zone),
            devices=tree if known else None,
            samples=tuple(samples),
        )

    def _wanted(self, site: str) -> bool:
        return self._only is None or site in self._only

    def _hint(self, event: str, *, loud: bool = False, **facts: object) -> None:
        """Say it, once."""
        if (said := f"{event} {facts}") not in self._hinted:
            self._hinted.add(said)
            (_log.warning if loud else _log.info)(event, **facts)
