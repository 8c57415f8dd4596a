"""The guard of one lifetime counter: every row of its table, starts, restarts, and what a person can settle."""

from dataclasses import dataclass, field

import msgspec
import pytest

from envoy_bridge.counters.guard import AGREEING, DAY, HALF_HOUR, HOUR, TABLE, step
from envoy_bridge.counters.line import Code, CounterState, Outcome, Reading, Repair
from envoy_bridge.counters.settle import LINES, accept, reset, set_to
from envoy_bridge.counters.signs import WRAP

LIFE = 5_000_000.0
POLL = 60.0
WEEK = 7 * DAY
CT = "eim:704643328"
ROOF = 10_000.0


@dataclass
class Counter:
    """Reads a counter of a 10 kW roof as the daemon does, and keeps what was told. Time goes on by a minute a poll."""

    state: CounterState | None = None
    time: float = 1_790_000_000.0
    origin: str | None = CT
    ceiling: float | None = ROOF
    told: list[Repair] = field(default_factory=list)

    def read(
        self,
        raw: float,
        *,
        after: float = POLL,
        floor: float | None = None,
        today: float | None = None,
        alive: bool = False,
        phase_lost: bool = False,
    ) -> float | None:
        self.time += after
        reading = Reading(
            raw=raw,
            time=self.time,
            origin=self.origin,
            ceiling=self.ceiling,
            today=today,
            alive=alive,
            phase_lost=phase_lost,
        )
        before = -1.0 if self.state is None or self.state.published is None else self.state.published
        result = step(self.state, reading, floor=floor)
        if result.repair is not None:
            self.told.append(result.repair)
        self.state = result.state
        assert result.published == result.state.published
        assert result.published is None or result.published >= before
        return result.published

    def rise(self, raw: float, *, polls: int, after: float = POLL) -> float | None:
        """Reads `raw` and then a Wh more each poll."""
        last = None
        for number in range(polls):
            last = self.read(raw + number, after=after)
        return last

    def restart(self, state: CounterState | None) -> None:
        """The daemon starts with what is on disk."""
        self.state = msgspec.json.decode(msgspec.json.encode(state), type=CounterState | None)

    @property
    def known(self) -> CounterState:
        assert self.state is not None
        return self.state

    @property
    def events(self) -> list[tuple[Code, Outcome]]:
        return [(repair.code, repair.outcome) for repair in self.told]


@pytest.fixture
def counter() -> Counter:
    """A counter that has been read twice."""
    counter = Counter()
    counter.read(LIFE)
    counter.read(LIFE + 100)
    assert not counter.told
    return counter


def test_a_counter_that_grows_is_published_as_it_is(counter: Counter) -> None:
    assert counter.read(LIFE + 200) == LIFE + 200
    assert counter.read(LIFE + 200) == LIFE + 200
    assert counter.read(LIFE + 350.25) == LIFE + 350.25
    assert not counter.told


def test_a_fall_of_a_few_watt_hours_is_waited_out_in_silence(counter: Counter) -> None:
    for raw in (90, 85, 80, 60, 99, 100):
        assert counter.read(LIFE + raw) == LIFE + 100
    assert counter.read(LIFE + 101) == LIFE + 101
    assert not counter.told
    assert not counter.known.held


def test_a_night_takes_a_little_off_and_the_morning_adds_to_what_is_there(counter: Counter) -> None:
    assert counter.read(LIFE, after=14 * HOUR) == LIFE + 100
    assert counter.read(LIFE + 150) == LIFE + 150
    assert not counter.told


