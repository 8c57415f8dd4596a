"""The history: follows what is published, keeps what the broker did not get, and sends it when the broker is back."""

import asyncio
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from envoy_bridge.clock import Clock
from envoy_bridge.errors import StateError
from envoy_bridge.history.backlog import Backlog
from envoy_bridge.history.readings import PATIENCE, Reading, Readings
from envoy_bridge.logs import get_logger
from envoy_bridge.settings import History as Settings
from envoy_bridge.sinks.base import Event
from envoy_bridge.sinks.mqtt import Message, MqttConnection

if TYPE_CHECKING:
    from envoy_bridge.history.store import Store  # loads SQLite

log = get_logger(__name__)

FILE: Final = "history.db"

PAUSE: Final = 0.5
"""Seconds between two looks at what there is to write and to send."""

WRITE_EVERY: Final = 9.0
"""Seconds between two writes at least: each costs an SD card some of its life. One reading in 10 s is not held up."""

RETRY: Final = 60.0
"""Seconds until what the disk refused is tried again."""

PAGE: Final = 20
"""Readings fetched, and removed when they have arrived, at a time: those that come twice after a power cut."""

Done = TypeVar("Done")


class History:
    """Stands before the connection to the broker: `put` passes everything on to it. All is for the event loop's thread.

    In normal times there is no file, and SQLite is not loaded. Disk work is done in a thread, one piece at a time.
    """

    def __init__(self, mqtt: MqttConnection, base: str, settings: Settings, directory: Path, clock: Clock) -> None:
        self._mqtt = mqtt
        self._max_size = settings.max_size
        self._path = directory / FILE
        self._clock = clock
        self._readings = Readings(base, settings.every)
        self._backlog = Backlog(mqtt.offer, self._arrived)
        self._store: Store | None = None
        self._tell: Callable[[Event], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._write_at = 0.0
        self._failing: dict[str, float] = {}
        self._told_of: set[str] = set()
        self._arrived_up_to = 0
        self._forgotten_up_to = 0
        self._dropped = 0
        self._sent = 0

    @property
    def health(self) -> dict[str, int]:
        """Readings that wait, that had to go and that were sent since the start; bytes on disk."""
        store = self._store
        return {
            "stored": len(self._readings.lost) + (store.count if store else 0),
            "dropped": self._readings.dropped + self._dropped,
            "sent": self._sent,
            "bytes": store.size if store else 0,
        }

    def put(self, message: Message) -> None:
        """Publish this, as `MqttConnection.put` does. A reading is not forgotten before the broker has it."""
        if message.topic.endswith("/state"):
            message = self._readings.follow(message, self._clock.monotonic())
        self._mqtt.put(message)

    def start(self, tell: Callable[[Event], None]) -> None:
        """Begin. `tell` gets the events."""
        self._tell = tell
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what waits. Only after the connection has been stopped: by then it is known what arrived."""
        self._ending.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        if await asyncio.to_thread(self._path.exists):
            await self._look()
        while not self._ending.is_set():
            await self._clock.wait(self._ending, PAUSE)
            patience = PATIENCE if self._mqtt.connected else 0.0
            self._readings.give_up(self._clock.monotonic(), patience)
            await self._write()
            if self._mqtt.connected:
                await self._send()
        self._readings.give_up(float("inf"))
        self._write_at = 0.0
        self._failing.clear()
        await self._write()
        if self._store is not None:
            await self._forget()
            await asyncio.to_thread(self._store.close)

    async def _look(self) -> None:
        """What an earlier run has left."""
        store = await self._open()
        await self._try(store.after, 0, 1)

    async def _open(self) -> "Store":
        if self._store is None:
            self._store = await asyncio.to_thread(_load, self._path, self._max_size)
        return self._store

    async def _write(self) -> None:
        """Put on disk what is lost, unless that is just being sent from memory, or was just done."""
        if not self._readings.lost or self._backlog.in_memory or self._clock.monotonic() < self._write_at:
            return
        store, readings = await self._open(), list(self._readings.lost)
        dropped = await self._try(store.add, readings)
        if dropped is not None:
            self._dropped += dropped
            self._write_at = self._clock.monotonic() + WRITE_EVERY
            for reading in readings:
                self._readings.settled(reading)
            self._disk_is_well()

    async def _send(self) -> None:
        """Hand on some readings: those on disk first, then those that wait in memory."""
        if self._backlog.empty:
            page: list[Reading] = []
            if self._store is not None and self._store.there:
                page = await self._fetch(self._store)
            self._backlog.fill(page or list(islice(self._readings.lost, PAGE)))
        self._backlog.send(self._clock.monotonic())

    async def _fetch(self, store: "Store") -> list[Reading]:
        """The next page from the disk; what has arrived of it is removed there, and with the last reading the file."""
        page = await self._try(store.after, self._arrived_up_to, PAGE)
        if page:
            await self._forget()
        elif page is not None:
            await self._try(store.remove)
            if not store.there:
                log.info("history_sent", message="the broker has all that was kept for it", readings=self._sent)
                self._disk_is_well()
        return page or []

    async def _forget(self) -> None:
        """Remove from the disk what has arrived. If that fails, it is known all the same, until the next restart."""
        store, number = self._store, self._arrived_up_to
        if store is None or not store.there or number <= self._forgotten_up_to:
            return
        if await self._try(store.forget, number) is not None:
            self._forgotten_up_to = number
            self._disk_is_well()

    def _arrived(self, reading: Reading) -> None:
        self._sent += 1
        if reading.number is None:
            self._readings.settled(reading)
        else:
            self._arrived_up_to = reading.number

    async def _try(self, work: Callable[..., Done], *arguments: object) -> Done | None:
        """Let a thread do this on the disk. None if it failed, or failed less than a minute ago."""
        name, now = work.__name__, self._clock.monotonic()
        if now < self._failing.get(name, 0.0):
            return None
        try:
            done = await asyncio.to_thread(work, *arguments)
        except StateError as error:
            self._failing[name] = now + RETRY
            self._trouble(str(error))
            return None
        self._failing.pop(name, None)
        return done

    def _trouble(self, message: str) -> None:
        """Say it once, until the disk is well again."""
        if message not in self._told_of:
            self._told_of.add(message)
            log.warning("history_failed", message=message)
            self._event("warning", "history_failed", message)

    def _disk_is_well(self) -> None:
        """It has just taken something."""
        if self._told_of:
            self._told_of.clear()
            self._failing.clear()
            message = f"{self._path} can be written again"
            log.info("history_back", message=message)
            self._event("info", "history_back", message)

    def _event(self, level: Literal["info", "warning"], code: str, message: str) -> None:
        if self._tell is not None:
            self._tell(Event(level=level, code=code, message=message, source="bridge", time=self._clock.wall()))


def _load(path: Path, max_size: int) -> "Store":
    """The store; in a thread, as SQLite is loaded from disk, too."""
    from envoy_bridge.history.store import Store  # noqa: PLC0415 - only when there is something to keep

    return Store(path, max_size)
