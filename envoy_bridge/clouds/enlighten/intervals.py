"""What Enlighten's intervals mean. They are named by their trailing edge: `end_at` is when they were over. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from envoy_bridge.clouds.enlighten.parse import Here, moment, positive, signed
from envoy_bridge.clouds.enlighten.wire import Count, Interval, Intervals
from envoy_bridge.clouds.report import SITE, CloudDevice, Quality, Sample

PATIENCE: Final = 3 * 3600.0
"""Seconds after which an interval counts as complete although not all devices have reported: some sleep, some died."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where an interval has a quantity: `enwh`, or `charge.enwh` where it is nested. Several are one or the other."""

    quantity: str
    paths: tuple[str, ...]

    def of(self, row: Interval) -> float | None:
        """Its value; None where the reply has none."""
        for path in self.paths:
            value: object = row
            for name in path.split("."):
                value = getattr(value, name, None)
            if isinstance(value, int | float):
                return _known(self.quantity, value)
        return None


def site_intervals(reply: Intervals, here: Here, length: float, readings: Sequence[Reading]) -> tuple[Sample, ...]:
    """The intervals of a site, each of `length` seconds, off the grid too. Gaps stay gaps.

    The newest ones are partial for as long as devices are missing in them.
    """
    samples: list[Sample] = []
    for row in _flat(reply.intervals):
        end = moment(row.end_at)
        if end is None:
            continue
        waits = row.devices_reporting is not None and row.devices_reporting < (reply.total_devices or 0)
        quality: Quality = "partial" if waits and here.now - end.timestamp() < PATIENCE else "ok"
        for reading in readings:
            value = reading.of(row)
            samples += [] if value is None else [_interval(SITE, reading.quantity, value, end, length, quality=quality)]
    return tuple(samples)


def _known(quantity: str, value: Count) -> float | None:
    return signed(value) if quantity == "power" else positive(value)


def meter_intervals(reply: Intervals, length: float) -> tuple[Sample, ...]:
    """The intervals of each revenue-grade meter, its channels added up.

    Where one of them says nothing, or has not reported yet, the sum is missing.
    """
    samples: list[Sample] = []
    for meter in reply.meter_intervals or ():
        if not meter.meter_serial_number:
            continue
        part = CloudDevice(kind="meter", id=str(meter.meter_serial_number)).part
        channels = {row.channel for row in meter.intervals or ()}
        for end, rows in _by_end(meter.intervals or ()).items():
            # The document calls curr_w an energy, "in Watts": it is a power.
            for quantity, field in (("energy", "wh_del"), ("power", "curr_w")):
                values = [_known(quantity, getattr(row, field)) for row in rows.values()]
                known = [value for value in values if value is not None]
                if len(known) == len(channels):
                    samples.append(_interval(part, quantity, sum(known), end, length))
    return tuple(samples)


def so_far(samples: Iterable[Sample], here: Here, totals: Mapping[str, str]) -> Iterator[Sample]:
    """Sums of today, where nothing is missing since the midnight of the site. `totals`: by quantity of an interval."""
    midnight = here.midnight(here.today)
    of_today = sorted(
        (sample for sample in samples if sample.start is not None and sample.start >= midnight),
        key=lambda sample: sample.end,
    )
    for quantity, total in totals.items():
        rows = [sample for sample in of_today if sample.quantity == quantity]
        edges = [midnight, *(row.end for row in rows)]
        if rows and [row.start for row in rows] == edges[:-1]:
            yield Sample(
                part=SITE,
                quantity=total,
                value=sum(row.value for row in rows if isinstance(row.value, float)),
                kind="daily",
                start=midnight,
                end=edges[-1],
                day=here.today,
                quality="partial",
            )


def _interval(
    part: str, quantity: str, value: float, end: datetime, length: float, *, quality: Quality = "ok"
) -> Sample:
    return Sample(
        part=part,
        quantity=quantity,
        value=value,
        kind="interval",
        start=end - timedelta(seconds=length),
        end=end,
        granularity=length,
        quality=quality,
    )


def _flat(rows: Sequence[Interval | tuple[Interval, ...]] | None) -> Iterator[Interval]:
    """Import and export come as lists of lists."""
    for row in rows or ():
        yield from row if isinstance(row, tuple) else (row,)


def _by_end(rows: Iterable[Interval]) -> dict[datetime, dict[int | None, Interval]]:
    """By the end of the interval, and by channel."""
    grouped: dict[datetime, dict[int | None, Interval]] = {}
    for row in rows:
        end = moment(row.end_at)
        if end is not None:
            grouped.setdefault(end, {})[row.channel] = row
    return grouped
