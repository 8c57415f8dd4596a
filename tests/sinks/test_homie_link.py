"""The Homie tree on a real broker: how it comes, changes and goes; and the daemon with it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from broker import Broker, Received, Subscriber, bridge
from homieconvention import complaints
from homiehouse import HOUSE, ROOT, SERIAL, SMALL, holdings, laid_out
from program import household, retained, site
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.model import Snapshot
from envoy_bridge.simulator.faults import Status
from envoy_bridge.sinks.base import Holdings
from envoy_bridge.sinks.homie import nodes, shape
from envoy_bridge.sinks.homie_link import Homie, Published

BATTERY, TWIN = "d8_3_three_phase_battery_pv3p", "d7_6_three_phase_net"


@asynccontextmanager
async def homie(port: int, folder: Path) -> AsyncIterator[Homie]:
    """The sink on a broker, and the bridge's own connection that it clears with."""
    async with bridge(port) as connection:
        sink = Homie(Mqtt(host="127.0.0.1", port=port), folder, Clock(), connection)
        try:
            yield sink
        finally:
            await sink.stop()


def tell(sink: Homie, snapshot: Snapshot) -> None:
    """A snapshot, and before it what there is, as the roster tells it."""
    sink.holdings(holdings(snapshot))
    sink.snapshot(snapshot)


async def state_is(port: int, state: str) -> dict[str, Received]:
    """What is below homie/ as soon as the device has this state."""
    async with Subscriber(port) as subscriber:
        await subscriber.wait_for(f"{ROOT}/$state", state.encode())
    return await retained(port, "homie/#")


def payloads(found: Mapping[str, Received]) -> dict[str, bytes]:
    return {topic: told.payload for topic, told in found.items()}


async def test_the_tree_comes_between_init_and_ready_and_values_follow(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with Subscriber(broker.port, "homie/#") as subscriber, homie(broker.port, tmp_path) as sink:
            tell(sink, HOUSE)
            await subscriber.wait_for(f"{ROOT}/$state", b"ready")
            seen = [message for message in subscriber.messages if message.topic != f"{ROOT}/$state"]
            assert subscriber.payloads(f"{ROOT}/$state")[0] == b"init"
            assert subscriber.messages[0].payload == b"init"
            assert subscriber.messages[-1].payload == b"ready"
            assert {message.topic for message in seen if message.payload} == laid_out(HOUSE).keys() - {f"{ROOT}/$state"}
            before = subscriber.payloads(f"{ROOT}/$state")
            sink.holdings(holdings(HOUSE))
            sink.snapshot(SMALL)
            await subscriber.wait_for(f"{ROOT}/production/total-power", b"7")
            await subscriber.wait_for(f"{ROOT}/inverter-77/availability", b"")
            assert subscriber.payloads(f"{ROOT}/$state") == before, "that a value is unknown changes no structure"
        found = await retained(broker.port, "homie/#")
        assert complaints(found) == []
        assert found[f"{ROOT}/$state"].payload == b"disconnected"


async def test_what_is_gone_is_cleared_while_the_state_is_init(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, HOUSE)
            assert payloads(await state_is(broker.port, "ready")) == payloads(laid_out(HOUSE))
            async with Subscriber(broker.port, "homie/#") as subscriber:
                await until(lambda: payloads(laid_out(HOUSE)).items() == subscriber.latest().items())
                subscriber.messages.clear()
                tell(sink, SMALL)
                await subscriber.wait_for(f"{ROOT}/$state", b"ready")
                changed = [message.payload for message in subscriber.messages]
                assert subscriber.payloads(f"{ROOT}/$state") == [b"init", b"ready"]
                assert (changed[0], changed[-1]) == (b"init", b"ready")
            assert payloads(await retained(broker.port, "homie/#")) == payloads(laid_out(SMALL))
            await until(lambda: json.loads((tmp_path / "homie.json").read_text()) == kept(SMALL))


def kept(snapshot: Snapshot) -> dict[str, dict[str, list[str]]]:
    return {f"envoy-{SERIAL}": {node: list(ids) for node, ids in shape(nodes(holdings(snapshot))).items()}}


async def test_what_went_while_we_were_away_is_cleared(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, HOUSE)
            await state_is(broker.port, "ready")
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, SMALL)
            assert payloads(await state_is(broker.port, "ready")) == payloads(laid_out(SMALL))


async def test_a_removal_that_the_broker_did_not_hear_of_is_made_up_for(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, HOUSE)
            await state_is(broker.port, "ready")
            broker.hang()
            tell(sink, SMALL)
            await asyncio.sleep(0.3)
            await sink.stop()
            broker.go_on()
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, SMALL)
            assert payloads(await state_is(broker.port, "ready")) == payloads(laid_out(SMALL))


async def test_a_gateway_that_is_gone_leaves_nothing(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, HOUSE)
            await state_is(broker.port, "ready")
            sink.holdings(Holdings(serial=SERIAL, parts={}))
            await until(lambda: not (tmp_path / "homie.json").exists())
            assert await retained(broker.port, "homie/#") == {}
            assert f"Client envoy-bridge-homie-{SERIAL} disconnected" in broker.log.read_text()


