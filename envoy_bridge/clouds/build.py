"""From the configuration to clouds that can be asked. The only place that knows all four vendors.

A vendor's client is imported when its section is there: each takes memory.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import asdict

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.provider import Provider
from envoy_bridge.clouds.publish import Local, Publisher
from envoy_bridge.clouds.quota import Limits, Quota
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.clouds.task import CloudTask
from envoy_bridge.config import configured
from envoy_bridge.errors import ConfigurationError
from envoy_bridge.logs import hide
from envoy_bridge.settings import (
    CloudSection,
    Config,
    EnlightenCloud,
    GrowattCloud,
    LocusCloud,
    TigoCloud,
)
from envoy_bridge.sinks.base import Sink
from envoy_bridge.values import Secret

Serials = Callable[[], Collection[str]]
"""The serial numbers of the gateways that are polled here, as far as they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The client of a cloud, and the way to it. Nothing has been asked yet. `rest` is to be closed at the end."""

    name: str
    settings: CloudSection
    provider: Provider
    rest: Rest
    directory: Path

    @property
    def quota(self) -> Quota:
        """Its requests, counted."""
        return self.rest.quota


@dataclass(frozen=True, slots=True)
class CloudSource:
    """A cloud that is asked for ever."""

    cloud: Connected
    task: CloudTask

    async def run(self) -> None:
        """For ever; ends with all closed. May be run again."""
        async with self.cloud.rest:
            await self.task.run()


def folder(state: Path) -> Path:
    """Where the clouds keep what must survive a restart. `state`: the state directory."""
    return state / "clouds"


def clouds(
    config: Config, directory: Path, sink: Sink, clock: Clock, *, local: Local, serials: Serials = tuple
) -> list[CloudSource]:
    """All that are configured. `directory`: see `folder`. `local`: see `Publisher`."""
    found = []
    for name in configured(config):
        connected = cloud(config, name, directory, clock, serials=serials)
        publisher = Publisher(name, sink, directory, clock, sites=connected.settings.sites, local=local)
        task = CloudTask(
            connected.provider,
            connected.quota,
            publisher,
            settings=connected.settings,
            directory=directory,
            clock=clock,
        )
        found.append(CloudSource(connected, task))
    return found


def cloud(config: Config, name: str, directory: Path, clock: Clock, *, serials: Serials = tuple) -> Connected:
    """One of them.

    Raises:
        ConfigurationError: it is not configured.
    """
    section: CloudSection | None = getattr(config.cloud, name, None)
    if section is None:
        raise ConfigurationError(f"the cloud {name} is not configured: add [cloud.{name}], see docs/clouds.md")
    _hide_secrets(section)
    made = _Maker(name, directory, clock).of(section, serials)
    made.quota.limits = made.provider.quota or Limits()
    return made


@dataclass(frozen=True, slots=True)
class _Maker:
    name: str
    directory: Path
    clock: Clock

    def of(self, section: CloudSection, serials: Serials) -> Connected:
        match section:
            case EnlightenCloud():
                return self._enlighten(section, serials)
            case TigoCloud():
                return self._tigo(section)
            case GrowattCloud():
                return self._growatt(section)
            case LocusCloud():
                return self._locus(section)
        raise TypeError(section)

    def _enlighten(self, section: EnlightenCloud, serials: Serials) -> Connected:
        from envoy_bridge.clouds.enlighten.api import BASE_URL  # noqa: PLC0415 - as above
        from envoy_bridge.clouds.enlighten.provider import Enlighten  # noqa: PLC0415 - only who has it needs it

        rest = self._rest(section.base_url or BASE_URL, section.key.reveal())
        return self._connected(
            section, rest, Enlighten(section, rest, self.clock, directory=self.directory, serials=serials)
        )

    def _tigo(self, section: TigoCloud) -> Connected:
        from envoy_bridge.clouds.tigo.api import BASE  # noqa: PLC0415 - as above
        from envoy_bridge.clouds.tigo.provider import Tigo  # noqa: PLC0415 - as above

        rest = self._rest(section.base_url or BASE, section.username)
        return self._connected(section, rest, Tigo(section, rest, self.clock))

    def _growatt(self, section: GrowattCloud) -> Connected:
        from envoy_bridge.clouds.growatt.provider import Growatt, base  # noqa: PLC0415 - as above

        rest = self._rest(base(section), section.token.reveal())
        return self._connected(section, rest, Growatt(section, rest, self.clock))

    def _locus(self, section: LocusCloud) -> Connected:
        from envoy_bridge.clouds.locus.client import BASE_URL  # noqa: PLC0415 - as above
        from envoy_bridge.clouds.locus.provider import Locus  # noqa: PLC0415 - as above

        rest = self._rest(section.base_url or BASE_URL, section.client_id)
        return self._connected(section, rest, Locus(section, rest, self.clock))

    def _rest(self, base: str, account: str) -> Rest:
        """`account`: what the vendor counts by."""
        quota = Quota(self.directory / f"{self.name}.json", account, None, self.clock)
        return Rest(base, provider=self.name, clock=self.clock, quota=quota)

    def _connected(self, section: CloudSection, rest: Rest, provider: Provider) -> Connected:
        return Connected(name=self.name, settings=section, provider=provider, rest=rest, directory=self.directory)


def _hide_secrets(section: CloudSection) -> None:
    for value in asdict(section).values():
        if isinstance(value, Secret):
            hide(value.reveal())
