"""Would Home Assistant take this announcement, in its oldest and its newest release that we care for?

What they know stands in `sinks/ha_rules.json`, which `scripts/test-subscribers --rules` writes from the releases
themselves. It is the common part: what only one of them knows, no announcement may use.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

Row = Mapping[str, Any]

RULES: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "sinks/ha_rules.json").read_text())

MIGRATION: Final = {"migrate_discovery": True}
"""What asks to let go of an entity that will be announced on another topic. Only releases that know devices know it."""

_ID: Final = "[A-Za-z0-9_-]+"
_TOPIC: Final = re.compile(f"[^/]+/(?P<platform>{_ID})(/{_ID})?/{_ID}/config")
_URL: Final = re.compile(r"(https?|homeassistant)://.+")
_UNWANTED: Final = ("object_id",)
"""Still taken, and told to be removed soon."""

_REMOVED: Final = {"platform"}
"""All that is left of a component which is to go."""


def faults(topic: str, payload: bytes) -> list[str]:
    """All that a release would refuse or warn of, in words. An empty payload takes an announcement back."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        return [f"{topic} is not a topic of the discovery"]
    if not payload:
        return []
    said = json.loads(payload)
    if said == MIGRATION:
        return []
    if match["platform"] == "device":
        return list(_whole(said))
    return list(_component(match["platform"], said, said.get("device", {})))


def _whole(said: Row) -> Iterator[str]:
    """An announcement of a device."""
    yield from _unknown("the device's announcement", said, RULES["whole"])
    for name in ("device", "origin", "components"):
        if not said.get(name):
            yield f"{name} is missing"
    yield from _head(said)
    shared = {key: value for key, value in said.items() if key != "components"}
    seen = set()
    for key, part in said.get("components", {}).items():
        own = {name: value for name, value in part.items() if name != "platform"}
        platform = part.get("platform", "")
        if platform not in RULES["keys"]:
            yield f"{key}: platform {platform!r} is not one of ours"
        elif not re.fullmatch(_ID, key):
            yield f"{key!r} is not a key"
        elif part.keys() != _REMOVED:
            found = _component(platform, own, said.get("device", {}), shared)
            yield from (f"{key}: {fault}" for fault in found)
            if own.get("unique_id") in seen:
                yield f"{key}: its unique id is there twice"
            seen.add(own.get("unique_id"))


def _component(platform: str, said: Row, device: Row, shared: Row | None = None) -> Iterator[str]:
    """An entity. `shared`: what its device says for all; None: it is announced alone, and says all itself."""
    if platform not in RULES["keys"]:
        yield f"platform {platform!r} is not one of ours"
        return
    yield from _unknown("the entity", said, RULES["keys"][platform])
    yield from (f"{name} is unwanted" for name in _UNWANTED if name in said)
    if not re.fullmatch(_ID, str(said.get("unique_id", ""))):
        yield f"unique id {said.get('unique_id')!r}"
    if "state_topic" not in {**(shared or {}), **said}:
        yield "it reads no topic"
    if shared is None:
        yield from _head(said)
    yield from _name(said, device)
    if said.get("entity_category", "diagnostic") not in set(RULES["entity_categories"]) - {"config"}:
        yield f"category {said['entity_category']!r}"  # config is for what can be set
    if not isinstance(said.get("enabled_by_default", True), bool):
        yield "enabled_by_default is neither true nor false"
    expiry = said.get("expire_after", 1)
    if not isinstance(expiry, int) or expiry < 1:
        yield f"expire_after {expiry!r}"
    yield from _sensor(said) if platform == "sensor" else _other(platform, said)


def _name(said: Row, device: Row) -> Iterator[str]:
    """Home Assistant puts the device's name before it by itself, and warns of one that has it already."""
    name = said.get("name")
    if not isinstance(name, str) or not name.strip():
        yield f"name {name!r}"
    elif str(name).lower().startswith(str(device.get("name", "\0")).lower()):
        yield f"name {name!r} begins with the device's"


def _sensor(said: Row) -> Iterator[str]:
    kind, unit, state = said.get("device_class"), said.get("unit_of_measurement"), said.get("state_class")
    if unit == "":
        yield "an empty unit"
    if state is not None and state not in RULES["state_classes"]:
        yield f"state class {state!r}"
    if not isinstance(said.get("suggested_display_precision", 0), int):
        yield f"precision {said['suggested_display_precision']!r}"
    if kind is None:
        return
    rules = RULES["sensor"].get(kind)
    if rules is None:
        yield f"device class {kind!r}"
        return
    if unit not in rules["units"]:
        yield f"unit {unit!r} for {kind}"
    if state is not None and state not in rules["state_classes"]:
        yield f"state class {state!r} for {kind}"


def _other(platform: str, said: Row) -> Iterator[str]:
    kind = said.get("device_class")
    if kind is not None and kind not in RULES.get(platform, ()):
        yield f"device class {kind!r}"


def _head(said: Row) -> Iterator[str]:
    """The device, who announces it, and when it is available."""
    device, origin = said.get("device", {}), said.get("origin", {})
    yield from _unknown("the device", device, RULES["below"]["device"])
    yield from _unknown("the origin", origin, RULES["below"]["origin"])
    if not device.get("identifiers"):
        yield "the device has no identifiers"
    if not origin.get("name"):
        yield "the origin has no name"
    for name, value in {**device, **origin}.items():
        if name != "identifiers" and not isinstance(value, str):
            yield f"{name} {value!r} is not a text"
        elif name.endswith("_url") and not _URL.fullmatch(value):
            yield f"{name} {value!r}"
    for each in said.get("availability", ()):
        yield from _unknown("availability", each, RULES["below"]["availability"])
        if not each.get("topic") or re.search(r"[+#]", each["topic"]):
            yield f"availability on {each.get('topic')!r}"
    if said.get("availability_mode", "all") not in ("all", "any", "latest"):
        yield f"availability mode {said['availability_mode']!r}"


def _unknown(what: str, said: Row, allowed: list[str]) -> Iterator[str]:
    yield from (f"{what} has {name!r}, which not every release knows" for name in said if name not in allowed)
