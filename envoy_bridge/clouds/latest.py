"""The newest value of each quantity of a cloud's sites, and what else is known of them. Moves no bytes."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, fields

from envoy_bridge.catalog import plain, quantities
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.clouds.report import SITE, Alert, CloudDevice, Sample, SiteReport, clean
from envoy_bridge.logs import get_logger
from envoy_bridge.model import Snapshot, Value

TOO_OLD: Final = 3
"""Cadences after which a value of the moment is not known any more,..."""

AT_LEAST: Final = 3600.0
"""...but so many seconds: clouds lag behind."""

WHOLE_DAY: Final = timedelta(hours=23)
"""As long a day is at least, where a clock is set in the course of it."""

ALERTS: Final = 100
"""Open alerts of a site that are shown, and ids of alerts that are known, at most."""

_QUANTITIES: Final = frozenset(field.name for field in fields(Measured))
_log = get_logger(__name__)


class Row(Struct, omit_defaults=True):
    """One value. `end`: when it was measured; `until`: when it is too old; both in seconds since 1970.

    A time is kept as text, with `is_time`.
    """

    value: float | str | bool
    end: float
    until: float | None = None
    is_time: bool = False


class Site(Struct, omit_defaults=True):
    """What is known of one site. `values`: by part and quantity. `seen`: ids of alerts that were told."""

    zone: str | None = None
    serials: tuple[str, ...] = ()
    devices: tuple[CloudDevice, ...] | None = None
    alerts: tuple[Alert, ...] = ()
    seen: tuple[str, ...] = ()
    values: dict[str, dict[str, Row]] = {}

    @property
    def time_zone(self) -> ZoneInfo | None:
        """Of the site, where the vendor says so. What was kept may be damaged, or gone from this machine's table."""
        return ZoneInfo(self.zone) if self.zone is not None and _is_zone(self.zone) else None

    def take(self, report: SiteReport, every: float, now: float) -> list[Sample]:
        """Add what a report tells. `every`: seconds between two such reports. Returns what is closed: history."""
        if report.zone is not None and _is_zone(report.zone):
            self.zone = report.zone
        self.serials = report.serials or self.serials
        if report.devices is not None:
            self.devices = report.devices
            there = {SITE, *(device.part for device in report.devices)}
            self.values = {part: rows for part, rows in self.values.items() if part in there}
        closed = []
        for sample in report.samples:
            if not _usable(sample):
                continue
            if is_closed(sample, self.time_zone, now):
                closed.append(sample)
            elif sample.kind != "interval":
                self._note(sample, every, now)
        return closed

    def _note(self, sample: Sample, every: float, now: float) -> None:
        until = _until(sample, self.time_zone, every)
        if sample.quality == "stale" or (until is not None and until <= now and sample.kind == "daily"):
            return
        # Not in the future, where it would keep newer ones away.
        end = min(sample.end.timestamp(), now)
        rows = self.values.setdefault(sample.part, {})
        if sample.quantity not in rows or rows[sample.quantity].end <= end:
            is_time = isinstance(sample.value, datetime)
            rows[sample.quantity] = Row(_plain(sample.value), end, until, is_time)

    def set(self, quantity: str, value: float | None, like: str) -> None:
        """A value of the whole site that follows from another one; None: it is not known."""
        rows = self.values.get(SITE, {})
        if value is None or like not in rows:
            rows.pop(quantity, None)
        else:
            rows[quantity] = Row(round(value, 3) + 0.0, rows[like].end, rows[like].until)

    def number(self, quantity: str, now: float) -> float | None:
        """A value of the whole site, unless it is too old."""
        row = self.values.get(SITE, {}).get(quantity)
        return row.value if row and _is_good(row, now) and isinstance(row.value, float) else None

    def snapshot(self, serial: str, now: float) -> Snapshot:
        """What is known now. A part whose values are all too old is there, without any."""
        cloud = {part: _measured(rows, now) for part, rows in self.values.items() if rows}
        ends = [row.end for rows in self.values.values() for row in rows.values() if _is_good(row, now)]
        time = datetime.fromtimestamp(max(ends, default=now), UTC)
        return Snapshot(serial=serial, time=time, cloud=dict(self._in_order(cloud)))

    def _in_order(self, cloud: Mapping[str, Measured]) -> Iterator[tuple[str, Measured]]:
        """The site first, then its devices as the vendor lists them, then those that it does not list."""
        listed = [SITE, *(device.part for device in self.devices or ())]
        for part in dict.fromkeys([*listed, *cloud]):
            if part in cloud:
                yield part, cloud[part]

    def info(self, provider: str, site: str) -> dict[str, Any]:
        """What the site is, and the tree of its devices: plain data, nothing personal."""
        devices = [
            {"part": device.part, **asdict(device), "label": _label(device.label), "model": _label(device.model)}
            for device in self.devices or ()
        ]
        return {
            "kind": SITE,
            "provider": provider,
            "site": site,
            "zone": self.zone,
            "serials": list(self.serials),
            "devices": devices,
        }

    def open_alerts(self) -> list[dict[str, Any]]:
        """Those that are not over, the newest first."""
        newest = sorted((alert for alert in self.alerts if alert.closed is None), key=_opened, reverse=True)
        return [
            {
                "id": alert.id,
                "device": alert.part,
                "code": alert.code,
                "severity": alert.severity,
                "title": alert.title,
                "opened": None if alert.opened is None else plain(alert.opened),
                "updated": None if alert.updated is None else plain(alert.updated),
            }
            for alert in newest[:ALERTS]
        ]

    def take_alerts(self, alerts: tuple[Alert, ...]) -> list[Alert]:
        """All alerts that there are. Returns those which are open and were not known."""
        fresh = [alert for alert in alerts if alert.closed is None and alert.id not in self.seen]
        here = dict.fromkeys(alert.id for alert in sorted(alerts, key=_opened))
        self.alerts = alerts
        self.seen = tuple(dict.fromkeys([*(known for known in self.seen if known not in here), *here]))[-5 * ALERTS :]
        return fresh[:ALERTS]


