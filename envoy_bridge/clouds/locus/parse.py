"""What Locus' answers say: devices, samples and alerts of a site. Pure.

Values are of one interval, not added up, and stand at its beginning. A field that is missing from a row, or null, is
not known. Whether `end` is a part of what was asked differs from server to server: what lies outside is dropped here.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, get_args
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from envoy_bridge.clouds.locus.fields import LATEST, LIVE, Role, quantity
from envoy_bridge.clouds.locus.times import (
    DAILY,
    FIRST_YEAR,
    GRANULARITIES,
    MONTHLY,
    YEARLY,
    Granularity,
    Window,
    local_day,
    midnight,
    moment,
)
from envoy_bridge.clouds.locus.wire import Alert as WireAlert
from envoy_bridge.clouds.locus.wire import Component, Row
from envoy_bridge.clouds.report import SITE, Alert, CloudDevice, DeviceKind, Sample

SETTLED_AFTER: Final = timedelta(minutes=30)
"""From the end of an interval until no more is expected to be added to it: loggers send each few minutes."""

MONTH_SETTLED_AFTER: Final = timedelta(days=3)
"""The same of a month, which is told once: in this time its last days are still corrected."""

AHEAD: Final = timedelta(minutes=5)
"""By how much the clock of a logger may be ahead of ours; a value from further in the future is dropped."""

_UTC: Final = ZoneInfo("UTC")
_LAST_YEAR: Final = 9999
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_KINDS: Final = {str(kind): kind for kind in get_args(DeviceKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the rows answer. `id`: of the site or component; `part`: its place; `factors`: by short name, see `Offer`.

    `now`: in UTC. `zone`: of the site, where days, months or years are asked for.
    """

    id: str
    part: str
    role: Role
    factors: Mapping[str, float]
    now: datetime
    zone: ZoneInfo = _UTC


class _Value(NamedTuple):
    quantity: str
    value: float
    start: datetime
    end: datetime


def devices(components: Iterable[Component]) -> tuple[CloudDevice, ...]:
    """The devices that measure something, each id once: there are lists with two of the same."""
    known: dict[str, Component] = {}
    for component in components:
        known.setdefault(str(component.id), component)
    parts = {key: _device(component, key) for key, component in known.items() if not component.is_conceptual_node}
    return tuple(replace(device, parent=_parent(key, known, parts)) for key, device in parts.items())


def _device(component: Component, key: str) -> CloudDevice:
    return CloudDevice(
        kind=_KINDS.get((component.node_type or "").lower(), "source"),
        id=key,
        serial=component.serial_number or None,
        model=" ".join(word for word in (component.oem, component.model) if word) or None,
        label=component.name or None,
    )


def _parent(key: str, known: Mapping[str, Component], parts: Mapping[str, CloudDevice]) -> str | None:
    """The nearest device above that measures something; None: the site. The links may lead in a circle."""
    seen = {key}
    while (component := known.get(key)) and component.parent_type == "COMPONENT" and component.parent_id is not None:
        key = str(component.parent_id)
        if key in seen:
            return None
        if key in parts:
            return parts[key].part
        seen.add(key)
    return None


def read(rows: Iterable[Row], asked: Asked, granularity: str, span: Window) -> tuple[Sample, ...]:
    """What begins from the start of `span` on and before its end, oldest first; of LATEST and YEARLY all."""
    rows = [row for row in rows if str(row.get("id", asked.id)) == asked.id]
    if granularity == LATEST:
        return _latest(rows, asked)
    gran = GRANULARITIES[granularity]
    known = _known(rows, asked, gran)
    if gran is YEARLY:
        return _lifetime(known, asked)
    return tuple(_sample(each, asked, gran) for each in known if span.start <= each.start < span.end)


def _latest(rows: Iterable[Row], asked: Asked) -> tuple[Sample, ...]:
    """The newest values of a component, with the moment that they bear."""
    return tuple(
        Sample(part=asked.part, quantity=name, value=value, end=end)
        for row in rows
        if (end := moment(row.get("ts"))) and end <= asked.now + AHEAD
        for name, value in _values(row, asked, LATEST)
    )


