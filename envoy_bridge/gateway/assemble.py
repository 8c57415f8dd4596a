"""From fields to a snapshot: what several endpoints know of one device becomes one. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from envoy_bridge.catalog import PHASES
from envoy_bridge.derive import derive, home_of
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.devices.base import GONE, TOTAL, members_of
from envoy_bridge.gateway.known import FLOW_OF_MEASUREMENT, Fields
from envoy_bridge.gateway.plan import OF_BATTERIES, Plan, Reply
from envoy_bridge.model import Channel, Flow, Home, Members, Snapshot

_DEVICES: Final = "devices"
_HOME: Final = "home"
_STREAM: Final = "stream"
_FLOWS: Final = frozenset(FLOW_OF_MEASUREMENT.values()) | {_HOME}
_NOT_DEVICES: Final = _FLOWS | {_STREAM, "meters"}


def update(plan: Plan, fields: Fields, reply: Reply) -> Fields:
    """The fields after one more reply. What the reply does not touch stays the same object."""
    fresh = plan.read(reply)
    merged = {**fields, **fresh}
    if not fresh.keys() <= _NOT_DEVICES:
        merged[_DEVICES] = _devices(merged, fresh)
        if plan.home_of_batteries and not fresh.keys().isdisjoint(OF_BATTERIES):
            merged[_HOME] = _home(plan, merged)
    return merged


def carried_over(plan: Plan, fields: Fields) -> Fields:
    """What stays known when a gateway gets a new plan."""
    kept = {*plan.sources, _DEVICES, *([_HOME] if plan.home_of_batteries else [])}
    return {name: value for name, value in fields.items() if name in kept}


def _home(plan: Plan, fields: Fields) -> Flow[Home] | None:
    """What the house itself used when the batteries last said what they do.

    It is made then and stands until they say it again: a meter's reading of now with their power of a minute ago would
    make the house use what flows into a battery.
    """
    batteries = fields[_DEVICES].get("battery") or fields[_DEVICES].get("ac_battery") or {}
    return home_of(snapshot(plan, fields, 0).consumption, getattr(batteries.get(TOTAL), "power", None))


def _devices(fields: Fields, fresh: Fields) -> Mapping[str, Members]:
    """The devices by kind; those that the fresh fields tell something of are put together anew."""
    known: dict[str, Members] = dict(fields.get(_DEVICES, {}))
    for device in DEVICES:
        if device.complete or not fresh.keys().isdisjoint(device.fields):
            known[device.name] = members_of(device, fields)
    for device in DEVICES:
        if device.complete:
            known[device.name] = device.complete(known[device.name], known)
    return known


def snapshot(plan: Plan, fields: Fields, now: float) -> Snapshot:
    """All that is known now, derived flows included."""
    return derive(bare(plan, fields, now), plan.derived)


def bare(plan: Plan, fields: Fields, now: float) -> Snapshot:
    """All that the gateway tells now; what follows from it is left out."""
    return Snapshot(
        serial=plan.info.serial,
        time=datetime.fromtimestamp(now, UTC),
        devices=fields.get(_DEVICES, {}),
        gone=_gone(fields),
        **_live({name: fields[name] for name in _FLOWS & fields.keys()}, fields.get(_STREAM) or {}),
    )


def _gone(fields: Fields) -> frozenset[str]:
    """Paths of the devices of which the gateway says that they were taken away."""
    told = {name: members for name, members in fields.items() if name.startswith(GONE) and members}
    return frozenset(f"{name.split('.')[1]}/{member}" for name, members in told.items() for member in members)


def _live(flows: dict[str, Any], streamed: Mapping[str, Flow[Any]]) -> dict[str, Any]:
    """The flows with the newest power and the like; their energies stay those of the last reading."""
    for name, live in streamed.items():
        flow = flows.get(name)
        flows[name] = live if flow is None else Flow(**{phase: _newest(flow, live, phase) for phase in PHASES})
    return flows


def _newest(flow: Flow[Any], live: Flow[Any], phase: str) -> Any:  # noqa: ANN401 - the channel of any flow
    channel, fresh = getattr(flow, phase), getattr(live, phase)
    if channel is None or fresh is None:
        return fresh or channel
    values = ((name, getattr(fresh, name)) for name in Channel.__struct_fields__)
    return replace(channel, **{name: value for name, value in values if value is not None})