@pytest.mark.parametrize(
    ("code", "raw", "told"),
    [
        ("zero", 0.0, {}),
        ("zero", -0.0, {}),
        ("is_today", 12_300.0, {"today": 12_300.4}),
        ("halved", (LIFE + 100) / 2, {}),
        ("halved", (LIFE + 100) * 0.493, {}),
        ("vanished", LIFE * 0.7, {"phase_lost": True}),
        ("restart", 3.0, {}),
        ("fall", 3_000_000.0, {}),
        ("fall", LIFE + 50.0, {}),
        ("jump", LIFE + 6_780_000.0, {}),
        ("jump", LIFE + 1_500.0, {}),
    ],
)
def test_a_fault_is_held_told_once_and_over_when_the_counter_is_back(
    counter: Counter, code: Code, raw: float, told: dict[str, float]
) -> None:
    for _ in range(5):
        assert counter.read(raw, **told) == LIFE + 100  # type: ignore[arg-type]  # today or phase_lost
        assert counter.known.held
    assert counter.events == [(code, "held")]
    assert counter.told[0].why
    assert (counter.told[0].raw, counter.told[0].was, counter.told[0].now) == (raw, LIFE + 100, LIFE + 100)
    assert counter.read(LIFE + 400) == LIFE + 400
    assert counter.events == [(code, "held"), (code, "resumed")]
    assert (counter.told[1].was, counter.told[1].now) == (LIFE + 100, LIFE + 400)
    assert not counter.known.held
    assert counter.read(LIFE + 500) == LIFE + 500
    assert len(counter.told) == 2


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_a_rollover_is_carried_on_at_once(counter: Counter, times: int) -> None:
    assert counter.read(LIFE + 150 - times * WRAP) == LIFE + 150
    assert counter.events == [("rollover", "carried")]
    assert counter.read(LIFE + 250 - times * WRAP) == LIFE + 250
    assert len(counter.told) == 1


def test_inverters_of_a_sum_roll_over_one_after_the_other(counter: Counter) -> None:
    for times in range(1, 5):
        assert counter.read(LIFE + 100 * times + 100 - times * WRAP, after=HOUR) == LIFE + 100 * times + 100
    assert counter.events == [("rollover", "carried")] * 4


def test_a_rollover_while_the_value_is_held_is_carried_on(counter: Counter) -> None:
    counter.read(0)
    assert counter.read(LIFE + 150 - WRAP) == LIFE + 150
    assert counter.events == [("zero", "held"), ("rollover", "carried")]


def test_firmware_that_counts_further_takes_no_step_back_or_forth(counter: Counter) -> None:
    counter.read(LIFE + 150 - 2 * WRAP)
    assert counter.read(LIFE + 200) == LIFE + 200
    assert counter.events == [("rollover", "carried"), ("rollover", "carried")]
    counter.told.clear()
    assert counter.read(LIFE + 300 + 3 * WRAP) == LIFE + 300
    assert counter.events == [("rollover", "carried")]


def test_a_rollover_during_a_week_away_loses_nothing(counter: Counter) -> None:
    assert counter.read(LIFE + 250_000 - WRAP, after=WEEK) == LIFE + 250_000
    assert counter.events == [("rollover", "carried")]


def test_a_fall_that_only_resembles_a_rollover_is_none(counter: Counter) -> None:
    assert counter.read(LIFE + 5_000 - WRAP) == LIFE + 100
    assert counter.events == [("fall", "held")]


def test_a_fall_that_is_waited_on_does_not_grow_into_a_rollover(counter: Counter) -> None:
    assert counter.rise(LIFE + 5_000 - WRAP, polls=int(HALF_HOUR / POLL)) == LIFE + 100
    assert counter.events == [("fall", "held")]


def test_a_figure_after_a_week_away_that_a_roof_cannot_have_made_from_zero_is_no_restart(counter: Counter) -> None:
    counter.read(600_000, after=WEEK)
    assert counter.rise(600_001, polls=100) == LIFE + 200
    assert counter.events == [("fall", "held"), ("fall", "reset")]


def test_a_counter_that_starts_again_during_a_week_away_is_no_rollover() -> None:
    counter = Counter()
    counter.read(WRAP - 100_000)
    counter.read(60_000, after=WEEK)
    assert counter.events == [("restart", "held")]


def test_a_week_away_can_have_produced_a_week(counter: Counter) -> None:
    assert counter.read(LIFE + 400_000, after=WEEK) == LIFE + 400_000
    assert counter.read(LIFE + 400_000 + 6_780_000, after=WEEK) == LIFE + 400_000
    assert counter.events == [("jump", "held")]


