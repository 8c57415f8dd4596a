from itertools import pairwise

import pytest

from envoy_bridge.sinks.outbox import EVENTS, LARGEST, Message, Outbox, fault


def value(topic: str, payload: str = "1", expiry: int | None = None) -> Message:
    return Message(topic, payload.encode(), expiry=expiry)


def drain(outbox: Outbox, now: float) -> list[Message]:
    messages = []
    while message := outbox.take(now):
        messages.append(message)
    return messages


def sent(outbox: Outbox, now: float) -> list[str]:
    """What would be sent now, as `topic=payload`."""
    return [f"{message.topic}={message.payload.decode()}" for message in drain(outbox, now)]


def test_newest_message_of_a_topic_in_the_order_of_the_last_puts() -> None:
    outbox = Outbox()
    for topic, payload in [("a", "1"), ("b", "1"), ("a", "2"), ("updated", "1"), ("b", "1"), ("updated", "2")]:
        outbox.put(value(topic, payload), 0)

    assert len(outbox) == 3
    assert sent(outbox, 0) == ["a=2", "b=1", "updated=2"]
    assert sent(outbox, 0) == []


def test_unchanged_is_sent_again_only_after_five_minutes() -> None:
    outbox = Outbox()
    times = []
    for now in range(0, 1000, 5):
        outbox.put(value("a"), now)
        times += [now for _ in drain(outbox, now)]

    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 0
    assert len(times) == 4
    assert all(280 <= gap <= 300 for gap in gaps)


def test_topic_that_nobody_puts_again_is_refreshed_within_five_minutes_of_the_last_time() -> None:
    outbox = Outbox()
    outbox.put(value("info"), 0)
    assert sent(outbox, 0) == ["info=1"]

    for now in range(1, 285):
        outbox.put(value("other", str(now)), now)
        assert sent(outbox, now) == [f"other={now}"]
    seen = []
    for now in range(285, 301):
        outbox.put(value("other", str(now)), now)
        seen += sent(outbox, now)
    assert "info=1" in seen


def test_expiring_value_is_refreshed_in_half_its_life_but_only_if_it_is_put() -> None:
    outbox = Outbox()
    times = []
    for now in range(0, 121, 5):
        outbox.put(value("power", expiry=60), now)
        times += [now for _ in drain(outbox, now)]
    assert times == [0, 30, 60, 90, 120]

    for now in range(121, 1000):
        outbox.put(value("other", str(now)), now)
        assert sent(outbox, now) == [f"other={now}"]


def test_resend_is_everything_in_the_order_of_the_last_puts() -> None:
    outbox = Outbox()
    for topic in ["online", "a", "b", "updated"]:
        outbox.put(value(topic), 0)
    drain(outbox, 0)
    outbox.put(value("a", "2"), 1)
    drain(outbox, 1)
    outbox.put(value("b"), 2)

    outbox.resend([])

    assert sent(outbox, 3) == ["online=1", "updated=1", "a=2", "b=1"]


def test_resent_value_has_what_is_left_of_its_life() -> None:
    outbox = Outbox()
    outbox.put(value("power", expiry=120), 0)
    drain(outbox, 0)

    outbox.resend([])
    assert [message.expiry for message in drain(outbox, 50.9)] == [70]
    outbox.resend([])
    assert drain(outbox, 120) == []

    outbox.put(value("power", expiry=120), 121)
    assert drain(outbox, 121) == [value("power", expiry=120)]


def test_clear_is_sent_until_it_is_acknowledged_then_never_again() -> None:
    outbox = Outbox()
    outbox.put(value("a", "", expiry=60), 0)
    (clear,) = drain(outbox, 500)
    assert clear == Message("a")

    outbox.resend([])
    assert drain(outbox, 501) == [clear]
    outbox.settled(clear)
    outbox.resend([])
    outbox.put(value("a", ""), 2000)
    assert drain(outbox, 2000) == []

    outbox.put(value("a", "5"), 2001)
    outbox.resend([])
    assert sent(outbox, 2001) == ["a=5"]


def test_acknowledgement_of_an_earlier_clear_does_not_settle_a_later_one() -> None:
    outbox = Outbox()
    outbox.put(value("a", ""), 0)
    (first,) = drain(outbox, 0)
    outbox.put(value("a", "1"), 1)
    outbox.put(value("a", ""), 2)
    drain(outbox, 2)

    outbox.settled(first)
    outbox.resend([])

    assert sent(outbox, 3) == ["a="]


def test_one_off_messages_follow_and_the_oldest_go() -> None:
    outbox = Outbox()
    for number in range(EVENTS + 3):
        outbox.send(value("event", str(number)))
    outbox.put(value("a"), 0)

    assert outbox.dropped == 3
    assert len(outbox) == EVENTS + 1
    assert sent(outbox, 0)[:2] == ["a=1", "event=3"]


def test_unacknowledged_one_off_messages_come_first_again_within_the_limit() -> None:
    outbox = Outbox()
    for number in range(2, EVENTS + 1):
        outbox.send(value("event", str(number)))

    outbox.resend([value("event", "0"), value("event", "1")])

    assert outbox.dropped == 1
    assert sent(outbox, 0)[:2] == ["event=1", "event=2"]


def test_size_is_bounded_by_the_topics() -> None:
    outbox = Outbox()
    for number in range(10_000):
        outbox.put(value(f"topic{number % 7}", str(number)), number)
    assert len(outbox) == 7


@pytest.mark.parametrize("topic", ["envoy", "envoy/1/production/l1/power", "a/" * 15 + "a", "x" * 64, "a-b_c/9"])
def test_good_topics(topic: str) -> None:
    assert fault(Message(topic)) is None


@pytest.mark.parametrize(
    "topic",
    ["", "/a", "a/", "a//b", "a/\x00", "a\n", "a/+", "#", "$sys", "a b", "ä", "x" * 65, "a/" * 16 + "a", "{{7}}"],
)
def test_bad_topics(topic: str) -> None:
    assert "a topic is" in (fault(Message(topic)) or "")


def test_too_large() -> None:
    assert fault(Message("a", b"x" * LARGEST)) is None
    assert "limit" in (fault(Message("a", b"x" * (LARGEST + 1))) or "")
