"""Energy of a battery from its power."""

import math
import random

import msgspec
import pytest

from envoy_bridge.counters.integrate import Energy, Integral, Moment, advance


def at(seconds: float, *, run: str = "a", wall: float | None = None) -> Moment:
    return Moment(1_790_000_000.0 + (seconds if wall is None else wall), 500.0 + seconds, run)


def feed(*readings: tuple[float | None, Moment]) -> Energy:
    state: Integral | None = None
    energy = Energy()
    for power, now in readings:
        state, energy = advance(state, power, now)
    return energy


def test_unknown_until_the_first_power_and_then_from_zero() -> None:
    assert feed((None, at(0))) == Energy(None, None)
    assert feed((None, at(0)), (-900.0, at(5))) == Energy(0.0, 0.0)


def test_steady_power_counts_on_its_side() -> None:
    assert feed((3600.0, at(0)), (3600.0, at(60))) == Energy(charged=0.0, discharged=60.0)
    assert feed((-3600.0, at(0)), (-3600.0, at(60))) == Energy(charged=60.0, discharged=0.0)


def test_a_slope_is_followed() -> None:
    assert feed((0.0, at(0)), (3600.0, at(60))) == Energy(charged=0.0, discharged=30.0)


def test_from_charging_to_discharging_both_sides_count_up_to_the_crossing() -> None:
    # at -1200 W falling short of 0 after 15 of 60 seconds, then up to 3600 W
    assert feed((-1200.0, at(0)), (3600.0, at(60))) == Energy(charged=2.5, discharged=22.5)
    assert feed((3600.0, at(0)), (-1200.0, at(60))) == Energy(charged=2.5, discharged=22.5)


def test_a_missing_reading_is_bridged_and_a_long_gap_adds_nothing() -> None:
    assert feed((3600.0, at(0)), (None, at(60)), (3600.0, at(120))).discharged == 120.0
    assert feed((3600.0, at(0)), (3600.0, at(600))).discharged == 600.0
    assert feed((3600.0, at(0)), (3600.0, at(601))).discharged == 0.0
    assert feed((3600.0, at(0)), (None, at(300)), (3600.0, at(601)), (3600.0, at(611))).discharged == 10.0


@pytest.mark.parametrize("wall", [-86_400.0, -3.0, 7.0, 590.0, 86_400.0])
def test_setting_the_wall_clock_changes_nothing_within_a_run(wall: float) -> None:
    energy = feed((3600.0, at(0)), (3600.0, at(10, wall=wall)), (3600.0, at(20, wall=wall + 10)))
    assert energy.discharged == 20.0


@pytest.mark.parametrize(("away", "added"), [(30.0, 30.0), (600.0, 600.0), (601.0, 0.0), (0.0, 0.0), (-5.0, 0.0)])
def test_across_a_restart_the_wall_clock_counts(away: float, added: float) -> None:
    state, _ = advance(None, 3600.0, at(1000))
    state = msgspec.json.decode(msgspec.json.encode(state), type=Integral)
    _, energy = advance(state, 3600.0, Moment(at(1000).wall + away, 5.0, "b"))
    assert energy == Energy(0.0, added)
    # a machine that booted anew may be further in its monotonic time than before
    _, energy = advance(state, 3600.0, Moment(at(1000).wall + away, at(1000).monotonic + 2, "b"))
    assert energy == Energy(0.0, added)


@pytest.mark.parametrize(("power", "energy"), [(0.5, Energy(0.0, 0.5)), (-0.5, Energy(0.5, 0.0))])
def test_small_power_adds_up_though_each_step_is_below_what_is_published(power: float, energy: Energy) -> None:
    assert feed(*((power, at(second)) for second in range(3601))) == energy


@pytest.mark.parametrize("seed", range(8))
def test_a_day_of_a_battery_comes_out_right_and_only_grows(seed: int) -> None:
    """Charging by day, discharging by night, read every 5 to 90 seconds, with lost readings and restarts."""
    chance = random.Random(seed)  # noqa: S311 - a course that can be repeated
    state: Integral | None = None
    before = Energy(0.0, 0.0)
    run, boot, when = 0, 0.0, 0.0
    while when < 86_400:
        power = None if chance.random() < 0.05 else -3000 * math.sin(2 * math.pi * when / 86_400)
        state, energy = advance(state, power, Moment(1_790_000_000 + when, when - boot, str(run)))
        if state is not None:
            assert energy.charged is not None
            assert energy.discharged is not None
            assert energy.charged >= (before.charged or 0.0)
            assert energy.discharged >= (before.discharged or 0.0)
            before = energy
        if chance.random() < 0.05:
            state = msgspec.json.decode(msgspec.json.encode(state), type=Integral | None)
            run, boot = run + 1, when - chance.uniform(0, 5000)
        when += chance.uniform(5, 90)
    each_side = 3000 * 24 / math.pi
    assert energy.charged == pytest.approx(each_side, rel=0.001)
    assert energy.discharged == pytest.approx(each_side, rel=0.001)
