"""`/info`: who the gateway is. Answered without a login by every firmware."""

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from envoy_bridge.errors import UnusableReply

HOME: Final = "/home"
"""The page that names the serial number where `/info` does not: before firmware 3.9."""

LIMIT = 64 * 1024
"""Bytes of `/info` that are read at most; real ones have two thousand. It is width that costs memory, not depth."""

_SERIAL = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)

_MODELS = {
    "800-00069": "Envoy-R",
    "800-00551": "Envoy-S Standard",
    "800-00555": "Envoy-S Metered",
    "800-00647": "IQ Combiner",
    "800-00654": "Envoy-S Metered (EU)",
    "800-00656": "Envoy-S Standard (EU)",
}
"""The start of a part number, and what people call the box."""

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayInfo:
    """What a gateway says of itself. `firmware` is without its leading letter: `8.2.4345`; `version` compares."""

    serial: str
    firmware: str
    version: Version
    part_number: str
    metered: bool
    web_tokens: bool
    path: str = "/info"
    """Where it says so: `/home` before firmware 3.9."""

    @property
    def model(self) -> str:
        """What people call this box."""
        if self.path == HOME:
            return "Envoy"
        known = _MODELS.get(self.part_number[:9])
        return known or ("IQ Gateway Metered" if self.metered else "IQ Gateway")


def parse_info(body: bytes) -> GatewayInfo:
    """Read the XML of `/info`. The box is not trusted: no entities, no DTD, no network, letters and digits as serial.

    Raises:
        UnusableReply: the body is not the XML of a gateway.
    """
    if len(body) > LIMIT or b"<!DOCTYPE" in body:
        raise UnusableReply("/info is not what a gateway answers: too large, or with a DOCTYPE")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(body.strip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnusableReply("/info is not XML: is this address a gateway?") from error

    def text(name: str) -> str:
        found = root.xpath(f"//*[local-name()='device']/*[local-name()='{name}']/text()") or root.xpath(
            f"/*/*[local-name()='{name}']/text()"
        )
        return str(found[0]).strip() if isinstance(found, list) and found else ""

    serial, software = text("sn"), text("software")
    if not _SERIAL.fullmatch(serial):
        raise UnusableReply("/info names no serial number of letters and digits: is this address a gateway?")
    firmware = re.sub(r"[^0-9.]", "", software)[:32]
    return GatewayInfo(
        serial=serial,
        firmware=firmware,
        version=version_of(firmware),
        part_number=re.sub(r"[^A-Za-z0-9-]", "", text("pn"))[:32],
        metered=text("imeter") == "true",
        web_tokens=text("web-tokens") == "true",
    )


def version_of(firmware: str) -> Version:
    """The firmware as numbers. A long form such as 8.2.8.2.4264 counts as 8.2.4264."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", firmware))
    return numbers[-3:] if len(numbers) > 4 else numbers  # noqa: PLR2004 - the short form has three or four parts
