"""The layout of the Homie tree, for every household."""

from collections.abc import Mapping

import pytest
from homieconvention import complaints
from homiehouse import HOUSE, NOW, ROOT, SERIAL, holdings, laid_out
from households import FIXTURES, NAMES, look

from envoy_bridge.catalog import points
from envoy_bridge.gateway.devices.battery import Battery
from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.base import Holdings
from envoy_bridge.sinks.homie import device_id, nodes, shape, topics, values


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_of_every_household_is_as_the_convention_wants_it(name: str) -> None:
    snapshot = look(FIXTURES / f"{name}.har").snapshot
    found = laid_out(snapshot)
    assert complaints(found) == []
    told = [topic for topic in found if "$" not in topic]
    assert len(told) == len(list(points(snapshot))), "each value has its own property"
    assert found.keys() <= set(topics(device_id(snapshot.serial), shape(nodes(holdings(snapshot)))))


def test_a_property_says_what_it_is() -> None:
    found = {topic.removeprefix(f"{ROOT}/"): told.payload.decode() for topic, told in laid_out(HOUSE).items()}
    assert found["$nodes"] == "production,inverter-77,inverter-78,battery-b-1"
    assert found["production/$name"] == "Production"
    assert found["production/$properties"] == "total-power,l1-power,l1-power-factor"
    assert found["inverter-77/$name"] == "Inverter 77"
    assert about(found, "production/total-power") == {
        "": "1234.5",
        "/$name": "Production",
        "/$datatype": "float",
        "/$unit": "W",
        "/$settable": "false",
        "/$retained": "true",
    }
    assert about(found, "production/l1-power-factor")["/$format"] == "-1:1"
    assert "/$unit" not in about(found, "production/l1-power-factor")
    assert about(found, "inverter-77/availability")["/$datatype"] == "enum"
    assert about(found, "inverter-77/availability")["/$format"] == "online,offline"
    assert about(found, "inverter-78/producing")["/$datatype"] == "boolean"
    assert about(found, "inverter-78/producing")[""] == "false"
    assert about(found, "inverter-77/last-report")["/$datatype"] == "string"
    assert about(found, "inverter-77/last-report")[""] == "2026-06-01T12:00:00Z"
    assert about(found, "battery-b-1/soc")["/$format"] == "0:100"


def about(found: Mapping[str, str], what: str) -> dict[str, str]:
    """A property: its value under the empty name, and its attributes."""
    return {topic.removeprefix(what): text for topic, text in found.items() if topic.startswith((f"{what}/", what))}


@pytest.mark.parametrize("member", ["1-", "_", "x" * 64, "A-1", "A/B", "+", "$state"])
def test_what_cannot_be_an_id_or_has_that_of_another_is_left_out(member: str) -> None:
    house = {"inverter/a_1": ("power",), f"inverter/{member}": ("power", "temperature")}
    assert shape(nodes(Holdings(serial=SERIAL, parts=house))) == {"inverter-a-1": ("power",)}


def test_a_gateway_whose_serial_is_no_id_has_no_device() -> None:
    assert device_id("a b") == device_id("x" * 60) == ""


@pytest.mark.parametrize(("soc", "told"), [(0.0, "0"), (100.0, "100"), (100.5, ""), (-1.0, "")])
def test_a_value_beyond_its_range_is_none(soc: float, told: str) -> None:
    snapshot = Snapshot(serial=SERIAL, time=NOW, devices={"battery": {"total": Battery(soc=soc)}})
    tree = nodes(holdings(snapshot))
    assert dict(values(SERIAL, tree, snapshot)) == {f"{ROOT}/battery-total/soc": told}
