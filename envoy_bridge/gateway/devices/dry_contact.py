"""The dry contacts of a system controller: relays that shed and connect loads, and what they are set to.

Source: the public notes on `/ivp/ensemble/dry_contacts` and `/ivp/ss/dry_contact_settings`.
"""

from typing import Annotated, Any, Final

from msgspec import Struct

from envoy_bridge.gateway.devices.base import Device, by_serial, each, flag, lenient, part, word
from envoy_bridge.gateway.known import Known
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.model import (
    COUNT,
    FLAG,
    MINUTE,
    PERCENT,
    SECOND,
    WORD,
    Flag,
    Members,
    Number,
    Quantity,
    detail,
    number,
    scaled,
)


class DryContact(Struct, frozen=True, kw_only=True):
    """One dry contact."""

    status: Annotated[str | None, Quantity(WORD, "open or closed")] = None
    name: Annotated[str | None, detail(WORD, "The name of what it switches, as the installer gave it")] = None
    type: Annotated[str | None, detail(WORD, "What it switches: LOAD, PV or NONE")] = None
    mode: Annotated[str | None, detail(WORD, "manual: by the actions below; soc: by the state of charge")] = None
    grid_action: Annotated[str | None, detail(WORD, "What it does on the grid: apply, shed, schedule or none")] = None
    micro_grid_action: Annotated[str | None, detail(WORD, "What it does off the grid")] = None
    generator_action: Annotated[str | None, detail(WORD, "What it does on the generator")] = None
    soc_low: Annotated[Number, detail(PERCENT, "Below this state of charge the load is shed")] = None
    soc_high: Annotated[Number, detail(PERCENT, "Above this state of charge the load is connected")] = None
    priority: Annotated[Number, detail(COUNT, "Its rank among the contacts")] = None
    essential_start: Annotated[Number, detail(MINUTE, "It is on from here by schedule, after midnight")] = None
    essential_end: Annotated[Number, detail(MINUTE, "It is on until here by schedule, after midnight")] = None
    black_start: Annotated[Number, detail(SECOND, "How long it waits after a black start")] = None
    override: Annotated[Flag, detail(FLAG, "Is it overridden")] = None
    manual_override: Annotated[Flag, detail(FLAG, "May it be switched by hand")] = None


class Status(Struct, frozen=True):
    """One contact now."""

    id: str
    status: str = ""


class Statuses(Struct, frozen=True):
    """`/ivp/ensemble/dry_contacts`: a `Status` for each."""

    dry_contacts: tuple[Any, ...]


class Setting(Struct, frozen=True):
    """What one contact is set to. %, seconds, seconds after midnight; yes and no are words."""

    id: str
    type: str = ""
    grid_action: str = ""
    micro_grid_action: str = ""
    gen_action: str = ""
    essential_start_time: float | None = None
    essential_end_time: float | None = None
    black_s_start: float | None = None
    override: str | bool | None = None
    manual_override: str | bool | None = None
    load_name: str = ""
    mode: str = ""
    soc_low: float | None = None
    soc_high: float | None = None
    priority: float | None = None


class Settings(Struct, frozen=True):
    """`/ivp/ss/dry_contact_settings`: a `Setting` for each."""

    dry_contacts: tuple[Any, ...]


STATUS: Final = Endpoint("dry_contacts", ("/ivp/ensemble/dry_contacts",), lenient(Statuses), Cadence.SLOW, 20)
SETTINGS: Final = Endpoint(
    "dry_contact_settings", ("/ivp/ss/dry_contact_settings",), lenient(Settings), Cadence.HOURLY, 20
)


def statuses(reply: Statuses, _known: Known, _now: float) -> Members:
    """Open or closed."""
    return by_serial(
        (contact.id, DryContact(status=word(contact.status))) for contact in each(reply.dry_contacts, Status)
    )


def settings(reply: Settings, _known: Known, _now: float) -> Members:
    """What each is set to."""
    return by_serial(
        (
            contact.id,
            DryContact(
                name=word(contact.load_name),
                type=word(contact.type),
                mode=word(contact.mode),
                grid_action=word(contact.grid_action),
                micro_grid_action=word(contact.micro_grid_action),
                generator_action=word(contact.gen_action),
                soc_low=number(contact.soc_low),
                soc_high=number(contact.soc_high),
                priority=number(contact.priority),
                essential_start=scaled(contact.essential_start_time, 1 / 60),
                essential_end=scaled(contact.essential_end_time, 1 / 60),
                black_start=number(contact.black_s_start),
                override=flag(contact.override),
                manual_override=flag(contact.manual_override),
            ),
        )
        for contact in each(reply.dry_contacts, Setting)
    )


_NEEDS: Final = ("system_controller",)
"""Every gateway lists four contacts; without a system controller there are none."""

DRY_CONTACT = Device(
    "dry_contact",
    "Dry contact",
    DryContact,
    "The dry contacts of the system controller: `nc1`, `nc2`, `no1`, `no2`",
    (
        part("dry_contact", STATUS, statuses, needs=_NEEDS),
        part("dry_contact.settings", SETTINGS, settings, needs=_NEEDS),
    ),
)
