"""Finding gateways on the LAN: they announce themselves by mDNS.

Anybody on the LAN can announce anything: what comes out is a hint where to ask for `/info`, and no more.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from envoy_bridge.errors import GatewayUnreachable

if TYPE_CHECKING:
    from zeroconf import ServiceInfo, Zeroconf

SERVICE: Final = "_enphase-envoy._tcp.local."

ANNOUNCEMENTS_LIMIT: Final = 64
"""Announcements that are looked at; a site with 28 gateways is the largest that is known."""

ADDRESSES_LIMIT: Final = 8
"""Addresses of one gateway; Wi-Fi and Ethernet, each with two versions of IP, are four."""

_DETAILS_DEADLINE: Final = 1000.0
"""Milliseconds for what an announcement left out; mostly it has everything."""

_LOOK_EVERY: Final = 0.5
"""Seconds between two looks whether the gateway that is wanted has been heard. Its other names come with the first."""

_USUAL_PORTS: Final = (80, 443)
"""What gateways announce; they answer at both, so it says nothing. Simulators have others."""

_NAME_LIMIT: Final = 63  # characters, as DNS has it
_SERIAL: Final = re.compile(rb"[A-Za-z0-9]{1,32}")
_Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Found:
    """What announces itself as a gateway."""

    serial: str | None
    """None: it does not say, or not as a serial number."""
    addresses: tuple[str, ...]
    """At least one, best first, as they stand in a URL: IPv6 in brackets, an unusual port behind it."""
    name: str
    """What it calls itself, for people."""


async def discover(
    seconds: float, *, wanted: str | None = None, interfaces: Sequence[str] | None = None
) -> list[Found]:
    """Listen for so long, and give what was heard: each gateway once, ordered by serial number.

    Ends sooner when the gateway with the serial number `wanted` was heard. `interfaces` are addresses of this machine
    to listen on, all by default.

    Raises:
        GatewayUnreachable: This machine cannot search its network.
    """
    # Loaded here: a daemon that is told where its gateways are does without its four megabytes.
    from zeroconf import DNSQuestionType, InterfaceChoice  # noqa: PLC0415
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf  # noqa: PLC0415

    names: dict[str, None] = {}

    def hear(name: str, **_: object) -> None:
        if len(names) < ANNOUNCEMENTS_LIMIT:
            names[name] = None

    try:
        listener = AsyncZeroconf(interfaces=list(interfaces) if interfaces else InterfaceChoice.All)
    except OSError as error:
        raise GatewayUnreachable(
            f"cannot search the LAN for gateways ({error.strerror}): set host in [[gateway]]"
        ) from error
    async with (
        listener,
        # QM asks for answers to all. An answer to us alone might end up at another program of this machine that
        # listens on the same port, as avahi does.
        AsyncServiceBrowser(listener.zeroconf, SERVICE, handlers=[hear], question_type=DNSQuestionType.QM),
    ):
        return await _listen(listener.zeroconf, names, seconds, wanted)


async def _listen(zeroconf: "Zeroconf", names: Iterable[str], seconds: float, wanted: str | None) -> list[Found]:
    """What stands behind the names when the time is over, or when `wanted` is among them."""
    now = asyncio.get_running_loop().time
    end = now() + seconds
    found: list[Found] = []
    while (left := end - now()) > 0 and not any(gateway.serial == wanted for gateway in found):
        await asyncio.sleep(left if wanted is None else min(left, _LOOK_EVERY))
        details = await asyncio.gather(*(_ask(zeroconf, name) for name in names))
        found = _gateways(info for info in details if info is not None)
    return found


async def _ask(zeroconf: "Zeroconf", name: str) -> "ServiceInfo | None":
    """What stands behind a name; None: it has left, or is no name of a gateway."""
    from zeroconf import BadTypeInNameException, DNSQuestionType  # noqa: PLC0415 - as above
    from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415

    try:
        info = AsyncServiceInfo(SERVICE, name)
    except BadTypeInNameException:
        return None
    return info if await info.async_request(zeroconf, _DETAILS_DEADLINE, DNSQuestionType.QM) else None


def _gateways(announcements: Iterable["ServiceInfo"]) -> list[Found]:
    """One entry per gateway; one that is on both Wi-Fi and Ethernet may announce itself under two names."""
    groups: dict[str, list[ServiceInfo]] = {}
    for info in announcements:
        groups.setdefault(_serial(info) or f" {info.name}", []).append(info)
    found = []
    for key in sorted(groups):
        infos = groups[key]
        if addresses := _addresses(address for info in infos for address in _announced(info)):
            found.append(Found(_serial(infos[0]), addresses, _name(infos[0])))
    return found


def _announced(info: "ServiceInfo") -> list[tuple[_Address, str]]:
    """Addresses, and what follows them in a URL: an unusual port."""
    from zeroconf import IPVersion  # noqa: PLC0415 - as above

    port = f":{info.port}" if info.port and info.port not in _USUAL_PORTS else ""
    return [(address, port) for address in info.ip_addresses_by_version(IPVersion.All)]


def _serial(info: "ServiceInfo") -> str | None:
    serial = info.properties.get(b"serialnum")
    return serial.decode() if serial and _SERIAL.fullmatch(serial) else None


def _name(info: "ServiceInfo") -> str:
    name = info.name.removesuffix(f".{SERVICE}")[:_NAME_LIMIT]
    return "".join(character if character.isprintable() else "?" for character in name)


def _addresses(announced: Iterable[tuple[_Address, str]]) -> tuple[str, ...]:
    """IPv4 before IPv6. What is good on one cable only, or on this machine, counts where there is nothing else."""
    possible = {place for place in announced if not (place[0].is_unspecified or place[0].is_multicast)}
    good = {place for place in possible if not (place[0].is_link_local or place[0].is_loopback)}
    best = sorted(good or possible, key=lambda place: (place[0].version, int(place[0]), place[1]))
    return tuple(
        (str(address) if address.version == 4 else f"[{address}]") + port  # noqa: PLR2004 - IPv4
        for address, port in best[:ADDRESSES_LIMIT]
    )
