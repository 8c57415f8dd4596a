"""Which panel died? Each inverter's silence against its own habit, judged by the daylight that the fleet shows. Pure.

Inverters live on the light of their panel: at night all are silent and none is dead. So silence is counted by a clock
that runs only in daylight, and daylight is when a good share of the fleet has reported lately, and reported power. What
was online at dusk is online all night; a dead one is not. Nothing depends on the gateway's clock being right: a report
is heard when it is another than before.

A fleet of one is told from the night only if it falls silent in full sun.
"""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from envoy_bridge.fleet_yield import Weak, Yield, after_day, middle_peak, weak_ones
from envoy_bridge.gateway.devices.inverter import Inverter

ONLINE: Final = "online"
OFFLINE: Final = "offline"

LONGEST: Final = 2 * 3600.0
"""Seconds between two reports that can be a habit: inverters are set to 5, 15 or 60 minutes. More is a night or a gap.
It is also how long the whole fleet may be silent in full sun: an hour is what somebody may have set it to just now."""
_FIRST_GUESS = 900.0
"""Seconds between two reports while nothing is known."""
_STEPS = 5
"""Steps whose median is the habit."""
_SHARE = 0.25
"""Part of the fleet that shows what light there is: a tripped breaker may silence half of it, or more."""
_DAYLIGHT, _FULL_SUN = 0.1, 0.2
"""Part of its highest power that the middle one makes. Below the first, panels that face away may sleep still or again;
the second is never the last word of a day, which fades."""
_ABSENT = 24 * 3600.0
"""An inverter, new to us, that is so many seconds behind the newest report was dead before we came."""
_NIGHT = 3 * 3600.0
"""Seconds without daylight that end a day."""
_LONGEST_DAY = 24 * 3600.0


class Member(Struct, frozen=True, kw_only=True):
    """What is remembered of one inverter.

    `report`: when it reported, by the gateway (seconds since 1970). `heard`: when we learnt of it, by us; `light`: the
    daylight clock then. `steps`: seconds between its newest reports. `power`: W. `availability`: None while undecided.
    """

    report: float | None = None
    heard: float
    light: float
    steps: tuple[float, ...] = ()
    power: float = 0.0
    availability: str | None = None
    made: Yield = Yield()


class State(Struct, frozen=True, kw_only=True):
    """What is remembered of a fleet. All but `members`, by serial, are seconds.

    `watched`: when we last looked, None: never. `light`: the clock that runs in daylight. `silent`: watched without
    hearing anybody; None where we did not see how the silence began. `bright`: when there was daylight last.
    """

    members: Mapping[str, Member] = field(default_factory=dict)
    watched: float | None = None
    light: float = 0.0
    silent: float | None = None
    bright: float = 0.0
    day_began: float = 0.0


class Fleet(NamedTuple):
    """How the inverters are.

    By serial: `availability` (None: undecided), `age` of the last report and its usual `interval` (seconds; None: not
    known). How many are `online` of the `total`, and who is `weak`.
    """

    availability: Mapping[str, str | None]
    age: Mapping[str, float | None]
    interval: Mapping[str, float]
    online: int
    total: int
    weak: tuple[Weak, ...]


def watch(state: State, inverters: Mapping[str, Inverter], now: float) -> tuple[State, Fleet]:
    """What is remembered after a look at the inverters, and how they are. `now`: seconds since 1970."""
    passed = 0.0 if state.watched is None else now - state.watched
    if not 0 <= passed <= LONGEST:  # we were away: what happened meanwhile is nobody's silence
        state, passed = replace(state, silent=None), 0.0
    before = state.members
    members = {serial: _looked_at(state, serial, inverters, now) for serial in inverters}
    heard = frozenset(serial for serial in members if serial in before and members[serial].heard > before[serial].heard)
    interval = _intervals(members, now)
    peaks = {serial: peak for serial, inverter in inverters.items() if (peak := inverter.power_max)}
    bright = _daylight(members, interval, peaks, now)
    state = replace(
        state,
        watched=now,
        light=state.light + passed if bright else state.light,
        bright=now if bright else state.bright,
        silent=0.0 if heard and passed else None if state.silent is None else state.silent + passed,
    )
    struck = state.silent is not None and state.silent > LONGEST and _lit(members.values(), peaks, _FULL_SUN)
    members = {
        serial: replace(member, availability=OFFLINE)
        if struck or state.light - member.light > _patience(interval[serial] if member.steps else LONGEST)
        else member
        for serial, member in members.items()
    }
    state = _day(replace(state, members=members), peaks, now)
    return state, _fleet(state, inverters, interval, peaks, now)


