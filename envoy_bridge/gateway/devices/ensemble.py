"""The endpoints that several kinds of devices share: where batteries are, and what belongs to them.

Source: the public notes on `/ivp/ensemble`, and what gateways of firmware 7 and 8 answer.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct, field

from envoy_bridge.gateway.devices.base import W, each, lenient
from envoy_bridge.gateway.rows import Cadence, Endpoint


class Group(Struct, frozen=True):
    """One entry of `/ivp/ensemble/inventory` or `/inventory.json`: devices of one type, each as its kind reads it."""

    type: str = ""
    devices: tuple[Any, ...] = ()


class Control(Struct, frozen=True):
    """`/ivp/ensemble/secctrl`: all batteries together. %, Wh. `acb`: AC batteries, `enc`: IQ batteries."""

    soc: float | None = field(default=None, name="agg_soc")
    capacity: float | None = field(default=None, name="Max_energy")
    enc_soc: float | None = field(default=None, name="ENC_agg_soc")
    enc_energy: float | None = field(default=None, name="ENC_agg_avail_energy")
    enc_backup: float | None = field(default=None, name="ENC_agg_backup_energy")
    enc_capacity: float | None = field(default=None, name="Enc_max_available_capacity")
    acb_soc: float | None = field(default=None, name="ACB_agg_soc")
    acb_energy: float | None = field(default=None, name="ACB_agg_energy")
    reserve_configured: float | None = field(default=None, name="configured_backup_soc")
    reserve_adjusted: float | None = field(default=None, name="adjusted_backup_soc")


INVENTORY: Final = Endpoint(
    "ensemble_inventory", ("/ivp/ensemble/inventory",), lenient(tuple[Group, ...]), Cadence.SLOW, 20
)
CONTROL: Final = Endpoint("ensemble_control", ("/ivp/ensemble/secctrl",), lenient(Control), Cadence.SLOW, 20)
DEVICES: Final = Endpoint(
    "device_inventory",
    ("/inventory.json?deleted=1", "/inventory.json", "/inventory"),
    lenient(tuple[Group, ...]),
    Cadence.INVERTERS,
    30,
)


def of_type(groups: Iterable[Group], wanted: str, kind: type[W]) -> Iterator[W]:
    """The devices of one type."""
    for group in groups:
        if group.type == wanted:
            yield from each(group.devices, kind)
