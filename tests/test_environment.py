"""Configuration from the environment."""

from pathlib import Path

import pytest
from configuration import EVERYTHING, Folder

from envoy_bridge import config
from envoy_bridge.config import Config, Gateway, Mqtt, Secret, Tls
from envoy_bridge.environment import PREFIX
from envoy_bridge.schema import places


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_text_becomes_what_the_key_wants() -> None:
    loaded = config.load(
        None,
        Folder.environ(
            {
                "MQTT__PORT": "8883",
                "MQTT__TLS": "true",
                "MQTT__PROTOCOL": "5",
                "MQTT__USERNAME": "12",
                "MQTT__PASSWORD": "1234",
                "GATEWAY__0__SERIAL": "122300000000",
                "GATEWAY__0__FAST": "1s",
                "GATEWAY__1__HOST": "192.0.2.7",
                "CLOUD__GROWATT__TOKEN": "CANARY-growatt",
                "CLOUD__GROWATT__SITES__0": "4",
                "WEB__LISTEN": "",
            }
        ),
    )
    assert loaded.mqtt == Mqtt(port=8883, tls=True, protocol="5", username="12", password=Secret("1234"))
    assert loaded.gateway == (Gateway(serial="122300000000", fast=config.Duration(1)), Gateway(host="192.0.2.7"))
    assert loaded.cloud.growatt is not None
    assert loaded.cloud.growatt.sites == ("4",)
    assert loaded.web.listen == ""


def test_the_environment_wins_and_the_rest_of_the_file_stays(folder: Folder) -> None:
    loaded = folder.load(EVERYTHING, MQTT__HOST="broker", GATEWAY__0__HOST="192.0.2.7", GATEWAY__1__HOST="192.0.2.8")
    assert (loaded.mqtt.host, loaded.mqtt.username) == ("broker", "bridge")
    assert [gateway.host for gateway in loaded.gateway] == ["192.0.2.7", "192.0.2.8"]
    assert loaded.gateway[0].serial == "122300000000"


def test_either_way_to_give_a_secret_replaces_the_other(folder: Folder) -> None:
    inline, in_file = "[mqtt]\nusername = 'a'\npassword = 'old'", "[mqtt]\nusername = 'a'\npassword_file = 'absent'"
    assert folder.load(inline, MQTT__PASSWORD_FILE="token").mqtt.password == Secret("CANARY-token")
    assert folder.load(in_file, MQTT__PASSWORD="CANARY-new").mqtt.password == Secret("CANARY-new")
    error = folder.error(inline, MQTT__PASSWORD_FILE="token", MQTT__PASSWORD="CANARY-new")
    assert error.endswith("[mqtt] has both password and password_file; take one of them away")


def test_a_table_replaces_a_plain_value(folder: Folder) -> None:
    for text in ("", "[mqtt]\ntls = true"):
        assert folder.load(text, MQTT__TLS__CA_FILE="ca.pem").mqtt.tls == Tls(ca_file=str(folder.path / "ca.pem"))
    assert folder.load("[mqtt.tls]\nca_file = 'ca.pem'", MQTT__TLS="false").mqtt.tls is False


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("MQTT__PROT", "did you mean ENVOY_BRIDGE__MQTT__PORT?"),
        ("MQTT_HOST__", "did you mean ENVOY_BRIDGE__MQTT__HOST?"),
        ("mqtt__host", "did you mean ENVOY_BRIDGE__MQTT__HOST?"),
        ("GATEWAY__HOST", "did you mean ENVOY_BRIDGE__GATEWAY__0__HOST?"),
        ("MQTT__PASSWORD_FIEL", "did you mean ENVOY_BRIDGE__MQTT__PASSWORD_FILE?"),
        ("MQTT", "did you mean ENVOY_BRIDGE__MQTT__"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(folder: Folder, name: str, advice: str) -> None:
    name = f"{PREFIX}{name}"
    error = folder.error("", **{name: "CANARY"})
    assert error.startswith(f"environment: {name} is no key of the configuration; {advice}")
    assert "CANARY" not in error


def test_other_variables_are_nobodys_business(folder: Folder) -> None:
    assert folder.load("", ENVOY_BRIDGE_CONFIG="x", ENVOY_BRIDGE_IMAGE="x") == Config()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "MQTT__PORT",
            "abc",
            'environment: ENVOY_BRIDGE__MQTT__PORT is "abc"; it must be a port number from 1 to 65535, for ',
        ),
        (
            "HOMIE__ENABLED",
            "yes",
            'environment: ENVOY_BRIDGE__HOMIE__ENABLED is "yes"; it must be true or false, for example true',
        ),
        (
            "GATEWAY__0__FAST",
            "5",
            'environment: ENVOY_BRIDGE__GATEWAY__0__FAST is "5"; it must be a duration of at least 1s, for example 5s',
        ),
        ("GATEWAY__2__HOST", "a", "environment: ENVOY_BRIDGE__GATEWAY__2__HOST leaves out a number"),
        ("GATEWAY__0__PASSWORD", "CANARY", " and environment: [[gateway]] no. 1 password is there without username"),
        ("MQTT__PASSWORD", "", " and environment: [mqtt] password must be one line of text that is not empty"),
        ("MQTT__PASSWORD_FILE", "absent", " and environment: [mqtt] password_file: cannot read "),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    folder: Folder, name: str, text: str, message: str
) -> None:
    error = folder.error("", **{name: text})
    assert error.removeprefix(f"{folder.path}/config.toml").startswith(message)
    assert "CANARY" not in error


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (
            "gateway = {host = 'a'}",
            "GATEWAY__0__SERIAL",
            "there can be several of [gateway]: write [[gateway]], with two brackets",
        ),
        ("mqtt = 5", "MQTT__HOST", "mqtt must be a section: write [mqtt]"),
    ],
)
def test_what_the_file_has_of_a_wrong_shape_is_still_refused(
    folder: Folder, text: str, name: str, message: str
) -> None:
    assert folder.error(text, **{name: "1"}) == message


def test_every_key_has_a_variable_and_refuses_nonsense_in_it(folder: Folder) -> None:
    for place in places(Config):
        name = "__".join(str(part).upper() for part in place)
        error = folder.error("", **{name: "\1"})
        assert f"{PREFIX}{name} is" in error or f"{place[-1]}" in error
        assert "\n" not in error
