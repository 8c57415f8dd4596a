"""Firmware before 3.9 has no JSON: what it makes, and who it is, stands in pages for people.

The pages are old HTML in which tags are left open and encodings are wrong, so nothing is read by its place: figures
are found by the label in the cell before, the serial number by the words before it. What is not understood is missing.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from lxml import etree
from msgspec import Struct

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway.info import HOME, LIMIT, GatewayInfo, parse_info, version_of
from envoy_bridge.gateway.known import Fields, Known
from envoy_bridge.model import Flow, Production, scaled

_WATTS: Final = {"W": 1.0, "kW": 1e3, "MW": 1e6}
_WATT_HOURS: Final = {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9}

_FIGURE: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?([A-Za-z]+)")
"""Three digits and a unit. One with thousands separators or a decimal comma is refused: which is which is a guess."""

_SERIAL: Final = re.compile(r"Envoy Serial Number ?:? ?([0-9]{6,32})(?!\w)")
"""Six digits at least: the local password is made of the last six."""

_SOFTWARE: Final = re.compile(r"(?<!\w)[RDM]([0-9]{1,3}(?:\.[0-9]{1,5}){2,4})(?!\w)")


class Page(Struct, frozen=True, kw_only=True):
    """The page `/production`. W, and Wh since the installation, which is rounded to three digits."""

    watts: float | None = None
    watt_hours_lifetime: float | None = None


def parse_page(body: bytes) -> Page:
    """Read the page `/production`.

    Raises:
        UnusableReply: it is another page, or none, or not one of its figures can be read.
    """
    cells = [_text(cell) for cell in _document(body).iter("td", "th") if not _has_cells(cell)]
    page = Page(
        watts=_figure(cells, "Currentl", _WATTS),
        watt_hours_lifetime=_figure(cells, "Since Installation", _WATT_HOURS),
    )
    if page.watts is None and page.watt_hours_lifetime is None:
        raise UnusableReply("the reply is not the page of what is produced, or the page is not in English")
    return page


def production_of_page(page: Page, known: Known, _now: float) -> Fields:
    """What the page tells. Its energy moves in large steps: it never becomes `energy_lifetime`."""
    if "production" in known.measuring:
        return {}
    total = Production(power=page.watts, energy_lifetime_coarse=page.watt_hours_lifetime)
    return {"production": Flow(total=total)}


def parse_home(body: bytes) -> GatewayInfo:
    """Read the page `/home`: the serial number, and the firmware if it is named.

    Raises:
        UnusableReply: it names no serial number.
    """
    text = _text(_document(body))
    serial, software = _SERIAL.search(text), _SOFTWARE.search(text)
    if serial is None:
        raise UnusableReply(f"{HOME} names no serial number: is this address a gateway?")
    firmware = software[1] if software else ""
    return GatewayInfo(
        serial=serial[1],
        firmware=firmware,
        version=version_of(firmware),
        part_number="",
        metered=False,
        web_tokens=False,
        path=HOME,
    )


def identify(body: bytes) -> GatewayInfo:
    """Read whichever of `/info` and `/home` this is.

    Raises:
        UnusableReply: it is neither.
    """
    try:
        return parse_info(body)
    except UnusableReply as problem:
        try:
            return parse_home(body)
        except UnusableReply:
            raise problem from None


def _figure(cells: Iterable[str], label: str, units: Mapping[str, float]) -> float | None:
    """The first figure that can be read in a cell after one that begins with `label`."""
    found = (_number(value, units) for name, value in pairwise(cells) if name.startswith(label))
    return next((number for number in found if number is not None), None)


def _number(text: str, units: Mapping[str, float]) -> float | None:
    figure = _FIGURE.fullmatch(text)
    return scaled(float(figure[1]), units[figure[2]]) if figure and figure[2] in units else None


def _has_cells(cell: etree._Element) -> bool:
    """Does it hold a table of its own? Then its cells say it; read at each level, a deep nest would take a second."""
    return cell.find(".//td") is not None or cell.find(".//th") is not None


def _text(element: etree._Element) -> str:
    """What is seen of it: any run of blanks, of whatever kind, is one space, and so is a change of style."""
    return " ".join(" ".join(str(part) for part in element.itertext()).split())


def _document(body: bytes) -> etree._Element:
    """The page, without its scripts. The box is not trusted: bounded size, no network, no huge tree.

    The encoding that the page claims is not asked: a wrong one would cut the page short.
    """
    if len(body) > LIMIT:
        raise UnusableReply(f"the reply is larger than any page of a gateway ({len(body)} bytes)")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(_decoded(body).encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnusableReply("the reply is not a page") from error
    if root is None:
        raise UnusableReply("the reply is an empty page")
    etree.strip_elements(root, "script", "style", with_tail=False)
    return root


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")
