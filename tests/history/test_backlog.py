"""Sending what was kept: order, what is on its way, what happens when it does not arrive."""

from collections import deque
from itertools import pairwise

from envoy_bridge.history.backlog import BYTES, IN_FLIGHT, LONGEST_REST, REST, Backlog
from envoy_bridge.history.readings import Reading
from envoy_bridge.sinks.outbox import Message


class Line:
    """A connection that takes messages while it is free, and a broker that answers when it is told to."""

    def __init__(self) -> None:
        self.free = True
        self.taken: list[str] = []
        self.arrived: list[str] = []
        self.open: deque[Message] = deque()
        self.backlog = Backlog(self.offer, lambda reading: self.arrived.append(reading.body.decode()))

    def offer(self, message: Message) -> bool:
        assert (message.qos, message.retain, message.topic) == (1, False, "envoy/1/history")
        if self.free:
            self.taken.append(message.payload[:9].decode())
            self.open.append(message)
        return self.free

    def answer(self, count: int, *, taken: bool) -> None:
        for _ in range(count):
            told = self.open.popleft().told
            assert told is not None
            told(taken=taken)

    def fill(self, count: int, *, stored: bool = True) -> None:
        self.backlog.fill(
            Reading("envoy/1/history", str(number).encode(), number if stored else None) for number in range(count)
        )


def names(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


def test_few_are_on_their_way_and_the_rest_follows_what_arrives() -> None:
    line = Line()
    line.fill(15)
    for _ in range(3):
        line.backlog.send(0)
    assert line.taken == names(*range(IN_FLIGHT))
    line.answer(3, taken=True)
    assert line.arrived == names(0, 1, 2)
    line.backlog.send(0)
    assert line.taken == names(*range(IN_FLIGHT + 3))
    line.answer(IN_FLIGHT, taken=True)
    line.backlog.send(0)
    line.answer(2, taken=True)
    assert line.backlog.empty
    assert line.arrived == names(*range(15))


def test_a_busy_connection_is_asked_again() -> None:
    line = Line()
    line.fill(2)
    line.free = False
    line.backlog.send(0)
    line.free = True
    line.backlog.send(1)
    assert line.taken == names(0, 1)


def test_large_readings_go_one_by_one() -> None:
    line = Line()
    line.backlog.fill(Reading("envoy/1/history", b"%d" % number + b"x" * BYTES, number) for number in range(3))
    line.backlog.send(0)
    assert len(line.taken) == 1
    line.backlog.send(0.5)
    assert len(line.taken) == 2


def test_after_a_lost_connection_what_was_not_acknowledged_comes_again_in_order() -> None:
    line = Line()
    line.fill(4)
    line.backlog.send(0)
    line.answer(1, taken=True)
    line.answer(3, taken=False)
    line.backlog.send(1)
    line.backlog.send(1 + REST / 2)
    assert line.taken == names(0, 1, 2, 3)
    line.backlog.send(1 + REST)
    assert line.taken == names(0, 1, 2, 3, 1, 2, 3)
    line.answer(3, taken=True)
    assert line.arrived == names(0, 1, 2, 3)


def test_one_that_is_thrown_away_keeps_its_place() -> None:
    line = Line()
    line.fill(3)
    line.backlog.send(0)
    line.answer(1, taken=False)
    line.answer(2, taken=True)
    assert line.arrived == []
    line.backlog.send(1)
    line.backlog.send(1 + REST)
    line.answer(len(line.open), taken=True)
    assert line.arrived == names(0, 1, 2)
    assert line.backlog.empty


def test_a_late_answer_about_one_that_has_arrived_changes_nothing() -> None:
    line = Line()
    line.fill(2)
    line.backlog.send(0)
    late = line.open[0].told
    line.answer(1, taken=True)
    assert late is not None
    late(taken=False)
    line.backlog.send(0)
    line.backlog.send(REST)
    assert line.taken == names(0, 1)


def test_a_broker_that_never_takes_one_is_asked_less_and_less() -> None:
    line = Line()
    line.fill(1)
    tries = []
    for now in range(7200):
        line.backlog.send(now)
        if line.open:
            tries.append(now)
            line.answer(1, taken=False)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps[0] < REST + 2
    assert gaps == sorted(gaps)
    assert gaps[-1] >= LONGEST_REST
    assert len(tries) < 20


def test_what_is_only_in_memory_is_given_back_when_it_does_not_arrive() -> None:
    line = Line()
    line.fill(3, stored=False)
    assert line.backlog.in_memory
    line.backlog.send(0)
    line.answer(1, taken=True)
    line.answer(2, taken=False)
    assert line.backlog.empty
    assert not line.backlog.in_memory
    assert line.arrived == names(0)
