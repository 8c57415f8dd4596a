"""From fields to a snapshot: what several endpoints know of one device becomes one. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from msgspec.structs import replace

from envoy_bridge.derive import derive
from envoy_bridge.gateway.normalise import Fields
from envoy_bridge.gateway.plan import Plan, Reply
from envoy_bridge.model import Inverter, Snapshot


def update(plan: Plan, fields: Fields, reply: Reply) -> Fields:
    """The fields after one more reply. What the reply does not touch stays the same object."""
    fresh = plan.read(reply)
    merged = {**fields, **fresh}
    if "inverter" in fresh or "inverter_details" in fresh:
        merged["inverters"] = _inverters(merged)
    return merged


def _inverters(fields: Fields) -> Mapping[str, Inverter]:
    """The list of inverters with the details of those that have them; without a list, those that have details."""
    details: Mapping[str, Inverter] = fields.get("inverter_details") or {}
    base: Mapping[str, Inverter] | None = fields.get("inverter")
    if base is None:
        return {} if "inverter" in fields else details
    return {serial: _merge(inverter, details.get(serial)) for serial, inverter in base.items()}


def _merge(inverter: Inverter, details: Inverter | None) -> Inverter:
    if details is None:
        return inverter
    return replace(
        details,
        power=inverter.power,
        power_max=inverter.power_max,
        last_report=inverter.last_report,
        availability=inverter.availability,
    )


def snapshot(plan: Plan, fields: Fields, now: float) -> Snapshot:
    """All that is known now, derived flows included."""
    flows = {
        name: value
        for name, value in fields.items()
        if name not in ("meters", "inverter", "inverter_details", "inverters")
    }
    bare = Snapshot(
        serial=plan.info.serial,
        time=datetime.fromtimestamp(now, UTC),
        inverter=cast("Mapping[str, Inverter]", fields.get("inverters", {})),
        **flows,
    )
    return derive(bare, plan.derived)
