"""From what a cloud tells to the sinks: values, history, alerts, status."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.courier import Courier
from envoy_bridge.clouds.latest import Site, Sites, decode
from envoy_bridge.clouds.presence import Presence
from envoy_bridge.clouds.report import Alert, Sample, SiteReport, clean
from envoy_bridge.clouds.sent import Sent
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger
from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings, Sink
from envoy_bridge.state import read, write_atomically

CONFIRM_EVERY: Final = 240.0
"""Seconds after which values are told again although nothing changed: brokers forget those of the moment in 600 s."""

KEEP_EVERY: Final = 600.0
"""Seconds between two writes of the newest values; those that come more seldom are written at once."""

COMPARABLE: Final = 600.0
"""Seconds after which what the cloud told is too old to be compared with what a gateway counts now."""

UNSAVED: Final = 50_000
"""Samples that are kept in memory while the disk refuses them; then the oldest go."""

_ERRORS: Final = ("critical", "error", "high", "severe", "fault", "fatal")
_INFOS: Final = ("info", "low", "notice")

Local = Callable[[str], float | None]
"""By serial number of a gateway: the energy that it counted today, in Wh; None: not known."""

_log = get_logger(__name__)


def _unknown(_serial: str) -> float | None:
    return None


class Publisher:
    """Of one cloud. `directory`: of all clouds. `sites`: ids of those that are published; None: all."""

    def __init__(
        self,
        provider: str,
        sink: Sink,
        directory: Path,
        clock: Clock,
        *,
        sites: Collection[str] | None = None,
        local: Local = _unknown,
    ) -> None:
        self.sent = Sent(directory / f"{provider}.db")
        self.courier = Courier(self.sent, provider, sink.cloud, clock)
        self._provider = provider
        self._sink = sink
        self._path = directory / f"{provider}.sites.json"
        self._clock = clock
        self._wanted = None if sites is None else {clean(site) for site in sites}
        self._local = local
        self._sites = Sites()
        self._unsaved: list[tuple[str, Sequence[Sample]]] = []
        self._waits = False
        self._kept_at = float("-inf")
        self._kept = True
        self._told: dict[str, tuple[Snapshot, float]] = {}
        self._said: dict[str, object] = {}
        self._online: bool | None = None
        self._presence = Presence()
        self._uncompared: dict[str, float] = {}

    @property
    def zones(self) -> tuple[ZoneInfo, ...]:
        """The time zones of all sites that have one."""
        return tuple(zone for site in self._sites.sites.values() if (zone := site.time_zone))

    async def start(self) -> None:
        """Tell what an earlier run knew, as far as it is still good."""
        try:
            content = await asyncio.to_thread(read, self._path)
            self._sites = Sites() if content is None else decode(content)
        except (StateError, ValueError, RecursionError) as error:
            _log.warning("cloud_sites_unreadable", path=str(self._path), reason=str(error)[:200])
        for name, site in list(self._sites.sites.items()):
            if self._wanted is None or name in self._wanted:
                self._presence.known(name)
                self._tell(name, site)
            else:
                self._forget(name)

    async def publish(self, reports: Sequence[SiteReport], every: float) -> None:
        """What one job found. `every`: seconds until it runs again."""
        told = set()
        for report in reports:
            name, site = self._sites.of(report)
            if self._wanted is not None and name not in self._wanted:
                del self._sites.sites[name]
                continue
            told.add(name)
            closed = site.take(report, every, self._clock.wall())
            if any(sample.quantity == "energy_today" and sample not in closed for sample in report.samples):
                self._uncompared[name] = self._clock.monotonic()
            self._compare(name, site)
            fresh = [] if report.alerts is None else site.take_alerts(report.alerts)
            self._tell(name, site)
            for alert in fresh:
                self._warn(name, alert)
            if closed:
                self._unsaved.append((name, closed))
        for name in self._presence.lost(told, every, self._clock.monotonic()):
            self._forget(name)
        await self._save_history()
        if every > KEEP_EVERY or self._clock.monotonic() - self._kept_at >= KEEP_EVERY:
            self._kept_at = self._clock.monotonic()
            await asyncio.to_thread(self._write, msgspec.json.encode(self._sites))

    def _forget(self, name: str) -> None:
        """This site is gone, or not wanted any more."""
        place = f"cloud/{self._provider}/{name}"
        del self._sites.sites[name]
        self._presence.forget(name)
        self._told.pop(name, None)
        self._uncompared.pop(name, None)
        for topic in (f"{place}/info", f"{place}/alerts"):
            self._said.pop(topic, None)
        self._sink.holdings(Holdings(serial=place, parts={}))

    async def history(self, reports: Sequence[SiteReport]) -> None:
        """What was found of the past; the newest values stay as they are.

        Raises:
            StateError: it could not be put on disk, and is not sent.
        """
        for report in reports:
            site = Site(zone=self._sites.sites.get(clean(report.site), Site()).zone)
            if self._wanted is None or clean(report.site) in self._wanted:
                closed = site.take(report, 0.0, self._clock.wall())
                await asyncio.to_thread(self.sent.add, clean(report.site), closed, self._now())
        self.courier.nudge()

    def refresh(self) -> None:
        """Tell what is too old by now, and at times all again, so that the broker does not forget it."""
        for name in self._told.keys() & self._sites.sites.keys():
            told, at = self._told[name]
            self._compare(name, self._sites.sites[name])
            snapshot = self._sites.sites[name].snapshot(told.serial, self._clock.wall())
            if snapshot.cloud != told.cloud or self._clock.monotonic() - at >= CONFIRM_EVERY:
                self._tell_values(name, snapshot)

    def status(self, status: Mapping[str, Any], *, online: bool) -> None:
        """How the cloud is."""
        self._say(f"cloud/{self._provider}/status", status)
        if online is not self._online:
            self._online = online
            self._sink.availability(f"cloud/{self._provider}", online=online)

    def event(self, level: Literal["info", "warning", "error"], code: str, message: str, site: str = "") -> None:
        """Something that a person may want to know."""
        source = f"cloud/{self._provider}/{site}".rstrip("/")
        self._sink.event(Event(level=level, code=code, message=message, source=source, time=self._clock.wall()))

    def stop(self) -> None:
        """Keep what is known."""
        self._write(msgspec.json.encode(self._sites))
        self.sent.close()

    def _write(self, content: bytes) -> None:
        """Where that cannot be done, the values are known again when the cloud was asked."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, content)
        except (StateError, OSError) as error:
            if self._kept:
                _log.warning("cloud_sites_not_kept", path=str(self._path), reason=str(error)[:200])
            self._kept = False
        else:
            self._kept = True

    def _compare(self, name: str, site: Site) -> None:
        """What the cloud has of today's energy, less what the gateways on the site counted themselves.

        Once for each time that the cloud tells it; a little later where the gateways have not answered yet.
        """
        if name not in self._uncompared:
            return
        here = [self._local(serial) for serial in site.serials]
        known = [energy for energy in here if energy is not None]
        told = site.number("energy_today", self._clock.wall())
        difference = told - sum(known) if told is not None and known and len(known) == len(here) else None
        site.set("energy_today_difference", difference, like="energy_today")
        if difference is not None or self._clock.monotonic() - self._uncompared[name] >= COMPARABLE:
            del self._uncompared[name]

    def _tell(self, name: str, site: Site) -> None:
        place = f"cloud/{self._provider}/{name}"
        info = site.info(self._provider, name)
        if self._said.get(f"{place}/info") != info:
            self._said[f"{place}/info"] = info
            self._sink.info(place, info)
        self._tell_values(name, site.snapshot(place, self._clock.wall()))
        self._say(f"{place}/alerts", site.open_alerts())

    def _tell_values(self, name: str, snapshot: Snapshot) -> None:
        self._told[name] = (snapshot, self._clock.monotonic())
        self._sink.snapshot(snapshot)

    def _say(self, topic: str, body: Mapping[str, Any] | Sequence[Any]) -> None:
        if self._said.get(topic) != body:
            self._said[topic] = body
            self._sink.cloud(CloudMessage(topic=topic, body=body, retain=True))

    def _warn(self, name: str, alert: Alert) -> None:
        severity = alert.severity.lower()
        level: Literal["info", "warning", "error"] = "warning"
        if any(word in severity for word in _ERRORS):
            level = "error"
        elif any(word in severity for word in _INFOS):
            level = "info"
        self.event(level, "cloud_alert", f"{alert.part}: {alert.title}", name)

    async def _save_history(self) -> None:
        """Put on disk what is to be sent, and what could not be put there before."""
        while self._unsaved:
            name, closed = self._unsaved[0]
            try:
                await asyncio.to_thread(self.sent.add, name, closed, self._now())
            except StateError as error:
                if not self._waits:
                    _log.warning("history_not_kept", cloud=self._provider, reason=str(error))
                self._waits = True
                while sum(len(samples) for _, samples in self._unsaved) > UNSAVED:
                    del self._unsaved[0]
                break
            del self._unsaved[0]
            self._waits = False
        self.courier.nudge()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock.wall()), UTC)
