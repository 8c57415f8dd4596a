"""What one release of Home Assistant knows, as one line of JSON. Run by the release's own Python: it imports it."""

import json
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

PLATFORMS = ("sensor", "binary_sensor", "update")


def keys(schema: object) -> set[str]:
    """The names that a schema of voluptuous allows."""
    return {str(getattr(key, "schema", key)) for mapping in _mappings(schema) for key in mapping}


def below(schema: object, name: str) -> set[str]:
    """The names that it allows in what stands below one of its names."""
    wanted = [value for mapping in _mappings(schema) for key, value in mapping.items() if str(key) == name]
    return {each for value in wanted for each in keys(value)}


def _mappings(schema: Any) -> Iterator[dict[Any, Any]]:  # noqa: ANN401 - voluptuous has no types
    """The mappings in a schema that stand at its top, in whatever they are wrapped."""
    if isinstance(schema, dict):
        yield schema
    elif isinstance(schema, list):
        yield from (each for part in schema for each in _mappings(part))
    elif hasattr(schema, "validators"):
        yield from _mappings(list(schema.validators))
    elif hasattr(schema, "schema"):
        yield from _mappings(schema.schema)


def values(of: Iterable[Any]) -> list[str | None]:
    """Members of an enumeration, or units, as JSON has them."""
    return sorted({None if each is None else str(getattr(each, "value", each)) for each in of}, key=str)


def known() -> dict[str, Any]:
    """The table."""
    sensor = import_module("homeassistant.components.sensor.const")
    platforms = {name: import_module(f"homeassistant.components.mqtt.{name}").DISCOVERY_SCHEMA for name in PLATFORMS}
    common = platforms["sensor"]
    schemas = import_module("homeassistant.components.mqtt.discovery")
    whole = getattr(schemas, "DEVICE_DISCOVERY_SCHEMA", {})  # a release before 2024.12 has none
    return {
        "sensor": {
            each.value: {
                "units": values(sensor.DEVICE_CLASS_UNITS.get(each, [None])),
                "state_classes": values(sensor.DEVICE_CLASS_STATE_CLASSES.get(each, [])),
            }
            for each in sensor.SensorDeviceClass
        },
        "state_classes": values(sensor.SensorStateClass),
        "binary_sensor": values(import_module("homeassistant.components.binary_sensor").BinarySensorDeviceClass),
        "entity_categories": values(import_module("homeassistant.const").EntityCategory),
        "keys": {name: sorted(keys(schema)) for name, schema in platforms.items()},
        "below": {name: sorted(below(common, name)) for name in ("availability", "device", "origin")},
        "whole": sorted(keys(whole)),
    }


if __name__ == "__main__":
    json.dump(known(), sys.stdout)
