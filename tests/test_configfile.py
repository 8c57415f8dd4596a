"""Configuration files: what is taken, what is refused and with which words."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from configuration import EVERYTHING, Folder

from envoy_bridge import config
from envoy_bridge.config import Config, Duration, Gateway, Mqtt, Secret, Tls
from envoy_bridge.errors import ConfigurationError
from envoy_bridge.schema import is_list, is_section, kinds
from envoy_bridge.settings import Section


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def assert_whole(section: type[Section], tree: dict[str, Any]) -> None:
    for key, options in kinds(section).items():
        assert key in tree or f"{key}_file" in tree, f"{section.__name__}.{key} is not in EVERYTHING"
        kind, value = (get_args(options[0])[0], tree[key][0]) if is_list(options[0]) else (options[-1], tree.get(key))
        if is_section(kind):
            assert isinstance(value, dict)
            assert_whole(kind, value)


def test_every_key_is_taken(folder: Folder) -> None:
    assert_whole(Config, tomllib.loads(EVERYTHING))
    loaded = folder.load(EVERYTHING)
    assert loaded.mqtt.password == Secret("CANARY-mqtt")
    assert loaded.mqtt.tls == Tls(
        **{f"{name}_file": str(folder.path / f"{name}.pem") for name in ("ca", "cert", "key")}
    )
    (gateway,) = loaded.gateway
    assert gateway.password == Secret("CANARY-enlighten")
    assert gateway.token == Secret("CANARY-token")
    assert loaded.cloud.enlighten is not None
    assert loaded.cloud.enlighten.sites == ("1", "2")
    assert loaded.cloud.enlighten.every == Duration(900)


def test_defaults_are_those_written_down(folder: Folder) -> None:
    loaded, default = folder.load(EVERYTHING), Config()
    for section in ("login", "homeassistant", "homie", "history", "web", "log"):
        assert getattr(loaded, section) == getattr(default, section)
    assert default.mqtt == Mqtt(host="localhost", port=1883, base_topic="envoy", client_id="envoy-bridge", tls=False)
    assert Gateway() == Gateway(fast=Duration(5), slow=Duration(60), inverters=Duration(300))
    assert folder.load("") == config.load(None, {}) == default


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # keys that are not there
        ("[mqtt]\nprot = 1", '[mqtt] has no key "prot"; did you mean "port"?'),
        ("[mqtt]\npasword = 'CANARY'", '[mqtt] has no key "pasword"; did you mean "password"?'),
        ("[[gateway]]\n[[gateway]]\nhots = 'a'", '[[gateway]] no. 2 has no key "hots"; did you mean "host"?'),
        ("[mqtt.tls]\nca = 'a'", '[mqtt.tls] has no key "ca"; the keys are ca_file, cert_file, key_file'),
        ("[cloud.enphase]\n", '[cloud] has no key "enphase"; the keys are enlighten, tigo, growatt, locus'),
        ("[mqqt]\n", 'there is no key "mqqt"; did you mean "mqtt"?'),
        ("host = 'a'", 'there is no key "host"; it belongs in [mqtt] or [[gateway]]'),
        ("[log]\ntoken = 'CANARY'", '[log] has no key "token"; it belongs in [[gateway]]'),
        ('[log]\n"a\\nb" = 1', '[log] has no key "a\\nb"; the keys are level, format'),
        # the wrong shape
        ("[gateway]\nhost = 'a'", "there can be several of [gateway]: write [[gateway]], with two brackets"),
        ("[[mqtt]]\nhost = 'a'", "mqtt must be a section: write [mqtt]"),
        ("cloud.tigo = true", "tigo must be a section: write [cloud.tigo]"),
        ("[cloud.growatt]\nsites = '4'", '[cloud.growatt] sites must be a list, for example sites = ["..."]'),
        (
            "[cloud.tigo]\nsites = ['a', 4]",
            '[cloud.tigo] sites[1] is 4; it must be text that is not empty, for example sites[1] = "..."',
        ),
        # the wrong type
        (
            "[mqtt]\nport = '1883'",
            '[mqtt] port is "1883"; it must be a port number from 1 to 65535, for example port = 1883',
        ),
        ("[mqtt]\nport = true", "[mqtt] port is true; it must be a port number"),
        ("[mqtt]\ntls = 'yes'", '[mqtt] tls is "yes"; it must be true or false, for example tls = true'),
        ("[homie]\nenabled = 1", "[homie] enabled is 1; it must be true or false, for example enabled = true"),
        ("[mqtt]\nhost = ['a']", "[mqtt] host is a list; it must be a host name or an address alone"),
        ("[mqtt]\nusername = {}", "[mqtt] username is a table; it must be a user name"),
        (
            "[[gateway]]\nserial = 122300000000",
            "[[gateway]] no. 1 serial is 122300000000; it must be 1 to 32 letters and digits between quotes",
        ),
        ("[mqtt]\npassword = 1234", "[mqtt] password must be text between quotes"),
        (
            "[[gateway]]\ntoken_file = 5",
            '[[gateway]] no. 1 token_file must be a path between quotes, for example "/run/secrets/token_file"',
        ),
        (
            "[[gateway]]\nfast = 5",
            '[[gateway]] no. 1 fast is 5; it must be a duration of at least 1s, for example fast = "5s"',
        ),
        # the wrong value
        ("[mqtt]\nport = 65536", "[mqtt] port is 65536; it must be a port number from 1 to 65535"),
        (
            "[mqtt]\nprotocol = 4",
            '[mqtt] protocol is 4; it must be one of "auto", "5", "3.1.1", for example protocol = "auto"',
        ),
        (
            "[mqtt]\nhost = 'broker:1883'",
            '[mqtt] host is "broker:1883"; it must be a host name or an address alone (the port has its own key)',
        ),
        ("[mqtt]\nhost = ''", '[mqtt] host is ""; it must be'),
        (
            "[mqtt]\nbase_topic = 'home/+/envoy'",
            '[mqtt] base_topic is "home/+/envoy"; it must be topic levels of a-z, 0-9, _ and -',
        ),
        ("[mqtt]\nbase_topic = 'Envoy'", '[mqtt] base_topic is "Envoy"; it must be topic levels'),
        ("[homeassistant]\nprefix = 'a/#'", '[homeassistant] prefix is "a/#"; it must be topic levels'),
        ("[[gateway]]\nfast = '500ms'", '[[gateway]] no. 1 fast is "500ms"; it must be a duration of at least 1s'),
        ("[[gateway]]\nfast = '0s'", '[[gateway]] no. 1 fast is "0s"; it must be a duration of at least 1s'),
        ("[[gateway]]\nslow = '9s'", '[[gateway]] no. 1 slow is "9s"; it must be a duration of at least 10s'),
        (
            "[[gateway]]\ninverters = '59s'",
            '[[gateway]] no. 1 inverters is "59s"; it must be a duration of at least 60s',
        ),
        ("[[gateway]]\nserial = 'a b'", '[[gateway]] no. 1 serial is "a b"; it must be 1 to 32 letters and digits'),
        (
            "[history]\nmax_size = '64'",
            '[history] max_size is "64"; it must be a size of at least 500KB, for example max_size = "64MB"',
        ),
        ("[web]\nlisten = '8099'", '[web] listen is "8099"; it must be host:port, or "" for none'),
        ("[log]\nlevel = 'loud'", '[log] level is "loud"; it must be one of "debug", "info", "warning", "error"'),
        (
            "[login]\nentrez = 'http://entrez.example.org'",
            '[login] entrez is "http://entrez.example.org"; it must be scheme and host',
        ),
        ("[mqtt]\nclient_id = 'a\\u0000'".replace("'", '"'), '[mqtt] client_id is "a\\u0000"; it must be text'),
        (
            "[mqtt.tls]\nca_file = 'absent.pem'",
            '[mqtt.tls] ca_file is "absent.pem"; it must be a file that can be read',
        ),
        ("[state]\ndirectory = '$ABSENT/a'", '[state] directory is "$ABSENT/a"; it must be a folder'),
        (
            "[cloud.growatt]\ntimezone = 'Europe/Wien'",
            '[cloud.growatt] timezone is "Europe/Wien"; it must be an IANA time zone',
        ),
        ("[site]\ngrid_meter = 'a b'", '[site] grid_meter is "a b"; it must be 1 to 32 letters and digits'),
        ("[site]\ngateways = '1'", "[site] gateways must be a list"),
        # secrets
        ("[mqtt]\nusername = 'a'\npassword = ''", "[mqtt] password must be one line of text that is not empty"),
        (
            "[mqtt]\npassword = 'CANARY'\npassword_file = 'token'",
            "[mqtt] has both password and password_file; take one of them away",
        ),
        (
            "[mqtt]\npassword_file = 'absent'",
            "[mqtt] password_file: cannot read {folder}/absent: No such file or directory",
        ),
        ("[mqtt]\npassword_file = '.'", "[mqtt] password_file: cannot read {folder}: Is a directory"),
        ("[mqtt]\npassword_file = 'binary'", "[mqtt] password_file: cannot read {folder}/binary: it is not text"),
        ("[mqtt]\npassword_file = 'empty'", "[mqtt] password_file: {folder}/empty is empty; write the secret into it"),
        (
            "[mqtt]\npassword_file = '$ABSENT/a'",
            "[mqtt] password_file: the environment does not have the variable in $ABSENT/a",
        ),
        ("[mqtt]\npassword_file = 'lines'", "[mqtt] password must be one line of text that is not empty"),
        # keys that do not fit together
        ("[mqtt]\npassword = 'CANARY'", "[mqtt] password is there without username; give the broker's user name too"),
        (
            "[[gateway]]\npassword = 'CANARY'",
            "[[gateway]] no. 1 password is there without username; give the e-mail address",
        ),
        ("[mqtt.tls]\nkey_file = 'key.pem'", "[mqtt.tls] key_file is there without cert_file"),
        (
            "[[gateway]]\nhost = 'a'\n[[gateway]]\nhost = 'A'",
            "two [[gateway]] have the same host; take one of them away",
        ),
        (
            "[[gateway]]\nserial = '1'\n[[gateway]]\nserial = '1'",
            "two [[gateway]] have the same serial; take one of them away",
        ),
        ("[[gateway]]\nserial = '1'\n[[gateway]]\n", "with several [[gateway]] each needs host or serial"),
        (
            "[site]\ngrid_meter = '3'\n[[gateway]]\nserial = '1'\n[[gateway]]\nserial = '2'",
            "[site] names gateway 3, and no [[gateway]] has that serial; correct one",
        ),
        ("[site]\ngateways = ['1', '3']\n[[gateway]]\nserial = '1'", "[site] names gateway 3, and no [[gateway]]"),
        (
            "[site]\ngrid_meter = '3'\ngateways = ['1', '2']",
            '[site] grid_meter = "3" is not one of gateways; add it there, or name another',
        ),
        ("[cloud.tigo]\n", "[cloud.tigo] needs username and password"),
        (
            "[cloud.enlighten]\nkey = 'CANARY'",
            '[cloud.enlighten] client_id and client_secret are needed with api = "v4"',
        ),
        ("[cloud.enlighten]\nkey = 'CANARY'\napi = 'v2'", '[cloud.enlighten] user_id is needed with api = "v2"'),
        # not TOML
        ("[mqtt]\npassword = CANARY", "not TOML: Invalid value (at line 2, column 12)"),
        ("[mqtt\n", "not TOML: "),
        ("[mqtt]\na = 1\na = 'CANARY'", "not TOML: Cannot overwrite a value"),
        ("a = " + "9" * 5000, "not TOML: "),
        ("a = " + "[" * 9999, "not TOML: "),
    ],
)
def test_what_is_wrong_is_named_in_one_line(folder: Folder, text: str, message: str) -> None:
    folder.write("empty", "\n")
    folder.write("lines", "CANARY\nCANARY\n")
    folder.write("binary", b"\xff\xfeCANARY")
    error = folder.error(text)
    assert error.startswith(message.replace("{folder}", str(folder.path)))
    assert "\n" not in error
    assert "CANARY" not in error


def test_the_site_may_name_gateways_that_are_found_or_whose_serial_is_not_written_down(folder: Folder) -> None:
    assert folder.load("[site]\ngrid_meter = '3'").site.grid_meter == "3"
    known = "[[gateway]]\nserial = '1'\n[[gateway]]\nhost = 'a'"
    assert folder.load(f"[site]\ngateways = ['1', '3']\n{known}").site.gateways == ("1", "3")
    assert folder.load("[site]\ngateways = []").site.gateways == ()


def test_a_number_of_the_protocol_may_be_a_number(folder: Folder) -> None:
    assert folder.load("[mqtt]\nprotocol = 5").mqtt.protocol == "5"
    assert folder.load("[mqtt]\ntls = true").mqtt.tls is True
    assert folder.load('[web]\nlisten = ""').web.listen == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.toml", "there is no configuration file {}"),
        (".", "cannot read the configuration file {}: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        config.load(tmp_path / name, {})
    assert reason.format(tmp_path / name) in str(refused.value)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes("[mqtt]\nusername = 'Jürg'".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not UTF-8 text"):
        config.load(file, {})
    file.write_bytes("\ufeff[mqtt]\nusername = 'Jürg'".encode())
    assert config.load(file, {}).mqtt.username == "Jürg"
