"""Whatever is wrong with one thing that a gateway says costs that thing, and nothing beside it."""

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from gateway.devices.replies import CONTROLLER, EVERYTHING
from gateway.devices.told import REPORT, told

from envoy_bridge.gateway.endpoints import ROWS

NAMES = {"serial_num", "serialNumber", "id", "type", "PEL", "enable"}
"""Keys without which an entry or a reply is nothing."""
ODD: tuple[Any, ...] = ({"an": "object"}, "a word", -7)
CONTACTS_OF = {CONTROLLER: {"nc1", "no2"}}
"""Without a controller the gateway lists contacts that nobody has."""
REPEATED = "/admin/lib/acb_config"
"""It says what the inventory says too."""
ERRORS: tuple[Any, ...] = ({"error": "404 - Not Found"}, [], {}, "Error: 401", None, 0)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the numbers and words of a reply stand."""
    if not isinstance(value, dict | list):
        yield path
        return
    for key, held in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(held, (*path, key))


LEAVES = [
    (path, leaf)
    for path, reply in EVERYTHING.items()
    if path != REPORT
    for leaf in leaves(reply)
    if "fields" not in leaf
]


def value_at(path: str, leaf: tuple[Any, ...]) -> Any:
    value = EVERYTHING[path]
    for key in leaf:
        value = value[key]
    return value


def changed(path: str, leaf: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """All replies, with one value of one of them another."""
    replies = copy.deepcopy(EVERYTHING)
    holder = replies[path]
    for key in leaf[:-1]:
        holder = holder[key]
    holder[leaf[-1]] = value
    return replies


@cache
def whole() -> Mapping[str, str]:
    return told(EVERYTHING)


@cache
def without(path: str) -> Mapping[str, str]:
    return told({other: reply for other, reply in EVERYTHING.items() if other != path})


def test_each_endpoint_has_something_to_tell() -> None:
    paths = {path for row in ROWS for path in row.endpoint.paths}
    assert EVERYTHING.keys() <= paths
    assert [path for path in EVERYTHING if without(path) == whole()] == [REPEATED]


@pytest.mark.parametrize("path", dict.fromkeys(path for path, _ in LEAVES))
def test_a_null_costs_its_own_value_alone(path: str) -> None:
    for leaf in (leaf for of, leaf in LEAVES if of == path and leaf[-1] not in NAMES):
        left = told(changed(path, leaf, None))
        lost = whole().keys() - left.keys()
        assert len(lost) <= 4, (leaf, lost)
        assert lost <= whole().keys() - without(path).keys(), (leaf, lost)


@pytest.mark.parametrize("path", dict.fromkeys(path for path, _ in LEAVES))
def test_an_odd_value_costs_its_entry_or_reply_alone(path: str) -> None:
    for leaf in (leaf for of, leaf in LEAVES if of == path and leaf[-1] not in NAMES):
        for value in ODD:
            lost = whole().keys() - told(changed(path, leaf, value)).keys()
            of_reply = lost <= whole().keys() - without(path).keys()
            of_entry = {topic.rpartition("/")[0] for topic in lost} - {"battery/total", "battery/iq"}
            assert of_reply or len(of_entry) == 1, (leaf, value, lost)


@pytest.mark.parametrize("path", dict.fromkeys(path for path, leaf in LEAVES if leaf[-1] in NAMES and len(leaf) > 1))
def test_an_entry_without_a_name_costs_itself_alone(path: str) -> None:
    for leaf in (leaf for of, leaf in LEAVES if of == path and leaf[-1] in NAMES - {"type"}):
        name = str(value_at(path, leaf)).lower()
        for value in (None, {"an": "object"}, "../#"):
            lost = whole().keys() - told(changed(path, leaf, value)).keys()
            names = {topic.split("/")[1] for topic in lost}
            assert names <= {name, "total", "iq"} | CONTACTS_OF.get(name, set()), (leaf, value)


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("reply", ERRORS, ids=str)
def test_what_is_no_answer_is_as_none_at_all(path: str, reply: object) -> None:
    assert told({**EVERYTHING, path: reply}) == without(path)


@pytest.mark.parametrize("number", ["nan", "NaN", "-inf", "Infinity"])
def test_a_word_for_no_number_is_not_published(number: str) -> None:
    for path, leaf in LEAVES:
        assert number.lower() not in {text.lower() for text in told(changed(path, leaf, number)).values()}, leaf


def test_numbers_may_be_words() -> None:
    for path, leaf in LEAVES:
        value = value_at(path, leaf)
        if type(value) in (int, float) and leaf[-1] not in NAMES and path != "/installer/pcu_comm_check":
            assert told(changed(path, leaf, str(value))) == whole(), leaf
