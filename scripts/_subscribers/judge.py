"""Is what Home Assistant has what was announced? Pure: complaints in words, none when all is right."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from scripts._subscribers.announced import UNAVAILABLE, UNKNOWN, Component, Topics

Row = dict[str, Any]

OURS: Final = "envoy_bridge"
"""How our unique ids begin."""

_OF_A_STATE: Final = {"unit_of_measurement": "unit", "device_class": "class", "state_class": "state class"}
_OF_A_DEVICE: Final = ("name", "manufacturer", "model", "model_id", "sw_version", "hw_version", "serial_number")
_OF_AN_ADDRESS: Final = "configuration_url"


@dataclass(frozen=True, slots=True)
class Seen:
    """What Home Assistant has: entities by unique id, devices by identifier, states by entity id."""

    entities: Mapping[str, Row]
    devices: Mapping[str, Row]
    states: Mapping[str, Row]

    def state(self, component: Component) -> str | None:
        """The present state of an entity; None: it has none."""
        entity = self.entities.get(component.unique_id, {})
        return self.states.get(entity.get("entity_id", ""), {}).get("state")

    def ours(self) -> dict[str, str]:
        """The entity ids of all that we announced, by unique id."""
        return {key: row["entity_id"] for key, row in self.entities.items() if key.startswith(OURS)}

    def unseen(self) -> set[str]:
        """The unique ids of what belongs to devices of which nothing is enabled.

        Home Assistant forgets a device, and what of it is disabled, with the last entity of it that was enabled.
        """
        shown = {row["device_id"] for row in self.entities.values() if row["disabled_by"] is None}
        return {key for key in self.ours() if self.entities[key]["device_id"] not in shown}


def complaints(announced: Sequence[Component], topics: Topics, seen: Seen) -> list[str]:
    """All that is not as it should be."""
    wanted = {component.unique_id for component in announced}
    found = [f"{key}: left behind as {name}" for key, name in seen.ours().items() if key not in wanted]
    if len(wanted) < len(announced):
        found.append(f"{len(announced) - len(wanted)} unique ids are there twice")
    for component in announced:
        found += [f"{component.unique_id}: {text}" for text in _of_entity(component, topics, seen)]
    return found


def _of_entity(component: Component, topics: Topics, seen: Seen) -> Iterator[str]:
    entity = seen.entities.get(component.unique_id)
    if entity is None:
        yield "is not in the registry"
        return
    yield from _of_device(component, entity, seen.devices)
    disabled = None if component.enabled else "integration"
    if entity["disabled_by"] != disabled:
        yield f"disabled by {entity['disabled_by']}, not by {disabled}"
    if entity["entity_category"] != component.says.get("entity_category"):
        yield f"category {entity['entity_category']}, not {component.says.get('entity_category')}"
    if component.enabled:
        yield from _of_state(component, topics, seen.states.get(entity["entity_id"]))


def _of_state(component: Component, topics: Topics, state: Row | None) -> Iterator[str]:
    if state is None:
        yield "has no state"
        return
    for key, what in _OF_A_STATE.items():
        if state["attributes"].get(key) != component.says.get(key):
            yield f"{what} {state['attributes'].get(key)}, not {component.says.get(key)}"
    try:
        expected = component.expected(topics)
    except LookupError as error:
        yield f"cannot be expected to be anything: {error}"
        return
    if not _same(state["state"], expected, component.says.get("device_class")):
        yield f"is {state['state']}, not {expected}"


def _same(state: str, expected: object, kind: str | None) -> bool:
    """Whether a state of Home Assistant, always a text, is this value."""
    if state in (UNAVAILABLE, UNKNOWN) or isinstance(expected, bool):
        return state == str(expected)
    if isinstance(expected, int | float):
        try:
            return math.isclose(float(state), expected)
        except ValueError:
            return False
    if kind == "timestamp" and expected not in (UNAVAILABLE, UNKNOWN):
        moments = [datetime.fromisoformat(text).replace(microsecond=0) for text in (state, str(expected))]
        return moments[0] == moments[1]
    return state == expected


def _of_device(component: Component, entity: Row, devices: Mapping[str, Row]) -> Iterator[str]:
    said = component.device
    device = next((devices[each] for each in _identifiers(said) if each in devices), None)
    if device is None or entity["device_id"] != device["id"]:
        yield f"does not belong to the device {said['identifiers']}"
        return
    for key in (*_OF_A_DEVICE, _OF_AN_ADDRESS):
        if key in said and key in device and device[key] != said[key]:
            yield f"its device's {key} is {device[key]}, not {said[key]}"
    parent = devices.get(said.get("via_device", ""), {}).get("id")
    if device["via_device_id"] != parent or ("via_device" in said and parent is None):
        yield f"its device's parent is not {said.get('via_device')}"


def _identifiers(device: Row) -> list[str]:
    found = device["identifiers"]
    return [found] if isinstance(found, str) else list(found)
