"""What the examples say of topics, units and values is so. The programs that they are for are not needed here."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from households import FIXTURES

from envoy_bridge.catalog import definitions
from envoy_bridge.model import Quantity
from envoy_bridge.sinks.topics import OF_A_GATEWAY, OF_THE_BRIDGE

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file() and path.suffix != ".md")
GATEWAY = "122300000000"

CORE = {
    *("tab", "comment", "mqtt-broker", "mqtt in", "mqtt out", "function", "inject", "debug", "template"),
    *("http in", "http response"),
}
"""Types of Node-RED's own nodes, as far as the flow uses them."""


@cache
def catalogue() -> dict[str, Quantity]:
    """What may stand below a gateway; a device's serial number is `<serial>`."""
    return {it.path: it.quantity for it in definitions()}


def below(path: str) -> str:
    """A path below a gateway as the catalogue has it."""
    kind, *names = path.split("/")
    if len(names) == 2 and f"{kind}/<serial>/{names[1]}" in catalogue():
        return f"{kind}/<serial>/{names[1]}"
    return path


def exists(topic: str) -> bool:
    """Whether the bridge publishes on it."""
    base, source, *rest = topic.split("/")
    path = "/".join(rest)
    if base != "envoy":
        return False
    if source == "bridge":
        return f"bridge/{path}" in OF_THE_BRIDGE
    return source in (GATEWAY, "+", "<serial>") and (path in {*OF_A_GATEWAY, "history"} or below(path) in catalogue())


