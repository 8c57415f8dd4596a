"""The endpoints that say who the gateway is, and what flows."""

from typing import Final

from envoy_bridge.gateway import legacy, wire
from envoy_bridge.gateway.info import HOME
from envoy_bridge.gateway.rows import Cadence, Endpoint, json

INFO: Final = Endpoint("info", ("/info", HOME), legacy.identify, Cadence.HOURLY, 10)
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
PAGE: Final = Endpoint("production_page", ("/production",), legacy.parse_page, Cadence.SLOW, 20)
