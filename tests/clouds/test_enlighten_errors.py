"""What Enlighten's errors mean, in each of their forms."""

import pytest
from clouds import documents_enlighten as document

from envoy_bridge.clouds.enlighten.errors import OutOfRange, failure
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


def fail(status: int, body: bytes, *, now: float = 1384122690.0, alone: bool = False) -> CloudError:
    return failure(Answer(status, {}, body), "/systems", now, alone=alone)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, document.REFUSED, CloudRefused),
        (403, b"", CloudRefused),
        (404, document.NOT_FOUND, CloudRefused),
        (410, b"<html>gone</html>", CloudRefused),
        (409, document.THROTTLED, CloudThrottled),
        (429, document.THROTTLED_V4, CloudThrottled),
        (422, document.TOO_LATE, OutOfRange),
        (500, document.UNAVAILABLE, CloudDown),
        (503, b"<html>maintenance</html>", CloudDown),
        (200, b"<html>log in</html>", CloudBlocked),
        (403, b"<html>firewall</html>", CloudBlocked),
        (302, b"", CloudBlocked),
        (400, b"{}", UnusableAnswer),
        (501, document.UNKNOWN_METHOD_V4, CloudRefused),
    ],
)
def test_an_error_is_what_its_status_says(status: int, body: bytes, kind: type[CloudError]) -> None:
    assert type(fail(status, body)) is kind


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 501])
def test_a_refusal_of_one_thing_is_about_that_alone(status: int) -> None:
    assert type(fail(status, document.REFUSED, alone=True)) is NotAllowed


@pytest.mark.parametrize(
    ("now", "wait"),
    [(1384122690.0, 30.0), (1384122720.0, 60.0), (1384129999.0, 60.0), (1384122719.9, 1.0), (1384000000.0, 3600.0)],
    ids=["runs", "just over", "long over", "nearly over", "clock far behind"],
)
def test_throttled_until_the_end_of_the_period(now: float, wait: float) -> None:
    assert fail(409, document.THROTTLED, now=now).retry_in == pytest.approx(wait)


def test_version_4_often_does_not_say_until_when() -> None:
    assert fail(429, document.THROTTLED_V4).retry_in is None


def test_code_7_is_asked_again_in_ten_minutes() -> None:
    assert fail(503, document.UNAVAILABLE).retry_in == 600
    assert fail(503, b"{}").retry_in is None


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_a_pause_that_the_vendor_names_is_kept(status: int) -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:30:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    for named in ({"retry-after": "120"}, headers):
        assert failure(Answer(status, named, document.THROTTLED), "/systems", 0.0, alone=True).retry_in == 120


def test_the_last_interval_is_read_where_it_is_a_number() -> None:
    early, ruby = fail(422, document.TOO_LATE), fail(422, document.TOO_LATE_V4)
    assert isinstance(early, OutOfRange)
    assert early.last == 1384123200
    assert isinstance(ruby, OutOfRange)
    assert ruby.last is None


def test_an_error_says_what_the_vendor_said() -> None:
    assert "Usage limit exceeded for plan Watt" in str(fail(409, document.THROTTLED))
    assert "<" not in str(fail(503, b'{"message": "<b>x</b>"}'))
