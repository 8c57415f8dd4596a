"""Publishing while all is well."""

import asyncio
import sys
from pathlib import Path

from broker import WILL, Broker, Subscriber, bridge
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.sinks.mqtt import Message

STATE = WILL.topic


async def test_online_first_then_what_was_put_in_order(tmp_path: Path) -> None:
    topics = [f"envoy/1/production/l{number}/power" for number in range(300)]
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            for topic in topics:
                connection.put(Message(topic, b"1"))
            await subscriber.wait_for(topics[-1], b"1")

            assert [message.topic for message in subscriber.messages] == [STATE, *topics]
            assert subscriber.messages[0].payload == b"online"
            assert {message.qos for message in subscriber.messages} == {1}


async def test_values_are_retained(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with bridge(broker.port) as connection:
            connection.put(Message("envoy/1/production/power", b"5.5"))
            await until(lambda: connection.connected and connection.queue_depth == 0)
            async with Subscriber(broker.port) as late:
                await late.wait_for("envoy/1/production/power", b"5.5")
                assert all(message.retain for message in late.messages)


async def test_only_changes_are_sent(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            for cycle in range(10):
                connection.put(Message("envoy/1/production/power", b"0.0"))
                connection.put(Message("envoy/1/updated", str(cycle).encode()))
                await subscriber.wait_for("envoy/1/updated", str(cycle).encode())

            assert subscriber.payloads("envoy/1/production/power") == [b"0.0"]
            assert len(subscriber.payloads("envoy/1/updated")) == 10


async def test_unchanged_values_are_sent_again_every_five_minutes(tmp_path: Path) -> None:
    clock = Clock.fast(600)
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port, clock=clock) as connection:
            connection.put(Message("envoy/1/info", b"{}"))
            start = clock.monotonic()
            cycle = 0
            while len(subscriber.payloads("envoy/1/info")) < 3:
                cycle += 1
                connection.put(Message("envoy/1/updated", str(cycle).encode()))
                await asyncio.sleep(0.005)

            assert clock.monotonic() - start >= 550


async def test_clear_removes_the_retained_value(tmp_path: Path) -> None:
    topic = "envoy/1/storage/power"
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            connection.put(Message(topic, b"5"))
            await subscriber.wait_for(topic, b"5")
            for _ in range(3):
                connection.put(Message(topic))
                await subscriber.wait_for(topic, b"")
            connection.put(Message("envoy/1/updated", b"now"))
            await subscriber.wait_for("envoy/1/updated", b"now")

            assert subscriber.payloads(topic) == [b"5", b""]
            async with Subscriber(broker.port) as late:
                await late.wait_for("envoy/1/updated", b"now")
                assert topic not in late.latest()


async def test_one_off_messages_are_not_retained(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            for number in range(3):
                connection.send(Message("envoy/bridge/event", str(number).encode(), retain=False))
                connection.send(Message("envoy/bridge/event", str(number).encode(), qos=0, retain=False))
            await subscriber.wait_for("envoy/bridge/event", b"2")
            await until(lambda: len(subscriber.payloads("envoy/bridge/event")) == 6)

            async with Subscriber(broker.port) as late:
                await late.wait_for(STATE, b"online")
                assert "envoy/bridge/event" not in late.latest()


async def test_requests_arrive_and_are_asked_for_again_on_each_connection(tmp_path: Path) -> None:
    requests: list[tuple[str, bytes, bool]] = []
    clock = Clock.fast(20)
    with Broker(tmp_path) as broker:
        async with (
            bridge(broker.port, clock=clock) as connection,
            bridge(broker.port, client_id="b", clock=clock) as other,
        ):
            connection.subscribe("envoy/bridge/request/+", lambda *request: requests.append(request))
            other.put(Message("envoy/bridge/request/refresh", b"now"))
            await until(lambda: requests)
            broker.kill()
            await until(lambda: not connection.connected)
            broker.start()
            await until(lambda: len(requests) == 2)

        assert requests[0] == ("envoy/bridge/request/refresh", b"now", requests[0][2])


async def test_live_values_expire_where_the_broker_can(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port) as connection:
            connection.put(Message("envoy/1/production/power", b"5", expiry=600))
            connection.put(Message("envoy/1/production/energy_lifetime", b"5"))
            await subscriber.wait_for("envoy/1/production/energy_lifetime", b"5")

            assert connection.protocol == "5"
            expiries = {message.topic: message.expiry for message in subscriber.messages}
            assert 598 <= (expiries["envoy/1/production/power"] or 0) <= 600
            assert expiries["envoy/1/production/energy_lifetime"] is None


async def test_older_protocol_when_configured(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port, protocol="3.1.1") as connection:
            connection.put(Message("envoy/1/production/power", b"5", expiry=600))
            await subscriber.wait_for("envoy/1/production/power", b"5")

            assert connection.protocol == "3.1.1"
            assert [message.expiry for message in subscriber.messages] == [None, None]


async def test_bad_topic_never_reaches_the_broker_and_does_no_harm(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port, events) as connection:
            for number in range(20):
                connection.put(Message("envoy/1\x00/power", str(number).encode()))
                connection.send(Message("envoy/+/event", str(number).encode(), retain=False))
                connection.put(Message("envoy/1/power", str(number).encode()))
            await subscriber.wait_for("envoy/1/power", b"19")

            assert set(subscriber.latest()) == {STATE, "envoy/1/power"}
            codes = [code for code, _ in events]
            assert sorted(codes) == ["mqtt_connected", "mqtt_message_refused", "mqtt_message_refused"]
            assert any(r"'envoy/1\x00/power'" in text for _, text in events)


async def test_payload_that_the_broker_would_not_take_does_no_harm(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Broker(tmp_path, "max_packet_size 2000") as broker:
        async with Subscriber(broker.port) as subscriber, bridge(broker.port, events) as connection:
            connection.put(Message("envoy/1/state", b"x" * 3000))
            connection.put(Message("envoy/1/power", b"1"))
            await subscriber.wait_for("envoy/1/power", b"1")

            assert connection.connected
            assert [text for code, text in events if code == "mqtt_message_refused"] == [
                "not published: 'envoy/1/state': 3000 bytes are more than this broker takes"
            ]


async def test_access_rules_that_forbid_us_to_write_are_told(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite envoy/bridge/#\ntopic read #\n")
    with Broker(tmp_path, f"acl_file {rules}") as broker:
        async with bridge(broker.port, events) as connection:
            await until(lambda: connection.connected and connection.queue_depth == 0)
            connection.put(Message("envoy/1/power", b"1"))
            await until(lambda: len(events) >= 2)

    assert [code for code, _ in events][:2] == ["mqtt_connected", "mqtt_denied"]
    assert "below envoy/" in events[1][1]


async def test_stop_sends_the_last_messages_and_no_will(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber:
            async with bridge(broker.port) as connection:
                for number in range(500):
                    connection.put(Message(f"envoy/1/inverter/{number}/power", b"1"))
                await until(lambda: connection.connected)
                await connection.stop([Message("envoy/1/availability", b"offline"), WILL])
                assert not connection.connected
            await subscriber.wait_for(STATE, b"offline")

            assert [message.topic for message in subscriber.messages][-2:] == ["envoy/1/availability", STATE]
            assert len(subscriber.messages) == 503
            assert subscriber.payloads(STATE) == [b"online", b"offline"]
            # and not "closed its connection"; the log is written late
            await until(lambda: "Client envoy-bridge disconnected." in broker.log.read_text())


PROGRAM = """
import asyncio, sys
from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.mqtt import Message, MqttConnection

async def main():
    settings = Mqtt(host="127.0.0.1", port=int(sys.argv[1]))
    will = Message("envoy/bridge/state", b"offline")
    await MqttConnection(settings, will=will, clock=Clock(), on_event=lambda *event: None).start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_will_when_the_process_is_killed(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port) as subscriber:
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, str(broker.port))
            try:
                await subscriber.wait_for(STATE, b"online", 10)
            finally:
                process.kill()
                await process.wait()
            await subscriber.wait_for(STATE, b"offline")
