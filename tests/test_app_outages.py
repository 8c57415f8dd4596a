"""What a subscriber sees when gateways, values and the broker go away and come back; with time that runs faster."""

import json
from itertools import pairwise
from pathlib import Path

from broker import Subscriber, free_port
from households import FIXTURES, look
from program import household, leaves, say, site
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.faults import Answer, Hang, Status

HOUSE = "d8_2_split_battery"
OTHER = "d7_6_three_phase_net"
ROOT, OTHER_ROOT = (f"envoy/{household(name).serial}" for name in (HOUSE, OTHER))
EXPECTED = {f"{ROOT}/{topic}" for topic in look(FIXTURES / f"{HOUSE}.har").values}
VOLTAGE = f"{ROOT}/production/l1/voltage"
READINGS = "/ivp/meters/readings"


async def test_a_gateway_that_goes_away_takes_its_values_along(tmp_path: Path) -> None:
    async with (
        site(tmp_path, HOUSE) as place,
        Subscriber(place.broker.port) as subscriber,
        place.bridge(Clock.fast(120)),
    ):
        await until(lambda: _values(subscriber).keys() == EXPECTED)
        values = _values(subscriber)
        place.gateways[HOUSE].faults["*"] = Status(503)
        await subscriber.wait_for(f"{ROOT}/availability", b"offline")
        await until(lambda: not any(_values(subscriber).values()))
        await until(lambda: set(_state(subscriber).values()) == {None})
        assert {f"{ROOT}/{key}" for key in _state(subscriber)} == EXPECTED
        assert not EXPECTED & (await place.retained()).keys(), "cleared on the broker too"

        place.gateways[HOUSE].faults.clear()
        await subscriber.wait_for(f"{ROOT}/availability", b"online", seconds=10)
        await until(lambda: _values(subscriber) == values, within=10)


def _values(subscriber: Subscriber) -> dict[str, bytes]:
    """The newest payload of every value: those are two or three levels below the gateway."""
    return {topic: payload for topic, payload in subscriber.latest().items() if _is_value(topic)}


def _is_value(topic: str) -> bool:
    return topic.startswith(f"{ROOT}/") and topic.count("/") - ROOT.count("/") in (2, 3)


def _state(subscriber: Subscriber) -> dict[str, str | None]:
    state = json.loads(subscriber.latest()[f"{ROOT}/state"])
    return dict(leaves({key: value for key, value in state.items() if isinstance(value, dict)}))


async def test_a_gateway_that_was_never_reached_is_offline_where_its_serial_is_known(tmp_path: Path) -> None:
    async with site(tmp_path) as place, Subscriber(place.broker.port) as subscriber:
        place.sections["dead"] = {"host": f"127.0.0.1:{free_port()}", "serial": "122000000000"}
        await say(place.broker.port, "envoy/122000000000/availability", "online", retain=True)  # before a power cut
        async with place.bridge(Clock.fast(120)):
            await subscriber.wait_for("envoy/122000000000/availability", b"offline")


async def test_what_an_earlier_run_left_behind_is_cleared(tmp_path: Path) -> None:
    stale, lasting = f"{ROOT}/production/l3/energy_lifetime", f"{ROOT}/production/l1/energy_lifetime"
    async with site(tmp_path, HOUSE) as place, Subscriber(place.broker.port) as subscriber:
        for topic in (stale, lasting):
            await say(place.broker.port, topic, "1", retain=True)
        async with place.bridge(Clock.fast(60)):
            await until(lambda: _values(subscriber).keys() >= EXPECTED)
            await subscriber.wait_for(stale, b"")
            assert {topic for topic in await place.retained() if _is_value(topic)} == EXPECTED


def without_voltage() -> Answer:
    """The readings, but of the first meter nobody says the voltage any more."""
    readings = json.loads(household(HOUSE).replies[READINGS].body)
    for reading in (readings[0], *readings[0]["channels"]):
        del reading["voltage"]
    return Answer(json.dumps(readings).encode())


async def test_a_value_that_is_lost_is_cleared_and_null(tmp_path: Path) -> None:
    async with (
        site(tmp_path, HOUSE) as place,
        Subscriber(place.broker.port) as subscriber,
        place.bridge(Clock.fast(20)),
    ):
        await until(lambda: _values(subscriber).keys() == EXPECTED)
        place.gateways[HOUSE].faults[READINGS] = without_voltage()
        await subscriber.wait_for(VOLTAGE, b"")
        await until(lambda: _state(subscriber)["production/l1/voltage"] is None)
        assert _state(subscriber)["production/l1/power"] is not None, "the rest of that reply is as good as before"
        known = {f"{ROOT}/{key}" for key, value in _state(subscriber).items() if value is not None}
        assert known == {topic for topic in await place.retained() if _is_value(topic)}
        place.gateways[HOUSE].faults.clear()
        await until(lambda: subscriber.latest()[VOLTAGE])


async def test_what_is_lost_while_the_broker_is_away_does_not_come_back(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, place.bridge(Clock.fast(20)) as bridge:
        async with Subscriber(place.broker.port) as subscriber:
            await until(lambda: _values(subscriber).keys() == EXPECTED)
        place.broker.kill()
        place.gateways[HOUSE].faults[READINGS] = without_voltage()
        (source,) = bridge.sources
        polls = source.standing.tally.ok
        await until(lambda: source.standing.tally.ok > polls + 3)
        place.broker.start()
        async with Subscriber(place.broker.port) as subscriber:
            await until(lambda: f"{ROOT}/updated" in subscriber.latest())
            assert set(subscriber.payloads(VOLTAGE)) <= {b""}
            assert _state(subscriber)["production/l1/voltage"] is None


async def test_one_gateway_hangs_and_the_other_keeps_its_beat(tmp_path: Path) -> None:
    async with (
        site(tmp_path, HOUSE, OTHER) as place,
        Subscriber(place.broker.port) as subscriber,
        place.bridge(Clock.fast(10)),
    ):
        await until(lambda: {f"{ROOT}/updated", f"{OTHER_ROOT}/updated"} <= subscriber.latest().keys())
        place.gateways[HOUSE].faults["*"] = Hang()
        await until(lambda: place.gateways[HOUSE].in_flight)
        since = len(place.gateways[OTHER].requests)
        await until(lambda: len(place.gateways[OTHER].requests) > since + 15)
        beats = [told.time for told in place.gateways[OTHER].requests[since:] if told.path == READINGS]
        assert max(later - earlier for earlier, later in pairwise(beats)) < 0.3, "one second, ten times as fast"
