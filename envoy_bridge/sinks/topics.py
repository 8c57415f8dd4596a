"""What stands on which topic: the layout of MQTT, as a sink that turns snapshots into messages.

A topic is the path of a value through the model. Nothing here knows the name of a measurement.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from envoy_bridge.catalog import changes, cloud_of, described, plain, points
from envoy_bridge.clock import Clock
from envoy_bridge.model import Snapshot, Unit, Value
from envoy_bridge.redaction import redact_value
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings
from envoy_bridge.sinks.mqtt import Message
from envoy_bridge.site import SITE

EXPIRY: Final = 600
"""Seconds a broker keeps a value of the moment. Twice the time after which an unchanged one is sent again; and of a
gateway that is asked more seldom, twice its cadence."""

CONFIRM_EVERY: Final = 30.0
"""Seconds between two passes over all values, changed or not, so that what still holds does not expire."""

OF_THE_BRIDGE: Final = {
    "bridge/state": "online / offline (last will)",
    "bridge/info": "JSON: version, start, gateways",
    "bridge/health": "JSON, each minute: how polling goes",
    "bridge/event": "JSON, not retained: what a person may want to know",
}
OF_A_GATEWAY: Final = {
    "availability": "online / offline: reachable and logged in",
    "info": "JSON: what it is, which endpoint supplies what",
    "state": "JSON: all values with time and sequence, unknown is null",
    "updated": "time: the last message of a cycle",
}
OF_A_CLOUD: Final = {
    "status": "JSON: state, since, last_success, next_try, quota_used, quota_limit",
    "availability": "online / offline: lets us in and answers",
    "<site>/info": "JSON: time zone, tree of devices",
    "<site>/alerts": "JSON: the open alerts",
    "<site>/history": "JSON, not retained: intervals and days that are over",
}
"""Topics beside the values, and what they mean."""

_ALONE: Final = '""'
"""The part of a branch that has no parts, as JSON."""

Deliver = Callable[[Message], None]

_json = msgspec.json.Encoder()


class Topics:
    """A sink that makes messages: what is retained goes to `deliver`, events go to `announce`.

    `about`: what `bridge/info` says besides the gateways.
    """

    def __init__(
        self, base: str, about: Mapping[str, Any], clock: Clock, *, deliver: Deliver, announce: Deliver
    ) -> None:
        self._base = base
        self._about = about
        self._clock = clock
        self._deliver = deliver
        self._announce = announce
        self._told: dict[str, _Told] = {}
        self._gateways: set[str] = set()
        self._available: set[str] = set()
        self._sequence = 0

    def snapshot(self, snapshot: Snapshot) -> None:
        """The values that changed, then the whole as JSON, then `updated`: what stands before it belongs together."""
        told = self._of(snapshot.serial)
        for message in told.news(snapshot, self._clock.monotonic()):
            self._deliver(message)
        now = self._clock.wall()
        self._sequence = max(self._sequence + 1, int(now * 1000))
        whole = told.state(plain(snapshot.time), self._sequence)
        self._deliver(Message(f"{told.root}/state", whole, expiry=told.expiry))
        self._deliver(Message(f"{told.root}/updated", plain(datetime.fromtimestamp(now, UTC)).encode()))

    def _of(self, serial: str) -> "_Told":
        told = self._told.get(serial)
        if told is None:
            told = self._told[serial] = _Told(f"{self._base}/{serial.lower()}")
        return told

    def holdings(self, holdings: Holdings) -> None:
        """What is gone is cleared; what is there has its place in the JSON, though it may not be known yet."""
        told = self._of(holdings.serial)
        for message in told.expect(holdings.parts):
            self._deliver(message)
        if not holdings.parts:
            for name in (*OF_A_GATEWAY, *(["alerts"] if cloud_of(holdings.serial) else [])):
                self._deliver(Message(f"{told.root}/{name}"))
            del self._told[holdings.serial]
            self._gateways.discard(holdings.serial)
            self._available.discard(holdings.serial)
            self._tell_gateways()

    def availability(self, serial: str, *, online: bool) -> None:
        """`online` or `offline`."""
        self._available.add(serial)
        self._deliver(self._availability(serial, online=online))

    def _availability(self, serial: str, *, online: bool) -> Message:
        return Message(f"{self._base}/{serial.lower()}/availability", b"online" if online else b"offline")

    def farewell(self) -> list[Message]:
        """What to leave behind at a clean stop: every gateway offline, then the bridge."""
        gone = [self._availability(serial, online=False) for serial in sorted(self._available)]
        return [*gone, Message(f"{self._base}/bridge/state", b"offline")]

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        """What the gateway is; the bridge says that it has it."""
        self._of(serial).expiry = max(EXPIRY, int(2 * float(info.get("every") or 0)))
        self._deliver(Message(f"{self._base}/{serial.lower()}/info", _redacted(info)))
        if "/" not in serial:
            self._gateways.add(serial)
            self._available.add(serial)
            self._tell_gateways()

    def _tell_gateways(self) -> None:
        self.bridge("info", {**self._about, "gateways": sorted(self._gateways - {SITE})})

    def cloud(self, message: CloudMessage) -> None:
        """As it is. What somebody waits to be told of is history: long, and nothing but numbers, times and ids."""
        body = _redacted(message.body) if message.told is None else _json.encode(message.body)
        given = Message(f"{self._base}/{message.topic}", body, retain=message.retain, told=message.told)
        (self._deliver if message.retain else self._announce)(given)

    def event(self, event: Event) -> None:
        """Something happened."""
        body = {
            "time": plain(datetime.fromtimestamp(event.time, UTC)),
            "level": event.level,
            "code": event.code,
            "message": event.message,
            "source": event.source,
        }
        self._announce(Message(f"{self._base}/bridge/event", _redacted(body), retain=False))

    def bridge(self, name: str, body: Mapping[str, Any], *, qos: int = 1) -> None:
        """`info` or `health` of the bridge itself."""
        self._deliver(Message(f"{self._base}/bridge/{name}", _redacted(body), qos=qos))


@dataclass(frozen=True, slots=True)
class _Leaf:
    """Where a value stands: on its topic; and in the JSON, as `members[name]` of a branch or of one part of it.

    Names of members are JSON already, as their values are.
    """

    topic: str
    live: bool
    branch: str
    members: dict[str, str]
    name: str


class _Told:
    """What subscribers know of one gateway. `root`: what its topics begin with.

    The JSON is kept as text, member by member: most of it is the same from one cycle to the next. A key that was ever
    published stays in it, as null while it is unknown.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.expiry = EXPIRY
        self._snapshot: Snapshot | None = None
        self._confirmed: float | None = None
        self._leaves: dict[str, _Leaf] = {}
        self._branches: dict[str, dict[str, dict[str, str]]] = {}
        self._written: dict[str, str] = {}
        self._changed: set[str] = set()
        self._leaving: dict[str, _Leaf] = {}

    def expect(self, parts: Mapping[str, Sequence[str]]) -> Iterator[Message]:
        """Make room for these parts' quantities, and let go of all others: their topics are cleared."""
        wanted = {f"{part}/{name}": described(part)[name].unit for part, names in parts.items() for name in names}
        for path, unit in wanted.items():
            if path not in self._leaves:
                leaf = self._new_leaf(path, unit)
                leaf.members[leaf.name] = "null"
                self._changed.add(leaf.branch)
        for path in [path for path in self._leaves if path not in wanted]:
            leaf = self._leaves.pop(path)
            leaf.members[leaf.name] = "null"
            self._changed.add(leaf.branch)
            self._leaving[path] = leaf
            yield Message(leaf.topic)

    def _let_go(self) -> None:
        """Take what has left out of the JSON: it was told once more, as null, to those who had not heard of it."""
        for leaf in [leaf for path, leaf in self._leaving.items() if path not in self._leaves]:
            for name in (leaf.name, f'{leaf.name[:-1]}_raw"'):
                leaf.members.pop(name, None)
            self._changed.add(leaf.branch)
        self._leaving.clear()
        for branch in list(self._branches):
            self._branches[branch] = {part: members for part, members in self._branches[branch].items() if members}
            if not self._branches[branch]:
                del self._branches[branch]
                self._written.pop(_json_text(branch), None)

    def news(self, snapshot: Snapshot, now: float) -> Iterator[Message]:
        """What has changed since the last snapshot; at times all that is known. `now`: monotonic seconds."""
        for path, value, what in changes(self._snapshot, snapshot):
            yield self._message(path, value, what.unit)
        self._note_raw({} if self._snapshot is None else self._snapshot.raw, snapshot.raw)
        self._snapshot = snapshot
        if self._confirmed is None:
            self._confirmed = now
        elif now - self._confirmed >= CONFIRM_EVERY:
            self._confirmed = now
            for path, value, what in points(snapshot):
                yield self._message(path, value, what.unit)

    def state(self, time: str, sequence: int) -> bytes:
        """The whole as JSON, nested as the topics are."""
        for branch in filter(self._changed.__contains__, self._branches):  # the order of every run is the same
            parts = {_json_text(part): _object(members) for part, members in self._branches[branch].items()}
            self._written[_json_text(branch)] = parts.get(_ALONE) or _object(parts)
        self._changed.clear()
        estimated = sorted(self._snapshot.estimated) if self._snapshot is not None else []
        head = {'"time"': _json_text(time), '"sequence"': str(sequence)}
        head |= {'"estimated"': _json.encode(estimated).decode()} if estimated else {}
        whole = _object(head | self._written).encode()
        if self._leaving:
            self._let_go()
        return whole

    def _note_raw(self, former: Mapping[str, float], raw: Mapping[str, float]) -> None:
        """What the gateway itself said of a counter stands beside it in the JSON, as `<name>_raw`."""
        for path in {**former, **raw}:
            value, leaf = raw.get(path), self._leaves.get(path)
            if leaf is not None and value != former.get(path):
                leaf.members[f'{leaf.name[:-1]}_raw"'] = "null" if value is None else plain(value)
                self._changed.add(leaf.branch)

    def _message(self, path: str, value: Value | None, unit: Unit) -> Message:
        """One value, for its topic and for the JSON. When it is not known, nothing: that clears the topic."""
        leaf = self._leaves.get(path) or self._new_leaf(path, unit)
        self._changed.add(leaf.branch)
        if value is None:
            leaf.members[leaf.name] = "null"
            return Message(leaf.topic)
        text = plain(value)
        leaf.members[leaf.name] = text if isinstance(value, float | int) else _json_text(text)  # true and false too
        return Message(leaf.topic, text.encode(), expiry=self.expiry if leaf.live else None)

    def _new_leaf(self, path: str, unit: Unit) -> _Leaf:
        head, _, name = path.lower().rpartition("/")  # a part's name may be a device's serial number, whatever is in it
        branch, _, part = head.partition("/")
        members = self._branches.setdefault(branch, {}).setdefault(part, {})
        topic = f"{self.root}/{path.lower()}"
        leaf = self._leaves[path] = _Leaf(topic, unit.live, branch, members, _json_text(name))
        return leaf


def _object(members: Mapping[str, str]) -> str:
    """A JSON object. Names and values are JSON already."""
    return "{" + ",".join([f"{name}:{value}" for name, value in members.items()]) + "}"


def _json_text(text: str) -> str:
    return _json.encode(text).decode()


def _redacted(body: object) -> bytes:
    return _json.encode(redact_value(body))