def _known(rows: Iterable[Row], asked: Asked, gran: Granularity) -> list[_Value]:
    """What has begun, oldest first, each once."""
    found: dict[tuple[datetime, str], _Value] = {}
    for row in rows:
        bounds = _bounds(row.get("ts"), gran, asked.zone)
        if bounds and bounds[0] < asked.now:
            found |= {(bounds[0], name): _Value(name, value, *bounds) for name, value in _values(row, asked, gran.name)}
    return [found[key] for key in sorted(found)]


def _bounds(stamp: object, gran: Granularity, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """When that begins and ends which bears this stamp."""
    if gran.seconds is not None:
        start = moment(stamp)
        return (start, start + timedelta(seconds=gran.seconds)) if start and start.year < _LAST_YEAR else None
    day = local_day(stamp, zone)
    if day is None or not FIRST_YEAR <= day.year < _LAST_YEAR:
        return None
    begin = gran.begin(day)
    return midnight(begin, zone), midnight(gran.next(begin), zone)


def _sample(each: _Value, asked: Asked, gran: Granularity) -> Sample:
    """An interval or a day; of the present month how far it has come."""
    if gran is MONTHLY and each.end > asked.now:
        return _count(each.quantity, each.value, asked)
    settled = each.end + (MONTH_SETTLED_AFTER if gran is MONTHLY else SETTLED_AFTER)
    return Sample(
        part=asked.part,
        quantity=each.quantity,
        value=each.value,
        start=each.start,
        end=each.end,
        kind="daily" if gran is DAILY else "interval",
        granularity=gran.seconds,
        day=each.start.astimezone(asked.zone).date() if gran is DAILY else None,
        quality="ok" if asked.now >= settled else "partial",
    )


def _lifetime(years: Sequence[_Value], asked: Asked) -> tuple[Sample, ...]:
    """All years together, and how far the present one is. Nothing where no year is known."""
    if not years:
        return ()
    whole = _count(years[0].quantity, math.fsum(year.value for year in years), asked)
    if asked.role != "makes" or years[-1].end <= asked.now:
        return (whole,)
    return (whole, _count("energy_year", years[-1].value, asked))


def _count(quantity: str, value: float, asked: Asked) -> Sample:
    return Sample(part=asked.part, quantity=quantity, value=value, end=asked.now, kind="counter")


def newest(samples: Iterable[Sample], now: datetime) -> tuple[Sample, ...]:
    """The values of the newest intervals that are over, as those of the moment when they ended."""
    found: dict[str, Sample] = {}
    for sample in samples:
        known = found.get(sample.quantity)
        if sample.quantity in LIVE and sample.end <= now and (known is None or sample.end > known.end):
            found[sample.quantity] = sample
    return tuple(replace(sample, start=None, kind="instant", granularity=None) for sample in found.values())


def alerts(found: Iterable[WireAlert], site: str, parts: Mapping[str, str], *, several: bool) -> tuple[Alert, ...]:
    """The warnings of one site, each as it was last updated. `parts`: the places of its components, by their ids.

    `several`: the list is of all sites, and a warning that does not say of which is nobody's.
    """
    known: dict[str, Alert] = {}
    for each in found:
        if str(each.site_id) != site and (several or each.site_id is not None):
            continue
        alert = Alert(
            id=str(each.id),
            part=parts.get(str(each.component_id), SITE),
            code=each.alert_type or "unknown",
            severity=(each.priority or "unknown").lower(),
            title=each.description_short or each.alert_type or "unknown",
            opened=moment(each.start),
            closed=moment(each.end),
            updated=moment(each.updated),
        )
        before = known.get(alert.id)
        if before is None or (alert.updated or _NEVER) >= (before.updated or _NEVER):
            known[alert.id] = alert
    return tuple(known.values())


def _values(row: Row, asked: Asked, granularity: str) -> Iterator[tuple[str, float]]:
    """What a row says, by quantity, in our units. What is not a number is not known."""
    for name, factor in asked.factors.items():
        value, known = row.get(name), quantity(name, granularity, asked.role)
        if known and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield known, value * factor
