"""What to ask a gateway, and what its replies tell: the outcome of the probe, the instructions of the polling."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.endpoints import INFO, ROWS, Endpoint
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.normalise import Fields, Known, phase_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One endpoint's answer, decoded and repaired. `data` is None when there is none that can be used.

    `quirks`: ids of those that fired on it. `time`: wall clock, when it arrived.
    """

    endpoint: Endpoint
    data: Any
    quirks: tuple[str, ...] = ()
    time: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to ask a gateway. `sources`: the row that supplies each field; `paths`: the path of each endpoint in use.

    `not_permitted`: ids of endpoints that answered 401 or 403; `quirks`: ids of those that fired while probing.
    """

    known: Known
    sources: Mapping[str, str]
    paths: Mapping[str, str]
    derived: frozenset[str]
    not_permitted: tuple[str, ...] = ()
    quirks: frozenset[str] = frozenset()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints to poll, each once."""
        rows = [row for row in ROWS if row.id in self.sources.values()]
        return (*dict.fromkeys(row.endpoint for row in rows), INFO)

    @property
    def info(self) -> GatewayInfo:
        """Who the gateway said it was."""
        return self.known.info

    @property
    def meters(self) -> wire.Meters | None:
        """The CTs it listed; None where it has no such list."""
        return self.known.meters

    def read(self, reply: Reply) -> Fields:
        """The fields that this plan takes from this reply; None where it does not tell them now."""
        fields: dict[str, object] = {}
        for row in ROWS:
            if row.endpoint.id == reply.endpoint.id:
                given = {} if reply.data is None else row.read(reply.data, self.known, reply.time)
                fields |= {name: given.get(name) for name, source in self.sources.items() if source == row.id}
        return fields


def describe(plan: Plan) -> dict[str, Any]:
    """What the topic `info` says of a gateway and its plan."""
    meters = plan.meters or ()
    enabled = [meter for meter in meters if meter.state == "enabled"]
    path_of_row = {row.id: plan.paths[row.endpoint.id] for row in ROWS if row.endpoint.id in plan.paths}
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
        | dict.fromkeys(sorted(plan.derived), "derived"),
        "not_permitted": list(plan.not_permitted),
    }
