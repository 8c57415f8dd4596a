"""Does it add up? A healthy house is told nothing; each wrong clamp is found, and named."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from households import FIXTURES, NAMES, look
from msgspec.structs import replace

from envoy_bridge import advice_checks as checks
from envoy_bridge.advice import Advice, Advisor, Verdict, findings, judge
from envoy_bridge.advice_facts import House as Means
from envoy_bridge.advice_facts import facts
from envoy_bridge.advice_table import CHECKS, PIECE
from envoy_bridge.derive import derive
from envoy_bridge.gateway.devices.battery import Battery
from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.gateway.wire import Meter
from envoy_bridge.model import Circuit, Consumption, Flow, NetConsumption, Production, Snapshot, Storage

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
PHASES = ("l1", "l2", "l3")
Powers = dict[str, list[float]]
"""W by flow and phase, as the clamps see them."""
Miswiring = Callable[[Powers], Powers]
METER_TYPES = {"net_consumption": "net-consumption", "consumption": "total-consumption"}
KINDS: Mapping[str, type] = {
    "production": Production,
    "net_consumption": NetConsumption,
    "consumption": Consumption,
    "storage": Storage,
    "pv3p": Circuit,
}


def as_it_should_be(powers: Powers) -> Powers:
    return powers


def meter(flow: str, *, status: str = "normal", flags: tuple[str, ...] = (), state: str = "enabled") -> Meter:
    return Meter(
        eid=1,
        state=state,
        measurement_type=METER_TYPES.get(flow, flow),
        phase_count=3,
        metering_status=status,
        status_flags=flags,
    )


@dataclass
class House:
    """A house with panels on each phase, loads that come and go, a sky with clouds, and a battery or none."""

    phases: int = 3
    battery: float = 0.0
    """W that it gives or takes at most."""
    inverters: int = 12
    every: int = 5
    """Minutes between two reports of an inverter."""
    flows: tuple[str, ...] = ("production", "net_consumption")
    miswired: Miswiring = as_it_should_be
    foreign: float = 0.0
    """W at noon of panels that nobody measures."""
    cloudy: bool = True
    seed: int = 11
    chance: random.Random = field(init=False)
    made: list[float] = field(default_factory=list)
    reports: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    loads: list[float] = field(init=False)
    stored: float = 3000.0
    cover: float = 1.0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - weather, no secret
        self.loads = [200.0] * self.phases

    def minute(self, n: int) -> Snapshot:
        """What the gateway tells in minute `n` after midnight."""
        hour = n / 60 % 24
        light = max(0.0, math.sin(math.pi * (hour - 6) / 14)) if 6 < hour < 20 else 0.0
        if self.cloudy and self.chance.random() < 0.1:
            self.cover = self.chance.uniform(0.15, 1.0)
        made = 300.0 * self.inverters * light**1.2 * self.cover
        for phase in range(self.phases):
            if self.chance.random() < 0.08:
                self.loads[phase] = self.chance.choice([60, 120, 200, 400, 900, 2300]) * self.chance.uniform(0.9, 1.1)
        self.made.append(made)
        foreign = self.foreign * light * self.cover
        given = self._battery(sum(self.loads) - made - foreign)
        even = 1 / self.phases
        powers: Powers = {
            "production": [(made or -4.0) * even] * self.phases,
            "storage": [given * even] * self.phases,
            "consumption": [load - (given + foreign) * even for load in self.loads],
        }
        powers["net_consumption"] = [
            used - panels for used, panels in zip(powers["consumption"], powers["production"], strict=True)
        ]
        return self._told(n, self.miswired(powers), given)

    def _battery(self, need: float) -> float:
        given = max(-self.battery, min(self.battery, 0.9 * need))
        if (given > 0 and self.stored <= 0) or (given < 0 and self.stored >= 6000):
            return 0.0
        self.stored -= given / 60
        return given

    def _told(self, n: int, powers: Powers, given: float) -> Snapshot:
        now = BEGIN + timedelta(minutes=n)
        for i in range(self.inverters):
            if (n + i) % self.every == 0 and self.made[-1] > 0:
                lately = self.made[-self.every :]
                self.reports[f"48220000{i:04d}"] = (now, sum(lately) / len(lately) / self.inverters)
        devices: dict[str, Any] = {
            "inverter": {
                serial: Inverter(power=round(power), power_max=295.0, last_report=when)
                for serial, (when, power) in self.reports.items()
            }
        }
        if self.battery:
            devices["battery"] = {"total": Battery(power=round(given))}
        flows: dict[str, Any] = {name: flow(name, powers[name]) for name in self.flows}
        wanted = frozenset({"consumption", "net_consumption"} - set(self.flows)) | {"home"}
        return derive(Snapshot(serial="1", time=now, devices=devices, **flows), wanted)

    @property
    def meters(self) -> list[Meter]:
        return [meter(name) for name in self.flows]


def flow(name: str, powers: Sequence[float]) -> Flow[Any]:
    """A CT of this flow with these powers on its phases, the total being their sum."""
    kind = KINDS[name]
    lines = {phase: kind(power=power, voltage=230.0) for phase, power in zip(PHASES, powers, strict=False)}
    return Flow(total=kind(power=sum(powers)), **lines)


def lived(house: House, days: float, begin: float = 0.0) -> list[Verdict]:
    """A house watched minute by minute; the state goes through JSON, as it does on disk."""
    verdicts: list[Verdict] = []
    state = Advisor()
    for n in range(int(begin * 1440), int((begin + days) * 1440)):
        snapshot = house.minute(n)
        verdict = judge(state, snapshot, house.meters, snapshot.time.timestamp())
        state = verdict.state
        if n % 60 == 0:
            state = msgspec.json.decode(msgspec.json.encode(state), type=Advisor)
        verdicts.append(verdict)
    return verdicts


def named(advice: Sequence[Advice]) -> set[tuple[str, str]]:
    return {(each.id, each.subject) for each in advice}


def said(verdicts: Sequence[Verdict]) -> set[tuple[str, str]]:
    return {name for verdict in verdicts for name in named(verdict.said)}


# --- never cry wolf

OWN_WORDS = {
    "d7_3_production_ct_only": {("meter_status", "production"), ("meter_production_imbalance", "production")},
}


def moved(snapshot: Snapshot, by: timedelta) -> Snapshot:
    """The same a while later, the inverters having reported again."""
    inverters = {
        serial: replace(each, last_report=each.last_report + by) if each.last_report else each
        for serial, each in snapshot.devices.get("inverter", {}).items()
        if isinstance(each, Inverter)
    }
    return replace(snapshot, time=snapshot.time + by, devices={**snapshot.devices, "inverter": inverters})


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_household_is_told_what_its_gateway_says_and_no_more(name: str) -> None:
    seen = look(FIXTURES / f"{name}.har")
    assert named(findings(seen.snapshot, seen.plan.meters)) == OWN_WORDS.get(name, set())
    state, all_said = Advisor(), set()
    for minute in range(0, 6 * 60, 3):
        snapshot = moved(seen.snapshot, timedelta(minutes=minute))
        state, _, new, _ = judge(state, snapshot, seen.plan.meters, snapshot.time.timestamp())
        all_said |= named(new)
    assert all_said == OWN_WORDS.get(name, set())


HEALTHY = {
    "three phases": House(),
    "one phase": House(phases=1),
    "split phase, slow reports": House(phases=2, every=15),
    "few inverters": House(inverters=3),
    "battery": House(battery=2500, flows=("production", "net_consumption", "storage")),
    "battery without CT": House(battery=2500),
    "total CT": House(flows=("production", "consumption")),
    "all CTs": House(flows=("production", "consumption", "net_consumption"), battery=2500),
    "production CT only": House(flows=("production",)),
    "no CT": House(flows=()),
    "clear sky": House(cloudy=False),
    "hourly reports": House(every=60),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_house_is_told_nothing_for_days(name: str) -> None:
    assert said(lived(HEALTHY[name], 2)) == set()


def test_a_battery_that_follows_the_loads_looks_like_no_reversed_clamp() -> None:
    for seed in (12, 20):
        assert said(lived(House(battery=2500, seed=seed), 4)) == set()


# --- miswired


def flipped(name: str, *phases: int) -> Miswiring:
    def miswire(powers: Powers) -> Powers:
        return powers | {name: [-power if n in phases else power for n, power in enumerate(powers[name])]}

    return miswire


def swapped(powers: Powers) -> Powers:
    """The clamps of production and of the grid, each on the other's wires."""
    return powers | {"production": powers["net_consumption"], "net_consumption": powers["production"]}


