"""What may be odd about an installation, measured: pure functions of what five minutes were like.

A measure gives each subject that it can judge (`production/l2`, `net_consumption`): what is odd about it, or None where
it is as it should be. A subject that it does not give cannot be judged now: production is not at night.

Comparisons are wide on purpose: clamps are good to a few percent, and two meters are never read in the same second. A
wrong clamp is wrong by half, or by its sign.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from msgspec import Struct

from envoy_bridge.advice_facts import House
from envoy_bridge.catalog import PHASES
from envoy_bridge.gateway.devices.base import TOTAL
from envoy_bridge.gateway.known import FLOW_OF_MEASUREMENT
from envoy_bridge.gateway.wire import Meter

NOISE: Final = 50.0
"""W that a clamp may show where nothing flows; inverters draw less at night."""
LOAD: Final = 100.0
"""W that are a load, or a source, and no noise."""


_LIVE: Final = 40.0
"""V: no grid has less."""
_SWING: Final = 300.0
"""W by which production must move from one five minutes to the next, to see what the grid does then."""
_FOLLOWS: Final = (0.6, 1.4)
"""W of import for each W of production more, where the net CT is reversed; below zero where it is not."""
_ALIKE: Final = 5.0
"""How many times as many inverters may be on one phase as on another."""
_BRIGHT: Final = 0.2
"""Part of their highest power that the inverters must make: in less light their reports are late by too much."""


class Odd(NamedTuple):
    """What is odd: the figure that shows it, and what it is seen against, in words."""

    figure: float | None = None
    against: str = ""


Judged = Mapping[str, Odd | None]


# --- what the meters say themselves


def meter_status(house: House) -> Judged:
    """The gateway's own verdict on a CT."""
    return _of_meters(
        house, lambda meter: Odd(against=meter.metering_status) if meter.metering_status not in ("", "normal") else None
    )


def flagged(flag: str, house: House) -> Judged:
    """Did the gateway put this flag on a CT?"""
    return _of_meters(house, lambda meter: Odd() if flag in (meter.status_flags or ()) else None)


def _of_meters(house: House, verdict: Callable[[Meter], Odd | None]) -> Judged:
    """What is said of a CT that is not enabled is of no interest."""
    enabled = {_flow(meter): verdict(meter) for meter in house.meters if meter.state == "enabled"}
    return dict.fromkeys(map(_flow, house.meters)) | enabled


def _flow(meter: Meter) -> str:
    return FLOW_OF_MEASUREMENT.get(meter.measurement_type, meter.measurement_type)


def no_voltage(house: House) -> Judged:
    """A phase without voltage, at all CTs that watch it: the gateway senses it once for all of them."""
    found: dict[str, Odd | None] = {}
    for phase in PHASES[1:]:
        seen = [house.figures.get(f"{flow}/{phase}/voltage") for flow in house.measured]
        known = [voltage for voltage in seen if voltage is not None]
        if known:
            found[phase] = Odd(max(known)) if max(known) < _LIVE else None
    return found


# --- production


def production_phase_reversed(house: House) -> Judged:
    """A phase that takes while the others give."""
    powers = house.phases("production")
    found: dict[str, Odd | None] = {}
    for phase, power in powers.items():
        giving = [other for other in powers if other != phase and powers[other] > NOISE]
        if giving:
            found[f"production/{phase}"] = Odd(power, _names(giving)) if power < -NOISE else None
    return found


def production_reversed(house: House) -> Judged:
    """All of it is below zero while the inverters say that they produce."""
    power, said, stored = house.power("production"), house.figures.get("inverters"), house.stored()
    if power is None or said is None or said < LOAD or stored is None or stored < -NOISE:
        return {}  # some AC batteries charge through this CT
    if any(of_phase > NOISE for of_phase in house.phases("production").values()):
        return {}
    return {"production": Odd(power, f"{said:.0f} W") if power < -NOISE else None}


