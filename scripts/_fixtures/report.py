"""Renders the production report of a made-up household."""

from typing import Any

from _fixtures.batteries import Stored, charging_word
from _fixtures.household import Household, Phase, Reading, total
from _fixtures.meters import reported, rounded

Row = dict[str, Any]


def production_report(home: Household, *, lines: int) -> Row:
    """`/production.json` and its relatives, with so many lines per section."""
    production: list[Row] = [_inverters_row(home)]
    consumption: list[Row] = []
    for kind, phases, active in reported(home):
        section = _eim(home, kind, phases, lines, active=active)
        (production if kind == "production" else consumption).append(section)
    report: Row = {"production": production, "consumption": consumption, "storage": [_ac_batteries_row(home)]}
    if not consumption:
        del report["consumption"]
    elif home.no_measurement_type:
        report["consumption"] = [{k: v for k, v in consumption[0].items() if k != "measurementType"}]
    return report


def _inverters_row(home: Household) -> Row:
    now = sum(watts for _, watts, _ in home.inverters)
    return {
        "type": "inverters",
        "activeCount": home.inverters.count,
        "readingTime": home.epoch - 41 if now else 0,
        "wNow": now,
        "whLifetime": home.inverters.energy,
    }


def _ac_batteries_row(home: Household) -> Row:
    """The AC batteries together; IQ batteries do not show in a report."""
    present = home.present_ac_batteries
    row = {"type": "acb", "activeCount": len(present), "readingTime": 0, "wNow": 0, "whNow": 0, "state": "idle"}
    if not present:
        return row
    watts = sum(battery.watts for battery in present)
    return row | {
        "readingTime": home.epoch - 141,
        "wNow": watts,
        "whNow": sum(battery.energy for battery in present),
        "state": charging_word(watts),
        "percentFull": Stored.of_ac_batteries(home).soc,
    }


def _eim(home: Household, kind: str, phases: tuple[Phase, ...], lines: int, *, active: bool) -> Row:
    row: Row = {
        "type": "eim",
        "activeCount": int(active and not home.eim_vanished),
        "measurementType": kind,
        "readingTime": home.epoch,
    } | _figures(home, kind, total(phases))
    if home.summed_pf:
        row["pwrFactor"] = round(sum(Reading.of(phase).pf for phase in phases), 3)
    if lines:
        padded = (*phases, *(Phase() for _ in range(lines - len(phases))))
        row["lines"] = [_figures(home, kind, Reading.of(phase)) for phase in padded]
    return row


def _figures(home: Household, kind: str, reading: Reading) -> Row:
    """A section of the report, or one of its lines. What flows to the grid has a negative current there."""
    net = kind == "net-consumption"
    sign = -1 if net and reading.watts < 0 else 1
    only_delivered = kind == "production" or (net and home.net_is_import)
    lifetime = reading.delivered if only_delivered else reading.delivered - reading.received
    today, week = _recent(home, kind, lifetime)
    return rounded(
        {
            "wNow": reading.watts,
            "whLifetime": lifetime,
            "varhLeadLifetime": 0.07 * reading.delivered,
            "varhLagLifetime": 0.21 * reading.delivered,
            "vahLifetime": 1.16 * (reading.delivered + reading.received),
            "rmsCurrent": sign * reading.amps,
            "rmsVoltage": reading.volts,
            "reactPwr": reading.var,
            "apprntPwr": sign * reading.va,
            "pwrFactor": round(reading.pf, 2),
            "whToday": today,
            "whLastSevenDays": week,
            "vahToday": 1.16 * today,
            "varhLeadToday": 0.07 * today,
            "varhLagToday": 0.21 * today,
        }
    )


def _recent(home: Household, kind: str, lifetime: float) -> tuple[float, float]:
    """Wh of today and of seven days; never trusted by anyone, and often the lifetime again."""
    if kind == "net-consumption":
        return 0, 0
    if home.today_is_lifetime:
        return lifetime, lifetime
    today = min(lifetime, home.today[kind != "production"])
    return today, min(lifetime, 6.4 * today)
