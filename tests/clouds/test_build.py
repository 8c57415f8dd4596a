"""From a configuration to clouds that are asked."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from clouds.cloud_recorder import Recorder
from clouds.four_clouds import four
from program import PYTHON, environment
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.build import cloud, clouds, folder
from envoy_bridge.config import CLOUDS, Config
from envoy_bridge.errors import ConfigurationError
from envoy_bridge.logs import redact
from envoy_bridge.settings import Cloud, EnlightenCloud, GrowattCloud, LocusCloud, TigoCloud
from envoy_bridge.values import Secret

SECRET = Secret("CANARY-secret")
BARE = Cloud(
    enlighten=EnlightenCloud(key=SECRET, client_id="app", client_secret=SECRET),
    tigo=TigoCloud(username="me", password=SECRET),
    growatt=GrowattCloud(token=SECRET),
    locus=LocusCloud(client_id="app", client_secret=SECRET, username="me", password=SECRET, partner_id="1"),
)
"""As short as they can be."""


def unknown(_serial: str) -> float | None:
    return None


async def test_all_four_are_asked_and_told_of(tmp_path: Path) -> None:
    async with four(tmp_path, Clock.fast(20)) as place:
        await place.allow()
        recorder = Recorder()
        found = clouds(place.config(), folder(place.state), recorder, place.clock, local=unknown)
        assert [source.cloud.name for source in found] == list(CLOUDS)
        running = [asyncio.create_task(source.run()) for source in found]
        try:
            await until(lambda: all(recorder.retained.get(f"cloud/{name}/status") for name in CLOUDS))
            await until(lambda: {serial.split("/")[1] for serial in recorder.snapshots} == set(CLOUDS))
            assert {recorder.retained[f"cloud/{name}/status"]["state"] for name in CLOUDS} == {"ok"}
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        for source in found:
            sent = len(place.server(source.cloud.name).requests)
            assert source.cloud.quota.used in (sent, sent + 1), "one may have been under way"


@pytest.mark.parametrize("name", CLOUDS)
def test_the_vendors_own_address_is_the_default(tmp_path: Path, name: str) -> None:
    made = cloud(Config(cloud=BARE), name, tmp_path, Clock())
    expected = {
        "enlighten": "https://api.enphaseenergy.com",
        "tigo": "https://api2.tigoenergy.com",
        "growatt": "https://openapi.growatt.com",
        "locus": "https://api.locusenergy.com",
    }
    assert str(made.rest.base).rstrip("/") == expected[name]
    assert made.provider.name == name
    assert redact("it says CANARY-secret") == "it says ***"


def test_regions_and_plans(tmp_path: Path) -> None:
    there = Cloud(
        growatt=GrowattCloud(token=SECRET, region="au"),
        enlighten=EnlightenCloud(key=SECRET, client_id="app", client_secret=SECRET, month_quota=50_000),
    )
    assert str(cloud(Config(cloud=there), "growatt", tmp_path, Clock()).rest.base).rstrip("/") == (
        "https://openapi-au.growatt.com"
    )
    assert cloud(Config(cloud=there), "enlighten", tmp_path, Clock()).quota.limit == 50_000
    assert cloud(Config(cloud=BARE), "enlighten", tmp_path, Clock()).quota.limit == 1000


def test_what_is_not_configured_is_not_there(tmp_path: Path) -> None:
    assert clouds(Config(), tmp_path, Recorder(), Clock(), local=unknown) == []
    with pytest.raises(ConfigurationError, match=r"add \[cloud.tigo\]"):
        cloud(Config(), "tigo", tmp_path, Clock())


async def test_keys_are_counted_apart(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        first = cloud(place.config("tigo"), "tigo", folder(place.state), place.clock)
        async with first.rest:
            await first.provider.jobs()[0].run()
        place.keys["tigo"]["username"] = "another@example.org"
        other = cloud(place.config("tigo"), "tigo", folder(place.state), place.clock)
        assert (first.quota.used, other.quota.used) == (2, 0)
        assert "sun@example.org" not in (folder(place.state) / "tigo.json").read_text()


def test_a_vendor_that_is_not_configured_is_not_loaded(tmp_path: Path) -> None:
    code = (
        "import json, sys; from pathlib import Path; from envoy_bridge.clock import Clock;"
        "from envoy_bridge.clouds.build import cloud; from envoy_bridge.config import Config;"
        "from envoy_bridge.settings import Cloud, TigoCloud; from envoy_bridge.values import Secret;"
        "cloud(Config(cloud=Cloud(tigo=TigoCloud(username='a', password=Secret('bcdefg')))), 'tigo', Path(), Clock());"
        "print(json.dumps([name.rpartition('.')[2] for name in sys.modules if name.startswith('envoy_bridge.clouds')]))"
    )
    done = subprocess.run(  # noqa: S603 - our own words
        [PYTHON, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout)
    assert "tigo" in loaded
    assert [name for name in loaded if name.startswith(("enlighten", "growatt", "locus"))] == []