def test_where_the_ceiling_is_not_known_megawatt_hours_between_two_polls_stand_out(counter: Counter) -> None:
    counter.ceiling = None
    assert counter.read(LIFE + 8_000) == LIFE + 8_000
    assert counter.read(LIFE + 1_000_000) == LIFE + 8_000


def test_a_fall_that_stays_is_gone_on_with_and_keeps_what_it_gained_while_held(counter: Counter) -> None:
    polls = int(HALF_HOUR / POLL)
    assert counter.rise(3_000_000, polls=polls) == LIFE + 100
    assert counter.read(3_000_000 + polls) == LIFE + 100 + polls
    assert counter.events == [("fall", "held"), ("fall", "reset")]
    assert (counter.told[1].was, counter.told[1].now) == (LIFE + 100, LIFE + 100 + polls)
    assert counter.read(3_000_100) == LIFE + 200
    assert len(counter.told) == 2


def test_patience_is_a_time_and_a_number_of_readings(counter: Counter) -> None:
    assert counter.rise(3_000_000, polls=AGREEING - 1, after=HOUR) == LIFE + 100
    assert counter.read(3_000_500, after=HOUR) == LIFE + 600


def test_readings_that_do_not_agree_are_never_taken_for_a_new_count(counter: Counter) -> None:
    for number in range(200):
        counter.read(3_000_000 - 1_000.0 * number)
    assert counter.known.published == LIFE + 100
    assert counter.known.held


def test_a_fallen_counter_that_stands_still_is_held_until_it_counts(counter: Counter) -> None:
    for _ in range(200):
        assert counter.read(3_000_000) == LIFE + 100
        assert counter.known.held
    assert counter.read(3_000_007) == LIFE + 107


def test_a_counter_that_starts_again_at_zero_adds_all_it_counts(counter: Counter) -> None:
    assert counter.read(40.0) == LIFE + 100
    assert counter.rise(45.0, polls=100) == LIFE + 100 + 144
    assert counter.events == [("restart", "held"), ("restart", "reset")]


def test_what_a_new_count_gained_overnight_is_added_as_far_as_it_can_be_of_that_night(counter: Counter) -> None:
    counter.read(30_000.0, after=8 * HOUR)
    assert counter.rise(30_001.0, polls=100) == LIFE + 100 + 30_100


def test_zero_is_never_taken_for_a_new_count_but_what_grows_from_it_is(counter: Counter) -> None:
    for _ in range(5000):
        assert counter.read(0.0) == LIFE + 100
    assert counter.rise(2.0, polls=20) == LIFE + 100
    assert counter.rise(22.0, polls=20) == LIFE + 141
    assert counter.events == [("zero", "held"), ("restart", "held"), ("restart", "reset")]


def test_a_counter_that_is_today_is_held_for_as_long_as_it_is(counter: Counter) -> None:
    for today in range(1000, 4000):
        assert counter.read(today, today=today) == LIFE + 100
    assert counter.read(0, today=0) == LIFE + 100
    assert counter.read(LIFE + 30_000) == LIFE + 30_000


@pytest.mark.parametrize(("share", "phase_lost"), [(0.5, False), (0.7, True)])
def test_a_lost_phase_is_waited_for_a_day(counter: Counter, share: float, *, phase_lost: bool) -> None:
    for number in range(int(DAY / POLL)):
        assert counter.read(share * LIFE + number / 10, phase_lost=phase_lost) == LIFE + 100
    last = share * LIFE + DAY / POLL / 10
    assert counter.read(last, phase_lost=phase_lost) == LIFE + 100 + DAY / POLL / 10


def test_a_counter_taken_for_new_too_early_is_right_again_when_it_comes_back(counter: Counter) -> None:
    counter.rise(3_000_000, polls=100)
    assert counter.known.published == LIFE + 199
    assert counter.read(LIFE + 5_000, after=HOUR) == LIFE + 5_000
    assert counter.events[2:] == [("returned", "resumed")]
    assert counter.read(LIFE + 5_100) == LIFE + 5_100


