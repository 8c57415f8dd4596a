"""Which panel died? Simulated roofs, day by day: none is called dead at night, and each that is gets found."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import pytest

from envoy_bridge.fleet import OFFLINE, ONLINE, Fleet, State, watch
from envoy_bridge.gateway.devices.inverter import Inverter

DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0
BEGIN = 1_780_012_800.0
"""A midnight."""
WAKES = 4.0
"""W of light that an inverter needs to report."""

Shade = Callable[[int, float], float]


def clear(_n: int, _now: float) -> float:
    return 1.0


@dataclass
class Roof:
    """Twelve panels; each reports every `every` seconds at a moment of its own, while it has light."""

    shade: Shade = clear
    """What panel n gets of the light, 0 to 1."""
    every: Callable[[float], float] = lambda _now: 300.0
    serials: list[str] = field(default_factory=lambda: [f"48220000{n:04d}" for n in range(12)])
    peaks: dict[str, float] = field(default_factory=dict)
    sky: Callable[[float], float] = lambda _now: 1.0
    reports: dict[str, tuple[float, float]] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(4))  # noqa: S311 - weather, no secret

    def power(self, serial: str, now: float) -> float:
        hour, n = now % DAY / HOUR, self.serials.index(serial)
        late = 0.6 * (n % 2)  # every other panel faces west
        sun = math.sin(math.pi * (hour - 6 - late) / 14) ** 1.2 if 6 + late < hour < 20 + late else 0.0
        diffuse = 0.08 * math.sin(math.pi * (hour - 5.5) / 15.5) if 5.5 < hour < 21 else 0.0
        return 300.0 * max(sun, diffuse) * self.sky(now) * self.shade(n, now)

    def live(self, now: float) -> None:
        for serial in self.serials:
            due = self.due.setdefault(serial, now - self.chance.random() * self.every(now))
            if now >= due:
                self.due[serial] = due + self.every(due)
                if (power := self.power(serial, due)) >= WAKES:
                    self.reports[serial] = (due + self.chance.uniform(0, 5), power)

    def inverters(self) -> dict[str, Inverter]:
        return {
            serial: Inverter(
                power=round(power),
                power_max=self.peaks.get(serial, 295.0),
                last_report=datetime.fromtimestamp(when, UTC),
            )
            for serial, (when, power) in self.reports.items()
            if serial in self.serials
        }


def lived(
    roof: Roof, days: float, *, begin: float = BEGIN + 12 * HOUR, state: State | None = None, poll: float = 300.0
) -> Iterator[tuple[float, State, Fleet]]:
    """Each look of the program at a roof, and what it made of it. State goes through JSON, as it does on disk."""
    state = state or State()
    for earlier in range(0 if state.members else 7200, 0, -60):
        roof.live(begin - earlier)
    now = begin
    while now < begin + days * DAY:
        roof.live(now)
        if (now - begin) % poll == 0:
            state, fleet = watch(state, roof.inverters(), now)
            state = msgspec.json.decode(msgspec.json.encode(state), type=State)
            yield now, state, fleet
        now += MINUTE


def dead_after(n: int, moment: float) -> Shade:
    return lambda panel, now: 0.0 if panel == n and now >= moment else 1.0


def offline(fleet: Fleet) -> set[str]:
    return {serial for serial, word in fleet.availability.items() if word == OFFLINE}


@pytest.mark.parametrize("poll", [60.0, 300.0, 900.0, 3600.0])
@pytest.mark.parametrize("every", [300.0, 900.0, 3600.0])
def test_a_healthy_roof_is_online_day_and_night(every: float, poll: float) -> None:
    for _, _, fleet in lived(Roof(every=lambda _now: every), 3, poll=poll):
        assert (fleet.online, fleet.total, offline(fleet), fleet.weak) == (12, 12, set(), ())
    assert all(each == pytest.approx(max(every, poll), rel=0.1) for each in fleet.interval.values())


def test_clouds_and_dusk_silence_nobody() -> None:
    chance = random.Random(7)  # noqa: S311
    sky = [chance.choice([0.05, 0.2, 0.5, 1.0]) for _ in range(24 * 8)]
    for _, _, fleet in lived(Roof(sky=lambda now: sky[int(now // HOUR) % len(sky)]), 7):
        assert fleet.online == 12


def test_a_panel_that_died_is_offline_within_the_hour_and_stays_so_at_night() -> None:
    died = BEGIN + 13 * HOUR
    roof = Roof(shade=dead_after(5, died))
    for now, _, fleet in lived(roof, 2):
        if now < died + 30 * MINUTE:
            assert fleet.online == 12
        if now > died + 45 * MINUTE:
            assert offline(fleet) == {"482200000005"}
            assert (fleet.online, fleet.total) == (11, 12)
            assert fleet.age["482200000005"] == pytest.approx(now - died, abs=300)


def test_one_that_dies_at_night_is_missed_in_the_morning() -> None:
    roof = Roof(shade=dead_after(5, BEGIN + 24 * HOUR))
    found = next(now for now, _, fleet in lived(roof, 2) if offline(fleet))
    assert BEGIN + 31 * HOUR < found < BEGIN + 34 * HOUR


def test_one_that_comes_back_is_online_with_its_first_report() -> None:
    began, ended = BEGIN + 13 * HOUR, BEGIN + 15 * HOUR
    roof = Roof(shade=lambda n, now: 0.0 if n == 3 and began < now < ended else 1.0)
    seen = {now: fleet for now, _, fleet in lived(roof, 0.3)}
    assert offline(seen[BEGIN + 14.5 * HOUR]) == {"482200000003"}
    assert offline(seen[ended + 10 * MINUTE]) == set()


def test_a_tripped_breaker_silences_two_thirds_and_is_seen() -> None:
    died = BEGIN + 13 * HOUR
    roof = Roof(shade=lambda n, now: 0.0 if n % 3 and now >= died else 1.0)
    *_, (_, _, fleet) = lived(roof, 0.2)
    assert (fleet.online, fleet.total) == (4, 12)


def test_all_at_once_in_full_sun_is_not_the_night() -> None:
    died = BEGIN + 14 * HOUR
    for now, _, fleet in lived(Roof(shade=lambda _n, now: float(now < died)), 1):
        if now < died + 2 * HOUR:
            assert fleet.online == 12
        if now > died + 2.5 * HOUR:
            assert fleet.online == 0


def test_snow_on_all_panels_is_no_daylight() -> None:
    snow = (BEGIN + 26 * HOUR, BEGIN + 98 * HOUR)
    roof = Roof(shade=lambda n, now: (0.01 + 0.01 * (n > 5)) if snow[0] < now < snow[1] else 1.0)
    for _, _, fleet in lived(roof, 5):
        assert fleet.online == 12
        assert fleet.weak == ()


@pytest.mark.parametrize("after", [300.0, 900.0, 3600.0])
@pytest.mark.parametrize("before", [300.0, 900.0, 3600.0])
def test_another_interval_for_the_whole_fleet_is_no_silence(before: float, after: float) -> None:
    pushed = BEGIN + 36 * HOUR + 1234
    for now, _, fleet in lived(Roof(every=lambda now: before if now < pushed else after), 2):
        assert fleet.online == 12, (now - pushed) / MINUTE
    assert all(each == pytest.approx(after, rel=0.1) for each in fleet.interval.values())


def test_a_slow_one_is_judged_by_its_own_habit() -> None:
    roof = Roof()
    slow = roof.serials[2]
    state = State()
    for step in range(int(6 * HOUR / 300)):
        now = BEGIN + 9 * HOUR + step * 300
        roof.live(now)
        inverters = roof.inverters()
        if slow in inverters:
            late = datetime.fromtimestamp(now - now % HOUR, UTC)
            inverters[slow] = msgspec.structs.replace(inverters[slow], last_report=late)
        state, fleet = watch(state, inverters, now)
        assert not offline(fleet)
    assert fleet.interval[slow] == HOUR
    assert fleet.interval[roof.serials[0]] == pytest.approx(300, rel=0.1)


def test_a_day_without_us_is_nobodys_silence() -> None:
    roof = Roof()
    *_, (_, state, _) = lived(roof, 0.25)
    for now in range(int(BEGIN + 18 * HOUR), int(BEGIN + 44 * HOUR), 60):
        roof.live(now)
    for _, _, fleet in lived(roof, 1, begin=BEGIN + 44 * HOUR, state=state):
        assert fleet.online == 12


def test_a_gateway_that_was_off_for_a_day_comes_back_with_old_reports() -> None:
    roof = Roof()
    *_, (now, state, _) = lived(roof, 0.1)
    for second in range(0, 900, 60):  # it lived a little longer than our last look
        roof.live(now + second)
    for _, _, fleet in lived(roof, 1, begin=BEGIN + 46 * HOUR, state=state):  # at night, and nobody has reported since
        assert fleet.online == 12


def test_a_gateway_with_a_wrong_clock_has_the_same_inverters() -> None:
    state, died = State(), BEGIN + 13 * HOUR
    roof = Roof(shade=dead_after(5, died))
    for now, _, _ in lived(roof, 1):
        wrong = {
            serial: msgspec.structs.replace(each, last_report=datetime.fromtimestamp(when - 800 * DAY, UTC))
            for serial, each in roof.inverters().items()
            for when, _ in (roof.reports[serial],)
        }
        state, fleet = watch(state, wrong, now)
        assert offline(fleet) == ({"482200000005"} if now > died + 45 * MINUTE else offline(fleet))
    assert fleet.online == 11


def test_removed_ones_are_forgotten_and_added_ones_are_known_at_once() -> None:
    roof = Roof()
    *_, (now, state, _) = lived(roof, 1)
    gone = roof.serials.pop()
    roof.serials.append("482200009999")
    roof.reports["482200009999"] = (now, 200.0)
    *_, (_, state, fleet) = lived(roof, 1, begin=now + 300, state=state)
    assert gone not in state.members
    assert (fleet.online, fleet.total, len(fleet.availability)) == (12, 12, 12)


def test_at_first_sight_the_newest_report_of_all_counts() -> None:
    noon = datetime.fromtimestamp(BEGIN + 12 * HOUR, UTC)
    ages = {"fresh": 0.0, "quiet": HOUR, "asleep": 10 * HOUR, "dead": 3 * DAY}
    inverters = {
        name: Inverter(power=100.0, last_report=datetime.fromtimestamp(noon.timestamp() - age, UTC))
        for name, age in ages.items()
    }
    _, fleet = watch(State(), inverters | {"mute": Inverter(power=0.0)}, noon.timestamp())
    words = {"fresh": ONLINE, "quiet": ONLINE, "asleep": None, "dead": OFFLINE, "mute": None}
    assert fleet.availability == words
    assert (fleet.online, fleet.total) == (2, 5)
    assert fleet.age == {**ages, "mute": None}


def test_no_inverters_are_no_fleet() -> None:
    _, fleet = watch(State(), {}, BEGIN)
    assert (fleet.online, fleet.total, fleet.weak) == (0, 0, ())


# --- who makes too little


def half_after(n: int, moment: float, part: float = 0.4) -> Shade:
    return lambda panel, now: part if panel == n and now >= moment else 1.0


def test_one_at_less_than_half_is_named_after_days_not_hours_and_is_not_offline() -> None:
    began = BEGIN + 10 * DAY
    found: dict[str, float] = {}
    for now, _, fleet in lived(Roof(shade=half_after(7, began)), 15):
        assert fleet.online == 12
        for weak in fleet.weak:
            found.setdefault(weak.serial, now)
            assert weak.part == pytest.approx(0.4, abs=0.05)
    assert found.keys() == {"482200000007"}
    assert began + 2 * DAY < found["482200000007"] < began + 4 * DAY
    assert "inverter 482200000007 makes 4" in weak.text


def test_a_repaired_one_is_no_longer_named() -> None:
    roof = Roof(shade=lambda n, now: 0.3 if n == 7 and BEGIN + 8 * DAY < now < BEGIN + 14 * DAY else 1.0)
    named = {now: bool(fleet.weak) for now, _, fleet in lived(roof, 20)}
    assert named[BEGIN + 13 * DAY]
    assert not named[BEGIN + 19 * DAY]


def test_one_that_was_half_dead_before_we_came_is_told_by_its_former_peak() -> None:
    *_, (_, _, fleet) = lived(Roof(shade=half_after(7, 0.0)), 5)
    assert [weak.serial for weak in fleet.weak] == ["482200000007"]


def test_a_small_panel_and_a_shaded_place_are_as_they_always_were() -> None:
    small, shaded = "482200000001", "482200000002"

    def shade(n: int, now: float) -> float:
        if n == 1:
            return 0.4
        return 0.55 - 0.25 * min(1.0, (now - BEGIN) / (40 * DAY)) if n == 2 else 1.0

    for _, state, fleet in lived(Roof(shade=shade, peaks={small: 118.0}), 40, poll=900.0):
        assert fleet.weak == ()
        seen = state
    assert seen.members[shaded].made.shares[-1] < 0.45


def test_snow_that_stays_on_a_part_of_the_roof_is_the_weather() -> None:
    roof = Roof(shade=lambda n, now: 0.2 if n < 4 and now > BEGIN + 8 * DAY else 1.0)
    assert all(not fleet.weak for _, _, fleet in lived(roof, 14))


def test_a_dead_one_is_offline_and_not_weak_too() -> None:
    *_, (_, _, fleet) = lived(Roof(shade=dead_after(7, BEGIN + 8 * DAY + 12 * HOUR)), 14)
    assert (fleet.online, fleet.weak) == (11, ())


def test_dark_days_count_for_nothing() -> None:
    dark = BEGIN + 8 * DAY
    roof = Roof(shade=half_after(7, dark, 0.2), sky=lambda now: 0.06 if now > dark else 1.0)
    assert all(not fleet.weak for _, _, fleet in lived(roof, 16))


def test_what_is_remembered_is_bounded() -> None:
    roof = Roof()
    sizes = [len(msgspec.json.encode(state)) for _, state, _ in lived(roof, 40, poll=900.0)]
    assert max(sizes) < 12 * 600
    assert sizes[-1] <= max(sizes[len(sizes) // 2 :]) < 1.1 * max(sizes[: len(sizes) // 2])


def test_one_that_stays_weak_stays_named_and_no_two_dull_days_name_anybody() -> None:
    roof = Roof(shade=half_after(7, 0.0))
    assert all(not fleet.weak for _, _, fleet in lived(roof, 2))
    *_, (_, _, fleet) = lived(Roof(shade=half_after(7, BEGIN + 12 * DAY)), 45, poll=900.0)
    assert [weak.serial for weak in fleet.weak] == ["482200000007"]


def test_a_weak_one_that_dies_is_offline_and_named_no_more() -> None:
    roof = Roof(
        shade=lambda n, now: (0.3 if now < BEGIN + 14 * DAY else 0.0) if n == 7 and now > BEGIN + 8 * DAY else 1.0
    )
    named = [(now, fleet) for now, _, fleet in lived(roof, 14)]
    assert any(fleet.weak for _, fleet in named)
    assert (named[-1][1].online, named[-1][1].weak) == (11, ())


@pytest.mark.parametrize("before", [300.0, 900.0])
def test_an_interval_of_an_hour_that_begins_at_any_moment(before: float) -> None:
    """The inverters spread over the whole hour, after they were close together."""
    pushed = BEGIN + 36 * HOUR
    for seed in range(5):
        roof = Roof(every=lambda now: before if now < pushed else 3600.0, chance=random.Random(seed))  # noqa: S311
        for now, _, fleet in lived(roof, 1.5):
            if now == pushed - 300:
                roof.due = {serial: pushed + roof.chance.random() * HOUR for serial in roof.serials}
            assert fleet.online == 12, (seed, (now - pushed) / MINUTE)
