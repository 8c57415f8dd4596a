"""The revenue grade meter of an IQ Combiner 6C. What it measures is in the flows.

Source: the public notes on `/ivp/ensemble/inventory`.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct, field

from envoy_bridge.gateway.devices.base import Device, by_serial, part, word
from envoy_bridge.gateway.devices.ensemble import INVENTORY, Group, of_type
from envoy_bridge.gateway.known import Known
from envoy_bridge.model import COUNT, WORD, Members, Number, Quantity, detail, number


class Rgm(Struct, frozen=True, kw_only=True):
    """One revenue grade meter."""

    state: Annotated[Number, Quantity(COUNT, "Number of its state; 80: connected")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None


class Listed(Struct, frozen=True):
    """A C6 RGM in the inventory, whose keys are written like titles."""

    serial_num: str
    part_num: str = ""
    firmware: str = field(default="", name="FW Version")
    state: float | None = field(default=None, name="Device State")


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """The revenue grade meters of the site: one, mostly."""
    return by_serial(
        (
            entry.serial_num,
            Rgm(state=number(entry.state), part_number=word(entry.part_num), firmware=word(entry.firmware)),
        )
        for entry in of_type(reply, "C6 RGM", Listed)
    )


RGM = Device(
    "rgm",
    "Revenue grade meter",
    Rgm,
    "The revenue grade meter of an IQ Combiner 6C, by serial number",
    (part("rgm", INVENTORY, listed),),
)
