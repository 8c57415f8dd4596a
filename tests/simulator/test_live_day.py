"""A household that lives on: the course of its day, its inverters and its battery."""

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from livehouse import FIXTURES, SHOWCASE, START, Told
from livestatus import BODY, with_live_data

from envoy_bridge.simulator.har import Recording


def test_each_inverter_reports_every_five_minutes_at_its_own_moment() -> None:
    told = Told(SHOWCASE)
    dates = [
        [row["lastReportDate"] for row in told.body("/api/v1/production/inverters", second)]
        for second in range(0, 1500, 10)
    ]
    offsets = {date % 300 for date in dates[0]}
    assert len(offsets) > len(dates[0]) // 2
    for second, moment in zip(range(0, 1500, 10), dates, strict=True):
        assert all(0 <= START + second - date < 300 for date in moment)


def test_inverters_make_together_what_the_meter_counts() -> None:
    told = Told(SHOWCASE)
    before, after = told.body("/ivp/pdm/device_data", 0), told.body("/ivp/pdm/device_data", 3600)
    made = sum(_joules(after[key]) - _joules(before[key]) for key in before if _is_inverter(before[key])) / 3600
    counted = told.meters(3600)["production"]["actEnergyDlvd"] - 9204725.22
    assert made == pytest.approx(counted, rel=0.1)  # the last report of each is up to five minutes old
    report = told.sections(3600)["inverters"]
    assert report["wNow"] == sum(row["lastReportWatts"] for row in told.body("/api/v1/production/inverters", 3600))
    assert report["whLifetime"] == pytest.approx(9118204 + made, abs=2)
    assert told.body("/api/v1/production", 3600)["wattHoursLifetime"] == pytest.approx(9204118 + made, abs=2)


def _is_inverter(device: object) -> bool:
    return isinstance(device, dict) and device["devName"] == "pcu"


def _joules(device: dict[str, Any]) -> int:
    return int(device["channels"][0]["lifetime"]["joulesProduced"])


# --- the day


def test_there_is_something_to_see_within_a_minute_of_any_start() -> None:
    told = Told(SHOWCASE)
    for start in range(0, 1200, 60):
        on_l2 = [told.meters(start + second)["net-consumption"]["channels"][1] for second in range(60)]
        steps = [later["activePower"] - earlier["activePower"] for earlier, later in pairwise(on_l2)]
        assert max(map(abs, steps)) > 1000


def test_panels_produce_throughout_a_demo() -> None:
    told = Told(SHOWCASE, day=1800)
    assert all(told.meters(second)["production"]["activePower"] > 100 for second in range(0, 600, 7))


def test_the_battery_takes_by_day_and_gives_in_the_evening() -> None:
    told = Told(SHOWCASE, day=3600, start_hour=0)
    by_hour = {hour: told.meters(hour * 150) | _battery(told, hour * 150) for hour in range(24)}
    assert by_hour[11]["storage"]["activePower"] < 0
    assert by_hour[20]["storage"]["activePower"] > 0
    assert by_hour[15]["soc"] > by_hour[9]["soc"]
    assert by_hour[23]["soc"] < by_hour[19]["soc"]
    assert by_hour[2]["production"]["activePower"] < 0
    assert by_hour[13]["production"]["activePower"] > 1000


def _battery(told: Told, second: float) -> dict[str, int]:
    """State of charge, the same wherever it is told; and the batteries' power, which is the storage meter's."""
    devices = told.body("/ivp/ensemble/power", second)["devices:"]
    groups = told.body("/ivp/ensemble/inventory", second)
    seen = {device["soc"] for device in devices} | {told.body("/ivp/ensemble/secctrl", second)["agg_soc"]}
    seen |= {device["percentFull"] for group in groups if group["type"] == "ENCHARGE" for device in group["devices"]}
    watts = sum(device["real_power_mw"] for device in devices) / 1000
    assert watts == pytest.approx(told.meters(second)["storage"]["activePower"], abs=2)
    (soc,) = seen
    return {"soc": soc}


def test_live_data_and_the_status_of_the_batteries_say_the_same() -> None:
    recording = Recording.from_har(FIXTURES / f"{SHOWCASE}.har")
    secctrl = recording.reply("/ivp/ensemble/secctrl", 0)
    assert secctrl is not None
    status = replace(secctrl, body=b'{"inventory":{"serial_nums":{}},"secctrl":' + secctrl.body + b"}")
    recording = with_live_data(replace(recording, replies={**recording.replies, "/ivp/ensemble/status": status}))
    told = Told(recording, day=3600, start_hour=0)
    for hour in range(24):
        meters, live = told.meters(hour * 150), told.body("/ivp/livedata/status", hour * 150)["meters"]
        assert told.body("/ivp/ensemble/status", hour * 150)["secctrl"] == told.body(
            "/ivp/ensemble/secctrl", hour * 150
        )
        assert live["soc"] == live["enc_agg_soc"] == told.body("/ivp/ensemble/secctrl", hour * 150)["agg_soc"]
        for flow, kind in (("pv", "production"), ("grid", "net-consumption"), ("storage", "storage")):
            assert live[flow]["agg_p_mw"] == round(1000 * meters[kind]["activePower"])
            phases = [live[flow][f"agg_p_ph_{letter}_mw"] for letter in "abc"]
            assert phases == [round(1000 * row["activePower"]) for row in meters[kind]["channels"][:3]]
        fed = sum(meters[kind]["activePower"] for kind in ("production", "net-consumption", "storage", "pv3p"))
        assert live["load"]["agg_p_mw"] == pytest.approx(1000 * fed, abs=1)
        assert live["generator"] == BODY["meters"]["generator"]
        assert live["last_update"] == BODY["meters"]["last_update"]


def test_the_same_household_lives_the_same_day() -> None:
    one, same, other = Told(SHOWCASE), Told(SHOWCASE), Told("d7_6_three_phase_net")
    assert one.meters(300) == same.meters(300)
    assert one.meters(300)["production"] != other.meters(300)["production"]


def test_a_second_that_is_just_over_can_still_be_asked_for() -> None:
    one, same = Told(SHOWCASE), Told(SHOWCASE)
    earlier = one.meters(99.5)
    assert one.meters(100.2) != earlier
    assert one.meters(99.9) == earlier == same.meters(99.1)


def test_a_reply_costs_less_than_two_milliseconds() -> None:
    told = Told(SHOWCASE)
    costs = list(_costs(told, "/ivp/meters/readings")) + list(_costs(told, "/ivp/pdm/device_data"))
    assert sorted(costs)[len(costs) // 2] < 0.002


def _costs(told: Told, path: str) -> Iterator[float]:
    for second in range(0, 500, 5):
        began = time.thread_time()
        told.world.reply(path, START + second)
        yield time.thread_time() - began
