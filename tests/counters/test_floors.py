"""What an earlier run told subscribers is found on a real broker, however much else stands there."""

from pathlib import Path

from broker import Broker, bridge
from paho.mqtt import publish

from envoy_bridge.clock import Clock
from envoy_bridge.counters.floors import Floors

ROOT = "envoy/122000000000x"


async def test_counters_are_found_among_much_else(tmp_path: Path) -> None:
    with Broker(tmp_path, "max_queued_messages 50", "max_inflight_messages 5") as broker:
        others = [f"{ROOT}/inverter/48220000{number:04}/power" for number in range(400)]
        counters = [f"{ROOT}/production/total/energy_lifetime", f"{ROOT}/net_consumption/l1/energy_exported"]
        said = [(topic, "7.5", 1, True) for topic in (*counters, *others, f"{ROOT}/storage/total/energy_charged")]
        publish.multiple(list(said), port=broker.port)
        async with bridge(broker.port) as mqtt:
            found = await Floors(mqtt, "envoy", Clock())("122000000000X")
    assert found == {
        "production/total/energy_lifetime": 7.5,
        "net_consumption/l1/energy_exported": 7.5,
        "storage/total/energy_charged": 7.5,
    }


async def test_what_is_no_number_is_none(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        said = [(f"{ROOT}/production/l{phase}/energy_lifetime", word, 1, True) for phase, word in enumerate(WORDS)]
        publish.multiple(list(said), port=broker.port)
        async with bridge(broker.port) as mqtt:
            assert await Floors(mqtt, "envoy", Clock())("122000000000x") == {"production/l3/energy_lifetime": 12.0}


WORDS = ("nan", "", "unknown", "12")
