"""What is announced to Home Assistant on a broker, in either style, and the state that each entity must then have."""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

PREFIX: Final = "homeassistant/"
UNKNOWN, UNAVAILABLE = "unknown", "unavailable"

_END: Final = "test-subscribers/end"
_WITHIN: Final = 10.0
_SHARED: Final = ("availability", "availability_mode", "state_topic", "qos", "encoding", "origin")
"""What an announcement of a device says once for all its components."""

_PATH: Final = re.compile(r"\{\{ value_json((?:\['[^'\\]+'\])+) \}\}")

Row = dict[str, Any]
Topics = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Component:
    """One entity, as announced. `says`: its configuration, with what it shares with its siblings."""

    topic: str
    platform: str
    device: Row
    says: Row

    @property
    def unique_id(self) -> str:
        """By which Home Assistant knows it for ever."""
        return str(self.says["unique_id"])

    @property
    def enabled(self) -> bool:
        """Whether it is there without anybody asking for it."""
        return bool(self.says.get("enabled_by_default", True))

    def needs(self) -> list[str]:
        """The topics that must say that it is available."""
        return [row["topic"] for row in self.says.get("availability", ())]

    def expected(self, topics: Topics) -> object:
        """The state that it must have now: UNAVAILABLE, UNKNOWN, or the value. Raises LookupError where it has none."""
        if any(topics.get(topic) != b"online" for topic in self.needs()):
            return UNAVAILABLE
        payload = topics.get(self.says["state_topic"])
        if payload is None:
            return UNKNOWN
        if self.platform == "update":
            return "on" if msgspec.json.decode(payload)["advice"] else "off"
        value = _rendered(self.says.get("value_template"), payload)
        if value is None:
            return UNKNOWN
        if self.platform == "binary_sensor":
            return self._switched(value)
        return value

    def _switched(self, value: object) -> str:
        words = {self.says.get("payload_on", "ON"): "on", self.says.get("payload_off", "OFF"): "off"}
        return words[str(value)]


def components(topics: Topics) -> Iterator[Component]:
    """All that is announced."""
    for topic, payload in topics.items():
        if topic.startswith(PREFIX) and topic.endswith("/config"):
            said: Row = msgspec.json.decode(payload)
            platform = topic.removeprefix(PREFIX).split("/")[0]
            if platform != "device":
                yield Component(topic, platform, said["device"], said)
                continue
            shared = {key: said[key] for key in _SHARED if key in said}
            for part in said["components"].values():
                if "unique_id" in part:  # else it is one to be removed
                    yield Component(topic, part["platform"], said["device"], shared | part)


def _rendered(template: str | None, payload: bytes) -> object:
    """What a template of ours makes of a payload; it does nothing but look something up."""
    if template is None:
        return payload.decode()
    path = _PATH.fullmatch(template)
    if path is None:
        raise LookupError(f"this is not a fixed look-up: {template}")
    value = msgspec.json.decode(payload)
    for key in re.findall(r"'([^']+)'", path[1]):
        if key not in value:
            raise LookupError(f"the state has nothing for {template}")
        value = value[key]
    return value


async def retained(port: int) -> dict[str, bytes]:
    """What somebody finds on the broker who comes now. Raises TimeoutError."""
    return await asyncio.to_thread(_retained, port)


def _retained(port: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    ended: list[bool] = []

    def connected(client: Client, *_: object) -> None:
        client.subscribe("#")  # QoS 0: a broker queues only so many others

    def subscribed(client: Client, *_: object) -> None:
        client.publish(_END)  # comes after all that was there before

    def message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic == _END:
            ended.append(True)
        elif message.retain:
            found[message.topic] = bytes(message.payload)

    client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, message
    client.connect("127.0.0.1", port)
    deadline = time.monotonic() + _WITHIN
    while not ended:
        client.loop(0.1)
        if time.monotonic() > deadline:
            raise TimeoutError("the broker does not answer")
    client.disconnect()
    return found
