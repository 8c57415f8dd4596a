"""What a kind of device is to the rest of the program, and how what several endpoints say of one becomes one."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway.known import Fields, Known
from envoy_bridge.gateway.rows import Endpoint, Row, json
from envoy_bridge.model import Members

TEXT_LIMIT = 64
"""Characters of a word that are published."""

_SERIAL = re.compile(r"[A-Za-z0-9_-]{1,64}")

_NO_NUMBERS = frozenset({"nan", "inf", "infinity"})

D = TypeVar("D", bound=Struct)
W = TypeVar("W")
GONE = "gone."
"""What the fields begin with that say which devices were taken away: `gone.<kind>.<who says so>`."""

ALONE = ""
"""The name of the only device of its kind."""
TOTAL = "total"
"""The name of all devices of a kind together."""
UNKNOWN: Final[Members] = {}
"""The devices of a kind while it is not known which there are."""


@dataclass(frozen=True)
class Device:
    """A kind of device: its topic, what is published of each, and the rows of the endpoint table that tell it.

    `label`: what people call one of it. `single`: there is at most one, and it has no name; `facet`: and it is no thing
    of its own but a side of the gateway. `complete`: adds to the members what follows from them and from other kinds.
    """

    name: str
    label: str
    kind: type[Struct]
    doc: str
    rows: tuple[Row, ...]
    single: bool = False
    facet: bool = False
    complete: Callable[[Members, Mapping[str, Members]], Members] | None = None

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields that its rows supply. In what two of them tell, the first is right."""
        named = (name for row in self.rows for name in sorted(row.supplies) if not name.startswith(GONE))
        return tuple(dict.fromkeys(named))


def part(
    field: str,
    endpoint: Endpoint,
    read: Callable[[Any, Known, float], Members],
    *,
    needs: Iterable[str] = (),
    id: str = "",  # noqa: A002 - the name of the field of Row
) -> Row:
    """A row that supplies one part of what is known of a kind of device.

    The field is the name of the kind, for the part that lists which there are; or `<kind>.<part>`.
    """

    def fields(reply: Any, known: Known, now: float) -> Fields:  # noqa: ANN401 - what the endpoint decodes
        members = read(reply, known, now)
        return {field: members} if members else {}

    return Row(id or field, endpoint, frozenset({field}), fields, frozenset(needs), decisive=False)


def members_of(device: Device, fields: Fields) -> Members:
    """The devices of one kind, of all the parts that are known of them.

    When a part lists which there are, the others do not add any; while the list is not known they are UNKNOWN.
    """
    listed = fields.get(device.name)
    if listed is None and device.name in fields:
        return UNKNOWN
    parts = [members for name in device.fields if (members := fields.get(name))]
    if len(parts) == 1:
        return dict(parts[0])
    names = listed or dict.fromkeys(name for members in parts for name in members)
    return {name: merged(device.kind, [members[name] for members in parts if name in members]) for name in names}


def merged(kind: type[D], parts: Sequence[D]) -> D:
    """One device of several accounts of it: of each value the first that is known."""
    if len(parts) == 1:
        return parts[0]
    values = {}
    for name in kind.__struct_fields__:
        values[name] = next((value for each in parts if (value := getattr(each, name)) is not None), None)
    return kind(**values)


def lenient(kind: Any) -> Callable[[bytes], Any]:  # noqa: ANN401 - any type that msgspec converts
    """A decoder for replies of this type, whose numbers and flags may be words. Null is as absent.

    Raises (when called): UnusableReply.
    """
    decode = json(Any)

    def convert(body: bytes) -> Any:  # noqa: ANN401 - `kind`
        try:
            return msgspec.convert(_stated(decode(body)), kind, strict=False)
        except msgspec.ValidationError as error:
            raise UnusableReply(f"the reply is not what this endpoint answers ({len(body)} bytes)") from error

    return convert


def _stated(value: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    """A reply without what it does not say: msgspec would take the word `nan` for a number."""
    if isinstance(value, dict):
        return {key: stated for key, held in value.items() if (stated := _stated(held)) is not None}
    if isinstance(value, list):
        return [_stated(held) for held in value]
    return None if isinstance(value, str) and value.lower().lstrip("+-") in _NO_NUMBERS else value


def each(entries: Iterable[object], kind: type[W]) -> Iterator[W]:
    """The entries that are of this kind. One that is broken is left out: it costs only itself."""
    for entry in entries:
        try:
            yield msgspec.convert(entry, kind, strict=False)
        except msgspec.ValidationError:
            continue


def by_serial(found: Iterable[tuple[str | int, D]]) -> dict[str, D]:
    """Devices by serial number. What is no serial number does not become a topic."""
    return {str(serial): device for serial, device in found if _SERIAL.fullmatch(str(serial))}


def word(text: str | None) -> str | None:
    """A word of a device as it is published: printable, bounded; an empty one says nothing."""
    clean = "".join(letter for letter in (text or "")[:TEXT_LIMIT] if letter.isprintable()).strip()
    return clean or None


def flag(value: bool | str | int | None) -> bool | None:  # noqa: FBT001 - it is what is asked
    """Yes or no, however a gateway writes it."""
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def total(values: Iterable[float | None]) -> float | None:
    """A sum, or None where one of the values is not known, or there are none."""
    known = list(values)
    return None if not known or None in known else sum(value for value in known if value is not None)
