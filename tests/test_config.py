"""The configuration: where it is found, what it turns on, who may see it."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from configuration import EVERYTHING, Folder

from envoy_bridge import config, logs
from envoy_bridge.config import Config, Secret, State
from envoy_bridge.errors import StateError


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_file_is_the_option_or_the_variable_or_the_first_usual_place(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    assert config.find(None, {}, [first, second]) is None
    second.touch()
    assert config.find(None, {}, [first, second]) == second
    first.touch()
    assert config.find(None, {"ENVOY_BRIDGE_CONFIG": ""}, [first, second]) == first
    assert config.find(None, {"ENVOY_BRIDGE_CONFIG": "third"}, [first, second]) == Path("third")
    assert config.find("fourth", {"ENVOY_BRIDGE_CONFIG": "third"}, [first, second]) == Path("fourth")


def test_the_state_directory_is_that_of_the_configuration_systemd_the_system_or_the_user(tmp_path: Path) -> None:
    system = tmp_path / "system"
    asked = Config(state=State(directory=f"{tmp_path}/asked/deep"))
    environ = {"STATE_DIRECTORY": f"{tmp_path}/systemd:{tmp_path}/second", "HOME": f"{tmp_path}/home"}
    before = os.umask(0)
    try:
        assert config.state_directory(asked, environ, system) == tmp_path / "asked/deep"
        assert config.state_directory(Config(), environ, system) == tmp_path / "systemd"
        assert not system.exists()
        del environ["STATE_DIRECTORY"]
        assert config.state_directory(Config(), environ, system) == system
        nowhere = Path("/proc/envoy-bridge")
        assert config.state_directory(Config(), environ, nowhere) == tmp_path / "home/.local/state/envoy-bridge"
        environ["XDG_STATE_HOME"] = f"{tmp_path}/xdg"
        made = config.state_directory(Config(), environ, nowhere)
    finally:
        os.umask(before)
    assert made == tmp_path / "xdg/envoy-bridge"
    for path in (tmp_path / "asked/deep", tmp_path / "systemd", system, made):
        assert path.stat().st_mode & 0o777 == 0o700


def test_no_state_directory_is_an_error_that_says_what_to_set() -> None:
    with pytest.raises(StateError, match=r"set \[state\] directory"):
        config.state_directory(Config(), {}, Path("/proc/envoy-bridge"))
    with pytest.raises(StateError, match=r"cannot make the state directory /proc/absent: .*; make it, or set another"):
        config.state_directory(Config(state=State(directory="/proc/absent")), {})


def test_what_is_on_and_not_there_yet_is_named(folder: Folder) -> None:
    assert [line.partition(" (")[0] for line in config.unbuilt(Config())] == [
        "the status page",
    ]
    off = "web.listen = ''"
    assert config.unbuilt(folder.load(off)) == []


def test_files_with_secrets_that_others_can_read_are_named(folder: Folder, tmp_path: Path) -> None:
    file = folder.write("config.toml", EVERYTHING)
    assert config.permission_warnings(file, {}) == []
    assert config.permission_warnings(None, {}) == []
    for name in ("config.toml", "token", "ca.pem"):
        (tmp_path / name).chmod(0o640)
    assert config.permission_warnings(file, {}) == [
        f"{tmp_path / name} holds secrets and other users can read it; run: chmod 600 {tmp_path / name}"
        for name in ("config.toml", "token")
    ]


def test_credentials_of_systemd_and_files_without_secrets_may_be_readable(folder: Folder) -> None:
    credentials = folder.path / "credentials"
    credentials.mkdir()
    (credentials / "token").write_text("CANARY-token")
    file = folder.write("config.toml", "[[gateway]]\ntoken_file = '$CREDENTIALS_DIRECTORY/token'")
    for path in (credentials / "token", file):
        path.chmod(0o644)
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert config.load(file, environ).gateway[0].token == Secret("CANARY-token")
    assert config.permission_warnings(file, environ) == []
    assert (
        len(
            config.permission_warnings(
                folder.write("config.toml", f"[[gateway]]\ntoken_file = '{credentials}/token'"), {}
            )
        )
        == 1
    )


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("CANARY-secret")
    assert secret.reveal() == "CANARY-secret"
    assert f"{secret} {secret!r} {secret!s} {[secret]}" == "*** *** *** [***]"
    assert (secret == Secret("CANARY-secret"), secret == "CANARY-secret", len({secret, Secret("CANARY-secret")})) == (
        True,
        False,
        1,
    )
    with pytest.raises(TypeError, match="unsupported"):
        msgspec.json.encode(secret)


def test_no_secret_of_a_loaded_configuration_is_ever_seen(folder: Folder) -> None:
    loaded = folder.load(EVERYTHING)
    secrets = sorted(set(_secrets(loaded)))
    assert len(secrets) == 10
    for shown in (repr(loaded), str(loaded), f"{loaded}", repr(msgspec.structs.asdict(loaded.mqtt))):
        assert "CANARY" not in shown
    for secret in secrets:
        assert logs.redact(f"<{secret}>") == "<***>"


@pytest.mark.parametrize(
    "value", ["['CANARY']", "{CANARY = 'CANARY'}", '"CANARY\\nCANARY"', "CANARY", "''", "'CANARY'\npasword = 'CANARY'"]
)
def test_no_secret_is_seen_in_an_error(folder: Folder, value: str) -> None:
    wrong = 0
    for line in EVERYTHING.splitlines():
        key = line.partition(" = ")[0].removesuffix("_file")
        if "CANARY" in line or key in {"password", "token"}:
            error = folder.error(EVERYTHING.replace(line, f"{key} = {value}"))
            assert key in error or "not TOML" in error or "pasword" in error
            assert "CANARY" not in error
            wrong += 1
    assert wrong == 10


def _secrets(section: object) -> Iterator[str]:
    """Every secret in a configuration, as text."""
    if isinstance(section, Secret):
        yield section.reveal()
    elif isinstance(section, tuple):
        for item in section:
            yield from _secrets(item)
    elif isinstance(section, msgspec.Struct):
        for name in section.__struct_fields__:
            yield from _secrets(getattr(section, name))
