"""What a gateway can be asked: path, what comes back, what of the model it supplies, how often to ask.

The probe goes through `ROWS` from the top. The first row whose endpoint answers and decodes claims what it supplies,
and keeps it: which endpoint a figure comes from does not change between two polls. Two rows may share an endpoint; it
is then asked once. A firmware's peculiarities are no matter here: `quirks.py` has put the reply right before.
"""

from envoy_bridge.gateway import legacy, live, normalise
from envoy_bridge.gateway.basics import METERS, PAGE, READINGS, REPORT, TOTALS
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.known import FLOW_OF_MEASUREMENT
from envoy_bridge.gateway.rows import Row

_FLOWS = frozenset(FLOW_OF_MEASUREMENT.values())

_PRODUCTION = frozenset({"production"})
_REPORTED = frozenset({"production", "consumption", "net_consumption"})
_METERS = frozenset({"meters"})

_FLOW_ROWS = (
    Row("meters", METERS, _METERS, normalise.meters),
    Row("meter_readings", READINGS, _FLOWS, normalise.flows_of_readings, needs=_METERS),
    Row("production_report", REPORT, _REPORTED, normalise.flows_of_report),
    Row("production_totals", TOTALS, _PRODUCTION, normalise.production_of_totals),
    Row("inverters_sum", REPORT, _PRODUCTION, normalise.production_of_inverters),
    Row("production_page", PAGE, _PRODUCTION, legacy.production_of_page, last=True),
)

ROWS: tuple[Row, ...] = (*_FLOW_ROWS, *(row for device in DEVICES for row in device.rows), *live.ROWS)
"""All that is asked: the flows, then the devices, then what is live where the user wants it."""
