"""Q-Relays: what disconnects the inverters from a three-phase grid.

Source: the public notes on `/inventory.json`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Struct, field

from envoy_bridge.gateway.devices.base import Device, by_serial, part, word
from envoy_bridge.gateway.devices.ensemble import DEVICES, Group, of_type
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.model import (
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
)


class QRelay(Struct, frozen=True, kw_only=True):
    """One Q-Relay."""

    relay: Annotated[str | None, Quantity(WORD, "open or closed")] = None
    reason: Annotated[str | None, diagnostic(WORD, "Why it stands so")] = None
    reason_code: Annotated[Number, detail(COUNT, "Number of the reason")] = None
    forced: Annotated[Flag, detail(FLAG, "Was it forced to stand so")] = None
    line_count: Annotated[Number, detail(COUNT, "Phases that it switches")] = None
    line1_connected: Annotated[Flag, detail(FLAG, "Is the first phase connected")] = None
    line2_connected: Annotated[Flag, detail(FLAG, "Is the second phase connected")] = None
    line3_connected: Annotated[Flag, detail(FLAG, "Is the third phase connected")] = None
    communicating: Annotated[Flag, diagnostic(HEARD, "Does it answer the gateway")] = None
    operating: Annotated[Flag, detail(FLAG, "Does it work")] = None
    part_number: Annotated[str | None, detail(WORD, "Its part number")] = None
    firmware: Annotated[str | None, detail(WORD, "Its firmware")] = None
    last_report: Annotated[datetime | None, detail(TIME, "When it last reported")] = None


class Listed(Struct, frozen=True):
    """An NSRB of `/inventory.json`; `admin_state` 0: it was taken away."""

    serial_num: str
    part_num: str = ""
    last_rpt_date: float | None = None
    admin_state: int | None = None
    img_pnum_running: str = ""
    communicating: bool | None = None
    operating: bool | None = None
    relay: str = ""
    reason: str = ""
    reason_code: float | None = None
    forced: bool | None = None
    line_count: float | None = field(default=None, name="line-count")
    line1_connected: bool | None = field(default=None, name="line1-connected")
    line2_connected: bool | None = field(default=None, name="line2-connected")
    line3_connected: bool | None = field(default=None, name="line3-connected")


def listed(reply: Sequence[Group], _known: Known, _now: float) -> Members:
    """The Q-Relays of the site."""
    return by_serial(
        (
            entry.serial_num,
            QRelay(
                relay=word(entry.relay),
                reason=word(entry.reason),
                reason_code=number(entry.reason_code),
                forced=entry.forced,
                line_count=number(entry.line_count),
                line1_connected=entry.line1_connected,
                line2_connected=entry.line2_connected,
                line3_connected=entry.line3_connected,
                communicating=entry.communicating,
                operating=entry.operating,
                part_number=word(entry.part_num),
                firmware=word(entry.img_pnum_running),
                last_report=moment(entry.last_rpt_date),
            ),
        )
        for entry in of_type(reply, "NSRB", Listed)
        if entry.admin_state != 0
    )


Q_RELAY = Device("q_relay", "Q-Relay", QRelay, "The Q-Relays, by serial number", (part("q_relay", DEVICES, listed),))
