"""What all sources share."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from envoy_bridge.clock import Clock
from envoy_bridge.counters.floors import no_floors
from envoy_bridge.gateway.addresses import Addresses
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.pin import Pins
from envoy_bridge.sinks.base import Sink


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sources share."""

    directory: Path
    enlighten: Enlighten
    pins: Pins
    clock: Clock
    sink: Sink
    addresses: Addresses = field(default_factory=Addresses)
    floors: Callable[[str], Awaitable[Mapping[str, float]]] = no_floors
    """Where subscribers stand: the retained counters of a gateway, by path."""
    periods: frozenset[str] = frozenset({"today"})
    """For which periods it is published what the counters gained: today, week, month, year."""
    interfaces: Sequence[str] | None = None
    """Addresses of this machine on which gateways are looked for; None: all."""
