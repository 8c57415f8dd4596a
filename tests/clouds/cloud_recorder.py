"""A sink that keeps what it is told, as a broker would, and says when a message has arrived."""

from collections.abc import Mapping
from typing import Any

from envoy_bridge.model import Snapshot
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings


class Recorder:
    """`away`: the broker is; what is not retained waits in `outbox`."""

    def __init__(self) -> None:
        self.snapshots: dict[str, Snapshot] = {}
        self.told = 0
        self.online: dict[str, list[bool]] = {}
        self.infos: dict[str, Mapping[str, Any]] = {}
        self.events: list[Event] = []
        self.retained: dict[str, Any] = {}
        self.messages: list[CloudMessage] = []
        self.outbox: list[CloudMessage] = []
        self.away = False
        self.gone: list[str] = []

    def snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots[snapshot.serial] = snapshot
        self.told += 1

    def availability(self, serial: str, *, online: bool) -> None:
        self.online.setdefault(serial, []).append(online)

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        self.infos[serial] = info

    def event(self, event: Event) -> None:
        self.events.append(event)

    def holdings(self, holdings: Holdings) -> None:
        assert not holdings.parts, "what there is the roster tells"
        self.gone.append(holdings.serial)

    def cloud(self, message: CloudMessage) -> None:
        if message.retain:
            self.retained[message.topic] = message.body
        elif self.away:
            self.outbox.append(message)
        else:
            self.messages.append(message)
            if message.told is not None:
                message.told(taken=True)

    def comes_back(self, *, took: bool) -> None:
        """The broker is there again; `took`: it got what waited."""
        self.away = False
        waiting, self.outbox = self.outbox, []
        for message in waiting:
            if took:
                self.messages.append(message)
            if message.told is not None:
                message.told(taken=took)

    def values(self, serial: str, part: str = "site") -> dict[str, Any]:
        """What is known of a part, but for when it was measured."""
        measured = self.snapshots[serial].cloud[part]
        fields = {name: getattr(measured, name) for name in measured.__struct_fields__ if name != "measured"}
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def history(self) -> list[dict[str, Any]]:
        """All samples that went to the history."""
        return [
            row for message in self.messages if isinstance(message.body, Mapping) for row in message.body["samples"]
        ]
