"""The broker is away, hangs, comes back without its memory; and what a stop does then."""

import asyncio
import re
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from broker import WILL, Broker, Subscriber, bridge, free_port
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.sinks.outbox import EVENTS

STATE = WILL.topic


def put_all(connection: MqttConnection, count: int, payload: str) -> dict[str, bytes]:
    """Put so many topics; returns what a subscriber must see."""
    expected = {f"envoy/1/inverter/{number}/power": payload.encode() for number in range(count)}
    for topic, value in expected.items():
        connection.put(Message(topic, value))
    return {STATE: b"online", **expected}


async def settled(connection: MqttConnection, within: float = 5.0) -> None:
    """Wait until the broker has everything."""
    await until(lambda: connection.connected and connection.queue_depth == 0, within)


async def test_all_is_back_within_five_seconds_of_a_restart_without_memory(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with bridge(broker.port) as connection:
            expected = put_all(connection, 1000, "1")
            connection.put(Message("envoy/1/inverter/7/power"))
            del expected["envoy/1/inverter/7/power"]
            await settled(connection)
            broker.kill()
            await until(lambda: not connection.connected)
            connection.put(Message("envoy/1/inverter/8/power"))
            del expected["envoy/1/inverter/8/power"]
            connection.put(Message("envoy/1/inverter/9/power", b"2"))
            expected["envoy/1/inverter/9/power"] = b"2"
            broker.start()
            returned = time.monotonic()
            async with Subscriber(broker.port) as subscriber:
                await until(lambda: expected.items() <= subscriber.latest().items())
                assert time.monotonic() - returned < 5
            await settled(connection)
            async with Subscriber(broker.port) as late:
                await until(lambda: late.latest() == expected)


def take_over(port: int, client_id: str) -> None:
    """Connect under a name that is in use: the broker drops the one that has it, and sends its will."""
    name = client_id.encode()
    with socket.create_connection(("127.0.0.1", port)) as thief:
        thief.sendall(bytes([0x10, 12 + len(name)]) + b"\0\4MQTT\4\2\0\0" + len(name).to_bytes(2, "big") + name)
        assert thief.recv(4) == b"\x20\x02\0\0"  # accepted


async def test_a_new_connection_says_online_then_all_again_in_order(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        ours = bridge(broker.port, client_id="ours", clock=Clock.fast(20))
        async with Subscriber(broker.port) as subscriber, ours as connection:
            put_all(connection, 300, "1")
            connection.put(Message("envoy/1/updated", b"1"))
            put_all(connection, 5, "2")
            connection.put(Message("envoy/1/inverter/7/power"))
            connection.put(Message("envoy/1/updated", b"2"))
            await subscriber.wait_for("envoy/1/updated", b"2")
            await settled(connection)
            subscriber.messages.clear()
            await asyncio.to_thread(take_over, broker.port, "ours")
            await subscriber.wait_for("envoy/1/updated", b"2")

            again = [(message.topic, message.payload) for message in subscriber.messages]
            assert again[:2] == [(STATE, b"offline"), (STATE, b"online")]
            assert [topic for topic, _ in again[2:]] == [
                *(f"envoy/1/inverter/{number}/power" for number in range(5, 300) if number != 7),
                *(f"envoy/1/inverter/{number}/power" for number in range(5)),
                "envoy/1/updated",
            ]


async def test_clear_during_an_outage_reaches_a_broker_with_a_memory(tmp_path: Path) -> None:
    topic = "envoy/1/storage/power"
    with Broker(tmp_path) as broker:
        async with bridge(broker.port) as before:
            before.put(Message(topic, b"5"))
            await settled(before)
        async with Subscriber(broker.port, topic) as subscriber:
            await subscriber.wait_for(topic, b"5")
            async with bridge(broker.port, clock=Clock.fast(20)) as connection:
                connection.put(Message(topic))
                await subscriber.wait_for(topic, b"")


async def test_newest_values_and_events_from_before_the_connection(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            for number in range(EVENTS + 50):
                connection.put(Message("envoy/1/power", str(number).encode()))
                connection.send(Message("envoy/bridge/event", str(number).encode(), retain=False))
            assert connection.dropped == 50
            assert connection.queue_depth == 2 + EVENTS
            last = str(EVENTS + 49).encode()
            await subscriber.wait_for("envoy/bridge/event", last)

            assert subscriber.payloads("envoy/1/power") == [last]
            assert subscriber.payloads("envoy/bridge/event")[0] == b"50"


async def test_hung_broker_costs_bounded_memory_and_gets_the_newest(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            put_all(connection, 50, "0")
            await settled(connection)
            broker.hang()
            grown = []
            tracemalloc.start()
            for cycle in range(1, 401):
                expected = put_all(connection, 50, f"{cycle}")
                connection.send(Message("envoy/bridge/event", b"x" * 100, retain=False))
                await asyncio.sleep(0)
                if cycle % 200 == 0:
                    grown.append(tracemalloc.get_traced_memory()[0])
            tracemalloc.stop()

            assert connection.queue_depth <= 50 + 100 + 400
            assert grown[1] - grown[0] < 200_000  # 200 one-off messages, but not 10 000 values
            broker.go_on()
            await until(lambda: expected.items() <= subscriber.latest().items())
            await settled(connection)
            assert connection.dropped == 0
            await until(lambda: len(subscriber.payloads("envoy/bridge/event")) == 400)


async def test_hung_broker_is_noticed_and_taken_back(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Broker(tmp_path) as broker:
        async with bridge(broker.port, events, keepalive=1) as connection:
            await settled(connection)
            broker.hang()
            await until(lambda: not connection.connected)
            broker.go_on()
            await settled(connection)
    assert [code for code, _ in events] == ["mqtt_connected", "mqtt_lost", "mqtt_connected"]
    assert "Keep alive timeout" in events[1][1]


async def test_an_outage_is_told_once(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Broker(tmp_path) as broker:
        broker.kill()
        async with bridge(broker.port, events, clock=Clock.fast(200)) as connection:
            await until(lambda: len(events) == 1)
            await asyncio.sleep(0.2)
            broker.start()
            await settled(connection)
            broker.kill()
            await until(lambda: len(events) == 4)
            await asyncio.sleep(0.2)
            broker.start()
            await settled(connection)
    codes = [code for code, _ in events]
    assert codes == ["mqtt_unreachable", "mqtt_connected", "mqtt_lost", "mqtt_unreachable", "mqtt_connected"]
    assert "is the broker running?" in events[0][1]


async def test_two_processes_with_one_client_id_do_not_fight(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    clock = Clock.fast(20)  # 60 s are 3
    with Broker(tmp_path) as broker:
        async with bridge(broker.port, events, clock=clock), bridge(broker.port, events, clock=clock):
            await until(lambda: any(code == "mqtt_taken_over" for code, _ in events))
            before = len(re.findall("New client connected", broker.log.read_text()))
            await asyncio.sleep(1)
            after = len(re.findall("New client connected", broker.log.read_text()))
    assert after - before <= 3
    told = [text for code, text in events if code == "mqtt_taken_over"]
    assert "'envoy-bridge'" in told[0]


@contextmanager
def silent_address() -> Iterator[int]:
    """A port whose connections are neither accepted nor refused: its queue is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = server.getsockname()[1]
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
        yield port


async def stop_takes(connection: MqttConnection) -> float:
    """Seconds that a stop with last messages takes."""
    start = time.monotonic()
    await connection.stop([Message("envoy/1/availability", b"offline"), WILL])
    return time.monotonic() - start


async def test_stop_without_a_broker() -> None:
    async with bridge(free_port()) as connection:
        await asyncio.sleep(0.05)
        put_all(connection, 200, "1")
        assert await stop_takes(connection) < 1.5


async def test_stop_while_dialling_a_silent_address() -> None:
    with silent_address() as port:
        async with bridge(port) as connection:
            await asyncio.sleep(0.05)
            assert await stop_takes(connection) < 1.5


@pytest.mark.parametrize("connected", [True, False])
async def test_stop_with_a_hung_broker(tmp_path: Path, connected: bool) -> None:
    with Broker(tmp_path) as broker:
        if not connected:
            broker.hang()
        async with bridge(broker.port) as connection:
            if connected:
                await settled(connection)
                broker.hang()
            await asyncio.sleep(0.05)
            for number in range(200):
                connection.put(Message(f"envoy/{number}/state", b"x" * 100_000))  # more than the kernel takes
            await asyncio.sleep(0.05)
            assert await stop_takes(connection) < 1.5
        broker.go_on()


async def test_stop_while_connecting_says_goodbye(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with bridge(broker.port) as connection:
            assert await stop_takes(connection) < 1.5
        async with Subscriber(broker.port) as subscriber:
            assert subscriber.messages == []


async def test_stop_before_start_does_nothing() -> None:
    events: list[str] = []
    connection = MqttConnection(Mqtt(), will=WILL, clock=Clock(), on_event=lambda code, _: events.append(code))
    assert await stop_takes(connection) < 0.1
    assert events == []
