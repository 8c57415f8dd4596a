"""The Homie tree on the broker: a sink with a connection for each gateway, as each has a last will of its own.

What may be on the broker is kept on disk, so that what is gone is cleared, also after a restart.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from envoy_bridge.catalog import changes
from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger
from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings
from envoy_bridge.sinks.homie import (
    ROOT,
    STATE,
    Node,
    Shape,
    attributes,
    device_id,
    nodes,
    places,
    shape,
    topics,
    values,
)
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.state import read, write_atomically

log = get_logger(__name__)

LOOK_EVERY: Final = 0.1
"""Seconds between two looks whether the broker has what was put."""

_TOLD_OF_THE_BRIDGE: Final = {"mqtt_connected", "mqtt_lost", "mqtt_unreachable"}
"""What the connection of the bridge itself says of the same broker at the same time."""


class Published:
    """What of each Homie device may be on the broker, by the device's id: a small file."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "homie.json"
        self._devices = _load(self._path)

    @property
    def devices(self) -> tuple[str, ...]:
        """The ids of the devices."""
        return tuple(self._devices)

    def shape(self, device: str) -> Shape:
        """The nodes and properties of a device."""
        return self._devices.get(device, {})

    def add(self, device: str, more: Shape) -> None:
        """Before these are put. What was there may still be there."""
        whole = dict(self.shape(device))
        for node, properties in more.items():
            whole[node] = tuple(dict.fromkeys((*whole.get(node, ()), *properties)))
        self.only(device, whole)

    def only(self, device: str, ids: Shape) -> None:
        """When the broker has this of the device and no more; with no nodes it is gone. The last takes the file along.

        A file that cannot be written is told: the next run then leaves on the broker what is gone.
        """
        before = dict(self._devices)
        self._devices = {key: value for key, value in {**before, device: ids}.items() if value}
        if self._devices == before:
            return
        try:
            if self._devices:
                write_atomically(self._path, msgspec.json.encode(self._devices))
            else:
                self._path.unlink(missing_ok=True)
        except (StateError, OSError) as error:
            log.warning("homie_not_kept", path=str(self._path), reason=str(error)[:200])


def _load(path: Path) -> dict[str, Shape]:
    try:
        content = read(path)
        return {} if content is None else msgspec.json.decode(content, type=dict[str, Shape])
    except (StateError, ValueError, RecursionError) as error:
        log.warning("homie_unreadable", path=str(path), reason=str(error)[:200], consequence="it is begun anew")
        return {}


async def _delivered(mqtt: MqttConnection, clock: Clock) -> None:
    """Wait until the broker has all that was put."""
    while not mqtt.connected or mqtt.queue_depth:
        await clock.sleep(LOOK_EVERY)


class Device:
    """One gateway as a Homie device. `run` it, then `stop` it."""

    def __init__(self, serial: str, settings: Mqtt, published: Published, clock: Clock) -> None:
        self.id = device_id(serial)
        self._serial = serial
        self._published = published
        self._clock = clock
        self._state = f"{ROOT}/{self.id}/{STATE}"
        self._mqtt = MqttConnection(
            replace(settings, client_id=f"{settings.client_id}-{ROOT}-{serial.lower()}", base_topic=ROOT),
            will=Message(self._state, b"lost"),
            hello=Message(self._state, b"init"),
            clock=clock,
            on_event=_log_broker,
        )
        self._tree: Mapping[str, Node] = {}
        self._places = places(serial, {})
        self._stands = False
        self._changed = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._online = True

    def holdings(self, tree: Mapping[str, Node]) -> None:
        """What the tree is from now on. Values wait until it stands."""
        if tree != self._tree:
            self._tree = tree
            self._stands = False
            self._changed.set()

    def snapshot(self, snapshot: Snapshot) -> None:
        """Values that changed; what is not in the tree has no place."""
        former, self._snapshot = self._snapshot, snapshot
        if self._stands:
            for path, value, _ in changes(former, snapshot):
                if path in self._places:
                    topic, what = self._places[path]
                    self._put(topic, what.payload(value))

    def availability(self, *, online: bool) -> None:
        """Whether the gateway can be reached."""
        self._online = online
        if self._stands:
            self._put_state()

    async def run(self) -> None:
        """Connect, and put the tree whenever it changed: while it does, the broker has `init`."""
        await self._mqtt.start()
        while True:
            await self._changed.wait()
            self._put(self._state, "init")
            await _delivered(self._mqtt, self._clock)
            self._changed.clear()
            self._put_tree()
            await _delivered(self._mqtt, self._clock)
            if not self._changed.is_set():
                self._published.only(self.id, shape(self._tree))

    async def stop(self) -> None:
        """Say that it is over, and disconnect."""
        await self._mqtt.stop([Message(self._state, b"disconnected")])

    def _put_tree(self) -> None:
        """The whole tree, without what is gone; then that it stands."""
        ids = shape(self._tree)
        former = topics(self.id, self._published.shape(self.id))
        self._published.add(self.id, ids)
        now = set(topics(self.id, ids))
        for topic in former:
            if topic not in now:
                self._put(topic, "")
        for topic, text in attributes(self._serial, self._tree):
            self._put(topic, text)
        for topic, text in values(self._serial, self._tree, self._snapshot):
            self._put(topic, text)
        self._places = places(self._serial, self._tree)
        self._stands = True
        self._put_state()

    def _put_state(self) -> None:
        self._put(self._state, "ready" if self._online else "alert")

    def _put(self, topic: str, text: str) -> None:
        self._mqtt.put(Message(topic, text.encode()))


