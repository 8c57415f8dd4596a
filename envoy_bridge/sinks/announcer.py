"""Keeps Home Assistant's discovery topics as they should be: announces, moves to another style, and takes away.

What was announced is kept on disk, so that nothing is left behind: not by an inverter that was taken down, nor by a
gateway or a style that is no longer wanted, even if that happened while this program did not run.
"""

import asyncio
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from envoy_bridge.clock import Clock
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger
from envoy_bridge.model import Snapshot
from envoy_bridge.settings import HomeAssistant
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings
from envoy_bridge.sinks.homeassistant import Announcement, Payload, announcement
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.state import read, write_atomically

log = get_logger(__name__)

SETTLE: Final = 1.0
"""Seconds to wait for more of what is new: after a start a gateway tells its devices one by one."""

STEP: Final = 2.0
"""Seconds that Home Assistant gets for each step of a move, after the broker has the messages."""

LOOK_EVERY: Final = 0.2
LOOKS: Final = 50
"""Seconds between two looks whether the broker has what was put, and how many there are at most."""

AT_ONCE: Final = 50
BREATH: Final = 0.25
"""So many announcements are put at once, then follows a pause of seconds: a broker keeps 1000 messages for a subscriber
that is slower than we are, and throws the others away. An entity whose end was thrown away would stay for ever."""

BIRTH_DELAY: Final = (0.5, 5.0)
"""Seconds after Home Assistant's start until it is told everything; random, since others tell it too."""

MIGRATE: Final = b'{"migrate_discovery": true}'
"""What takes an entity out of one announcement without forgetting it, until another has it."""

Components = dict[str, str]
"""Platforms of what one topic announced, by key. Single announcements have one, without a key."""

_json = msgspec.json.Encoder()


