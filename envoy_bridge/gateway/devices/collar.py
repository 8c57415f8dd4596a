"""The IQ Meter Collar: meter socket adapter and main relay in one.

Source: the public notes on `/ivp/ensemble/inventory`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Struct

from envoy_bridge.gateway.devices.base import Device, by_serial, part, word
from envoy_bridge.gateway.devices.ensemble import INVENTORY, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.model import (
    CELSIUS,
    COUNT,
    HEARD,
    TIME,
    WORD,
    Flag,
    Members,
    Number,
    Quantity,
    detail,
    diagnostic,
    number,
)


class Collar(Struct, frozen=True, kw_only=True):
    """One meter collar."""

    grid_state: Annotated[str | None, Quantity(WORD, "Is the house on the grid")] = None
    mid_state: Annotated[str | None, Quantity(WORD, "The relay towards the grid: close or open")] = None
    state: Annotated[str | None, diagnostic(WORD, "What it calls its own state")] = None
    admin_state: Annotated[str | None, detail(WORD, "What the gateway calls its state")] = None
    control_error: Annotated[Number, detail(COUNT, "Number of an error of its control; 0: none")] = None
    temperature: Annotated[Number, diagnostic(CELSIUS, "Temperature inside")] = None
    communicating: Annotated[Flag, diagnostic(HEARD, "Does it answer the gateway")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None


class Listed(Struct, frozen=True):
    """A COLLAR in the inventory. °C."""

    serial_num: str
    part_num: str = ""
    last_rpt_date: float | None = None
    admin_state_str: str = ""
    img_pnum_running: str = ""
    communicating: bool | None = None
    temperature: float | None = None
    mid_state: str = ""
    grid_state: str = ""
    control_error: float | None = None
    collar_state: str = ""


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """The collars of the site: one, mostly."""
    return by_serial(
        (
            entry.serial_num,
            Collar(
                grid_state=word(entry.grid_state),
                mid_state=word(entry.mid_state),
                state=word(entry.collar_state),
                admin_state=word(entry.admin_state_str),
                control_error=number(entry.control_error),
                temperature=number(entry.temperature),
                communicating=entry.communicating,
                part_number=word(entry.part_num),
                firmware=word(entry.img_pnum_running),
                last_report=moment(entry.last_rpt_date),
            ),
        )
        for entry in of_type(reply, "COLLAR", Listed)
    )


COLLAR = Device(
    "collar", "Meter collar", Collar, "The IQ Meter Collar, by serial number", (part("collar", INVENTORY, listed),)
)
