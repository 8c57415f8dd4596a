"""What Tigo's JSON replies mean: devices, totals, data loggers, alerts. Pure.

All that Tigo measures is on the DC side of its optimizers: every quantity says so, and none is ever added to AC.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from envoy_bridge.clouds.report import SITE, Alert, CloudDevice, DeviceKind, Sample
from envoy_bridge.clouds.tigo.times import midnight, moment
from envoy_bridge.clouds.tigo.wire import (
    Alerts,
    Amount,
    Id,
    Layout,
    LayoutInverter,
    Objects,
    ObjectTypes,
    Source,
    Sources,
    Summary,
    System,
    Word,
)

_KINDS: Final[Mapping[str, DeviceKind]] = {
    "panel": "panel",
    "string": "string",
    "inverter": "inverter",
    "meter": "meter",
}
"""Kinds of devices by the label of an object's type, in lower case."""

_ROOT: Final = "system"
_NO_PARENT: Final = "-1"
_TITLE: Final = 200
"""Characters of an alert's title."""


class Tree:
    """The objects of a site, and what they are: `parts` by object id, `keys` by what else a column may be called."""

    def __init__(self, objects: Objects, types: ObjectTypes, layout: Layout) -> None:
        labels = {word(each.object_type_id): (word(each.label) or "").casefold() for each in types.object_types or ()}
        self._objects = {key: each for each in objects.objects or () if (key := word(each.id))}
        self._kinds = {
            key: kind
            for key, each in self._objects.items()
            if (kind := _KINDS.get(labels.get(word(each.object_type_id), "")))
        }
        self._layout = _Layout(layout)
        self.parts = {key: CloudDevice(kind=kind, id=key).part for key, kind in self._kinds.items()}
        roots = [key for key in self._objects if key not in self._kinds and self._is_root(key, labels)]
        self.parts |= dict.fromkeys(roots[:1], SITE)
        self.keys = {
            key: self.parts[number]
            for number, each in self._objects.items()
            if number in self.parts and (key := each.datasource or each.datasources)
        }

    def _is_root(self, key: str, labels: Mapping[str | None, str]) -> bool:
        each = self._objects[key]
        return labels.get(word(each.object_type_id)) == _ROOT or word(each.parent_id) == _NO_PARENT

    def devices(self) -> Iterator[CloudDevice]:
        """Panels, strings, inverters and meters; also inverters that only the layout has, for what hangs on them."""
        for key, kind in self._kinds.items():
            label = word(self._objects[key].label)
            serial = self._layout.serial(key, label)
            yield CloudDevice(kind=kind, id=key, parent=self._parent(key), label=label, serial=serial)
        for key, inverter in self._layout.inverters.items():
            if self._kinds.get(key) != "inverter":
                yield CloudDevice(
                    kind="inverter", id=key, label=word(inverter.label), serial=word(inverter.inverter_serial)
                )

    def _parent(self, key: str) -> str | None:
        """The nearest device above it. The chain of objects may be a circle."""
        seen, above = {key}, word(self._objects[key].parent_id)
        while above in self._objects and above not in seen:
            if above in self._kinds:
                return self.parts[above]
            seen.add(above)
            above = word(self._objects[above].parent_id)
        return self._layout.inverter_of(key) if self._kinds[key] == "string" else None


class _Layout:
    """What the layout knows of objects. It is about the wiring, and may not have the same things as the objects."""

    def __init__(self, layout: Layout) -> None:
        inverters = (layout.system and layout.system.inverters) or ()
        strings = [
            (string, inverter)
            for inverter in inverters
            for mppt in inverter.mppts or ()
            for string in mppt.strings or ()
        ]
        panels = [panel for string, _ in strings for panel in string.panels or ()]
        self.inverters: dict[str, LayoutInverter] = {key: each for each in inverters if (key := word(each.object_id))}
        self._strings = {key: word(each.object_id) for string, each in strings if (key := word(string.object_id))}
        self._serials = {key: word(each.serial) for each in panels if (key := word(each.object_id))}
        self._serials |= {key: word(each.inverter_serial) for key, each in self.inverters.items()}
        labels = [word(panel.label) for panel in panels]
        self._by_label = {
            label: word(panel.serial)
            for label, panel in zip(labels, panels, strict=True)
            if label and not word(panel.object_id) and labels.count(label) == 1
        }

    def serial(self, key: str, label: str | None) -> str | None:
        """By the object; where the layout does not name that, by a label that is there once."""
        return self._serials.get(key) or self._by_label.get(label or "")

    def inverter_of(self, string: str) -> str | None:
        """The part of the inverter that a string is connected to."""
        key = self._strings.get(string)
        return CloudDevice(kind="inverter", id=key).part if key else None


