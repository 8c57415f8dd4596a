"""How the batteries are told to behave: a part of the tariff. Read only.

Source: the public notes on `/admin/lib/tariff`.
"""

from typing import Annotated, Final

from msgspec import Struct

from envoy_bridge.gateway.devices.base import ALONE, Device, lenient, part, word
from envoy_bridge.gateway.known import Known
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.model import FLAG, PERCENT, WORD, Flag, Members, Number, Quantity, detail, number


class StorageSettings(Struct, frozen=True, kw_only=True):
    """What the batteries are set to."""

    mode: Annotated[str | None, Quantity(WORD, "self-consumption, savings-mode, economy or backup")] = None
    submode: Annotated[str | None, detail(WORD, "A finer distinction of the mode")] = None
    reserve_soc: Annotated[Number, Quantity(PERCENT, "State of charge kept for an outage")] = None
    very_low_soc: Annotated[Number, detail(PERCENT, "State of charge at which they shut down")] = None
    charge_from_grid: Annotated[Flag, Quantity(FLAG, "May they charge from the grid")] = None
    opt_schedules: Annotated[Flag, detail(FLAG, "Does a schedule of the cloud overrule the mode")] = None


class Settings(Struct, frozen=True):
    """The part of the tariff. %; the mode may be null."""

    mode: str | None = None
    operation_mode_sub_type: str | None = None
    reserved_soc: float | None = None
    very_low_soc: float | None = None
    charge_from_grid: bool | None = None
    opt_schedules: bool | None = None


class Tariff(Struct, frozen=True):
    """The tariff, of which prices are not read."""

    storage_settings: Settings | None = None


class TariffReply(Struct, frozen=True):
    """`/admin/lib/tariff`."""

    tariff: Tariff


TARIFF: Final = Endpoint("tariff", ("/admin/lib/tariff",), lenient(TariffReply), Cadence.INVERTERS, 30)


def settings(reply: TariffReply, _known: Known, _now: float) -> Members:
    """The settings, where the tariff has any."""
    told = reply.tariff.storage_settings
    if told is None:
        return {}
    return {
        ALONE: StorageSettings(
            mode=word(told.mode),
            submode=word(told.operation_mode_sub_type),
            reserve_soc=number(told.reserved_soc),
            very_low_soc=number(told.very_low_soc),
            charge_from_grid=told.charge_from_grid,
            opt_schedules=told.opt_schedules,
        )
    }


STORAGE_SETTINGS = Device(
    "storage_settings",
    "Battery",
    StorageSettings,
    "How the batteries are told to behave; read only",
    tuple(
        part("storage_settings", TARIFF, settings, needs=(needed,), id=f"storage_settings.with_{needed}")
        for needed in ("battery", "ac_battery.report", "system_controller")  # every gateway has a tariff
    ),
    single=True,
    facet=True,
)
