"""The commands that ask a gateway: what they print, and their exit codes."""

import json
import re
from pathlib import Path

from broker import free_port
from households import FIXTURES, look
from program import Finished, Site, command, household, leaves, site, write

from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.simulator.login import PASSWORD, USERNAME

HOUSE = "d8_2_split_battery"
OLD = "d5_0_standard"
SERIAL = household(HOUSE).serial
DEVICE_NAMES = {device.name for device in DEVICES}
VALUES = look(FIXTURES / f"{HOUSE}.har").values


async def test_once_prints_the_values_and_publishes_nothing(tmp_path: Path) -> None:
    values = {key: value for key, value in VALUES.items() if not key.endswith(("availability", "_today"))}  # take time
    async with site(tmp_path, HOUSE) as place:
        config = place.configure()
        plain = await command(tmp_path, "once", "--config", config)
        assert (plain.code, plain.err) == (0, "")
        printed = [line.split() for line in plain.out.splitlines()]
        assert printed[0][:2] == ["gateway", f"{SERIAL},"]
        single = {key: value for key, value in values.items() if " " not in value}
        assert single.items() <= {line[0]: line[1] for line in printed[1:]}.items()
        as_json = await command(tmp_path, "once", "--config", config, "--json")
        assert (as_json.code, as_json.err) == (0, "")
        assert values.items() <= dict(leaves(json.loads(as_json.out))).items()
        assert await place.retained("") == {}
        assert place.tokens.logins == 1, "the token was kept"


async def test_once_reads_a_gateway_of_before_firmware_7_with_its_own_login_where_ours_is_wrong(tmp_path: Path) -> None:
    async with site(tmp_path, OLD) as place:
        place.sections[OLD] |= {"username": "local", "password": "wrong"}
        config = place.configure()
        done = await command(tmp_path, "once", "--config", config, "--json")
        assert done.code == 0
        assert "inverter" in json.loads(done.out), "and nothing else is printed"
        assert "login_refused" in done.err
        token = await command(tmp_path, "token", "--config", config)
        assert token.code == 0
        assert "asks for no token" in token.out


def _secrets(place: Site, done: Finished) -> list[str]:
    """Those that stand in what a command has printed."""
    middles = [token.split(".")[1] for token in place.tokens.issued]
    return [secret for secret in (PASSWORD, "Canary", *middles) if secret in done.out + done.err]


async def test_once_of_a_gateway_that_is_gone_is_one_line_and_1(tmp_path: Path) -> None:
    config = write(tmp_path / "config.toml", {"gateway": [{"host": f"127.0.0.1:{free_port()}"}]})
    done = await command(tmp_path, "once", "--config", config)
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(r"envoy-bridge: [^\n]*does not answer[^\n]*\n", done.err)


async def test_token_is_shown_without_itself_and_renewed_seldom(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        config = place.configure()
        shown = await command(tmp_path, "token", "--config", config)
        assert (shown.code, shown.err) == (0, "")
        for told in (SERIAL, USERNAME, "owner", "365 days"):
            assert told in shown.out
        assert not _secrets(place, shown)
        renewed = await command(tmp_path, "token", "renew", "--config", config)
        assert renewed.code == 1, "one login in 15 minutes is what Enlighten has to bear"
        assert "15 minutes" in renewed.err
        (tmp_path / "state" / "logins.json").unlink()
        renewed = await command(tmp_path, "token", "renew", "--config", config)
        assert renewed.code == 0
        assert (place.tokens.logins, len(place.tokens.issued)) == (2, 2)
        assert not _secrets(place, renewed)


async def test_topics_lists_all_that_is_published(tmp_path: Path) -> None:
    config = write(tmp_path / "config.toml", {"mqtt": {"base_topic": "house/solar"}})
    done = await command(tmp_path, "topics", "--config", config)
    assert (done.code, done.err) == (0, "")
    listed = {line.split()[0] for line in done.out.splitlines()}
    for topic in VALUES:
        branch, *part, key = topic.split("/")
        place = ["<serial>"] if part and branch in DEVICE_NAMES else part
        assert "/".join(["house/solar/<gateway>", branch, *place, key]) in listed
    assert re.search(r"/production/l1/power +W +\w", done.out), "with unit and meaning"


async def test_topics_lists_those_of_a_cloud_that_is_configured(tmp_path: Path) -> None:
    section = {"cloud.tigo": {"username": "me@example.org", "password": "wrong horse"}}
    done = await command(tmp_path, "topics", "--config", write(tmp_path / "config.toml", section))
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^envoy/cloud/tigo/<site>/<device>/voltage_dc +V +\w", done.out, re.MULTILINE)
    assert "cloud/tigo/<site>/history" in done.out
    assert "cloud/growatt" not in done.out


async def test_discover_that_finds_nothing_is_1(tmp_path: Path) -> None:
    done = await command(tmp_path, "discover", "--timeout", "0.1")
    assert (done.code, done.err) == (1, "")
    assert "host" in done.out
