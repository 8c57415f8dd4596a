"""Reads Enphase gateways on the LAN and publishes what the house produces and uses, per phase, to MQTT."""

__version__ = "0.1.0"

HOMEPAGE = "https://github.com/envoy-bridge/envoy_bridge"
