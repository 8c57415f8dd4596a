"""`check` against set-ups that are broken in one way each: the fault is named, with what to type next, and the exit
code is right. And against those that are well."""

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from broker import PATH, Broker, free_port
from paho.mqtt import publish
from program import PYTHON, Finished, Site, command, environment, household, say, site, write

from envoy_bridge.simulator.faults import Answer, Html, Status
from envoy_bridge.simulator.login import PASSWORD
from envoy_bridge.simulator.roles import METER_STREAM

HOUSE = "d8_2_split_battery"
STANDARD = "d5_0_standard"
NEIGHBOUR = "d7_6_single_phase"
OLDEST = "r3_7_html_only"
SERIAL = household(HOUSE).serial
ANOTHER = "122000000000"
CANARY = "Canary"


def faults(done: Finished) -> list[str]:
    """The faults that were printed, each with the line that says what to do."""
    lines = done.out.splitlines()
    found = [at for at, line in enumerate(lines) if line.split()[:1] == ["FAULT"]]
    assert all(lines[at + 1].strip().startswith("next: ") for at in found), "what to type next"
    return [f"{lines[at].strip()} {lines[at + 1].strip()}" for at in found]


def warnings(done: Finished) -> str:
    lines = [line.strip() for line in done.out.splitlines()]
    return "\n".join(line for line in lines if line.startswith("warn") and "clock:" not in line)


def secrets(place: Site, done: Finished) -> list[str]:
    """Those that stand in what was printed."""
    parts = [part for token in place.tokens.issued for part in token.split(".")[1:]]
    return [secret for secret in (PASSWORD, CANARY, *parts) if secret in done.out + done.err]


@dataclass(frozen=True, slots=True)
class Broken:
    """One way to be broken: what is done to a set-up, what the fault is called, and what is to be done about it."""

    spoil: Callable[[Site], object]
    fault: str
    next: str
    keys: dict[str, Any] | None = None
    """Sections of the configuration."""


def _key(**keys: Any) -> Callable[[Site], object]:
    return lambda place: place.sections[HOUSE].update(keys)


def _fault(path: str, fault: Any) -> Callable[[Site], object]:
    return lambda place: place.gateways[HOUSE].faults.update({path: fault})


def _only_token(place: Site, token: str) -> None:
    place.sections[HOUSE] = {"host": place.sections[HOUSE]["host"], "token": token}


def _refused_token(place: Site) -> None:
    _only_token(place, token := place.tokens.issue(SERIAL))
    place.tokens.issued.remove(token)


def _no_login(place: Site) -> None:
    del place.sections[HOUSE]["username"], place.sections[HOUSE]["password"]


