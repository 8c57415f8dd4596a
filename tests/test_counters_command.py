"""The command `counters`: what it shows of the daemon's files, and what the daemon does when it is told to settle."""

import asyncio
import io
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from broker import Broker, Subscriber, free_port
from households import FIXTURES, look
from paho.mqtt import publish
from program import Finished, Site, command, household, say, site, write
from waiting import until

from envoy_bridge.cli import main
from envoy_bridge.clock import Clock
from envoy_bridge.config import load
from envoy_bridge.counters.command import show

HOUSE = "d8_2_split_battery"
SERIAL = household(HOUSE).serial
COUNTER = "production/total/energy_lifetime"
TRUTH = float(look(FIXTURES / f"{HOUSE}.har").values[COUNTER])
STEP = 500_000.0
REQUEST, RESPONSE = "envoy/bridge/request/counters", "envoy/bridge/response/counters"

NOON = 1_790_000_000  # 2026-09-21T14:13:20Z
LINE = {"raw": 5_000_000.25, "time": NOON, "origin": "eim:1"}
JUMP = {
    "code": "jump",
    "line": {"raw": 9_000_000, "time": NOON + 600, "origin": "eim:1", "offset": -3_999_999.75},
    "since": NOON + 60,
    "start": NOON + 60,
    "polls": 10,
    "unseen": 12.5,
}
PROVISIONAL = {"code": "zero", "line": {"raw": 0, "time": NOON}, "since": NOON, "start": NOON}
KEPT = {
    "consumption/total/energy_lifetime": {"line": {**LINE, "offset": 1000}, "published": 5_001_000.25},
    "production/total/energy_lifetime": {"line": LINE, "published": 5_000_000.25, "suspect": JUMP},
    "inverter/482200000017/energy_lifetime": {"line": PROVISIONAL["line"], "suspect": PROVISIONAL},
}

SHOWN = """\
gateway 122300000017, written 2026-09-21T14:30:00Z: 3 counters, 1 held
        counter                                    published Wh           raw Wh        offset Wh
  HELD  production/total/energy_lifetime             5000000.25          9000000                0  jump since \
2026-09-21T14:14:20Z: The counter rose by more than the installation can gain in the time gone by
  new   inverter/482200000017/energy_lifetime                 -                0                0  zero since \
2026-09-21T14:13:20Z: The counter is zero, as it is while a gateway starts
  ok    consumption/total/energy_lifetime            5001000.25       5000000.25             1000
"""


def keep(folder: Path, serial: str = "122300000017", counters: Mapping[str, Any] = KEPT, **more: Any) -> Path:
    """The file of a gateway's counters, as the daemon writes it."""
    path = folder / "state" / "counters" / f"{serial}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"counters": counters, **more}))
    os.utime(path, (NOON + 1000, NOON + 1000))
    return path


async def test_each_counter_is_a_line_and_those_that_are_held_come_first(tmp_path: Path) -> None:
    keep(tmp_path)
    for arguments in (["counters"], ["counters", "show"], ["counters", "show", "--gateway", "122300000017"]):
        shown = await command(tmp_path, *arguments)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith(SHOWN)
        advice = shown.out.removeprefix(SHOWN)
        assert [f"envoy-bridge counters {action}" in advice for action in ("accept", "reset", "set")] == [True] * 3
        assert "\033" not in shown.out


async def test_where_nothing_is_held_there_is_nothing_to_decide(tmp_path: Path) -> None:
    keep(tmp_path, counters={path: state for path, state in KEPT.items() if path.startswith("consumption")})
    shown = await command(tmp_path, "counters")
    assert "1 counters, none held" in shown.out
    assert "accept" not in shown.out