def on_the_house(powers: Powers) -> Powers:
    """The production clamp of L2 is round the feed of the kitchen."""
    made = powers["production"]
    kitchen = powers["consumption"][1] + 350.0
    return powers | {"production": [made[0], kitchen, *made[2:]]}


def with_a_load(powers: Powers) -> Powers:
    """The storage clamp of L1 also sees the car."""
    return powers | {"storage": [powers["storage"][0] - 1800.0, *powers["storage"][1:]]}


def open_clamp(powers: Powers) -> Powers:
    return powers | {"production": [0.0 if n else power for n, power in enumerate(powers["production"])]}


BATTERY = ("production", "net_consumption", "storage")
MISWIRED = {
    "production L2": (House(miswired=flipped("production", 1)), {("production_phase_reversed", "production/l2")}),
    "production, split": (
        House(phases=2, miswired=flipped("production", 0)),
        {("production_phase_reversed", "production/l1")},
    ),
    "production, single": (House(phases=1, miswired=flipped("production", 0)), {("production_reversed", "production")}),
    "production, all": (House(miswired=flipped("production", 0, 1, 2)), {("production_reversed", "production")}),
    "production, on the house": (House(miswired=on_the_house), {("production_at_night", "production/l2")}),
    "grid L3": (House(miswired=flipped("net_consumption", 2)), {("net_reversed", "net_consumption/l3")}),
    "grid, single": (House(phases=1, miswired=flipped("net_consumption", 0)), {("net_reversed", "net_consumption")}),
    "storage": (
        House(battery=2500, flows=BATTERY, miswired=flipped("storage", 0, 1, 2)),
        {("storage_reversed", "storage")},
    ),
    "storage L2": (
        House(battery=2500, flows=BATTERY, miswired=flipped("storage", 1)),
        {("storage_reversed", "storage/l2")},
    ),
    "storage L1 with the car": (
        House(phases=2, battery=2500, flows=BATTERY, miswired=with_a_load),
        {("storage_load", "storage/l1")},
    ),
    "two clamps open": (House(miswired=open_clamp), {("production_too_low", "production")}),
    "clamp of another size": (
        House(miswired=lambda powers: powers | {"production": [2 * power for power in powers["production"]]}),
        {("production_too_high", "production")},
    ),
    "total CT reversed": (
        House(flows=("production", "consumption"), miswired=flipped("consumption", 0, 1, 2)),
        {("export_at_night", "consumption")},
    ),
    "all CTs, one open": (
        House(
            flows=("production", "consumption", "net_consumption"),
            miswired=lambda powers: powers | {"consumption": [power / 3 for power in powers["consumption"]]},
        ),
        {("sum_of_flows", "consumption")},
    ),
}


