"""A household of a few values, by which the switching of a load is driven and judged. Seconds and W."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

LOAD: Final = "cmnd/driven/POWER"
MIN_ON: Final = 3.0
MIN_OFF: Final = 3.0
STALE_AFTER: Final = 7.0
SETTINGS: Final = {"LOAD_TOPIC": LOAD, "MIN_ON": MIN_ON, "MIN_OFF": MIN_OFF, "STALE_AFTER": STALE_AFTER}
"""Environment variables of the flow under which a check takes seconds; its thresholds stay as they are in the file."""

RICH, FAIR, POOR = 3000.0, 700.0, -500.0
"""Surplus: above that for switching on; between it and that for switching off; below both."""

OTHER: Final = json.dumps({"sequence": 1, "net_consumption": {"total": {"power": -RICH}}})
"""What a second gateway says."""

_CLOCK = 5.0
"""The flow looks at the time this often by itself."""
_SOON = 1.5
_BEAT = 0.5

Tell = Callable[[], None]


@dataclass(slots=True, kw_only=True)
class Household:
    """Publishes as the bridge does, below `base`; notes what the load is told, and when, and what powers were said."""

    base: str
    serial: str
    client: Client
    commands: list[tuple[float, str]] = field(default_factory=list)
    told: list[list[str]] = field(default_factory=list)
    """Production and grid of each state that went by, as JSON has them."""
    _sequence: int = 0

    @classmethod
    @asynccontextmanager
    async def on(cls, port: int, base: str, serial: str) -> AsyncIterator[Self]:
        """Connected to the broker; what it retained itself is cleared at the end."""
        client = Client(CallbackAPIVersion.VERSION2)
        house = cls(base=base, serial=serial, client=client)
        client.on_message = house._note
        client.on_connect = house._connected
        client.connect_async("127.0.0.1", port)
        client.loop_start()
        try:
            yield house
        finally:
            if house._sequence:
                house.publish(f"{serial}/state", "")
                await asyncio.sleep(_BEAT)
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    def _connected(self, client: Client, *_: object) -> None:
        client.subscribe([(LOAD, 1), (f"{self.base}/{self.serial}/state", 1)])

    def _note(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.topic == LOAD:
            self.commands.append((time.monotonic(), message.payload.decode()))
        elif message.payload:
            state = json.loads(message.payload)
            totals = [state.get(flow, {}).get("total", {}) for flow in ("production", "net_consumption")]
            self.told.append([str(total.get("power")) for total in totals])

    def publish(self, topic: str, payload: str, *, retain: bool = True) -> None:
        """What the bridge would say."""
        self.client.publish(f"{self.base}/{topic}", payload, 1, retain=retain)

    def says(self, surplus: float | None, battery: float | None = 0.0) -> Tell:
        """Something that publishes a new snapshot. `battery`: what the batteries give."""

        def tell() -> None:
            self._sequence += 1
            self.says_again(surplus, battery)()

        return tell

    def says_again(self, surplus: float | None, battery: float | None = 0.0) -> Tell:
        """Something that publishes a snapshot as often as it is called: always the same one."""

        def tell() -> None:
            grid = None if surplus is None else -surplus
            flows = {
                name: {"total": {"power": power}}
                for name, power in {"production": 100.0, "net_consumption": grid, "storage": battery}.items()
            }
            self.publish(f"{self.serial}/state", json.dumps({"sequence": self._sequence, **flows}))

        return tell

    def inverter(self, serial: str, availability: str) -> None:
        """What is judged of an inverter."""
        self.publish(f"{self.serial}/inverter/{serial}/availability", availability, retain=False)

    def event(self, level: str, code: str, message: str) -> None:
        """Something for people."""
        event = {"time": "2026-06-18T08:29:43Z", "level": level, "code": code, "message": message, "source": "bridge"}
        self.publish("bridge/event", json.dumps(event), retain=False)

    @property
    def load(self) -> str:
        """What the load was told last."""
        return self.commands[-1][1] if self.commands else ""

    @property
    def held(self) -> float:
        """Seconds between the last two commands."""
        return self.commands[-1][0] - self.commands[-2][0] if len(self.commands) > 1 else float("inf")

    async def becomes(self, load: str, tell: Tell, within: float) -> bool:
        """Go on telling until the load is told this; False if it is not, in time."""
        end = time.monotonic() + within
        while self.load != load and time.monotonic() < end:
            tell()
            await asyncio.sleep(_BEAT)
        return self.load == load

    async def stays(self, tell: Tell, seconds: float) -> bool:
        """Go on telling; False if the load was told anything meanwhile."""
        before = len(self.commands)
        for _ in range(int(seconds / _BEAT)):
            tell()
            await asyncio.sleep(_BEAT)
        return len(self.commands) == before


async def complaints_about_the_load(house: Household) -> list[str]:
    """What is wrong with the switching: on at a surplus, off without one or without knowing, neither too often."""
    rich, fair, poor = house.says(RICH), house.says(FAIR), house.says(POOR)
    wrong: list[str] = []

    def want(good: bool, what: str) -> None:  # noqa: FBT001 - as an assertion
        wrong.extend([] if good else [what])

    async def switch_on() -> None:
        want(await house.becomes("ON", rich, MIN_OFF + _CLOCK), f"not switched on at a surplus of {RICH:g} W")
        want(house.held > MIN_OFF - _BEAT, f"switched on {house.held:.1f} s after it was switched off")

    want(await house.becomes("OFF", rich, 2 * _CLOCK), "not switched off when the flow starts")
    await switch_on()
    want(await house.becomes("OFF", poor, MIN_ON + _SOON), f"not switched off at {POOR:g} W")
    want(house.held > MIN_ON - _BEAT, f"switched off {house.held:.1f} s after it was switched on")
    want(await house.stays(fair, MIN_OFF + _SOON), f"switched on at {FAIR:g} W")
    await switch_on()
    want(await house.stays(fair, MIN_ON + _SOON), f"switched off at {FAIR:g} W")
    for why, tell, within in _reasons(house):
        await switch_on()
        want(await house.becomes("OFF", tell, within), f"still on {within:g} s after {why}")
    return wrong


async def switches_on_by_itself(house: Household) -> bool:
    """Whether the load of a flow that has just started is switched on, while nothing is told."""
    await house.stays(lambda: None, MIN_OFF + _CLOCK + _SOON)
    return house.load == "ON"


def _reasons(house: Household) -> Iterator[tuple[str, Tell, float]]:
    """Why a load is switched off: what happened, how it is told, how soon it must be off. The last is for good."""
    patience = STALE_AFTER + _CLOCK + _SOON
    yield "the power of the grid became unknown", house.says(None), _SOON
    yield "the power of the battery became unknown", house.says(RICH, None), _SOON
    yield "the battery began to supply it all", house.says(RICH, 2 * RICH), MIN_ON + _SOON
    yield "the bridge went offline", lambda: house.publish("bridge/state", "offline", retain=False), _SOON
    yield "nothing came any more", lambda: None, patience
    yield "nothing new came any more", house.says_again(RICH), patience
    yield "another gateway measured a grid, too", lambda: house.publish("other/state", OTHER, retain=False), _SOON