async def test_scripts_get_json(tmp_path: Path) -> None:
    keep(tmp_path)
    keep(tmp_path, "122300000018", {})
    shown = json.loads((await command(tmp_path, "counters", "--json")).out)
    assert list(shown["gateways"]) == ["122300000017", "122300000018"]
    told = shown["gateways"]["122300000017"]
    assert told["written"] == "2026-09-21T14:30:00Z"
    why = told["counters"][COUNTER].pop("why")
    assert "envoy-bridge counters" in why, "the whole of it"
    assert told["counters"][COUNTER] == {
        "stands": "held",
        "published": 5_000_000.25,
        "raw": 9_000_000,
        "offset": 0,
        "read": "2026-09-21T14:23:20Z",
        "code": "jump",
        "since": "2026-09-21T14:14:20Z",
    }
    one = json.loads((await command(tmp_path, "counters", "--json", "show", "--gateway", "122300000018")).out)
    assert list(one["gateways"]) == ["122300000018"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_in_colour_what_is_held(tmp_path: Path) -> None:
    keep(tmp_path)
    config = load(write(tmp_path / "config.toml", {"state": {"directory": str(tmp_path / "state")}}), {})
    for environ, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        out = Terminal()
        assert show(config, environ, None, out, as_json=False) == 0
        assert ("\033[1;33mHELD\033[0m  production" in out.getvalue()) is coloured
        assert out.getvalue().replace("\033[1;33m", "").replace("\033[0m", "").startswith(SHOWN)


async def test_what_cannot_be_shown_is_said_in_one_line(tmp_path: Path) -> None:
    async def refused(*arguments: str) -> str:
        done = await command(tmp_path, "counters", *arguments)
        assert (done.code, done.out) == (1, "")
        assert done.err.count("\n") == 1, done.err
        return done.err

    assert "no counters are kept in" in await refused()
    keep(tmp_path)
    assert "there is no gateway 4711: choose one of 122300000017" in await refused("--gateway", "4711")
    broken = keep(tmp_path, "122300000018")
    for content in (b"", b'{"counters": {"production/', b'{"counters": 5}', b"[" * 100_000):
        broken.write_bytes(content)
        if content:
            assert f"{broken} is damaged" in await refused()
        assert (await command(tmp_path, "counters", "--gateway", "122300000017")).code == 0


@pytest.mark.parametrize(
    "wrong",
    [["fly"], ["accept"], ["reset", "a/b", "c"], ["show", "a/b"], ["set", "a/b"]]
    + [["set", "a/b", number] for number in ("much", "-5", "nan", "inf")],
)
def test_wrong_usage_is_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["counters", *wrong])
    assert ended.value.code == 2
    assert "usage: envoy-bridge" in capsys.readouterr().err


@asynccontextmanager
async def held(folder: Path) -> AsyncIterator[Site]:
    """The daemon at a gateway whose production counter has jumped while it was away."""
    before = {"line": {"raw": TRUTH - STEP, "time": time.time() - 60}, "published": TRUTH - STEP}
    path = keep(folder, SERIAL, {COUNTER: before}, clean=True)
    async with site(folder, HOUSE) as place, place.daemon():
        async with Subscriber(place.broker.port, f"envoy/{SERIAL}/#") as subscriber:
            await subscriber.wait_for(f"envoy/{SERIAL}/{COUNTER}", told(TRUTH - STEP))
        await until(lambda: '"jump"' in path.read_text())
        yield place


def told(energy: float) -> bytes:
    return f"{energy:.3f}".rstrip("0").rstrip(".").encode()


async def settle(folder: Path, *arguments: object) -> Finished:
    return await command(folder, "counters", *arguments, "--config", folder / "config.toml")


@pytest.mark.parametrize(
    ("arguments", "stands"),
    [(["accept", COUNTER], TRUTH), (["reset", COUNTER], TRUTH - STEP), (["set", COUNTER, "1234567.5"], 1_234_567.5)],
    ids=["accept", "reset", "set"],
)
async def test_the_running_daemon_does_what_a_person_decides(
    tmp_path: Path, arguments: list[str], stands: float
) -> None:
    async with held(tmp_path) as place:
        shown = await settle(tmp_path, "show")
        assert f"HELD  {COUNTER} " in shown.out, "shown while the daemon runs"
        async with Subscriber(place.broker.port, "envoy/#") as subscriber:
            done = await settle(tmp_path, *arguments)
            assert (done.code, done.err) == (0, "")
            assert done.out.startswith(f"gateway {SERIAL}: {COUNTER} goes on at ")
            await subscriber.wait_for(f"envoy/{SERIAL}/{COUNTER}", told(stands))
            events = [json.loads(event)["code"] for event in subscriber.payloads("envoy/bridge/event")]
            assert events.count("counter_settled") == 1
        kept = json.loads((await settle(tmp_path, "--json")).out)["gateways"][SERIAL]["counters"][COUNTER]
        assert (kept["stands"], kept["published"]) == ("ok", stands)
        again = await settle(tmp_path, "accept", COUNTER)
        assert (again.code, again.out) == (1, "")
        assert "is not held" in again.err
        scripted = await settle(tmp_path, "accept", COUNTER, "--json", "--gateway", SERIAL)
        assert (scripted.code, scripted.err, json.loads(scripted.out)["status"]) == (1, "", "error")


async def ask(port: int, payload: str) -> dict[str, Any]:
    """What is answered to a request."""
    async with Subscriber(port, RESPONSE) as subscriber:
        await say(port, REQUEST, payload)
        await until(lambda: subscriber.messages)
        (answer,) = subscriber.messages
        assert not answer.retain
        assert len(answer.payload) < 100_000
        said: dict[str, Any] = json.loads(answer.payload)
        return said