@pytest.mark.parametrize("name", MISWIRED)
def test_a_miswired_house_is_told_which_clamp(name: str) -> None:
    house, expected = MISWIRED[name]
    verdicts = lived(house, 2.6)
    assert expected <= said(verdicts)
    assert expected <= named(verdicts[-1].advice)
    assert {each for each in said(verdicts) if "reversed" in each[0]} <= expected


def test_what_is_better_explained_is_said_no_longer() -> None:
    """By day the house seems to make power; at night it turns out to be the CT."""
    verdicts = lived(House(flows=("production", "consumption"), miswired=flipped("consumption", 0, 1, 2)), 2.6)
    assert ("home_below_zero", "home") in said(verdicts)
    assert ("home_below_zero", "home") in {name for verdict in verdicts for name in named(verdict.withdrawn)}
    assert named(verdicts[-1].advice) == {("export_at_night", "consumption")}


def test_swapped_clamps_of_production_and_grid_are_seen_at_night() -> None:
    assert ("production_at_night", "production/l1") in said(lived(House(miswired=swapped), 2))


def test_a_reversed_grid_ct_on_a_dull_day_is_seen_at_night() -> None:
    house = House(
        phases=1, inverters=1, flows=("production", "net_consumption"), miswired=flipped("net_consumption", 0)
    )
    assert ("export_at_night", "net_consumption") in said(lived(house, 4))


