"""Growatt's cloud: the plants of an account with their MIN and SPH inverters, by OpenAPI v1. Reads only.

Of other devices there is that they are there, and their share in what the plant as a whole tells. Values are those of
five minutes, some minutes old. What is asked when, and what the answers mean, is in the modules beside this one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator, Sequence
from datetime import date, timedelta, tzinfo
from functools import partial
from typing import Final

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import CloudThrottled, NotAllowed
from envoy_bridge.clouds.growatt import calls
from envoy_bridge.clouds.growatt.calls import HOSTS, LIMITS
from envoy_bridge.clouds.growatt.devices import MIN, Known
from envoy_bridge.clouds.growatt.reader import WEEK, Reader
from envoy_bridge.clouds.provider import Job
from envoy_bridge.clouds.report import SiteReport
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.clouds.schedule import EVENING, MORNING
from envoy_bridge.settings import GrowattCloud

FIVE_MINUTES: Final = 310.0
"""As often as the vendor allows, and a little longer: see `growatt_calls.LIMITS`."""

TEN_MINUTES: Final = 600.0
NIGHT: Final = 1800.0
"""Batteries work at night, too."""

HOUR: Final = 3600.0
SIX_HOURS: Final = 6 * HOUR
"""The vendor gives the energies of days ten times a day at most."""

DAY: Final = 24 * HOUR

PATIENCE: Final = 10
"""Times that a request for the past is made again, after the pause that the vendor wants."""

Reports = Sequence[SiteReport]


def base(settings: GrowattCloud) -> str:
    """Scheme and host of the API: `/v1/` comes below it, though the vendor's libraries say that it is part of it."""
    return settings.base_url or HOSTS[settings.region]


