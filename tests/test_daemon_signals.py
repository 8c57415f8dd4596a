"""How the daemon starts and stops: SIGTERM at any moment, SIGHUP, and what systemd gets to hear."""

import json
import signal
from pathlib import Path

from broker import Subscriber, free_port
from notify import listening
from program import household, running, site, write
from waiting import until

from envoy_bridge.simulator.faults import Hang
from envoy_bridge.simulator.login import LOGIN

HOUSE = "d7_6_three_phase_net"
ROOT = f"envoy/{household(HOUSE).serial}"
STATE = "envoy/bridge/state"


async def test_stops_within_two_seconds_in_the_middle_of_a_hanging_read(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, place.daemon() as daemon:
        async with Subscriber(place.broker.port) as subscriber:
            await subscriber.wait_for(f"{ROOT}/availability", b"online")
            place.gateways[HOUSE].faults["*"] = Hang()
            await until(lambda: place.gateways[HOUSE].in_flight)
            assert await daemon.stop() < 2
            await subscriber.wait_for(STATE, b"offline")
        kept = await place.retained()
        assert (kept[STATE].payload, kept[f"{ROOT}/availability"].payload) == (b"offline", b"offline")


async def test_stops_while_it_logs_in(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, place.daemon() as daemon:
        place.tokens.faults[LOGIN] = Hang()
        await until(lambda: place.tokens.in_flight)
        assert await daemon.stop() < 2


async def test_stops_while_the_broker_hangs(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, place.daemon() as daemon:
        async with Subscriber(place.broker.port) as subscriber:
            await subscriber.wait_for(f"{ROOT}/availability", b"online")
        place.broker.hang()
        assert await daemon.stop() < 2


async def test_stops_while_nothing_is_there_and_on_ctrl_c_too(tmp_path: Path) -> None:
    nobody = {"host": "127.0.0.1", "port": free_port()}
    config = write(tmp_path / "config.toml", {"mqtt": nobody, "gateway": [{"host": f"127.0.0.1:{free_port()}"}]})
    async with running(tmp_path, "run", "--config", config) as daemon:
        await until(lambda: {"mqtt_unreachable", "gateway_unreachable"} <= set(daemon.codes()))
        daemon.signal(signal.SIGINT)
        assert await daemon.ended(within=2) == 0
    assert daemon.codes()[-1] == "stopped"


async def test_hup_takes_the_new_configuration_and_keeps_the_old_when_that_is_wrong(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, Subscriber(place.broker.port) as subscriber:
        config = place.configure(log={"level": "warning"})
        async with place.daemon(config) as daemon:
            await subscriber.wait_for(f"{ROOT}/availability", b"online")
            assert daemon.log == []
            config.write_text("[mqtt]\nprot = 1883\n")
            daemon.signal(signal.SIGHUP)
            await until(lambda: "reload_refused" in daemon.codes())
            refusal = next(line for line in daemon.log if line["event"] == "reload_refused")
            assert "prot" in refusal["message"]
            assert str(config) in refusal["message"]
            assert subscriber.payloads(STATE) == [b"online"]

            place.configure(mqtt={"base_topic": "house"}, log={"level": "info"})
            daemon.signal(signal.SIGHUP)
            await subscriber.wait_for(STATE, b"offline")
            await subscriber.wait_for(f"{ROOT}/availability", b"offline")
            await subscriber.wait_for(f"{ROOT.replace('envoy', 'house')}/availability", b"online")
            assert subscriber.latest()["house/bridge/state"] == b"online"
            await until(lambda: "started" in daemon.codes())
        assert place.tokens.logins == 1


async def test_sequence_goes_on_over_a_reload(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place, Subscriber(place.broker.port) as subscriber, place.daemon() as daemon:
        await until(lambda: subscriber.payloads(f"{ROOT}/state"))
        daemon.signal(signal.SIGHUP)
        await until(lambda: "reload" in daemon.codes())
        before = len(subscriber.payloads(f"{ROOT}/state"))
        await until(lambda: len(subscriber.payloads(f"{ROOT}/state")) > before)
        sequences = [json.loads(state)["sequence"] for state in subscriber.payloads(f"{ROOT}/state")]
        assert sequences == sorted(set(sequences))


async def test_systemd_hears_that_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as systemd:
        async with site(tmp_path, HOUSE) as place:
            async with place.daemon(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="100000"):
                await until(lambda: systemd.heard.count("WATCHDOG=1") > 2)
            assert (systemd.heard[0], systemd.heard[-1]) == ("READY=1", "STOPPING=1")