def topics(path: Path) -> list[str]:
    """The topics of ours in a file. (A `#` begins a comment in all of these but Node-RED's, which has no `#`.)"""
    text = re.sub(r"(?m)^\s*(#|//).*$", "", path.read_text())
    return re.findall(r"\benvoy/[\w+<>/-]+\w", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_topic_exists(path: Path) -> None:
    found = topics(path)
    assert found or path.suffix in (".items", ".json")
    assert [topic for topic in found if not exists(topic)] == []


def test_a_topic_that_does_not_exist_is_noticed() -> None:
    for good in ("envoy/122300000000/inverter/482200000001/power", "envoy/+/state", "envoy/bridge/event"):
        assert exists(good), good
    for bad in (
        "envoy/122300000000/grid/power",
        "envoy/bridge/power",
        "envoy/122300000000/inverter/1/watts",
        "house/+/state",
    ):
        assert not exists(bad), bad


# Node-RED; that it works is seen by scripts/test-subscribers, in a real one.


def flow() -> list[dict[str, object]]:
    nodes: list[dict[str, object]] = json.loads((EXAMPLES / "node-red/flows.json").read_text())
    return nodes


def test_the_flow_has_nodes_of_node_red_itself_only() -> None:
    assert {node["type"] for node in flow()} - CORE == set()


def test_the_flow_has_one_place_for_the_broker_and_one_for_the_load() -> None:
    nodes = flow()
    brokers = [node["id"] for node in nodes if node["type"] == "mqtt-broker"]
    assert {node["broker"] for node in nodes if "broker" in node and node["type"] != "mqtt-broker"} == set(brokers)
    assert len(brokers) == 1
    assert json.dumps(nodes).count("cmnd/heater/POWER") == 1
    environment = next(node["env"] for node in nodes if node["type"] == "tab")
    assert isinstance(environment, list)
    asked = set(re.findall(r'env\.get\(\\"(\w+)', json.dumps(nodes))) | {"LOAD_ON", "LOAD_OFF"}
    assert asked == {entry["name"] for entry in environment}


# evcc


def meters() -> dict[str, list[tuple[str, dict[str, str]]]]:
    """What is read for each meter: what it is, and the keys and values of its source."""
    found: dict[str, list[tuple[str, dict[str, str]]]] = {}
    meter, kind = "", ""
    for line in (EXAMPLES / "evcc/evcc.yaml").read_text().split("\nmeters:\n")[1].splitlines():
        text = line.partition(" #")[0] if not line.lstrip().startswith("#") else ""
        key, _, value = text.strip().removeprefix("- ").partition(":")
        if text.startswith("  - name"):
            meter, kind = value.strip(), ""
            found[meter] = []
        elif re.match(r"    \w+:$", text):
            kind = key
        elif key == "source":
            found[meter].append((kind, {key: value.strip()}))
        elif kind and text.startswith("      "):
            found[meter][-1][1][key] = value.strip()
    return found


def evcc_paths() -> Iterator[tuple[str, str, dict[str, str]]]:
    """What evcc reads: what it is for, path in our model, its source."""
    for sources in meters().values():
        for kind, source in sources:
            rest = source["topic"].removeprefix(f"envoy/{GATEWAY}/")
            yield kind, source.get("jq", rest).lstrip(".").replace(".", "/"), source


def test_evcc_gets_the_units_that_it_wants() -> None:
    units = {"power": "W", "powers": "W", "currents": "A", "energy": "Wh", "soc": "%"}
    read = list(evcc_paths())
    assert {kind for kind, *_ in read} == set(units)
    for kind, path, source in read:
        assert catalogue()[below(path)].unit.symbol == units[kind], path
        assert source.get("scale") == ("0.001" if kind == "energy" else None), path
        assert ("timeout" in source) == ("jq" in source), path


def test_evcc_has_no_tabs_and_even_indents() -> None:
    lines = (EXAMPLES / "evcc/evcc.yaml").read_text().splitlines()
    assert [line for line in lines if "\t" in line or (len(line) - len(line.lstrip())) % 2] == []


# openHAB


class Channel:
    """A channel of envoy.things."""

    def __init__(self, kind: str, options: str) -> None:
        self.kind = kind
        self.options = dict(re.findall(r'(\w+)="([^"]*)"', options))
        self.topic = self.options["stateTopic"]

    def read(self, payload: str) -> object:
        """A payload as the binding takes it; None is UNDEF. Raises where it would say that it does not understand."""
        if payload == "":
            return None
        if self.kind == "number":
            if not re.fullmatch(r"-?\d+(\.\d+)?", payload):
                raise ValueError(payload)
            return Decimal(payload)
        if self.kind == "datetime":
            return datetime.fromisoformat(payload)
        if self.kind == "switch":
            return {self.options["on"]: True, self.options["off"]: False}[payload]
        return payload


def channels() -> dict[str, Channel]:
    """By their name in an item."""
    found, thing = {}, ""
    for line in (EXAMPLES / "openhab/envoy.things").read_text().splitlines():
        if begun := re.match(r"  Thing topic (\w+)", line):
            thing = begun[1]
        if channel := re.match(r'    Type (\w+) +: (\w+) +"[^"]+" \[ (.*) \]$', line):
            found[f"mqtt:topic:home:{thing}:{channel[2]}"] = Channel(channel[1], channel[3])
    return found


def test_every_channel_has_its_item_and_the_item_its_kind() -> None:
    text = (EXAMPLES / "openhab/envoy.items").read_text()
    items = dict(re.findall(r'^(\S+) .*channel="([^"]+)"', text, re.MULTILINE))
    linked = {channel: kind for kind, channel in re.findall(r'^(\S+) .*channel="([^"]+)"', text, re.MULTILINE)}
    assert items
    assert {name: kind.partition(":")[0].lower() for name, kind in linked.items()} == {
        name: channel.kind for name, channel in channels().items()
    }


def test_channels_have_the_units_of_the_catalogue() -> None:
    for channel in channels().values():
        quantity = catalogue().get(below(channel.topic.removeprefix(f"envoy/{GATEWAY}/")))
        if quantity is not None and channel.kind == "number":
            assert channel.options["unit"] == quantity.unit.symbol, channel.topic


def golden(path: Path) -> dict[str, str]:
    """What a subscriber sees of a household: path as in the catalogue or of one device, payload."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split(" ", 1) for line in lines)


def test_what_households_publish_can_be_read_by_the_channels() -> None:
    """As openHAB does; every channel that stands for a value has one in some household."""
    by_path = {below(it.topic.removeprefix(f"envoy/{GATEWAY}/")): it for it in channels().values()}
    met = set()
    for household in sorted(FIXTURES.glob("*.txt")):
        for path, payload in golden(household).items():
            if channel := by_path.get(path) or by_path.get(below(path)):
                assert channel.read(payload) is not None
                assert channel.read("") is None
                met.add(below(path))
    assert {below(path) for path in by_path if below(path) in catalogue()} - met == set()


def test_all_numbers_of_all_households_are_plain_decimals() -> None:
    for household in sorted(FIXTURES.glob("*.txt")):
        for path, payload in golden(household).items():
            symbol = catalogue()[below(path)].unit.symbol
            kind = {"word": "string", "time": "datetime", "true/false": "switch"}.get(symbol, "number")
            Channel(kind, 'stateTopic="", on="true", off="false"').read(payload)


# Telegraf and Grafana; that the queries give something is seen in test_grafana.py.


def test_live_values_and_history_become_the_same_points() -> None:
    """Else what comes twice is there twice."""
    live = tomllib.loads((EXAMPLES / "telegraf/telegraf.conf").read_text())["inputs"]["mqtt_consumer"][0]
    assert {topic.split("/")[-1] for topic in live["topics"]} == {"state", "history"}
    assert live["topic_tag"] == ""
    assert (live["data_format"], live["json_time_key"], live["qos"]) == ("json", "time", 1)
    assert live["topic_parsing"] == [{"topic": "envoy/+/+", "tags": "_/serial/_"}]
    assert live["persistent_session"]


def test_the_examples_say_what_was_run_for_real() -> None:
    for path in FILES:
        assert re.search(r"[Rr]un for real|Node-RED|for what was run", path.read_text()) or path.name == "flows.json", (
            path
        )
