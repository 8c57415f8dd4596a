"""The checks of an installation: what is measured, how long it must last to be said, and the words for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from envoy_bridge import advice_checks as checks
from envoy_bridge.advice_checks import Judged
from envoy_bridge.advice_facts import House
from envoy_bridge.model import VOLT, WATT, WORD, Unit

PIECE: Final = 300.0
"""Seconds whose means are judged together."""
_HOUR, _DAY = 3600.0, 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A row of the table.

    `needs`: flows without which it cannot judge. `lasts`: seconds it must be found, before it is said; `gone`: in
    order, before it is withdrawn; both count only what was judged. `unless`: checks that explain the same better.
    `words`: `{place}` is the CT, `{figure}` with its unit, `{against}` what it is seen against.
    """

    id: str
    measure: Callable[[House], Judged]
    words: str
    lasts: float
    gone: float
    needs: tuple[str, ...] = ()
    unit: Unit = WATT
    unless: tuple[str, ...] = ()


_TURN = "turn its clamp round, or swap its two wires at the gateway"
_FLAGS = {
    "production-imbalance": "its phases produce very unequally: look whether a clamp is open or on the wrong wire",
    "negative-production": f"it measures negative production: {_TURN}",
    "power-on-unused-phase": "there is power on a phase that is set as unused: let an installer set the phases anew",
    "negative-total-consumption": "the house would make power: a clamp of production or consumption is reversed",
}
_REVERSED = ("production_phase_reversed", "production_reversed", "net_reversed", "storage_reversed")

CHECKS: Final = (
    Check(
        id="meter_status",
        measure=checks.meter_status,
        words="the gateway says {against} of its {place}: look how the clamp sits, which way, and on which wire",
        unit=WORD,
        lasts=0,
        gone=_HOUR,
    ),
    *(
        Check(
            id=f"meter_{flag.replace('-', '_')}",
            measure=partial(checks.flagged, flag),
            words=f"the gateway says {flag} of its {{place}}: {meaning}",
            unit=WORD,
            lasts=0,
            gone=_HOUR,
        )
        for flag, meaning in _FLAGS.items()
    ),
    Check(
        id="no_voltage",
        measure=checks.no_voltage,
        words="{place} has no voltage at the gateway ({figure}): a breaker is off, a wire is loose, or the gateway "
        "is set to more phases than it is connected to",
        unit=VOLT,
        lasts=_HOUR / 4,
        gone=_HOUR / 4,
    ),
    Check(
        id="production_phase_reversed",
        needs=("production",),
        measure=checks.production_phase_reversed,
        words="the {place} looks reversed: it shows {figure} while {against}; "
        f"{_TURN}; if it is not reversed, its wire feeds something that uses power",
        lasts=_HOUR / 2,
        gone=2 * _HOUR,
    ),
    Check(
        id="production_reversed",
        needs=("production",),
        measure=checks.production_reversed,
        words=f"the {{place}} looks reversed: it shows {{figure}} while the inverters say {{against}}; {_TURN}",
        lasts=_HOUR / 2,
        gone=2 * _HOUR,
    ),
    Check(
        id="production_at_night",
        needs=("production",),
        measure=checks.production_at_night,
        words="the {place} shows {figure} when no inverter produces: it is on the wire of something else, or a load "
        "is on the wire of the inverters; put the clamp round the inverters' wire only",
        lasts=2 * _HOUR,
        gone=4 * _HOUR,
    ),
    Check(
        id="net_reversed",
        needs=("production", "net_consumption"),
        measure=checks.net_reversed,
        words="the {place} looks reversed: when production moved by {against} it moved by {figure}, and should "
        f"move the other way; {_TURN}",
        lasts=8 * PIECE,
        gone=8 * PIECE,
    ),
    Check(
        id="export_at_night",
        needs=("production",),
        measure=checks.export_at_night,
        words="the {place} shows {figure} at night, when nothing here can be exported: if no other battery "
        f"or generator feeds the house, it is reversed; {_TURN}",
        lasts=6 * _HOUR,
        gone=2 * _HOUR,
        unless=("net_reversed", "production_at_night"),
    ),
    Check(
        id="storage_reversed",
        needs=("storage",),
        measure=checks.storage_reversed,
        words=f"the {{place}} looks reversed: it shows {{figure}} while the batteries say {{against}} in all; {_TURN}",
        lasts=4 * _HOUR,
        gone=4 * _HOUR,
    ),
    Check(
        id="storage_load",
        needs=("storage",),
        measure=checks.storage_load,
        words="the {place} carries another load: it shows {figure} while the batteries say {against} in all; put "
        "the clamp round the batteries' wire only",
        lasts=_HOUR / 2,
        gone=_DAY,
    ),
    Check(
        id="storage_differs",
        needs=("storage",),
        measure=checks.storage_differs,
        words="the {place} shows {figure} while the batteries say {against}: look whether its clamps are closed, "
        "and round the batteries' wires only",
        lasts=_HOUR,
        gone=_DAY,
        unless=("storage_reversed", "storage_load"),
    ),
    Check(
        id="sum_of_phases",
        measure=checks.sum_of_phases,
        words="the phases of the {place} add up to {against}, and it says {figure} in all: let an installer look "
        "how many phases the gateway is set to",
        lasts=_HOUR / 2,
        gone=_DAY,
    ),
    Check(
        id="sum_of_flows",
        needs=("production", "net_consumption", "consumption"),
        measure=checks.sum_of_flows,
        words="production and net consumption differ from consumption by {figure}: one of the three CTs is "
        "reversed, open or on another wire",
        lasts=_HOUR / 2,
        gone=_DAY,
        unless=(*_REVERSED, "production_at_night", "export_at_night"),
    ),
    Check(
        id="home_below_zero",
        needs=("consumption",),
        measure=checks.home_below_zero,
        words="by the meters the house would use {figure}: a CT is reversed, or something feeds the house that this "
        "gateway does not measure (other panels, a battery, a generator)",
        lasts=_HOUR,
        gone=_DAY,
        unless=(*_REVERSED, "storage_load", "storage_differs", "production_at_night", "export_at_night"),
    ),
    Check(
        id="production_too_low",
        needs=("production",),
        measure=checks.too_little,
        words="the {place} shows {figure} while the inverters say {against}: a clamp is open, or some of the "
        "inverters do not feed through it",
        lasts=4 * _HOUR,
        gone=4 * _HOUR,
        unless=("production_phase_reversed", "production_reversed", "production_at_night"),
    ),
    Check(
        id="production_too_high",
        needs=("production",),
        measure=checks.too_much,
        words="the {place} shows {figure} while the inverters say {against}: that is right if other inverters "
        "feed through it; else it is on the wrong wire, or of another size than the gateway is set to",
        lasts=4 * _HOUR,
        gone=4 * _HOUR,
        unless=("production_at_night",),
    ),
)
"""In this order: what another row explains better comes after it."""
