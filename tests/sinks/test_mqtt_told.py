"""Who sends a message can be told what became of it; and messages that are sent only while nothing else waits."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from broker import Broker, Subscriber, bridge
from waiting import until

from envoy_bridge.sinks.mqtt import Message

STATE, HISTORY = "envoy/1/state", "envoy/1/history"


@dataclass
class Answers:
    """What was told of each message, by a name."""

    told: list[tuple[str, bool]] = field(default_factory=list)

    def message(self, name: str, topic: str = HISTORY, payload: bytes = b"", *, retain: bool = False) -> Message:
        return Message(topic, payload or name.encode(), retain=retain, told=partial(self._note, name))

    def _note(self, name: str, *, taken: bool) -> None:
        self.told.append((name, taken))


async def test_an_acknowledgement_is_told_of_what_is_retained_and_of_what_is_not(tmp_path: Path) -> None:
    answers = Answers()
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            connection.put(answers.message("state", STATE, retain=True))
            connection.send(answers.message("event"))
            await until(lambda: len(answers.told) == 2)
            assert connection.offer(answers.message("history"))
            assert len(answers.told) == 2, "not before the broker has it"
            await until(lambda: len(answers.told) == 3)
            await until(lambda: len(subscriber.messages) == 4)
        assert answers.told == [("state", True), ("event", True), ("history", True)]


async def test_who_is_told_of_a_lost_connection_sends_it_again_himself(tmp_path: Path) -> None:
    answers = Answers()
    with Broker(tmp_path) as broker:
        async with bridge(broker.port) as connection:
            await until(lambda: connection.connected and not connection.queue_depth)
            broker.hang()
            assert connection.offer(answers.message("first"))
            connection.put(answers.message("state", STATE, retain=True))
            connection.send(Message("envoy/bridge/event", b"event", retain=False))
            await asyncio.sleep(0.05)
            broker.kill()
            await until(lambda: len(answers.told) == 2)
            assert answers.told == [("first", False), ("state", False)]
            assert not connection.offer(answers.message("second"))
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                await until(lambda: answers.told[2:] == [("state", True)])
                await until(lambda: subscriber.payloads("envoy/bridge/event") == [b"event"])
                assert subscriber.payloads(STATE) == [b"state"]
                assert subscriber.payloads(HISTORY) == []


async def test_nothing_is_taken_while_other_messages_wait(tmp_path: Path) -> None:
    answers = Answers()
    with Broker(tmp_path, "max_inflight_messages 7") as broker:
        async with bridge(broker.port) as connection:
            assert not connection.offer(answers.message("early"))
            await until(lambda: connection.connected and not connection.queue_depth)
            connection.put(Message("envoy/1/power", b"5"))
            assert not connection.offer(answers.message("busy"))
            await until(lambda: not connection.queue_depth)
            assert connection.offer(answers.message("idle"))
            taken = 1
            while connection.offer(answers.message("more")):
                taken += 1
            assert taken == 7, "as many as may be on their way"
            await until(lambda: len(answers.told) == taken)


async def test_a_value_with_an_answer_is_sent_again_after_a_reconnect(tmp_path: Path) -> None:
    """The broker has acknowledged it once, and may have forgotten it since."""
    answers = Answers()
    with Broker(tmp_path) as broker:
        async with bridge(broker.port) as connection:
            connection.put(answers.message("state", STATE, retain=True))
            await until(lambda: answers.told == [("state", True)])
            broker.kill()
            await until(lambda: not connection.connected)
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                await subscriber.wait_for(STATE, b"state")


@pytest.mark.parametrize("offered", [True, False])
async def test_what_the_broker_throws_away_is_told(tmp_path: Path, offered: bool) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic write envoy/bridge/#\n")
    answers = Answers()
    with Broker(tmp_path, f"acl_file {rules}") as broker:
        async with bridge(broker.port) as connection:
            await until(lambda: connection.connected and not connection.queue_depth)
            if offered:
                connection.offer(answers.message("forbidden"))
            else:
                connection.put(answers.message("forbidden", STATE, retain=True))
            await until(lambda: answers.told)
    assert answers.told[0] == ("forbidden", False)


@pytest.mark.parametrize("offered", [True, False])
async def test_what_no_broker_like_this_takes_is_done_with(tmp_path: Path, offered: bool) -> None:
    answers = Answers()
    events: list[tuple[str, str]] = []
    with Broker(tmp_path, "max_packet_size 3000") as broker:
        async with bridge(broker.port, events) as connection:
            await until(lambda: connection.connected and not connection.queue_depth)
            if offered:
                assert connection.offer(answers.message("large", payload=b"x" * 4000))
            else:
                connection.put(answers.message("large", STATE, b"x" * 4000, retain=True))
            await until(lambda: answers.told == [("large", True)])
            assert connection.connected
    assert [code for code, _ in events] == ["mqtt_connected", "mqtt_message_refused"]
