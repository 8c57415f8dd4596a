"""Whose turn it is, and how long it may take."""

from envoy_bridge.gateway.basics import READINGS
from envoy_bridge.gateway.devices.inverter import DEVICE_DATA, INVERTERS
from envoy_bridge.gateway.pace import retry_delay
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.gateway.schedule import LONGER, MARGIN, PATIENCE, ROOM, Schedule, Turn


def turn(endpoint: Endpoint, *, every: float, due: float, good: float = 0.0) -> Turn:
    return Turn(
        endpoint, endpoint.paths[0], every, due, good, optional=endpoint.cadence is Cadence.INVERTERS, known=True
    )


def test_meters_come_before_what_has_waited_longer() -> None:
    meters, slow = turn(READINGS, every=5, due=10), turn(INVERTERS, every=300, due=1)
    schedule = Schedule({}, [slow, meters])
    assert schedule.next(9) is slow
    assert schedule.next(10) is meters


def test_others_may_take_until_the_meters_are_due() -> None:
    meters, slow = turn(READINGS, every=5, due=10), turn(DEVICE_DATA, every=300, due=1)
    schedule = Schedule({}, [slow, meters])
    assert schedule.allowance(slow, 6) == 4
    slow.pace.mean = 2.0
    assert schedule.allowance(slow, 9) == 2.0 * MARGIN, "it is known to take that long: the meters wait for it"
    assert schedule.allowance(meters, 9.9) == READINGS.deadline


def test_nothing_begins_right_before_the_meters_are_due() -> None:
    meters, slow = turn(READINGS, every=1, due=10), turn(DEVICE_DATA, every=300, due=1)
    schedule = Schedule({}, [slow, meters])
    assert schedule.next(10 - ROOM) is slow
    assert schedule.next(10 - ROOM / 2) is meters
    meters.failures = 1
    assert schedule.next(10 - ROOM / 2) is slow, "meters that fail hold nobody up"


def test_what_is_always_given_up_may_take_longer_once() -> None:
    meters, slow = turn(READINGS, every=5, due=10), turn(DEVICE_DATA, every=300, due=1)
    slow.given_up = PATIENCE
    assert Schedule({}, [slow, meters]).allowance(slow, 6) == LONGER


def test_without_meters_there_is_nobody_to_wait_for() -> None:
    slow = turn(DEVICE_DATA, every=300, due=1)
    assert Schedule({}, [slow]).allowance(slow, 6) == DEVICE_DATA.deadline


def test_meters_that_fail_hold_nobody_up() -> None:
    meters, slow = turn(READINGS, every=5, due=10), turn(DEVICE_DATA, every=300, due=1)
    meters.failures = 1
    assert Schedule({}, [slow, meters]).allowance(slow, 6) == DEVICE_DATA.deadline


def test_values_are_known_for_three_cadences_and_half_a_minute_at_least() -> None:
    fast, slow = turn(READINGS, every=1, due=99), turn(INVERTERS, every=300, due=999)
    schedule = Schedule({}, [fast, slow])
    assert schedule.expired(30) is None
    assert schedule.expired(30.1) is fast
    fast.known = False
    assert schedule.expired(899) is None
    assert schedule.expired(900.1) is slow


def test_waits_grow_are_random_and_end() -> None:
    waits = [[retry_delay(failures) for _ in range(200)] for failures in (1, 3, 12)]
    assert all(2.5 <= wait <= 60 for group in waits for wait in group)
    assert max(waits[0]) <= 10 < max(waits[1]) <= 40 < max(waits[2])
    assert len(set(waits[2])) > 100
