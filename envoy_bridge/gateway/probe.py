"""Finds out what a gateway has: which endpoint supplies which part of the model. The answer is a `Plan`.

`Probe` asks what decides about the flows, and no more: then there is something to publish. `survey` asks the rest too,
as the poller does by and by.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from envoy_bridge.derive import derivable
from envoy_bridge.errors import EndpointAbsent, GatewayError, GatewayUnreachable, NotPermitted, UnusableReply
from envoy_bridge.gateway.assemble import update
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.known import Fields, Known
from envoy_bridge.gateway.plan import Access, Plan, Reply, refused, wanted
from envoy_bridge.gateway.quirks import QUIRKS, Quirk, repair
from envoy_bridge.gateway.rows import Endpoint, Row

Ask = Callable[[str, float], Awaitable[bytes]]
"""Ask a gateway for a path, with a deadline in seconds. Raises GatewayError."""


class Probe:
    """One pass over the table. `patient`: an endpoint that is silent ends the probe, since others depend on it."""

    def __init__(
        self,
        ask: Ask,
        info: GatewayInfo,
        now: Callable[[], float],
        *,
        access: Access = Access(),  # noqa: B008 - it is frozen
        patient: bool = True,
        quirks: Sequence[Quirk] = QUIRKS,
    ) -> None:
        self._ask = ask
        self._now = now
        self._access = access
        self._patient = patient
        self._table = quirks
        self._known = Known(info)
        self._sources: dict[str, str] = {}
        self._later: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._replies: dict[str, Reply] = {}
        self._not_permitted: list[str] = []
        self._quirks: set[str] = set()

    async def run(self) -> tuple[Plan, tuple[Reply, ...]]:
        """Ask what there is. Gives the plan, and the replies, which are the first of the polling.

        Raises:
            GatewayUnreachable: a decisive endpoint did not answer; to decide without it would be a guess.
            NotPermitted: nothing that was asked is permitted.
        """
        for row in ROWS:
            awaited = self._later.keys() if row.last else ()
            if row.decisive and row.needs <= self._sources.keys() and row.supplies - self._claimed - {*awaited}:
                await self._try(row)
        self._sources = {**self._later, **self._sources}
        for row in ROWS:
            if not self._sources and not row.needs and wanted(row.endpoint, self._access, self._known.info):
                await self._try(row)  # no flow at all, but devices are something
        if not self._sources:
            if self._not_permitted:
                raise NotPermitted("the gateway permits nothing with this login: check user name, password or token")
            raise GatewayUnreachable("the gateway answers, but none of the endpoints that are known")
        plan = Plan(
            known=self._known,
            sources=dict(self._sources),
            paths={INFO.id: self._known.info.path, **self._paths},
            access=self._access,
            not_permitted=(*self._not_permitted, *refused(self._access, self._known.info)),
            quirks=frozenset(self._quirks),
        )
        used = {endpoint.id for endpoint in plan.endpoints}
        return plan, tuple(reply for reply in self._replies.values() if reply.endpoint.id in used)

    async def survey(self) -> tuple[Plan, Fields]:
        """Ask everything, once, and put together what it told. Raises as `run` does."""
        plan, replies = await self.run()
        fields: Fields = {}
        for reply in replies:
            plan = plan.learn(reply)
            fields = update(plan, fields, reply)
        while endpoint := next((each for each in plan.endpoints if self._is_new(each)), None):
            try:
                reply = await self._reply(endpoint)
            except GatewayError:
                self._replies[endpoint.id] = Reply(endpoint=endpoint, data=None)
                continue
            plan = plan.learn(reply)
            fields = update(plan, fields, reply)
        for reply in self._replies.values():  # what a row needs may have come after its own reply
            learnt = plan.learn(reply)
            if learnt is not plan:
                plan, fields = learnt, update(learnt, fields, reply)
        plan = replace(
            plan,
            paths={**plan.paths, **self._paths},
            not_permitted=(*self._not_permitted, *refused(self._access, self._known.info)),
            quirks=frozenset(self._quirks),
        )
        return plan, fields

    def _is_new(self, endpoint: Endpoint) -> bool:
        return endpoint is not INFO and not endpoint.stream and endpoint.id not in self._replies

    @property
    def _claimed(self) -> set[str]:
        return set(self._sources) | derivable(self._sources)

    async def _try(self, row: Row) -> None:
        try:
            reply = await self._reply(row.endpoint)
        except GatewayUnreachable:
            if self._patient:
                raise
            return
        if reply.data is None:
            if reply.quirks:  # not usable now, after a start for instance: it may be when nobody else can tell
                self._later.update(dict.fromkeys(row.supplies - self._later.keys(), row.id))
            return
        fields = row.read(reply.data, self._known, reply.time)
        self._sources.update(dict.fromkeys(fields.keys() - self._claimed, row.id))
        if "meters" in fields:
            self._known = Known(self._known.info, fields["meters"])

    async def _reply(self, endpoint: Endpoint) -> Reply:
        """The endpoint's answer; asked only once, whatever it was."""
        if endpoint.id not in self._replies:
            self._replies[endpoint.id] = await self._first_answer(endpoint)
        return self._replies[endpoint.id]

    async def _first_answer(self, endpoint: Endpoint) -> Reply:
        forbidden = False
        for path in endpoint.paths:
            try:
                data = endpoint.decode(await self._ask(path, endpoint.deadline))
            except NotPermitted:
                forbidden = True
            except (EndpointAbsent, UnusableReply):
                continue
            else:
                self._paths[endpoint.id] = path
                data, fired = repair(data, endpoint.id, self._known, self._table)
                self._quirks.update(fired)
                return Reply(endpoint=endpoint, data=data, quirks=fired, time=self._now())
        if forbidden:
            self._not_permitted.append(endpoint.id)
        return Reply(endpoint=endpoint, data=None)
