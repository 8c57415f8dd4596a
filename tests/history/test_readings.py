"""Which readings are lost, and which the broker has."""

import pytest

from envoy_bridge.history.readings import IN_MEMORY, Readings
from envoy_bridge.sinks.outbox import Message

STATE = "envoy/1/state"


def state(number: int, topic: str = STATE) -> Message:
    return Message(topic, str(number).encode())


def lost(readings: Readings) -> list[str]:
    return [reading.body.decode() for reading in readings.lost]


def answer(message: Message, *, taken: bool) -> None:
    assert message.told is not None
    message.told(taken=taken)


@pytest.mark.parametrize(
    ("cadence", "interval"), [(1.0, 10.0), (2.0, 10.0), (5.0, 10.0), (10.0, 10.0), (60.0, 60.0), (900.0, 900.0)]
)
def test_one_reading_in_ten_seconds_or_each_at_slower_cadences(cadence: float, interval: float) -> None:
    readings = Readings("envoy", 10)
    for number in range(100):
        readings.follow(state(number), number * cadence + 0.1 * (number % 3))  # no cadence is kept exactly
        readings.give_up(number * cadence + 1, 0)

    assert len(readings.lost) == pytest.approx(100 * cadence / interval, abs=1)


def test_each_gateway_counts_for_itself_and_nothing_else_is_a_reading() -> None:
    readings = Readings("my/envoy", 10)
    for topic in ("my/envoy/1/state", "my/envoy/2/state", "my/envoy/site/state"):
        assert readings.follow(state(1, topic), 0).told is not None
    for topic in ("my/envoy/bridge/state", "my/envoy/1/battery/2/state", "my/envoy/A+/state"):
        assert readings.follow(state(1, topic), 0) == state(1, topic)
    readings.give_up(0, 0)
    assert [reading.topic for reading in readings.lost] == [f"my/envoy/{name}/history" for name in ("1", "2", "site")]


def test_an_acknowledged_reading_is_forgotten_and_costs_the_next_ones_nothing() -> None:
    readings = Readings("envoy", 10)
    answer(readings.follow(state(0), 0), taken=True)
    assert readings.follow(state(1), 1).told is None
    readings.give_up(1000)
    assert lost(readings) == []


def test_one_that_was_overtaken_at_once_is_not_lost_if_the_next_arrives() -> None:
    readings = Readings("envoy", 10)
    readings.follow(state(0), 0)
    answer(readings.follow(state(1), 0.1), taken=True)
    readings.give_up(1000)
    assert lost(readings) == []


def test_what_is_not_acknowledged_for_ten_seconds_is_lost() -> None:
    readings = Readings("envoy", 1)
    for number in range(5):
        readings.follow(state(number), number)
    readings.give_up(9.9)
    assert lost(readings) == []
    readings.give_up(12)
    assert lost(readings) == ["0", "1", "2"]


def test_with_a_connection_all_are_lost_in_their_order_those_overtaken_too() -> None:
    readings = Readings("envoy", 1)
    messages = [readings.follow(state(number), number) for number in range(4)]
    answer(messages[0], taken=True)
    answer(messages[2], taken=False)
    answer(messages[3], taken=False)
    assert lost(readings) == ["1", "2", "3"]


def test_one_that_arrives_after_all_before_it_was_written_is_no_longer_lost() -> None:
    readings = Readings("envoy", 10)
    message = readings.follow(state(0), 0)
    readings.give_up(0, 0)
    answer(message, taken=True)
    assert lost(readings) == []


def test_the_newest_hundred_wait_and_the_rest_is_counted() -> None:
    readings = Readings("envoy", 1)
    for number in range(IN_MEMORY + 5):
        readings.follow(state(number), number)
        readings.give_up(number, 0)
    assert lost(readings) == [str(number) for number in range(5, IN_MEMORY + 5)]
    assert readings.dropped == 5