def is_closed(sample: Sample, zone: ZoneInfo | None, now: float) -> bool:
    """Is this an interval or a day that is over and complete?"""
    if sample.kind not in ("interval", "daily") or sample.quality == "partial" or sample.end.timestamp() > now:
        return False
    if sample.kind == "interval":
        return sample.start is not None
    if sample.day is None:
        return False
    if zone is not None:
        return sample.day < datetime.fromtimestamp(now, zone).date()
    return sample.start is not None and sample.end - sample.start >= WHOLE_DAY


def _usable(sample: Sample) -> bool:
    if sample.quantity not in _QUANTITIES:
        _log.warning("quantity_unknown", quantity=sample.quantity)
        return False
    return not isinstance(sample.value, float) or math.isfinite(sample.value)


UNITS: Final = {name: what.unit for name, what in quantities(Measured)}
"""Of all that a cloud may tell, by quantity."""


def _until(sample: Sample, zone: ZoneInfo | None, every: float) -> float | None:
    """When this value will be too old, in seconds since 1970; None: it stays true, as a count, a rating or a word."""
    if sample.kind == "counter":
        return None
    if sample.kind == "daily":
        begun = sample.start or sample.end
        return _midnight_after(sample.day, zone) if sample.day and zone else begun.timestamp() + 24 * AT_LEAST
    if isinstance(sample.value, datetime | str) or not UNITS[sample.quantity].live:
        return None
    return sample.end.timestamp() + max(TOO_OLD * every, AT_LEAST)


def _midnight_after(day: date, zone: ZoneInfo) -> float:
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone).timestamp()


def _is_good(row: Row, now: float) -> bool:
    return row.until is None or now < row.until


def _measured(rows: Mapping[str, Row], now: float) -> Measured:
    good = {name: row for name, row in rows.items() if _is_good(row, now)}
    newest = datetime.fromtimestamp(max(row.end for row in good.values()), UTC) if good else None
    return Measured(**{name: _value(row) for name, row in good.items()}, measured=newest)


def _value(row: Row) -> Any:  # noqa: ANN401 - of each field its own
    return datetime.fromisoformat(row.value) if row.is_time and isinstance(row.value, str) else row.value


def _plain(value: Value) -> float | str | bool:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bool | str):
        return value
    return round(float(value), 3) + 0.0


def _label(text: str | None) -> str | None:
    """What a device is called, unless it looks like an address of a person."""
    bare = " ".join(re.sub(r"<[^>]*>", " ", text or "").split())[:64]
    return bare if bare and "@" not in bare else None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _opened(alert: Alert) -> float:
    return 0.0 if alert.opened is None else alert.opened.timestamp()


class Sites(Struct):
    """All sites of a cloud, by id as it stands in topics; as they are kept on disk."""

    sites: dict[str, Site] = {}

    def of(self, report: SiteReport) -> tuple[str, Site]:
        """The site that a report is about."""
        name = clean(report.site)
        return name, self.sites.setdefault(name, Site())


def decode(content: bytes) -> Sites:
    """Raises ValueError: that is not what was kept."""
    return msgspec.json.decode(content, type=Sites)
