"""What the table of endpoints is made of: what can be asked, and what its answer supplies."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import msgspec

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway.info import Version
from envoy_bridge.gateway.known import Fields, Known

INSTALLER: Final = "installer"
"""The role that may ask everything; the other that people have is `owner`."""


class Cadence(Enum):
    """How often an endpoint is asked: a key of `[[gateway]]`, or a time of its own."""

    FAST = "fast"
    LIVE = "live"
    """As `fast`, but not before the meters, and every 5 s at most."""
    SLOW = "slow"
    INVERTERS = "inverters"
    HOURLY = "hourly"


@dataclass(frozen=True, slots=True)
class Restriction:
    """Since which firmware an endpoint answers installers only."""

    since: Version = ()


@dataclass(frozen=True, slots=True)
class Wake:
    """How an endpoint is woken that falls asleep by itself: POST `body` to `path` when `asleep` says so of a reply."""

    path: str
    body: bytes
    asleep: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing to ask. `paths`: the first that answers is kept. `deadline`: seconds until an answer is given up."""

    id: str
    paths: tuple[str, ...]
    decode: Callable[[bytes], Any]
    cadence: Cadence
    deadline: float
    installer: Restriction | None = None
    option: str = ""
    """The key of `[[gateway]]` that turns it on; empty: it is always asked."""
    stamp: Callable[[Any], object] | None = None
    """The gateway's own time of a reply: one whose stamp has not moved brings nothing new."""
    wake: Wake | None = None
    stream: bool = False
    """It is not asked: it sends by itself for as long as it is open."""

    def permitted(self, role: str, version: Version) -> bool:
        """May a login with this role ask it? An unknown role (empty) is the gateway's to judge."""
        return self.installer is None or role in ("", INSTALLER) or version < self.installer.since


@dataclass(frozen=True, slots=True)
class Row:
    """What an endpoint supplies, and the function that reads it from the reply.

    `needs`: fields that something must have supplied; without them it makes no sense to ask.
    `decisive`: which endpoint supplies the flows depends on it: it is asked before anything is published. The others
    are asked by and by; what is not there, not permitted, or has nothing to tell is left alone for a day.
    `last`: it is asked only where no other row supplies this, be it only later.
    """

    id: str
    endpoint: Endpoint
    supplies: frozenset[str]
    read: Callable[[Any, Known, float], Fields]
    needs: frozenset[str] = frozenset()
    decisive: bool = True
    last: bool = False


def json(kind: Any) -> Callable[[bytes], Any]:  # noqa: ANN401 - any type that msgspec decodes
    """A decoder for replies of this type. The Content-Type is not asked: firmware 3.7 calls HTML JSON.

    Raises (when called): UnusableReply.
    """
    decoder = msgspec.json.Decoder(kind)

    def decode(body: bytes) -> Any:  # noqa: ANN401 - `kind`
        try:
            return decoder.decode(body.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            looks = "an HTML page" if body.lstrip()[:1] == b"<" else "not what this endpoint answers"
            raise UnusableReply(f"the reply is {looks} ({len(body)} bytes)") from error

    return decode
