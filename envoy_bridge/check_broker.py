"""The part of `check` about the broker: is it there, does it let us in, may we write, and what is left on it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from envoy_bridge.check_report import Report
from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.site import SITE

DEADLINE: Final = 5.0
"""Seconds for the broker to accept or refuse us."""

RETURN: Final = 3.0
"""Seconds for our message to come back."""

LISTEN: Final = 0.3
"""Seconds without another retained message after which there are no more: they come before what we publish."""

_OURS: Final = frozenset({"bridge", SITE, "cloud"})
"""What stands below the base topic besides gateways."""


@dataclass(slots=True)
class _Heard:
    """What the broker has told: `problems` by code; the retained topics below the base, by their first level."""

    problems: dict[str, str] = field(default_factory=dict)
    returned: bool = False
    retained: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    running: bool = False
    """The daemon says that it is online."""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when any of it changes."""


async def check_broker(settings: Mqtt, gateways: Collection[str] | None, report: Report, clock: Clock) -> bool:
    """Connect as somebody else than the daemon, publish a message and hear it; look for what is left of others.

    `gateways`: serial numbers; None where not all of them are known. Returns whether the daemon is running.
    """
    name = f"broker {settings.host}:{settings.port}"
    report.section(name)
    report.busy(f"asking the {name} ...")
    heard, trial = _Heard(), f"{settings.base_topic}/bridge/check"

    def happened(code: str, text: str) -> None:
        heard.problems[code] = text
        heard.told.set()

    def received(topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - as the connection calls it
        heard.returned |= topic == trial
        heard.running |= topic == f"{settings.base_topic}/bridge/state" and payload == b"online"
        if retained and payload:
            heard.retained[topic[len(settings.base_topic) + 1 :].partition("/")[0]].add(topic)
            heard.told.set()
        elif topic == trial:
            heard.told.set()

    # It says `online` on the topic of its will as soon as it is connected: on a topic of our own, and not retained.
    will = Message(trial, b"offline", retain=False)
    own = replace(settings, client_id=f"{settings.client_id}-check")
    mqtt = MqttConnection(own, will=will, clock=clock, on_event=happened)
    mqtt.subscribe(f"{settings.base_topic}/#", received)
    await mqtt.start()
    try:
        await _until(heard, lambda: mqtt.connected or bool(heard.problems), DEADLINE)
        if mqtt.connected:
            await _quiet(heard)
            if not heard.returned:  # it may have been thrown away: a broker keeps only so many messages for one client
                mqtt.send(Message(trial, b"online", retain=False))
                await _until(heard, lambda: heard.returned or "mqtt_denied" in heard.problems, RETURN)
        connected, protocol = mqtt.connected, mqtt.protocol
    finally:
        await mqtt.stop([])
    if connected:
        report.good(f"connected, MQTT {protocol}")
    _report_access(settings, heard, report, connected=connected, protocol=protocol or "")
    _report_leftovers(settings, heard, gateways, report)
    return heard.running


async def _until(heard: _Heard, done: Callable[[], bool], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not done():
                heard.told.clear()
                await heard.told.wait()


async def _quiet(heard: _Heard) -> None:
    """Until no more comes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RETURN):
            while True:
                heard.told.clear()
                await asyncio.wait_for(heard.told.wait(), LISTEN)


def _report_access(settings: Mqtt, heard: _Heard, report: Report, *, connected: bool, protocol: str) -> None:
    below, user = f"{settings.base_topic}/", settings.username or "everybody"
    trouble = {code: text for code, text in heard.problems.items() if code != "mqtt_connected"}
    if not connected or trouble:
        silent = f"the broker at {settings.host}:{settings.port} does not answer; is it running?"
        code, text = next(iter(trouble.items()), ("mqtt_unreachable", silent))
        report.fault(text, _next(settings, code), code)
    elif heard.returned:
        report.good(f"may write and read below {below}")
    elif protocol == "5":  # which tells who may not write
        report.warn(
            f"may write below {below}, but not read there: requests such as {below}bridge/request/refresh do nothing",
            f"let {user} read {below}# in the broker's access rules",
        )
    else:
        report.fault(
            f"what we publish below {below} does not come back: {user} may not write there, or not read",
            f"let {user} write and read {below}# in the broker's access rules",
            "mqtt_denied",
        )


def _next(settings: Mqtt, code: str) -> str:
    if code == "mqtt_denied":
        user = settings.username or "everybody"
        return f"in mosquitto's acl_file: user {user}, and below it: topic readwrite {settings.base_topic}/#"
    if code == "mqtt_refused":
        return f"try the login by hand, with its password: {_by_hand(settings)} -t '$SYS/broker/version' -C 1"
    return (
        "on the broker's machine: systemctl status mosquitto; then correct host, port and tls under [mqtt], "
        f"and try: {_by_hand(settings)} -t test -W 3"
    )


def _report_leftovers(settings: Mqtt, heard: _Heard, gateways: Collection[str] | None, report: Report) -> None:
    """What is retained of gateways that nobody speaks for any more."""
    known = {serial.lower() for serial in gateways or ()} | _OURS
    for level, topics in sorted(heard.retained.items()):
        if level in known or gateways is None:
            continue
        root = f"{settings.base_topic}/{level}" if level else settings.base_topic
        what = f"{len(topics)} retained topic(s), for example {min(topics)}"
        report.warn(
            f"{root} is of no gateway that is configured or found: {what}; left by an earlier set-up",
            f"{_by_hand(settings)} -t '{root}{'/#' if level else ''}' --remove-retained --retained-only -W 3",
        )
    if gateways is None and heard.retained.keys() - _OURS:
        report.note("what earlier set-ups left is not looked for, since not all gateways are known")


def _by_hand(settings: Mqtt) -> str:
    """The beginning of a command. A password is never in it."""
    login = f" -u {settings.username} -P PASSWORD" if settings.username else ""
    return f"mosquitto_sub -h {settings.host} -p {settings.port}{login}"