REFUSED = {
    "": "not a request",
    "{}": "action",
    '{"action": "fly"}': "action",
    '{"action": "show", "password": "Canary"}': "password",
    '{"action": "accept"}': "needs the counter",
    '{"action": "accept", "counter": "production/#"}': "$.counter",
    '{"action": "accept", "counter": "a/b", "value": 5}': "value",
    '{"action": "set", "counter": "a/b"}': "value",
    '{"action": "set", "counter": "a/b", "value": "5"}': "float",
    '{"action": "set", "counter": "a/b", "value": -1}': ">= 0",
    '{"action": "set", "counter": "a/b", "value": 1e300}': "<=",
    '{"action": "set", "counter": "a/b", "value": NaN}': "JSON",
    '{"action": "reset", "counter": "a/b"}': "there is no counter a/b",
    '{"action": "show", "counter": "a/b"}': "no counter a/b",
    '{"action": "show", "gateway": "4711"}': "no gateway 4711",
    '{"action": "show", "gateway": ["4711"]}': "gateway",
    json.dumps({"action": "show", "gateway": "4" * 10_000}): "gateway",
    json.dumps({"action": "show", "x" * 10_000: 1}): "unknown field",
    "[" * 100_000: "not a request",
}


async def test_requests_are_answered_and_strange_ones_refused(tmp_path: Path) -> None:
    async with held(tmp_path) as place:
        port = place.broker.port
        shown = await ask(port, f'{{"action": "show", "gateway": "{SERIAL}", "transaction": 7}}')
        assert (shown["status"], shown["transaction"], shown["gateway"]) == ("ok", 7, SERIAL)
        assert len(shown["counters"]) > 3
        assert next(iter(shown["counters"])) == COUNTER, "what is held comes first"
        assert (shown["counters"][COUNTER]["stands"], shown["counters"][COUNTER]["raw"]) == ("held", TRUTH)
        for payload, words in REFUSED.items():
            answer = await ask(port, payload)
            assert answer["status"] == "error", payload[:100]
            assert words in answer["error"], payload[:100]
            assert len(answer["error"]) < 300
            assert "Canary" not in answer["error"]
        one = await ask(port, f'{{"action": "show", "counter": "{COUNTER}"}}')
        assert list(one["counters"]) == [COUNTER]
        assert one["counters"][COUNTER]["stands"] == "held", "nothing was done"


async def test_a_flood_of_requests_does_not_keep_the_daemon_from_its_work(tmp_path: Path) -> None:
    async with held(tmp_path) as place, Subscriber(place.broker.port, RESPONSE) as subscriber:
        payload = f'{{"action": "set", "counter": "{COUNTER}", "value": 5}}'
        flood: list[Any] = [(REQUEST, payload, 1, False)] * 70
        await asyncio.to_thread(publish.multiple, flood, hostname="127.0.0.1", port=place.broker.port)
        await until(lambda: len(subscriber.messages) == len(flood))
        answers = [json.loads(message.payload) for message in subscriber.messages]
    refused = [answer["error"] for answer in answers if answer["status"] == "error"]
    assert refused == ["at most 50 requests in 5 s"] * 20


async def test_a_gateway_must_be_named_where_there_are_several_and_have_answered(tmp_path: Path) -> None:
    away = {"host": f"127.0.0.1:{free_port()}", "serial": "122300000099"}
    async with site(tmp_path, HOUSE) as place:
        place.sections["away"] = away
        async with place.bridge(Clock()) as bridge:
            await until(lambda: any(source.keeper is not None for source in bridge.sources))
            several = await settle(tmp_path, "reset", COUNTER)
            assert f"say which, of {', '.join(sorted(['122300000099', SERIAL]))}" in several.err
            unknown = await settle(tmp_path, "reset", COUNTER, "--gateway", "122300000099")
            assert "122300000099 has not answered" in unknown.err
            fine = await settle(tmp_path, "set", COUNTER, "5", "--gateway", SERIAL)
            assert fine.code == 0, fine.err


async def test_without_an_answer_it_says_why_there_may_be_none(tmp_path: Path) -> None:
    def configured(name: str, **mqtt: Any) -> Path:
        return write(tmp_path / name, {"mqtt": {"host": "127.0.0.1", **mqtt}})

    with Broker(tmp_path) as broker:
        await say(broker.port, "other/bridge/state", "online", retain=True)
        await say(broker.port, RESPONSE, '{"status": "ok", "message": "to somebody else"}', retain=True)
        nobody, online, unreachable = await asyncio.gather(
            *(
                command(tmp_path, "counters", "accept", COUNTER, "--config", config)
                for config in (
                    configured("nobody.toml", port=broker.port),
                    configured("mute.toml", port=broker.port, base_topic="other", client_id="other"),
                    configured("gone.toml", port=free_port()),
                )
            )
        )
    for done, words in (
        (nobody, "the daemon is not running, or not at the broker at 127.0.0.1"),
        (online, "the daemon is online but gives no answer"),
        (unreachable, "nothing listens there"),
    ):
        assert (done.code, done.out) == (1, "")
        assert words in done.err
        assert done.err.count("\n") == 1