def test_foreign_panels_are_explained_and_no_clamp_is_blamed() -> None:
    assert said(lived(House(foreign=4000.0, cloudy=False), 2)) == {("home_below_zero", "home")}


def test_the_words_have_the_figure_and_what_to_do() -> None:
    verdicts = lived(House(miswired=flipped("production", 1), cloudy=False), 0.6)
    (advice,) = [each for verdict in verdicts for each in verdict.said if each.id == "production_phase_reversed"]
    assert advice.figure is not None
    assert advice.figure < -50
    assert advice.text == (
        f"the production CT on L2 looks reversed: it shows {advice.figure:.0f} W while L1 and L3 produce; turn its "
        "clamp round, or swap its two wires at the gateway; if it is not reversed, its wire feeds something that uses "
        "power"
    )
    assert advice.unit == "W"


# --- said once, withdrawn once


def test_it_is_said_once_stays_over_night_and_is_withdrawn_when_mended() -> None:
    house = House(miswired=flipped("production", 1), cloudy=False)
    verdicts = lived(house, 2)
    mine = ("production_phase_reversed", "production/l2")
    assert [mine in named(verdict.said) for verdict in verdicts].count(True) == 1
    since = next(verdict for verdict in verdicts if mine in named(verdict.said))
    assert all(mine in named(verdict.advice) for verdict in verdicts[verdicts.index(since) :])
    house.miswired = as_it_should_be
    state, ends = verdicts[-1].state, []
    for n in range(2880, 2880 + 1440):
        snapshot = house.minute(n)
        state, _, _, withdrawn = judge(state, snapshot, house.meters, snapshot.time.timestamp())
        ends += [(n / 60 - 48, each) for each in withdrawn if each.id == mine[0]]
    assert len(ends) == 1
    assert 8 < ends[0][0] < 9.5  # two hours after the sun has risen


def test_what_comes_and_goes_is_not_said() -> None:
    """A fault of 20 minutes in each half hour is none of the wiring."""
    house = House(cloudy=False)
    state = Advisor()
    for n in range(9 * 60, 18 * 60):
        house.miswired = flipped("production", 1) if n % 30 < 20 else as_it_should_be
        snapshot = house.minute(n)
        state, advice, _, _ = judge(state, snapshot, house.meters, snapshot.time.timestamp())
        assert ("production_phase_reversed", "production/l2") not in named(advice)


def judged(
    meters: Sequence[Meter] | None, minutes: range, state: Advisor | None = None, snapshot: Snapshot | None = None
) -> list[Verdict]:
    quiet = snapshot or Snapshot(serial="1", time=BEGIN, production=flow("production", [0.0, 0.0]))
    verdicts = [Verdict(state or Advisor(), (), (), ())]
    for n in minutes:
        verdicts.append(judge(verdicts[-1].state, quiet, meters, BEGIN.timestamp() + 60 * n))
    return verdicts[1:]


def test_the_gateways_own_words_are_passed_on_with_the_time() -> None:
    normal, odd = (
        [meter("net_consumption")],
        [meter("net_consumption", status="check-wiring", flags=("production-imbalance",))],
    )
    before = judged(normal, range(845))
    assert said(before) == set()
    after = judged(odd, range(845, 851), before[-1].state)
    assert {(each.id, each.subject, each.since) for each in after[-1].advice} == {
        ("meter_status", "net_consumption", BEGIN + timedelta(hours=14, minutes=5)),
        ("meter_production_imbalance", "net_consumption", BEGIN + timedelta(hours=14, minutes=5)),
    }
    assert "check-wiring of its net consumption CT" in after[-1].advice[1].text
    mended = judged(normal, range(851, 940), after[-1].state)
    assert [len(verdict.withdrawn) for verdict in mended].count(2) == 1
    assert mended[-1].advice == ()


def test_a_meter_that_is_not_enabled_has_no_words() -> None:
    off = [meter("storage", status="check-wiring", flags=("negative-production",), state="disabled")]
    assert said(judged(off, range(60))) == set()
    assert said(judged(None, range(60))) == set()


