"""Judges what the daemon asks and what it publishes, against what the gateway saw and said. Pure."""

import statistics
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from scripts._bench.subscriber import Arrival
from scripts._soak.gateway import OK, READINGS, Asked, Said, Stalled

COUNTERS = frozenset(
    f"energy_{name}" for name in ("lifetime", "imported", "exported", "discharged", "charged", "delivered", "received")
)
"""Quantities that must never fall."""

ROUNDING = 0.00051
"""Topics have three decimals."""

EXAMPLES = 3

Event = Asked | Said | Stalled | Arrival


@dataclass(slots=True)
class Beat:
    """Requests against a steady beat. `every`: seconds. `last`: when the last one came, or we began to look."""

    every: float
    last: float
    count: int = 0
    skipped: int = 0
    _moments: list[float] = field(default_factory=list)

    def take(self, moment: float) -> None:
        """A request came."""
        self.count += 1
        self.pass_until(moment)
        self.last = moment
        self._moments.append(moment)

    def pass_until(self, moment: float) -> None:
        """The next request comes at this moment, or has not come yet: the beats before it were skipped."""
        self.skipped += max(0, round((moment - self.last) / self.every) - 1)

    def deviations(self) -> list[float]:
        """Seconds by which each request since the last call was off the beat, which is their median's."""
        if not self._moments:
            return []
        phases = [self._wrapped(moment - self._moments[0]) for moment in self._moments]
        beat = statistics.median(phases)
        self._moments.clear()
        return [self._wrapped(phase - beat) for phase in phases]

    def _wrapped(self, seconds: float) -> float:
        return (seconds + self.every / 2) % self.every - self.every / 2


@dataclass(slots=True)
class Cycle:
    """Readings of a gateway, and whether a subscriber has got all of them."""

    said: Said
    arrived: bool = False


@dataclass(slots=True)
class Judge:
    """Takes all events in the order of their time. What happened before `begin` is known, and not counted.

    `serial`: the gateway's.
    """

    serial: str
    begin: float
    beat: Beat
    unanswered: int = 0
    """Requests for the readings without a good answer."""
    lost: int = 0
    """Readings that never stood on the topics together."""
    wrong: int = 0
    """Snapshots whose powers are not those of one of the last readings."""
    missing: int = 0
    """Snapshots in which the power of a meter was not known."""
    fallen: int = 0
    """Times that a counter fell."""
    offline: int = 0
    """Times that the gateway was called offline."""
    dropped: int | None = None
    """Messages that the daemon says it has dropped; None: it has not said anything yet."""
    messages: int = 0
    examples: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    """Seconds from the readings to the last message of their cycle."""
    requests: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    _values: dict[str, str] = field(default_factory=dict)
    _cycles: deque[Cycle] = field(default_factory=lambda: deque(maxlen=3))

    def take(self, event: Event) -> None:
        """See the class."""
        counted = event.time >= self.begin
        match event:
            case Arrival():
                self._arrived(event, counted=counted)
            case Said():
                self._said(event)
            case Asked() if counted:
                self._asked(event)
            case Stalled() if counted:
                self.events[f"stalled {event.path}"] += 1

    def _asked(self, asked: Asked) -> None:
        self.requests[asked.path] += 1
        self.given_up[asked.path] += asked.status is None
        if asked.path == READINGS:
            self.beat.take(asked.time)
            self.unanswered += asked.status != OK

    def _said(self, said: Said) -> None:
        if len(self._cycles) == self._cycles.maxlen:
            oldest = self._cycles[0]
            self.lost += oldest.said.time >= self.begin and not oldest.arrived
        self._cycles.append(Cycle(said))

    def _arrived(self, arrival: Arrival, *, counted: bool) -> None:
        _base, source, *path = arrival.topic.split("/")
        text = arrival.payload.decode()
        self.messages += counted
        if source == "bridge":
            self._told(path, arrival.payload, counted=counted)
        elif source != self.serial:
            return
        elif path == ["updated"]:
            self._complete(arrival.time, counted=counted)
        elif path == ["availability"]:
            self.offline += counted and text == "offline"
        elif path[-1] in COUNTERS:
            self._counted(arrival.topic, text, counted=counted)
        elif path[-1] == "power":
            self._values["/".join(path[:-1])] = text

    def _told(self, path: list[str], payload: bytes, *, counted: bool) -> None:
        """What the bridge says of itself."""
        if path == ["health"]:
            self.dropped = msgspec.json.decode(payload)["dropped"]
        elif path == ["event"] and counted:
            event: dict[str, Any] = msgspec.json.decode(payload)
            self.events[f"{event['level']} {event['code']}"] += 1

    def _counted(self, topic: str, text: str, *, counted: bool) -> None:
        """A counter; one that is cleared must come back no lower."""
        if not text:
            return
        before = self._values.get(topic)
        if counted and before is not None and float(text) < float(before):
            self.fallen += 1
            self._example(f"{topic} fell from {before} to {text}")
        self._values[topic] = text

    def _complete(self, moment: float, *, counted: bool) -> None:
        """A snapshot is complete. One that another endpoint caused may be older than readings just sent."""
        if not self._cycles:
            return
        found = next((cycle for cycle in reversed(self._cycles) if not any(self._differences(cycle.said))), None)
        if found is not None and not found.arrived:
            found.arrived = True
            if counted:
                self.delays.append(moment - found.said.time)
        if counted:
            latest = self._cycles[-1].said
            self.missing += any(not self._values.get(name) for name in latest.powers)
            if found is None:
                self.wrong += 1
                self._example("; ".join(islice(self._differences(latest), EXAMPLES)))

    def _differences(self, said: Said) -> Iterator[str]:
        for name, power in said.powers.items():
            text = self._values.get(name)
            if text and abs(float(text) - power) > ROUNDING:
                yield f"{name}: {text} published, {power} said"

    def _example(self, text: str) -> None:
        if len(self.examples) < EXAMPLES:
            self.examples.append(text)
