"""What it means when Enlighten does not give what was asked. Pure.

Four envelopes are known, and their fields change type between them: `message` is a list or a text, `reason` and `code`
are numbers or texts. Version 2 says 409 where version 4 says 429. Source: Enphase's "Enlighten Systems API" 2.0, and
public notes on version 4.
"""

from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct, field

from envoy_bridge.clouds.enlighten.parse import moment
from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudRefused,
    CloudThrottled,
    NotAllowed,
    UnusableAnswer,
)
from envoy_bridge.clouds.rest import Answer
from envoy_bridge.redaction import redact

SHORTEST_PAUSE: Final = 60.0
"""Seconds to wait where the end of the vendor's period is over by our clock: one of the two clocks is wrong."""

LONGEST_PAUSE: Final = {"second": 60.0, "minute": 3600.0, "hour": 3600.0}
ANY_PAUSE: Final = 86400.0
"""Seconds to wait at most, by the vendor's period, and for any other."""

UNAVAILABLE_FOR: Final = 600.0
"""Seconds to wait where the vendor says that its data are not available for now (error code 7)."""

SAID: Final = 120
"""Characters of what the vendor says that are repeated."""


_GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class Envelope(Struct, frozen=True):
    """An error, in any of its forms."""

    message: Any = None
    details: Any = None
    error_messages: Any = field(default=None, name="errorMessages")
    error_code: Any = field(default=None, name="errorCode")
    error: Any = None
    error_description: Any = None
    period: Any = None
    period_end: Any = None
    last_interval: Any = None

    @property
    def said(self) -> str:
        """What it says, for people, without the tokens that it quotes; empty: nothing."""
        texts = [
            text
            for part in (self.message, self.details, self.error_messages, self.error, self.error_description)
            for text in (part if isinstance(part, list) else [part])
            if isinstance(text, str) and "<" not in text
        ]
        return redact(" ".join(": ".join(texts).split()))[:SAID]


def envelope(answer: Answer) -> Envelope:
    """The error in an answer; an empty one where there is none that can be read."""
    try:
        return answer.json(Envelope)
    except UnusableAnswer:
        return Envelope()


class OutOfRange(UnusableAnswer):
    """There is nothing for the time that was asked for. `last`: until when there is, in seconds since 1970."""

    def __init__(self, message: str, last: float | None) -> None:
        super().__init__(message)
        self.last = last


def failure(answer: Answer, what: str, now: float, *, alone: bool) -> CloudError:
    """The error that an answer stands for. `what` was asked for. `now`: seconds since 1970.

    `alone`: it concerns one thing, so that a refusal may be about that alone; else it is about the account.
    """
    status, error = answer.status, envelope(answer)
    said = f"Enlighten answers {what} with {status}" + (f", {error.said}" if error.said else "")
    if status in (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS):
        return CloudThrottled(said, retry_in=answer.retry_after or _pause(error, now))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED:
        unavailable = UNAVAILABLE_FOR if str(error.error_code) == "7" else None
        return CloudDown(said, retry_in=answer.retry_after or unavailable)
    if status < HTTPStatus.BAD_REQUEST or (answer.html and status not in _GONE):
        return CloudBlocked(f"{said}, in place of data: open the address of the API in a browser to see why")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return OutOfRange(said, _last_interval(error))
    return _refusal(said, alone=alone) if status != HTTPStatus.BAD_REQUEST else UnusableAnswer(said)


def _refusal(said: str, *, alone: bool) -> CloudError:
    if alone:
        return NotAllowed(f"{said}: the account may not see this, or the system does not have it")
    return CloudRefused(
        f"{said}: check key, and with it user_id or client_id, in [cloud.enlighten]; "
        "keys made for version 2 of the API may have ended with it"
    )


def _last_interval(error: Envelope) -> float | None:
    value = error.last_interval
    return float(value) if isinstance(value, int | float) and moment(value) is not None else None


def _pause(error: Envelope, now: float) -> float | None:
    """Seconds until the vendor's period is over; None where it says none, as version 4 often does."""
    end = error.period_end
    if isinstance(end, bool) or not isinstance(end, int | float):
        return None
    wait = end - now
    longest = LONGEST_PAUSE.get(error.period, ANY_PAUSE) if isinstance(error.period, str) else ANY_PAUSE
    return SHORTEST_PAUSE if wait <= 0 else min(max(1.0, wait), longest)
