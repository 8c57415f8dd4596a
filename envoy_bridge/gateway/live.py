"""What a gateway tells of this second, for those who turn it on: live data of the batteries, and the stream of the CTs.

Source: the public notes on `/ivp/livedata/status` and `/stream/meter`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from envoy_bridge.gateway.known import FLOW_OF_MEASUREMENT, Fields, Known, phase_count
from envoy_bridge.gateway.rows import Cadence, Endpoint, Restriction, Row, Wake, json
from envoy_bridge.model import (
    Channel,
    Consumption,
    Flow,
    Home,
    NetConsumption,
    Production,
    Storage,
    number,
    scaled,
)


class Power(Struct, frozen=True):
    """What flows at one place, in thousandths of W."""

    total: float | None = field(default=None, name="agg_p_mw")
    l1: float | None = field(default=None, name="agg_p_ph_a_mw")
    l2: float | None = field(default=None, name="agg_p_ph_b_mw")
    l3: float | None = field(default=None, name="agg_p_ph_c_mw")


class Figures(Struct, frozen=True):
    """All places. `last_update`: seconds since 1970; it stands still while the gateway measures nothing. %, Wh."""

    last_update: float | None = None
    soc: float | None = None
    phase_count: int | None = None
    enc_agg_energy: float | None = None
    acb_agg_energy: float | None = None
    pv: Power | None = None
    storage: Power | None = None
    grid: Power | None = None
    load: Power | None = None


class Connection(Struct, frozen=True):
    """`sc_stream`: enabled or disabled; it falls asleep by itself."""

    sc_stream: str | None = None


class LiveData(Struct, frozen=True):
    """`/ivp/livedata/status`."""

    meters: Figures
    connection: Connection = Connection()


def _asleep(reply: LiveData) -> bool:
    """Does the gateway measure nothing? What it shows then may be of yesterday."""
    return reply.connection.sc_stream == "disabled"


LIVE_DATA: Final = Endpoint(
    "live_data",
    ("/ivp/livedata/status",),
    json(LiveData),
    Cadence.LIVE,
    10,
    option="live_data",
    stamp=lambda reply: None if _asleep(reply) else reply.meters.last_update,
    wake=Wake("/ivp/livedata/stream", b'{"enable":1}', _asleep),
)


def live_flows(reply: LiveData, _known: Known, _now: float) -> Fields:
    """The flows that no CT tells. The gateway's `load` is what the house itself uses."""
    figures = reply.meters
    return {
        "production": _flow(Production, figures.pv, figures),
        "net_consumption": _flow(NetConsumption, figures.grid, figures),
        "home": _flow(Home, figures.load, figures),
    }


def live_storage(reply: LiveData, _known: Known, _now: float) -> Fields:
    """What the batteries do, where no CT tells."""
    return {"storage": _flow(Storage, reply.meters.storage, reply.meters)}


def _flow(kind: Any, power: Power | None, figures: Figures) -> Flow[Any] | None:  # noqa: ANN401 - the channel of any flow
    if power is None or power.total is None:
        return None
    lines = (power.l1, power.l2, power.l3)[: figures.phase_count or 0]
    phases = {f"l{n}": kind(power=scaled(line, 1e-3)) for n, line in enumerate(lines, 1) if line is not None}
    return Flow(total=kind(power=scaled(power.total, 1e-3)), **phases)


# --- /stream/meter


class Line(Struct, frozen=True):
    """One phase: W, var, VA, V, A, Hz. A phase that is not there is zero in all."""

    p: float | None = None
    q: float | None = None
    s: float | None = None
    v: float | None = None
    i: float | None = None
    pf: float | None = None
    f: float | None = None


class Lines(Struct, frozen=True):
    """The phases of one CT, used or not."""

    a: Line | None = field(default=None, name="ph-a")
    b: Line | None = field(default=None, name="ph-b")
    c: Line | None = field(default=None, name="ph-c")


Event = dict[str, Lines | None]
"""One event: what measures, by the name of its measurement."""


SILENT_AFTER: Final = 60.0
"""Seconds without a byte after which a stream counts as broken; old firmware sends 22 readings every 22 s."""

STREAM: Final = Endpoint(
    "meter_stream",
    ("/stream/meter",),
    json(Event),
    Cadence.FAST,
    10,
    installer=Restriction(since=(7, 6, 175)),
    option="meter_stream",
    stream=True,
)
_CHANNELS: Mapping[str, type[Channel]] = {
    "production": Production,
    "net-consumption": NetConsumption,
    "total-consumption": Consumption,
}


def stream(reply: Event, known: Known, _now: float) -> Fields:
    """The flows that a CT measures, as they are this second: power and the like, no energy."""
    flows = {}
    for measurement, kind in _CHANNELS.items():
        name, lines = FLOW_OF_MEASUREMENT[measurement], reply.get(measurement)
        if name in known.measuring and lines is not None:
            flows[name] = _streamed(kind, (lines.a, lines.b, lines.c)[: phase_count(known.measuring[name])])
    return {"stream": flows} if flows else {}


def _streamed(kind: type[Channel], lines: Sequence[Line | None]) -> Flow[Any]:
    phases = {f"l{n}": _channel(kind, line) for n, line in enumerate(lines, 1) if line is not None}
    if len(lines) == 1:
        return Flow(total=phases.get("l1"), **phases)
    whole = {}
    if len(phases) == len(lines):
        for name in ("power", "reactive_power"):
            values = [getattr(phase, name) for phase in phases.values()]
            whole[name] = None if None in values else scaled(sum(values))
    return Flow(total=kind(**whole), **phases)


def _channel(kind: type[Channel], line: Line) -> Channel:
    return kind(
        power=number(line.p),
        reactive_power=number(line.q),
        apparent_power=number(line.s),
        voltage=number(line.v),
        current=number(line.i),
        power_factor=number(line.pf),
        frequency=number(line.f) or None,
    )


ROWS: Final = (
    Row(
        "live_data",
        LIVE_DATA,
        frozenset({"production", "net_consumption", "home"}),
        live_flows,
        decisive=False,
    ),
    Row("live_storage", LIVE_DATA, frozenset({"storage"}), live_storage, frozenset({"battery"}), decisive=False),
    Row("meter_stream", STREAM, frozenset({"stream"}), stream, frozenset({"meters"}), decisive=False),
)