class Announcer:
    """A sink for Home Assistant. `directory`: where the list of what was announced is kept."""

    def __init__(self, settings: HomeAssistant, base: str, mqtt: MqttConnection, directory: Path, clock: Clock) -> None:
        self._settings = settings
        self._base = base
        self._mqtt = mqtt
        self._path = directory / "announced.json"
        self._clock = clock
        self._announced = _load(self._path)
        self._holdings: dict[str, Holdings] = {}
        self._info: dict[str, Mapping[str, Any]] = {}
        self._gone: dict[str, Components] = {}
        self._due: set[str] = set()
        self._wake = asyncio.Event()
        self._birth: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Announce what is due, for ever."""
        if self._settings.discovery == "off":
            for serial in list(self._announced):
                await self._send(self._changes(serial))
            return
        self._mqtt.subscribe(f"{self._settings.prefix}/status", self._on_status)
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._clock.sleep(SETTLE)
            await self._delivered()  # an entity that finds an older `state`, without its key, complains
            while self._due:
                await self._announce(self._due.pop())

    def holdings(self, holdings: Holdings) -> None:
        """What is gone is taken away at once, before the JSON lacks it; what is new is announced by and by."""
        former = self._holdings.get(holdings.serial)
        self._holdings[holdings.serial] = holdings
        fewer = former is not None and any(
            set(had) - set(holdings.parts.get(part, ())) for part, had in former.parts.items()
        )
        if not holdings.parts or (fewer and holdings.serial in self._info):
            for message in self._changes(holdings.serial):
                self._mqtt.put(message)
        self._mark(holdings.serial)

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """What the gateway is stands in its announcement."""
        self._info[serial] = info
        self._mark(serial)

    def snapshot(self, snapshot: Snapshot) -> None:
        """Values are read from their topics."""

    def availability(self, serial: str, *, online: bool) -> None:
        """Read from its topic."""

    def event(self, event: Event) -> None:
        """Nothing to announce."""

    def cloud(self, message: CloudMessage) -> None:
        """Nothing to announce."""

    def _mark(self, serial: str) -> None:
        if serial in self._holdings and serial in self._info:
            self._due.add(serial)
            self._wake.set()

    def _on_status(self, _topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - the broker's word for it
        """Home Assistant has started. A retained message tells of a start long ago; several at once get one answer."""
        if payload == b"online" and not retained and (self._birth is None or self._birth.done()):
            self._birth = asyncio.get_running_loop().create_task(self._tell_again())

    async def _tell_again(self) -> None:
        await self._clock.sleep(random.uniform(*BIRTH_DELAY))  # noqa: S311 - spreads load, hides nothing
        self._mqtt.announce()

    async def _announce(self, serial: str) -> None:
        """Announce a gateway; if it was announced in another way before, move its entities over, so that they stay."""
        former, wanted = self._announced.get(serial, {}), self._wanted(serial)
        if former and wanted and former.keys().isdisjoint(wanted):
            for payload in (MIGRATE, b""):  # cleared first: an id may not be announced twice
                await self._send(Message(topic, payload) for topic in former)
                await self._taken()
        await self._send(self._changes(serial))

    async def _send(self, messages: Iterable[Message]) -> None:
        """Put them, not faster than Home Assistant takes them."""
        for number, message in enumerate(messages, 1):
            self._mqtt.put(message)
            if number % AT_ONCE == 0:
                await self._delivered()
                await self._clock.sleep(BREATH)

    async def _taken(self) -> None:
        """Wait until the broker has it all, and Home Assistant has had time for it."""
        await self._delivered()
        await self._clock.sleep(STEP)

    async def _delivered(self) -> None:
        """Wait until the broker has all that was put; but not for ever where something is always on its way."""
        looks = 0
        while not self._mqtt.connected or (self._mqtt.queue_depth and looks < LOOKS):
            looks += self._mqtt.connected
            await self._clock.sleep(LOOK_EVERY)

    def _changes(self, serial: str) -> Iterator[Message]:
        """A gateway's announcement as it should be, and clears for what else there was.

        What stands is on disk before the first message, and what no longer does until after the last.
        """
        wanted, former, held = self._wanted(serial), self._announced.get(serial, {}), self._holdings.get(serial)
        present = {topic: _components(payload) for topic, payload in wanted.items()}
        self._remember({**self._announced, serial: {**former, **present}})
        for topic, payload in wanted.items():
            if self._holdings.get(serial) is not held:
                return  # it is due again
            gone = self._gone.get(topic, {}) | {key: what for key, what in former.get(topic, {}).items() if key}
            self._gone[topic] = gone = {key: what for key, what in gone.items() if key not in present[topic]}
            yield Message(topic, _json.encode(_without(payload, gone) if gone else payload))
        yield from (Message(topic) for topic in former if topic not in wanted)
        self._remember({**self._announced, serial: present})

    def _wanted(self, serial: str) -> Announcement:
        """The announcement of a gateway by topic."""
        style, held = self._settings.discovery, self._holdings.get(serial)
        if style == "off" or held is None:
            return {}
        told = announcement(style, self._base, held, self._info.get(serial, {}))
        return {f"{self._settings.prefix}/{topic}": payload for topic, payload in told.items()}

    def _remember(self, announced: dict[str, dict[str, Components]]) -> None:
        announced = {serial: topics for serial, topics in announced.items() if topics}
        if announced == self._announced:
            return
        self._announced = announced
        try:
            write_atomically(self._path, _json.encode(announced))
        except StateError as error:
            log.warning("announcements_not_kept", path=str(self._path), reason=str(error)[:200])


def _without(payload: Payload, gone: Components) -> Payload:
    """The announcement with what is gone, named without what it was: leaving it out would leave it there."""
    return {**payload, "components": {**payload["components"], **{key: {"platform": gone[key]} for key in gone}}}


def _components(payload: Mapping[str, Any]) -> Components:
    components = payload.get("components")
    return {"": ""} if components is None else {key: what["platform"] for key, what in components.items()}


def _load(path: Path) -> dict[str, dict[str, Components]]:
    try:
        content = read(path)
        return {} if content is None else msgspec.json.decode(content, type=dict[str, dict[str, Components]])
    except (StateError, msgspec.DecodeError) as error:
        log.warning("announcements_unreadable", path=str(path), reason=str(error)[:200])
        return {}
