"""All households at once through the real daemon to a real broker: what a subscriber sees of each."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from broker import Received, Subscriber
from households import FIXTURES, NAMES
from program import Site, household, leaves, site
from waiting import until

from envoy_bridge.catalog import definitions

pytestmark = pytest.mark.xdist_group("all households")  # once is enough

METERED = "d8_3_three_phase_battery_pv3p"
ABOUT = ("availability", "info", "state", "updated")
"""What stands right below a gateway beside its values."""


@dataclass(slots=True)
class Published:
    """What became of two runs of the daemon. `live`: everything that arrived, in order; `kept`: what a subscriber
    finds who comes while it runs, `left`: after it has stopped; `again`: everything of the second run."""

    live: list[Received] = field(default_factory=list)
    kept: dict[str, Received] = field(default_factory=dict)
    left: dict[str, Received] = field(default_factory=dict)
    again: list[Received] = field(default_factory=list)
    logins: int = 0
    loaded: str = ""

    def below(self, name: str) -> dict[str, Received]:
        """What was kept of one household, by topic below its gateway."""
        root = _root(name)
        return {topic.removeprefix(root): kept for topic, kept in self.kept.items() if topic.startswith(root)}

    def told(self, name: str) -> list[tuple[str, Received]]:
        """What arrived of one household, in order, with the topic below its gateway."""
        root = _root(name)
        return [(told.topic.removeprefix(root), told) for told in self.live if told.topic.startswith(root)]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return asyncio.run(_publish(tmp_path_factory.mktemp("daemon")))


async def _publish(folder: Path) -> Published:
    seen = Published()
    async with site(folder, *NAMES) as place:
        async with Subscriber(place.broker.port, "envoy/#") as subscriber, place.daemon() as daemon:
            with suppress(TimeoutError):  # the tests tell what is missing
                await until(lambda: _complete(subscriber), within=40)
            seen.live, seen.loaded = list(subscriber.messages), daemon.loaded
            seen.kept = await place.retained()
        seen.left = await place.retained()
        seen.again = await _second_run(place)
        seen.logins = place.tokens.logins
    return seen


async def _second_run(place: Site) -> list[Received]:
    async with Subscriber(place.broker.port, "envoy/#") as subscriber:
        before = len(subscriber.messages)
        async with place.daemon():
            await until(lambda: _cycles(subscriber) >= 1, within=30)
        return [message for message in subscriber.messages[before:] if not message.retain]


def _complete(subscriber: Subscriber) -> bool:
    """Whether all households have told all of their values, and a fast one how nothing changes."""
    wanted = sum(len(expected(name)) + len(ABOUT) for name in NAMES)
    return (
        len(subscriber.messages) >= wanted
        and len(subscriber.latest()) >= wanted
        and len(subscriber.payloads(_root(METERED) + "updated")) > 1
    )


def _cycles(subscriber: Subscriber) -> int:
    """How often the household that was heard least has told that a cycle is complete, since the subscription."""
    told = Counter(message.topic for message in subscriber.messages if not message.retain)
    return min(told[_root(name) + "updated"] for name in NAMES)


def _root(name: str) -> str:
    return f"envoy/{household(name).serial}/"


@cache
def expected(name: str) -> dict[str, str]:
    """What stands beside the household."""
    lines = (FIXTURES / f"{name}.txt").read_text().splitlines()
    pairs = (line.partition(" ") for line in lines if not line.startswith("#"))
    return _standing({topic: value for topic, _, value in pairs})


def _standing(values: Mapping[str, Any]) -> dict[str, Any]:
    """What does not grow while we look, as the energy of batteries that no CT measures."""
    return {
        topic: value for topic, value in values.items() if not re.match(r"battery/total/energy_(dis)?charged", topic)
    }


UNITS = {(each.path.partition("/")[0], each.path.rpartition("/")[2]): each.quantity.unit for each in definitions()}
NUMBERS = {place for place, unit in UNITS.items() if unit.symbol not in ("time", "word", "true/false")}
LASTING = {place for place, unit in UNITS.items() if not unit.live}
"""Branch and quantity of all that is a number, and of all that stays true: counters, ratings."""

every_household = pytest.mark.parametrize("name", NAMES)


@every_household
def test_a_household_is_on_the_broker_as_it_stands_beside_it(published: Published, name: str) -> None:
    below = published.below(name)
    values = {topic: kept.payload.decode() for topic, kept in below.items() if topic not in ABOUT}
    assert _standing(values) == expected(name)
    assert sorted(ABOUT) == sorted(topic for topic in below if "/" not in topic)
    assert {kept.qos for kept in below.values()} == {1}


@every_household
def test_nothing_else_was_ever_said_in_between(published: Published, name: str) -> None:
    values = expected(name)
    said = {(topic, told.payload.decode()) for topic, told in published.told(name) if "/" in topic}
    assert {(topic, value) for topic, value in said if _standing({topic: value})} == set(values.items())


@every_household
def test_state_is_the_topics_nested(published: Published, name: str) -> None:
    state = json.loads(published.below(name)["state"].payload)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", state["time"])
    assert datetime.fromisoformat(state.pop("time")).utcoffset() is not None
    assert isinstance(state.pop("sequence"), int)
    assert _standing(dict(leaves(state))) == expected(name)


@every_household
def test_a_cycle_is_values_then_state_then_updated(published: Published, name: str) -> None:
    order = [topic if topic in ABOUT else "value" for topic, _ in published.told(name)]
    cycles = " ".join(topic for topic in order if topic not in ("availability", "info"))
    whole = cycles[: cycles.rindex("updated") + len("updated")]  # we stopped to listen somewhere in a cycle
    assert re.fullmatch(r"((value )*state updated ?)+", whole), cycles


@every_household
def test_numbers_are_plain(published: Published, name: str) -> None:
    for topic, told in published.told(name):
        if "/" in topic and (topic.rpartition("/")[0].partition("/")[0], topic.rpartition("/")[2]) in NUMBERS:
            assert re.fullmatch(rb"-?(0|[1-9]\d*)(\.\d+)?", told.payload), topic
            assert told.payload != b"-0", topic


@every_household
def test_info_says_who_it_is_and_what_comes_from_where(published: Published, name: str) -> None:
    info = json.loads(published.below(name)["info"].payload)
    assert info["firmware"] == household(name).firmware
    assert {"part_number", "model", "phases", "meters", "sources", "quirks"} <= info.keys()
    golden = (FIXTURES / f"{name}.txt").read_text()
    assert set(info["quirks"]) >= set(re.findall(r"^# quirk (\S+)$", golden, re.MULTILINE))


def test_values_of_the_moment_expire_and_counters_stay(published: Published) -> None:
    for name in NAMES:
        for topic, told in published.told(name):
            lasting = (topic.partition("/")[0], topic.rpartition("/")[2]) in LASTING
            if lasting or topic in ("availability", "info", "updated"):
                assert told.expiry is None, topic
            else:
                assert told.expiry in range(590, 601), topic  # less by as much as it waited to be sent


def test_a_cycle_in_which_nothing_changed_is_two_messages(published: Published) -> None:
    for name in NAMES:
        topics = [topic for topic, _ in published.told(name)]
        first = topics.index("updated") + 1
        quiet = [topic for topic in topics[first:] if "/" in topic]
        assert len(quiet) <= len(expected(name)), "only what came in later: inverters and their details"
        assert len(set(quiet)) == len(quiet), "nothing is said twice"


def test_sequence_grows_over_a_restart_too(published: Published) -> None:
    for name in NAMES:
        sequences = _sequences(published.live, name) + _sequences(published.again, name)
        assert sequences == sorted(set(sequences))
        assert _sequences(published.again, name)


def _sequences(messages: Sequence[Received], name: str) -> list[int]:
    topic = _root(name) + "state"
    return [json.loads(message.payload)["sequence"] for message in messages if message.topic == topic]


def test_one_login_for_all_gateways_and_none_after_a_restart(published: Published) -> None:
    assert published.logins == 1


def test_all_are_online_while_it_runs_and_offline_once_it_has_stopped(published: Published) -> None:
    topics = [_root(name) + "availability" for name in NAMES] + ["envoy/bridge/state"]
    assert {published.kept[topic].payload for topic in topics} == {b"online"}
    assert {published.left[topic].payload for topic in topics} == {b"offline"}


def test_the_bridge_says_what_it_is(published: Published) -> None:
    info = json.loads(published.kept["envoy/bridge/info"].payload)
    assert sorted(info["gateways"]) == sorted(household(name).serial for name in NAMES)
    assert info["features"] == ["mqtt"]
    assert datetime.fromisoformat(info["started"]).utcoffset() is not None
    assert info["version"]


def test_the_bridge_is_online_before_anything_else_is_said(published: Published) -> None:
    assert (published.live[0].topic, published.live[0].payload) == ("envoy/bridge/state", b"online")


def test_events_are_not_kept(published: Published) -> None:
    events = [json.loads(told.payload) for told in published.live if told.topic == "envoy/bridge/event"]
    assert {"quirk_found"} <= {event["code"] for event in events}
    for event in events:
        assert event.keys() == {"time", "level", "code", "message", "source"}
    assert "envoy/bridge/event" not in published.kept


@pytest.mark.parametrize("library", ["cryptography", "pydantic_core", "zeroconf"])
def test_what_the_daemon_does_not_need_is_not_in_its_memory(published: Published, library: str) -> None:
    assert "/lxml/" in published.loaded
    assert f"/{library}/" not in published.loaded


def test_without_a_cloud_there_is_nothing_of_sqlite_in_its_memory(published: Published) -> None:
    assert "sqlite3" not in published.loaded
