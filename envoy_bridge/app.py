"""Wires sources to sinks: one task a gateway, the broker, signals, signs of life. Nothing else."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from envoy_bridge import __version__
from envoy_bridge.catalog import plain
from envoy_bridge.clock import Clock
from envoy_bridge.config import CLOUDS, Config, Gateway, configured, state_directory, unbuilt
from envoy_bridge.counters.floors import Floors
from envoy_bridge.errors import ConfigurationError, StateError
from envoy_bridge.gateway.addresses import Addresses
from envoy_bridge.gateway.discovery import discover
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.pin import Pins
from envoy_bridge.gateway.source import GatewaySource
from envoy_bridge.gateway.surroundings import Surroundings
from envoy_bridge.logs import get_logger
from envoy_bridge.requests import Requests
from envoy_bridge.roster import Roster
from envoy_bridge.service import Heartbeat, Systemd, memory_in_use
from envoy_bridge.settings import History as HistorySettings
from envoy_bridge.sinks.announcer import Announcer
from envoy_bridge.sinks.base import Sink, Sinks
from envoy_bridge.sinks.homie_link import Homie
from envoy_bridge.sinks.leftovers import Leftovers
from envoy_bridge.sinks.mqtt import Message, MqttConnection
from envoy_bridge.sinks.topics import Topics
from envoy_bridge.site import SITE, Site

if TYPE_CHECKING:
    from envoy_bridge.clouds.build import CloudSource
    from envoy_bridge.history.keep import History

log = get_logger(__name__)

HEALTH_EVERY: Final = 60.0
SIGN_OF_LIFE_EVERY: Final = 5.0
RESTART_AFTER: Final = 60.0
"""Seconds until a source that ended with an error nobody foresaw is started again."""

SEARCH_EVERY: Final = 60.0
SEARCH_FOR: Final = 5.0


@dataclass(slots=True)
class Bridge:
    """The running program for one configuration. `extra`: sinks beside MQTT. Ends when `ended` is set."""

    config: Config
    environ: Mapping[str, str]
    clock: Clock = field(default_factory=Clock)
    extra: Sequence[Sink] = ()
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    sources: list[GatewaySource] = field(default_factory=list)
    clouds: "list[CloudSource]" = field(default_factory=list)

    async def run(self) -> None:
        """Poll and publish until `ended`; then say goodbye.

        Raises:
            StateError: there is no directory to keep tokens in.
        """
        base = self.config.mqtt.base_topic
        directory = state_directory(self.config, self.environ)
        mqtt = MqttConnection(
            self.config.mqtt,
            will=Message(f"{base}/bridge/state", b"offline"),
            clock=self.clock,
            on_event=_log_broker,
        )
        started = plain(datetime.fromtimestamp(int(self.clock.wall()), UTC))
        about = {"version": __version__, "started": started, "features": ["mqtt"]}
        history = _history(mqtt, base, self.config.history, directory, self.clock)
        deliver = mqtt.put if history is None else history.put
        topics = Topics(base, about, self.clock, deliver=deliver, announce=mqtt.send)
        topics.bridge("info", {**about, "gateways": []})
        floors = Floors(mqtt, base, self.clock)
        announcer = Announcer(self.config.homeassistant, base, mqtt, directory, self.clock)
        homie = Homie(self.config.mqtt, directory, self.clock, bridge=mqtt)
        trees = [homie] if self.config.homie.enabled else []
        sinks = Sinks([announcer, topics, *trees, *self.extra])
        roster = Roster(sinks, directory, self.clock, self.config.energy.periods)
        roster.begin(configured(self.config))
        requests = Requests(base, self.sources, mqtt, self.clock)
        mqtt.subscribe(f"{base}/bridge/request/+", requests.handle)
        await mqtt.start()
        if history is not None:
            history.start(topics.event)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._gateways(directory, roster, floors)),
                    tasks.create_task(self._clouds(directory, roster)),
                    tasks.create_task(announcer.run()),
                    *([] if trees else [tasks.create_task(homie.withdraw())]),
                    tasks.create_task(self._tell_health(topics, mqtt, history)),
                    tasks.create_task(self._tidy(Leftovers(mqtt, self.clock), base)),
                    tasks.create_task(self._strike(roster)),
                    tasks.create_task(self._live()),
                ]
                await self.ended.wait()
                for task in running:
                    task.cancel()
        finally:
            roster.save()
            await asyncio.gather(homie.stop(), mqtt.stop(topics.farewell()))
            if history is not None:
                await history.stop()

    async def _gateways(self, directory: Path, sink: Sink, floors: Floors) -> None:
        """One task a gateway; where none is configured, those that are found."""
        gateways = self.config.gateway or await self._search()
        around = Surroundings(
            directory=directory,
            enlighten=Enlighten(self.config.login, directory, self.clock),
            pins=Pins(directory),
            clock=self.clock,
            sink=Site(sink, self.config.site, len(gateways), self.clock),
            addresses=Addresses(directory),
            floors=floors,
            periods=self.config.energy.periods,
        )
        self.sources += [GatewaySource(gateway, around) for gateway in gateways]
        async with asyncio.TaskGroup() as tasks:
            for source in self.sources:
                tasks.create_task(self._supervise(source.run, partial(getattr, source.standing, "name")))

    async def _clouds(self, directory: Path, roster: Roster) -> None:
        """One task a cloud. Where none is configured, nothing of them is loaded."""
        if not configured(self.config):
            return
        from envoy_bridge.clouds.build import clouds, folder  # noqa: PLC0415 - as it says

        def serials() -> list[str]:
            return [source.standing.serial for source in self.sources if source.standing.serial]

        self.clouds = clouds(
            self.config, folder(directory), roster, self.clock, local=roster.energy_today, serials=serials
        )
        async with asyncio.TaskGroup() as tasks:
            for source in self.clouds:
                tasks.create_task(self._supervise(source.run, partial(str, f"cloud/{source.cloud.name}")))

    async def _supervise(self, run: Callable[[], Awaitable[None]], name: Callable[[], str]) -> None:
        """Run a source for ever. A bug in one must not end the others."""
        while True:
            try:
                await run()
            except Exception:  # the one place: what nobody foresaw is logged, and this source started again
                log.exception("source_failed", source=name(), again_in=RESTART_AFTER)
            await self.clock.sleep(RESTART_AFTER)

    async def _search(self) -> Sequence[Gateway]:
        """Look for gateways on the LAN until there are some."""
        while True:
            log.info("searching", message="no [[gateway]] is configured: looking for gateways on this network")
            found = await discover(SEARCH_FOR)
            serials = [gateway.serial for gateway in found if gateway.serial]
            if serials:
                log.info("found", gateways=serials)
                return [Gateway(serial=serial) for serial in serials]
            log.warning("none_found", message="no gateway found; set host in a [[gateway]]", again_in=SEARCH_EVERY)
            await self.clock.sleep(SEARCH_EVERY)

    async def _tidy(self, leftovers: Leftovers, base: str) -> None:
        """Clear what an earlier run left of each gateway, once, after it has answered; of clouds that are off, all."""
        tidied: set[str | None] = set()
        async with asyncio.TaskGroup() as tasks:
            for name in set(CLOUDS).difference(configured(self.config)):
                tasks.create_task(leftovers.sweep(f"{base}/cloud/{name}"))
            while True:
                for source in self.sources:
                    serial = source.standing.serial
                    if serial is not None and serial not in tidied and source.standing.tally.good is not None:
                        tidied.add(serial)
                        tasks.create_task(leftovers.clear(f"{base}/{serial.lower()}"))
                        if SITE not in tidied:  # there may have been more gateways before
                            tidied.add(SITE)
                            tasks.create_task(leftovers.clear(f"{base}/{SITE}"))
                await self.clock.sleep(SIGN_OF_LIFE_EVERY)

    async def _strike(self, roster: Roster) -> None:
        """Once it is known which gateways are read, what is remembered of others is gone.

        Where none is configured, one that was not found may only be off: it stays until it is configured otherwise.
        """
        while not self.sources or any(source.standing.serial is None for source in self.sources):
            await self.clock.sleep(SIGN_OF_LIFE_EVERY)
        if self.config.gateway:
            serials = [source.standing.serial or "" for source in self.sources]
            chosen = self.config.site.gateways
            several = len(serials if chosen is None else set(chosen)) > 1
            roster.only([*serials, *([SITE] if several else [])])

    async def _tell_health(self, topics: Topics, mqtt: MqttConnection, history: "History | None") -> None:
        while True:
            await self.clock.sleep(HEALTH_EVERY)
            now = self.clock.wall()
            sources = {
                source.standing.name: {
                    "ok": source.standing.tally.ok,
                    "failed": source.standing.tally.failed,
                    "age": None if (good := source.standing.tally.good) is None else round(now - good),
                }
                for source in self.sources
            }
            health = {
                "time": plain(datetime.fromtimestamp(int(now), UTC)),
                "sources": sources,
                "queue_depth": mqtt.queue_depth,
                "dropped": mqtt.dropped,
                "memory": memory_in_use(),
            }
            if history is not None:
                health["history"] = history.health
            if self.clouds:
                health["clouds"] = {each.cloud.name: each.task.status.body() for each in self.clouds}
            topics.bridge("health", health, qos=0)

    async def _live(self) -> None:
        """Signs of life: to systemd as long as every source makes progress, to the container after good polls."""
        systemd, heartbeat = Systemd(self.environ), Heartbeat(self.environ)
        systemd.tell("READY=1")
        while True:
            if not any(source.overdue() for source in self.sources):
                systemd.tell("WATCHDOG=1")
            polled = [source for source in self.sources if source.standing.tally.good is not None]
            if polled:
                latest = max(polled, key=lambda source: source.standing.tally.good or 0.0)
                try:
                    heartbeat.beat(latest.standing.tally.good, latest.healthy_for)
                except StateError as error:
                    log.warning("heartbeat_not_written", message=str(error))
            await asyncio.sleep(min(SIGN_OF_LIFE_EVERY, (systemd.watchdog or SIGN_OF_LIFE_EVERY * 2) / 2))


def _history(
    mqtt: MqttConnection, base: str, settings: HistorySettings, directory: Path, clock: Clock
) -> "History | None":
    """What keeps readings while the broker is away; None, and nothing of it loaded, where that is turned off."""
    if not settings.enabled:
        return None
    from envoy_bridge.history.keep import History  # noqa: PLC0415 - as it says

    return History(mqtt, base, settings, directory, clock)


def _log_broker(code: str, text: str) -> None:
    """What the connection to the broker has to say; that it stands is no reason to worry."""
    log.log(logging.INFO if code == "mqtt_connected" else logging.WARNING, code, message=text)


async def run(load: Callable[[], Config], environ: Mapping[str, str]) -> None:
    """The daemon: until SIGTERM or SIGINT; on SIGHUP again with what `load` gives then.

    Raises:
        ConfigurationError: at the start. Later the configuration before it stays in force.
        StateError: there is no directory to keep tokens in.
    """
    config = load()
    loop = asyncio.get_running_loop()
    stopping = False
    while not stopping:
        bridge = Bridge(config, environ)

        def stop(bridge: Bridge = bridge) -> None:
            nonlocal stopping
            stopping = True
            bridge.ended.set()

        def reload(bridge: Bridge = bridge) -> None:
            nonlocal config
            try:
                fresh = load()
                state_directory(fresh, environ)
            except (ConfigurationError, StateError) as error:
                log.warning("reload_refused", message=f"{error}; the configuration before stays in force")
                return
            config = fresh
            log.info("reload", message="the configuration was read again")
            bridge.ended.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, reload)
        for feature in unbuilt(config):
            log.warning("not_built_yet", feature=feature)
        log.info("started", version=__version__, gateways=len(config.gateway))
        await bridge.run()
    Systemd(environ).tell("STOPPING=1")
    log.info("stopped")
