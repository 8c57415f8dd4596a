"""Counters on a real broker while the daemon is killed again and again: nothing falls, nothing is invented."""

import asyncio
import json
from functools import partial
from pathlib import Path

from broker import Subscriber
from households import FIXTURES
from program import section, site
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.live import LiveWorld

HOUSE = Recording.from_har(FIXTURES / "d8_2_split_battery.har")
ROOT = f"envoy/{HOUSE.serial}"
UPDATED = f"{ROOT}/updated"


def _told(subscriber: Subscriber, cycles: int) -> bool:
    return len(subscriber.payloads(UPDATED)) > cycles


def counters(subscriber: Subscriber) -> dict[str, list[float]]:
    """All that was ever said of each lifetime counter, in order."""
    said: dict[str, list[float]] = {}
    for told in subscriber.messages:
        name = told.topic.rpartition("/")[2]
        if told.payload and name in ("energy_lifetime", "energy_imported", "energy_exported", "energy_charged"):
            said.setdefault(told.topic, []).append(float(told.payload))
    return said


async def test_no_counter_falls_when_the_daemon_is_killed_and_loses_its_memory(tmp_path: Path) -> None:
    async with site(tmp_path) as place, Subscriber(place.broker.port, f"{ROOT}/#") as subscriber:
        world = LiveWorld(HOUSE, Clock(), day=600.0)
        async with SimulatedGateway(world, tokens=place.tokens) as gateway:
            place.sections["live"] = section(HOUSE, gateway) | {"fast": "1s"}
            for life in range(4):
                async with place.daemon() as daemon:
                    await until(partial(_told, subscriber, len(subscriber.payloads(UPDATED)) + 5), within=20)
                    await daemon.kill()
                if life == 1:  # the card is lost with all that was on it
                    for file in (tmp_path / "state" / "counters").glob("*.json"):
                        file.unlink()
                await asyncio.sleep(0.5)
            said = counters(subscriber)
            assert len(said) > 10
            fallen = {topic: values for topic, values in said.items() if values != sorted(values)}
            assert fallen == {}
            state = json.loads(subscriber.latest()[f"{ROOT}/state"])
            for flow in ("production", "net_consumption"):
                for name, value in state[flow]["total"].items():
                    if f"{name}_raw" in state[flow]["total"]:
                        assert abs(value - state[flow]["total"][f"{name}_raw"]) < 0.01, "as the gateway counts"
