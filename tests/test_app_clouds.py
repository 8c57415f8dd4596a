"""The daemon with a gateway and all four clouds: what subscribers see, and that the gateway is not held up."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from broker import Broker, Subscriber
from msgspec.structs import replace
from program import Site, household, retained, say, site
from waiting import until

from envoy_bridge.app import Bridge
from envoy_bridge.clock import Clock
from envoy_bridge.config import Config, Gateway, Mqtt, State, configured, load
from envoy_bridge.demo_clouds import SimulatedClouds, simulated
from envoy_bridge.simulator.faults import Hang

HOUSE = "d7_6_three_phase_net"
ROOT = f"envoy/{household(HOUSE).serial}"
CLOUDS = ("enlighten", "tigo", "growatt", "locus")


@asynccontextmanager
async def world(folder: Path, **sections: Any) -> AsyncIterator[tuple[Site, SimulatedClouds, Bridge]]:
    """A gateway that is read each second, four clouds, a broker and a daemon that has not begun."""
    clock, state = Clock(), folder / "state"
    async with (
        site(folder, HOUSE, fast="1s") as place,
        simulated(household(HOUSE), clock, hour=12.0, day=86_400.0, state=state) as clouds,
    ):
        config = replace(load(place.configure(**sections), {}), cloud=clouds.sections)
        assert tuple(configured(config)) == CLOUDS
        yield place, clouds, Bridge(config, {}, clock=clock)


@asynccontextmanager
async def running(bridge: Bridge) -> AsyncIterator[None]:
    task = asyncio.create_task(bridge.run())
    try:
        yield
    finally:
        bridge.ended.set()
        await asyncio.wait_for(task, 10)


def values(latest: Mapping[str, bytes], provider: str) -> dict[str, bytes]:
    """What stands below the sites of a cloud."""
    return {topic: told for topic, told in latest.items() if topic.startswith(f"envoy/cloud/{provider}/") and told}


def powers(latest: Mapping[str, bytes], provider: str) -> list[str]:
    """Where a cloud tells a power."""
    return [topic for topic in values(latest, provider) if topic.rpartition("/")[2] in ("power", "power_dc")]


def finds(component: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Does an entity's template find its place in the JSON?"""
    part, name = component["value_template"].removeprefix("{{ value_json['").removesuffix("'] }}").split("']['")
    return name in state[part]


async def test_each_cloud_is_there_with_its_values_and_entities(tmp_path: Path) -> None:
    async with world(tmp_path, homeassistant={}) as (place, _, bridge), running(bridge):
        async with Subscriber(place.broker.port) as subscriber:
            for name in CLOUDS:
                await until(partial(lambda name: powers(subscriber.latest(), name), name), 40)
                assert subscriber.latest()[f"envoy/cloud/{name}/availability"] == b"online"
                status = json.loads(subscriber.latest()[f"envoy/cloud/{name}/status"])
                assert (status["state"], status["quota_used"] > 0) == ("ok", True)
            await until(lambda: all(f"_cloud_{name}_" in " ".join(subscriber.latest()) for name in CLOUDS))
        standing = {topic: told.payload for topic, told in (await retained(place.broker.port, "")).items()}
    for name in CLOUDS:
        for home in {topic.split("/")[3] for topic in powers(standing, name)}:
            state = json.loads(standing[f"envoy/cloud/{name}/{home}/state"])
            told = json.loads(standing[f"homeassistant/device/envoy_bridge_cloud_{name}_{home}/config"])
            sensors = [each for each in told["components"].values() if each["platform"] == "sensor"]
            assert sensors
            assert all(finds(each, state) for each in sensors)
    assert "secret" not in " ".join(payload.decode() for payload in standing.values()).lower()


async def test_four_clouds_that_hang_cost_the_gateway_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as (place, clouds, bridge):
        for server in clouds.servers.values():
            server.faults["*"] = Hang()
        async with running(bridge), Subscriber(place.broker.port, f"{ROOT}/#") as subscriber:
            await until(lambda: len(subscriber.payloads(f"{ROOT}/state")) >= 10, 20)
            times = [json.loads(payload)["sequence"] for payload in subscriber.payloads(f"{ROOT}/state")]
            assert all(server.in_flight == 1 for server in clouds.servers.values()), "they do hang"
            assert sum(later - earlier for earlier, later in pairwise(times[-6:])) < 6500, (
                "milliseconds for five cycles"
            )
            assert subscriber.latest()[f"{ROOT}/availability"] == b"online"


async def test_what_was_told_of_a_cloud_that_is_off_is_cleared_before_any_gateway_answers(tmp_path: Path) -> None:
    old = [f"envoy/cloud/tigo/{topic}" for topic in ("status", "availability", "7/info", "7/alerts", "7/site/power")]
    with Broker(tmp_path) as broker:
        for topic in old:
            await say(broker.port, topic, "1", retain=True)
        config = Config(
            mqtt=Mqtt(host="127.0.0.1", port=broker.port),
            gateway=(Gateway(host="127.0.0.1:9"),),
            state=State(directory=str(tmp_path / "state")),
        )
        async with Subscriber(broker.port, "envoy/cloud/#") as subscriber:
            await until(lambda: len(subscriber.latest()) == len(old))
            async with running(Bridge(config, {}, clock=Clock.fast(4))):
                await until(lambda: not any(subscriber.latest().values()), 10)
