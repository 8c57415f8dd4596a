"""One connection to the broker, from dialling to its end, made of one paho client that is never used again.

A fresh client for each attempt reads the certificate files anew, can speak another version of MQTT, and has nothing
left over from the last connection that it would send before we say that we are online.

paho runs in the event loop, by its interface for foreign loops. Its own thread would cost a third more per message, as
the two threads keep waking each other.
"""

import asyncio
import functools
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from envoy_bridge.clock import Clock
from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.outbox import Message
from envoy_bridge.sinks.redial import Ending, Version
from envoy_bridge.sinks.trust import explain, trust

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike  # is not there at run time

WINDOW = 100
"""Messages that may be on their way and not acknowledged: all that paho ever holds of ours."""

GOODBYE = 0.2
"""Seconds for a goodbye to leave. A broker that hangs is hung up on after that."""

ANSWER = 5.0
"""Seconds in which a broker that took our call must accept or refuse us."""

_VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_OVERHEAD = 1200  # bytes of a packet that are not payload: the longest topic we send, and the headers
_MUTE = Ending("it does not answer as an MQTT broker does; check [mqtt] port and tls", mute=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What a link calls."""

    opened: Callable[["Link"], None]
    """The broker has accepted us."""
    room: Callable[[], None]
    """Something was read or written: messages may have been acknowledged."""
    received: Callable[[str, bytes, bool], None]
    """A message came in: topic, payload, whether it had been retained."""
    denied: Callable[[str], None]
    """The broker took a message and threw it away; why, in its words."""


class Link:
    """Dials at once. `ended` gets its `Ending`; then it is over.

    Methods named `_on_...` are called by paho in the middle of its work: they count, and leave the rest to the next
    turn of the event loop.
    """

    def __init__(
        self, settings: Mqtt, *, version: Version, will: Message, keepalive: int, clock: Clock, calls: Calls
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._calls = calls
        self._accepted_at: float | None = None
        self._refusal: ReasonCode | None = None
        self._unsettled: deque[tuple[MQTTMessageInfo, Message]] = deque()
        self._thrown_away: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._answer_by = 0.0
        self._closing = False
        self.version = version
        self.ended: asyncio.Future[Ending] = self._loop.create_future()
        self.open = False
        self.window = WINDOW
        """Messages that may be in flight on this connection."""
        self.in_flight = 0
        """Messages handed over and not acknowledged; with QoS 0: not written."""
        self.largest: int | None = None
        """Bytes of the largest payload that the broker takes; None: it did not say."""
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, settings.client_id, protocol=_VERSIONS[version], reconnect_on_failure=False
        )
        client.max_inflight_messages_set(0)  # ours is the window; with a second one paho walks its queue at every ack
        client.will_set(will.topic, will.payload, will.qos, will.retain)
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password.reveal() if settings.password else None)
        threading.Thread(target=self._dial, args=(settings, keepalive), name="mqtt-dial", daemon=True).start()

    def publish(self, message: Message) -> None:
        """Hand a message to paho. Only while `open` and `in_flight` is below `window`."""
        self.in_flight += 1
        properties = _expiry(message.expiry) if message.expiry and self.version == "5" else None
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)
        if message.told is not None or not (message.retain and message.payload):
            self._unsettled.append((info, message))

    def settled(self) -> Iterator[tuple[Message, bool]]:
        """What was acknowledged since the last call of clears, one-off messages and those whose sender is to be told.

        With each, whether the broker took it; if not, it threw it away.
        """
        while self._unsettled and _acknowledged(self._unsettled[0][0]):
            info, message = self._unsettled.popleft()
            yield message, info.mid not in self._thrown_away
            self._thrown_away.discard(info.mid)

    def unsettled(self) -> list[Message]:
        """Those of which nobody knows whether they arrived."""
        return [message for info, message in self._unsettled if not _acknowledged(info)]

    def subscribe(self, topics: Iterable[str]) -> None:
        """Ask for messages of these topics, QoS 1."""
        self._client.subscribe([(topic, 1) for topic in topics])

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Ask for them no longer."""
        self._client.unsubscribe(list(topics))

    async def close(self) -> None:
        """Say goodbye, which keeps the will unsent, and hang up; takes at most two times `GOODBYE` seconds.

        Dialling cannot be interrupted. It ends by itself, and does not keep the process from ending.
        """
        self._closing = True
        if self._timer is not None:
            self._client.disconnect()
        await asyncio.wait({self.ended}, timeout=GOODBYE)
        self._hang_up()
        await asyncio.wait({self.ended}, timeout=GOODBYE)

    def _hang_up(self) -> None:
        """Cut the line, if there is one; we are told as of any other loss."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            with suppress(OSError):  # the broker was faster
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of TCP; a TLS socket's own would drop its session

    def _dial(self, settings: Mqtt, keepalive: int) -> None:
        """In a thread of its own: to resolve the name, to connect and to shake hands may each take seconds."""
        try:
            if settings.tls is not False:
                self._client.tls_set_context(trust(settings.tls))
            self._client.connect(settings.host, settings.port, keepalive)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
            self._tell(self._end, Ending(explain(error)))
        else:
            self._tell(self._dialled)

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the event loop is closed: nobody is left who wants to know
            self._loop.call_soon_threadsafe(call, *arguments)

    def _dialled(self) -> None:
        """Connected, and our first packet is out: from now on paho lives in the event loop."""
        client, sock = self._client, self._client.socket()
        if not isinstance(sock, socket.socket):
            self._end(_MUTE)
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each pause costs 40 ms: delayed ACK
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_socket_register_write = self._on_something_to_write
        client.on_socket_unregister_write = self._on_nothing_to_write
        client.on_socket_close = self._on_socket_close
        self._loop.add_reader(sock, self._read)
        self._answer_by = self._loop.time() + ANSWER
        self._look_after()
        if self._closing:
            client.disconnect()

    def _read(self) -> None:
        self._client.loop_read()
        sock = self._client.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.pending():  # decrypted already: the event loop cannot see it
            self._client.loop_read()
            sock = self._client.socket()
        if isinstance(sock, socket.socket):  # the broker holds back its next acknowledgements until ours is there
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._calls.room()

    def _write(self) -> None:
        sock = self._client.socket()
        if isinstance(sock, socket.socket):  # paho writes each message by itself: let them leave together
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        self._client.loop_write()
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        self._calls.room()

    def _look_after(self) -> None:
        """Each second: pings, and the end of a connection on which nothing is answered."""
        self._timer = self._loop.call_later(1.0, self._look_after)
        self._client.loop_misc()
        if self._accepted_at is None and self._loop.time() > self._answer_by:
            self._hang_up()

    def _on_something_to_write(self, _client: Client, _userdata: object, sock: "SocketLike") -> None:
        self._loop.add_writer(sock, self._write)

    def _on_nothing_to_write(self, _client: Client, _userdata: object, sock: "SocketLike") -> None:
        self._loop.remove_writer(sock)

    def _on_socket_close(self, _client: Client, _userdata: object, sock: "SocketLike") -> None:
        self._loop.remove_reader(sock)

    def _on_connect(
        self, _client: Client, _userdata: object, _flags: ConnectFlags, reason: ReasonCode, properties: object
    ) -> None:
        if reason.is_failure:
            self._refusal = reason
            return
        self._accepted_at = self._clock.monotonic()
        self.window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        packet = getattr(properties, "MaximumPacketSize", None)
        self.largest = None if packet is None else packet - _OVERHEAD
        self._loop.call_soon(self._opened)

    def _opened(self) -> None:
        if not self._closing and not self.ended.done():
            self.open = True
            self._calls.opened(self)

    def _on_disconnect(
        self, _client: Client, _userdata: object, flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if self._refusal is not None:
            self._end(Ending(str(self._refusal), refusal=self._refusal.value))
        elif self._accepted_at is None:
            self._end(_MUTE)
        else:
            telling = flags.is_disconnect_packet_from_server or reason == "Keep alive timeout"
            words = str(reason) if telling else "the connection broke"
            self._end(Ending(words, lasted=self._clock.monotonic() - self._accepted_at))

    def _end(self, ending: Ending) -> None:
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
        if not self.ended.done():
            self.ended.set_result(ending)

    def _on_publish(
        self, _client: Client, _userdata: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        self.in_flight -= 1
        if reason.is_failure:
            self._thrown_away.update(info.mid for info, _ in self._unsettled if info.mid == mid)
            self._loop.call_soon(self._calls.denied, str(reason))

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with suppress(UnicodeDecodeError):  # raised by `topic`: not UTF-8, not ours
            self._loop.call_soon(self._calls.received, message.topic, bytes(message.payload), message.retain)


class _Expiry(Properties):
    """The MQTT 5 properties of a message that expires, packed once: paho's own `pack` costs a quarter of a publish."""

    def __init__(self, seconds: int) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho left this class out
        self.MessageExpiryInterval = seconds

    def pack(self) -> bytes:
        """Their length, then identifier 2 and the seconds."""
        return struct.pack("!BBI", 5, 2, self.MessageExpiryInterval)


@functools.lru_cache
def _expiry(seconds: int) -> _Expiry:
    return _Expiry(seconds)


def _acknowledged(info: MQTTMessageInfo) -> bool:
    return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS and info.is_published()  # with another rc it raises