class Homie:
    """A sink that keeps a Homie device for each gateway. `bridge`: the bridge's own connection, which outlives them."""

    def __init__(self, settings: Mqtt, directory: Path, clock: Clock, bridge: MqttConnection) -> None:
        self._settings = settings
        self._clock = clock
        self._bridge = bridge
        self._published = Published(directory)
        self._devices: dict[str, Device] = {}
        self._offline: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def holdings(self, holdings: Holdings) -> None:
        """See `Sink`. The first of a gateway makes it a Homie device, one without parts removes it."""
        serial, tree = holdings.serial, nodes(holdings)
        if tree and device_id(serial):
            if serial not in self._devices:
                self._add(serial)
            self._devices[serial].holdings(tree)
        elif serial in self._devices:
            self._run(serial, self._remove(self._devices.pop(serial)))

    def _add(self, serial: str) -> None:
        device = self._devices[serial] = Device(serial, self._settings, self._published, self._clock)
        device.availability(online=not {serial, serial.rpartition("/")[0]} & self._offline)
        self._run(serial, device.run())

    async def _remove(self, device: Device) -> None:
        await device.stop()
        await self._clear(device.id)

    def _run(self, serial: str, what: Coroutine[Any, Any, None]) -> None:
        """Let this run for a gateway, instead of what ran for it before."""
        former = self._tasks.get(serial)
        if former is not None:
            former.cancel()
        self._tasks[serial] = asyncio.create_task(what)

    def snapshot(self, snapshot: Snapshot) -> None:
        """See `Sink`."""
        if snapshot.serial in self._devices:
            self._devices[snapshot.serial].snapshot(snapshot)

    def availability(self, serial: str, *, online: bool) -> None:
        """See `Sink`."""
        (self._offline.discard if online else self._offline.add)(serial)
        for known, device in self._devices.items():
            if known == serial or known.startswith(f"{serial}/"):  # a cloud, and its sites
                device.availability(online=online)

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """Homie has no place for it."""

    def event(self, event: Event) -> None:
        """Homie has no place for it."""

    def cloud(self, message: CloudMessage) -> None:
        """Homie has no place for it."""

    async def withdraw(self) -> None:
        """Clear what an earlier run left: for when the tree is turned off."""
        for device in self._published.devices:
            await self._clear(device)

    async def _clear(self, device: str) -> None:
        """Clear all topics of a Homie device; forget it once the broker has done so."""
        for topic in topics(device, self._published.shape(device)):
            self._bridge.put(Message(topic))
        await _delivered(self._bridge, self._clock)
        self._published.only(device, {})

    async def stop(self) -> None:
        """Every device says that it is over, and disconnects."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(device.stop() for device in self._devices.values()))


def _log_broker(code: str, text: str) -> None:
    level = logging.DEBUG if code in _TOLD_OF_THE_BRIDGE else logging.WARNING
    log.log(level, code, message=text)
