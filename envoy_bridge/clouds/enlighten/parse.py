"""What Enlighten's replies about a whole site mean: its present, and its days. Pure.

W and Wh everywhere. A day is named by its date at the site.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from envoy_bridge.clouds.enlighten.wire import Count, Lifetime, Meta, Summary
from envoy_bridge.clouds.report import SITE, CloudDevice, Quality, Sample

STATES: Final = frozenset(
    ("normal", "comm", "power", "meter", "meter_issue", "micro", "battery", "storage_idle", "retired")
)
"""The words that systems, gateways and inverters use for how they are."""

COUNTERS: Final = {
    "energy_consumed_today": "energy_consumed_lifetime",
    "energy_imported_today": "energy_imported",
    "energy_exported_today": "energy_exported",
    "energy_charged_today": "energy_charged",
    "energy_discharged_today": "energy_discharged",
}
"""What the days of a quantity are together, where no reply says it."""

_END_OF_TIME: Final = 253402300800.0
"""The year 10000, which no datetime reaches."""


@dataclass(frozen=True, slots=True)
class Here:
    """Where and when a reply was read: the zone of the site, and seconds since 1970."""

    zone: tzinfo
    now: float

    @property
    def time(self) -> datetime:
        """When it was read, in UTC."""
        return datetime.fromtimestamp(self.now, UTC)

    @property
    def today(self) -> date:
        """The date at the site."""
        return datetime.fromtimestamp(self.now, self.zone).date()

    def midnight(self, day: date) -> datetime:
        """When the day begins at the site, in UTC."""
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reply tells. None: nothing about that.

    `silent`: serial numbers of gateways that never reported. `hardware`: what there is to be asked for: `production`,
    `consumption`, `rgm` (meters), `battery`.
    """

    samples: tuple[Sample, ...] = ()
    devices: tuple[CloudDevice, ...] | None = None
    silent: frozenset[str] | None = None
    hardware: frozenset[str] | None = None


def moment(seconds: Count) -> datetime | None:
    """A time of a reply; None where it says none, or nothing possible."""
    if seconds is None or not 0 < seconds < _END_OF_TIME:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def word(status: str | None) -> str | None:
    """A status; one that is not known is `unknown`."""
    return status if status is None or status in STATES else "unknown"


def positive(value: Count) -> float | None:
    """A number that cannot be negative. -1 is how version 4 says that it does not say."""
    return None if value is None or value < 0 else float(value)


def signed(value: Count) -> float | None:
    """A number that can be negative, as a power at night; yet -1 says nothing."""
    return None if value is None or value == -1 else float(value)


def present(quantity: str, value: float | str | datetime | None, at: datetime | None, part: str = SITE) -> list[Sample]:
    """A value of one moment; none where the reply has no value, or no time for it."""
    return [] if value is None or at is None else [Sample(part=part, quantity=quantity, value=value, end=at)]


def summary(reply: Summary, here: Here) -> Found:
    """The present of a site."""
    measured, reported = moment(reply.last_interval_end_at), moment(reply.last_report_at)
    at = measured or reported
    samples = present("status", word(reply.status), here.time) + present("last_report", reported, reported)
    # battery_charge_w and battery_discharge_w are what the batteries are rated for, not what they do.
    for quantity, value in (
        ("modules", reply.modules),
        ("size", reply.size_w),
        ("capacity", reply.battery_capacity_wh),
    ):
        samples += present(quantity, positive(value), here.time)
    samples += present("power", signed(reply.current_power), at)
    return Found(samples=(*samples, *(_energies(reply, here, at) if at is not None else ())))


def _energies(reply: Summary, here: Here, at: datetime) -> Iterator[Sample]:
    """Energy of the day, and since the installation: that of all days before, and that of this one.

    `at`: until when they count; before the first interval of a day that is still in the day before.
    """
    today, before = positive(reply.energy_today), positive(reply.energy_lifetime)
    if today is None:
        return
    day = _date(reply.summary_date) or here.today
    at = max(at, here.midnight(day))
    yield _daily("energy_today", today, day, here, end=at, quality="partial")
    if before is not None:
        yield Sample(part=SITE, quantity="energy_lifetime", value=before + today, kind="counter", end=at)


def lifetime(reply: Lifetime, here: Here, quantities: Mapping[str, str]) -> tuple[Sample, ...]:
    """Whole days, by position from the reply's own start date, which may not be the one that was asked for.

    `quantities`: by field of the reply. Zeros at the end are not reported yet, and make no sample, where they come
    after the last energy (of what is produced), or the last report. A day that no report covers to its end is partial.
    """
    first, meta = _date(reply.start_date), reply.meta or Meta()
    if first is None:
        return ()
    reported = moment(meta.last_report_at)
    samples: list[Sample] = []
    for field, quantity in quantities.items():
        values: Sequence[Count] = getattr(reply, field) or ()
        days = [(first + timedelta(days=index), value) for index, value in enumerate(values)]
        last = moment(meta.last_energy_at) if field == "production" else reported
        for day, value in _without_tail(days, last.astimezone(here.zone).date() if last else None):
            wh, end = positive(value), here.midnight(day + timedelta(days=1))
            quality: Quality = "ok" if (reported or here.time) >= end else "partial"
            samples += [] if wh is None else [_daily(quantity, wh, day, here, end=end, quality=quality)]
    return tuple(samples)


def _without_tail(days: list[tuple[date, Count]], last: date | None) -> list[tuple[date, Count]]:
    """The days without those at the end that have nothing, after the day of the last report."""
    kept = list(days)
    while kept and not kept[-1][1] and (last is None or kept[-1][0] > last):
        kept.pop()
    return kept


def counters(days: Sequence[Sample]) -> Iterator[Sample]:
    """The sums of whole days, for the quantities of `COUNTERS`; of a list that begins with the system.

    Where a day is missing, so is the sum.
    """
    for quantity, counter in COUNTERS.items():
        whole = [sample for sample in days if sample.quantity == quantity and sample.quality == "ok"]
        values = [sample.value for sample in whole if isinstance(sample.value, float)]
        if whole and whole[0].start and whole[-1].end - whole[0].start < timedelta(days=len(values), hours=12):
            yield Sample(part=SITE, quantity=counter, value=sum(values), kind="counter", end=whole[-1].end)


def _daily(quantity: str, value: float, day: date, here: Here, *, end: datetime, quality: Quality) -> Sample:
    return Sample(
        part=SITE,
        quantity=quantity,
        value=value,
        kind="daily",
        start=here.midnight(day),
        end=end,
        day=day,
        quality=quality,
    )


def _date(text: str | None) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text) if text else None
    return None
