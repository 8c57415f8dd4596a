"""The daemon, the broker and the gateways killed and started, each for real."""

from collections.abc import Mapping
from pathlib import Path

from broker import Received, Subscriber, free_port, settled
from program import household, site
from waiting import until

from envoy_bridge.simulator.faults import Status

THREE_PHASES = "d7_6_three_phase_net"
BATTERY = "d8_3_three_phase_battery_pv3p"
OLD = "d5_0_standard"
STATE = "envoy/bridge/state"


def about(name: str, topic: str) -> str:
    return f"envoy/{household(name).serial}/{topic}"


def still(kept: Mapping[str, Received]) -> dict[str, bytes]:
    """What was kept, without what moves while nothing happens."""
    moving = ("state", "updated", "health")
    return {
        topic: told.payload for topic, told in kept.items() if topic == STATE or topic.rpartition("/")[2] not in moving
    }


async def test_a_broker_that_comes_back_empty_gets_everything_within_five_seconds(tmp_path: Path) -> None:
    async with site(tmp_path, BATTERY, OLD) as place, place.daemon() as daemon:
        async with Subscriber(place.broker.port) as subscriber:
            await until(lambda: {about(BATTERY, "updated"), about(OLD, "updated")} <= subscriber.latest().keys())
            await settled(subscriber)
        before = still(await place.retained("#"))
        place.broker.kill()
        await until(lambda: "mqtt_lost" in daemon.codes() or "mqtt_unreachable" in daemon.codes())
        place.broker.start()
        async with Subscriber(place.broker.port) as subscriber:
            await until(lambda: before.keys() <= subscriber.latest().keys(), within=5)
        assert still(await place.retained("#")) == before


async def test_a_daemon_that_is_killed_is_offline_by_its_last_will(tmp_path: Path) -> None:
    async with site(tmp_path, THREE_PHASES) as place, Subscriber(place.broker.port) as subscriber:
        async with place.daemon() as daemon:
            await subscriber.wait_for(STATE, b"online")
            await until(lambda: about(THREE_PHASES, "updated") in subscriber.latest())
            await daemon.kill()
            await subscriber.wait_for(STATE, b"offline")
        assert (await place.retained())[STATE].payload == b"offline"
        async with place.daemon() as daemon:
            await subscriber.wait_for(STATE, b"online")
            await subscriber.wait_for(about(THREE_PHASES, "availability"), b"online")
            await daemon.kill()
        assert place.tokens.logins == 1, "the token was kept"
        place.gateways[THREE_PHASES].faults["*"] = Status(503)
        async with place.daemon():
            await subscriber.wait_for(STATE, b"online")
            await until(lambda: subscriber.latest()[about(THREE_PHASES, "availability")] == b"offline")


async def test_nothing_is_there_at_first_and_all_of_it_comes_later(tmp_path: Path) -> None:
    async with site(tmp_path, THREE_PHASES, OLD) as place:
        place.sections["dead"] = {"host": f"127.0.0.1:{free_port()}", "serial": "122000000000"}
        place.broker.kill()
        place.gateways[THREE_PHASES].faults["*"] = Status(503)
        async with place.daemon() as daemon:
            await until(lambda: {"mqtt_unreachable", "gateway_unreachable"} <= set(daemon.codes()), within=15)
            await until(lambda: len(place.gateways[OLD].requests) > 2, within=10)
            place.gateways[THREE_PHASES].faults.clear()
            place.broker.start()
            async with Subscriber(place.broker.port) as subscriber:
                await subscriber.wait_for(about(OLD, "availability"), b"online", seconds=15)
                await subscriber.wait_for(about(THREE_PHASES, "availability"), b"online", seconds=15)
                assert subscriber.latest()[STATE] == b"online", "although one gateway is still away"
            await until(
                lambda: daemon.codes().count("gateway_unreachable") == 2, within=15
            )  # one is searched for first
        assert daemon.codes().count("mqtt_unreachable") == 1
        troubles = [line["gateway"] for line in daemon.log if line["event"] == "gateway_unreachable"]
        assert sorted(troubles) == sorted(["122000000000", place.sections[THREE_PHASES]["host"]]), "each is told once"
