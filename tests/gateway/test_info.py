"""/info is read before any login, from whoever answers: it must not be able to do harm."""

import time

import pytest

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway.info import LIMIT, parse_info

DEVICE = "<sn>{sn}</sn><pn>800-00555-r03</pn><software>{software}</software><imeter>true</imeter>"
SOUND = "<?xml version='1.0' encoding='UTF-8'?>\n<envoy_info>\t<device>{device}</device>{more}</envoy_info>"


def body(sn: str = "122011000001", software: str = "D8.2.4345", more: str = "") -> bytes:
    return SOUND.format(device=DEVICE.format(sn=sn, software=software), more=more).encode()


def test_says_who_it_is() -> None:
    info = parse_info(body(more="<web-tokens>true</web-tokens>"))
    assert (info.serial, info.firmware, info.part_number) == ("122011000001", "8.2.4345", "800-00555-r03")
    assert info.metered
    assert info.web_tokens
    assert info.model == "Envoy-S Metered"
    assert info.path == "/info"


@pytest.mark.parametrize(
    ("software", "version"),
    [
        ("R3.9.36", (3, 9, 36)),
        ("M4.2.33", (4, 2, 33)),
        ("D8.2.4264", (8, 2, 4264)),
        ("D8.2.8.2.4264", (8, 2, 4264)),
        ("", ()),
    ],
)
def test_firmware_compares_as_numbers(software: str, version: tuple[int, ...]) -> None:
    assert parse_info(body(software=software)).version == version


def test_a_namespace_hides_nothing() -> None:
    assert parse_info(body().replace(b"<envoy_info>", b"<envoy_info xmlns='urn:x'>")).serial == "122011000001"


@pytest.mark.parametrize("sn", ["", "12/+/#", "12 34", "12&#10;34", "١٢٣", "1" * 33, "../../etc"])
def test_a_serial_is_letters_and_digits(sn: str) -> None:
    with pytest.raises(UnusableReply, match="serial number"):
        parse_info(body(sn=sn))


@pytest.mark.parametrize(
    "evil",
    [
        b"",
        b"<html><body>Login</body>",
        b"<!DOCTYPE html><html></html>",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><device><sn>&x;</sn></device></a>',
        b"<a>" * 300,
        b"\x00\xff\xfe",
        body() + b" " * LIMIT,
    ],
    ids=["empty", "html", "doctype", "entity", "deep", "bytes", "large"],
)
def test_what_is_not_info_is_refused_quickly(evil: bytes) -> None:
    begun = time.perf_counter()
    with pytest.raises(UnusableReply):
        parse_info(evil)
    assert time.perf_counter() - begun < 1