BROKEN = {
    "gone": Broken(
        lambda place: place.sections[HOUSE].update(host=f"127.0.0.1:{free_port()}"),
        "does not answer",
        "envoy-bridge discover",
    ),
    "wrong serial": Broken(_key(serial=ANOTHER), f"not {ANOTHER}", "envoy-bridge discover"),
    "wrong password": Broken(_key(password=CANARY), "check username and password", "envoy-bridge check"),
    "second factor": Broken(lambda place: setattr(place.tokens, "mfa", True), "second factor", "token_file"),
    "no login": Broken(_no_login, "set username and password", "entrez"),
    "token of another": Broken(
        lambda place: _only_token(place, place.tokens.issue(ANOTHER)), f"the token is for gateway {ANOTHER}", "entrez"
    ),
    "expired token": Broken(
        lambda place: _only_token(place, place.tokens.issue(SERIAL, life=-3600.0)), "the token expired on", "entrez"
    ),
    "refused token": Broken(_refused_token, "refuses the token", "token_file"),
    "not a token": Broken(
        lambda place: _only_token(place, f"<html>{CANARY}</html>"), "a web page (HTML), not a token", "token_file"
    ),
    "html": Broken(_fault("*", Html()), "is this address a gateway?", "envoy-bridge discover"),
    "starting": Broken(_fault("*", Status(503)), "status 503", "envoy-bridge discover"),
    "meters starting": Broken(_fault("/ivp/meters/readings", Status(503)), "status 503", "some minutes"),
    "no state directory": Broken(
        lambda _place: None, "cannot make the state directory", "sudo install", {"state": {"directory": "/proc/absent"}}
    ),
    "state directory read-only": Broken(
        lambda _place: None, "cannot write /proc/", "sudo install", {"state": {"directory": "/proc"}}
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_set_up_is_one_fault_with_what_to_do_next(tmp_path: Path, name: str) -> None:
    broken = BROKEN[name]
    async with site(tmp_path, HOUSE) as place:
        broken.spoil(place)
        done = await command(tmp_path, "check", "--config", place.configure(**broken.keys or {}))
        assert (done.code, done.err) == (1, "")
        assert broken.fault in faults(done)[0]
        assert broken.next in faults(done)[0]
        assert f"{len(faults(done))} fault(s)" in done.out
        assert place.sections[HOUSE]["host"] in done.out, "which gateway"
        assert "connected, MQTT 5" in done.out, "the rest is checked too"
        assert not secrets(place, done)
        if broken.keys:
            assert place.tokens.logins == 0, "a login that cannot be remembered would be repeated at each check"
        assert len(faults(done)) == 1


async def test_all_is_well(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, STANDARD, NEIGHBOUR) as place:
        done = await command(tmp_path, "check", "--config", place.configure())
        assert (done.code, done.err) == (0, "")
        assert faults(done) == []
        assert place.tokens.logins == 1, "the gateways of an account share it"
        assert warnings(done) == ""
        for told in (
            f"{SERIAL} answers at https://",
            "token of sun@example.org, owner, 365 days left",
            "login: digest (envoy)",
            "can be written, and only we can read",
            "wiring: nothing looks odd",
            "may write and read below envoy/",
            "Start it: envoy-bridge run",
        ):
            assert told in done.out
        assert done.out.isascii(), "in a pipe"
        assert max(map(len, _drawings(done))) <= 79
        assert not secrets(place, done)
        assert await place.retained("") == {}, "nothing is left on the broker"
        assert [path.name for path in (tmp_path / "state").glob("check*")] == []


def _drawings(done: Finished) -> list[str]:
    """All that is neither a finding nor its next step."""
    marks = ("ok", "note", "warn", "FAULT", "next:")
    return [line for line in done.out.splitlines() if line.split()[:1] and line.split()[0] not in marks]


async def test_each_endpoint_is_asked_once_and_stands_there_with_what_it_feeds(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        done = await command(tmp_path, "check", "--config", place.configure(), "--json")
        assert (done.code, done.err) == (0, "")
        asked = [request.path for request in place.gateways[HOUSE].requests if request.path != "/info"]
        assert len(asked) == len(set(asked))
        assert METER_STREAM not in asked
        (gateway,) = [each for each in json.loads(done.out)["sections"] if each["section"].startswith("gateway")]
        endpoints = {each["path"]: each for each in gateway["endpoints"]}
        assert endpoints["/ivp/meters/readings"]["status"] == "ok"
        assert endpoints["/ivp/meters/readings"]["milliseconds"] >= 0
        assert set(endpoints["/ivp/meters/readings"]["feeds"]) == {"production", "net_consumption", "storage"}
        assert set(endpoints) - {"/info"} == {path for path in asked if path != "/auth/check_jwt"}


async def test_json_has_every_finding(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        place.sections[HOUSE]["password"] = CANARY
        done = await command(tmp_path, "check", "--config", place.configure(), "--json")
        assert (done.code, done.err) == (1, "")
        told = json.loads(done.out)
        assert (told["ok"], told["faults"]) == (False, 1)
        (fault,) = [each for part in told["sections"] for each in part["findings"] if each["level"] == "fault"]
        assert fault["code"] == "credentials_rejected"
        assert fault["next"]
        assert not secrets(place, done)


async def test_old_firmware_without_any_json_is_well(tmp_path: Path) -> None:
    async with site(tmp_path, OLDEST) as place:
        done = await command(tmp_path, "check", "--config", place.configure())
        assert (done.code, done.err) == (0, "")
        assert faults(done) == []
        (absent,) = [line for line in done.out.splitlines() if "not there, as on many sites" in line]
        assert "/ivp/meters" in absent
        assert "873 W" in done.out
        paths = [request.path for request in place.gateways[OLDEST].requests]
        assert paths.count("/production") == 1, "two endpoints share it"


async def test_a_fault_of_firmware_is_told_with_its_meaning(tmp_path: Path) -> None:
    async with site(tmp_path, "d8_3_total_ct") as place:
        done = await command(tmp_path, "check", "--config", place.configure())
        assert done.code == 0
        (line,) = [line for line in done.out.splitlines() if ": power-factor-summed." in line]
        assert "adds up the power factors of the phases" in line


async def test_a_meter_that_the_gateway_complains_of_is_named(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        meters = household(HOUSE).reply("/ivp/meters", 0.0)
        assert meters is not None
        spoilt = meters.body.replace(b'"normal"', b'"check-wiring"', 1)
        assert spoilt != meters.body
        place.gateways[HOUSE].faults["/ivp/meters"] = Answer(spoilt)
        done = await command(tmp_path, "check", "--config", place.configure())
        assert done.code == 0, "data flows"
        assert "check-wiring" in warnings(done)
        assert "CT" in warnings(done)


async def test_clocks_that_differ_are_told(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        info = household(HOUSE).reply("/info", 0.0)
        assert info is not None
        began, _, rest = info.body.partition(b"<time>")
        for offset, told in ((-600, "10 minutes ahead of"), (7200, "2 hours behind"), (0, "")):
            moment = b"%d" % (time.time() + offset)
            place.gateways[HOUSE].faults["/info"] = Answer(began + b"<time>" + moment + rest[rest.index(b"<") :])
            done = await command(tmp_path, "check", "--config", place.configure())
            (line,) = [line for line in done.out.splitlines() if "clock:" in line]
            assert told in line
            assert ("warn" in line) == bool(told)


async def test_an_endpoint_that_fails_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        place.gateways[HOUSE].faults["/ivp/pdm/device_data"] = Status(503)
        place.gateways[HOUSE].faults["/ivp/ensemble/power"] = Answer(b'{"devices:": "none"}')
        done = await command(tmp_path, "check", "--config", place.configure())
        assert done.code == 0
        assert "/ivp/pdm/device_data is not available now (status 503)" in warnings(done)
        assert "/ivp/ensemble/power" in warnings(done)


async def test_readings_that_are_html_leave_import_and_export_unknown(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        place.gateways[HOUSE].faults["/ivp/meters/readings"] = Html()
        done = await command(tmp_path, "check", "--config", place.configure())
        assert "the gateway lists CTs, but their readings are not to be had" in warnings(done)


async def test_a_local_user_that_is_refused_is_told(tmp_path: Path) -> None:
    async with site(tmp_path, STANDARD) as place:
        place.sections[STANDARD] |= {"username": "local", "password": CANARY}
        done = await command(tmp_path, "check", "--config", place.configure())
        assert (done.code, done.err) == (0, "")
        assert "refuses the local user local" in warnings(done)
        assert not secrets(place, done)


async def test_a_token_by_hand_that_ends_soon_is_told(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        _only_token(place, place.tokens.issue(SERIAL, life=9.5 * 86400))
        done = await command(tmp_path, "check", "--config", place.configure())
        assert done.code == 0
        assert "9 days left; nobody renews it" in warnings(done)
        assert not secrets(place, done)


async def test_files_that_others_can_read_are_told(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE) as place:
        config = place.configure()
        assert (await command(tmp_path, "check", "--config", config)).code == 0
        token = tmp_path / "state" / f"token-{SERIAL}.json"
        token.chmod(0o644)
        config.chmod(0o644)
        done = await command(tmp_path, "check", "--config", config)
        assert done.code == 0
        assert f"{token} can be read by other users" in warnings(done)
        assert f"next: chmod 600 {token}" in done.out
        assert f"next: chmod 600 {config}" in done.out


async def test_a_broker_that_is_down(tmp_path: Path) -> None:
    async with site(tmp_path, STANDARD) as place:
        place.broker.kill()
        done = await command(tmp_path, "check", "--config", place.configure())
        assert done.code == 1
        (fault,) = faults(done)
        assert "is the broker running?" in fault
        assert f"mosquitto_sub -h 127.0.0.1 -p {place.broker.port}" in fault


def guarded(folder: Path, *rules: str) -> Broker:
    """A broker that lets the user `bridge` in, and lets it do what the rules say."""
    program = shutil.which("mosquitto_passwd", path=PATH)
    if program is None:
        pytest.skip("mosquitto is not there: apt-get install mosquitto")
    passwords, access = folder / "passwords", folder / "access"
    passwords.touch(mode=0o600)
    access.touch(mode=0o600)
    access.write_text("\n".join(("user bridge", *rules, "")))
    subprocess.run([program, "-b", str(passwords), "bridge", CANARY], check=True)  # noqa: S603 - a program of the system
    return Broker(folder, f"password_file {passwords}", f"acl_file {access}", anonymous=False)


@pytest.mark.parametrize(
    ("rules", "keys", "code", "told"),
    [
        (("topic readwrite envoy/#",), {}, 0, "may write and read below envoy/"),
        (("topic readwrite envoy/#",), {"password": f"{CANARY} of another"}, 1, "check [mqtt] username and password"),
        (("topic read envoy/#",), {}, 1, "envoy"),
        (("topic write envoy/#",), {}, 0, "but not read there"),
        (("topic read envoy/#",), {"protocol": "3.1.1"}, 1, "envoy"),
    ],
    ids=["permitted", "refused", "may not write", "may not read", "may not write, MQTT 3"],
)
async def test_a_broker_with_rules(
    tmp_path: Path, rules: tuple[str, ...], keys: dict[str, str], code: int, told: str
) -> None:
    async with site(tmp_path, STANDARD, broker=guarded(tmp_path, *rules)) as place:
        config = place.configure(mqtt={"username": "bridge", "password": CANARY, **keys})
        done = await command(tmp_path, "check", "--config", config)
        assert (done.code, done.err) == (code, "")
        assert told in done.out
        assert len(faults(done)) == code
        assert not secrets(place, done)


async def test_a_broker_that_keeps_more_than_it_sends_at_once(tmp_path: Path) -> None:
    broker = Broker(tmp_path, "max_queued_messages 50", "max_inflight_messages 5")
    async with site(tmp_path, STANDARD, broker=broker) as place:
        root = f"envoy/{household(STANDARD).serial}"
        many: list[Any] = [(f"{root}/value-{number}", "1", 1, True) for number in range(400)]
        await asyncio.to_thread(publish.multiple, many, port=place.broker.port)
        done = await command(tmp_path, "check", "--config", place.configure())
        assert (done.code, done.err) == (0, "")
        assert "may write and read below envoy/" in done.out


async def test_what_earlier_set_ups_left_on_the_broker_is_told(tmp_path: Path) -> None:
    async with site(tmp_path, STANDARD) as place:
        serial = household(STANDARD).serial
        for topic in (f"{ANOTHER}/production/total/power", f"{ANOTHER}/state", f"{serial}/production/total/power"):
            await say(place.broker.port, f"envoy/{topic}", "1", retain=True)
        await say(place.broker.port, "envoy/bridge/state", "online", retain=True)
        config = place.configure()
        done = await command(tmp_path, "check", "--config", config)
        assert done.code == 0
        assert f"envoy/{ANOTHER} is of no gateway" in warnings(done)
        assert "2 retained topic(s)" in warnings(done)
        assert f"-t 'envoy/{ANOTHER}/#' --remove-retained" in done.out
        assert f"envoy/{serial} is" not in done.out
        assert "envoy-bridge is running" in done.out
        place.sections[STANDARD]["host"] = f"127.0.0.1:{free_port()}"
        done = await command(tmp_path, "check", "--config", place.configure())
        assert "is of no gateway" not in done.out, "who is there is not known"


async def test_who_reads_along_sees_progress_on_a_terminal_only(tmp_path: Path) -> None:
    async with site(tmp_path, STANDARD) as place:
        config = place.configure()
        words = shlex.join([PYTHON, "-m", "envoy_bridge", "check", "--config", str(config)])
        script = shutil.which("script")
        if script is None:
            pytest.skip("script is not there: apt-get install bsdutils")
        terminal = {"TERM": "xterm", "COLUMNS": "80"}
        done = await asyncio.to_thread(
            subprocess.run,
            [script, "-qec", words, "/dev/null"],
            cwd=tmp_path,
            env=environment(tmp_path, **terminal),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0
        assert f"asking {place.sections[STANDARD]['host']}: /info ..." in done.stdout
        assert "\033[32mok" in done.stdout
        assert "▶" in done.stdout
        shown = [line.rpartition("\033[2K")[2] for line in done.stdout.splitlines()]
        assert max(len(re.sub("\033\\[[0-9;]*m", "", line)) for line in shown if str(tmp_path) not in line) <= 80


async def test_a_configuration_that_is_wrong_is_78(tmp_path: Path) -> None:
    config = write(tmp_path / "config.toml", {"mqtt": {"hots": "localhost"}})
    done = await command(tmp_path, "check", "--config", config)
    assert (done.code, done.out) == (78, "")
    assert 'did you mean "host"?' in done.err
