"""Known faults of firmware, and how their replies are put right before anything reads them. Pure.

One row a fault. A row says from which firmware on it is looked for, by which signs a reply shows it, and what becomes
of the reply: a corrected one, or None for one that must not be used. The signs and repairs are in `quirks_meters.py`
and `quirks_production.py`. Every row names the fixtures on which it fires; it changes no other. What firmware does
that needs no repair is in `rules.py`; `docs/quirks.md` is made of both tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from envoy_bridge.gateway import quirks_meters as meters
from envoy_bridge.gateway import quirks_production as production
from envoy_bridge.gateway.info import Version
from envoy_bridge.gateway.known import Known

ANY: Version = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """One fault: where it shows (`endpoints`, by id), since which firmware, how it is told, how it is put right.

    `fixtures`: the households whose replies it fires on, and no others; without it the first is published wrong.
    """

    id: str
    endpoints: tuple[str, ...]
    since: Version = ANY
    applies: Callable[[Any, Known], bool]
    repair: Callable[[Any, Known], Any]
    why: str
    fixtures: tuple[str, ...]
    link: str = ""


def repair(
    reply: Any,  # noqa: ANN401 - any wire type
    endpoint: str,
    known: Known,
    quirks: Sequence[Quirk],
) -> tuple[Any, tuple[str, ...]]:
    """Put a reply right. Gives the reply (None: not to be used) and the ids of the quirks that fired."""
    fired = []
    for quirk in quirks:
        if endpoint in quirk.endpoints and known.info.version >= quirk.since and quirk.applies(reply, known):
            fired.append(quirk.id)
            reply = quirk.repair(reply, known)
            if reply is None:
                break
    return reply, tuple(fired)


def unusable(_reply: object, _known: Known) -> None:
    """Nothing of the reply is used."""


QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        id="totals-zero",
        endpoints=("production_totals",),
        applies=production.no_energy,
        repair=unusable,
        why="After a start, and on some firmware for good, /api/v1/production answers 200 with zeros for all energies. "
        "Nothing is published from such a reply; where there is one, the report's sum over the inverters is used.",
        fixtures=(
            "r3_9_boot_zeros",
            "d7_3_boot_report",
            "d7_6_cts_disabled",
            "d8_3_boot_standard",
            "d8_3_boot_zeros",
            "d8_3_collar_pf_sum",
            "d8_3_unmetered_zero_v1",
        ),
        link="https://github.com/pyenphase/pyenphase/pull/482",
    ),
    Quirk(
        id="totals-stalled",
        endpoints=("production_totals",),
        since=(8, 2, 4264),
        applies=production.metered_without_ct,
        repair=unusable,
        why="A metered gateway that has no CT answers figures on /api/v1/production that have stopped moving. "
        "The report's sum over the inverters is used.",
        fixtures=(
            "d8_2_stalled_v1",
            "d8_3_total_ct_report_only",
        ),
        link="https://github.com/pyenphase/pyenphase/pull/275",
    ),
    Quirk(
        id="inverters-sum-zero",
        endpoints=("production_report",),
        applies=production.has_empty_sum,
        repair=production.without_sum,
        why="After a start the production report's sum over the inverters is zero, its lifetime included, until the "
        "first of them reports. Nothing is published from it until then.",
        fixtures=("d8_3_boot_standard",),
    ),
    Quirk(
        id="report-not-started",
        endpoints=("production_report",),
        applies=production.has_unstarted_meter,
        repair=production.without_meters,
        why="As meter-not-started, in the production report: none of its meters is used, since it computes one kind of "
        "consumption from the other.",
        fixtures=(
            "d7_3_boot_report",
            "d8_3_boot_zeros",
        ),
    ),
    Quirk(
        id="report-power-factor-summed",
        endpoints=("production_report",),
        applies=production.has_summed_section,
        repair=production.unsum_report,
        why="As power-factor-summed, in the production report.",
        fixtures=(
            "d8_3_total_ct_report_only",
            "d8_3_collar_pf_sum",
            "d8_3_three_phase_battery_pv3p",
            "d8_3_total_ct",
        ),
    ),
    Quirk(
        id="total-is-net",
        endpoints=("production_report",),
        since=(8, 3, 5433),
        applies=production.total_is_net,
        repair=production.restore_total,
        why="At sites with a CT for total consumption the production report repeats net-consumption as "
        "total-consumption. The production is added again. The meters' own readings are right.",
        fixtures=(
            "d8_3_total_ct_report_only",
            "d8_3_total_ct",
        ),
        link="https://github.com/pyenphase/pyenphase/issues/467",
    ),
    Quirk(
        id="report-phase-absent",
        endpoints=("production_report",),
        applies=production.has_dead_line,
        repair=production.without_dead_lines,
        why="The report of a split-phase site lists a third phase that is zero in everything, voltage included. "
        "It is left out.",
        fixtures=(
            "d8_3_total_ct_report_only",
            "d8_3_collar_pf_sum",
            "d8_3_total_ct",
        ),
    ),
    Quirk(
        id="power-factor-summed",
        endpoints=("meter_readings",),
        applies=meters.has_summed_reading,
        repair=meters.unsum_readings,
        why="Firmware that lists seven meters adds up the power factors of the phases: 1.94 for two. "
        "Active over apparent power is published instead.",
        fixtures=("d8_3_collar_pf_sum", "d8_3_three_phase_battery_pv3p", "d8_3_total_ct"),
    ),
    Quirk(
        id="meter-not-started",
        endpoints=("meter_readings",),
        applies=meters.has_dead_reading,
        repair=meters.without_dead_readings,
        why="While the gateway starts, a meter reads zero in everything, its counters and the voltage of the grid "
        "included. Nothing is published from it until it measures.",
        fixtures=("d8_3_boot_zeros",),
    ),
    Quirk(
        id="storage-phase-zero",
        endpoints=("meter_readings",),
        applies=meters.lost_storage_phase,
        repair=meters.without_storage,
        why="Now and then one phase of the storage CT reads zero, and the counters of all phases together are half of "
        "what they were. Nothing is published of that CT from such a reply.",
        fixtures=("d8_3_storage_phase_zero", "d8_3_storage_half"),
        link="https://github.com/pyenphase/pyenphase/pull/481",
    ),
    Quirk(
        id="inverters-removed",
        endpoints=("device_data",),
        applies=meters.has_removed,
        repair=meters.without_removed,
        why="device_data goes on listing inverters that were removed, as not active. They are left out.",
        fixtures=("d8_3_removed_inverters", "d8_3_total_ct"),
    ),
)
