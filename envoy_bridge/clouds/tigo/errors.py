"""What an answer of Tigo means that brings no data. Pure.

The status of HTTP counts. `code` in the body is 0 whatever happens; `status` there counts only where HTTP says 200.
"""

import re
from http import HTTPStatus
from typing import Final

from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudThrottled,
    NotAllowed,
    UnusableAnswer,
)
from envoy_bridge.clouds.rest import Answer
from envoy_bridge.clouds.tigo.parse import number, word
from envoy_bridge.clouds.tigo.wire import Said

LONGEST_WAIT: Final = 3600.0
"""Seconds that the cloud may ask us to wait."""

_SAID: Final = 160
"""Characters of the vendor's message that are passed on."""


class WrongRequest(UnusableAnswer):
    """400, or 422: Tigo does not understand what was asked, or it was too much at once."""


def status_of(answer: Answer) -> int:
    """The status; of an error that calls itself a success, the one in its body."""
    if answer.status != HTTPStatus.OK:
        return answer.status
    status = number(_said(answer).status)
    return int(status) if status is not None and HTTPStatus.BAD_REQUEST <= status < 600 else answer.status  # noqa: PLR2004


def is_good(answer: Answer) -> bool:
    """Does it bring data, or say that there are none?"""
    return status_of(answer) in (HTTPStatus.OK, HTTPStatus.NO_CONTENT) and not answer.html


def failure(answer: Answer, what: str) -> CloudError:
    """The error that an answer stands for. `what` was asked for."""
    status, said = status_of(answer), _said(answer)
    message = " ".join(re.sub(r"<[^>]*>?", " ", word(said.message) or "").split())[:_SAID]
    text = f"Tigo answers {what} with {status}" + (f" ({message})" if message else "")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return CloudThrottled(text, retry_in=_wait(answer, answer.headers.get("x-rate-limit-reset")))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CloudDown(text, retry_in=_wait(answer))
    if status < HTTPStatus.BAD_REQUEST or (answer.html and status not in (401, 404, 410)):
        return CloudBlocked(f"{text}, in place of data: open the address of the API in a browser to see why")
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        return WrongRequest(text)
    return NotAllowed(f"{text}: not there, or not for this account; Tigo gives data to Premium subscriptions only")


def _wait(answer: Answer, reset: str | None = None) -> float | None:
    """Seconds until Tigo wants to be asked again; None: it does not say. `reset`: where there is no `Retry-After`."""
    wait = number(reset) if answer.retry_after is None else answer.retry_after
    return None if wait is None else min(max(1.0, wait), LONGEST_WAIT)


def allowance(answer: Answer) -> tuple[int, float] | None:
    """How many requests are left, and of how many seconds; the reset is seconds, not a time. None: it does not say."""
    remaining, reset = (number(answer.headers.get(f"x-rate-limit-{name}")) for name in ("remaining", "reset"))
    if remaining is None or reset is None or reset < 0:
        return None
    return max(0, int(remaining)), min(reset, LONGEST_WAIT) + 1  # whole seconds are rounded


def _said(answer: Answer) -> Said:
    """Nothing, where the body is no error of Tigo's."""
    if answer.body.lstrip()[:1] != b"{":
        return Said()
    try:
        return answer.json(Said)
    except UnusableAnswer:
        return Said()
