"""The daemon's announcements for Home Assistant, on a real broker."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from broker import Broker, Subscriber
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from program import household, retained, say, site
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.sinks.announcer import BIRTH_DELAY

HOUSE, SMALL = "d8_2_split_battery", "d7_6_cts_disabled"
SERIAL = household(HOUSE).serial
FAST = Clock.fast(5)


class Slow:
    """Somebody who needs some seconds for each announcement. `standing`: what is announced as far as he knows."""

    def __init__(self, port: int, *, seconds: float) -> None:
        self.standing: set[str] = set()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("homeassistant/#", 1)
        self._client.on_message = self._note
        self._port, self._seconds = port, seconds

    async def __aenter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        await until(self._client.is_connected)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        time.sleep(self._seconds)
        (self.standing.add if message.payload else self.standing.discard)(message.topic)


async def announced(port: int) -> dict[str, dict[str, Any]]:
    found = await retained(port, "homeassistant/#")
    return {topic: json.loads(told.payload) for topic, told in found.items()}


def entities(told: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Each entity with what it has of its device's announcement."""
    for payload in told.values():
        shared = {key: value for key, value in payload.items() if key != "components"}
        for component in payload.get("components", {"": {}}).values():
            yield {**shared, **component}


def unique_ids(told: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {each["unique_id"] for each in entities(told) if "unique_id" in each}


def looked_up(entity: Mapping[str, Any], state: Any) -> Any:
    """What an entity's template finds in a JSON; raises KeyError where Home Assistant would complain."""
    keys = entity["value_template"].removeprefix("{{ value_json['").removesuffix("'] }}").split("']['")
    for key in keys:
        state = state[key]
    return state


async def quiet(port: int, right: Callable[[Mapping[str, bytes]], bool] = bool, seconds: float = 0.8) -> None:
    """Wait until what is announced is `right`, and for some seconds nothing new was announced."""
    async with Subscriber(port, "homeassistant/#") as subscriber:
        seen, since = -1, time.monotonic()

        def settled() -> bool:
            nonlocal seen, since
            if len(subscriber.messages) != seen:
                seen, since = len(subscriber.messages), time.monotonic()
            standing = {topic: payload for topic, payload in subscriber.latest().items() if payload}
            return right(standing) and time.monotonic() - since > seconds

        await until(settled, 25)


def only(style: str) -> Callable[[Mapping[str, bytes]], bool]:
    """Does this style stand on the broker, and nothing is on the move?"""

    def right(standing: Mapping[str, bytes]) -> bool:
        moving = any(b"migrate_discovery" in payload for payload in standing.values())
        styles = {"device" if topic.split("/")[1] == "device" else "single" for topic in standing}
        return not moving and styles == ({style} - {"off"})

    return right


async def test_every_entity_finds_its_value_and_nothing_lacks_an_entity(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        config = place.configure(homeassistant={})
        async with place.bridge(FAST, config=config):
            port = place.broker.port
            await quiet(port)
            told, values = await announced(port), await retained(port)
    state = json.loads(values[f"envoy/{SERIAL}/state"].payload)
    reading = [each for each in entities(told) if each["state_topic"].endswith("/state")]
    for entity in reading:
        looked_up(entity, state)
        for each in entity["availability"]:
            assert values[each["topic"]].payload == b"online"
    flat = {topic for topic in values if topic.count("/") >= 3 and "/bridge/" not in topic}
    assert len(reading) == len({each["unique_id"] for each in reading}) >= len(flat) > 100


async def test_a_style_is_left_without_a_trace(tmp_path: Path) -> None:
    async with site(tmp_path, SMALL) as place:
        ids: dict[str, set[str]] = {}
        for style in ("device", "single", "device", "off"):
            async with place.bridge(FAST, config=place.configure(homeassistant={"discovery": style})):
                await quiet(place.broker.port, only(style))
                told = await announced(place.broker.port)
                ids[style] = unique_ids(told)
        assert ids["device"] == ids["single"]
        assert not ids["off"]


async def test_a_subscriber_that_is_slower_than_we_are_misses_nothing(tmp_path: Path) -> None:
    """A broker throws away what it cannot keep for it: an entity whose end is lost stays for ever."""
    broker = Broker(tmp_path, "max_queued_messages 60", "max_inflight_messages 5")
    async with site(tmp_path, HOUSE, broker=broker) as place, Slow(place.broker.port, seconds=0.004) as slow:
        async with place.bridge(Clock(), config=place.configure(homeassistant={"discovery": "single"})):
            await until(lambda: len(slow.standing) > 3 * 60, 20)
            await asyncio.sleep(2)
        async with place.bridge(Clock(), config=place.configure(homeassistant={"discovery": "off"})):
            await until(lambda: not slow.standing, 10)


async def test_a_move_takes_entities_over_before_it_clears(tmp_path: Path) -> None:
    """Without it Home Assistant would forget what people made of their entities."""
    async with site(tmp_path, SMALL) as place:
        async with place.bridge(FAST, config=place.configure(homeassistant={"discovery": "single"})):
            await quiet(place.broker.port, only("single"))
        async with Subscriber(place.broker.port, "homeassistant/#") as subscriber:
            former = set(await announced(place.broker.port))
            async with place.bridge(FAST, config=place.configure(homeassistant={"discovery": "device"})):
                await quiet(place.broker.port, only("device"))
            moves = [(told.topic, told.payload) for told in subscriber.messages if not told.retain]
        for topic in former:
            steps = [payload for each, payload in moves if each == topic]
            assert steps == [b'{"migrate_discovery": true}', b""]
        topics = [topic for topic, _ in moves]
        first = next(index for index, topic in enumerate(topics) if "/device/" in topic)
        assert max(index for index, topic in enumerate(topics) if topic in former) < first


async def test_it_is_told_again_when_home_assistant_starts(tmp_path: Path) -> None:
    async with (
        site(tmp_path, SMALL, fast="1h", slow="1h", inverters="1h") as place,
        place.bridge(FAST, config=place.configure(homeassistant={})),
    ):
        port = place.broker.port
        await quiet(port, only("device"))
        former = await announced(port)
        async with Subscriber(port) as subscriber:
            await say(port, "homeassistant/status", "online")
            await until(lambda: former.keys() <= {told.topic for told in subscriber.messages if not told.retain}, 10)
            await until(lambda: any(told.topic.endswith("/state") for told in subscriber.messages if not told.retain))


async def test_a_burst_of_starts_gets_one_answer(tmp_path: Path) -> None:
    async with (
        site(tmp_path, SMALL, fast="1h", slow="1h", inverters="1h") as place,
        place.bridge(FAST, config=place.configure(homeassistant={})),
    ):
        port = place.broker.port
        await quiet(port, only("device"))
        (topic, *_) = await announced(port)
        async with Subscriber(port) as subscriber:
            await until(lambda: subscriber.messages)
            for _ in range(5):
                await say(port, "homeassistant/status", "online")
            await asyncio.sleep(2 * BIRTH_DELAY[1] / 5)
            assert [told.topic for told in subscriber.messages if not told.retain].count(topic) == 1


async def test_values_are_there_before_what_reads_them(tmp_path: Path) -> None:
    """Home Assistant complains about a `state`, kept from an earlier run, that lacks what is announced."""
    async with site(tmp_path, SMALL) as place, Subscriber(place.broker.port) as subscriber:
        place.broker.hang()
        async with place.bridge(FAST, config=place.configure(homeassistant={})):
            await asyncio.sleep(2)  # it would have announced by now
            place.broker.go_on()
            await quiet(place.broker.port, only("device"))
        state: Any = None
        for told in subscriber.messages:
            if told.topic.endswith("/state") and "/bridge/" not in told.topic:
                state = json.loads(told.payload)
            elif told.topic.startswith("homeassistant/"):
                for entity in entities({told.topic: json.loads(told.payload)}):
                    if entity["state_topic"].endswith("/state"):
                        looked_up(entity, state)
        assert state


async def test_what_was_announced_goes_with_its_gateway_even_if_nothing_else_is_known_of_it(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, SMALL) as place:
        port, gone = place.broker.port, household(SMALL).serial
        async with place.bridge(FAST, config=place.configure(homeassistant={})):
            await quiet(port)
        (tmp_path / "state" / "roster" / f"{gone}.json").write_text("{")
        del place.sections[SMALL]
        async with place.bridge(FAST, config=place.configure(homeassistant={})):
            await quiet(port, lambda standing: not _left(standing, gone))


async def test_a_gateway_that_is_no_longer_read_leaves_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, SMALL) as place:
        port, gone = place.broker.port, household(SMALL).serial
        async with place.bridge(FAST, config=place.configure(homeassistant={})):
            await quiet(port)
            assert any(gone in topic for topic in await announced(port))
            assert any("/site/" in topic for topic in await retained(port))
        del place.sections[SMALL]
        async with place.bridge(FAST, config=place.configure(homeassistant={})), Subscriber(port) as subscriber:
            await until(lambda: f"envoy/{gone}/state" in subscriber.latest())
            await until(lambda: not _left(subscriber.latest(), gone) and not _left(subscriber.latest(), "site"), 20)
        left = await retained(port, "")
        assert not _left({topic: told.payload for topic, told in left.items()}, gone)
        assert any(SERIAL in topic for topic in left)


def _left(latest: Mapping[str, bytes], serial: str) -> list[str]:
    levels = {serial, f"envoy_bridge_{serial}", f"envoy_bridge_envoy_{serial}"}
    return [topic for topic, payload in latest.items() if payload and levels & set(topic.split("/"))]
