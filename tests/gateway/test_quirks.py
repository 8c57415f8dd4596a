"""Each quirk fires where its fault is, and nowhere else."""

from collections.abc import Iterator
from typing import Any

import pytest
from households import FIXTURES, NAMES, look
from msgspec.structs import replace

from envoy_bridge.errors import GatewayError
from envoy_bridge.gateway import wire
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.http import Response
from envoy_bridge.gateway.info import parse_info
from envoy_bridge.gateway.known import Known
from envoy_bridge.gateway.quirks import QUIRKS, repair
from envoy_bridge.gateway.rows import Endpoint
from envoy_bridge.simulator.har import Recording

ENDPOINTS = {row.endpoint.id: row.endpoint for row in ROWS}


def answers(recording: Recording, endpoint: Endpoint) -> Iterator[Any]:
    """What the recording holds of an endpoint, asked for or not."""
    for path in endpoint.paths:
        recorded = recording.reply(path, 0.0)
        if recorded is not None:
            try:
                yield endpoint.decode(Response(recorded.status, recorded.body).content(path))
            except GatewayError:
                continue


def known(recording: Recording) -> Known:
    return Known(next(answers(recording, INFO)), next(answers(recording, ENDPOINTS["meters"]), None))


def fired(name: str) -> set[str]:
    """The quirks that fire on any of the replies of a household."""
    recording = Recording.from_har(FIXTURES / f"{name}.har")
    about = known(recording)
    return {
        quirk
        for endpoint in ENDPOINTS.values()
        for reply in answers(recording, endpoint)
        for quirk in repair(reply, endpoint.id, about, QUIRKS)[1]
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_household_meets_the_quirks_that_name_it_and_no_others(name: str) -> None:
    assert fired(name) == {quirk.id for quirk in QUIRKS if name in quirk.fixtures}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_published_of_a_household_depends_on_the_quirks_that_name_it_alone(name: str) -> None:
    path = FIXTURES / f"{name}.har"
    assert look(path, [quirk for quirk in QUIRKS if name in quirk.fixtures]).values == look(path).values


def test_the_table_is_in_order() -> None:
    assert len({quirk.id for quirk in QUIRKS}) == len(QUIRKS)
    assert {endpoint for quirk in QUIRKS for endpoint in quirk.endpoints} <= ENDPOINTS.keys()
    assert {name for quirk in QUIRKS for name in quirk.fixtures} <= set(NAMES)
    assert all(quirk.why.endswith(".") for quirk in QUIRKS)


# --- the sum over the phases of a storage CT


def channel(energy: float, volts: float = 230.0) -> wire.MeterChannel:
    return wire.MeterChannel(voltage=volts, active_power=0.0, act_energy_dlvd=energy, act_energy_rcvd=energy)


FULL, IDLE, DEAD = channel(1200.0), channel(0.0), channel(0.0, 0.0)


def lost(mode: str, phases: int, *channels: wire.MeterChannel) -> bool:
    """Is this reading of a storage CT withheld, and that of the other meter kept?"""
    recording = Recording.from_har(FIXTURES / "d8_2_split_battery.har")
    about = known(recording)
    readings = next(answers(recording, ENDPOINTS["meter_readings"]))
    eid = about.measuring["storage"].eid
    meters = tuple(
        replace(meter, phase_mode=mode, phase_count=phases) if meter.eid == eid else meter
        for meter in about.meters or ()
    )
    given = tuple(replace(each, channels=channels) if each.eid == eid else each for each in readings)
    left, _ = repair(given, "meter_readings", Known(about.info, meters), QUIRKS)
    assert set(left) >= {each for each in given if each.eid != eid}
    return eid not in {each.eid for each in left}


@pytest.mark.parametrize(
    ("mode", "phases", "channels"),
    [
        ("split", 2, (FULL, DEAD, DEAD)),
        ("split", 2, (DEAD, FULL, DEAD)),
        ("split", 2, (FULL, IDLE, DEAD)),
        ("three", 3, (FULL, DEAD, FULL)),
    ],
)
def test_a_storage_ct_that_lost_a_phase_is_not_believed(
    mode: str, phases: int, channels: tuple[wire.MeterChannel, ...]
) -> None:
    assert lost(mode, phases, *channels)


@pytest.mark.parametrize(
    ("mode", "phases", "channels"),
    [
        ("split", 2, (FULL, FULL, DEAD)),
        ("single", 1, (FULL, DEAD, DEAD)),
        ("three", 1, (FULL, DEAD, DEAD)),
        ("three", 3, (FULL, IDLE, IDLE)),
        ("split", 2, (IDLE, IDLE, DEAD)),
    ],
    ids=["third-of-two", "single", "one-of-three", "battery-on-one-of-three", "brand-new"],
)
def test_a_storage_ct_whose_other_phases_have_no_battery_is(
    mode: str, phases: int, channels: tuple[wire.MeterChannel, ...]
) -> None:
    assert not lost(mode, phases, *channels)


# --- signs that are nearly there


def section(kind: str, *, watts: float | None, energy: float | None, volts: float = 230.0) -> wire.ReportSection:
    return wire.ReportSection(
        type="eim", measurement_type=kind, active_count=1, w_now=watts, wh_lifetime=energy, rms_voltage=volts
    )


def report(*consumption: wire.ReportSection, production: float | None = 0.0) -> wire.ProductionReport:
    return wire.ProductionReport((section("production", watts=0.0, energy=production),), consumption)


def total_and_net(watts: float | None, energy: float | None) -> tuple[wire.ReportSection, wire.ReportSection]:
    return (
        section("total-consumption", watts=watts, energy=energy),
        section("net-consumption", watts=watts, energy=energy),
    )


@pytest.mark.parametrize(
    ("firmware", "reply", "expected"),
    [
        ("8.3.5432", report(*total_and_net(300.0, 7000.0), production=900.0), ()),
        ("8.3.5433", report(*total_and_net(300.0, 7000.0), production=900.0), ("total-is-net",)),
        ("8.3.5433", report(*total_and_net(300.0, None)), ()),
        ("8.3.5433", report(total_and_net(300.0, 7000.0)[0]), ()),
        ("7.3.130", report(), ()),
        (
            "7.3.130",
            replace(report(), production=(section("production", watts=0.0, energy=0.0, volts=0.0),)),
            ("report-not-started",),
        ),
        ("7.3.130", wire.ProductionReport((wire.ReportSection(type="inverters", w_now=0.0, wh_lifetime=9.0),)), ()),
        ("7.3.130", wire.ProductionReport((wire.ReportSection(type="inverters"),)), ()),
    ],
    ids=[
        "before",
        "since",
        "no-lifetime",
        "no-net",
        "night",
        "boot",
        "inverters-at-night",
        "inverters-without-figures",
    ],
)
def test_signs_in_the_report(firmware: str, reply: wire.ProductionReport, expected: tuple[str, ...]) -> None:
    assert repair(reply, "production_report", about(firmware), QUIRKS)[1] == expected


@pytest.mark.parametrize(
    ("firmware", "meters", "expected"),
    [
        ("8.2.4263", (), ()),
        ("8.2.4264", (), ("totals-stalled",)),
        ("8.2.4264", (wire.Meter(eid=1, state="enabled", measurement_type="production"),), ()),
    ],
    ids=["before", "since", "with-ct"],
)
def test_signs_in_the_totals(firmware: str, meters: wire.Meters, expected: tuple[str, ...]) -> None:
    totals = wire.ProductionTotals(watt_hours_today=0.0, watt_hours_lifetime=7.0, watts_now=1.0)
    assert repair(totals, "production_totals", about(firmware, meters), QUIRKS)[1] == expected


def about(firmware: str, meters: wire.Meters | None = None) -> Known:
    text = (
        "<envoy_info><device><sn>122011000099</sn><pn>800-00654-r08</pn>"
        f"<software>D{firmware}</software><imeter>true</imeter></device></envoy_info>"
    )
    return Known(parse_info(text.encode()), meters)
