"""What stands where in a Homie 4 tree, which openHAB reads by itself: the pure layout.

One Homie device per gateway, a node for each flow and for each device of the gateway, a property for each quantity; the
phases of a flow are properties of its node. Source: the Homie convention, version 4.0.0.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from envoy_bridge.catalog import branch, described, device, of_cloud, plain, points
from envoy_bridge.labels import thing, title
from envoy_bridge.model import AVAILABILITY, CHARGE, PERCENT, RATIO, Quantity, Snapshot, Unit, Value
from envoy_bridge.sinks.base import Holdings

ROOT: Final = "homie"

STATE: Final = "$state"
"""`init` while the tree is put, `ready`, `alert` while the gateway is away, `disconnected`, `lost` (last will)."""

_OF_DEVICE: Final = ("$homie", "$name", "$nodes", "$extensions", "$implementation")
_OF_NODE: Final = ("$name", "$type", "$properties")
_OF_PROPERTY: Final = ("$name", "$datatype", "$unit", "$format", "$settable", "$retained")

_DATATYPES: Final = {"true/false": "boolean", "word": "string", "time": "string"}
"""By symbol of the unit; all else are numbers. Homie 4 has no type for times."""

_RANGES: Final[Mapping[Unit, tuple[int, int]]] = {PERCENT: (0, 100), CHARGE: (0, 100), RATIO: (-1, 1)}

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")

Shape = dict[str, tuple[str, ...]]
"""The ids of a device's nodes, and of the properties of each."""

Topics = Iterator[tuple[str, str]]
"""Topics and what stands on them; empty: nothing does, and what did is cleared."""


@dataclass(frozen=True, slots=True)
class Property:
    """One quantity. `path`: where it stands in the model. `name`: what people call it."""

    path: str
    name: str
    unit: Unit

    @property
    def datatype(self) -> str:
        """A type of Homie 4."""
        return "enum" if self.unit == AVAILABILITY else _DATATYPES.get(self.unit.symbol, "float")

    @property
    def format(self) -> str:
        """The values it may have; empty: any of its type."""
        low, high = _RANGES.get(self.unit, ("", ""))
        return "online,offline" if self.unit == AVAILABILITY else f"{low}:{high}".strip(":")

    def payload(self, value: Value | None) -> str:
        """A value as it is published. One beyond its range is none: readers would refuse it."""
        low, high = _RANGES.get(self.unit, (float("-inf"), float("inf")))
        return "" if value is None or (isinstance(value, float | int) and not low <= value <= high) else plain(value)

    def attributes(self) -> Topics:
        """Its attributes and what they say."""
        unit = self.unit.symbol if self.datatype == "float" else ""
        texts = (self.name, self.datatype, unit, self.format, "false", "true")
        yield from zip(_OF_PROPERTY, texts, strict=True)


@dataclass(frozen=True, slots=True)
class Node:
    """A flow, or a device of the gateway. `kind`: its name in the model. `properties`: by id."""

    name: str
    kind: str
    properties: dict[str, Property]


def identifier(*words: str) -> str:
    """Words as an id: `a-z`, `0-9` and `-` within. Empty where they do not make one."""
    text = "-".join(words).lower().replace("_", "-")
    return text if _ID.fullmatch(text) else ""


def device_id(serial: str) -> str:
    """The id of a gateway's Homie device, or of a cloud's site."""
    return identifier("envoy", *serial.split("/"))


def nodes(holdings: Holdings) -> dict[str, Node]:
    """The nodes of a gateway, by id. What cannot have an id, or has that of another, is left out."""
    found: dict[str, Node] = {}
    for part, names in holdings.parts.items():
        head, _, member = part.partition("/")
        if device(part) is None and not of_cloud(part):
            node = found.setdefault(identifier(head), Node(branch(head).label, head, {}))
            node.properties.update(_properties(part, names, member))
        else:
            words = (head, member) if member else (head,)
            found.setdefault(identifier(*words), Node(thing(part), head, dict(_properties(part, names))))
    found.pop("", None)
    return found


def _properties(part: str, names: Iterable[str], *prefix: str) -> Iterator[tuple[str, Property]]:
    known: Mapping[str, Quantity] = described(part)
    for name in names:
        yield identifier(*prefix, name), Property(f"{part}/{name}", title(part, name), known[name].unit)


def shape(tree: Mapping[str, Node]) -> Shape:
    """The ids of a tree."""
    return {node: tuple(each.properties) for node, each in tree.items()}


def attributes(serial: str, tree: Mapping[str, Node]) -> Topics:
    """All that describes a gateway's device, from the outside in; what an attribute does not say is empty."""
    root = f"{ROOT}/{device_id(serial)}"
    texts = ("4.0.0", f"Envoy {serial}", ",".join(tree), "", "envoy-bridge")
    yield from _below(root, zip(_OF_DEVICE, texts, strict=True))
    for node, each in tree.items():
        texts_of_node = (each.name, each.kind, ",".join(each.properties))
        yield from _below(f"{root}/{node}", zip(_OF_NODE, texts_of_node, strict=True))
        for key, what in each.properties.items():
            yield from _below(f"{root}/{node}/{key}", what.attributes())


def _below(root: str, what: Iterable[tuple[str, str]]) -> Topics:
    return ((f"{root}/{name}", text) for name, text in what)


def values(serial: str, tree: Mapping[str, Node], snapshot: Snapshot | None) -> Topics:
    """Each property of a gateway's device, and its value."""
    known = {} if snapshot is None else {path: value for path, value, _ in points(snapshot)}
    return ((topic, what.payload(known.get(what.path))) for topic, what in places(serial, tree).values())


def places(serial: str, tree: Mapping[str, Node]) -> dict[str, tuple[str, Property]]:
    """By path in the model, the topic of a value and the property that it is of."""
    root = f"{ROOT}/{device_id(serial)}"
    return {
        what.path: (f"{root}/{node}/{key}", what)
        for node, each in tree.items()
        for key, what in each.properties.items()
    }


def topics(device: str, ids: Shape) -> Iterator[str]:
    """Every topic that the device of this id and shape may have."""
    root = f"{ROOT}/{device}"
    yield from (f"{root}/{name}" for name in (*_OF_DEVICE, STATE))
    for node, properties in ids.items():
        yield from (f"{root}/{node}/{name}" for name in (*_OF_NODE, *properties))
        yield from (f"{root}/{node}/{key}/{name}" for key in properties for name in _OF_PROPERTY)
