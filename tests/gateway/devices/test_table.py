"""What holds of every kind of device, and that nothing in the table is dead."""

import re
from functools import cache

import pytest
from gateway.devices.replies import EVERYTHING
from gateway.devices.told import told
from households import FIXTURES, NAMES, look

from envoy_bridge.catalog import points, quantities
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.devices.base import GONE, Device
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.live import ROWS as LIVE_ROWS
from envoy_bridge.gateway.rows import Endpoint

NEVER_IN_A_HOUSEHOLD = {
    "inverter/comm_level": "the endpoint is for installers and asks the power line for minutes: no household has it",
    "export_limit/power": "our household has a limit in percent",
    "storage_settings/submode": "the word is empty in our households, as on most gateways",
}
"""Quantities that no household of ours shows, and why; the tests of the kinds show them."""

of_each_kind = pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)


def shown(topics: set[str]) -> set[str]:
    """Kind and quantity of topics."""
    return {f"{topic.split('/')[0]}/{topic.rpartition('/')[2]}" for topic in topics}


@cache
def of_households() -> set[str]:
    return shown({path for name in NAMES for path, _, _ in points(look(FIXTURES / f"{name}.har").snapshot)})


@of_each_kind
def test_every_quantity_of_a_kind_is_told_by_some_household(device: Device) -> None:
    names = {f"{device.name}/{name}" for name, _ in quantities(device.kind)}
    assert names - of_households() == NEVER_IN_A_HOUSEHOLD.keys() & names


@of_each_kind
def test_every_quantity_has_a_unit_and_a_meaning(device: Device) -> None:
    known = quantities(device.kind)
    assert [name for name, _ in known] == list(device.kind.__struct_fields__)
    assert device.doc
    assert all(what.doc for _, what in known)


@of_each_kind
def test_names_are_fit_for_topics(device: Device) -> None:
    names = [device.name, *(name for name, _ in quantities(device.kind))]
    assert [name for name in names if not re.fullmatch("[a-z0-9_]+", name)] == []


def test_topics_are_plain() -> None:
    assert [topic for topic in told(EVERYTHING) if not re.fullmatch("[a-z0-9_-]+(/[a-z0-9_-]+){1,2}", topic)] == []


def test_kinds_and_rows_are_there_once() -> None:
    assert len({device.name for device in DEVICES}) == len(DEVICES)
    assert len({row.id for row in ROWS}) == len(ROWS)
    fields = [name for device in DEVICES for name in device.fields]
    assert len(set(fields)) == len(fields)


@of_each_kind
def test_the_rows_of_a_kind_wait_and_are_its_own(device: Device) -> None:
    for row in device.rows:
        assert not row.decisive
        assert not row.last
        assert {name.removeprefix(GONE).partition(".")[0] for name in row.supplies} == {device.name}
        assert row.needs <= {name for other in ROWS for name in other.supplies}


def test_the_live_rows_wait() -> None:
    assert not any(row.decisive for row in LIVE_ROWS)


def test_an_endpoint_is_one_thing_everywhere() -> None:
    found: dict[str, Endpoint] = {}
    for row in ROWS:
        assert found.setdefault(row.endpoint.id, row.endpoint) is row.endpoint
    for endpoint in found.values():
        assert endpoint.paths
        assert endpoint.deadline >= 10


@of_each_kind
def test_a_single_device_has_no_name_and_the_others_have(device: Device) -> None:
    depths = {topic.count("/") for topic in told(EVERYTHING) if topic.startswith(f"{device.name}/")}
    assert depths == {1 if device.single else 2}
