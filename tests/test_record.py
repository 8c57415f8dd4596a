"""`record`: a household goes over real sockets into a file, and comes out of it as it was, under other names."""

import base64
import io
import json
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import households
import pytest
from broker import free_port
from households import NAMES, golden
from program import Finished, command, household, section, write

from envoy_bridge.config import load
from envoy_bridge.errors import EnvoyBridgeError, GatewayUnreachable
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.quirks import QUIRKS
from envoy_bridge.record import UNPOLLED, endpoints, record
from envoy_bridge.simulator.faults import Hang, Reset
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recorded, Recording
from envoy_bridge.simulator.login import PASSWORD, USERNAME, TokenService

TOKENS = "d8_3_generator"
DIGEST = "r4_10_split_net"
PAGES = "r3_2_html_mw"


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway, and the configuration that reads it."""

    folder: Path
    gateway: SimulatedGateway
    tokens: TokenService
    config: Path

    async def record(self, name: str = "out.har", *, progress: io.StringIO | None = None, **how: Any) -> Path:
        """Record it in this process."""
        path = self.folder / name
        told = progress or io.StringIO()
        assert await record(load(self.config, {}), {}, path, out=io.StringIO(), progress=told, **how) == 0
        return path

    async def run(self, *arguments: object) -> Finished:
        """The command as a user types it."""
        return await command(self.folder, "record", *arguments, "--config", self.config)


@asynccontextmanager
async def place(folder: Path, world: str | Recording) -> AsyncIterator[Place]:
    recording = household(world) if isinstance(world, str) else world
    async with TokenService() as tokens, SimulatedGateway(recording, tokens=tokens) as gateway:
        login = {"enlighten": tokens.url, "entrez": tokens.url}
        state = {"directory": str(folder / "state")}
        config = write(
            folder / "config.toml", {"login": login, "state": state, "gateway": [section(recording, gateway)]}
        )
        yield Place(folder, gateway, tokens, config)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def subscribed(world: Recording) -> str:
    """What a subscriber sees of a household."""
    return golden(await households._look(world, QUIRKS))  # noqa: SLF001 - of the tests


def shown(world: Recording, recording: Recording) -> Recording:
    """The household without what its gateway did not show to the login that recorded it."""
    refused = {path: reply for path, reply in recording.replies.items() if reply.status == 401}
    return replace(world, replies={**world.replies, **refused})


def renamed(text: str, before: Recording, after: Recording) -> str:
    """What a subscriber sees, with the serial numbers that the recording has; names of loads and the like left out."""
    old, new = ([found for each in answers(world) for found in numbers(each)] for world in (before, after))
    mapping = dict(zip(old, new, strict=True))
    assert len(set(mapping.values())) == len(mapping)
    assert not set(old) & set(new)
    told = re.sub(r"\d{12,14}", lambda found: mapping.get(found[0], found[0]), text)
    return unnamed(told)


def unnamed(text: str) -> str:
    named = r"(?m)^((?:dry_contact/\w+/name|generator/(?:model|manufacturer)) ).*"
    return "\n".join(sorted(re.sub(named, r"\1", text).splitlines()))


def answers(world: Recording) -> list[bytes]:
    """What was answered to each path that could be asked."""
    found = [world.reply(path, 0.0) for path in endpoints()]
    return [reply.body if reply else b"" for reply in found]


def numbers(body: bytes) -> list[str]:
    return [found.decode() for found in re.findall(rb"(?<![\d.])\d{12,14}(?![\d.])", body)]


@pytest.mark.parametrize("name", NAMES)
async def test_every_household_comes_out_of_its_recording_as_it_was(tmp_path: Path, name: str) -> None:
    async with place(tmp_path, name) as house:
        path = await house.record()
    recording = Recording.from_har(path)
    original = shown(household(name), recording)
    assert unnamed(await subscribed(recording)) == renamed(await subscribed(original), original, recording)
    assert recording.firmware == household(name).firmware
    assert recording.serial.startswith("99")
    assert not house.gateway.leaks
    assert house.gateway.in_flight_max == 1


@pytest.mark.parametrize("name", [TOKENS, DIGEST, PAGES])
async def test_a_recording_can_be_served_and_recorded_with_the_login_of_its_own_serial(
    tmp_path: Path, name: str
) -> None:
    async with place(tmp_path, name) as house:
        first = await house.record("first.har")
    (tmp_path / "again").mkdir()
    async with place(tmp_path / "again", Recording.from_har(first)) as house:
        second = await house.record("second.har")
    one, two = Recording.from_har(first), Recording.from_har(second)
    assert two.paths == one.paths
    assert [reply.status for reply in two.replies.values()] == [reply.status for reply in one.replies.values()]
    assert unnamed(await subscribed(two)) == renamed(await subscribed(one), one, two)


def test_everything_that_is_known_is_asked_once_and_no_stream() -> None:
    asked = endpoints()
    assert {"/info", "/home", "/production.json?details=1", "/production", "/ivp/livedata/status"} <= asked.keys()
    assert {row.endpoint.paths[0] for row in ROWS if not row.endpoint.stream} <= asked.keys()
    assert "/stream/meter" not in asked
    polled = {path for row in ROWS for path in row.endpoint.paths}
    assert not polled & UNPOLLED.keys(), "its reason to be in that list is gone"


async def test_it_only_asks_and_gives_the_gateway_as_long_as_an_answer_took(tmp_path: Path) -> None:
    async with place(tmp_path, TOKENS) as house:
        house.gateway.faults["/ivp/pdm/device_data"] = Hang(0.3)
        await house.record()
        asked = [each for each in house.gateway.requests if each.authorised and each.path != "/auth/check_jwt"]
    assert {each.method for each in asked} == {"GET"}
    assert [each.path for each in asked][-len(endpoints()) :] == [*endpoints()]
    slow = next(number for number, each in enumerate(asked) if each.path == "/ivp/pdm/device_data")
    assert asked[slow + 1].time - asked[slow].time > 0.55


CANARY = {
    "text": "CANARY",
    "phrase": "Anna Canary's house",
    "email": "canary@example.com",
    "mac": "0A:CA:4A:41:59:01",
    "ip": "10.44.55.66",
    "ipv6": "2001:db8:cafe::77",
    "serial": "482288877766",
    "number": "482288877755",
    "token": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJDQU5BUlkifQ.Q0FOQVJZ",
    "phone": "+43 664 9988776",
    "load": "Sauna in the cellar",
    "street": "Kanarienweg 12",
}


def talkative(name: str) -> Recording:
    """A household whose gateway tells everything about its people, in every reply."""
    world = household(name)
    secrets = {f"x_{key}": value for key, value in CANARY.items()} | {
        "ssid": CANARY["text"],
        "owner": {"name": CANARY["phrase"], "contact": [CANARY["email"], CANARY["phone"]]},
        "network": {"mac": CANARY["mac"], "ip": CANARY["ip"], "dns": [CANARY["ipv6"]]},
        "load_name": CANARY["load"],
        "address": CANARY["street"],
        "token": CANARY["token"],
        "device_serial": int(CANARY["number"]),
        "again": int(CANARY["number"]),
        CANARY["serial"]: 1,
        CANARY["mac"]: 2,
        CANARY["email"]: 3,
        CANARY["load"]: 4,
        "nested": json.dumps(CANARY),
        "encoded": base64.b64encode(CANARY["phrase"].encode()).decode(),
        "type": CANARY["text"],
    }
    return replace(world, replies={path: spoilt(reply, secrets) for path, reply in world.replies.items()})


def spoilt(reply: Recorded, secrets: Mapping[str, Any]) -> Recorded:
    said = " ".join(CANARY.values())
    try:
        body = json.loads(reply.body)
    except ValueError:
        text = reply.body.decode()
        for end in ("</envoy_info>", "</table>", "</body>"):
            text = text.replace(end, f"<!-- {said} --><p title='{said.replace(chr(39), '')}'>{said}</p>{end}")
        return replace(reply, body=text.encode())
    if isinstance(body, dict):
        return replace(reply, body=json.dumps({**secrets, **body} | {"more": secrets}).encode())
    entries = [{**secrets, **entry} if isinstance(entry, dict) else entry for entry in body]
    return replace(reply, body=json.dumps(entries).encode())


@pytest.mark.parametrize("name", [TOKENS, "d8_3_three_phase_battery_pv3p", DIGEST, PAGES, "r3_17_html"])
async def test_no_canary_survives(tmp_path: Path, name: str) -> None:
    world = talkative(name)
    async with place(tmp_path, world) as house:
        path = await house.record()
        secrets = [PASSWORD, USERNAME, *house.tokens.issued, world.serial, world.serial[-6:]]
    written = path.read_text()
    plain = " ".join(each["response"]["content"]["text"] for each in json.loads(written)["log"]["entries"])
    for secret in [*CANARY.values(), *secrets]:
        for form in forms(secret):
            assert form not in written, form
            assert form not in plain, form
    for word in ("canary", "kanarien", "sauna", "anna"):
        assert word not in written.lower()
    assert "/power" in await subscribed(Recording.from_har(path)), "and it is a household still"


def forms(secret: str) -> set[str]:
    """A text as it is, as JSON and addresses write it, and inside base64 wherever it begins."""
    shifted = {base64.b64encode(b"x" * shift + secret.encode()).decode()[4:-4] for shift in (0, 1, 2)}
    long = {form for form in shifted if len(form) > 7}
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), secret.lower()} | long


async def test_as_a_user_types_it(tmp_path: Path) -> None:
    async with place(tmp_path, TOKENS) as house:
        done = await house.run("mine.har")
        assert done.code == 0, done.err
        path = tmp_path / "mine.har"
        lines = done.err.splitlines()
        assert len(lines) == 1 + len(endpoints()), "one a path, and who it is"
        assert re.search(r"(?m)^  /ivp/meters/readings +200 +\d+ bytes +\d+ ms$", done.err)
        assert re.search(r"(?m)^  /ivp/ensemble/relay +404 ", done.err)
        told = (
            rf"{len(endpoints())} endpoints asked, (\d+) answered, \d+ not permitted\nmine.har \d+ kB; .* look at it "
        )
        assert re.match(told, done.out)
        assert path.stat().st_mode & 0o777 == 0o600
        again = await house.run("mine.har")
        assert (again.code, again.out) == (1, "")
        assert "--force" in again.err
        old = path.stat().st_mtime_ns
        assert (await house.run("mine.har", "--force")).code == 0
        assert path.stat().st_mtime_ns > old
        assert files(tmp_path) == ["config.toml", "mine.har", "state"], "nothing is left beside it"


async def test_the_file_is_har_and_tells_when_and_how_long(tmp_path: Path) -> None:
    began = time.time()
    async with place(tmp_path, DIGEST) as house:
        path = await house.record()
    log = json.loads(path.read_text())["log"]
    assert (log["version"], log["creator"]["name"]) == ("1.2", "envoy-bridge")
    assert {each["response"]["status"] for each in log["entries"]} == {200, 401, 404}
    for entry in log["entries"]:
        assert entry.keys() == {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert entry["time"] == sum(entry["timings"].values())
        assert entry["startedDateTime"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began))
        for message in (entry["request"], entry["response"]):
            assert (message["headers"], message["cookies"]) == ([], [])
        content = entry["response"]["content"]
        assert content["size"] == len(content["text"].encode())


async def test_what_does_not_come_is_left_out_and_said(tmp_path: Path) -> None:
    async with place(tmp_path, TOKENS) as house:
        house.gateway.faults["/ivp/pdm/device_data"] = Reset()
        done = await house.run("out.har")
    assert done.code == 0
    assert "no answer, and not in the file: /ivp/pdm/device_data\n" in done.out
    assert "/ivp/pdm/device_data" not in Recording.from_har(tmp_path / "out.har").paths


class Meanwhile(io.StringIO):
    """Does something as soon as the first endpoint is asked."""

    def __init__(self, what: Any) -> None:
        super().__init__()
        self._what = what

    def write(self, text: str) -> int:
        if "/ivp/meters" in text:
            self._what()
        return super().write(text)


async def test_a_gateway_that_goes_away_ends_it_and_leaves_no_file(tmp_path: Path) -> None:
    async with place(tmp_path, DIGEST) as house:
        going = Meanwhile(lambda: house.gateway.faults.update({"*": Reset()}))
        with pytest.raises(GatewayUnreachable):
            await house.record(progress=going)
    assert not (tmp_path / "out.har").exists()


async def test_a_file_that_has_come_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    async with place(tmp_path, PAGES) as house:
        with pytest.raises(EnvoyBridgeError, match="--force"):
            await house.record(progress=Meanwhile(lambda: (tmp_path / "out.har").write_text("mine")))
    assert (tmp_path / "out.har").read_text() == "mine"


async def test_of_several_gateways_one_is_to_be_named(tmp_path: Path) -> None:
    async with place(tmp_path, DIGEST) as house:
        host = f"127.0.0.1:{house.gateway.port}"
        both = [{"host": host}, {"host": f"127.0.0.1:{free_port()}"}]
        write(house.config, {"gateway": both, "state": {"directory": str(tmp_path / "state")}})
        for arguments, told in (((), "several gateways"), (("--gateway", "roof"), "no gateway roof")):
            done = await house.run("out.har", *arguments)
            assert done.code == 78
            assert told in done.err
            assert host in done.err
        assert (await house.run("out.har", "--gateway", host)).code == 0


@pytest.mark.parametrize("path", [".", "nowhere/out.har", "sealed/out.har"])
async def test_a_place_that_cannot_be_written_is_1(tmp_path: Path, path: str) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    sealed.chmod(0o500)
    if path.startswith("sealed") and os.access(sealed, os.W_OK):
        pytest.skip("nothing is sealed for root")
    async with place(tmp_path, PAGES) as house:
        done = await house.run(path)
    assert (done.code, done.out) == (1, "")
    assert path.partition("/")[0] in done.err.splitlines()[-1]


async def test_a_gateway_that_is_gone_is_1(tmp_path: Path) -> None:
    config = write(tmp_path / "config.toml", {"gateway": [{"host": f"127.0.0.1:{free_port()}"}]})
    done = await command(tmp_path, "record", "out.har", "--config", config)
    assert (done.code, done.out) == (1, "")
    assert "does not answer" in done.err


async def test_help_says_what_goes_and_what_stays(tmp_path: Path) -> None:
    done = await command(tmp_path, "record", "--help")
    text = " ".join(done.out.split())
    for told in ("serial numbers", "tokens", "e-mail", "names of", "Kept: numbers, times, time zone"):
        assert told in text
    assert (await command(tmp_path, "record")).code == 2
