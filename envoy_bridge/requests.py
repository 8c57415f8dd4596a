"""What subscribers may ask of the bridge, and its answers."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec

from envoy_bridge.clock import Clock
from envoy_bridge.counters import request as counters
from envoy_bridge.errors import EnvoyBridgeError
from envoy_bridge.gateway.source import GatewaySource
from envoy_bridge.sinks.mqtt import Message, MqttConnection

REFRESH_AT_MOST_EVERY: Final = 5.0

COUNTERS_AT_MOST: Final = 50
COUNTERS_WITHIN: Final = 5.0
"""So many requests in so many seconds: enough for a script, and what is decided is written to disk at once."""


@dataclass(slots=True)
class Requests:
    """`<base>/bridge/request/<verb>`: what subscribers may ask of the bridge. Answers on `.../response/<verb>`."""

    base: str
    sources: Sequence[GatewaySource]
    mqtt: MqttConnection
    clock: Clock
    refreshed: float = float("-inf")
    counted: deque[float] = field(default_factory=lambda: deque(maxlen=COUNTERS_AT_MOST))

    def handle(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - the broker's word for it
        """Do what is asked. A retained request was meant for another moment."""
        verb = topic.rpartition("/")[2]
        if retained:
            return
        try:
            answer: dict[str, Any] = {"status": "ok", **self._do(verb, payload)}
        except EnvoyBridgeError as error:
            answer = {"status": "error", "error": str(error)}
        transaction = _transaction(payload)
        body = msgspec.json.encode(answer if transaction is None else {**answer, "transaction": transaction})
        name = verb if verb in ("refresh", "announce", "counters") else "unknown"
        self.mqtt.send(Message(f"{self.base}/bridge/response/{name}", body, retain=False))

    def _do(self, verb: str, payload: bytes) -> dict[str, Any]:
        """Do it, and give what the answer says besides its status.

        Raises:
            EnvoyBridgeError: why not.
        """
        now = self.clock.monotonic()
        if verb == "counters":
            if len(self.counted) == COUNTERS_AT_MOST and now - self.counted[0] < COUNTERS_WITHIN:
                raise EnvoyBridgeError(f"at most {COUNTERS_AT_MOST} requests in {COUNTERS_WITHIN:g} s")
            self.counted.append(now)
            keepers = {each.standing.serial: each.keeper for each in self.sources if each.standing.serial}
            return counters.answer(payload, keepers)
        if verb not in ("refresh", "announce"):
            raise EnvoyBridgeError("there are the requests counters, refresh and announce")
        if now - self.refreshed < REFRESH_AT_MOST_EVERY:
            raise EnvoyBridgeError(f"at most one request in {REFRESH_AT_MOST_EVERY:g} s")
        self.refreshed = now
        if verb == "announce":
            self.mqtt.announce()
        else:
            for source in self.sources:
                source.refresh()
        return {}


class _Request(msgspec.Struct):
    """What may come with a request: by `transaction` the asker knows the answer. It is repeated as it came."""

    transaction: Annotated[str, msgspec.Meta(max_length=64)] | int | None = None


def _transaction(payload: bytes) -> str | int | None:
    """The `transaction` of a request; None where there is none that could be repeated."""
    try:
        return msgspec.json.decode(payload, type=_Request).transaction
    except (msgspec.DecodeError, RecursionError):
        return None
