"""Renders the meters of a made-up household: `/ivp/meters` and what is below it."""

from collections.abc import Iterable, Mapping
from typing import Any

from _fixtures.devices import channel_eid
from _fixtures.household import Ct, Household, Phase, Reading, total

Row = dict[str, Any]

_EID = {
    "production": 704643328,
    "net-consumption": 704643584,
    "total-consumption": 704643584,
    "storage": 704643840,
    "backfeed": 704644352,
    "load": 704644608,
    "evse": 704644864,
    "pv3p": 704645120,
    "": 1023410688,
}
_CHANNELS = 3


def meters(home: Household) -> list[Row]:
    """`/ivp/meters`."""
    rows = []
    for ct in home.cts:
        row: Row = {
            "eid": _EID[ct.kind],
            "state": "enabled" if ct.enabled else "disabled",
            "measurementType": ct.kind,
            "phaseMode": home.mode,
            "phaseCount": len(ct.phases),
            "meteringStatus": "check-wiring" if ct.flags else "normal",
        }
        rows.append(row if home.no_measurement_type else row | {"statusFlags": list(ct.flags)})
    return rows


def readings(home: Household) -> list[Row]:
    """`/ivp/meters/readings`: always three channels."""
    cts = (*home.cts, Ct("", (Phase(),))) if home.zero_meter else home.cts
    return [_reading(home, ct) for ct in cts]


def _reading(home: Household, ct: Ct) -> Row:
    eid = _EID[ct.kind]
    phases = (*ct.phases, *ct.noise, Phase(), Phase())[:_CHANNELS]
    channels = [_channel(home, channel_eid(eid, n), Reading.of(phase)) for n, phase in enumerate(phases)]
    row = _channel(home, eid, total(ct.phases))
    if home.summed_pf:
        row["pwrFactor"] = round(sum(channel["pwrFactor"] for channel in channels[: len(ct.phases)]), 3)
    return row | {"channels": channels}


def _channel(home: Household, eid: int, reading: Reading) -> Row:
    return {"eid": eid, "timestamp": home.epoch} | rounded(
        {
            "actEnergyDlvd": reading.delivered,
            "actEnergyRcvd": reading.received,
            "apparentEnergy": 1.16 * (reading.delivered + reading.received),
            "reactEnergyLagg": 0.21 * reading.delivered,
            "reactEnergyLead": 0.07 * reading.delivered,
            "instantaneousDemand": reading.watts,
            "activePower": reading.watts,
            "apparentPower": reading.va,
            "reactivePower": reading.var,
            "pwrFactor": reading.pf,
            "voltage": reading.volts,
            "current": reading.amps,
            "freq": home.hertz,
        }
    )


def rounded(row: Mapping[str, float]) -> Row:
    """To the milliwatt and the like."""
    return {key: round(value, 3) for key, value in row.items()}


def meter_reports(home: Household) -> list[Row]:
    """`/ivp/meters/reports`: consumption has its balance where production has what it delivered."""
    return [
        {
            "createdAt": home.epoch,
            "reportType": kind,
            "cumulative": _cumulative(home, kind, total(phases)),
            "lines": [_cumulative(home, kind, Reading.of(phase)) for phase in phases],
        }
        for kind, phases, _ in reported(home)
    ]


def _cumulative(home: Household, kind: str, reading: Reading) -> Row:
    both_ways = kind == "production"
    return rounded(
        {
            "currW": reading.watts,
            "actPower": reading.watts,
            "apprntPwr": reading.va,
            "reactPwr": reading.var,
            "whDlvdCum": reading.delivered - (0.0 if both_ways else reading.received),
            "whRcvdCum": reading.received if both_ways else 0.0,
            "varhLagCum": 0.21 * reading.delivered,
            "varhLeadCum": 0.07 * reading.delivered,
            "vahCum": 1.16 * (reading.delivered + reading.received),
            "rmsVoltage": reading.volts,
            "rmsCurrent": reading.amps,
            "pwrFactor": reading.pf,
            "freqHz": home.hertz,
        }
    )


def reported(home: Household) -> list[tuple[str, tuple[Phase, ...], bool]]:
    """What reports list: production, and both kinds of consumption, one of them computed. With whether it is active."""
    made, used = home.ct("production"), home.ct("net-consumption", "total-consumption")
    if not made or not used:
        return []
    if used.kind == "net-consumption":
        whole, net = _pairwise(made.phases, used.phases), used.phases
    else:
        whole, net = used.phases, _pairwise(used.phases, (-phase for phase in made.phases))
    return [
        ("production", made.phases, made.enabled),
        ("total-consumption", net if home.total_is_net else whole, used.enabled),
        ("net-consumption", net, used.enabled),
    ]


def _pairwise(some: Iterable[Phase], others: Iterable[Phase]) -> tuple[Phase, ...]:
    return tuple(one + other for one, other in zip(some, others, strict=True))
