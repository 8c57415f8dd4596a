"""One gateway, for ever: find it, log in, probe, poll, and begin again when it is not what it was.

A cycle is one expression: what came in was repaired, is read (`update`), put together and completed (`snapshot`), and
goes to the sink. All waiting and all decisions about trouble are here; what the numbers mean is elsewhere.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from envoy_bridge.clock import Clock
from envoy_bridge.config import Gateway
from envoy_bridge.errors import GatewayError, GatewayUnreachable, LoginError, NotPermitted, StateError
from envoy_bridge.gateway.assemble import snapshot, update
from envoy_bridge.gateway.auth import Login, TokenLogin, Tokens, log_in
from envoy_bridge.gateway.connect import Line, connect
from envoy_bridge.gateway.endpoints import INFO, METERS, Cadence
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.normalise import Fields, phase_count
from envoy_bridge.gateway.pin import Pins
from envoy_bridge.gateway.plan import Plan, Reply, describe
from envoy_bridge.gateway.poll import Poller, Schedule, retry_delay
from envoy_bridge.gateway.probe import Probe
from envoy_bridge.gateway.standing import OFFLINE_AFTER, Standing
from envoy_bridge.sinks.base import Sink

PATIENT_PROBES: Final = 3
"""Probes that insist on an answer from every decisive endpoint; after that, one that is silent counts as absent."""

OVERDUE_AFTER: Final = 120.0
"""Seconds beyond the shortest cadence in which nothing is asked or answered: then this task hangs."""

HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sources share."""

    directory: Path
    enlighten: Enlighten
    pins: Pins
    clock: Clock
    sink: Sink


class _PlanOutdatedError(Exception):
    """The gateway is not what the plan was made for."""


@dataclass(slots=True)
class _Memory:
    """What outlives a connection, so that a gateway that comes back is asked as before."""

    plan: Plan | None = None
    schedule: Schedule | None = None
    fields: Fields = field(default_factory=dict)
    quirks: set[str] = field(default_factory=set)
    firmware: str | None = None
    login: str = ""