def test_every_word_of_a_gateway_is_known() -> None:
    for word in ("production-imbalance", "negative-production", "power-on-unused-phase", "negative-total-consumption"):
        verdicts = judged([meter("production", flags=(word,))], range(6))
        assert [word in each.text for each in verdicts[-1].advice] == [True]


def test_a_phase_without_voltage_is_named_once_for_all_cts() -> None:
    dead = Snapshot(
        serial="1",
        time=BEGIN,
        production=Flow(l1=Production(power=0.0, voltage=231.0), l2=Production(power=0.0, voltage=3.0)),
        net_consumption=Flow(l1=NetConsumption(power=0.0, voltage=231.0), l2=NetConsumption(power=0.0, voltage=4.0)),
    )
    meters = [meter("production"), meter("net_consumption")]
    verdicts = judged(meters, range(21), snapshot=dead)
    assert said(verdicts) == {("no_voltage", "l2")}
    assert verdicts[-1].advice[0].text.startswith("L2 has no voltage at the gateway (4 V)")


def test_phases_that_do_not_make_their_total() -> None:
    house = Snapshot(
        serial="1",
        time=BEGIN,
        net_consumption=Flow(
            total=NetConsumption(power=1600.0), l1=NetConsumption(power=600.0), l2=NetConsumption(power=500.0)
        ),
    )
    (advice,) = judged([meter("net_consumption")], range(36), snapshot=house)[-1].advice
    assert (advice.id, advice.subject, advice.figure) == ("sum_of_phases", "net_consumption", 1600)
    assert "add up to 1100 W" in advice.text


def test_a_clock_that_is_set_breaks_nothing() -> None:
    first = judged([meter("production", status="check-wiring")], range(100, 112))
    back = judged([meter("production", status="check-wiring")], range(20), first[-1].state)
    ahead = judged([meter("production", status="check-wiring")], range(10**6, 10**6 + 20), back[-1].state)
    assert [named(verdict.advice) for verdict in (first[-1], back[-1], ahead[-1])] == [
        {("meter_status", "production")}
    ] * 3


def test_advice_on_what_is_gone_for_good_ends() -> None:
    first = judged([meter("production", status="check-wiring")], range(12))
    later = judged(None, range(0, 15 * 1440, 5), first[-1].state)
    assert named(later[10 * 288].advice) == {("meter_status", "production")}
    assert later[-1].advice == ()


def test_the_table_says_what_is_checked() -> None:
    ids = [row.id for row in CHECKS]
    assert len(set(ids)) == len(ids)
    for n, row in enumerate(CHECKS):
        assert " " not in row.id
        assert set(row.unless) <= set(ids[:n]), row.id
        assert row.lasts % PIECE == row.gone % PIECE == 0


def test_what_is_remembered_is_bounded() -> None:
    house = House(battery=2500, flows=BATTERY)
    sizes = [len(msgspec.json.encode(verdict.state)) for verdict in lived(house, 2)]
    assert max(sizes) < 8000


# --- single measures


POWERS = {"made": "production/total/power", "net": "net_consumption/total/power", "used": "consumption/total/power"}
ALL_CTS = tuple(meter(name) for name in ("production", "net_consumption", "consumption"))


