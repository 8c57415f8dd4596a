"""What Growatt puts around every answer; and what else may answer in its place. Pure."""

from typing import Final

from envoy_bridge.clouds.errors import CloudBlocked, CloudDown, CloudThrottled, UnusableAnswer
from envoy_bridge.clouds.growatt.wire import Envelope
from envoy_bridge.clouds.rest import Answer

TOO_OFTEN_HOLD: Final = 330.0
"""Seconds for which a request waits that was made too often, where nobody says how long."""

BLOCKED_HOLD: Final = 3600.0
"""Seconds for which nothing is asked after a web page came: a firewall counts, too."""


def opened(answer: Answer) -> Envelope:
    """The envelope, whatever the status of an answer that has one.

    Raises:
        CloudError: it has none.
    """
    if answer.html:
        raise CloudBlocked(
            f"a web page answers in place of Growatt (status {answer.status}): look whether it is in maintenance, and "
            "whether region or base_url in [cloud.growatt] is right",
            retry_in=BLOCKED_HOLD,
        )
    try:
        envelope = answer.json(Envelope)
    except UnusableAnswer:
        _require_good(answer)
        raise
    if envelope.error_code is None:
        _require_good(answer)
    return envelope


def _require_good(answer: Answer) -> None:
    status, wait = answer.status, max(0.0, answer.retry_after or 0.0) or None
    if status == 429:  # noqa: PLR2004
        raise CloudThrottled("Growatt answers 429, too many requests", retry_in=wait or TOO_OFTEN_HOLD)
    if status >= 500:  # noqa: PLR2004
        raise CloudDown(f"Growatt answers with status {status}", retry_in=wait)
    if 300 <= status < 400 or status in (401, 403, 405):  # noqa: PLR2004
        raise CloudBlocked(f"Growatt answers with status {status}, and sends no data", retry_in=BLOCKED_HOLD)
    if status >= 400:  # noqa: PLR2004
        raise UnusableAnswer(f"Growatt answers with status {status}, and sends no data")