class Growatt:
    """One account. See `envoy_bridge.clouds.provider.Provider`."""

    name = "growatt"
    quota = LIMITS

    def __init__(self, settings: GrowattCloud, rest: Rest, clock: Clock) -> None:
        self._reader = Reader(settings, rest, clock)
        self._clock = clock

    def recall(self, memory: bytes | None) -> None:
        """Take up what an earlier run learnt."""
        self._reader.recall(memory)

    def remember(self) -> bytes:
        """What was learnt about plants and devices, and what has to wait."""
        return self._reader.remember()

    def jobs(self) -> Sequence[Job]:
        """What is to be asked as things stand."""
        plants = [_job(calls.PLANTS, "", DAY, self._reader.plants)]
        if not self._reader.sites:
            plants.append(_job(calls.PLANTS, "", HOUR, self._reader.plants, what="again"))
        return (*plants, *(job for site in self._reader.sites for job in self._of_site(site)))

    def _of_site(self, site: str) -> Iterator[Job]:
        reader, known = self._reader, self._reader.sites[site]
        zone = reader.zone(site)
        yield _job(calls.DETAILS, site, DAY, partial(reader.details, site))
        yield _job(calls.DEVICES, site, DAY, partial(reader.devices, site))
        if not (known.complete and known.devices):
            yield _job(calls.DEVICES, site, HOUR, partial(reader.devices, site), what="again")
        if zone is None:  # without it no time of the vendor can be understood
            return
        yield _job(calls.OVERVIEW, site, TEN_MINUTES, partial(reader.overview, site, zone), daylight=True)
        yield _job(calls.POWER, site, FIVE_MINUTES, partial(reader.power, site, zone), daylight=True)
        yield _job(calls.ENERGY, site, SIX_HOURS, partial(self._last_days, site, zone))
        if day := reader.day_to_settle(site):
            yield _job(calls.POWER, site, HOUR, partial(reader.settle_power, site, zone, day), what="past")
        for device in known.devices:
            if device.readable:
                yield from self._of_inverter(site, zone, device)

    def _of_inverter(self, site: str, zone: tzinfo, known: Known) -> Iterator[Job]:
        reader, serial = self._reader, known.serial
        now, detail, past = (
            (calls.MIN_NOW, calls.MIN_DETAIL, calls.MIN_PAST)
            if known.type == MIN
            else (calls.SPH_NOW, calls.SPH_DETAIL, calls.SPH_PAST)
        )
        battery = "battery" in known.has
        light = MORNING <= reader.now.astimezone(zone).hour < EVENING
        every = NIGHT if battery and not light else FIVE_MINUTES
        yield _job(now, serial, every, partial(reader.latest, site, zone, known), daylight=not battery)
        yield _job(detail, serial, DAY, partial(reader.detail, site, zone, known))
        if day := reader.day_to_settle(site, serial):
            yield _job(past, serial, HOUR, partial(reader.settle, site, zone, known, day))

    async def _last_days(self, site: str, zone: tzinfo) -> Reports:
        """Of the last seven days that are over: what an inverter tells late changes them."""
        today = self._reader.now.astimezone(zone).date()
        return await self._reader.energy(site, zone, today - timedelta(days=WEEK), today - timedelta(days=1))

    async def backfill(
        self, site: str | None, start: date, end: date, done: Container[str] = ()
    ) -> AsyncIterator[tuple[str, Reports]]:
        """The past, week by week: energies of days, powers of the plant and of each inverter. Today is not over."""
        if not self._reader.sites:
            await self._patiently(self._reader.plants)
        for each in [known for known in self._reader.sites if site is None or site == known]:
            zone = await self._made_known(each)
            first, until = start, min(end, self._reader.now.astimezone(zone).date() - timedelta(days=1))
            while first <= until:
                last = min(first + timedelta(days=WEEK - 1), until)
                for key, ask in self._of_week(each, zone, first, last):
                    if key not in done:
                        yield key, await self._patiently(ask)
                first = last + timedelta(days=1)

    async def _made_known(self, site: str) -> tzinfo:
        """Ask what is needed to ask for the past. Returns the time zone.

        Raises:
            NotAllowed: nobody knows it, so no time of the vendor can be understood.
        """
        if self._reader.zone(site) is None:
            await self._patiently(partial(self._reader.details, site))
        if not self._reader.sites[site].devices:
            await self._patiently(partial(self._reader.devices, site))
        zone = self._reader.zone(site)
        if zone is None:
            raise NotAllowed(
                f'Growatt does not tell the time zone of plant {site}: set timezone = "Europe/Vienna" or the like in '
                "[cloud.growatt]"
            )
        return zone

    def _of_week(
        self, site: str, zone: tzinfo, first: date, last: date
    ) -> Iterator[tuple[str, Callable[[], Awaitable[Reports]]]]:
        reader = self._reader
        yield f"{site} {calls.ENERGY.path} {first} {last}", partial(reader.energy, site, zone, first, last)
        for day in (first + timedelta(days=count) for count in range((last - first).days + 1)):
            yield f"{site} {calls.POWER.path} {day}", partial(reader.past_power, site, zone, day)
        for known in reader.sites[site].devices:
            if known.readable:
                ask = partial(reader.past, site, zone, known, (first, last))
                yield f"{site} {known.part} {first} {last}", ask

    async def _patiently(self, ask: Callable[[], Awaitable[Reports]]) -> Reports:
        """The answer, after as many pauses as the vendor wants, within reason."""
        for _ in range(PATIENCE):
            try:
                return await ask()
            except CloudThrottled as error:
                await self._clock.sleep(error.retry_in or calls.FIRST_HOLD)
        return await ask()


def _job(
    call: calls.Call,
    subject: str,
    every: float,
    run: Callable[[], Awaitable[Reports]],
    *,
    daylight: bool = False,
    what: str = "",
) -> Job:
    """A job. `what`: tells two that ask the same call of the same subject apart."""
    names = {call.subject: subject, "what": what}
    return Job(
        key=call.key({name: value for name, value in names.items() if value}), every=every, run=run, daylight=daylight
    )