def test_what_the_fault_counted_too_much_is_not_published_twice(counter: Counter) -> None:
    counter.rise(3_000_000, polls=100)
    assert counter.read(LIFE + 150) == LIFE + 199
    assert counter.read(LIFE + 198) == LIFE + 199
    assert counter.read(LIFE + 210) == LIFE + 210


def test_a_lost_phase_does_not_pass_for_a_line_that_was_left(counter: Counter) -> None:
    counter.read(LIFE + 2_000_000)
    counter.state = reset(counter.known)
    assert counter.read(LIFE + 900, phase_lost=True) == LIFE + 100
    assert counter.events == [("jump", "held"), ("vanished", "held")]


def test_a_jump_does_not_pass_for_a_line_that_was_left(counter: Counter) -> None:
    counter.rise(3_000_000, polls=100)
    for number in range(1, 100):
        counter.read(3_000_099 + 1_000 * number, after=HOUR)
    published = counter.known.published
    assert published == LIFE + 199 + 99_000
    assert counter.read(LIFE + 700_000) == published
    assert counter.events[-1] == ("jump", "held")


def test_of_two_lines_that_were_left_the_one_that_steps_less_goes_on(counter: Counter) -> None:
    counter.read(100.0)
    counter.rise(101.0, polls=100)
    for _ in range(20):
        counter.read(counter.known.line.raw + 4_000, after=HOUR)
    published = counter.known.published
    assert published is not None
    counter.read(50.0)
    counter.rise(51.0, polls=100)
    assert len(counter.known.left) == 2
    assert counter.read(LIFE + 82_000, after=HOUR) == LIFE + 82_000
    assert not counter.known.left


def test_a_line_is_forgotten_after_two_weeks(counter: Counter) -> None:
    counter.rise(3_000_000, polls=100)
    for _ in range(16):
        counter.read(3_010_000, after=DAY)
    published = counter.known.published
    assert counter.read(LIFE + 5_000) == published
    assert counter.events[-1] == ("jump", "held")


def test_the_sum_over_the_inverters_instead_of_the_meter_is_held_until_the_meter_is_back(counter: Counter) -> None:
    counter.origin = "inverters"
    for raw in (LIFE + 6_000_000, LIFE + 6_000_500, LIFE + 110):
        assert counter.read(raw) == LIFE + 100
    counter.origin = CT
    assert counter.read(LIFE + 700) == LIFE + 700
    assert counter.events == [("source_switch", "held"), ("source_switch", "resumed")]


@pytest.mark.parametrize(("raw", "gained"), [(821_000.0, 80.0), (9_000_000.0, 80.0), (12.0, 92.0)])
def test_another_meter_that_stays_is_gone_on_with(counter: Counter, raw: float, gained: float) -> None:
    counter.origin = "202300000009"
    assert counter.rise(raw, polls=int(HOUR / POLL)) == LIFE + 100
    assert counter.read(raw + 80) == LIFE + 100 + gained
    assert counter.events == [("source_switch", "held"), ("source_switch", "reset")]
    assert counter.read(raw + 200) == LIFE + 220 + gained


def test_a_meter_that_comes_back_after_its_stand_in_was_accepted_goes_on_where_it_was(counter: Counter) -> None:
    for number in range(1, 4):
        counter.origin = "inverters"
        counter.rise(821_000.0, polls=100)
        counter.origin = CT
        assert counter.read(LIFE + 1000 * number) == LIFE + 1000 * number
    assert (
        counter.events
        == [
            ("source_switch", "held"),
            ("source_switch", "reset"),
            ("returned", "resumed"),
        ]
        + [("source_switch", "held"), ("source_switch", "reset"), ("returned", "resumed")] * 2
    )


def test_an_origin_that_is_not_told_is_the_same_as_before(counter: Counter) -> None:
    counter.origin = None
    assert counter.read(LIFE + 200) == LIFE + 200
    assert counter.known.line.origin == CT


def test_a_jump_is_held_however_long_it_stays(counter: Counter) -> None:
    for number in range(3000):
        assert counter.read(LIFE + 500_000 + number, after=HOUR) == LIFE + 100
    assert counter.events == [("jump", "held")]


