"""Signs and repairs of the faults in the production report and the totals: for the table in `quirks.py`. Pure."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from envoy_bridge.gateway import wire
from envoy_bridge.gateway.known import Known
from envoy_bridge.gateway.quirks_meters import ratio, summed

# --- /api/v1/production


def no_energy(totals: wire.ProductionTotals, _known: Known) -> bool:
    """Are the energies all zero?"""
    energies = (totals.watt_hours_today, totals.watt_hours_seven_days, totals.watt_hours_lifetime)
    return not any(energies)


def metered_without_ct(_totals: wire.ProductionTotals, known: Known) -> bool:
    """Has the gateway meters, of which none is enabled?"""
    return known.info.metered and not known.measuring


# --- sections of the report without figures


def _map(
    report: wire.ProductionReport, change: Callable[[wire.ReportSection], wire.ReportSection]
) -> wire.ProductionReport:
    """The report with its sections changed; the storage is no flow."""
    return replace(
        report,
        production=tuple(map(change, report.production)),
        consumption=tuple(map(change, report.consumption)),
    )


def _blank(section: wire.ReportSection) -> wire.ReportSection:
    """The section without figures: it supplies what it did, and does not know it now."""
    return wire.ReportSection(
        type=section.type, measurement_type=section.measurement_type, active_count=section.active_count
    )


def _not_started(section: wire.ReportSection) -> bool:
    """Is this a meter that reads zero in everything, the voltage of the grid included?"""
    silent = section.rms_voltage == 0 and not (section.w_now or section.wh_lifetime)
    return section.type == "eim" and bool(section.active_count) and silent


def has_unstarted_meter(report: wire.ProductionReport, _known: Known) -> bool:
    """Does a meter of the report not measure yet?"""
    return any(_not_started(section) for section in (*report.production, *report.consumption))


def without_meters(report: wire.ProductionReport, _known: Known) -> wire.ProductionReport:
    """No figures of any meter: the report computes one from the others."""
    return _map(report, lambda section: _blank(section) if section.type == "eim" else section)


def _nothing_made(section: wire.ReportSection) -> bool:
    return section.type == "inverters" and section.wh_lifetime == 0 and not section.w_now


def has_empty_sum(report: wire.ProductionReport, _known: Known) -> bool:
    """Have the inverters never made anything?"""
    return any(_nothing_made(section) for section in report.production)


def without_sum(report: wire.ProductionReport, _known: Known) -> wire.ProductionReport:
    """No figures of the inverters."""
    return _map(report, lambda section: _blank(section) if _nothing_made(section) else section)


# --- power factor of several phases, added up


def has_summed_section(report: wire.ProductionReport, _known: Known) -> bool:
    """Does production have a power factor beyond 1? Those of consumption are not read."""
    return any(summed(section) for section in report.production)


def unsum_report(report: wire.ProductionReport, _known: Known) -> wire.ProductionReport:
    """Active over apparent power in its place."""
    sections = (
        replace(section, pwr_factor=ratio(section.w_now, section.apprnt_pwr)) if summed(section) else section
        for section in report.production
    )
    return replace(report, production=tuple(sections))


# --- total-consumption that repeats net-consumption


def _sections(report: wire.ProductionReport) -> dict[str, wire.ReportSection]:
    entries = (*report.production, *report.consumption)
    return {entry.measurement_type or "": entry for entry in entries if entry.type == "eim" and entry.active_count}


def total_is_net(report: wire.ProductionReport, _known: Known) -> bool:
    """Do both kinds of consumption have the same power and the same lifetime?"""
    found = _sections(report)
    total, net = found.get("total-consumption"), found.get("net-consumption")
    if total is None or net is None or "production" not in found or total.wh_lifetime is None:
        return False
    return (total.w_now, total.wh_lifetime) == (net.w_now, net.wh_lifetime)


def restore_total(report: wire.ProductionReport, _known: Known) -> wire.ProductionReport:
    """Production added to the total, line by line too."""
    production = _sections(report)["production"]
    return _map(
        report, lambda entry: _plus(entry, production) if entry.measurement_type == "total-consumption" else entry
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


def _living(lines: Sequence[wire.ReportLine]) -> tuple[wire.ReportLine, ...]:
    return tuple(line for line in lines if not _dead_line(line))


def has_dead_line(report: wire.ProductionReport, _known: Known) -> bool:
    """Is there a line that is zero in everything?"""
    return any(_dead_line(line) for section in (*report.production, *report.consumption) for line in section.lines)


def without_dead_lines(report: wire.ProductionReport, _known: Known) -> wire.ProductionReport:
    """The lines that measure."""
    return _map(report, lambda section: replace(section, lines=_living(section.lines)))
