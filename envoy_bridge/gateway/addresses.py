"""Where gateways are. The serial number is who a gateway is; an address is only where it was seen last.

Addresses are hints, and nothing here is trusted: whoever answers at one still has to prove who it is.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from envoy_bridge import state
from envoy_bridge.clock import Clock
from envoy_bridge.errors import StateError
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.logs import get_logger
from envoy_bridge.values import host_maybe_port

log = get_logger(__name__)

SEARCH_AT_MOST_EVERY: Final = 60.0
"""Seconds between two searches for a gateway: it may be switched off for weeks."""

ANNOUNCED_AT_MOST: Final = 3
"""Announced addresses that are tried in a round. Each may cost two deadlines, and a round of two minutes is a hang."""

_FORGET: Final = "gateways without host are searched for"


class Place(msgspec.Struct, frozen=True):
    """Where a gateway answered last, as it stands in a URL; and the `host` that its [[gateway]] had then."""

    address: str
    host: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError: the address cannot stand in a URL."""
        host_maybe_port(self.address)


class Addresses:
    """The last good address of each gateway, in one file of the state directory; without one, for this run."""

    def __init__(self, directory: Path | None = None) -> None:
        self._path = directory and directory / "addresses.json"
        self._places: dict[str, Place] = {}
        self._writable = True
        try:
            content = self._path and state.read(self._path)
            self._places = msgspec.json.decode(content or b"{}", type=dict[str, Place])
        except StateError as error:
            log.warning("addresses_unreadable", consequence=_FORGET, reason=str(error))
        except (ValueError, RecursionError):
            log.warning("addresses_unreadable", consequence=_FORGET, reason=f"{self._path} is damaged")

    def last(self, serial: str | None) -> str | None:
        """Where this gateway answered last; None: not known."""
        place = self._places.get(serial or "")
        return None if place is None else place.address

    def serial_at(self, host: str | None) -> str | None:
        """The serial number of the gateway that [[gateway]] with this `host` led to last; None: not known."""
        found = (serial for serial, place in reversed(self._places.items()) if place.host == host)
        return next(found, None)

    def keep(self, serial: str, place: Place) -> None:
        """Remember a place; on disk when it is another one than before."""
        if self._places.get(serial) == place:
            return
        self._places.pop(serial, None)  # the latest stands at the end
        self._places[serial] = place
        if self._path is not None:
            self._write(self._path)

    def _write(self, path: Path) -> None:
        try:
            state.write_atomically(path, msgspec.json.encode(self._places))
        except StateError as error:
            if self._writable:
                log.warning("addresses_not_kept", consequence="remembered until the next start", reason=str(error))
            self._writable = False
        else:
            self._writable = True


Prove = Callable[[GatewayHttp, GatewayInfo], None]
"""Raises CertificateChanged when what answers is not the gateway that we know, although it has its serial number."""


def trust(_http: GatewayHttp, _info: GatewayInfo) -> None:
    """Ask for no proof beyond the serial number."""


@dataclass(slots=True, kw_only=True)
class Whereabouts:
    """What is known of where one gateway is. Outlives its connections.

    `interfaces`: addresses of this machine on which the LAN is searched, all by default. `prove`: asked at addresses
    that were announced, since anybody can announce a serial number that is not his own.
    """

    addresses: Addresses = field(default_factory=Addresses)
    clock: Clock = field(default_factory=Clock)
    interfaces: Sequence[str] | None = None
    prove: Prove = trust
    address: str | None = field(default=None, init=False)
    """Where it answered last in this run."""
    former: str | None = field(default=None, init=False)
    """Where it was looked for first, when it answered at another address; None: it has not moved."""
    _announced: Sequence[str] = field(default=(), init=False)
    """What the last search found: good until the next one, or until the gateway answers. The next to try is first."""
    _searched: float = field(default=float("-inf"), init=False)

    @property
    def may_search(self) -> bool:
        """Is it time to search the LAN?"""
        return self.clock.monotonic() - self._searched >= SEARCH_AT_MOST_EVERY

    def known(self, host: str | None, serial: str | None) -> list[str]:
        """Where to ask before the LAN is searched: where it answered last, its configured `host`, what is on disk."""
        places = (self.address, host, self.addresses.last(serial))
        return list(dict.fromkeys(place for place in places if place is not None))

    def searched(self, announced: Sequence[str]) -> None:
        """The LAN was searched just now, and this was found."""
        self._announced, self._searched = announced, self.clock.monotonic()

    def some_announced(self, *, besides: Container[str]) -> Sequence[str]:
        """A few of what the last search found, `besides` what has been tried; others the next time."""
        new = [address for address in self._announced if address not in besides]
        self._announced = new[ANNOUNCED_AT_MOST:] + new[:ANNOUNCED_AT_MOST]
        return new[:ANNOUNCED_AT_MOST]

    def arrived(self, address: str, host: str | None, serial: str) -> None:
        """The gateway has shown its serial number at this address."""
        first = next(iter(self.known(host, serial)), address)
        self.former = first if first != address else None
        self.address, self._announced = address, ()
        self.addresses.keep(serial, Place(address, host))
