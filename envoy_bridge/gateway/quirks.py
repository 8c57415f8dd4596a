"""Known faults of firmware, and how their replies are put right before anything reads them. Pure.

One row a fault. A row says from which firmware on it is looked for, by which signs a reply shows it, and what becomes
of the reply: a corrected one, or None for one that must not be used. Every row names the fixture on which it fires; it
changes no other. Apart from the login, no other code compares firmware. `docs/quirks.md` is made of this table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.info import Version
from envoy_bridge.gateway.normalise import Known
from envoy_bridge.model import scaled

ANY: Version = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """One fault: where it shows (`endpoints`, by id), since which firmware, how it is told, how it is put right."""

    id: str
    endpoints: tuple[str, ...]
    since: Version
    applies: Callable[[Any, Known], bool]
    repair: Callable[[Any], Any]
    why: str
    fixture: str
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
            reply = quirk.repair(reply)
            if reply is None:
                break
    return reply, tuple(fired)


# --- /api/v1/production


def _no_energy(totals: wire.ProductionTotals, _known: Known) -> bool:
    energies = (totals.watt_hours_today, totals.watt_hours_seven_days, totals.watt_hours_lifetime)
    return not any(energies)


def _metered_without_ct(_totals: wire.ProductionTotals, known: Known) -> bool:
    return known.info.metered and not known.measuring


def _unusable(_reply: object) -> None:
    return None


# --- power factor of several phases, added up


def _summed(channel: wire.MeterChannel | wire.ReportLine) -> bool:
    return channel.pwr_factor is not None and abs(channel.pwr_factor) > 1


def _ratio(power: float | None, apparent: float | None) -> float | None:
    if power is None or not apparent or abs(power) > abs(apparent):
        return None
    return scaled(power / abs(apparent))


def _has_summed_reading(readings: wire.Readings, _known: Known) -> bool:
    return any(_summed(reading) for reading in readings)


def _unsum_readings(readings: wire.Readings) -> wire.Readings:
    return tuple(
        replace(reading, pwr_factor=_ratio(reading.active_power, reading.apparent_power))
        if _summed(reading)
        else reading
        for reading in readings
    )


def _has_summed_section(report: wire.ProductionReport, _known: Known) -> bool:
    return any(_summed(section) for section in report.production)


def _unsum_report(report: wire.ProductionReport) -> wire.ProductionReport:
    sections = (
        replace(section, pwr_factor=_ratio(section.w_now, section.apprnt_pwr)) if _summed(section) else section
        for section in report.production
    )
    return replace(report, production=tuple(sections))


# --- total-consumption that repeats net-consumption


def _sections(report: wire.ProductionReport) -> dict[str, wire.ReportSection]:
    entries = (*report.production, *report.consumption)
    return {entry.measurement_type: entry for entry in entries if entry.type == "eim" and entry.active_count}


def _total_is_net(report: wire.ProductionReport, _known: Known) -> bool:
    found = _sections(report)
    total, net = found.get("total-consumption"), found.get("net-consumption")
    if total is None or net is None or "production" not in found:
        return False
    return (total.w_now, total.wh_lifetime) == (net.w_now, net.wh_lifetime)


def _restore_total(report: wire.ProductionReport) -> wire.ProductionReport:
    production = _sections(report)["production"]
    return replace(
        report,
        consumption=tuple(
            _plus(entry, production) if entry.measurement_type == "total-consumption" else entry
            for entry in report.consumption
        ),
    )


def _plus(total: wire.ReportSection, production: wire.ReportSection) -> wire.ReportSection:
    lines = [_sum(*pair) for pair in zip(total.lines, production.lines, strict=False)]
    power, energy = _added(total, production)
    return replace(total, w_now=power, wh_lifetime=energy, lines=tuple(lines))


def _sum(line: wire.ReportLine, other: wire.ReportLine) -> wire.ReportLine:
    power, energy = _added(line, other)
    return replace(line, w_now=power, wh_lifetime=energy)


def _added(one: wire.ReportLine, other: wire.ReportLine) -> tuple[float | None, float | None]:
    power = None if one.w_now is None or other.w_now is None else one.w_now + other.w_now
    energy = None if one.wh_lifetime is None or other.wh_lifetime is None else one.wh_lifetime + other.wh_lifetime
    return power, energy


# --- phases that are not there


def _dead_line(line: wire.ReportLine) -> bool:
    return not (line.rms_voltage or line.w_now or line.wh_lifetime)


def _has_dead_line(report: wire.ProductionReport, _known: Known) -> bool:
    return any(_dead_line(line) for section in (*report.production, *report.consumption) for line in section.lines)


def _without_dead_lines(report: wire.ProductionReport) -> wire.ProductionReport:
    def trim(sections: Sequence[wire.ReportSection]) -> tuple[wire.ReportSection, ...]:
        return tuple(
            replace(section, lines=tuple(line for line in section.lines if not _dead_line(line)))
            for section in sections
        )

    return replace(report, production=trim(report.production), consumption=trim(report.consumption))


# --- meters that have not started


def _dead_reading(reading: wire.Reading) -> bool:
    return not (reading.voltage or reading.active_power or reading.act_energy_dlvd or reading.act_energy_rcvd)


def _has_dead_reading(readings: wire.Readings, known: Known) -> bool:
    wanted = {meter.eid for meter in known.measuring.values()}
    return any(reading.eid in wanted and _dead_reading(reading) for reading in readings)


def _without_dead_readings(readings: wire.Readings) -> wire.Readings:
    return tuple(reading for reading in readings if not _dead_reading(reading))


# --- inverters that were taken off the roof


def _has_removed(data: wire.DeviceData, _known: Known) -> bool:
    return any(isinstance(entry, wire.Device) and entry.active is False for entry in data.values())


def _without_removed(data: wire.DeviceData) -> wire.DeviceData:
    return {key: entry for key, entry in data.items() if not (isinstance(entry, wire.Device) and entry.active is False)}


QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        id="totals-zero",
        endpoints=("production_totals",),
        since=ANY,
        applies=_no_energy,
        repair=_unusable,
        why="After a start, and on some firmware for good, /api/v1/production answers 200 with zeros for all energies. "
        "Nothing is published from such a reply; where there is one, the report's sum over the inverters is used.",
        fixture="r3_9_boot_zeros",
        link="https://github.com/pyenphase/pyenphase/pull/482",
    ),
    Quirk(
        id="totals-stalled",
        endpoints=("production_totals",),
        since=(8, 2, 4264),
        applies=_metered_without_ct,
        repair=_unusable,
        why="A metered gateway that has no CT answers figures on /api/v1/production that have stopped moving. "
        "The report's sum over the inverters is used.",
        fixture="d8_2_stalled_v1",
        link="https://github.com/pyenphase/pyenphase/pull/275",
    ),
    Quirk(
        id="power-factor-summed",
        endpoints=("meter_readings",),
        since=ANY,
        applies=_has_summed_reading,
        repair=_unsum_readings,
        why="Firmware that lists seven meters adds up the power factors of the phases: 1.94 for two. "
        "Active over apparent power is published instead.",
        fixture="d8_3_collar_pf_sum",
    ),
    Quirk(
        id="report-power-factor-summed",
        endpoints=("production_report",),
        since=ANY,
        applies=_has_summed_section,
        repair=_unsum_report,
        why="As power-factor-summed, in the production report.",
        fixture="d8_3_total_ct_report_only",
    ),
    Quirk(
        id="total-is-net",
        endpoints=("production_report",),
        since=(8, 3, 5433),
        applies=_total_is_net,
        repair=_restore_total,
        why="At sites with a CT for total consumption the production report repeats net-consumption as "
        "total-consumption. The production is added again. The meters' own readings are right.",
        fixture="d8_3_total_ct_report_only",
        link="https://github.com/pyenphase/pyenphase/issues/467",
    ),
    Quirk(
        id="report-phase-absent",
        endpoints=("production_report",),
        since=ANY,
        applies=_has_dead_line,
        repair=_without_dead_lines,
        why="The report of a split-phase site lists a third phase that is zero in everything, voltage included. "
        "It is left out.",
        fixture="d8_3_total_ct_report_only",
    ),
    Quirk(
        id="meter-not-started",
        endpoints=("meter_readings",),
        since=ANY,
        applies=_has_dead_reading,
        repair=_without_dead_readings,
        why="While the gateway starts, a meter reads zero in everything, its counters and the voltage of the grid "
        "included. Nothing is published from it until it measures.",
        fixture="d8_3_boot_zeros",
    ),
    Quirk(
        id="inverters-removed",
        endpoints=("device_data",),
        since=ANY,
        applies=_has_removed,
        repair=_without_removed,
        why="device_data goes on listing inverters that were removed, as not active. They are left out.",
        fixture="d8_3_removed_inverters",
    ),
)
