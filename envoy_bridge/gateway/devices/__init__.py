"""The kinds of devices that a gateway may tell of, besides the flows: one line each, and a file of that name."""

from envoy_bridge.gateway.devices.ac_battery import AC_BATTERY
from envoy_bridge.gateway.devices.base import Device
from envoy_bridge.gateway.devices.battery import BATTERY
from envoy_bridge.gateway.devices.collar import COLLAR
from envoy_bridge.gateway.devices.combiner_controller import COMBINER_CONTROLLER
from envoy_bridge.gateway.devices.dry_contact import DRY_CONTACT
from envoy_bridge.gateway.devices.esub import ESUB
from envoy_bridge.gateway.devices.export_limit import EXPORT_LIMIT
from envoy_bridge.gateway.devices.generator import GENERATOR
from envoy_bridge.gateway.devices.inverter import INVERTER
from envoy_bridge.gateway.devices.network import NETWORK
from envoy_bridge.gateway.devices.q_relay import Q_RELAY
from envoy_bridge.gateway.devices.rgm import RGM
from envoy_bridge.gateway.devices.storage_settings import STORAGE_SETTINGS
from envoy_bridge.gateway.devices.system_controller import SYSTEM_CONTROLLER

DEVICES: tuple[Device, ...] = (
    INVERTER,
    BATTERY,
    AC_BATTERY,
    SYSTEM_CONTROLLER,
    COLLAR,
    COMBINER_CONTROLLER,
    RGM,
    DRY_CONTACT,
    GENERATOR,
    STORAGE_SETTINGS,
    EXPORT_LIMIT,
    Q_RELAY,
    ESUB,
    NETWORK,
)
