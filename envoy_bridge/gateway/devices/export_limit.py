"""Limits of what may be exported or produced. Read only.

Source: the public notes on `/ivp/ss/pel_settings`, and what gateways answer to `/ivp/sc/pvlimit`.
"""

from typing import Annotated, Final

from msgspec import Struct, field

from envoy_bridge.gateway.devices.base import ALONE, Device, lenient, part, word
from envoy_bridge.gateway.known import Known
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.model import (
    FLAG,
    PERCENT,
    WATT_PEAK,
    WORD,
    Flag,
    Members,
    Number,
    Quantity,
    detail,
    diagnostic,
    number,
)


class ExportLimit(Struct, frozen=True, kw_only=True):
    """The power export limit (PEL), and the limit of the production."""

    enabled: Annotated[Flag, Quantity(FLAG, "Is the export limited")] = None
    hard: Annotated[Flag, detail(FLAG, "Does it switch off when the limit is passed")] = None
    soft: Annotated[Flag, detail(FLAG, "Does it reduce the production when the limit is passed")] = None
    scope: Annotated[str | None, detail(WORD, "What the limit counts for: Aggregate, or each phase")] = None
    power: Annotated[Number, Quantity(WATT_PEAK, "The limit, where it is a power")] = None
    percent: Annotated[Number, Quantity(PERCENT, "The limit, where it is a share of the rated power")] = None
    production_limited: Annotated[Flag, diagnostic(FLAG, "Is the production itself limited")] = None
    production_percent: Annotated[Number, diagnostic(PERCENT, "Share of the production that is allowed")] = None


class Settings(Struct, frozen=True):
    """`/ivp/ss/pel_settings`. The limit is in %, W or VA."""

    enabled: bool = field(name="PEL")
    hard: bool | None = field(default=None, name="Hard_PEL")
    soft: bool | None = field(default=None, name="Soft_PEL")
    scope: str = field(default="", name="Export_Limit_Type")
    percent: bool | None = None
    apparent: bool | None = None
    limit: float | None = field(default=None, name="PEL_Limit")


class Production(Struct, frozen=True):
    """`/ivp/sc/pvlimit`."""

    enable: bool
    pv_limit_pct: float | None = None


SETTINGS: Final = Endpoint("export_limit", ("/ivp/ss/pel_settings",), lenient(Settings), Cadence.HOURLY, 20)
PRODUCTION: Final = Endpoint("production_limit", ("/ivp/sc/pvlimit",), lenient(Production), Cadence.HOURLY, 20)


def settings(reply: Settings, _known: Known, _now: float) -> Members:
    """The limit; a number only where it holds. One of apparent power is none of power."""
    limit = number(reply.limit) if reply.enabled else None
    return {
        ALONE: ExportLimit(
            enabled=reply.enabled,
            hard=reply.hard,
            soft=reply.soft,
            scope=word(reply.scope),
            power=None if reply.percent or reply.apparent else limit,
            percent=limit if reply.percent else None,
        )
    }


def production(reply: Production, _known: Known, _now: float) -> Members:
    """What of the production is allowed."""
    return {ALONE: ExportLimit(production_limited=reply.enable, production_percent=number(reply.pv_limit_pct))}


EXPORT_LIMIT = Device(
    "export_limit",
    "Export limit",
    ExportLimit,
    "Limits of what may be exported or produced; read only",
    (part("export_limit", SETTINGS, settings), part("export_limit.production", PRODUCTION, production)),
    single=True,
    facet=True,
)
