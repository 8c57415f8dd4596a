"""No secret gets out: not into a log line at debug, a payload, an error or the list of processes."""

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from broker import PATH, Broker, Subscriber
from program import Program, Site, command, household, site
from waiting import until

from envoy_bridge.simulator.access import CHECK_JWT
from envoy_bridge.simulator.faults import Answer, Exchange, Fault, Html, Reset, Status
from envoy_bridge.simulator.login import LOGIN, TOKENS, USERNAME

HOUSE = "d7_6_three_phase_net"
OTHER = "d7_6_single_phase"
OLD = "d5_0_standard"
DEBUG = {"level": "debug"}
EVENT = "envoy/bridge/event"

CANARY = "Canary"
"""Begins each secret that stands in the configuration. What follows is escaped differently in every format."""
ENLIGHTEN, BROKER, LOCAL, TIGO = (f"{CANARY}{rest}" for rest in ('1 &%"x', "2 =+'x", "3 @/x", "4\\x"))


@dataclass(frozen=True, slots=True)
class Overheard:
    """Plays the healthy answer and keeps it: what servers give out are secrets too."""

    said: list[str] = field(default_factory=list)

    async def play(self, exchange: Exchange) -> web.Response:
        answer = exchange.healthy()
        self.said.extend([answer.text or "", *answer.headers.getall("Set-Cookie", [])])
        return answer

    def secrets(self) -> set[str]:
        """Every long word in it: session ids, tokens, cookies."""
        return set(re.findall(r"[A-Za-z0-9_-]{24,}", " ".join(self.said)))


@dataclass(frozen=True, slots=True)
class Echo:
    """A page that quotes the request back, login and all."""

    status: int = 200

    async def play(self, exchange: Exchange) -> web.Response:
        body = (await exchange.request.read()).decode()
        return web.Response(status=self.status, text=f"<html>{dict(exchange.request.headers)} {body}</html>")


def assert_without(secrets: Iterable[str], daemon: Program, subscriber: Subscriber) -> None:
    """None of them in what the daemon has written, nor in what it has published."""
    published = [f"{message.topic} {message.payload.decode()}" for message in subscriber.messages]
    for line in (*daemon.err.splitlines(), *daemon.out.splitlines(), *published):
        assert not [secret for secret in secrets if secret in line], line


def guarded_broker(folder: Path, password: str) -> Broker:
    """A broker that lets `bridge` in with this password, and nobody else."""
    program = shutil.which("mosquitto_passwd", path=PATH)
    if program is None:
        pytest.skip("mosquitto is not there: apt-get install mosquitto")
    file = folder / "passwords"
    file.touch(mode=0o600)
    subprocess.run([program, "-b", str(file), "bridge", password], check=True)  # noqa: S603 - a program of the system
    return Broker(folder, f"password_file {file}", anonymous=False)


async def test_no_secret_is_logged_or_published(tmp_path: Path) -> None:
    overheard = Overheard()
    async with site(tmp_path, HOUSE, OTHER, OLD, broker=guarded_broker(tmp_path, BROKER)) as place:
        place.tokens.users = {USERNAME: ENLIGHTEN}
        place.tokens.faults.update({LOGIN: overheard, TOKENS: overheard})
        place.gateways[HOUSE].faults[CHECK_JWT] = overheard
        (tmp_path / "token").write_text(by_hand := place.tokens.issue(household(OTHER).serial))
        place.sections[HOUSE]["password"] = ENLIGHTEN
        place.sections[OLD] |= {"username": "local", "password": LOCAL}
        place.sections[OTHER] = {"host": place.sections[OTHER]["host"], "token_file": "token"}
        mqtt = {"username": "bridge", "password": BROKER}
        tigo: dict[str, Any] = {"cloud.tigo": {"username": "me", "password": TIGO}}
        config = place.configure(mqtt=mqtt, log=DEBUG, **tigo)
        async with (
            Subscriber(place.broker.port, username="bridge", password=BROKER) as subscriber,
            place.daemon(config) as daemon,
        ):
            for name in (HOUSE, OTHER, OLD):
                await subscriber.wait_for(f"envoy/{household(name).serial}/availability", b"online")
            arguments = daemon.arguments
        secrets = {CANARY, by_hand.split(".")[1], by_hand.split(".")[2]} | overheard.secrets()
        assert len(overheard.secrets()) >= 5, "session, manager token, three parts of a token, cookies"
        assert_without(secrets, daemon, subscriber)
        assert CANARY not in arguments