def test_a_jump_is_still_held_after_a_restart_and_a_week_away(counter: Counter) -> None:
    counter.read(LIFE + 500_000)
    counter.restart(counter.state)
    assert counter.read(LIFE + 600_000, after=WEEK, floor=LIFE + 100) == LIFE + 100
    assert counter.read(LIFE + 200_000, after=POLL) == LIFE + 200_000
    assert counter.events == [("jump", "held"), ("jump", "resumed")]


def test_a_person_accepts_a_jump(counter: Counter) -> None:
    counter.read(LIFE + 6_000_000)
    counter.state = accept(counter.known)
    assert counter.state.published == LIFE + 6_000_000
    assert counter.read(LIFE + 6_000_050) == LIFE + 6_000_050
    assert len(counter.told) == 1


def test_a_person_takes_a_jump_for_a_new_count(counter: Counter) -> None:
    counter.read(LIFE + 6_000_000)
    counter.read(LIFE + 6_000_100)
    counter.state = reset(counter.known)
    assert counter.state.published == LIFE + 200
    assert counter.read(LIFE + 6_000_150) == LIFE + 250
    assert counter.read(LIFE + 400) == LIFE + 400
    assert counter.events == [("jump", "held"), ("returned", "resumed")]


@pytest.mark.parametrize("settle", [accept, reset])
def test_a_person_need_not_wait_for_a_fall_to_be_accepted(counter: Counter, settle: object) -> None:
    counter.read(3_000_000)
    counter.read(3_000_050)
    assert callable(settle)
    counter.state = settle(counter.known)
    assert counter.read(3_000_100) == LIFE + 200


def test_what_is_not_held_needs_no_settling(counter: Counter) -> None:
    assert accept(counter.known) == counter.known
    assert reset(counter.known) == counter.known


@pytest.mark.parametrize("raw", [LIFE + 100, LIFE + 6_000_000, 0.0])
def test_a_person_sets_the_figure(counter: Counter, raw: float) -> None:
    counter.read(raw)
    counter.state = set_to(counter.known, 1_234.5)
    assert counter.state.published == 1_234.5
    assert counter.read(raw + 60) == 1_294.5


def test_a_first_zero_is_not_published_and_what_follows_is_believed() -> None:
    counter = Counter()
    assert counter.read(0.0) is None
    assert not counter.known.held
    counter.restart(counter.state)
    assert counter.read(0.0) is None
    assert counter.read(LIFE) == LIFE
    assert not counter.told


def test_a_zero_that_stays_is_true_after_a_day_or_when_the_meter_is_seen_to_count() -> None:
    counter = Counter()
    for _ in range(int(DAY / POLL)):
        assert counter.read(0.0) is None
    assert counter.read(0.0) == 0.0
    assert Counter().read(0.0, alive=True) == 0.0
    assert Counter().read(-0.0, alive=True) == 0.0
    assert not counter.told


def test_a_first_reading_is_never_repaired() -> None:
    counter = Counter()
    assert counter.read(17.0, today=17.0, phase_lost=True) == 17.0
    assert not counter.told


def test_a_floor_of_zero_tells_as_little_as_none() -> None:
    assert Counter().read(40_000_000, floor=0.0) == 40_000_000
    assert Counter().read(0.0, floor=0.0) is None


def test_a_state_that_is_minutes_old_never_falls_below_the_floor(counter: Counter) -> None:
    old = counter.state
    counter.read(LIFE + 500)
    counter.restart(old)
    assert counter.read(LIFE + 499.999, floor=LIFE + 500) == LIFE + 500
    assert counter.read(LIFE + 520) == LIFE + 520
    assert not counter.told


def test_what_was_produced_while_we_were_away_is_published(counter: Counter) -> None:
    counter.restart(counter.state)
    assert counter.read(LIFE + 20_000, after=8 * HOUR, floor=LIFE + 300) == LIFE + 20_000