def _looked_at(state: State, serial: str, inverters: Mapping[str, Inverter], now: float) -> Member:
    """One inverter: new to us, with a new report, or as before."""
    inverter, member = inverters[serial], state.members.get(serial)
    report = None if inverter.last_report is None else inverter.last_report.timestamp()
    power = inverter.power or 0.0
    if member is None:
        return Member(
            report=report,
            heard=now,
            light=state.light,
            power=power,
            availability=_at_first(report, inverters),
        )
    if report is None or report == member.report:
        return member
    step = 0.0 if member.report is None else report - member.report
    heard = replace(member, report=report, heard=now, light=state.light, power=power, availability=ONLINE)
    if not 0 < step <= LONGEST:
        return heard
    return replace(heard, steps=(*member.steps, step)[-_STEPS:], made=member.made.plus(power * step / 3600))


def _at_first(report: float | None, inverters: Mapping[str, Inverter]) -> str | None:
    """Is an inverter online that we never saw before? By how far it is behind the newest report of all."""
    if report is None:
        return None
    newest = max(each.last_report.timestamp() for each in inverters.values() if each.last_report is not None)
    if newest - report <= LONGEST:
        return ONLINE
    return OFFLINE if newest - report > _ABSENT else None


def _intervals(members: Mapping[str, Member], now: float) -> dict[str, float]:
    """Seconds between two reports, by serial: each one's habit, or what the fleet has just begun if that is longer."""
    habits = {serial: median(member.steps) for serial, member in members.items() if member.steps}
    usual = median(habits.values()) if habits else _FIRST_GUESS
    own = {serial: habits.get(serial, usual) for serial in members}
    newest = [each.steps[-1] for serial, each in members.items() if each.steps and _recent(each, own[serial], now)]
    present = median(newest) if newest else 0.0
    return {serial: max(interval, present) for serial, interval in own.items()}


def _patience(interval: float) -> float:
    """Seconds of daylight that an inverter may be silent: three reports, and half an hour at least."""
    return max(1800.0, 3 * interval)


def _recent(member: Member, interval: float, now: float) -> bool:
    """Has it reported lately? Half of the patience: when all fall silent, the clock stops before it runs out."""
    return member.availability == ONLINE and now - member.heard <= _patience(interval) / 2


def _daylight(
    members: Mapping[str, Member], interval: Mapping[str, float], peaks: Mapping[str, float], now: float
) -> bool:
    awake = [member for serial, member in members.items() if _recent(member, interval[serial], now)]
    return len(awake) >= _SHARE * len(members) and _lit(awake, peaks, _DAYLIGHT)


def _lit(members: Iterable[Member], peaks: Mapping[str, float], part: float) -> bool:
    """Does the middle one of these that are online make so much of its highest power?"""
    powers = [member.power for member in members if member.availability == ONLINE]
    return bool(powers) and median(powers) >= part * middle_peak(peaks)


def _day(state: State, peaks: Mapping[str, float], now: float) -> State:
    """When the day is over, what each made becomes its share of it."""
    if now - state.bright < _NIGHT and now - state.day_began < _LONGEST_DAY:
        return state
    yields = after_day({serial: member.made for serial, member in state.members.items()}, peaks)
    members = {serial: replace(member, made=yields[serial]) for serial, member in state.members.items()}
    return replace(state, members=members, day_began=now)


def _fleet(
    state: State,
    inverters: Mapping[str, Inverter],
    interval: Mapping[str, float],
    peaks: Mapping[str, float],
    now: float,
) -> Fleet:
    availability = {serial: member.availability for serial, member in state.members.items()}
    silent = [serial for serial, word in availability.items() if word == OFFLINE]
    return Fleet(
        availability=availability,
        age={
            serial: None if inverter.last_report is None else max(0.0, now - inverter.last_report.timestamp())
            for serial, inverter in inverters.items()
        },
        interval=interval,
        online=sum(word == ONLINE for word in availability.values()),
        total=len(availability),
        weak=weak_ones({serial: member.made for serial, member in state.members.items()}, peaks, silent),
    )
