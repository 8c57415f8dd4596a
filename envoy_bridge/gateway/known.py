"""What is known of a gateway when one of its replies is read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.info import GatewayInfo

Fields = Mapping[str, Any]
"""Fields of the model by name."""

FLOW_OF_MEASUREMENT = {
    "production": "production",
    "net-consumption": "net_consumption",
    "total-consumption": "consumption",
    "storage": "storage",
    "backfeed": "backfeed",
    "load": "load",
    "evse": "evse",
    "pv3p": "pv3p",
}
"""What a gateway calls a measurement, and the flow it is."""

_PHASES_OF_MODE = {"single": 1, "split": 2, "three": 3}
_END_OF_TIME = 4102444800.0


class Known:
    """What is known of a gateway besides the reply at hand. `meters`: None where it has no list of meters."""

    def __init__(self, info: GatewayInfo, meters: wire.Meters | None = None) -> None:
        self.info = info
        self.meters = meters
        self.measuring: Mapping[str, wire.Meter] = {
            FLOW_OF_MEASUREMENT[meter.measurement_type]: meter
            for meter in reversed(meters or ())
            if meter.state == "enabled" and meter.measurement_type in FLOW_OF_MEASUREMENT
        }
        """The CTs that are enabled, by flow."""


def phase_count(meter: wire.Meter) -> int:
    """How many phases a CT measures. The gateway lists three channels whatever is connected."""
    return meter.phase_count or _PHASES_OF_MODE.get(meter.phase_mode, 1)


def moment(seconds: float | None) -> datetime | None:
    """A time in UTC from seconds since 1970. 0 is how a gateway says never."""
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < _END_OF_TIME else None


def wiring(meters: Sequence[wire.Meter] | None) -> list[tuple[object, ...]]:
    """What of the list of meters decides how a gateway is read."""
    return [(meter.eid, meter.state, meter.measurement_type, phase_count(meter)) for meter in meters or ()]
