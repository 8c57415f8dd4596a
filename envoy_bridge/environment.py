"""Configuration from environment variables: `ENVOY_BRIDGE__MQTT__HOST`, `ENVOY_BRIDGE__GATEWAY__0__HOST`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envoy_bridge.errors import ConfigurationError
from envoy_bridge.schema import Place, nearest, places
from envoy_bridge.settings import Config

PREFIX = "ENVOY_BRIDGE__"


@dataclass(frozen=True, slots=True)
class Variable:
    """A value from the environment, and the name it has there."""

    name: str
    text: str


def overlay(tree: dict[str, Any], environ: Mapping[str, str]) -> Any:  # noqa: ANN401  as below
    """A tree as TOML gives it, with the variables over what stands there.

    Raises:
        ConfigurationError: a variable that is no key, or leaves a gap in a list.
    """
    known = {_name(place) for place in places(Config)}
    found = {}
    for name in environ:
        if name.startswith(PREFIX):
            if re.sub(r"__[0-9]+(?=__|$)", "__0", name) not in known:
                similar = nearest(name.upper(), known)
                raise ConfigurationError(
                    f"environment: {name} is no key of the configuration; "
                    + (f"did you mean {similar}?" if similar else f"a right one is {PREFIX}MQTT__HOST")
                )
            found[_place(name)] = Variable(name, environ[name])
    for place in sorted(found):
        tree = _with(tree, place, found[place])
    return tree


def _name(place: Place) -> str:
    return PREFIX + "__".join(str(part).upper() for part in place)


def _place(name: str) -> Place:
    return tuple(int(part) if part.isdecimal() else part.lower() for part in name.removeprefix(PREFIX).split("__"))


def _with(node: Any, place: Place, value: Variable) -> Any:  # noqa: ANN401  what TOML gives
    """The node with the value at the place. What the file has of a wrong shape stays, for the reader to refuse."""
    if not place:
        return value
    part, rest = place[0], place[1:]
    if isinstance(part, int):
        items = [] if node is None else node
        if not isinstance(items, list):
            return node
        if part > len(items):
            raise ConfigurationError(f"environment: {value.name} leaves out a number; they start at 0 and have no gaps")
        return [*items[:part], _with(items[part] if part < len(items) else None, rest, value), *items[part + 1 :]]
    table = {} if node is None or isinstance(node, bool | Variable) else node  # tls = true gives way to tls.ca_file
    if not isinstance(table, dict):
        return node
    twin = part.removesuffix("_file") if part.endswith("_file") else f"{part}_file"
    # password_file here replaces password there. Both here: the reader refuses that.
    others = {key: item for key, item in table.items() if key != twin or isinstance(item, Variable)}
    return others | {part: _with(table.get(part), rest, value)}
