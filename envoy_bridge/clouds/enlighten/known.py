"""What was learnt about the systems of an Enlighten account, so that a restart need not ask again. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge.clouds.enlighten.parse import Found, Here
from envoy_bridge.clouds.report import CloudDevice, Sample, SiteReport


class Known(Struct, frozen=True):
    """One system.

    `hardware`, `silent`: as in `Found`. `devices`: by the question whose answer listed them; of one that was found
    here, the gateway. `cursors`: by series, seconds since 1970 from which on intervals may be missing. `days`: by
    series, the last whole day. `absent`: by question, seconds since 1970 before which it is not asked again.
    """

    zone: str | None = None
    hardware: frozenset[str] = frozenset()
    devices: Mapping[str, tuple[CloudDevice, ...]] = {}
    silent: frozenset[str] = frozenset()
    cursors: Mapping[str, float] = {}
    days: Mapping[str, date] = {}
    absent: Mapping[str, float] = {}

    @property
    def gateways(self) -> tuple[str, ...]:
        """The serial numbers of its gateways."""
        return tuple(device.id for device in self._all_devices() if device.kind == "gateway")

    def here(self, now: float) -> Here:
        """For reading a reply that came at `now`, in seconds since 1970."""
        zone: tzinfo = ZoneInfo(self.zone) if self.zone else UTC
        return Here(zone, now)

    def after(self, question: str, found: Found) -> "Known":
        """With what a reply told."""
        return replace(
            self,
            hardware=self.hardware if found.hardware is None else found.hardware,
            devices=self.devices if found.devices is None else {**self.devices, question: found.devices},
            silent=self.silent if found.silent is None else found.silent,
        )

    def without(self, question: str, until: float) -> "Known":
        """With a question that is of no use for some time."""
        return replace(self, absent={**self.absent, question: until})

    def up_to(self, series: str, cursor: float) -> "Known":
        """With intervals that are complete until then."""
        return replace(self, cursors={**self.cursors, series: cursor})

    def through(self, series: str, day: date) -> "Known":
        """With days that are complete, this one included."""
        return replace(self, days={**self.days, series: max(day, self.days.get(series, day))})

    def report(self, site: str, samples: tuple[Sample, ...] = (), *, devices: bool = False) -> SiteReport:
        """What is told of it. `devices`: with all of them. What the cloud counts has nothing of a silent gateway."""
        listed = tuple(self._all_devices()) if devices else None
        counted = tuple(serial for serial in self.gateways if serial not in self.silent)
        return SiteReport(site=site, zone=self.zone, serials=counted or self.gateways, devices=listed, samples=samples)

    def _all_devices(self) -> Iterator[CloudDevice]:
        """Each once, as it is told with most: the gateway it hangs on, its model."""
        best: dict[str, CloudDevice] = {}
        for device in (device for group in self.devices.values() for device in group):
            other = best.get(device.part)
            if other is None or _told(device) > _told(other):
                best[device.part] = device
        yield from best.values()


def _told(device: CloudDevice) -> tuple[bool, bool]:
    return device.parent is not None, device.model is not None


class Memory(Struct, frozen=True):
    """All systems, by id."""

    sites: Mapping[str, Known] = {}


def recalled(memory: bytes | None) -> dict[str, Known]:
    """The systems of an earlier run; none where they are not understood."""
    try:
        sites = msgspec.json.decode(memory or b"{}", type=Memory).sites
    except msgspec.MsgspecError:
        return {}
    return {site: replace(known, zone=zone_name(known.zone)) for site, known in sites.items()}


def remembered(sites: Mapping[str, Known]) -> bytes:
    """What `recalled` understands."""
    return msgspec.json.encode(Memory(dict(sites)))


def zone_name(text: str | None) -> str | None:
    """The name of a time zone; None where there is no such zone."""
    try:
        return ZoneInfo(text).key if text else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
