"""The commands as a user types them: what they print, and their exit codes."""

import re
from pathlib import Path

import pytest
from broker import free_port
from configuration import EVERYTHING, Folder
from households import FIXTURES, look
from program import command, household, running, write
from waiting import until

from envoy_bridge import __version__
from envoy_bridge.cli import main

HOUSE = "d8_2_split_battery"
OLD = "d5_0_standard"
SERIAL = household(HOUSE).serial
VALUES = look(FIXTURES / f"{HOUSE}.har").values
NOBODY = [{"host": "127.0.0.1:9"}]


async def test_version(tmp_path: Path) -> None:
    version = await command(tmp_path, "--version")
    assert (version.code, version.out) == (0, f"envoy-bridge {__version__}\n")


@pytest.mark.parametrize(
    "wrong", [[], ["fly"], ["once", "--jason"], ["token", "steal"], ["demo", "--seconds", "soon"], ["simulate"]]
)
def test_wrong_usage_is_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: envoy-bridge")


WRONG = {
    "not TOML": ("[mqtt\n", "not TOML"),
    "unknown key": ("[mqtt]\nhots = 'x'", '"host"'),
    "out of range": ("[[gateway]]\nfast = '100ms'", "[[gateway]] no. 1 fast"),
    "unknown word": ("[log]\nlevel = 'loud'", "[log] level"),
    "one bracket too few": ("[gateway]\nhost = 'x'", "[[gateway]]"),
    "keys that do not fit": ("[mqtt]\npassword = 'Canary'", "username"),
    "secret twice": ("[mqtt]\nusername = 'x'\npassword = 'Canary'\npassword_file = 'x'", "password_file"),
    "secret file that is not there": ("[[gateway]]\ntoken_file = 'gone'", "token_file"),
    "missing key": ("[cloud.tigo]\nusername = 'x'", "[cloud.tigo]"),
}


@pytest.mark.parametrize("kind", WRONG)
async def test_a_wrong_configuration_is_78_and_one_line_that_says_what_to_change(tmp_path: Path, kind: str) -> None:
    text, told = WRONG[kind]
    config = tmp_path / "config.toml"
    config.write_text(text)
    refused = await command(tmp_path, "run", "--config", config)
    assert (refused.code, refused.out) == (78, "")
    assert re.fullmatch(r"envoy-bridge: [^\n]+\n", refused.err), "exactly one line"
    assert str(config) in refused.err
    assert told in refused.err
    assert "Canary" not in refused.err


async def test_every_command_that_reads_a_configuration_refuses_a_wrong_one(tmp_path: Path) -> None:
    for name in ("check", "topics"):
        refused = await command(tmp_path, name, "--config", "gone.toml")
        assert (refused.code, refused.out) == (78, "")
        assert refused.err.count("\n") == 1
        assert "gone.toml" in refused.err


async def test_the_configuration_comes_from_the_environment_or_the_folder_too(tmp_path: Path) -> None:
    for environ, told in (
        ({"ENVOY_BRIDGE_CONFIG": "gone.toml"}, "gone.toml"),
        ({"ENVOY_BRIDGE__MQTT__PORT": "many"}, "ENVOY_BRIDGE__MQTT__PORT"),
    ):
        refused = await command(tmp_path, "topics", **environ)
        assert refused.code == 78
        assert refused.err.count("\n") == 1
        assert told in refused.err
    (tmp_path / "config.toml").write_text("[mqtt]\nport = 'many'")
    assert "config.toml" in (await command(tmp_path, "topics")).err


async def test_a_state_directory_that_cannot_be_made_is_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = write(
        tmp_path / "config.toml", {"state": {"directory": str(tmp_path / "file" / "state")}, "gateway": NOBODY}
    )
    for name in ("run", "once"):
        failed = await command(tmp_path, name, "--config", config)
        assert failed.code == 1
        assert "Traceback" not in failed.err
        assert "[state]" in failed.err.splitlines()[-1]


async def test_what_is_turned_on_but_not_there_yet_is_said_at_start(tmp_path: Path) -> None:
    Folder(tmp_path)
    address = f'host = "127.0.0.1:{free_port()}"'
    config = tmp_path / "config.toml"
    nowhere = f"http://127.0.0.1:{free_port()}"
    everything = EVERYTHING.replace("https://api.example.org", nowhere).replace("/var/lib", str(tmp_path))
    config.write_text(everything.replace('host = "envoy.local"', address))
    async with running(tmp_path, "run", "--config", config) as daemon:
        await until(lambda: "started" in daemon.codes())
        features = " ".join(line["feature"] for line in daemon.log if line["event"] == "not_built_yet")
    assert "[web]" in features


async def test_secrets_that_others_can_read_are_warned_of(tmp_path: Path) -> None:
    config = write(
        tmp_path / "config.toml", {"gateway": [{"host": "127.0.0.1:9", "username": "a", "password": "bcde"}]}
    )
    config.chmod(0o644)
    async with running(tmp_path, "run", "--config", config) as daemon:
        await until(lambda: "started" in daemon.codes())
        warning = next(line for line in daemon.log if line["event"] == "secret_readable")
        assert f"chmod 600 {config}" in warning["message"]
