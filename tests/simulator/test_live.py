"""A household that lives on: what its replies say must add up, second by second, with the faults as recorded."""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from handclock import HandClock, Hands
from livehouse import FIXTURES, SHOWCASE, START, Told

from envoy_bridge.errors import UnusableReply
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.live import LiveWorld
from envoy_bridge.simulator.rewrite import REWRITES

RECORDINGS = [
    *sorted(FIXTURES.glob("*.har")),
    *sorted((FIXTURES.parent.parent / "shared" / "recordings").glob("*.har")),
]
HALF = 0.0005000001
"""What rounding to three decimals may cost."""


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def recording(request: pytest.FixtureRequest) -> Recording:
    return Recording.from_har(request.param)


def test_every_reply_stays_what_its_endpoint_answers(recording: Recording) -> None:
    world = LiveWorld(recording, HandClock(hands=Hands(wall=START)))
    for path in recording.paths:
        before, after = recording.reply(path, 0.0), world.reply(path, START + 3.5)
        assert before is not None
        assert after is not None
        assert (after.status, after.mime) == (before.status, before.mime)
        rewrite = REWRITES.get(path.partition("?")[0])
        if rewrite is None or before.status != 200:
            assert after.body == before.body or path == "/info"
        elif _is_such_a_reply(rewrite.check, before.body):
            assert _keys(json.loads(after.body)) == _keys(json.loads(before.body))
        else:
            assert after.body == before.body


def _is_such_a_reply(check: Callable[[bytes], object], body: bytes) -> bool:
    try:
        check(body)
    except UnusableReply:
        return False
    return True


def _keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: _keys(inner) for key, inner in value.items()}
    return [_keys(inner) for inner in value] if isinstance(value, list) else None


def test_a_path_that_was_not_recorded_is_absent() -> None:
    assert Told("d5_0_standard").world.reply("/ivp/nothing", START) is None


def test_the_times_are_now() -> None:
    told = Told("d8_3_many_inverters")
    info = told.world.reply("/info", START + 7.9)
    assert info is not None
    assert f"<time>{START + 7}</time>".encode() in info.body
    assert b"122011000021" in info.body
    for row in told.body("/ivp/meters/readings", 7.9):
        assert {entry["timestamp"] for entry in (row, *row["channels"])} == {START + 7}
    assert {row["createdAt"] for row in told.body("/ivp/meters/reports", 7.9)} == {START + 7}
    assert told.sections(7.9)["production"]["readingTime"] == START + 7


@pytest.mark.parametrize("name", [SHOWCASE, "d8_2_split_battery", "d7_6_three_phase_net", "d8_1_total_ct"])
def test_energy_is_the_integral_of_power_and_only_grows(name: str) -> None:
    told = Told(name)
    moments = [told.meters(second) for second in range(1200)]
    for kind, first in moments[0].items():
        for channel in range(len(first["channels"])):
            series = [moment[kind]["channels"][channel] for moment in moments]
            powers = [row["activePower"] for row in series[:-1]]
            for counter, sign in (("actEnergyDlvd", 1), ("actEnergyRcvd", -1)):
                counted = [row[counter] for row in series]
                assert all(later >= earlier for earlier, later in pairwise(counted))
                if kind and _is_live(told, kind, channel):
                    expected = sum(max(0.0, sign * power) for power in powers) / 3600
                    assert counted[-1] - counted[0] == pytest.approx(expected, abs=0.01)


def _is_live(told: Told, kind: str, channel: int) -> bool:
    meter = next(meter for meter in told.body("/ivp/meters", 0) if meter["measurementType"] == kind)
    return bool(meter["state"] == "enabled" and channel < meter["phaseCount"])


@pytest.mark.parametrize("name", [SHOWCASE, "d8_3_collar_pf_sum", "d8_2_split_battery", "d7_6_three_phase_net"])
def test_phases_add_up_and_the_house_never_makes_power(name: str) -> None:
    told = Told(name, day=3600)
    meters = {meter["eid"]: meter for meter in told.body("/ivp/meters", 0) if meter["state"] == "enabled"}
    for second in range(0, 3600, 41):
        moment = told.meters(second)
        for row in moment.values():
            if row["eid"] in meters:
                _assert_sums(row, meters[row["eid"]]["phaseCount"])
        home = sum(moment[kind]["activePower"] for kind in ("production", "net-consumption"))
        home += sum(moment[kind]["activePower"] for kind in ("storage", "pv3p") if kind in moment)
        assert home > 100


def _assert_sums(row: dict[str, Any], phases: int) -> None:
    channels = row["channels"][:phases]
    assert row["activePower"] == pytest.approx(sum(channel["activePower"] for channel in channels), abs=1e-6)
    assert row["voltage"] == pytest.approx(sum(channel["voltage"] for channel in channels), abs=phases * HALF)
    for channel in channels:
        apparent = math.hypot(channel["activePower"], channel["reactivePower"])
        assert channel["apparentPower"] == pytest.approx(apparent, abs=2 * HALF)
        assert channel["voltage"] * channel["current"] == pytest.approx(apparent, abs=0.2)
        assert channel["pwrFactor"] * apparent == pytest.approx(
            channel["activePower"], abs=max(0.001, 0.001 * apparent)
        )


