"""What an earlier run left on the broker, and this one does not know."""

import asyncio
from pathlib import Path

from broker import Broker, Subscriber, bridge
from program import retained
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.sinks.leftovers import Leftovers
from envoy_bridge.sinks.mqtt import Message

ROOT = "envoy/122011000001"


async def test_what_nobody_confirms_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    old = {
        f"{ROOT}/production/total/power": b"1",
        f"{ROOT}/net_consumption/l3/power": b"2",
        f"{ROOT}/inverter/482200000001/power": b"3",
        f"{ROOT}/availability": b"online",
        "envoy/122099999999/production/total/power": b"4",
        "other/122011000001/production/total/power": b"5",
    }
    clock = Clock()
    with Broker(tmp_path) as broker:
        async with bridge(broker.port, base_topic="envoy") as before:
            for topic, payload in old.items():
                before.put(Message(topic, payload))
            await until(lambda: before.connected and before.queue_depth == 0)
        async with bridge(broker.port, clock=clock) as now:
            tidying = asyncio.create_task(Leftovers(now, clock, listen=0.5, settled=1.0).clear(ROOT))
            now.put(Message(f"{ROOT}/production/total/power", b"1"))
            await asyncio.wait_for(tidying, 10)
            await until(lambda: now.queue_depth == 0)
        async with Subscriber(broker.port) as reader:
            await until(lambda: len(reader.latest()) >= 5)
            kept = reader.latest().keys()
    assert old.keys() - kept == {f"{ROOT}/net_consumption/l3/power", f"{ROOT}/inverter/482200000001/power"}


async def test_where_nobody_publishes_any_more_all_is_cleared(tmp_path: Path) -> None:
    old = ["envoy/cloud/tigo/status", "envoy/cloud/tigo/7/panel-1/power_dc", "envoy/cloud/tigo2/status", f"{ROOT}/info"]
    clock = Clock()
    with Broker(tmp_path) as broker:
        async with bridge(broker.port, base_topic="envoy") as before:
            for topic in old:
                before.put(Message(topic, b"1"))
            await until(lambda: before.connected and before.queue_depth == 0)
        async with bridge(broker.port, clock=clock) as now:
            await asyncio.wait_for(Leftovers(now, clock, listen=0.3).sweep("envoy/cloud/tigo"), 10)
            await until(lambda: now.queue_depth == 0)
        kept = await retained(broker.port, "envoy/")
    assert [topic for topic in old if topic in kept] == old[2:]