async def test_a_gateway_that_is_away_is_an_alert(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            sink.availability(SERIAL, online=False)
            tell(sink, HOUSE)
            assert complaints(await state_is(broker.port, "alert")) == []
            sink.availability(SERIAL, online=True)
            await state_is(broker.port, "ready")
            sink.availability(SERIAL, online=False)
            await state_is(broker.port, "alert")


async def test_a_broker_that_comes_back_empty_gets_the_tree_after_init(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, HOUSE)
            await state_is(broker.port, "ready")
            broker.kill()
            await asyncio.sleep(0.1)
            broker.start()
            async with Subscriber(broker.port, "homie/#") as subscriber:
                await subscriber.wait_for(f"{ROOT}/$state", b"ready")
                assert subscriber.payloads(f"{ROOT}/$state") == [b"init", b"ready"]
            assert payloads(await retained(broker.port, "homie/#")) == payloads(laid_out(HOUSE))


async def test_turned_off_it_leaves_nothing(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, HOUSE)
            await state_is(broker.port, "ready")
        async with homie(broker.port, tmp_path) as sink:
            await sink.withdraw()
            assert await retained(broker.port, "homie/#") == {}
            assert not (tmp_path / "homie.json").exists()
            await sink.withdraw()


def test_what_may_still_be_on_the_broker_is_kept_until_it_is_not(tmp_path: Path) -> None:
    published = Published(tmp_path)
    published.add("envoy-1", {"production": ("total-power", "l1-power"), "network": ("tariff",)})
    published.add("envoy-1", {"production": ("total-power", "l2-power")})
    assert Published(tmp_path).shape("envoy-1") == {
        "production": ("total-power", "l1-power", "l2-power"),
        "network": ("tariff",),
    }
    published.only("envoy-1", {"production": ("l2-power",)})
    published.only("envoy-2", {"production": ("l1-power",)})
    assert Published(tmp_path).devices == ("envoy-1", "envoy-2")
    assert Published(tmp_path).shape("envoy-1") == {"production": ("l2-power",)}
    published.only("envoy-1", {})
    assert Published(tmp_path).devices == ("envoy-2",)
    published.only("envoy-2", {})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    published = Published(tmp_path / "missing")
    published.add("envoy-1", {"production": ("total-power",)})
    assert published.devices == ("envoy-1",)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": {"b": 1}}', b"[" * 100_000], ids=["empty", "[]", "1", "deep"])
async def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "homie.json").write_bytes(content)
    with Broker(tmp_path) as broker:
        async with homie(broker.port, tmp_path) as sink:
            tell(sink, SMALL)
            await state_is(broker.port, "ready")
            await until(lambda: json.loads((tmp_path / "homie.json").read_text()) == kept(SMALL))


async def all_are(port: int, *wanted: str) -> dict[str, Received]:
    """What is below homie/ as soon as the devices of the daemon below have these states, and values."""
    ids = [*(f"envoy-{household(name).serial}" for name in (BATTERY, TWIN)), "envoy-site"]
    expected = {f"homie/{each}/$state": state.encode() for each, state in zip(ids, wanted, strict=True)}
    values = {f"homie/{each}/production/total-power" for each in ids if "alert" not in wanted}
    async with Subscriber(port, "homie/#") as subscriber:
        await until(
            lambda: expected.items() <= subscriber.latest().items() and values <= subscriber.latest().keys(), 15
        )
    return await retained(port, "homie/#")


async def test_the_daemon_with_two_gateways(tmp_path: Path) -> None:
    """A tree for each gateway and for the site; killed, come back, stopped, turned off."""
    async with site(tmp_path, BATTERY, TWIN) as place:
        port, on = place.broker.port, place.configure(homie={"enabled": True})
        async with place.daemon(on) as daemon:
            assert complaints(await all_are(port, "ready", "ready", "ready")) == []
            await daemon.kill()
            assert complaints(await all_are(port, "lost", "lost", "lost")) == []
        async with place.daemon(on) as daemon:
            assert complaints(await all_are(port, "ready", "ready", "ready")) == []
            assert await daemon.stop() < 2
        assert complaints(await all_are(port, "disconnected", "disconnected", "disconnected")) == []
        async with place.daemon(place.configure(homie={"enabled": False})):
            await until(lambda: not (tmp_path / "state" / "homie.json").exists())
            assert await retained(port, "homie/#") == {}


async def test_a_gateway_that_the_daemon_cannot_reach_is_an_alert(tmp_path: Path) -> None:
    async with site(tmp_path, BATTERY, TWIN) as place:
        port = place.broker.port
        async with place.bridge(Clock.fast(20), config=place.configure(homie={"enabled": True})):
            await all_are(port, "ready", "ready", "ready")
            place.gateways[TWIN].faults["*"] = Status(503)
            found = await all_are(port, "ready", "alert", "alert")
            assert complaints(found) == []
            gone = f"homie/envoy-{household(TWIN).serial}/production/total-power"
            assert gone not in found
            assert f"{gone}/$name" in found, "that it is away changes no structure"
            place.gateways[TWIN].faults.clear()
            assert complaints(await all_are(port, "ready", "ready", "ready")) == []
