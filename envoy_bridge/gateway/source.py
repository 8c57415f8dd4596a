"""One gateway, for ever: find it, log in, probe, poll, and begin again when it is not what it was.

A cycle is one expression: what came in was repaired, is read (`update`), put together and completed (`snapshot`), and
goes to the sink. All waiting and all decisions about trouble are here; what the numbers mean is elsewhere.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from envoy_bridge.config import Gateway
from envoy_bridge.counters.keeper import Keeper
from envoy_bridge.errors import GatewayError, GatewayUnreachable, LoginError, NotPermitted, StateError
from envoy_bridge.gateway.addresses import Whereabouts
from envoy_bridge.gateway.assemble import bare, carried_over, snapshot, update
from envoy_bridge.gateway.auth import Login, TokenLogin, Tokens, log_in
from envoy_bridge.gateway.basics import INFO, METERS
from envoy_bridge.gateway.beside import beside, listen
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.known import Fields, wiring
from envoy_bridge.gateway.line import Line
from envoy_bridge.gateway.pace import retry_delay
from envoy_bridge.gateway.plan import Access, Plan, Reply, describe
from envoy_bridge.gateway.poll import Poller
from envoy_bridge.gateway.probe import Probe
from envoy_bridge.gateway.rows import Cadence
from envoy_bridge.gateway.schedule import Schedule, cadences
from envoy_bridge.gateway.standing import OFFLINE_AFTER, Standing
from envoy_bridge.gateway.surroundings import Surroundings
from envoy_bridge.watch import Watch

PATIENT_PROBES: Final = 3
"""Probes that insist on an answer from every decisive endpoint; after that, one that is silent counts as absent."""

OVERDUE_AFTER: Final = 120.0
"""Seconds beyond the shortest cadence in which nothing is asked or answered: then this task hangs."""


class _PlanOutdatedError(Exception):
    """The gateway is not what the plan was made for."""


@dataclass(slots=True)
class _Memory:
    """What outlives a connection, so that a gateway that comes back is asked as before."""

    plan: Plan | None = None
    outdated: bool = False
    """The plan is no longer right: probe again."""
    schedule: Schedule | None = None
    fields: Fields = field(default_factory=dict)
    quirks: set[str] = field(default_factory=set)
    firmware: str | None = None
    login: str = ""
    url: str = ""


class GatewaySource:
    """Polls one gateway and tells the sink."""

    def __init__(self, settings: Gateway, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._clock = around.clock
        self._tokens = Tokens(settings, around.directory, around.enlighten, around.clock)
        self._memory = _Memory()
        self._whereabouts = Whereabouts(
            addresses=around.addresses, clock=around.clock, interfaces=around.interfaces, prove=around.pins.prove
        )
        self._failures = 0
        self._probes = 0
        self._distrust = False
        self._lost = True
        self._poller: Poller | None = None
        self._said: object = None
        self.keeper: Keeper | None = None
        """Of the counters; from when we know whose they are."""
        self.standing = Standing(settings.host or "gateway", around.sink, around.clock)
        self._watch = Watch(None, self.standing.tell)
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
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.standing.watch(self._silence_allowed, self._gone))
                tasks.create_task(self._keep_polling())
        finally:
            if self.keeper is not None:
                self.keeper.save(clean=True)
                self._watch.save()

    async def _keep_polling(self) -> None:
        while True:
            self.standing.moved = self._clock.monotonic()
            try:
                await self._session()
            except _PlanOutdatedError:
                self._memory.outdated = True
            except (GatewayError, LoginError, StateError) as error:
                self._failures += 1
                self._lost = True
                self._distrust = isinstance(error, NotPermitted)
                if not isinstance(error, GatewayUnreachable):
                    self._memory.outdated = True
                self.standing.trouble(error)
                await self._clock.sleep(retry_delay(self._failures, first=2.0))

    async def _session(self) -> None:
        """One connection, from `/info` until something ends it."""
        where = self._whereabouts
        http, info = await connect(self._settings, self.standing.serial, where)
        async with http:
            self._memory.url = http.url
            self._recognise(http, info)
            await self._open_counters(info.serial)
            if where.former is not None:
                moved = f"the gateway answers at {where.address} now instead of {where.former}"
                self.standing.tell("warning", "address_changed", moved)
            login = await log_in(http, info, self._settings, self._tokens, distrust=self._distrust)
            line = Line(http, login, self.standing, self._clock)
            plan, replies = await self._plan(line, info, login)
            poller = self._poller = self._begin(line, plan, replies)
            async with beside(self._side_tasks(line, login, poller)):
                while True:
                    self._take(poller, await poller.next())

    def _side_tasks(self, line: Line, login: Login, poller: Poller) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on while we poll."""
        if isinstance(login, TokenLogin):
            yield self._tokens.renew_in_time(login)
        for endpoint in poller.streams:
            yield listen(line, endpoint, partial(self._take, poller), poller.refused.add, self._clock)

    async def _open_counters(self, serial: str) -> None:
        """The counters of this gateway, and after a run that did not end in order, where subscribers stand."""
        if self.keeper is None:
            around = self._around
            self.keeper = Keeper(around.directory, serial, self._clock, self.standing.tell, around.periods)
            if not self.keeper.clean:
                self.keeper.stand(await self._around.floors(serial))
            self.keeper.save()
            self._watch = Watch(around.directory / "habits" / f"{serial.lower()}.json", self.standing.tell)

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
        access = Access.of(login.role, self._settings)
        if memory.plan is not None and not memory.outdated and (memory.plan.info, memory.plan.access) == (info, access):
            return memory.plan, ()
        self._probes += 1
        patient = self._probes <= PATIENT_PROBES
        plan, replies = await Probe(line.ask, info, self._clock.wall, access=access, patient=patient).run()
        self._probes = 0
        if memory.plan is not None:
            plan = plan.inherit(memory.plan)
        memory.plan, memory.schedule, memory.outdated = plan, None, False
        memory.fields = carried_over(plan, memory.fields)
        self._remember_quirks(plan.quirks)
        return plan, replies

    def _begin(self, line: Line, plan: Plan, replies: Sequence[Reply]) -> Poller:
        """Publish what the probe brought, and go on where we were."""
        memory = self._memory
        if memory.schedule is None:
            answered = {reply.endpoint.id for reply in replies}
            memory.schedule = Schedule.of(plan, cadences(self._settings), answered, self._clock.monotonic())
        poller = Poller(line, plan, memory.schedule, self._clock)
        self._announce(plan)
        for reply in replies:
            plan = self._learn(reply)
        poller.follow(plan)
        if replies:
            self._publish(plan)
        else:
            poller.resume()
        return poller

    def _take(self, poller: Poller, reply: Reply) -> None:
        """What one reply changes: the plan, what is known, what is asked, what is published."""
        before = self._memory.plan
        assert before is not None  # noqa: S101 - there is a plan while we poll
        self._check(before, reply)
        plan = self._learn(reply)
        if plan is not before:
            poller.follow(plan)
        if plan.tells(reply.endpoint):
            self._publish(plan)
        elif reply.endpoint is not INFO:
            poller.rest(reply.endpoint)
        self._announce(plan)

    def _learn(self, reply: Reply) -> Plan:
        """Keep what a reply tells. Gives the plan, which may have learnt from it."""
        memory = self._memory
        assert memory.plan is not None  # noqa: S101 - as above
        plan = memory.plan = memory.plan.learn(reply)
        memory.fields = update(plan, memory.fields, reply)
        self._remember_quirks(reply.quirks)
        return plan

    def _publish(self, plan: Plan) -> None:
        self._failures = 0
        self._lost = False
        self.standing.polling()
        current = bare(plan, self._memory.fields, self._clock.wall())
        kept = current if self.keeper is None else self.keeper.keep(current, plan)
        self._around.sink.snapshot(self._watch.look(kept, plan.meters, self._clock.wall()))

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
        if reply.endpoint is METERS and wiring(reply.data) != wiring(plan.meters):
            changed = "the configuration of the CTs changed; the gateway is probed anew"
            self.standing.tell("warning", "meters_changed", changed)
            raise _PlanOutdatedError

    def _shortest_cadence(self) -> float:
        every, plan = cadences(self._settings), self._memory.plan
        return min(every[endpoint.cadence] for endpoint in plan.endpoints) if plan else every[Cadence.FAST]

    def _silence_allowed(self) -> float:
        """Seconds without a good reply until the gateway is offline.

        As long as it answers at all, the slowest endpoint may still be good when the others are not.
        """
        every, plan = cadences(self._settings), self._memory.plan
        slowest = (
            max((every[each.cadence] for each in plan.endpoints if each.cadence is not Cadence.HOURLY), default=0.0)
            if plan
            else 0.0
        )
        return max(OFFLINE_AFTER, 3 * (self._shortest_cadence() if self._lost else slowest))

    def _remember_quirks(self, fired: Sequence[str] | frozenset[str]) -> None:
        new = set(fired) - self._memory.quirks
        self._memory.quirks |= new
        for quirk in sorted(new):
            message = f"the firmware has a known fault, which is repaired: {quirk}"
            self.standing.tell("info", "quirk_found", message)

    def _announce(self, plan: Plan) -> None:
        """Say what the gateway is and how it is asked; once, until it is something else."""
        memory = self._memory
        refused = set() if self._poller is None else self._poller.refused
        paces = {} if memory.schedule is None else memory.schedule.paces()
        watch = self._watch
        seen = (watch.advice, watch.online, memory.url)
        said = (plan, memory.login, frozenset(memory.quirks), frozenset(refused), paces, *seen)
        if said != self._said:
            self._said = said
            told = describe(plan)
            told["not_permitted"] = sorted({*told["not_permitted"], *refused})
            told |= {"login": memory.login, "quirks": sorted(memory.quirks), "slowed_down": paces}
            told |= {"advice": watch.advice, "inverters_online": watch.online}
            told |= {"url": memory.url, "every": self._shortest_cadence()}
            self._around.sink.info(plan.info.serial, told)
