"""Readings on their way through outages of a real broker, in time that runs faster."""

import asyncio
import time
from itertools import count
from pathlib import Path

from broker import Broker, Subscriber
from lasting import HISTORY, STATE, arrived, complete, house
from paho.mqtt import publish
from waiting import until

from envoy_bridge.config import Mqtt


async def test_in_normal_times_there_is_no_file(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with house(tmp_path, broker) as place, Subscriber(broker.port) as subscriber:
            await place.connected()
            await place.live(40)
            assert place.files == []
            assert place.history.health == {"stored": 0, "dropped": 0, "sent": 0, "bytes": 0}
        assert arrived(subscriber) == []


async def test_what_is_taken_in_an_outage_comes_in_order_and_once(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with house(tmp_path, broker) as place:
            async with Subscriber(broker.port) as subscriber:
                await place.connected()
                await place.live(5)
                await until(lambda: arrived(subscriber, STATE)[-1:] == place.said[-1:])
                broker.kill()
                before = arrived(subscriber, STATE)
            await place.live(60)
            assert place.files == ["history.db", "history.db-wal"]
            assert place.history.health["stored"] == len(place.said) - len(before)
            assert place.history.health["bytes"] > 1000
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                await place.connected()
                await place.emptied()
                everything = set(place.said) - set(before)
                await until(lambda: set(arrived(subscriber)) | set(arrived(subscriber, STATE)) >= everything)
                kept = arrived(subscriber)
                assert kept == sorted(set(kept))
                message = next(message for message in subscriber.messages if message.topic == HISTORY)
                assert (message.qos, message.retain, message.expiry) == (1, False, None)
            assert place.history.health == {"stored": 0, "dropped": 0, "sent": len(kept), "bytes": 0}


async def test_one_reading_in_ten_seconds(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        broker.kill()
        async with house(tmp_path, broker, every=10) as place:
            await place.live(60)
            assert 5 <= place.history.health["stored"] <= 7


async def test_a_broker_that_hangs_gets_what_was_overtaken(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with house(tmp_path, broker) as place, Subscriber(broker.port) as subscriber:
            await place.connected()
            await place.live(3)
            broker.hang()
            await place.live(150)
            assert place.connection.connected, "it is not noticed yet"
            assert place.history.health["stored"] > 100
            broker.go_on()
            await place.emptied()
            await place.live(20)
            await place.emptied()
            everything = set(place.said)
            await until(lambda: set(arrived(subscriber)) | set(arrived(subscriber, STATE)) >= everything)
            assert arrived(subscriber) == sorted(set(arrived(subscriber)))


async def test_the_seconds_before_an_outage_is_noticed_are_kept(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with house(tmp_path, broker, speed=3, keepalive=1) as place:
            await place.connected()
            async with Subscriber(broker.port) as subscriber:
                await place.live(3)
                await until(lambda: arrived(subscriber, STATE)[-1:] == place.said[-1:])
                before = arrived(subscriber, STATE)
            broker.hang()
            await place.live(9)
            await place.gone()
            broker.kill()
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                await place.connected()
                await place.emptied()
                everything = set(place.said) - set(before)
                await until(lambda: set(arrived(subscriber)) | set(arrived(subscriber, STATE)) >= everything)


async def test_a_stop_keeps_what_waits_and_the_next_run_sends_it(tmp_path: Path) -> None:
    numbers, said = count(), []
    with Broker(tmp_path) as broker:
        broker.kill()
        for _ in range(3):
            async with house(tmp_path, broker, numbers=numbers) as place:
                await place.live(7)
                place.say()
            said += place.said
        assert place.files == ["history.db"]
        broker.start()
        async with Subscriber(broker.port) as subscriber, house(tmp_path, broker, numbers=numbers) as place:
            await place.connected()
            await place.emptied()
        assert arrived(subscriber) == said


async def test_a_connection_that_breaks_again_costs_neither_order_nor_readings(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        broker.kill()
        async with house(tmp_path, broker) as place:
            await place.live(100)
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                for part in (20, 40, 60):
                    await until(lambda: len(arrived(subscriber)) > part, 10)  # noqa: B023 - waited for at once
                    await asyncio.to_thread(throw_out, broker.port)
                    await place.gone()
                await place.emptied()
                await until(lambda: complete(subscriber, place.said))
                assert len(arrived(subscriber)) <= len(place.said) + 3 * 10


def throw_out(port: int) -> None:
    """Connect under the name of the bridge: the broker drops the one that has it."""
    publish.single("test/thief", "", hostname="127.0.0.1", port=port, client_id=Mqtt().client_id)


async def test_live_values_are_not_delayed_by_what_is_sent_besides(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        broker.kill()
        async with house(tmp_path, broker, speed=60) as place:
            await place.live(70)
        broker.start()
        async with (
            Subscriber(broker.port) as subscriber,
            house(tmp_path, broker, speed=1, numbers=count(1000)) as place,
        ):
            await place.connected()
            late = 0.0
            while place.files:
                number, since = place.say(), time.monotonic()
                await until(lambda: arrived(subscriber, STATE)[-1:] == [number])  # noqa: B023 - waited for at once
                late = max(late, time.monotonic() - since)
                await asyncio.sleep(0.1)
            assert len(arrived(subscriber)) > 50
            assert late < 0.5


async def test_what_the_broker_throws_away_is_kept(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text(f"topic write envoy/bridge/#\ntopic write {STATE}\ntopic read #\n")
    with Broker(tmp_path, f"acl_file {rules}") as broker:
        broker.kill()
        async with house(tmp_path, broker) as place:
            await place.live(20)
            broker.start()
            await place.connected()
            await place.clock.sleep(40)
            assert place.history.health["stored"] >= len(place.said) - 1
            assert place.history.health["sent"] == 0
            rules.write_text("topic readwrite #\n")
            broker.reload()
            async with Subscriber(broker.port) as subscriber:
                await place.emptied()
            kept = arrived(subscriber)
            assert list(dict.fromkeys(kept)) == sorted(set(kept))
            assert set(kept) >= set(place.said[:-1])


async def test_one_that_is_too_large_for_this_broker_is_not_kept(tmp_path: Path) -> None:
    with Broker(tmp_path, "max_packet_size 3000") as broker:
        async with house(tmp_path, broker) as place:
            await place.connected()
            await place.live(30)
            assert place.files == []
            assert place.history.health["stored"] == 0
