"""What Growatt's answers about the devices of a plant mean. Pure: decoded answers to devices and samples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.clouds.growatt.fields import FIELDS, KEPT, STRINGS, Field, Place, abilities
from envoy_bridge.clouds.growatt.plants import STEP, closed_day
from envoy_bridge.clouds.growatt.times import AHEAD, day_start, moment, moments
from envoy_bridge.clouds.growatt.wire import MISSING, Listed, Row, whole, word
from envoy_bridge.clouds.report import CloudDevice, DeviceKind, Quality, Sample, clean

MIN: Final = 7
SPH: Final = 5
TYPES: Final[Mapping[int, tuple[DeviceKind, str]]] = {
    1: ("inverter", "Inverter"),
    2: ("battery", "Storage"),
    3: ("meter", "Meter"),
    4: ("inverter", "MAX inverter"),
    SPH: ("inverter", "SPH inverter"),
    6: ("inverter", "SPA inverter"),
    MIN: ("inverter", "MIN inverter"),
    8: ("inverter", "PCS inverter"),
    9: ("inverter", "HPS inverter"),
    10: ("inverter", "PBD inverter"),
}
"""The vendor's device types. Of those that are neither MIN nor SPH only that they are there, and when they reported."""

STALE: Final = timedelta(minutes=15)
"""Age from which what an inverter told is old: it reports every five minutes, and the cloud repeats its last words."""

LAST_HOUR: Final = 23

OFFLINE: Final = "offline"
_STATUS: Final = {0: "waiting", 1: "normal", 2: "fault"}


class Known(Struct, frozen=True, kw_only=True):
    """A device as we know it. `has`: what it has shown to have, see `growatt_fields.Field.ability`."""

    serial: str
    type: int = 0
    model: str | None = None
    has: tuple[str, ...] = ()

    @property
    def readable(self) -> bool:
        """Does it tell its values here?"""
        return self.type in (MIN, SPH)

    @property
    def part(self) -> str:
        """Its place below the site."""
        return f"{TYPES.get(self.type, TYPES[1])[0]}-{clean(self.serial)}"

    def part_of(self, place: Place) -> str:
        """Where the values of this place of it stand."""
        if place == "inverter":
            return self.part
        if place == "battery":
            return f"battery-{clean(self.serial)}"
        return f"string-{clean(self._string(place))}"

    def tree(self) -> Iterator[CloudDevice]:
        """It, and what hangs on it."""
        kind, label = TYPES.get(self.type, ("inverter", "Device"))
        yield CloudDevice(kind=kind, id=self.serial, serial=self.serial, model=self.model, label=label)
        if "battery" in self.has:
            yield CloudDevice(kind="battery", id=self.serial, parent=self.part, label="Battery")
        for index, place in enumerate(STRINGS, 1):
            if place in self.has:
                yield CloudDevice(kind="string", id=self._string(place), parent=self.part, label=f"String {index}")

    def _string(self, place: Place) -> str:
        return f"{self.serial}-{place.removeprefix('string-')}"

    def learn(self, rows: Iterable[Row]) -> "Known":
        """It, with what these rows show that it has."""
        return replace(self, has=tuple(sorted({*self.has, *(ability for row in rows for ability in abilities(row))})))

    def fields(self) -> Iterator[Field]:
        """What it tells."""
        return (field for field in FIELDS if field.ability is None or field.ability in self.has)


def listed(entry: Listed, before: Known | None) -> Known:
    """A device of the list, with what was known of it. Serial numbers are text: some begin with 0."""
    known = before or Known(serial=str(entry.device_sn))
    kind = whole(entry.type)
    return replace(known, type=known.type if kind is None else kind, model=word(entry.model) or known.model)


