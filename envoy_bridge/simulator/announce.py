"""A gateway's announcement by mDNS, for tests of who looks for it."""

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from envoy_bridge.gateway.discovery import SERVICE

if TYPE_CHECKING:
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf


class Announcement:
    """Announces gateway `serial` at `addresses` for as long as its `async with` lasts, and says goodbye at the end.

    `interfaces`: addresses of this machine on which it is heard. A gateway on both Wi-Fi and Ethernet announces itself
    twice, under a `name` each; the default is made of the serial number.
    """

    def __init__(
        self,
        serial: str,
        *addresses: str,
        firmware: str = "8.3.5433",
        name: str | None = None,
        port: int = 80,
        interfaces: Sequence[str] = ("127.0.0.1",),
    ) -> None:
        self._addresses = addresses
        self._properties = {"serialnum": serial, "protovers": firmware}
        self._name = name or f"envoy-{serial}"
        self._port = port
        self._interfaces = interfaces
        self._responder: AsyncZeroconf | None = None

    async def __aenter__(self) -> Self:
        """Start to announce it."""
        from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415 - a simulation that nobody looks for does without

        self._responder = AsyncZeroconf(interfaces=list(self._interfaces))
        # Others may announce the same, or another of the same name: the LAN of a test is not tidy either.
        await (await self._responder.async_register_service(self._info(), cooperating_responders=True, strict=False))
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._responder is not None:
            await self._responder.async_close()

    async def move(self, *addresses: str) -> None:
        """Announce it at other addresses from now on."""
        self._addresses = addresses
        if self._responder is not None:
            await (await self._responder.async_update_service(self._info()))

    def _info(self) -> "ServiceInfo":
        from zeroconf import ServiceInfo  # noqa: PLC0415 - as above

        return ServiceInfo(
            SERVICE,
            f"{self._name}.{SERVICE}",
            addresses=[ipaddress.ip_address(address).packed for address in self._addresses],
            port=self._port,
            properties=self._properties,
            server=f"{self._name}.local.",
        )