@pytest.mark.parametrize("name", [SHOWCASE, "d7_3_report_only", "d8_1_total_ct", "r4_10_split_net"])
def test_the_report_agrees_with_itself(name: str) -> None:
    told = Told(name)
    first = told.sections(0)
    for second in range(0, 900, 29):
        now = told.sections(second)
        total, net, production = now["total-consumption"], now["net-consumption"], now["production"]
        assert total["wNow"] == pytest.approx(production["wNow"] + net["wNow"], abs=1e-6)
        assert _grown(now, first, "production") >= 0
        if name != "r4_10_split_net":  # whose net lifetime is the import alone
            both = _grown(now, first, "production") + _grown(now, first, "net-consumption")
            assert _grown(now, first, "total-consumption") == pytest.approx(both, abs=0.01)


def _grown(now: dict[str, Any], first: dict[str, Any], kind: str) -> float:
    return float(now[kind]["whLifetime"] - first[kind]["whLifetime"])


def test_the_import_alone_counts_where_the_firmware_counts_it_alone() -> None:
    told = Told("r4_10_split_net")
    first, last = told.sections(0), told.sections(1800)
    imported = told.meters(1800)["net-consumption"]["actEnergyDlvd"] - 14997643.246
    assert _grown(last, first, "net-consumption") == pytest.approx(imported, abs=0.005)
    assert imported > 0


@pytest.mark.parametrize("name", [SHOWCASE, "d8_1_total_ct", "d8_3_many_inverters"])
def test_the_report_agrees_with_the_meters(name: str) -> None:
    told = Told(name)
    for second in (0, 77, 600):
        sections, meters = told.sections(second), told.meters(second)
        for kind in sections.keys() & meters.keys():
            assert sections[kind]["wNow"] == meters[kind]["activePower"]
            lines = [line["wNow"] for line in sections[kind].get("lines", ())]
            assert lines == [channel["activePower"] for channel in meters[kind]["channels"][: len(lines)]]


def test_meter_reports_move_with_the_meters() -> None:
    told = Told("d8_3_many_inverters")
    for second in (0, 60, 600):
        meters, sections = told.meters(second), told.sections(second)
        for row in told.body("/ivp/meters/reports", second):
            assert row["cumulative"]["whDlvdCum"] == sections[row["reportType"]]["whLifetime"]
            if row["reportType"] in meters:
                assert row["cumulative"]["actPower"] == meters[row["reportType"]]["activePower"]
                assert [line["actPower"] for line in row["lines"]] == [
                    channel["activePower"] for channel in meters[row["reportType"]]["channels"][:2]
                ]


# --- the faults of the recordings stay


def test_what_is_not_enabled_or_not_connected_stays_as_recorded() -> None:
    told = Told("d7_6_cts_disabled")
    recorded = told.recording.reply("/ivp/meters/readings", 0)
    assert recorded is not None
    assert _without_times(told.body("/ivp/meters/readings", 500)) == _without_times(json.loads(recorded.body))
    assert told.sections(500)["production"]["wNow"] == 604.118
    assert told.meters(500)["production"]["channels"][2]["activePower"] == -1.208


def _without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    drop = ("timestamp", "channels")
    return [
        {key: value for key, value in row.items() if key not in drop} | {"channels": _without_times(row["channels"])}
        if "channels" in row
        else {key: value for key, value in row.items() if key not in drop}
        for row in rows
    ]


def test_summed_power_factors_dead_lines_and_a_total_that_is_net_stay() -> None:
    told = Told("d8_3_total_ct_report_only", start_hour=13)
    for second in range(0, 600, 31):
        now = told.sections(second)
        assert now["production"]["pwrFactor"] > 1.5
        assert now["total-consumption"]["wNow"] == now["net-consumption"]["wNow"]
        assert now["total-consumption"]["whLifetime"] == now["net-consumption"]["whLifetime"]
        assert now["production"]["whToday"] == now["production"]["whLifetime"]
        assert now["net-consumption"]["whToday"] == 0
        assert set(now["production"]["lines"][2].values()) == {0.0}


@pytest.mark.parametrize("name", ["d8_2_stalled_v1", "d8_3_unmetered_zero_v1", "r3_9_boot_zeros"])
def test_totals_that_stalled_stay_stalled(name: str) -> None:
    told = Told(name)
    recorded = told.recording.reply("/api/v1/production", 0)
    assert recorded is not None
    assert told.body("/api/v1/production", 3600) == json.loads(recorded.body)


def test_a_silent_inverter_stays_silent() -> None:
    told = Told("d8_2_split_battery")
    recorded = told.recording.reply("/api/v1/production/inverters", 0)
    assert recorded is not None
    assert told.body("/api/v1/production/inverters", 3600)[-1] == json.loads(recorded.body)[-1]
