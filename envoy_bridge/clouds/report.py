"""What a cloud tells, once its replies are understood: devices, samples and alerts of one site, alike for all vendors.

Everything is frozen, and in canonical units (W, Wh, V, A, Hz, %, VA, var, °C): the parser of a vendor converts, once.
Missing is missing: a value that a vendor leaves out, or gives as a sentinel, makes no sample.
"""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["instant", "interval", "counter", "daily"]
"""A value of one moment (`end`); what happened between `start` and `end`; a count that only grows, as it stood at
`end`; what happened on the local day `day`."""

Quality = Literal["ok", "partial", "estimated", "stale"]

DeviceKind = Literal["gateway", "inverter", "optimizer", "panel", "string", "meter", "battery", "plant", "source"]

SITE = "site"
"""Stands for the whole site where the id of a device stands."""


class CloudDevice(Struct, frozen=True, kw_only=True):
    """One device of a site. `id`: as the vendor has it. `parent`: what it hangs on, as `part`; None: the site."""

    kind: DeviceKind
    id: str
    parent: str | None = None
    serial: str | None = None
    model: str | None = None
    label: str | None = None

    @property
    def part(self) -> str:
        """Its place below the site, as a topic level: `panel-3`. See `clean`."""
        return f"{self.kind}-{clean(self.id)}"


class Sample(Struct, frozen=True, kw_only=True):
    """One value. `part`: of a device, or `SITE`. `quantity`: a field of `clouds.parts.Measured`.

    `start`, `end`: aware, in UTC; an interval and a day have both. `day`: the local date of a daily value, as the
    vendor says it. `granularity`: seconds of an interval; None where it has none, or is a day or longer.
    """

    part: str
    quantity: str
    value: float | str | bool | datetime
    end: datetime
    start: datetime | None = None
    kind: Kind = "instant"
    granularity: float | None = None
    day: date | None = None
    quality: Quality = "ok"


class Alert(Struct, frozen=True, kw_only=True):
    """Something that the vendor warns of. Plain text, no HTML. `closed` None: it is open."""

    id: str
    part: str
    code: str
    severity: str
    title: str
    opened: datetime | None = None
    closed: datetime | None = None
    updated: datetime | None = None


class SiteReport(Struct, frozen=True, kw_only=True):
    """What one or several replies tell of a site. What it leaves out stays as it was: a report is an addition.

    `zone`: IANA name of the site's time zone; None: the vendor does not say. `serials`: serial numbers of the gateways
    on it, as text. `devices`, `alerts`: all that there are, or None where the replies do not list them.
    """

    site: str
    zone: str | None = None
    serials: tuple[str, ...] = ()
    devices: tuple[CloudDevice, ...] | None = None
    samples: tuple[Sample, ...] = ()
    alerts: tuple[Alert, ...] | None = None


def clean(identifier: str) -> str:
    """An id of a vendor as a topic level: 1 to 48 of a-z, 0-9, _ and -; all other characters become _."""
    safe = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "_" for letter in identifier
    )
    return safe.lower()[:48] or "_"
