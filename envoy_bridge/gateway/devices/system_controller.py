"""The IQ System Controller (Enpower): the switch between house and grid.

Source: the public notes on `/ivp/ensemble/inventory`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Struct, field

from envoy_bridge.gateway.devices.base import Device, by_serial, part, word
from envoy_bridge.gateway.devices.ensemble import INVENTORY, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.model import (
    CELSIUS,
    COUNT,
    FLAG,
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
    scaled,
)


class SystemController(Struct, frozen=True, kw_only=True):
    """One system controller."""

    grid_mode: Annotated[str | None, Quantity(WORD, "Is the house on the grid, as the controller sees it")] = None
    battery_grid_mode: Annotated[str | None, detail(WORD, "The same, as the batteries see it")] = None
    mains_relay: Annotated[str | None, Quantity(WORD, "The main relay: closed (on the grid) or open")] = None
    mains_relay_admin: Annotated[str | None, detail(WORD, "What the main relay was told to be")] = None
    state: Annotated[str | None, diagnostic(WORD, "What the gateway calls its state")] = None
    temperature: Annotated[Number, diagnostic(CELSIUS, "Temperature inside")] = None
    communicating: Annotated[Flag, diagnostic(HEARD, "Does it answer the gateway")] = None
    operating: Annotated[Flag, detail(FLAG, "Does it work; firmware 7 only")] = None
    comm_level_sub_ghz: Annotated[Number, detail(COUNT, "Radio level below 1 GHz, 0 to 5; 0 by cable")] = None
    comm_level_2_4_ghz: Annotated[Number, detail(COUNT, "Radio level at 2.4 GHz, 0 to 5; 0 by cable")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None


class Listed(Struct, frozen=True):
    """An ENPOWER in the inventory. The temperature is in °F, other than that of the batteries."""

    serial_num: str
    part_num: str = ""
    last_rpt_date: float | None = None
    admin_state_str: str = ""
    img_pnum_running: str = ""
    communicating: bool | None = None
    operating: bool | None = None
    temperature: float | None = None
    comm_level_sub_ghz: float | None = None
    comm_level_2_4_ghz: float | None = None
    mains_admin_state: str = ""
    mains_oper_state: str = ""
    grid_mode: str = field(default="", name="Enpwr_grid_mode")
    battery_grid_mode: str = field(default="", name="Enchg_grid_mode")


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """The system controllers of the site: one, mostly."""
    return by_serial(
        (
            entry.serial_num,
            SystemController(
                grid_mode=word(entry.grid_mode),
                battery_grid_mode=word(entry.battery_grid_mode),
                mains_relay=word(entry.mains_oper_state),
                mains_relay_admin=word(entry.mains_admin_state),
                state=word(entry.admin_state_str),
                temperature=None if entry.temperature is None else scaled((entry.temperature - 32) / 1.8),
                communicating=entry.communicating,
                operating=entry.operating,
                comm_level_sub_ghz=number(entry.comm_level_sub_ghz),
                comm_level_2_4_ghz=number(entry.comm_level_2_4_ghz),
                part_number=word(entry.part_num),
                firmware=word(entry.img_pnum_running),
                last_report=moment(entry.last_rpt_date),
            ),
        )
        for entry in of_type(reply, "ENPOWER", Listed)
    )


SYSTEM_CONTROLLER = Device(
    "system_controller",
    "System controller",
    SystemController,
    "The system controller (Enpower), by serial number",
    (part("system_controller", INVENTORY, listed),),
)
