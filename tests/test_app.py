"""The daemon inside the test's process: how it tells that it lives, and what a bug in it costs."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker import Subscriber, free_port, settled
from handclock import HandClock
from notify import listening
from program import household, site
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.model import Snapshot
from envoy_bridge.simulator.faults import Hang
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings

HOUSE = "d8_2_split_battery"
OTHER = "d7_6_three_phase_net"
ROOT, OTHER_ROOT = (f"envoy/{household(name).serial}" for name in (HOUSE, OTHER))


async def test_health_is_told_each_minute(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, Subscriber(place.broker.port) as subscriber:
        host = place.sections["dead"] = {"host": f"127.0.0.1:{free_port()}"}
        clock = Clock.fast(240)
        async with place.bridge(clock):
            await until(lambda: len(subscriber.payloads("envoy/bridge/health")) > 1)
        told = [json.loads(health) for health in subscriber.payloads("envoy/bridge/health")]
        assert told[1].keys() == {"time", "sources", "queue_depth", "dropped", "memory"}
        alive, dead = told[1]["sources"][household(HOUSE).serial], told[1]["sources"][host["host"]]
        assert alive["ok"] > told[0]["sources"][household(HOUSE).serial]["ok"]
        assert 0 <= alive["age"] < 60
        assert (dead["ok"], dead["age"]) == (0, None)
        assert told[1]["memory"] > 10_000_000
        kept = (await place.retained())["envoy/bridge/health"]
        assert kept.qos == 0


async def test_the_watchdog_is_not_fed_while_a_source_hangs(tmp_path: Path) -> None:
    clock = HandClock()
    with listening(tmp_path / "notify") as systemd:
        async with (
            site(tmp_path, HOUSE, OTHER) as place,
            Subscriber(place.broker.port) as subscriber,
            place.bridge(clock, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="40000"),
        ):
            await until(lambda: {f"{ROOT}/updated", f"{OTHER_ROOT}/updated"} <= subscriber.latest().keys())
            assert systemd.heard[0] == "READY=1"
            await settled(subscriber)
            place.gateways[HOUSE].faults["*"] = Hang()
            clock.advance(8)
            await until(lambda: place.gateways[HOUSE].in_flight)
            fed = systemd.heard.count("WATCHDOG=1")
            await until(lambda: systemd.heard.count("WATCHDOG=1") > fed)  # to hang for a moment is no sin
            clock.advance(200)
            fed = systemd.heard.count("WATCHDOG=1")
            polls = len(place.gateways[OTHER].requests)
            await until(lambda: len(place.gateways[OTHER].requests) > polls)
            await asyncio.sleep(0.2)  # ten times the pause between two signs of life
            assert systemd.heard.count("WATCHDOG=1") <= fed + 1

            place.gateways[HOUSE].faults.clear()
            await place.gateways[HOUSE].drop_connections()
            fed = systemd.heard.count("WATCHDOG=1")
            await until(lambda: systemd.heard.count("WATCHDOG=1") > fed)


@dataclass(slots=True)
class Broken:
    """A sink that cannot take the values of one gateway."""

    serial: str
    times: int = 0

    def snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.serial == self.serial:
            self.times += 1
            raise ZeroDivisionError

    def availability(self, serial: str, *, online: bool) -> None: ...

    def info(self, serial: str, info: Mapping[str, Any]) -> None: ...

    def cloud(self, message: CloudMessage) -> None: ...

    def holdings(self, holdings: Holdings) -> None: ...

    def event(self, event: Event) -> None: ...


async def test_a_bug_costs_one_gateway_a_minute_and_the_others_nothing(tmp_path: Path) -> None:
    broken = Broken(household(HOUSE).serial)
    async with (
        site(tmp_path, HOUSE, OTHER) as place,
        Subscriber(place.broker.port) as subscriber,
        place.bridge(Clock.fast(60), broken),
    ):
        await until(lambda: broken.times > 1)
        assert len(subscriber.payloads(f"{OTHER_ROOT}/updated")) > 20
