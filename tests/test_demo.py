"""What runs without panels, broker or account: `demo` and `simulate`."""

import re
import signal
from pathlib import Path

from broker import Subscriber
from households import FIXTURES
from paho.mqtt.enums import MQTTProtocolVersion
from program import command, household, running
from waiting import until

HOUSE = "d8_2_split_battery"
OLD = "d5_0_standard"
SHOWN = "122011000025"
"""The gateway of the demo."""
VALUES = re.compile(r"^\d\d:\d\d:\d\d 122011000025 .*production -?\d+ \(-?\d+ -?\d+ -?\d+\).* W$", re.MULTILINE)
"""A line with the power of production, and of each of its phases."""


async def test_the_demo_shows_values_within_three_seconds_and_ends_by_itself(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    async with running(tmp_path, "demo", "--seconds", "2.5", TMPDIR=str(temporary)) as demo:
        await until(lambda: VALUES.search(demo.out), within=3)
        assert str(tmp_path.parent) not in demo.out
        assert "config.example.toml" in demo.out
        told = re.search(r"mosquitto_sub( -p (\d+))? -t 'envoy/#' -v", demo.out)
        assert told
        async with Subscriber(int(told[2] or 1883), "envoy/#", protocol=MQTTProtocolVersion.MQTTv311) as subscriber:
            await subscriber.wait_for(f"envoy/{SHOWN}/availability", b"online")
            await until(lambda: len(subscriber.payloads(f"envoy/{SHOWN}/production/l1/power")) > 1)
        assert await demo.ended() == 0
        assert demo.err == ""
        lines = demo.out.splitlines()
        assert re.fullmatch(r"The demo ran \d s: \d+ requests to the gateway, \d+ cycles, 1 login\.", lines[-1])
        assert len(VALUES.findall(demo.out)) > 1
    assert list(temporary.iterdir()) == [], "nothing is left behind"


async def test_ctrl_c_ends_the_demo_with_its_summary(tmp_path: Path) -> None:
    async with running(tmp_path, "demo") as demo:
        await until(lambda: VALUES.search(demo.out))
        demo.signal(signal.SIGINT)
        assert await demo.ended(within=2) == 0
        assert "The demo ran" in demo.out
        assert demo.err == ""


async def test_simulate_prints_a_configuration_that_works(tmp_path: Path) -> None:
    files = [FIXTURES / f"{name}.har" for name in (HOUSE, OLD)]
    async with running(tmp_path, "simulate", *files, "--port", "0", "--https-port", "0") as simulator:
        await until(lambda: f'serial = "{household(OLD).serial}"\n' in simulator.out)
        config = tmp_path / "config.toml"
        config.write_text(simulator.out.partition("# The configuration for it:")[2])
        done = await command(tmp_path, "once", "--config", config)
        assert (done.code, done.err) == (0, "")
        for name in (HOUSE, OLD):
            assert f"gateway {household(name).serial}" in done.out
        simulator.signal(signal.SIGINT)
        assert await simulator.ended() == 0


async def test_simulate_of_what_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "x.har").write_text("{}")
    done = await command(tmp_path, "simulate", "x.har")
    assert done.code == 78
    assert done.err.count("\n") == 1
    assert "x.har" in done.err
