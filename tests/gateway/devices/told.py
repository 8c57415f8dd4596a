"""A gateway made of a few replies written by hand, and what is published of its devices."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from envoy_bridge.catalog import plain, points
from envoy_bridge.errors import EndpointAbsent
from envoy_bridge.gateway.assemble import snapshot
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.info import parse_info
from envoy_bridge.gateway.probe import Probe

NOW = 1_750_000_000
INVENTORY = "/ivp/ensemble/inventory"
POWER = "/ivp/ensemble/power"
CONTROL = "/ivp/ensemble/secctrl"
STATUS = "/ivp/ensemble/status"
LIST = "/inventory.json?deleted=1"
REPORT = "/production.json?details=1"
TARIFF = "/admin/lib/tariff"

_INFO = parse_info(
    b"<envoy_info><device><sn>122011000099</sn><pn>800-00654-r08</pn><software>D8.3.5000</software></device>"
    b"<web-tokens>true</web-tokens></envoy_info>"
)
_FLOWS = {"/api/v1/production": {"wattsNow": 1, "wattHoursLifetime": 2}}
_KINDS = {device.name for device in DEVICES}


def told(replies: Mapping[str, Any]) -> dict[str, str]:
    """Topic and payload of all devices, where these are the replies of an installer's gateway."""
    bodies = {path: json.dumps(reply).encode() for path, reply in {**_FLOWS, **replies}.items()}

    async def ask(path: str, _deadline: float) -> bytes:
        if path not in bodies:
            raise EndpointAbsent(path)
        return bodies[path]

    async def survey() -> dict[str, str]:
        plan, fields = await Probe(ask, _INFO, lambda: NOW).survey()
        return {path.lower(): plain(value) for path, value, _ in points(snapshot(plan, fields, NOW))}

    found = asyncio.run(survey())
    return {topic: payload for topic, payload in found.items() if topic.partition("/")[0] in _KINDS}


def below(values: Mapping[str, str], branch: str) -> dict[str, str]:
    """What is published below `branch`."""
    return {path.removeprefix(f"{branch}/"): text for path, text in values.items() if path.startswith(f"{branch}/")}
