"""How connections to the broker end, and what follows from that: wait how long, speak which version, say what. Pure."""

import random
from dataclasses import dataclass
from typing import Literal

from envoy_bridge.config import Mqtt

BRIEF = 5.0
"""Seconds: a connection that the broker accepted and that ended sooner looks as if someone else took it over."""

FIGHT = 3
"""So many of them in a row are taken for another process with our client id."""

LONGEST = 60.0
"""Seconds between two attempts at most."""

Version = Literal["5", "3.1.1"]

_UNSUPPORTED_VERSION, _BAD_CLIENT_ID, _BAD_LOGIN, _NOT_AUTHORISED = 0x84, 0x85, 0x86, 0x87  # MQTT 5, section 3.2.2.2

_dice = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection, or the attempt at one, ended; `reason` says it in words.

    `lasted`: seconds since the broker accepted it, None if it never did. `refusal`: the reason code of a broker that
    refused. `mute`: it neither accepted nor refused.
    """

    reason: str
    lasted: float | None = None
    refusal: int | None = None
    mute: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What to do after an ending: wait `delay` seconds; tell people `text`, if there is something to tell."""

    delay: float
    code: str = ""
    text: str = ""


class Redial:
    """Remembers what it must of earlier endings. `version` is the MQTT version of the next attempt."""

    def __init__(self, settings: Mqtt) -> None:
        self._settings = settings
        self._broker = f"the broker at {settings.host}:{settings.port}"
        self._refusals = 0
        self._brief = 0
        self._accepted = False
        self.version: Version = "3.1.1" if settings.protocol == "3.1.1" else "5"

    def after(self, ending: Ending) -> Next:
        """What to do now that a connection has ended like this."""
        if self._is_about_version(ending):
            self.version = "3.1.1" if self.version == "5" else "5"
            if self.version == "3.1.1":
                return Next(0.0)
        if ending.refusal is not None:
            return self._refused(ending.refusal, ending.reason)
        self._refusals = 0
        if ending.lasted is None:
            self._brief = 0  # who takes over a connection needs a broker that answers
            return Next(_soon(), "mqtt_unreachable", f"{self._broker} cannot be reached: {ending.reason}")
        self._accepted = True
        self._brief = self._brief + 1 if ending.lasted < BRIEF else 0
        if self._brief >= FIGHT:
            text = (
                f"{self._broker} ends each connection right after it was made ({ending.reason}): either another "
                f"process has our [mqtt] client_id, {self._settings.client_id!r}, and needs its own; or the broker's "
                "access rules forbid what we publish, which its log tells"
            )
            return Next(LONGEST, "mqtt_taken_over", text)
        return Next(_soon(), "mqtt_lost", f"the connection to {self._broker} is lost: {ending.reason}")

    def _is_about_version(self, ending: Ending) -> bool:
        """Whether another MQTT version may help: some brokers say nothing to one that they do not know."""
        unsupported = ending.refusal == _UNSUPPORTED_VERSION or (ending.mute and not self._accepted)
        return self._settings.protocol == "auto" and unsupported

    def _refused(self, refusal: int, reason: str) -> Next:
        """Longer and longer pauses: a refusal lasts until someone does something."""
        self._refusals += 1
        delay = min(LONGEST, 2.0**self._refusals) * _dice.uniform(0.5, 1.0)
        return Next(delay, "mqtt_refused", f"{self._broker} refuses us ({reason}): {self._advice(refusal)}")

    def _advice(self, refusal: int) -> str:
        if refusal in {_BAD_LOGIN, _NOT_AUTHORISED}:
            return "check [mqtt] username and password"
        if refusal == _BAD_CLIENT_ID:
            return "check [mqtt] client_id"
        if refusal == _UNSUPPORTED_VERSION:
            return 'set [mqtt] protocol = "auto"'
        return "see the broker's log"


def _soon() -> float:
    """Seconds after which a broker that went away is asked again: all is to be back five seconds after it is."""
    return _dice.uniform(1.0, 3.0)
