"""The certificate of a gateway is its own, so it is pinned: what was shown first must be shown again.

A gateway's certificate is self-signed; no authority vouches for it. We remember its fingerprint together with the
serial number and the firmware. Another certificate is accepted only along with another firmware, since an update makes
a new one. That is continuity, not proof: `/info` can be imitated.
"""

import hashlib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from envoy_bridge import state
from envoy_bridge.errors import CertificateChanged, StateError
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.logs import get_logger

if TYPE_CHECKING:
    from envoy_bridge.gateway.http import GatewayHttp

log = get_logger(__name__)

# Gateways offer old keys and ciphers. Who is there is settled by the pin, not by a chain of signatures.
_CIPHERS: Final = "DEFAULT:@SECLEVEL=1"


class Pin(msgspec.Struct, frozen=True):
    """What is remembered of a gateway: SHA-256 of its certificate (hex), and the firmware that showed it."""

    sha256: str
    firmware: str


class PinnedTls:
    """TLS towards one gateway. `seen`: fingerprint of the last handshake. `expected`: what the next ones must show."""

    def __init__(self) -> None:
        self.seen: str | None = None
        self.expected: str | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.set_ciphers(_CIPHERS)
        self.context.sslobject_class = self._handshake_class()

    def _handshake_class(self) -> type[ssl.SSLObject]:
        """An SSLObject whose handshake fails on a certificate that is not expected: before a byte of HTTP is sent."""
        tls = self

        class Checked(ssl.SSLObject):
            def do_handshake(self) -> None:
                super().do_handshake()
                tls.seen = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
                if tls.expected not in (None, tls.seen):
                    raise ssl.SSLError("the gateway shows another certificate")

        return Checked


class Pins:
    """The pins of all gateways, in one file of the state directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "certificates.json"
        self._pins: dict[str, Pin] = {}
        try:
            self._pins = msgspec.json.decode(state.read(self._path) or b"{}", type=dict[str, Pin])
        except (ValueError, RecursionError):
            log.warning("pins_unreadable", path=str(self._path), consequence="certificates are pinned anew")

    def settle(self, tls: PinnedTls, info: GatewayInfo) -> bool:
        """Compare what was seen with what is remembered, and expect it from now on.

        Returns:
            True when a changed certificate was accepted because the firmware changed as well.

        Raises:
            CertificateChanged: another certificate, and the firmware is the same.
        """
        if tls.seen is None:
            return False
        known = self._pins.get(info.serial)
        if known is not None and known.sha256 != tls.seen and known.firmware == info.firmware:
            raise CertificateChanged(
                f"gateway {info.serial} shows another certificate than before although its firmware is still "
                f"{info.firmware}; no token was sent. If you replaced the gateway, delete {self._path} and restart"
            )
        tls.expected = tls.seen
        seen = Pin(sha256=tls.seen, firmware=info.firmware)
        if known != seen:
            self._pins[info.serial] = seen
            self._write()
        return known is not None and known.sha256 != seen.sha256

    def prove(self, http: "GatewayHttp", info: GatewayInfo) -> None:
        """At an address that was announced: is it the gateway we know, whatever firmware it says it has?

        Raises:
            CertificateChanged: it shows another certificate than the one that is pinned, or none.
        """
        known = self._pins.get(info.serial)
        if known is not None and (http.tls is None or http.tls.seen != known.sha256):
            raise CertificateChanged(
                f"{http.url} announces itself as gateway {info.serial}, with another certificate than before; "
                "no token was sent. If it is yours, set host in its [[gateway]]"
            )

    def _write(self) -> None:
        """Keep the pins on disk; where that cannot be written, at least until the next start."""
        try:
            state.write_atomically(self._path, msgspec.json.encode(self._pins))
        except StateError as error:
            log.warning("pins_not_kept", message=str(error))
