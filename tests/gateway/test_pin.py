"""What is remembered of a certificate, and what becomes of another one."""

from pathlib import Path

import pytest

from envoy_bridge.errors import CertificateChanged
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.pin import PinnedTls, Pins

SERIAL = "122011000001"


def info(firmware: str) -> GatewayInfo:
    return GatewayInfo(
        serial=SERIAL, firmware=firmware, version=(), part_number="800-00555-r03", metered=True, web_tokens=True
    )


def shown(fingerprint: str) -> PinnedTls:
    tls = PinnedTls()
    tls.seen = fingerprint
    return tls


def test_the_first_is_remembered_over_a_restart(tmp_path: Path) -> None:
    tls = shown("aa")
    assert not Pins(tmp_path).settle(tls, info("8.2.1"))
    assert tls.expected == "aa"
    with pytest.raises(CertificateChanged, match=str(tmp_path)):
        Pins(tmp_path).settle(shown("bb"), info("8.2.1"))


def test_another_is_accepted_with_another_firmware_only(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pins.settle(shown("aa"), info("8.2.1"))
    assert pins.settle(shown("bb"), info("8.3.1"))
    with pytest.raises(CertificateChanged):
        pins.settle(shown("aa"), info("8.3.1"))
    assert not pins.settle(shown("bb"), info("8.3.1"))


def test_a_disk_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    pins = Pins(tmp_path / "gone")
    assert not pins.settle(shown("aa"), info("8.2.1"))
    with pytest.raises(CertificateChanged):
        pins.settle(shown("bb"), info("8.2.1"))


def test_a_damaged_file_is_pinned_anew(tmp_path: Path) -> None:
    (tmp_path / "certificates.json").write_bytes(b'{"1220')
    assert not Pins(tmp_path).settle(shown("aa"), info("8.2.1"))
    assert (tmp_path / "certificates.json").stat().st_mode & 0o777 == 0o600
