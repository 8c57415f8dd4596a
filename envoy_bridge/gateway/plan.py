"""What to ask a gateway, and what its replies tell: begun by the probe, completed while polling. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from envoy_bridge.config import Gateway
from envoy_bridge.derive import derivable
from envoy_bridge.gateway import wire
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.known import Fields, Known, phase_count
from envoy_bridge.gateway.rows import Endpoint, Row

OF_BATTERIES: Final = frozenset({"battery.power", "ac_battery.report"})
"""Fields with the power of batteries as they say it themselves."""

OPTIONS: Final = ("live_data", "meter_stream")
"""Keys of `[[gateway]]` that turn an endpoint on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One endpoint's answer, decoded and repaired. `data` is None when there is none that can be used.

    `quirks`: ids of those that fired on it. `time`: wall clock, when it arrived.
    """

    endpoint: Endpoint
    data: Any
    quirks: tuple[str, ...] = ()
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Access:
    """What a login may ask, and what the user wants asked. `role`: owner, installer, or empty where nobody says.

    `options`: keys of `[[gateway]]` that are on.
    """

    role: str = ""
    options: frozenset[str] = frozenset()

    @classmethod
    def of(cls, role: str, settings: Gateway) -> "Access":
        """What this role and these settings ask."""
        return cls(role, frozenset(name for name in OPTIONS if getattr(settings, name)))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to ask a gateway. `sources`: the row that supplies each field; `paths`: the path of each endpoint in use.

    `not_permitted`: ids of endpoints that this login may not ask; `quirks`: ids of those that fired while probing.
    """

    known: Known
    sources: Mapping[str, str]
    paths: Mapping[str, str]
    access: Access = field(default_factory=Access)
    not_permitted: tuple[str, ...] = ()
    quirks: frozenset[str] = frozenset()

    @cached_property
    def derived(self) -> frozenset[str]:
        """Flows that follow from others."""
        return derivable(self.sources)

    @cached_property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints to poll, each once: those that supply something, and those that may."""
        used = set(self.sources.values())
        rows = [row for row in ROWS if row.id in used or self._may_supply(row)]
        return (*dict.fromkeys(row.endpoint for row in rows), INFO)

    def _may_supply(self, row: Row) -> bool:
        return (
            not row.decisive
            and not row.supplies <= self.sources.keys()
            and row.needs <= self.sources.keys()
            and wanted(row.endpoint, self.access, self.info)
        )

    @cached_property
    def _rows(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows of each endpoint in use."""
        return {
            endpoint.id: tuple(row for row in ROWS if row.endpoint.id == endpoint.id) for endpoint in self.endpoints
        }

    @property
    def info(self) -> GatewayInfo:
        """Who the gateway said it was."""
        return self.known.info

    @property
    def meters(self) -> wire.Meters | None:
        """The CTs it listed; None where it has no such list."""
        return self.known.meters

    def inherit(self, former: "Plan") -> "Plan":
        """What an earlier plan of this gateway had learnt of its devices is expected of them again."""
        kept = {
            name: row.id
            for row in ROWS
            if not row.decisive and wanted(row.endpoint, self.access, self.info)
            for name in row.supplies
            if former.sources.get(name) == row.id
        }
        return replace(self, sources={**kept, **self.sources})

    @cached_property
    def home_of_batteries(self) -> bool:
        """Does the use of the house follow from what the batteries say of themselves, since no CT measures them?"""
        known = {*self.sources, *self.derived}
        return "consumption" in known and not {"home", "storage"} & known and bool(OF_BATTERIES & known)

    def tells(self, endpoint: Endpoint) -> bool:
        """Does this endpoint supply anything?"""
        return any(row.id in self.sources.values() for row in self._rows.get(endpoint.id, ()))

    def read(self, reply: Reply) -> Fields:
        """The fields that this plan takes from this reply; None where it does not tell them now."""
        fields: dict[str, object] = {}
        for row in self._rows.get(reply.endpoint.id, ()):
            mine = [name for name in row.supplies if self.sources.get(name) == row.id]
            if mine:
                given = {} if reply.data is None else row.read(reply.data, self.known, reply.time)
                fields |= {name: given.get(name) for name in mine}
        return fields

    def learn(self, reply: Reply) -> "Plan":
        """The plan after a reply: what nobody supplied until now is supplied by the first row that tells it."""
        found: dict[str, str] = {}
        for row in self._rows.get(reply.endpoint.id, ()):
            if reply.data is not None and self._may_supply(row):
                given = row.read(reply.data, self.known, reply.time)
                taken = {*self.sources, *self.derived, *found}
                found |= {name: row.id for name, value in given.items() if name not in taken and value is not None}
        return replace(self, sources={**self.sources, **found}) if found else self


def wanted(endpoint: Endpoint, access: Access, info: GatewayInfo) -> bool:
    """Is this endpoint asked for, and may we ask it?"""
    chosen = not endpoint.option or endpoint.option in access.options
    return chosen and endpoint.permitted(access.role, info.version)


def refused(access: Access, info: GatewayInfo) -> tuple[str, ...]:
    """Ids of endpoints that somebody with another role could ask."""
    everything = Access("", access.options)
    rows = (row.endpoint for row in ROWS if wanted(row.endpoint, everything, info))
    return tuple(dict.fromkeys(endpoint.id for endpoint in rows if not wanted(endpoint, access, info)))


def describe(plan: Plan) -> dict[str, Any]:
    """What the topic `info` says of a gateway and its plan."""
    meters = plan.meters or ()
    enabled = [meter for meter in meters if meter.state == "enabled"]
    path_of_row = {row.id: plan.paths.get(row.endpoint.id, row.endpoint.paths[0]) for row in ROWS}
    return {
        "serial": plan.info.serial,
        "firmware": plan.info.firmware,
        "part_number": plan.info.part_number,
        "model": plan.info.model,
        "phases": max((phase_count(meter) for meter in enabled), default=None),
        "meters": [
            {
                "measurement": meter.measurement_type,
                "state": meter.state,
                "phase_mode": meter.phase_mode,
                "phases": phase_count(meter),
                "status": meter.metering_status,
                "flags": list(meter.status_flags or ()),
            }
            for meter in meters
        ],
        "sources": {name: path_of_row[row] for name, row in sorted(plan.sources.items()) if name != "meters"}
        | dict.fromkeys(sorted(plan.derived | ({"home"} if plan.home_of_batteries else set())), "derived"),
        "not_permitted": list(plan.not_permitted),
    }