def standing(known: Known, lost: object, updated: object, zone: tzinfo, now: datetime) -> Iterator[Sample]:
    """How a device is by the list, or by its details: whether it reaches the cloud, and when it last did.

    The list lags behind: an inverter whose values are read tells itself when that was, and what it tells later counts.
    """
    found = moment(updated, zone, now)
    told = found if found is not None and found <= now + AHEAD else None
    if told is not None and not known.readable:
        yield Sample(part=known.part, quantity="last_report", value=told, end=told)
    if (lost is True or word(lost) in {"true", "True", "1"}) and (told is not None or not known.readable):
        yield Sample(part=known.part, quantity="status", value=OFFLINE, end=told or now)


def latest(known: Known, row: Row, zone: tzinfo, now: datetime) -> Iterator[Sample]:
    """What an inverter told last, with the time when it did. Energies of today only if it told them today.

    Its `lost` is not read: it stands as true in answers of seconds ago. What is old shows in their time.
    """
    told = moment(_time(row), zone, now)
    if told is None or told > now + AHEAD:
        return
    quality: Quality = "stale" if now - told > STALE else "ok"
    day, today = (time.astimezone(zone).date() for time in (told, now))
    yield Sample(part=known.part, quantity="last_report", value=told, end=told)
    if quality == "stale":
        yield Sample(part=known.part, quantity="status", value=OFFLINE, end=told)
    elif status := _status(row):
        yield Sample(part=known.part, quantity="status", value=status, end=told)
    for field in known.fields():
        if (value := field.value(row)) is None or (field.kind == "daily" and day != today):
            continue
        sample = Sample(
            part=known.part_of(field.place),
            quantity=field.quantity,
            value=value,
            end=told,
            kind=field.kind,
            quality=quality,
        )
        today_so_far = field.kind == "daily"
        yield replace(sample, start=day_start(day, zone), day=day, quality="partial") if today_so_far else sample


def past(known: Known, rows: Sequence[Row], zone: tzinfo, days: tuple[date, date], now: datetime) -> Iterator[Sample]:
    """What an inverter told on these days, both included: its powers, and the energies of days that are over."""
    times = moments([_time(row) for row in rows], zone, now)
    told = {
        end: row
        for end, row in zip(times, rows, strict=True)
        if end is not None and end <= now and days[0] <= end.astimezone(zone).date() <= days[1]
    }
    fields = tuple(known.fields())
    for end in sorted(told):
        yield from _moment(known, fields, told[end], end)
    today = now.astimezone(zone).date()
    for day, ends in groupby(sorted(told), lambda end: end.astimezone(zone).date()):
        last = [told[end] for end in _last_hour(list(ends), zone)]
        for field in fields:
            values = [value for row in last if (value := field.value(row)) is not None]
            if day < today and field.kind == "daily" and values:
                yield closed_day(known.part_of(field.place), field.quantity, max(values), day, zone)


def _last_hour(ends: Sequence[datetime], zone: tzinfo) -> Sequence[datetime]:
    """Those in the last hour of a day, for an inverter whose clock is ahead begins its day anew in it; or the last."""
    return [end for end in ends if end.astimezone(zone).hour == LAST_HOUR] or ends[-1:]


def _moment(known: Known, fields: Iterable[Field], row: Row, end: datetime) -> Iterator[Sample]:
    """One row of the past as the five minutes up to its time."""
    for field in fields:
        if field.kind == "instant" and field.quantity in KEPT and (value := field.value(row)) is not None:
            yield Sample(
                part=known.part_of(field.place),
                quantity=field.quantity,
                value=value,
                start=end - STEP,
                end=end,
                kind="interval",
                granularity=STEP.total_seconds(),
            )


def _time(row: Row) -> object:
    """When it told this, in the vendor's form: where one name of it stands for nothing, another may not."""
    told = (row.get(name) for name in ("time", "lastupdatetime", "calendar"))
    return next((time for time in told if time and str(time).lower() not in MISSING), None)


def _status(row: Row) -> str | None:
    """A word for it. The vendor documents three numbers and sends others, with a text of its own beside them."""
    code = whole(row.get("status"))
    if code in _STATUS:
        return _STATUS[code]
    return word(row.get("statustext")) or (None if code is None else "unknown")
