"""The judge of announcements: it lets through what is right, and finds each thing that is wrong."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from harules import MIGRATION, RULES, faults

Row = dict[str, Any]

DEVICE = {
    "identifiers": ["envoy_bridge_122300000001"],
    "name": "Envoy 122300000001",
    "manufacturer": "Enphase",
    "serial_number": "122300000001",
    "configuration_url": "https://envoy.local",
}
ORIGIN = {"name": "envoy-bridge", "sw_version": "1.0", "support_url": "https://example.org"}
AVAILABILITY = [{"topic": "envoy/bridge/state"}, {"topic": "envoy/122300000001/availability"}]
HEAD = {
    "device": DEVICE,
    "origin": ORIGIN,
    "availability": AVAILABILITY,
    "availability_mode": "all",
    "state_topic": "envoy/122300000001/state",
}
POWER = {
    "unique_id": "envoy_bridge_122300000001_production_total_power",
    "name": "Production",
    "value_template": "{{ value_json['production']['total']['power'] }}",
    "device_class": "power",
    "unit_of_measurement": "W",
    "state_class": "measurement",
    "suggested_display_precision": 0,
    "expire_after": 300,
}
ONLINE = {
    "unique_id": "envoy_bridge_122300000001_availability",
    "name": "Connection",
    "payload_on": "online",
    "payload_off": "offline",
    "device_class": "connectivity",
    "entity_category": "diagnostic",
    "enabled_by_default": False,
}
SINGLE = "homeassistant/sensor/envoy_bridge_122300000001/production_total_power/config"
WHOLE = "homeassistant/device/envoy_bridge_122300000001/config"


def whole() -> Row:
    components = {"power": {"platform": "sensor", **POWER}, "online": {"platform": "binary_sensor", **ONLINE}}
    copy: Row = json.loads(json.dumps({**HEAD, "components": components}))
    return copy


def judge(topic: str, said: Mapping[str, Any]) -> list[str]:
    return faults(topic, json.dumps(said).encode())


def test_what_is_right_has_no_faults() -> None:
    assert judge(SINGLE, {**HEAD, **POWER}) == []
    assert judge(SINGLE.replace("sensor", "binary_sensor"), {**HEAD, **ONLINE}) == []
    assert judge(WHOLE, whole()) == []


def test_taking_back_and_moving_have_no_faults() -> None:
    assert faults(SINGLE, b"") == faults(WHOLE, b"") == []
    assert judge(SINGLE, MIGRATION) == []
    said = whole()
    said["components"]["power"] = {"platform": "sensor"}
    assert judge(WHOLE, said) == []


@pytest.mark.parametrize(
    "topic",
    [
        "homeassistant/sensor/config",
        "homeassistant/sensor/a b/config",
        "homeassistant/sensor/a/b/c/config",
        "homeassistant/sensor/größe/config",
        f"{SINGLE}/more",
    ],
)
def test_a_wrong_topic_is_found(topic: str) -> None:
    assert judge(topic, {**HEAD, **POWER})


WRONG = {
    "device class that only newer releases know": {"device_class": "reactive_energy"},
    "device class of another platform": {"device_class": "connectivity"},
    "unit of something else": {"unit_of_measurement": "Wh"},
    "unit that only newer releases know": {"unit_of_measurement": "MW"},
    "unit in other letters": {"device_class": "reactive_power", "unit_of_measurement": "VAr"},
    "unit where none may be": {"device_class": "timestamp", "state_class": None, "unit_of_measurement": "s"},
    "no unit": {"unit_of_measurement": None},
    "empty unit": {"device_class": None, "unit_of_measurement": ""},
    "state class of something else": {"device_class": "energy", "unit_of_measurement": "Wh"},
    "state class for a time": {"device_class": "timestamp", "unit_of_measurement": None},
    "state class that nobody knows": {"device_class": None, "state_class": "growing"},
    "category for what can be set": {"entity_category": "config"},
    "category that nobody knows": {"entity_category": "detail"},
    "key that nobody knows": {"units": "W"},
    "key that only newer releases know": {"default_entity_id": "sensor.production"},
    "key that is on its way out": {"object_id": "production"},
    "name of the device in front": {"name": "Envoy 122300000001 production"},
    "no name": {"name": ""},
    "id with a space": {"unique_id": "production power"},
    "no id": {"unique_id": None},
    "expiry of nothing": {"expire_after": 0},
    "expiry that is a text": {"expire_after": "300"},
    "precision that is a text": {"suggested_display_precision": "0"},
    "enabled in words": {"enabled_by_default": "yes"},
}
"""What makes a good sensor a bad one; None takes the key away."""


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_wrong_entity_is_found_in_both_styles(change: Row) -> None:
    sensor = {key: value for key, value in {**POWER, **change}.items() if value is not None}
    assert len(judge(SINGLE, {**HEAD, **sensor})) == 1
    said = whole()
    said["components"]["power"] = {"platform": "sensor", **sensor}
    assert len(judge(WHOLE, said)) == 1


def test_a_wrong_binary_sensor_is_found() -> None:
    said = whole()
    said["components"]["online"] |= {"device_class": "power_factor", "unit_of_measurement": "W"}
    assert len(judge(WHOLE, said)) == 2


CUTS: dict[str, Callable[[Row], object]] = {
    "no origin": lambda said: said.pop("origin"),
    "origin without a name": lambda said: said["origin"].pop("name"),
    "device without an identifier": lambda said: said["device"].pop("identifiers"),
    "address that is none": lambda said: said["device"].update(configuration_url="192.0.2.1"),
    "model that is a number": lambda said: said["device"].update(model=5),
    "key of a device that only newer releases know": lambda said: said["device"].update(model_id="x"),
    "availability without a topic": lambda said: said["availability"][0].pop("topic"),
    "availability of many topics": lambda said: said["availability"][0].update(topic="envoy/+/state"),
    "availability in another way": lambda said: said.update(availability_mode="both"),
    "nothing to read": lambda said: said.pop("state_topic"),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_wrong_head_is_found_in_both_styles(cut: Callable[[Row], object]) -> None:
    said = whole()
    cut(said)
    assert judge(WHOLE, said)
    alone = json.loads(json.dumps({**HEAD, **POWER}))
    cut(alone)
    assert judge(SINGLE, alone)


def test_what_is_wrong_with_a_whole_device_is_found() -> None:
    twice = whole()
    twice["components"]["again"] = dict(twice["components"]["power"])
    assert judge(WHOLE, twice) == ["again: its unique id is there twice"]
    strange = whole()
    strange["components"]["power"]["platform"] = "climate"
    assert len(judge(WHOLE, strange)) == 1
    assert judge(WHOLE, {**HEAD, "components": {}}) == ["components is missing"]
    assert judge(WHOLE, {**whole(), "expire_after": 300})


def test_the_rules_are_those_of_both_releases() -> None:
    assert RULES["releases"] == ["2024.3.3", "2025.4.4"]
    assert RULES["sensor"]["energy"]["state_classes"] == ["total", "total_increasing"]
    assert RULES["sensor"]["power_factor"]["units"] == ["%", None]
