"""`/ivp/livedata/status`: it moves only while somebody has asked for that, and for a quarter of an hour at a time."""

import math
from dataclasses import replace
from typing import Any, Final

import msgspec
from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.har import Recorded
from envoy_bridge.simulator.replies import page

STATUS: Final = "/ivp/livedata/status"
SWITCH: Final = "/ivp/livedata/stream"

LASTS: Final = 900.0
"""Seconds until it is off again. Of real gateways it is known only that they do so."""


class LiveData:
    """The switch of one gateway. `lasts` may be changed while it runs."""

    def __init__(self, clock: Clock) -> None:
        self.lasts = LASTS
        self._clock = clock
        self._until = -math.inf
        self._still: object = None
        """The figures that were shown last."""

    @property
    def enabled(self) -> bool:
        """Whether the figures move."""
        return self._clock.monotonic() < self._until

    def restart(self) -> None:
        """Off, as after a start of the gateway."""
        self._until, self._still = -math.inf, None

    def switch(self, body: bytes) -> web.Response:
        """The answer to a POST of `{"enable": 1}`, or 0."""
        try:
            wanted = msgspec.json.decode(body, type=_Wanted)
        except msgspec.DecodeError:
            return page(400)
        self._until = self._clock.monotonic() + self.lasts if wanted.enable else -math.inf
        answer = msgspec.json.encode({"sc_stream": self._word})
        return web.Response(body=answer, content_type="application/json")

    def shown(self, recorded: Recorded) -> Recorded:
        """The answer to GET, from what the world says now; while off, the figures are those that were shown last."""
        try:
            status = msgspec.json.decode(recorded.body, type=dict[str, Any])
            connection, meters = (
                msgspec.convert(status.get(part), dict[str, Any]) for part in ("connection", "meters")
            )
        except msgspec.MsgspecError:
            return recorded
        if self.enabled:
            self._still = meters | {"last_update": int(self._clock.wall())}
        elif self._still is None:
            self._still = meters
        fresh = {"connection": connection | {"sc_stream": self._word}, "meters": self._still}
        return replace(recorded, body=msgspec.json.encode(status | fresh))

    @property
    def _word(self) -> str:
        return "enabled" if self.enabled else "disabled"


class _Wanted(msgspec.Struct):
    enable: int
