"""What a sink takes. The sources know nothing more of MQTT, terminals or files than this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.outbox import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a person may want to know. `code` names the kind, `source` is a serial number or `bridge`."""

    level: Literal["info", "warning", "error"]
    code: str
    message: str
    source: str
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What there is of one gateway: all that has a value, or had one not long ago.

    `parts`: by path below the gateway (`production/l1`, `inverter/482200000001`, `network`) the names of its
    quantities, both in the order of the model. Without any, the gateway itself is gone.
    """

    serial: str
    parts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudMessage:
    """What a cloud tells besides values. `topic`: below the base, `cloud/<provider>/status`; `body`: plain data.

    `told`: learns whether the broker took a message that is not retained.
    """

    topic: str
    body: Mapping[str, Any] | Sequence[Any]
    retain: bool
    told: Told | None = None


class Sink(Protocol):
    """Takes what the sources find out. Nothing here waits: a slow sink keeps what it could not pass on yet."""

    def snapshot(self, snapshot: Snapshot) -> None:
        """All that is known of one gateway now."""

    def availability(self, serial: str, *, online: bool) -> None:
        """The gateway is, or is no longer, reachable and logged in."""

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """What the gateway is and which endpoint supplies what: plain data that can be written as JSON."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def holdings(self, holdings: Holdings) -> None:
        """What there is of a gateway, at first and when that changes. Comes before the snapshot that brings it."""

    def cloud(self, message: CloudMessage) -> None:
        """A cloud has something to say."""


@dataclass(frozen=True, slots=True)
class Sinks:
    """Several sinks as one."""

    members: Sequence[Sink]

    def snapshot(self, snapshot: Snapshot) -> None:
        """See `Sink`."""
        for sink in self.members:
            sink.snapshot(snapshot)

    def availability(self, serial: str, *, online: bool) -> None:
        """See `Sink`."""
        for sink in self.members:
            sink.availability(serial, online=online)

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """See `Sink`."""
        for sink in self.members:
            sink.info(serial, info)

    def event(self, event: Event) -> None:
        """See `Sink`."""
        for sink in self.members:
            sink.event(event)

    def holdings(self, holdings: Holdings) -> None:
        """See `Sink`."""
        for sink in self.members:
            sink.holdings(holdings)

    def cloud(self, message: CloudMessage) -> None:
        """See `Sink`."""
        for sink in self.members:
            sink.cloud(message)