def totals(summary: Summary, zone: ZoneInfo | None, now: datetime) -> Iterator[Sample]:
    """Power and energies of the site. Nothing without a time, for nobody could tell how old it is."""
    told = summary.summary
    end = moment(told.updated_on, zone) if told else None
    if told is None or end is None:
        return
    yield Sample(part=SITE, quantity="last_report", value=end, end=end)
    if (power := number(told.last_power_dc)) is not None:
        yield Sample(part=SITE, quantity="power_dc", value=power, end=end)
    if (lifetime := energy(told.lifetime_energy_dc)) is not None:
        yield Sample(part=SITE, quantity="energy_lifetime_dc", value=lifetime, end=end, kind="counter")
    if zone is None:
        return
    day = end.astimezone(zone).date()
    if day.year == now.astimezone(zone).year and (year := energy(told.ytd_energy_dc)) is not None:
        yield Sample(part=SITE, quantity="energy_year_dc", value=year, end=end, kind="counter")
    if (today := energy(told.daily_energy_dc)) is not None:
        yield Sample(
            part=SITE,
            quantity="energy_today_dc",
            value=today,
            start=midnight(day, zone),
            end=end,
            kind="daily",
            day=day,
            quality="partial",
        )


def size(system: System, now: datetime) -> Iterator[Sample]:
    """What the panels are rated at."""
    if rating := energy(system.power_rating):
        yield Sample(part=SITE, quantity="size", value=rating, end=now)


def loggers(sources: Sources) -> tuple[CloudDevice, ...]:
    """The data loggers of the site."""
    return tuple(
        CloudDevice(kind="source", id=key, serial=word(each.serial), label=word(each.name))
        for each in sources.sources or ()
        if (key := word(each.source_id))
    )


def heartbeats(sources: Sources, zone: ZoneInfo | None, now: datetime) -> Iterator[Sample]:
    """When each logger last reported, which says that it is alive, not how new its data are; and its state."""
    for each in sources.sources or ():
        if key := word(each.source_id):
            yield from _heartbeat(each, CloudDevice(kind="source", id=key).part, zone, now)


def _heartbeat(source: Source, part: str, zone: ZoneInfo | None, now: datetime) -> Iterator[Sample]:
    if seen := moment(source.last_checkin, zone):
        yield Sample(part=part, quantity="last_report", value=seen, end=seen)
    if state := word(source.control_state):
        yield Sample(part=part, quantity="status", value=state, end=now)


def alerts(pages: Iterable[Alerts], since: datetime, zone: ZoneInfo | None) -> tuple[Alert, ...]:
    """What was warned of since then. Tigo says neither how bad it is nor when it is over."""
    found = {}
    for each in (each for page in pages for each in page.alerts or ()):
        opened, added = moment(each.generated, zone), moment(each.added, zone)
        key = word(each.alert_id)
        if key and (added or opened or since) >= since:
            found[key] = Alert(
                id=key,
                part=SITE,
                code=word(each.unique_id) or "",
                severity="unknown",
                title=_plain(word(each.title) or "")[:_TITLE],
                opened=opened or added,
                updated=added,
            )
    return tuple(found.values())


def _plain(text: str) -> str:
    """Without tags and entities, should there be any. What is less than something else is no tag."""
    return " ".join(re.sub(r"<[/!?a-zA-Z][^>]*>?", " ", html.unescape(text)).split())


def word(value: Word | Id) -> str | None:
    """A text or a number as text. None: it is empty, or says that there is nothing."""
    text = "" if value is None else str(value).strip()
    return None if text.casefold() in ("", "null", "none") else text


def number(value: Amount) -> float | None:
    """None: there is none, or none that can be one."""
    try:
        amount = float(value) if value is not None else None
    except (ValueError, OverflowError):
        return None
    return amount if amount is not None and abs(amount) < float("inf") else None


def energy(value: Amount) -> float | None:
    """A count, which cannot be negative: what is below zero stands for nothing."""
    amount = number(value)
    return amount if amount is not None and amount >= 0 else None
