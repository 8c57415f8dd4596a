"""Sub-units of the storage system (ESUB): boards of a system controller or collar that the gateway lists by themselves.

Source: what gateways of firmware 8 answer to `/inventory.json`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Struct

from envoy_bridge.gateway.devices.base import Device, by_serial, part, word
from envoy_bridge.gateway.devices.ensemble import DEVICES, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.model import FLAG, HEARD, TIME, WORD, Flag, Members, Quantity, detail, diagnostic


class Esub(Struct, frozen=True, kw_only=True):
    """One sub-unit."""

    communicating: Annotated[Flag, diagnostic(HEARD, "Does it answer the gateway")] = None
    operating: Annotated[Flag, detail(FLAG, "Does it work")] = None
    producing: Annotated[Flag, Quantity(FLAG, "Does it produce")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None


class Listed(Struct, frozen=True):
    """An ESUB of `/inventory.json`; `admin_state` 0: it was taken away."""

    serial_num: str
    part_num: str = ""
    last_rpt_date: float | None = None
    admin_state: int | None = None
    img_pnum_running: str = ""
    communicating: bool | None = None
    operating: bool | None = None
    producing: bool | None = None


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """The sub-units of the site."""
    return by_serial(
        (
            entry.serial_num,
            Esub(
                communicating=entry.communicating,
                operating=entry.operating,
                producing=entry.producing,
                part_number=word(entry.part_num),
                firmware=word(entry.img_pnum_running),
                last_report=moment(entry.last_rpt_date),
            ),
        )
        for entry in of_type(reply, "ESUB", Listed)
        if entry.admin_state != 0
    )


ESUB = Device(
    "esub", "ESUB", Esub, "The sub-units of the storage system, by serial number", (part("esub", DEVICES, listed),)
)
