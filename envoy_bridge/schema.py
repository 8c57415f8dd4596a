"""Which keys a configuration has: read off the structs, so that no key is listed twice."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeGuard, Union, get_args, get_origin, get_type_hints

from envoy_bridge.settings import Section
from envoy_bridge.values import Secret

Place = tuple[str | int, ...]
"""Where a value stands: ("mqtt", "port"), ("gateway", 0, "host")."""


@cache
def kinds(section: type[Section]) -> dict[str, tuple[Any, ...]]:
    """Per key of the section the types of its value, without None. Only `bool | Tls` is more than one."""
    return {key: _alternatives(hint) for key, hint in get_type_hints(section, include_extras=True).items()}


def _alternatives(hint: object) -> tuple[Any, ...]:
    options = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    return tuple(option for option in options if option is not NoneType)


def is_section(kind: object) -> TypeGuard[type[Section]]:
    """Whether a value of this type is a table."""
    return isinstance(kind, type) and issubclass(kind, Section)


def is_list(kind: object) -> bool:
    """Whether a value of this type is a list."""
    return get_origin(kind) is tuple


def keys(section: type[Section]) -> list[str]:
    """The keys as users write them: those of the struct, and `x_file` beside each secret `x`."""
    own = kinds(section)
    return [*own, *(f"{key}_file" for key, options in own.items() if Secret in options)]


def places(section: type[Section], above: Place = ()) -> Iterator[Place]:
    """Every place below a section where a single value can stand, with 0 for any number in a list."""
    for key in keys(section):
        for kind in kinds(section).get(key, (str,)):
            yield from _places_of(kind, (*above, key))


def _places_of(kind: object, place: Place) -> Iterator[Place]:
    if is_section(kind):
        yield from places(kind, place)
    elif is_list(kind):
        yield from _places_of(get_args(kind)[0], (*place, 0))
    else:
        yield place


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one; None when none is much like it."""
    return next(iter(get_close_matches(word, list(known), n=1)), None)