def test_a_gateway_that_forgot_some_minutes_catches_up(counter: Counter) -> None:
    assert counter.read(LIFE + 150, floor=LIFE + 600) == LIFE + 600
    assert counter.read(LIFE + 590) == LIFE + 600
    assert counter.read(LIFE + 650) == LIFE + 650
    assert not counter.told


def test_a_state_from_before_a_repair_is_made_to_fit_the_floor(counter: Counter) -> None:
    assert counter.read(LIFE + 200, floor=LIFE + WRAP) == LIFE + WRAP
    assert counter.events == [("behind", "carried")]
    assert counter.read(LIFE + 250) == round(LIFE + WRAP, 3) + 50


def test_a_rollover_after_the_state_was_written_is_found_again(counter: Counter) -> None:
    old = counter.state
    counter.read(LIFE + 150 - WRAP)
    published = counter.read(LIFE + 700 - WRAP)
    counter.restart(old)
    assert counter.read(LIFE + 750 - WRAP, floor=published) == LIFE + 750


def test_a_fault_right_after_a_start_is_held_at_the_floor(counter: Counter) -> None:
    assert counter.read(0.0, floor=LIFE + 400) == LIFE + 400
    assert counter.read(LIFE + 450) == LIFE + 450


def test_a_count_that_began_after_the_state_was_written_is_not_added_twice(counter: Counter) -> None:
    old = counter.state
    counter.rise(0.0, polls=100)
    counter.restart(old)
    assert counter.rise(100.0, polls=1) is not None
    counter.restart(old)
    assert counter.read(100.0, floor=LIFE + 199) == LIFE + 199
    assert counter.rise(101.0, polls=100) == LIFE + 100 + 200


def test_without_a_state_the_floor_stands_for_it() -> None:
    counter = Counter()
    assert counter.read(LIFE + 90_000, floor=LIFE) == LIFE + 90_000
    assert not counter.told


def test_without_a_state_a_rollover_is_seen_from_the_floor() -> None:
    counter = Counter()
    assert counter.read(LIFE + 900 - 2 * WRAP, floor=LIFE) == LIFE + 900
    assert counter.events == [("rollover", "carried")]


def test_without_a_state_only_an_exact_rollover_is_one() -> None:
    counter = Counter()
    assert counter.read(LIFE + 200_000 - WRAP, floor=LIFE) == LIFE
    assert counter.events == [("fall", "held")]


@pytest.mark.parametrize("raw", [100_000.0, 0.0])
def test_without_a_state_nothing_is_made_up_for_a_lower_counter(raw: float) -> None:
    counter = Counter()
    assert counter.read(raw, floor=LIFE) == LIFE
    assert counter.rise(raw + 1, polls=100) == LIFE + 100


def test_without_a_state_a_figure_far_above_the_floor_is_held() -> None:
    counter = Counter()
    assert counter.read(LIFE * 4, floor=LIFE) == LIFE
    assert counter.events == [("jump", "held")]


def test_a_clock_that_was_set_back_costs_nothing(counter: Counter) -> None:
    assert counter.read(LIFE + 20_000, after=-3 * HOUR) == LIFE + 20_000
    assert counter.read(LIFE + 20_100) == LIFE + 20_100
    assert counter.read(LIFE + 20_200, after=400 * DAY) == LIFE + 20_200
    counter.read(3_000_000)
    counter.read(3_000_001, after=-400 * DAY)
    assert counter.rise(3_000_002, polls=100) == LIFE + 20_301
    assert counter.events == [("fall", "held"), ("fall", "reset")]


def test_the_state_is_small_and_survives_the_disk(counter: Counter) -> None:
    for number in range(1, 8):
        counter.origin = f"20230000000{number}"
        counter.rise(number * 300_000.5, polls=100)
    counter.read(0.0)
    text = msgspec.json.encode(counter.state)
    assert msgspec.json.decode(text, type=CounterState) == counter.state
    assert len(counter.known.left) == LINES
    assert len(text) < 800


def test_every_row_says_why_and_can_be_reached() -> None:
    assert all(row.why for row in TABLE)
    assert TABLE[-1].id == TABLE[0].id == "jump"
