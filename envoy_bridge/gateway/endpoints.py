"""What a gateway can be asked: path, what comes back, what of the model it supplies, how often to ask.

The probe goes through `ROWS` from the top. The first row whose endpoint answers and decodes claims what it supplies,
and keeps it: which endpoint a figure comes from does not change between two polls. Two rows may share an endpoint; it
is then asked once. A firmware's peculiarities are no matter here: `quirks.py` has put the reply right before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import msgspec

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway import normalise, wire
from envoy_bridge.gateway.info import parse_info
from envoy_bridge.gateway.normalise import Fields, Known


class Cadence(Enum):
    """How often an endpoint is asked: a key of `[[gateway]]`, or once an hour."""

    FAST = "fast"
    SLOW = "slow"
    INVERTERS = "inverters"
    HOURLY = "hourly"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing to ask. `paths`: the first that answers is kept. `deadline`: seconds until an answer is given up."""

    id: str
    paths: tuple[str, ...]
    decode: Callable[[bytes], Any]
    cadence: Cadence
    deadline: float


@dataclass(frozen=True, slots=True)
class Row:
    """What an endpoint supplies, and the function that reads it from the reply.

    `needs`: fields without which it makes no sense to ask.
    """

    id: str
    endpoint: Endpoint
    supplies: frozenset[str]
    read: Callable[[Any, Known, float], Fields]
    needs: frozenset[str] = frozenset()
    decisive: bool = True
    """False: which endpoint supplies the rest does not depend on this one; it may be silent while we probe."""


def json(kind: Any) -> Callable[[bytes], Any]:  # noqa: ANN401 - any type that msgspec decodes
    """A decoder for replies of this type. The Content-Type is not asked: firmware 3.7 calls HTML JSON.

    Raises (when called): UnusableReply.
    """
    decoder = msgspec.json.Decoder(kind)

    def decode(body: bytes) -> Any:  # noqa: ANN401 - `kind`
        try:
            return decoder.decode(body.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            looks = "an HTML page" if body.lstrip()[:1] == b"<" else "not what this endpoint answers"
            raise UnusableReply(f"the reply is {looks} ({len(body)} bytes)") from error

    return decode


INFO: Final = Endpoint("info", ("/info",), parse_info, Cadence.HOURLY, 10)
METERS: Final = Endpoint("meters", ("/ivp/meters",), json(wire.Meters), Cadence.SLOW, 10)
READINGS: Final = Endpoint("meter_readings", ("/ivp/meters/readings",), json(wire.Readings), Cadence.FAST, 10)
REPORT: Final = Endpoint(
    "production_report",
    ("/production.json?details=1", "/production.json", "/production"),
    json(wire.ProductionReport),
    Cadence.SLOW,
    30,
)
TOTALS: Final = Endpoint("production_totals", ("/api/v1/production",), json(wire.ProductionTotals), Cadence.SLOW, 20)
INVERTERS: Final = Endpoint(
    "inverters", ("/api/v1/production/inverters",), json(wire.InverterReports), Cadence.INVERTERS, 30
)
DEVICE_DATA: Final = Endpoint("device_data", ("/ivp/pdm/device_data",), json(wire.DeviceData), Cadence.INVERTERS, 45)

_FLOWS = frozenset(normalise.FLOW_OF_MEASUREMENT.values())

_PRODUCTION = frozenset({"production"})
_REPORTED = frozenset({"production", "consumption", "net_consumption"})
_METERS = frozenset({"meters"})

ROWS: tuple[Row, ...] = (
    Row("meters", METERS, _METERS, normalise.meters),
    Row("meter_readings", READINGS, _FLOWS, normalise.flows_of_readings, needs=_METERS),
    Row("production_report", REPORT, _REPORTED, normalise.flows_of_report),
    Row("production_totals", TOTALS, _PRODUCTION, normalise.production_of_totals),
    Row("inverters_sum", REPORT, _PRODUCTION, normalise.production_of_inverters),
    Row("inverters", INVERTERS, frozenset({"inverter"}), normalise.inverters, decisive=False),
    Row("device_data", DEVICE_DATA, frozenset({"inverter_details"}), normalise.inverter_details, decisive=False),
)
