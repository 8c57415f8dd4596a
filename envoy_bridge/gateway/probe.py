"""Finds out what a gateway has, once: which endpoint supplies which part of the model. The answer is a `Plan`."""

from collections.abc import Awaitable, Callable, Sequence

from envoy_bridge.derive import derivable
from envoy_bridge.errors import EndpointAbsent, GatewayUnreachable, NotPermitted, UnusableReply
from envoy_bridge.gateway.endpoints import INFO, ROWS, Endpoint, Row
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.normalise import Known
from envoy_bridge.gateway.plan import Plan, Reply
from envoy_bridge.gateway.quirks import QUIRKS, Quirk, repair

Ask = Callable[[str, float], Awaitable[bytes]]
"""Ask a gateway for a path, with a deadline in seconds. Raises GatewayError."""


class Probe:
    """One pass over the table. `patient`: an endpoint that decides about others and is silent ends the probe."""

    def __init__(
        self,
        ask: Ask,
        info: GatewayInfo,
        now: Callable[[], float],
        *,
        patient: bool = True,
        quirks: Sequence[Quirk] = QUIRKS,
    ) -> None:
        self._ask = ask
        self._now = now
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
            if row.needs <= self._sources.keys() and row.supplies - self._claimed:
                await self._try(row)
        self._sources = {**self._later, **self._sources}
        if not self._sources:
            if self._not_permitted:
                raise NotPermitted("the gateway permits nothing with this login: check user name, password or token")
            raise GatewayUnreachable("the gateway answers, but none of the endpoints that are known")
        plan = Plan(
            known=self._known,
            sources=dict(self._sources),
            paths={INFO.id: INFO.paths[0], **self._paths},
            derived=derivable(self._sources),
            not_permitted=tuple(self._not_permitted),
            quirks=frozenset(self._quirks),
        )
        used = {endpoint.id for endpoint in plan.endpoints}
        return plan, tuple(reply for reply in self._replies.values() if reply.endpoint.id in used)

    @property
    def _claimed(self) -> set[str]:
        return set(self._sources) | derivable(self._sources)

    async def _try(self, row: Row) -> None:
        try:
            reply = await self._reply(row.endpoint)
        except GatewayUnreachable:
            if row.decisive and self._patient:
                raise
            if not row.decisive:  # it is asked again by and by, and left alone when it turns out not to be there
                self._sources.update(dict.fromkeys(row.supplies, row.id))
                self._paths[row.endpoint.id] = row.endpoint.paths[0]
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
        refused = False
        for path in endpoint.paths:
            try:
                data = endpoint.decode(await self._ask(path, endpoint.deadline))
            except NotPermitted:
                refused = True
            except (EndpointAbsent, UnusableReply):
                continue
            else:
                self._paths[endpoint.id] = path
                data, fired = repair(data, endpoint.id, self._known, self._table)
                self._quirks.update(fired)
                return Reply(endpoint=endpoint, data=data, quirks=fired, time=self._now())
        if refused:
            self._not_permitted.append(endpoint.id)
        return Reply(endpoint=endpoint, data=None)