async def test_no_secret_is_in_the_broker_s_refusal(tmp_path: Path) -> None:
    async with site(tmp_path, OLD, broker=guarded_broker(tmp_path, "another")) as place:
        config = place.configure(mqtt={"username": "bridge", "password": BROKER}, log=DEBUG)
        async with place.daemon(config) as daemon:
            await until(lambda: "mqtt_refused" in daemon.codes())
        checked = await command(tmp_path, "check", "--config", config)
        assert checked.code == 1
        for told in (daemon.err, checked.out):
            assert "check [mqtt] username and password" in told
            assert CANARY not in told


def login(fault: Fault) -> Callable[[Site], None]:
    """Enlighten answers a login like this."""
    return lambda place: place.tokens.faults.update({LOGIN: fault})


def entrez(fault: Fault) -> Callable[[Site], None]:
    """Entrez answers like this when it is asked for a token."""
    return lambda place: place.tokens.faults.update({TOKENS: fault})


def gateway(fault: Fault) -> Callable[[Site], None]:
    """The gateway answers like this when it is shown a token."""
    return lambda place: place.gateways[HOUSE].faults.update({CHECK_JWT: fault})


def wrong_password(place: Site) -> None:
    place.tokens.users = {USERNAME: "another"}


def second_factor(place: Site) -> None:
    place.tokens.mfa = True


def token_of_another_gateway(place: Site) -> None:
    place.tokens.made_out_to = "122099999999"


FAILURES: dict[str, tuple[str, Callable[[Site], None]]] = {
    "wrong password": ("credentials_rejected", wrong_password),
    "second factor": ("multi_factor_required", second_factor),
    "account blocked": ("credentials_rejected", login(Answer(b'{"success": true, "isBlocked": true}'))),
    "web page instead of a session": ("cloud_unavailable", login(Html())),
    "login page that quotes the password": ("cloud_unavailable", login(Echo())),
    "refusal that quotes the password": ("credentials_rejected", login(Echo(401))),
    "cloud that is down and quotes the password": ("cloud_unavailable", login(Echo(500))),
    "cloud that hangs up": ("cloud_unavailable", login(Reset())),
    "web page instead of a token": ("cloud_unavailable", entrez(Html())),
    "token page that quotes the session": ("cloud_unavailable", entrez(Echo())),
    "no token for this gateway": ("cloud_unavailable", entrez(Status(401))),
    "token of another gateway": ("cloud_unavailable", token_of_another_gateway),
    "gateway that refuses the token and quotes it": ("login_budget_spent", gateway(Echo(401))),
    "gateway that starts and quotes the token": ("gateway_unreachable", gateway(Echo(503))),
}


async def test_no_secret_is_in_any_failed_login(tmp_path: Path) -> None:
    """One daemon, which is given a new configuration and an empty state directory for each: it may log in but once."""
    overheard, codes = Overheard(), dict[str, str]()
    async with site(tmp_path, HOUSE) as place, Subscriber(place.broker.port) as subscriber:
        place.sections[HOUSE]["password"] = ENLIGHTEN
        place.gateways[HOUSE].faults["/info"] = Status(503)
        async with place.daemon(place.configure(log=DEBUG)) as daemon:
            await until(lambda: subscriber.payloads(EVENT))
            place.gateways[HOUSE].faults.clear()
            for number, (name, (_, spoil)) in enumerate(FAILURES.items()):
                place.tokens.users, place.tokens.mfa, place.tokens.made_out_to = {USERNAME: ENLIGHTEN}, False, None
                place.tokens.faults.update({LOGIN: overheard, TOKENS: overheard})
                place.gateways[HOUSE].faults.clear()
                spoil(place)
                base = f"attempt-{number}"
                place.configure(log=DEBUG, mqtt={"base_topic": base}, state={"directory": str(tmp_path / base)})
                daemon.signal(signal.SIGHUP)
                codes[name] = json.loads(await _first(subscriber, f"{base}/bridge/event"))["code"]
        assert_without({CANARY, *overheard.secrets(), *place.tokens.issued}, daemon, subscriber)
    assert codes == {name: code for name, (code, _) in FAILURES.items()}


async def _first(subscriber: Subscriber, topic: str) -> bytes:
    await until(lambda: subscriber.payloads(topic))
    return subscriber.payloads(topic)[0]
