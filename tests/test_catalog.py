"""The walks over the model that all sinks are written on."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from envoy_bridge.catalog import changes, definitions, plain, points
from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.model import Flow, Production, Snapshot, Value

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUSE = Snapshot(
    serial="1",
    time=NOW,
    production=Flow(total=Production(power=5.0, voltage=None), l1=Production(power=5.0)),
    devices={"inverter": {"77": Inverter(power=3.0)}},
)


def test_every_field_has_a_unit_and_a_meaning() -> None:
    found = list(definitions())
    assert len({definition.path for definition in found}) == len(found)
    assert all(definition.quantity.doc for definition in found)
    assert "production/l1/power" in {definition.path for definition in found}


def test_points_are_what_is_known() -> None:
    assert [(path, value) for path, value, _ in points(HOUSE)] == [
        ("production/total/power", 5.0),
        ("production/l1/power", 5.0),
        ("inverter/77/power", 3.0),
    ]


def test_changes_of_nothing_are_all_points() -> None:
    assert [path for path, _, _ in changes(None, HOUSE)] == [path for path, _, _ in points(HOUSE)]


def test_no_change_is_no_message() -> None:
    assert (
        list(changes(HOUSE, replace(HOUSE, production=Flow(total=Production(power=5.0), l1=Production(power=5.0)))))
        == []
    )


def test_what_is_no_longer_known_is_a_change() -> None:
    gone = replace(HOUSE, production=None, devices={})
    assert {(path, value) for path, value, _ in changes(HOUSE, gone)} == {
        ("production/total/power", None),
        ("production/l1/power", None),
        ("inverter/77/power", None),
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (0.0, "0"),
        (-3.25, "-3.25"),
        (1234.5, "1234.5"),
        (0.001, "0.001"),
        (-0.99961, "-1"),
        (-0.0001, "0"),
        (138475913.0, "138475913"),
        (26785327.449, "26785327.449"),
        (1e15, "1000000000000000"),
        ("online", "online"),
        (NOW, "2026-06-01T12:00:00Z"),
        (NOW.replace(microsecond=250000), "2026-06-01T12:00:00.250Z"),
    ],
)
def test_a_payload_is_plain(value: Value, text: str) -> None:
    assert plain(value) == text
