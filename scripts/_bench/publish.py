"""CPU of a message, sent and acknowledged at QoS 1: through our connection, and through paho alone."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.sinks.topics import EXPIRY
from scripts._bench.processes import Broker, folder
from scripts._bench.table import Figure, spread

LIMIT = 60.0
PAUSE = 0.05
"""Seconds after which most of the messages are acknowledged: to look more often would be measured too."""

SIZES = {"60 at a time, as in a cycle": (60, 10), "1000 at a time, as after a start": (1000, 1)}
"""Messages that are sent in one go, and how often in a block."""


def topics(count: int) -> list[str]:
    """As long as real ones."""
    return [f"envoy/122300000000/net_consumption/l1/power_{number}" for number in range(count)]


async def ours(connection: MqttConnection, names: Sequence[str], payload: bytes) -> None:
    """A message on each topic, until all are acknowledged."""
    for name in names:
        connection.put(Message(name, payload, expiry=EXPIRY))
    while connection.queue_depth:  # noqa: ASYNC110 - what is waited for does not know of the bench
        await asyncio.sleep(PAUSE)


def theirs(client: Client, names: Sequence[str], payload: bytes) -> None:
    """The same with nothing but paho."""
    sent = [client.publish(name, payload, qos=1, retain=True) for name in names]
    for message in sent:
        message.wait_for_publish(5.0)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[MqttConnection]:
    """Our connection to the broker."""
    settings, will = Mqtt(host="127.0.0.1", port=port, client_id="bench"), Message("envoy/bridge/state", b"offline")
    connection = MqttConnection(settings, will=will, clock=Clock(), on_event=lambda _code, _text: None)
    await connection.start()
    while not connection.connected:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    yield connection
    await connection.stop([])


@contextmanager
def paho(port: int) -> Iterator[Client]:
    """As in the examples of paho: a client with a network thread."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def measure(blocks: int) -> Iterator[Figure]:
    """What a message costs us, with what it costs paho alone beside it."""
    for what, (count, times) in SIZES.items():
        with folder() as place, Broker(place) as broker:
            yield asyncio.run(compare(what, broker.port, count, times, blocks))


async def compare(what: str, port: int, count: int, times: int, blocks: int) -> Figure:
    """Blocks alternate: ours, paho, ours, paho, ... The first of each is for warming up."""
    names, costs = topics(count), []
    async with connected(port) as connection:
        with paho(port) as client:
            for block in range(blocks + 1):
                payloads = [b"%d" % (block * times + number) for number in range(times)]
                begin = time.process_time()
                for payload in payloads:
                    await ours(connection, names, payload)
                middle = time.process_time()
                for payload in payloads:
                    theirs(client, names, payload)
                costs.append((middle - begin, time.process_time() - middle))
    mine, bare = ([cost / count / times * 1e6 for cost in column] for column in zip(*costs[1:], strict=True))
    ratio = statistics.median(one / other for one, other in zip(mine, bare, strict=True))
    control = f"{spread(mine)}; paho alone {statistics.median(bare):.0f} µs, {spread(bare)}; ratio {ratio:.2f}"
    return Figure(f"CPU of a message, sent and acknowledged, {what}", statistics.median(mine), " µs", LIMIT, control)
