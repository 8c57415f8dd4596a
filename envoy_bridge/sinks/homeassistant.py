"""What Home Assistant is told of a gateway, so that everything is there by itself: MQTT discovery, as plain data.

Written over the model: no measurement is named here. An entity reads the JSON `state`, in which every advertised
quantity has its place and unknown is `null`. Templates are fixed but for names and serial numbers that were checked.

Source: the MQTT integration of Home Assistant; the keys are those that 2024.3 and 2025.4 both know.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from envoy_bridge import HOMEPAGE, __version__
from envoy_bridge.catalog import PHASES, branch, described, device, of_cloud
from envoy_bridge.clouds.report import SITE as CLOUD_SITE
from envoy_bridge.labels import thing, title
from envoy_bridge.model import AVAILABILITY, FLAG, HEARD, Quantity
from envoy_bridge.sinks.base import Holdings
from envoy_bridge.site import SITE

Style = Literal["device", "single"]
Payload = dict[str, Any]
Announcement = dict[str, Payload]
"""By topic, below the prefix."""

EXPIRES_AFTER: Final = 300.0
"""Seconds without a `state` after which Home Assistant no longer believes a value of the moment, at least..."""

CADENCES_MISSED: Final = 5
"""...and so many cadences of a gateway that is asked more seldom. Before that, `availability` tells that it is gone."""

ADVICE: Final = (
    "{% set advice = value_json.advice | default([]) %}"
    "{{ {'installed_version': '0 hints', 'latest_version': advice | count ~ ' hints', 'title': 'Advice',"
    " 'release_summary': (advice | join(' '))[:255]} | tojson }}"
)
"""Advice that waits, as Home Assistant shows an update that waits."""

_STATES: Final = {FLAG: ("True", "False"), HEARD: ("True", "False"), AVAILABILITY: ("online", "offline")}
"""Units with two values, as a template writes them."""

_MANY: Final = frozenset({"panel", "optimizer", "string"})
"""Devices of a cloud's site of which there are many."""

_SAFE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Thing:
    """One device of Home Assistant: its id, what it is, and its components by key."""

    id: str
    device: Payload
    components: dict[str, Payload]


def announcement(style: Style, base: str, holdings: Holdings, info: Mapping[str, Any]) -> Announcement:
    """All discovery topics of a gateway. `base`: of our topics; `info`: as on the topic `info`."""
    origin = {"name": "envoy-bridge", "sw_version": __version__, "support_url": HOMEPAGE}
    root = f"{base}/{holdings.serial.lower()}"
    availability = [{"topic": f"{base}/bridge/state"}, {"topic": _availability(base, holdings.serial)}]
    shared = {"availability": availability, "availability_mode": "all", "state_topic": f"{root}/state"}
    told: Announcement = {}
    for each in things(base, holdings, info):
        head = {"device": each.device, "origin": origin}
        if style == "device":
            told[f"device/{each.id}/config"] = {**head, **shared, "components": each.components}
            continue
        for key, component in each.components.items():
            body = {name: value for name, value in component.items() if name != "platform"}
            told[f"{component['platform']}/{each.id}/{key}/config"] = {**head, **shared, **body}
    return told


def things(base: str, holdings: Holdings, info: Mapping[str, Any]) -> Iterator[Thing]:
    """The gateway with its flows, and each device on it. Nothing with a name that is not one."""
    if not holdings.parts or not all(_SAFE.fullmatch(level) for level in holdings.serial.split("/")):
        return
    gateway = _gateway(base, holdings.serial, info)
    expiry = _expiry(info)
    members: dict[str, Thing] = {}
    for part, names in holdings.parts.items():
        if not all(_SAFE.fullmatch(level) for level in part.split("/")):
            continue
        owner = gateway
        if _is_device(part):
            owner = members.setdefault(part, _member(gateway, part, info))
        for name in names:
            key = name if owner is not gateway or part == CLOUD_SITE else f"{part}/{name}".replace("/", "_")
            what = described(part)[name]
            component = _component(part, name, what, shown=_shown(part, what, holdings))
            component["unique_id"] = f"{owner.id}_{key}".lower()
            if what.unit.live:
                component["expire_after"] = expiry
            owner.components[key.lower()] = component
    yield gateway
    yield from members.values()


def _is_device(part: str) -> bool:
    """Is this a part of a thing of its own, and not of the gateway or the site?"""
    kind = device(part)
    return part != CLOUD_SITE if of_cloud(part) else kind is not None and not kind.facet


def _availability(base: str, serial: str) -> str:
    """Where it stands whether a gateway, or the cloud that tells of a site, answers."""
    return f"{base}/{serial.lower().rpartition('/')[0] or serial.lower()}/availability"


