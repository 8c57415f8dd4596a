"""The connection to the broker: what is put here reaches it, however often it goes away."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec.structs import replace
from paho.mqtt.client import topic_matches_sub

from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.link import Calls, Link
from envoy_bridge.sinks.outbox import Message, Outbox, fault
from envoy_bridge.sinks.redial import Redial, Version

__all__ = ["Message", "MqttConnection"]

KEEPALIVE = 15
"""Seconds without traffic after which the broker is asked whether it is there; twice that until it counts as gone."""

FLUSH = 1.0
"""Seconds that the last messages have at a stop."""

REMEMBERED = 1000
"""Refused topics that are not reported a second time; beyond that no more are reported."""


class MqttConnection:
    """Keeps a connection to the broker and publishes over it. All methods are for the event loop's thread.

    On each connect `online` on the topic of the `will` comes first, then everything that was put, in the order of the
    last puts. `on_event` gets a code and a text for people, once per change. While the broker is away or hangs, nothing
    grows beyond the newest message of each topic and the newest one-off messages. `hello`: what each connection begins
    with instead; it is not kept.
    """

    def __init__(
        self,
        settings: Mqtt,
        *,
        will: Message,
        clock: Clock,
        on_event: Callable[[str, str], None],
        keepalive: int = KEEPALIVE,
        hello: Message | None = None,
    ) -> None:
        self._settings = settings
        self._will = will
        self._hello = hello
        self._clock = clock
        self._on_event = on_event
        self._keepalive = keepalive
        self._redial = Redial(settings)
        self._outbox = Outbox()
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._flushed: asyncio.Event | None = None
        self._scheduled = False
        self._handlers: dict[str, Callable[[str, bytes, bool], None]] = {}
        self._refused: set[str] = set()
        self._said = ""
        if hello is None:
            self.put(replace(will, payload=b"online"))  # the first put of all, so the first after each connect

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and was not seen to go."""
        return self._open_link is not None

    @property
    def protocol(self) -> Version | None:
        """The MQTT version that is spoken now; None while not connected."""
        return self._open_link.version if self._open_link else None

    @property
    def queue_depth(self) -> int:
        """Messages that the broker does not have yet."""
        return len(self._outbox) + (self._open_link.in_flight if self._open_link else 0)

    @property
    def dropped(self) -> int:
        """One-off messages lost because too many waited, since the start."""
        return self._outbox.dropped

    def put(self, message: Message) -> None:
        """Make this the retained message of its topic. It is sent if it changed or was last sent long ago.

        The order of the puts is the order on the wire. A message that must not be sent is reported and forgotten.
        """
        if self._may_be_sent(message):
            self._outbox.put(message, self._clock.monotonic())
            self._schedule()

    def send(self, message: Message) -> None:
        """Send a message that is not retained: an event, not a state. It goes behind all that was put."""
        if self._may_be_sent(message):
            self._outbox.send(message)
            self._schedule()

    def offer(self, message: Message) -> bool:
        """Send a message that is not retained, if nothing else waits and the window has room; else False.

        It is not kept: `told` says what became of it.
        """
        link = self._open_link
        if link is None or self._outbox or link.in_flight >= link.window:
            return False
        self._hand_over(link, message)
        return True

    def subscribe(self, topic: str, handler: Callable[[str, bytes, bool], None]) -> None:
        """Call `handler(topic, payload, was_retained)` for what arrives on a topic, which may have wildcards."""
        self._handlers[topic] = handler
        if self._open_link:
            self._open_link.subscribe([topic])

    def unsubscribe(self, topic: str) -> None:
        """No longer call anybody for this topic."""
        self._handlers.pop(topic, None)
        if self._open_link:
            self._open_link.unsubscribe([topic])

    def announce(self) -> None:
        """Send everything again that stands on a topic."""
        self._outbox.resend([])
        self._schedule()

    def holds(self, topic: str) -> bool:
        """Whether something was put on this topic since the start."""
        return self._outbox.holds(topic)

    async def start(self) -> None:
        """Begin to connect, and go on for ever. Does not wait for the broker."""
        self._task = asyncio.create_task(self._keep_connected())

    async def stop(self, last: Sequence[Message]) -> None:
        """Put `last`, give it and what still waits `FLUSH` seconds to be acknowledged, disconnect."""
        for message in last:
            self.put(message)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._open_link:
            await self._flush()
        if self._link is not None:
            await self._link.close()

    @property
    def _open_link(self) -> Link | None:
        return self._link if self._link is not None and self._link.open else None

    async def _keep_connected(self) -> None:
        """One link after the other."""
        calls = Calls(opened=self._opened, room=self._drain, received=self._received, denied=self._denied)
        while True:
            self._link = link = Link(
                self._settings,
                version=self._redial.version,
                will=self._will,
                keepalive=self._keepalive,
                clock=self._clock,
                calls=calls,
            )
            await asyncio.wait({link.ended})  # does not cancel the future when this task is cancelled
            self._settle(link)
            self._lose(link.unsettled())
            after = self._redial.after(link.ended.result())
            self._say(after.code, after.text)
            await self._clock.sleep(after.delay)

    def _opened(self, link: Link) -> None:
        broker = f"{self._settings.host}:{self._settings.port}"
        self._say("mqtt_connected", f"connected to the broker at {broker}, MQTT {link.version}")
        if self._handlers:
            link.subscribe(self._handlers)
        if self._hello is not None:
            link.publish(self._hello)
        self._drain()

    def _schedule(self) -> None:
        """Send soon: once for all that is put in one go."""
        if self._open_link and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        """Hand over what waits, as far as the window allows."""
        self._scheduled = False
        link = self._open_link
        if link is None:
            return
        self._settle(link)
        now = self._clock.monotonic()
        while link.in_flight < link.window and (message := self._outbox.take(now)):
            self._hand_over(link, message)
        if self._flushed is not None and not self._outbox and not link.in_flight:
            self._flushed.set()

    def _hand_over(self, link: Link, message: Message) -> None:
        if link.largest is None or len(message.payload) <= link.largest:
            link.publish(message)
            return
        self._refuse(message.topic, f"{len(message.payload)} bytes are more than this broker takes")
        if message.told is not None:
            message.told(taken=True)

    def _settle(self, link: Link) -> None:
        """Note what the broker has acknowledged."""
        for message, taken in link.settled():
            if message.retain and not message.payload:
                self._outbox.settled(message)
            if message.told is not None:
                message.told(taken=taken)

    def _lose(self, unsettled: Sequence[Message]) -> None:
        """The connection is gone: all is sent again; who wants to be told looks after that message itself."""
        self._outbox.resend([message for message in unsettled if not message.retain and message.told is None])
        for message in unsettled:
            if message.told is not None:
                message.told(taken=False)

    async def _flush(self) -> None:
        """Wait until all is acknowledged, or until it is too late."""
        self._flushed = asyncio.Event()
        self._drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._flushed.wait(), FLUSH)

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - as handlers are
        for wanted, handler in self._handlers.items():
            if topic_matches_sub(wanted, topic):
                handler(topic, payload, retained)

    def _may_be_sent(self, message: Message) -> bool:
        wrong = fault(message)
        if wrong:
            self._refuse(message.topic, wrong)
        return wrong is None

    def _refuse(self, topic: str, wrong: str) -> None:
        """Report a message that is not sent, once for its topic."""
        if topic not in self._refused and len(self._refused) < REMEMBERED:
            self._refused.add(topic)
            self._on_event("mqtt_message_refused", f"not published: {topic[:100]!r}: {wrong}")

    def _denied(self, reason: str) -> None:
        self._say(
            "mqtt_denied",
            f"the broker throws away what we publish ({reason}): its access rules must let "
            f"{self._settings.username or 'everyone'} write below {self._settings.base_topic}/",
        )

    def _say(self, code: str, text: str) -> None:
        """Report a change of the connection's state; the same again is not one."""
        if code not in {"", self._said}:
            self._said = code
            self._on_event(code, text)
