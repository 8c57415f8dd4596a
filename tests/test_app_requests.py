"""What subscribers may ask of the bridge, and its answers."""

import json
from pathlib import Path
from typing import Any

from broker import Subscriber, settled
from program import household, say, site
from waiting import until

from envoy_bridge.clock import Clock

HOUSE = "d8_2_split_battery"
ROOT = f"envoy/{household(HOUSE).serial}"
REQUEST, RESPONSE = "envoy/bridge/request/", "envoy/bridge/response/"


async def ask(port: int, verb: str, payload: str = "", *, answered_as: str = "") -> dict[str, Any]:
    """Make a request, as soon as somebody is there to hear it, and wait for its answer."""
    topic = RESPONSE + (answered_as or verb)
    async with Subscriber(port, "envoy/bridge/#") as subscriber:
        await subscriber.wait_for("envoy/bridge/state", b"online")
        await say(port, REQUEST + verb, payload)
        await until(lambda: subscriber.payloads(topic))
        (answer,) = [message for message in subscriber.messages if message.topic == topic]
        assert not answer.retain
        told: dict[str, Any] = json.loads(answer.payload)
        return told


async def test_refresh_asks_the_gateway_at_once(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, fast="1h", slow="1h", inverters="1h") as place, place.bridge(Clock()):
        async with Subscriber(place.broker.port, f"{ROOT}/#") as subscriber:
            await until(lambda: any("inverter/" in topic for topic in subscriber.latest()))
        before = len(place.gateways[HOUSE].requests)
        answer = await ask(place.broker.port, "refresh", '{"transaction": "first"}')
        assert answer == {"status": "ok", "transaction": "first"}
        await until(lambda: len(place.gateways[HOUSE].requests) > before + 2)


async def test_announce_says_everything_again(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, fast="1h", slow="1h", inverters="1h") as place, place.bridge(Clock()):
        async with Subscriber(place.broker.port, f"{ROOT}/#") as subscriber:
            await settled(subscriber)
        kept = {topic: told.payload for topic, told in (await place.retained()).items()}
        async with Subscriber(place.broker.port) as subscriber:
            assert await ask(place.broker.port, "announce") == {"status": "ok"}
            await until(lambda: kept.items() <= _fresh(subscriber).items())


def _fresh(subscriber: Subscriber) -> dict[str, bytes]:
    """What was said since the subscription."""
    return {told.topic: told.payload for told in subscriber.messages if not told.retain}


async def test_who_asks_too_often_is_told_so(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, place.bridge(Clock()):
        answers = [await ask(place.broker.port, verb, '{"transaction": 7}') for verb in ("refresh", "announce")]
        assert [answer["status"] for answer in answers] == ["ok", "error"]
        assert "5 s" in answers[1]["error"]
        assert [answer["transaction"] for answer in answers] == [7, 7]


async def test_a_request_that_was_retained_is_of_another_moment(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        await say(place.broker.port, REQUEST + "refresh", "{}", retain=True)
        async with Subscriber(place.broker.port) as subscriber, place.bridge(Clock()):
            answer = await ask(place.broker.port, "fly", '{"transaction": "x"}', answered_as="unknown")
            assert (answer["status"], answer["transaction"]) == ("error", "x")
            assert "refresh and announce" in answer["error"]
            assert not subscriber.payloads(RESPONSE + "refresh"), "it came before, and is not answered"


async def test_strange_requests_break_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, place.bridge(Clock()):
        for payload in ("no JSON", "[1]", '{"transaction": {}}', '{"transaction": null}', "[" * 100_000, "\x00"):
            assert "transaction" not in await ask(place.broker.port, "refresh", payload)
        long = json.dumps({"transaction": "x" * 10_000})
        assert len(str(await ask(place.broker.port, "refresh", long))) < 1000, "nobody makes us say much"
