"""The controller of an IQ Combiner 6C.

Source: the public notes on `/ivp/ensemble/inventory`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Struct

from envoy_bridge.gateway.devices.base import Device, by_serial, part, word
from envoy_bridge.gateway.devices.ensemble import INVENTORY, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.model import HEARD, TIME, WORD, Flag, Members, Quantity, detail, diagnostic


class CombinerController(Struct, frozen=True, kw_only=True):
    """One combiner controller."""

    state: Annotated[str | None, Quantity(WORD, "What the gateway calls its state")] = None
    communicating: Annotated[Flag, diagnostic(HEARD, "Does it answer the gateway")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None


class Listed(Struct, frozen=True):
    """A C6 COMBINER CONTROLLER in the inventory."""

    serial_num: str
    part_num: str = ""
    last_rpt_date: float | None = None
    admin_state_str: str = ""
    fw_version: str = ""
    communicating: bool | None = None


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """The combiner controllers of the site: one, mostly."""
    return by_serial(
        (
            entry.serial_num,
            CombinerController(
                state=word(entry.admin_state_str),
                communicating=entry.communicating,
                part_number=word(entry.part_num),
                firmware=word(entry.fw_version),
                last_report=moment(entry.last_rpt_date),
            ),
        )
        for entry in of_type(reply, "C6 COMBINER CONTROLLER", Listed)
    )


COMBINER_CONTROLLER = Device(
    "combiner_controller",
    "Combiner controller",
    CombinerController,
    "The controller of an IQ Combiner 6C, by serial number",
    (part("combiner_controller", INVENTORY, listed),),
)
