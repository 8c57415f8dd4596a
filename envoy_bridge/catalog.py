"""Walks over the model: every sink and the docs are written over these, none names a measurement by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import get_type_hints

from envoy_bridge.clouds.parts import Measured
from envoy_bridge.clouds.report import SITE
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.devices.base import Device
from envoy_bridge.model import Branch, Quantity, Snapshot, Value

PHASES = ("total", "l1", "l2", "l3")


_DEVICES = {device.name: device for device in DEVICES}


@dataclass(frozen=True, slots=True)
class Definition:
    """One value that a gateway may have: its path, where `<serial>` stands for a device's serial number."""

    path: str
    quantity: Quantity


@cache
def quantities(kind: type) -> tuple[tuple[str, Quantity], ...]:
    """Names and meanings of the published fields of one class of the model."""
    return tuple((name, note) for name, note in _notes(kind) if isinstance(note, Quantity))


@cache
def flows() -> tuple[tuple[str, type], ...]:
    """Name and channel class of each flow."""
    return tuple((name, note.kind) for name, note in _notes(Snapshot) if isinstance(note, Branch))


@cache
def branch(flow: str) -> Branch:
    """What a flow is, and what people call it."""
    return next(note for name, note in _notes(Snapshot) if name == flow and isinstance(note, Branch))


def device(part: str) -> Device | None:
    """The kind of device that a part of a snapshot is one of; None: it is a part of a flow."""
    return _DEVICES.get(part.partition("/")[0])


def of_cloud(part: str) -> bool:
    """Is this a part of a cloud's site, as `panel-3` is?"""
    return "/" not in part and (part == SITE or "-" in part)


def cloud_of(serial: str) -> str | None:
    """Whose cloud a snapshot is from, as `tigo` of `cloud/tigo/7`; None: it is from a gateway."""
    return serial.split("/")[1] if "/" in serial else None


def described(part: str) -> dict[str, Quantity]:
    """The quantities that a part of a snapshot may have, by name; the part is a path as in `parts`: `production/l1`.

    A part that the model does not know has none.
    """
    if of_cloud(part):
        return dict(quantities(Measured))
    found, kinds = device(part), dict(flows())
    if found is not None:
        return dict(quantities(found.kind))
    kind = kinds.get(part.partition("/")[0])
    return {} if kind is None else dict(quantities(kind))


def _notes(kind: type) -> Iterator[tuple[str, object]]:
    """What the annotations of a class say besides the type: field, and what it is annotated with."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for note in getattr(hint, "__metadata__", ()):
            yield name, note


def definitions() -> Iterator[Definition]:
    """Everything that can ever be published about a gateway."""
    for name, kind in flows():
        for phase in PHASES:
            for key, what in quantities(kind):
                yield Definition(f"{name}/{phase}/{key}", what)
    for each in DEVICES:
        for key, what in quantities(each.kind):
            yield Definition(f"{each.name}/{key}" if each.single else f"{each.name}/<serial>/{key}", what)


def parts(snapshot: Snapshot) -> Iterator[tuple[str, object, type]]:
    """The parts of a snapshot that carry quantities: path, the part or None, its class."""
    for name, kind in flows():
        flow: object = getattr(snapshot, name)
        for phase in PHASES:
            yield f"{name}/{phase}", None if flow is None else getattr(flow, phase), kind
    for each in DEVICES:
        for member, part in snapshot.devices.get(each.name, {}).items():
            yield _path(each.name, member), part, each.kind
    for place, part in snapshot.cloud.items():
        yield place, part, Measured


def points(snapshot: Snapshot) -> Iterator[tuple[str, Value, Quantity]]:
    """Every known value: path, value, meaning."""
    for path, part, kind in parts(snapshot):
        if part is not None:
            for key, what in quantities(kind):
                value = getattr(part, key)
                if value is not None:
                    yield f"{path}/{key}", value, what


def changes(old: Snapshot | None, new: Snapshot) -> Iterator[tuple[str, Value | None, Quantity]]:
    """What to tell somebody who knows `old`: path, new value (None: no longer known), meaning."""
    for name, kind in flows():
        before, after = getattr(old, name, None), getattr(new, name)
        if before != after:
            for phase in PHASES:
                part = (getattr(before, phase, None), getattr(after, phase, None))
                yield from _differences(f"{name}/{phase}", *part, quantities(kind))
    told = {} if old is None else old.cloud
    for place in {**told, **new.cloud}:
        yield from _differences(place, told.get(place), new.cloud.get(place), quantities(Measured))
    known = {} if old is None else old.devices
    if known is new.devices:
        return
    for each in DEVICES:
        former, present = known.get(each.name, {}), new.devices.get(each.name, {})
        if former is not present and former != present:
            for member in {**former, **present}:
                path = _path(each.name, member)
                yield from _differences(path, former.get(member), present.get(member), quantities(each.kind))


def _path(device: str, member: str) -> str:
    return f"{device}/{member}" if member else device


def _differences(
    path: str, before: object, after: object, wanted: tuple[tuple[str, Quantity], ...]
) -> Iterator[tuple[str, Value | None, Quantity]]:
    if before == after:
        return
    for key, what in wanted:
        value = getattr(after, key, None)
        if value != getattr(before, key, None):
            yield f"{path}/{key}", value, what


def plain(value: Value) -> str:
    """A value as every subscriber reads it: a plain decimal, true or false, a word, or an ISO 8601 time in UTC."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer():
            return str(int(value))
        text = f"{value:.3f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds").replace("+00:00", "Z")
    return str(value)