def production_at_night(house: House) -> Judged:
    """It shows a load when no inverter can produce."""
    dusk, stored = house.figures.get("dusk"), house.stored()
    if dusk is None or stored is None or abs(stored) > NOISE:
        return {}
    whole = house.power("production")
    powers = house.phases("production") or ({} if whole is None else {TOTAL: whole})
    return {
        _subject("production", phase): Odd(power) if abs(power) > LOAD + 3 * dusk else None
        for phase, power in powers.items()
    }


def too_little(house: House) -> Judged:
    """The production CT shows less than the inverters make."""
    return _against_inverters(house, -1)


def too_much(house: House) -> Judged:
    """The production CT shows more than the inverters make."""
    return _against_inverters(house, 1)


def _against_inverters(house: House, sign: int) -> Judged:
    power, said = house.power("production"), house.figures.get("inverters")
    if power is None or said is None or max(said, power) < _BRIGHT * house.figures["peak"]:
        return {}
    odd = sign * (power - said) > LOAD + 0.3 * max(abs(power), said)
    return {"production": Odd(power, f"{said:.0f} W") if odd else None}


# --- the grid


def net_reversed(house: House) -> Judged:
    """The sun comes, and import rises by as much. With batteries, what they give counts as what the panels make.

    What it does neither with the sun nor against it is a kettle.
    """
    found: dict[str, Odd | None] = {}
    for phase in (TOTAL, *house.phases("net_consumption")) if "net_consumption" in house.measured else ():
        more, grid = _sources_moved(house, phase), _moved(house, f"net_consumption/{phase}/power")
        if more is None or grid is None or abs(more) < _SWING:
            continue
        follows = grid / more
        if _FOLLOWS[0] < abs(follows) < _FOLLOWS[1]:
            found[_subject("net_consumption", phase)] = Odd(grid, f"{more:+.0f} W") if follows > 0 else None
    if found.get("net_consumption"):  # then it is the whole of it, and not each phase
        return {"net_consumption": found["net_consumption"]}
    return found


def _sources_moved(house: House, phase: str) -> float | None:
    """How much more the panels and the batteries give than five minutes before; None where that is not certain."""
    more, stored = _moved(house, f"production/{phase}/power"), _moved(house, f"storage/{phase}/power")
    if stored is None:
        stored = 0.0 if house.stored() == 0.0 else _moved(house, "battery") if phase == TOTAL else None
    if more is None or stored is None or abs(more) < _SWING or not _sees_the_sun(house):
        return None
    return more + stored if abs(stored) <= abs(more) / 4 else None  # a battery follows the loads, too


def _sees_the_sun(house: House) -> bool:
    """Does the production CT show what the inverters say, and move on all phases alike?

    On another wire it would follow a load, as import does.
    """
    made, said = house.power("production"), house.figures.get("inverters")
    if made is None or said is None or abs(made - said) > LOAD + 0.5 * max(made, said):
        return False
    moves = [_moved(house, f"production/{phase}/power") or 0.0 for phase in house.phases("production")]
    sizes = [abs(move) for move in moves]
    return not moves or (abs(sum(moves)) == sum(sizes) and max(sizes) <= _ALIKE * min(sizes))


def _moved(house: House, name: str) -> float | None:
    """How much this has grown since the five minutes before."""
    now, before = house.figures.get(name), house.before.get(name)
    return None if now is None or before is None else now - before


def export_at_night(house: House) -> Judged:
    """It exports when nothing can be exported: so does a reversed CT, be it the grid's or the whole consumption's."""
    flow = next((flow for flow in ("net_consumption", "consumption") if flow in house.measured), None)
    made, stored = house.power("production"), house.stored()
    shown = house.power(flow) if flow and "dusk" in house.figures else None
    if flow is None or shown is None or made is None or stored is None:
        return {}
    if abs(made) > LOAD or stored > NOISE or abs(shown) < LOAD:
        return {}
    return {flow: Odd(shown) if shown < 0 else None}