def _gateway(base: str, serial: str, info: Mapping[str, Any]) -> Thing:
    """The gateway itself: whether it answers, and whether there is advice."""
    root = f"{base}/{serial.lower()}"
    about = {
        "manufacturer": "Enphase",
        "model": info.get("model"),
        "serial_number": serial,
        "sw_version": info.get("firmware"),
        "hw_version": info.get("part_number"),
        "configuration_url": info.get("url"),
    }
    name = f"Envoy {serial}"
    identifier = f"envoy_bridge_{serial.lower()}"
    if serial == SITE:
        identifier = f"envoy_bridge_{base.replace('/', '_').lower()}_site"
        about, name = {"model": "Several gateways as one house"}, "Solar site"
    if "/" in serial:
        _, provider, place = serial.split("/")
        identifier = f"envoy_bridge_cloud_{provider}_{place}".lower()
        about, name = (
            {"manufacturer": provider.capitalize(), "model": "Site in the cloud"},
            f"{provider.capitalize()} {place}",
        )
    known = {key: str(value) for key, value in about.items() if value}
    thing = Thing(identifier, {"identifiers": [identifier], "name": name, **known}, {})
    thing.components["availability"] = {
        "platform": "binary_sensor",
        "unique_id": f"{identifier}_availability",
        "name": "Connection",
        "state_topic": _availability(base, serial),
        "payload_on": "online",
        "payload_off": "offline",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "availability": [{"topic": f"{base}/bridge/state"}],
    }
    if "advice" in info:
        thing.components["advice"] = {
            "platform": "update",
            "unique_id": f"{identifier}_advice",
            "name": "Advice",
            "state_topic": f"{root}/info",
            "value_template": ADVICE,
            "entity_category": "diagnostic",
        }
    return thing


def _member(gateway: Thing, part: str, info: Mapping[str, Any]) -> Thing:
    """A device on the gateway, or of a cloud's site: of that `info` may say a label and a model."""
    kind, member = device(part), part.partition("/")[2]
    told: Payload = next((each for each in info.get("devices", ()) if each.get("part") == part), {})
    identifier = f"{gateway.id}_{part.replace('/', '_')}".lower()
    about: Payload = {
        "identifiers": [identifier],
        "name": f"{thing(part).split()[0]} {told['label']}" if told.get("label") else thing(part),
        "manufacturer": gateway.device.get("manufacturer", "Enphase"),
        "model": told.get("model") or (kind.label if kind is not None else thing(part).split()[0]),
        "via_device": gateway.id,
    }
    if member.isdigit():
        about["serial_number"] = member
    if "url" in info:
        about["configuration_url"] = info["url"]
    return Thing(identifier, about, {})


def _component(part: str, name: str, what: Quantity, *, shown: bool) -> Payload:
    """An entity for one quantity."""
    unit, states = what.unit, _STATES.get(what.unit)
    where = "".join(f"[{_quoted(level)}]" for level in (*part.lower().split("/"), name))
    component: Payload = {
        "platform": "sensor" if states is None else "binary_sensor",
        "unique_id": "",
        "name": title(part, name),
        "value_template": f"{{{{ value_json{where} }}}}",
    }
    if states is not None:
        component |= {"payload_on": states[0], "payload_off": states[1]}
    elif unit.symbol and unit.symbol not in ("word", "time"):
        component["unit_of_measurement"] = unit.symbol
    for key, value in (("device_class", unit.device_class), ("state_class", unit.state_class)):
        if value is not None:
            component[key] = value
    if unit.precision is not None:
        component["suggested_display_precision"] = unit.precision
    if what.rank == "diagnostic" or (what.rank == "detail" and unit.state_class is None):
        component["entity_category"] = "diagnostic"
    if not shown:
        component["enabled_by_default"] = False
    return component


def _shown(part: str, what: Quantity, holdings: Holdings) -> bool:
    """Do most people want to see this?

    Of the phases only those of grid, panels and use, and of these the power; not that of a single one: it is the total.
    """
    flow, _, phase = part.partition("/")
    if what.rank == "detail" or part.partition("-")[0] in _MANY:
        return False
    if of_cloud(part) or device(part) is not None or phase == "total":
        return True
    return (
        what.unit.live
        and branch(flow).rank == "main"
        and sum(f"{flow}/{each}" in holdings.parts for each in PHASES[1:]) > 1
    )


def _expiry(info: Mapping[str, Any]) -> int:
    return int(max(EXPIRES_AFTER, CADENCES_MISSED * float(info.get("every") or 0)))


def _quoted(level: str) -> str:
    """A key in a template. It was checked: there is no quote in it."""
    return f"'{level}'"
