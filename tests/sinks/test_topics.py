"""What becomes of snapshots: messages, in which order, with which words. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from handclock import HandClock, Hands
from msgspec.structs import replace
from program import leaves

from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.logs import hide
from envoy_bridge.model import Flow, Production, Snapshot
from envoy_bridge.sinks.base import Event, Holdings
from envoy_bridge.sinks.mqtt import Message
from envoy_bridge.sinks.outbox import fault
from envoy_bridge.sinks.topics import CONFIRM_EVERY, EXPIRY, Topics

WALL = 1_780_000_000.0
SERIAL = "122000000000"
ROOT = f"house/solar/{SERIAL}"


class Desk:
    """Topics under test, with a clock that is moved by hand, and the messages it made."""

    def __init__(self) -> None:
        self.clock = HandClock(hands=Hands(WALL))
        self.put: list[Message] = []
        self.sent: list[Message] = []
        about = {"version": "1", "features": ["mqtt"]}
        self.topics = Topics("house/solar", about, self.clock, deliver=self.put.append, announce=self.sent.append)

    def after(self, snapshot: Snapshot) -> dict[str, str]:
        """The messages that this snapshot makes, by topic below its gateway; each topic once."""
        self.put.clear()
        self.topics.snapshot(snapshot)
        told = {message.topic.removeprefix(f"{ROOT}/"): message.payload.decode() for message in self.put}
        assert len(told) == len(self.put)
        return told

    def state(self) -> dict[str, Any]:
        """The JSON of the last snapshot."""
        state: dict[str, Any] = json.loads(next(told.payload for told in self.put if told.topic.endswith("/state")))
        return state


@pytest.fixture
def desk() -> Desk:
    return Desk()


def snapshot(inverters: Mapping[str, Inverter] | None = None, **values: float | None) -> Snapshot:
    """One that knows so much of the production."""
    production = Flow(total=Production(**values))
    time = datetime.fromtimestamp(WALL, UTC)
    return Snapshot(serial=SERIAL, time=time, production=production, devices={"inverter": inverters or {}})


def test_values_then_state_then_updated(desk: Desk) -> None:
    told = desk.after(snapshot(power=1500.0, voltage=230.125))
    assert list(told) == ["production/total/power", "production/total/voltage", "state", "updated"]
    assert (told["production/total/power"], told["production/total/voltage"]) == ("1500", "230.125")
    assert told["updated"] == "2026-05-28T20:26:40Z"
    state = {
        "time": told["updated"],
        "sequence": int(WALL * 1000),
        "production": {"total": {"power": 1500, "voltage": 230.125}},
    }
    assert desk.state() == state


def test_only_what_changed_is_told_again(desk: Desk) -> None:
    desk.after(snapshot(power=1500.0, voltage=230.0))
    assert list(desk.after(snapshot(power=1500.0, voltage=230.0))) == ["state", "updated"]
    assert list(desk.after(snapshot(power=1501.0, voltage=230.0))) == ["production/total/power", "state", "updated"]


def test_what_is_no_longer_known_is_cleared_and_stays_as_null(desk: Desk) -> None:
    desk.after(snapshot({"482200000001": Inverter(power=5.0)}, power=1500.0, voltage=230.0))
    told = desk.after(snapshot(power=1500.0))
    assert told["production/total/voltage"] == told["inverter/482200000001/power"] == ""
    known = dict(leaves(desk.state()))
    assert known["production/total/voltage"] is known["inverter/482200000001/power"] is None
    assert desk.state()["production"]["total"]["power"] == 1500
    desk.after(replace(snapshot(), production=None))
    assert desk.state()["production"] == {"total": {"power": None, "voltage": None}}
    assert desk.after(snapshot(voltage=229.0))["production/total/voltage"] == "229"


def test_a_flow_that_nobody_measures_is_not_in_the_state(desk: Desk) -> None:
    desk.after(snapshot(power=1.0))
    assert desk.state().keys() == {"time", "sequence", "production"}
    assert desk.state()["production"] == {"total": {"power": 1}}


def test_values_of_the_moment_expire_and_counters_do_not(desk: Desk) -> None:
    desk.after(snapshot(power=1.0, energy_lifetime=2.0))
    expiry = {message.topic.removeprefix(f"{ROOT}/"): message.expiry for message in desk.put}
    assert expiry == {
        "production/total/power": EXPIRY,
        "production/total/energy_lifetime": None,
        "state": EXPIRY,
        "updated": None,
    }
    assert all(message.retain and message.qos == 1 for message in desk.put)


def test_what_still_holds_is_confirmed_before_it_expires(desk: Desk) -> None:
    told = [desk.after(snapshot(power=1.0))]
    for _ in range(int(EXPIRY / 5)):
        desk.clock.advance(5)
        told.append(desk.after(snapshot(power=1.0)))
    confirmed = [number * 5 for number, messages in enumerate(told) if "production/total/power" in messages]
    assert confirmed == list(range(0, EXPIRY + 1, int(CONFIRM_EVERY)))


def test_sequence_grows_whatever_the_clock_does(desk: Desk) -> None:
    sequences = []
    for wall in (WALL, WALL, WALL - 86_400, WALL + 1):
        desk.clock.set_wall(wall)
        desk.after(snapshot(power=1.0))
        sequences.append(desk.state()["sequence"])
    assert sequences == [WALL * 1000, WALL * 1000 + 1, WALL * 1000 + 2, WALL * 1000 + 1000]


def test_gateways_do_not_mix(desk: Desk) -> None:
    desk.after(snapshot(power=1.0))
    told = desk.after(replace(snapshot(power=1.0), serial="122000000009"))
    assert "house/solar/122000000009/production/total/power" in told


STRANGE = ("12/+/#", 'a"b', "a\\b", "a\x00b", "\u2028", "{{7*7}}", " ", "/")
"""Serial numbers of devices as no device should have them."""


@pytest.mark.parametrize("serial", STRANGE)
def test_what_a_device_calls_itself_cannot_break_topics_or_json(desk: Desk, serial: str) -> None:
    desk.after(snapshot({serial: Inverter(power=5.0), "482200000001": Inverter(power=6.0)}, power=1.0))
    assert desk.state()["inverter"] == {serial: {"power": 5}, "482200000001": {"power": 6}}
    refused = {message.topic for message in desk.put if fault(message)}
    assert refused == {f"{ROOT}/inverter/{serial}/power"}, "the connection does not send it"


def test_capital_letters_are_small_in_topics_and_json_alike(desk: Desk) -> None:
    told = desk.after(snapshot({"ABC123": Inverter(power=5.0)}))
    assert "inverter/abc123/power" in told
    assert desk.state()["inverter"] == {"abc123": {"power": 5}}


def test_farewell_is_offline_for_all_that_were_ever_named(desk: Desk) -> None:
    desk.topics.availability("122000000009", online=False)
    desk.topics.info(SERIAL, {"firmware": "8.2"})
    assert desk.topics.farewell() == [
        Message(f"{ROOT}/availability", b"offline"),
        Message("house/solar/122000000009/availability", b"offline"),
        Message("house/solar/bridge/state", b"offline"),
    ]


def test_info_names_the_gateway_and_the_bridge_has_it(desk: Desk) -> None:
    desk.topics.info(SERIAL, {"firmware": "8.2"})
    info, bridge = desk.put
    assert (info.topic, json.loads(info.payload)) == (f"{ROOT}/info", {"firmware": "8.2"})
    assert bridge.topic == "house/solar/bridge/info"
    assert json.loads(bridge.payload) == {"version": "1", "features": ["mqtt"], "gateways": [SERIAL]}


def test_an_event_is_said_once_and_without_secrets(desk: Desk) -> None:
    hide("70312894")
    desk.topics.event(Event(level="warning", code="odd", message="it said 70312894", source=SERIAL, time=WALL))
    (event,) = desk.sent
    assert (event.topic, event.retain, event.qos) == ("house/solar/bridge/event", False, 1)
    assert json.loads(event.payload) == {
        "time": "2026-05-28T20:26:40Z",
        "level": "warning",
        "code": "odd",
        "message": "it said ***",
        "source": SERIAL,
    }


def test_a_number_that_looks_like_a_secret_does_not_break_the_json(desk: Desk) -> None:
    hide("70312894")
    desk.topics.bridge("health", {"memory": 70_312_894, "source": "70312894"}, qos=0)
    (health,) = desk.put
    assert health.qos == 0
    assert json.loads(health.payload) == {"memory": 70_312_894, "source": "***"}


def test_what_has_left_is_null_once_more_and_then_gone() -> None:
    """An entity that reads it is taken away at the same moment: it must not look for what is not there."""
    told: list[Message] = []
    topics = Topics("envoy", {}, HandClock(), deliver=told.append, announce=told.append)
    two = {"production/total": ("power",), "inverter/a": ("power",)}
    topics.holdings(Holdings(serial="1", parts=two))
    states: list[dict[str, Any]] = []
    for parts in (two, {"production/total": ("power",)}, {"production/total": ("power",)}, two):
        if parts != two or states:
            topics.holdings(Holdings(serial="1", parts=parts))
        topics.snapshot(Snapshot(serial="1", time=datetime(2026, 6, 21, tzinfo=UTC)))
        state = json.loads(next(each.payload for each in reversed(told) if each.topic == "envoy/1/state"))
        states.append(state.get("inverter"))
    assert states == [{"a": {"power": None}}, {"a": {"power": None}}, None, {"a": {"power": None}}]
    assert Message("envoy/1/inverter/a/power") in told, "its topic is cleared"


def test_a_site_of_a_cloud_takes_its_alerts_with_it(desk: Desk) -> None:
    for serial in ("cloud/tigo/7", "1"):
        desk.topics.holdings(Holdings(serial=serial, parts={}))
    cleared = [message.topic for message in desk.put if not message.payload]
    assert [topic for topic in cleared if topic.endswith("/alerts")] == ["house/solar/cloud/tigo/7/alerts"]