# --- sums


def sum_of_flows(house: House) -> Judged:
    """Production and net consumption against consumption, where all three have a CT.

    Whether a battery and other panels are before or behind the consumption CT is not known: whatever adds up is right.
    """
    made, net, used = (house.power(flow) for flow in ("production", "net_consumption", "consumption"))
    if made is None or net is None or used is None or not {"net_consumption", "consumption"} <= {*house.measured}:
        return {}
    more = [power for power in (house.stored(), house.power("pv3p")) if power]
    sums = [made + net + sum(some) for count in range(len(more) + 1) for some in combinations(more, count)]
    nearest = min((each - used for each in sums), key=abs)
    odd = abs(nearest) > LOAD + 0.15 * max(abs(made), abs(net), abs(used))
    return {"consumption": Odd(nearest) if odd else None}


def sum_of_phases(house: House) -> Judged:
    """A CT's phases against its total."""
    found: dict[str, Odd | None] = {}
    for flow in house.measured:
        powers, whole = house.phases(flow), house.power(flow)
        if powers and whole is not None:
            apart = sum(powers.values()) - whole
            odd = abs(apart) > NOISE + 0.1 * sum(map(abs, powers.values()))
            found[flow] = Odd(whole, f"{sum(powers.values()):.0f} W") if odd else None
    return found


def home_below_zero(house: House) -> Judged:
    """What the house itself uses. An impossible figure is not published; here it is told why."""
    used, stored = house.power("consumption"), house.stored()
    if used is None or stored is None:
        return {}
    home = used + stored + (house.power("pv3p") or 0.0)
    return {"home": Odd(home) if home < -LOAD else None}


# --- storage


class _Fault(Struct, frozen=True):
    """How the storage CT differs from the batteries: `kind` is reversed, load or other; None: it does not."""

    kind: str | None
    phase: str = TOTAL


def storage_reversed(house: House) -> Judged:
    """It shows the batteries' power with the other sign, on all phases or one."""
    return _storage(house, "reversed")


def storage_load(house: House) -> Judged:
    """One phase of it shows something else, too."""
    return _storage(house, "load")


def storage_differs(house: House) -> Judged:
    """It shows something else than the batteries."""
    return _storage(house, "other")


def _storage(house: House, kind: str) -> Judged:
    measured, said = house.power("storage"), house.figures.get("battery")
    if measured is None or said is None or max(abs(measured), abs(said)) < 2 * LOAD:
        return {}  # at rest it shows nothing, whichever way it sits
    fault = _fault(measured, said, house.phases("storage"))
    subjects: dict[str, Odd | None] = {_subject("storage", phase): None for phase in (TOTAL, *house.phases("storage"))}
    if fault.kind == kind:
        subjects[_subject("storage", fault.phase)] = Odd(house.power("storage", fault.phase), f"{said:.0f} W")
    return subjects


def _fault(measured: float, said: float, phases: Mapping[str, float]) -> _Fault:
    if _near(measured, said):
        return _Fault(None)
    for phase, power in phases.items():
        others = sum(phases.values()) - power
        if _near(others * len(phases) / (len(phases) - 1), said):  # the others show their part of it
            return _Fault("reversed" if _near(-power * len(phases), said) else "load", phase)
    return _Fault("reversed" if _near(-measured, said) else "other")


def _near(one: float, other: float) -> bool:
    """Powers of the batteries are asked once a minute, and they follow the house."""
    return abs(one - other) <= 1.5 * LOAD + 0.3 * max(abs(one), abs(other))


def _subject(flow: str, phase: str) -> str:
    return flow if phase == TOTAL else f"{flow}/{phase}"


def _names(phases: Sequence[str]) -> str:
    return f"{' and '.join(phases).upper().replace(' AND ', ' and ')} {'produce' if len(phases) > 1 else 'produces'}"
