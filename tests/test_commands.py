"""The commands that ask a gateway: what they print, and their exit codes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
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
    values = {key: value for key, value in VALUES.items() if "availability" not in key}  # which depends on the date
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


async def test_check_is_0_when_all_is_well_and_says_what_comes_from_where(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, OLD) as place:
        done = await command(tmp_path, "check", "--config", place.configure())
        assert (done.code, done.err) == (0, "")
        for serial in (SERIAL, household(OLD).serial):
            assert f"gateway {serial}" in done.out
        assert re.search(r"/ivp/meters/readings: answers in \d+ ms", done.out)
        assert "production comes from /ivp/meters/readings" in done.out
        assert "MQTT 5" in done.out
        assert "All is well." in done.out
        assert "FAULT" not in done.out
        assert await place.retained("") == {}, "nothing is left on the broker"


def _gone(place: Site) -> None:
    place.sections[HOUSE]["host"] = f"127.0.0.1:{free_port()}"


def _wrong_serial(place: Site) -> None:
    place.sections[HOUSE]["serial"] = "122000000000"


def _wrong_password(place: Site) -> None:
    place.sections[HOUSE]["password"] = "Canary"


def _second_factor(place: Site) -> None:
    place.tokens.mfa = True


def _no_login(place: Site) -> None:
    del place.sections[HOUSE]["username"], place.sections[HOUSE]["password"]


def _token_of_another(place: Site) -> None:
    _token(place, place.tokens.issue("122000000000"))


def _refused_token(place: Site) -> None:
    _token(place, token := place.tokens.issue(SERIAL))
    place.tokens.issued.remove(token)


def _token(place: Site, token: str) -> None:
    place.sections[HOUSE] = {"host": place.sections[HOUSE]["host"], "token": token}


FAULTS = {
    _gone: "does not answer",
    _wrong_serial: "check host and serial",
    _wrong_password: "check username and password",
    _second_factor: "second factor",
    _no_login: "set username and password",
    _token_of_another: "122000000000",
    _refused_token: "token_file",
}


@pytest.mark.parametrize("spoil", FAULTS, ids=lambda spoil: spoil.__name__.strip("_"))
async def test_each_fault_of_a_gateway_is_a_plain_line_and_1(tmp_path: Path, spoil: Any) -> None:
    async with site(tmp_path, HOUSE) as place:
        spoil(place)
        done = await command(tmp_path, "check", "--config", place.configure())
        assert (done.code, done.err) == (1, "")
        (fault,) = [line for line in done.out.splitlines() if line.startswith("FAULT")]
        assert FAULTS[spoil] in fault
        assert place.sections[HOUSE]["host"] in fault, "which gateway"
        assert "1 fault(s)" in done.out
        assert "MQTT 5" in done.out, "the rest is checked too"
        assert not _secrets(place, done)


def _secrets(place: Site, done: Finished) -> list[str]:
    """Those that stand in what a command has printed."""
    middles = [token.split(".")[1] for token in place.tokens.issued]
    return [secret for secret in (PASSWORD, "Canary", *middles) if secret in done.out + done.err]


async def test_once_of_a_gateway_that_is_gone_is_one_line_and_1(tmp_path: Path) -> None:
    config = write(tmp_path / "config.toml", {"gateway": [{"host": f"127.0.0.1:{free_port()}"}]})
    done = await command(tmp_path, "once", "--config", config)
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(r"envoy-bridge: [^\n]*does not answer[^\n]*\n", done.err)


async def test_check_of_a_broker_that_is_gone(tmp_path: Path) -> None:
    async with site(tmp_path, OLD) as place:
        place.broker.kill()
        done = await command(tmp_path, "check", "--config", place.configure())
        assert done.code == 1
        (fault,) = [line for line in done.out.splitlines() if line.startswith("FAULT")]
        assert "is the broker running?" in fault
        assert str(place.broker.port) in fault


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


async def test_discover_that_finds_nothing_is_1(tmp_path: Path) -> None:
    done = await command(tmp_path, "discover", "--timeout", "0.1")
    assert (done.code, done.err) == (1, "")
    assert "host" in done.out
