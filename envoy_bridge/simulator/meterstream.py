"""`/stream/meter`, made of what the same gateway says of its meters. Pure."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway import wire
from envoy_bridge.gateway.basics import METERS, READINGS
from envoy_bridge.simulator.har import Recorded

_PHASES = ("ph-a", "ph-b", "ph-c")
_PRODUCTION, _NET, _TOTAL = "production", "net-consumption", "total-consumption"

Phase = Mapping[str, float]
"""`p` W, `q` var, `s` VA, `v` V, `i` A, `pf`, `f` Hz."""

_UNUSED: Phase = dict.fromkeys(("p", "q", "s", "v", "i", "pf", "f"), 0.0)


def reading(meters: Recorded | None, readings: Recorded | None) -> bytes | None:
    """What the stream says at the moment of these two replies; None: there are no meters to tell of."""
    try:
        listed: wire.Meters = METERS.decode(_body(meters))
        measured: wire.Readings = READINGS.decode(_body(readings))
    except UnusableReply:
        return None
    enabled = {meter.eid: meter for meter in listed if meter.state == "enabled"}
    flows = {
        enabled[row.eid].measurement_type: _phases(row, enabled[row.eid].phase_count or 1)
        for row in measured
        if row.eid in enabled
    }
    if not flows:
        return None
    third = _third(flows)
    return msgspec.json.encode(
        {
            flow: dict(zip(_PHASES, [*flows.get(flow, third), *[_UNUSED] * 3][:3], strict=True))
            for flow in (_PRODUCTION, _NET, _TOTAL)
        }
    )


def _body(recorded: Recorded | None) -> bytes:
    return recorded.body if recorded is not None and recorded.status == 200 else b""  # noqa: PLR2004 - OK


def _phases(row: wire.Reading, count: int) -> list[Phase]:
    return [
        {
            "p": channel.active_power or 0.0,
            "q": channel.reactive_power or 0.0,
            "s": channel.apparent_power or 0.0,
            "v": channel.voltage or 0.0,
            "i": channel.current or 0.0,
            "pf": channel.pwr_factor or 0.0,
            "f": channel.freq or 0.0,
        }
        for channel in row.channels[:count]
    ]


def _third(flows: Mapping[str, Sequence[Phase]]) -> list[Phase]:
    """The one that no meter measures, of the other two: total = production + net. Nothing where two are missing."""
    production, net, total = (flows.get(flow) for flow in (_PRODUCTION, _NET, _TOTAL))
    if production and net:
        return [_sum(one, other, 1) for one, other in zip(net, production, strict=False)]
    if production and total:
        return [_sum(one, other, -1) for one, other in zip(total, production, strict=False)]
    return []


def _sum(one: Phase, other: Phase, sign: int) -> Phase:
    """One phase plus (or minus) another, at the voltage of the first."""
    p, q = one["p"] + sign * other["p"], one["q"] + sign * other["q"]
    s = math.hypot(p, q)
    figures = {"p": p, "q": q, "s": s, "i": s / one["v"] if one["v"] else 0.0, "pf": p / s if s else 0.0}
    return {**one, **{name: round(figure, 3) for name, figure in figures.items()}}