@pytest.mark.parametrize(
    ("measure", "known", "expected"),
    [
        (checks.production_at_night, {"made": 250.0, "dusk": 0.0}, True),
        (checks.production_at_night, {"made": 250.0, "dusk": 60.0}, False),
        (checks.production_at_night, {"made": 250.0}, None),
        (checks.production_at_night, {"made": 250.0, "dusk": 0.0, "batteries": 1.0, "battery": 250.0}, None),
        (checks.production_at_night, {"made": 250.0, "dusk": 0.0, "batteries": 1.0}, None),
        (checks.production_reversed, {"made": -900.0, "inverters": 900.0}, True),
        (checks.production_reversed, {"made": -900.0, "inverters": 900.0, "batteries": 1.0, "battery": -1500.0}, None),
        (checks.production_reversed, {"made": -900.0, "inverters": 900.0, "production/l1/power": 1.0}, True),
        (checks.too_little, {"made": 100.0, "inverters": 900.0, "peak": 4000.0}, True),
        (checks.too_little, {"made": 100.0, "inverters": 700.0, "peak": 4000.0}, None),
        (checks.too_much, {"made": 2000.0, "inverters": 900.0, "peak": 4000.0}, True),
        (checks.sum_of_flows, {"made": 1000.0, "net": 0.0, "used": 400.0}, True),
        (checks.sum_of_flows, {"made": 1000.0, "net": 0.0, "used": 400.0, "storage/total/power": -600.0}, False),
        (checks.home_below_zero, {"used": -800.0}, True),
        (checks.home_below_zero, {"used": -800.0, "batteries": 1.0}, None),
        (checks.home_below_zero, {"used": -800.0, "storage/total/power": 1000.0}, False),
        (checks.home_below_zero, {"used": -800.0, "pv3p/total/power": 900.0}, False),
        (checks.export_at_night, {"made": 0.0, "net": -400.0, "dusk": 0.0}, True),
        (checks.export_at_night, {"made": 0.0, "net": -400.0, "dusk": 0.0, "storage/total/power": 600.0}, None),
        (checks.export_at_night, {"made": 500.0, "net": -400.0, "dusk": 0.0}, None),
        (checks.no_voltage, {"production/l1/voltage": 0.0, "net_consumption/l1/voltage": 120.0}, False),
    ],
)
def test_what_is_odd(measure: Callable[[Means], checks.Judged], known: dict[str, float], expected: bool | None) -> None:
    """True: it is odd; False: it is as it should be; None: it cannot be judged."""
    means = Means({POWERS.get(name, name): value for name, value in known.items()}, {}, ALL_CTS)
    assert [odd is not None for odd in measure(means).values()] == ([] if expected is None else [expected])


def test_one_phase_is_the_whole_and_no_part_of_it() -> None:
    assert Means({"production/l1/power": 5.0}, {}, ()).phases("production") == {}


def inverters(*ages: float, power: float = 200.0) -> Snapshot:
    """Inverters whose last reports are so many minutes old."""
    members = {
        str(n): Inverter(power=power, power_max=300.0, last_report=BEGIN - timedelta(minutes=age))
        for n, age in enumerate(ages)
    }
    return Snapshot(serial="1", time=BEGIN, devices={"inverter": members})


def test_inverters_are_added_up_while_nearly_all_tell_of_now() -> None:
    assert facts(inverters(*[3.0] * 9, 30.0)) == {"peak": 3000.0, "inverters": 1800.0}
    assert facts(inverters(*[3.0] * 8, 30.0, 30.0)) == {"peak": 3000.0}
    assert facts(inverters(*[3.0] * 4, 3000.0)) == {"peak": 1200.0, "inverters": 800.0}


def test_it_is_certainly_dark_for_some_hours_after_the_last_faint_report() -> None:
    assert facts(inverters(60.0, 70.0, power=4.0))["dusk"] == 8.0
    assert "dusk" not in facts(inverters(60.0, 70.0, power=40.0))
    assert "dusk" not in facts(inverters(600.0, 610.0, power=4.0))


def test_a_meter_that_was_switched_off_takes_its_words_with_it() -> None:
    first = judged([meter("production", status="check-wiring")], range(12))
    off = judged([meter("production", status="check-wiring", state="disabled")], range(12, 90), first[-1].state)
    assert off[-1].advice == ()


def test_five_minutes_are_compared_with_the_five_before_only() -> None:
    close = judged(None, range(7))
    assert close[-1].state.before == {f"production/{each}/power": 0.0 for each in ("total", "l1", "l2")} | {
        f"production/{each}/voltage": 230.0 for each in ("l1", "l2")
    }
    assert judged(None, range(60, 62), close[-1].state)[-1].state.before == {}


def test_what_was_told_once_in_five_minutes_is_no_mean() -> None:
    broken = Snapshot(serial="1", time=BEGIN, production=Flow(l1=Production(power=0.0, voltage=3.0)))
    silent = Snapshot(serial="1", time=BEGIN, net_consumption=Flow(total=NetConsumption(power=0.0)))
    state = Advisor()
    for n in range(40):
        snapshot = silent if n % 5 else broken
        state, advice, _, _ = judge(state, snapshot, [meter("production")], BEGIN.timestamp() + 60 * n)
        assert advice == ()
