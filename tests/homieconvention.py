"""The Homie convention, version 4.0.0, as a judge of what is retained below `homie/`. It knows nothing of our layout.

It stands in for the programs that read such a tree and cannot be started in a test, openHAB above all.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from broker import Received

ID = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
NUMBER = r"-?[0-9]+"
FLOAT = rf"{NUMBER}(\.[0-9]+)?([eE][+-]?[0-9]+)?"
STATES = ("init", "ready", "disconnected", "sleeping", "lost", "alert")
DATATYPES = ("integer", "float", "boolean", "string", "enum", "color")

OF_DEVICE = {"$homie", "$name", "$state", "$nodes"}
"""What a device must have. `$extensions` too; but none is an empty text, which no broker retains."""
OF_NODE = {"$name", "$type", "$properties"}
OF_PROPERTY = {"$name", "$datatype"}
MORE_OF_DEVICE = OF_DEVICE | {"$extensions", "$implementation"}
MORE_OF_PROPERTY = OF_PROPERTY | {"$format", "$settable", "$retained", "$unit"}


@dataclass(slots=True)
class Level:
    """What stands on one level of the tree: attributes, a value, and what is below."""

    attributes: dict[str, str] = field(default_factory=dict)
    value: str | None = None
    below: dict[str, "Level"] = field(default_factory=dict)


def complaints(found: Mapping[str, Received], root: str = "homie") -> list[str]:
    """What the convention forbids of these retained messages, one line each; none: they are as they should be."""
    return list(_complaints(found, root))


def _complaints(found: Mapping[str, Received], root: str) -> Iterator[str]:
    tree = Level()
    for topic, told in found.items():
        if not told.retain:
            yield f"{topic} is not retained"
        if told.qos != 1:
            yield f"{topic} has QoS {told.qos}"
        levels = topic.split("/")
        if levels[0] != root:
            yield f"{topic} is not below {root}/"
        elif fault := _note(tree, levels[1:], told.payload):
            yield f"{topic} {fault}"
    for name, device in tree.below.items():
        yield from _device(f"{root}/{name}", device)


def _note(tree: Level, levels: list[str], payload: bytes) -> str:
    """Put a message into the tree; what is wrong with its topic or its text."""
    *ids, last = levels
    if not ids:
        return "is no topic of a device"
    if wrong := next(
        (each for each in (*ids, *([] if last.startswith("$") else [last])) if not ID.fullmatch(each)), ""
    ):
        return f"has the id {wrong!r}"
    if len(levels) > (4 if last.startswith("$") else 3):
        return "lies too deep"
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    level = tree
    for each in ids:
        level = level.below.setdefault(each, Level())
    if last.startswith("$"):
        level.attributes[last] = text
    elif len(levels) < 3:
        return "is a value on a node's place"
    else:
        level.below.setdefault(last, Level()).value = text
    return ""


def _device(topic: str, device: Level) -> Iterator[str]:
    yield from _attributes(topic, device, OF_DEVICE, MORE_OF_DEVICE)
    given = device.attributes
    if not re.fullmatch(r"4\.\d+\.\d+", given.get("$homie", "4.0.0")):
        yield f"{topic}/$homie is {given['$homie']!r}"
    if given.get("$state", "ready") not in STATES:
        yield f"{topic}/$state is {given['$state']!r}"
    yield from _listed(f"{topic}/$nodes", given.get("$nodes"), device)
    for name, node in device.below.items():
        yield from _node(f"{topic}/{name}", node)


def _node(topic: str, node: Level) -> Iterator[str]:
    yield from _attributes(topic, node, OF_NODE, OF_NODE)
    yield from _listed(f"{topic}/$properties", node.attributes.get("$properties"), node)
    for name, what in node.below.items():
        yield from _property(f"{topic}/{name}", what)


def _property(topic: str, what: Level) -> Iterator[str]:
    yield from _attributes(topic, what, OF_PROPERTY, MORE_OF_PROPERTY)
    yield from (f"{topic}/{name} lies too deep" for name in what.below)
    given = what.attributes
    for name in ("$settable", "$retained"):
        if given.get(name, "true") not in ("true", "false"):
            yield f"{topic}/{name} is {given[name]!r}"
    if given.get("$retained") == "false" and what.value is not None:
        yield f"{topic} is retained and says it is not"
    datatype, form = given.get("$datatype", "string"), given.get("$format")
    if datatype not in DATATYPES:
        yield f"{topic}/$datatype is {datatype!r}"
        return
    valid = _format(datatype, form)
    if valid is None:
        yield f"{topic}/$format is {form!r} for {datatype}"
    elif what.value is not None and not valid(what.value):
        yield f"{topic} is {what.value!r}, which is no {datatype}" + (f" of {form}" if form else "")


def _attributes(topic: str, level: Level, needed: set[str], known: set[str]) -> Iterator[str]:
    yield from (f"{topic}/{name} is missing" for name in sorted(needed - level.attributes.keys()))
    yield from (f"{topic}/{name} is unknown" for name in sorted(level.attributes.keys() - known))


def _listed(topic: str, listed: str | None, level: Level) -> Iterator[str]:
    """A list of ids and what is there: the same, each once."""
    if listed is None:
        return
    names = listed.split(",")
    yield from (f"{topic} has {name!r}, which is no id" for name in names if not ID.fullmatch(name))
    yield from (f"{topic} has {name!r} twice" for name in sorted({each for each in names if names.count(each) > 1}))
    yield from (f"{topic} has {name!r}, which is not there" for name in names if name not in level.below)
    yield from (f"{topic} does not have {name!r}" for name in level.below if name not in names)


Valid = Callable[[str], object]


def _format(datatype: str, form: str | None) -> Valid | None:
    """Which values a property may have; None: this is no format of its type."""
    match datatype:
        case "integer" | "float":
            number = NUMBER if datatype == "integer" else FLOAT
            return _number(number, form)
        case "enum":
            choices = (form or "").split(",")
            return choices.__contains__ if all(choices) else None
        case "color":
            three = re.compile(r"\d{1,3},\d{1,3},\d{1,3}")
            return three.fullmatch if form in ("rgb", "hsv") else None
        case "boolean":
            return ("true", "false").__contains__ if form is None else None
    return lambda _text: True


def _number(number: str, form: str | None) -> Valid | None:
    if form is None:
        return lambda text: re.fullmatch(number, text)
    ends = re.fullmatch(f"({FLOAT}):({FLOAT})", form)
    if ends is None:
        return None
    low, high = (float(end) for end in form.split(":"))
    return (lambda text: re.fullmatch(number, text) and low <= float(text) <= high) if low <= high else None