class GatewaySource:
    """Polls one gateway and tells the sink."""

    def __init__(self, settings: Gateway, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._clock = around.clock
        self._tokens = Tokens(settings, around.directory, around.enlighten, around.clock)
        self._memory = _Memory()
        self._failures = 0
        self._probes = 0
        self._distrust = False
        self._lost = True
        self._poller: Poller | None = None
        self.standing = Standing(settings.host or "gateway", around.sink, around.clock)
        if settings.serial is not None:
            self.standing.identify(settings.serial)

    def overdue(self) -> bool:
        """Has this task stopped making progress? Then something hangs that should not."""
        return self._clock.monotonic() - self.standing.moved > OVERDUE_AFTER + self._shortest_cadence()

    @property
    def healthy_for(self) -> float:
        """Seconds without a good poll that are no reason to worry."""
        return OVERDUE_AFTER + 3 * self._shortest_cadence()

    def refresh(self) -> None:
        """Ask everything now."""
        if self._poller is not None:
            self._poller.hurry()

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.standing.watch(self._silence_allowed, self._gone))
            tasks.create_task(self._keep_polling())

    async def _keep_polling(self) -> None:
        while True:
            self.standing.moved = self._clock.monotonic()
            try:
                await self._session()
            except _PlanOutdatedError:
                self._memory.plan = None
            except (GatewayError, LoginError, StateError) as error:
                self._failures += 1
                self._lost = True
                self._distrust = isinstance(error, NotPermitted)
                if not isinstance(error, GatewayUnreachable):
                    self._memory.plan = None
                self.standing.trouble(error)
                await self._clock.sleep(retry_delay(self._failures, first=2.0))

    async def _session(self) -> None:
        """One connection, from `/info` until something ends it."""
        http, info = await connect(self._settings, self.standing.serial)
        async with http:
            self._recognise(http, info)
            login = await log_in(http, info, self._settings, self._tokens, distrust=self._distrust)
            line = Line(http, login, self.standing, self._clock)
            plan, replies = await self._plan(line, info, login)
            renewal = asyncio.create_task(self._tokens.renew_in_time(login)) if isinstance(login, TokenLogin) else None
            try:
                await self._poll(line, plan, replies)
            finally:
                if renewal is not None:
                    renewal.cancel()
                    await asyncio.gather(renewal, return_exceptions=True)

    def _recognise(self, http: GatewayHttp, info: GatewayInfo) -> None:
        """It is the gateway we know, with the certificate we know; or a new firmware with a new one."""
        renewed = http.tls is not None and self._around.pins.settle(http.tls, info)
        self.standing.identify(info.serial)
        tell, former = self.standing.tell, self._memory.firmware
        if former not in (None, info.firmware):
            tell("warning", "firmware_changed", f"the firmware changed from {former} to {info.firmware}")
        if renewed:
            tell("warning", "certificate_changed", f"a new certificate came along with firmware {info.firmware}")
        self._memory.firmware = info.firmware

    async def _plan(self, line: Line, info: GatewayInfo, login: Login) -> tuple[Plan, Sequence[Reply]]:
        """The plan of last time if nothing has changed, else a new one with the replies that the probe brought."""
        memory = self._memory
        memory.login = login.describe()
        if memory.plan is not None and memory.plan.info == info:
            return memory.plan, ()
        self._probes += 1
        plan, replies = await Probe(line.ask, info, self._clock.wall, patient=self._probes <= PATIENT_PROBES).run()
        self._probes = 0
        memory.plan, memory.schedule = plan, None
        memory.fields = {name: value for name, value in memory.fields.items() if name in plan.sources}
        self._remember_quirks(plan.quirks)
        return plan, replies

    async def _poll(self, line: Line, plan: Plan, replies: Sequence[Reply]) -> None:
        memory = self._memory
        if memory.schedule is None:
            answered = {reply.endpoint.id for reply in replies}
            memory.schedule = Schedule.of(plan, self._cadences(), answered, self._clock.monotonic())
        poller = self._poller = Poller(line.ask, plan, memory.schedule, self._clock)
        self._announce(plan)
        for reply in replies:
            memory.fields = update(plan, memory.fields, reply)
        if replies:
            self._publish(plan)
        else:
            poller.resume()
        while True:
            reply = await poller.next()
            self._check(plan, reply)
            memory.fields = update(plan, memory.fields, reply)
            if self._remember_quirks(reply.quirks):
                self._announce(plan)
            if reply.endpoint is not INFO:
                self._publish(plan)

    def _publish(self, plan: Plan) -> None:
        self._failures = 0
        self._lost = False
        self.standing.polling()
        self._around.sink.snapshot(snapshot(plan, self._memory.fields, self._clock.wall()))

    def _gone(self) -> None:
        """The gateway is offline: what was known of it is no longer known, and all is asked when it is back."""
        self._memory.fields = {}
        self._memory.schedule = None
        self.refresh()
        if self._memory.plan is not None:
            self._around.sink.snapshot(snapshot(self._memory.plan, {}, self._clock.wall()))

    def _check(self, plan: Plan, reply: Reply) -> None:
        """Is the gateway still what the plan was made for?"""
        if reply.data is None:
            return
        if reply.endpoint is INFO and reply.data != plan.info:
            raise _PlanOutdatedError
        if reply.endpoint is METERS and _wiring(reply.data) != _wiring(plan.meters):
            changed = "the configuration of the CTs changed; the gateway is probed anew"
            self.standing.tell("warning", "meters_changed", changed)
            raise _PlanOutdatedError

    def _cadences(self) -> Mapping[Cadence, float]:
        settings = self._settings
        return {
            Cadence.FAST: float(settings.fast),
            Cadence.SLOW: float(settings.slow),
            Cadence.INVERTERS: float(settings.inverters),
            Cadence.HOURLY: HOUR,
        }

    def _shortest_cadence(self) -> float:
        cadences, plan = self._cadences(), self._memory.plan
        return min(cadences[endpoint.cadence] for endpoint in plan.endpoints) if plan else cadences[Cadence.FAST]

    def _silence_allowed(self) -> float:
        """Seconds without a good reply until the gateway is offline.

        As long as it answers at all, the slowest endpoint may still be good when the others are not.
        """
        cadences, plan = self._cadences(), self._memory.plan
        slowest = (
            max((cadences[endpoint.cadence] for endpoint in plan.endpoints if endpoint is not INFO), default=0.0)
            if plan
            else 0.0
        )
        return max(OFFLINE_AFTER, 3 * (self._shortest_cadence() if self._lost else slowest))

    def _remember_quirks(self, fired: Sequence[str] | frozenset[str]) -> bool:
        new = set(fired) - self._memory.quirks
        self._memory.quirks |= new
        for quirk in sorted(new):
            message = f"the firmware has a known fault, which is repaired: {quirk}"
            self.standing.tell("info", "quirk_found", message)
        return bool(new)

    def _announce(self, plan: Plan) -> None:
        info = describe(plan) | {"login": self._memory.login, "quirks": sorted(self._memory.quirks)}
        self._around.sink.info(plan.info.serial, info)


def _wiring(meters: Sequence[Any] | None) -> list[tuple[object, ...]]:
    """What of the meters the plan depends on."""
    return [(meter.eid, meter.state, meter.measurement_type, phase_count(meter)) for meter in meters or ()]
