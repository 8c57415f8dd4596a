from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from clouds import documents_growatt as documents
from msgspec.structs import asdict

from envoy_bridge.clouds.growatt.devices import MIN, SPH, Known, latest, listed, past, standing
from envoy_bridge.clouds.growatt.fields import FIELDS
from envoy_bridge.clouds.growatt.plants import daily_energies, power_intervals, power_now, totals
from envoy_bridge.clouds.growatt.times import day_start, moment, moments, zone_id, zone_name, zone_of
from envoy_bridge.clouds.growatt.wire import (
    Energies,
    Energy,
    Envelope,
    Listed,
    Overview,
    Power,
    Powers,
    Row,
    lowered,
    number,
    word,
)
from envoy_bridge.clouds.latest import Site
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.clouds.report import Sample, SiteReport

VIENNA = ZoneInfo("Europe/Vienna")
CHINA = timezone(timedelta(hours=8))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def data(answer: bytes) -> msgspec.Raw:
    return msgspec.json.decode(answer, type=Envelope).data


def row(answer: bytes) -> Row:
    return lowered(msgspec.json.decode(data(answer), type=dict[str, Any]))


def values(samples: Iterable[Sample]) -> dict[str, object]:
    return {f"{sample.part}/{sample.quantity}": sample.value for sample in samples}


@pytest.mark.parametrize("missing", ["", "null", "None", None, -0.1, "-0.1", -0.10000000149011612, "NaN", True, {}])
def test_what_stands_for_nothing_is_no_number(missing: object) -> None:
    assert number(missing) is None


def test_numbers_come_as_text_too() -> None:
    assert [number(value) for value in ("15.7", 0, "0", -12.5)] == [15.7, 0.0, 0.0, -12.5]


def test_a_word_has_no_markup() -> None:
    assert [word(value) for value in (" PV Bat Online ", "<b>x</b>", "null", 5, "a\nb")] == [
        "PV Bat Online",
        None,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "offset", "name", "identifier"),
    [
        ("GMT+8", 8.0, "Etc/GMT-8", "Etc/GMT-8"),
        ("GMT-3:30", -3.5, None, "GMT-03:30"),
        ("gmt+05:30", 5.5, None, "GMT+05:30"),
        ("GMT+0", 0.0, "Etc/GMT", "Etc/GMT"),
        ("-5", -5.0, "Etc/GMT+5", "Etc/GMT+5"),
        (1, 1.0, "Etc/GMT-1", "Etc/GMT-1"),
    ],
)
def test_the_zone_of_a_plant(text: object, offset: float, name: str | None, identifier: str) -> None:
    zone = zone_of(text)
    assert zone is not None
    assert zone.utcoffset(None) == timedelta(hours=offset)
    assert (zone_name(zone), zone_id(zone)) == (name, identifier)
    if name:
        assert ZoneInfo(name).utcoffset(at("2024-01-01")) == timedelta(hours=offset)


@pytest.mark.parametrize("text", ["", None, "Vienna", "GMT+99", "GMT+15", {}])
def test_a_zone_that_is_not_clear(text: object) -> None:
    assert zone_of(text) is None


def test_a_time_is_local_to_the_plant() -> None:
    now = at("2024-08-01 12:00")
    assert moment("2024-07-01 14:00:00", VIENNA, now) == at("2024-07-01 12:00")
    assert moment("2024-01-01 14:00", VIENNA, now) == at("2024-01-01 13:00")
    assert moment("2024-01-01 14:00:00.0", CHINA, now) == at("2024-01-01 06:00")


def test_a_date_of_java() -> None:
    expected = at("2022-04-12 08:46:22")
    assert moment(documents.JAVA_DATE, VIENNA, expected) == expected
    assert moment({"time": documents.JAVA_DATE, "lenient": True}, VIENNA, expected) == expected


@pytest.mark.parametrize(
    "text", ["", "null", None, "0000-00-00 00:00:00", "0001-01-01", 7, {"time": "x"}, {"time": 1e99}]
)
def test_times_that_are_none(text: object) -> None:
    assert moment(text, VIENNA, at("2024-01-01")) is None


def test_a_time_that_the_change_of_the_clocks_leaves_out_never_was() -> None:
    assert moment("2024-03-31 02:30", VIENNA, at("2024-04-01")) is None


def test_in_the_repeated_hour_what_is_now_is_what_has_come() -> None:
    assert moment("2024-10-27 02:30", VIENNA, at("2024-10-27 00:31")) == at("2024-10-27 00:30")
    assert moment("2024-10-27 02:30", VIENNA, at("2024-10-27 01:31")) == at("2024-10-27 01:30")


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(
    ("day", "count"), [(date(2024, 3, 31), 276), (date(2024, 10, 27), 300), (date(2024, 6, 1), 288)]
)
def test_days_of_23_24_and_25_hours_are_whole(day: date, count: int, *, newest_first: bool) -> None:
    start, end = day_start(day, VIENNA), day_start(day + timedelta(days=1), VIENNA)
    stamps = [start + timedelta(minutes=5 * step) for step in range((end - start) // timedelta(minutes=5))]
    stamps = stamps[::-1] if newest_first else stamps
    local = [f"{stamp.astimezone(VIENNA):%Y-%m-%d %H:%M}" for stamp in stamps]
    assert len(stamps) == count
    assert moments(local, VIENNA, end) == stamps


def test_in_the_middle_of_the_repeated_hour() -> None:
    now = at("2024-10-27 01:12")
    stamps = [at("2024-10-27 00:00") + timedelta(minutes=5 * step) for step in range(15)]
    local = [f"{stamp.astimezone(VIENNA):%Y-%m-%d %H:%M}" for stamp in stamps]
    assert moments(local, VIENNA, now) == stamps


def test_seconds_of_a_repeated_hour_that_never_stand_twice() -> None:
    stamps = [at("2024-10-26 23:45:17") + timedelta(seconds=301 * step) for step in range(40)]
    local = [f"{stamp.astimezone(VIENNA):%Y-%m-%d %H:%M:%S}" for stamp in stamps]
    assert moments(local, VIENNA, at("2024-10-28")) == stamps


def test_in_no_order_the_second_of_a_time_is_the_later_one() -> None:
    local = [f"2024-10-27 {time}" for time in ("02:30", "01:00", "02:10", "03:30", "02:10", "00:30", "02:30")]
    found = moments(local, VIENNA, at("2024-10-28"))
    assert [f"{time:%H:%M}" for time in found if time] == [
        "00:30",
        "23:00",
        "00:10",
        "02:30",
        "01:10",
        "22:30",
        "01:30",
    ]


def test_the_overview_is_in_kilowatt_hours_as_text() -> None:
    overview = msgspec.json.decode(data(documents.OVERVIEW), type=Overview)
    samples = list(totals(overview, CHINA, at("2018-12-13 03:10")))
    assert values(samples) == {
        "site/last_report": at("2018-12-13 03:06:34"),
        "site/energy_lifetime": 15700,
        "site/energy_month": 15700,
        "site/energy_year": 15700,
        "site/energy_today": 400,
    }
    today = samples[-1]
    assert (today.kind, today.day, today.quality) == ("daily", date(2018, 12, 13), "partial")
    assert (today.start, today.end) == (at("2018-12-12 16:00"), at("2018-12-13 03:06:34"))
    assert {sample.quantity for sample in samples if sample.kind == "counter"} == {
        "energy_lifetime",
        "energy_month",
        "energy_year",
    }


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("2018-12-13 16:01", {"energy_month", "energy_year"}),
        ("2018-12-31 15:59", {"energy_month", "energy_year"}),
        ("2018-12-31 16:01", set()),
    ],
)
def test_the_energy_of_a_day_that_is_over_is_not_that_of_today(now: str, told: set[str]) -> None:
    overview = msgspec.json.decode(data(documents.OVERVIEW), type=Overview)
    assert {sample.quantity for sample in totals(overview, CHINA, at(now))} == told | {"last_report", "energy_lifetime"}


def test_the_energy_of_today_ends_with_the_day_where_the_zone_has_no_name() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    overview = Overview(today_energy="7.5", last_update_time="2024-06-01 18:00:00")
    site, now = Site(), at("2024-06-01 12:35")

    site.take(SiteReport(site="1", samples=tuple(totals(overview, india, now))), 600, now.timestamp())

    assert site.number("energy_today", at("2024-06-01 18:29").timestamp()) == 7500
    assert site.number("energy_today", at("2024-06-01 18:30").timestamp()) is None


def test_an_overview_of_the_future_is_not_believed() -> None:
    overview = msgspec.json.decode(data(documents.OVERVIEW), type=Overview)
    assert list(totals(overview, CHINA, at("2018-12-13 02:00"))) == []


def test_powers_are_in_watts_newest_first_and_some_are_null() -> None:
    powers = msgspec.json.decode(data(documents.POWERS), type=Powers)
    now = at("2018-12-13 02:52")
    intervals = power_intervals(powers, CHINA, now)
    assert [(sample.start, sample.end, sample.value, sample.quality) for sample in intervals] == [
        (at("2018-12-13 02:35"), at("2018-12-13 02:40"), 7689.7, "ok"),
        (at("2018-12-13 02:40"), at("2018-12-13 02:45"), 7903.4, "partial"),
    ]
    assert [(sample.end, sample.value, sample.kind) for sample in power_now(intervals, now)] == [
        (at("2018-12-13 02:45"), 7903.4, "instant")
    ]
    assert list(power_now(intervals, at("2018-12-13 02:56"))) == [], "what is older is not the power now"


def test_powers_in_no_order_and_of_the_future() -> None:
    times = ["10:40", "10:50", "10:30", "10:45", "10:40", "10:35"]
    powers = [Power(f"2018-12-13 {time}", power) for time, power in zip(times, (4, 9999, 2, "5", 77, 3), strict=True)]
    intervals = power_intervals(Powers(tuple(powers)), CHINA, at("2018-12-13 02:46"))
    assert [sample.value for sample in intervals] == [2, 3, 4, 5]
    assert next(power_now(intervals, at("2018-12-13 02:46"))).value == 5


def test_days_and_neither_months_nor_years() -> None:
    days = msgspec.json.decode(data(documents.ENERGY_DAYS), type=Energies)
    samples = list(daily_energies(days, CHINA, date(2018, 12, 15)))
    assert [(sample.day, sample.value, sample.kind, sample.quality) for sample in samples] == [
        (date(2018, 12, 12), 0, "daily", "ok"),
        (date(2018, 12, 13), 7600, "daily", "ok"),
    ]
    assert [sample.day for sample in daily_energies(days, CHINA, date(2018, 12, 13))] == [date(2018, 12, 12)]
    for other in (documents.ENERGY_MONTHS, documents.ENERGY_YEARS):
        assert list(daily_energies(msgspec.json.decode(data(other), type=Energies), CHINA, date(2020, 1, 1))) == []


def test_a_day_of_25_hours() -> None:
    energies = Energies((Energy("2024-10-27", 1),))
    (sample,) = daily_energies(energies, VIENNA, date(2024, 11, 1))
    assert sample.start is not None
    assert sample.end - sample.start == timedelta(hours=25)


def min_samples(now: str = "2022-04-09 06:55", zone: tzinfo = CHINA) -> list[Sample]:
    told = row(documents.MIN_NOW)
    return list(latest(Known(serial="MIN0000001", type=MIN).learn([told]), told, zone, at(now)))


def test_a_min_inverter_on_one_phase_with_two_strings_and_nothing_else() -> None:
    assert values(min_samples()) == {
        "inverter-min0000001/last_report": at("2022-04-09 06:52:39"),
        "inverter-min0000001/status": "normal",
        "inverter-min0000001/power": 2503.8,
        "inverter-min0000001/power_dc": 2558.7,
        "inverter-min0000001/frequency": 50.01,
        "inverter-min0000001/temperature": 47.8,
        "inverter-min0000001/energy_today": 21600,
        "inverter-min0000001/energy_lifetime": 1859500,
        "inverter-min0000001/energy_lifetime_dc": 1833000,
        "inverter-min0000001/voltage_l1": 239.5,
        "inverter-min0000001/current_l1": 10.7,
        "inverter-min0000001/apparent_power_l1": 2530.7,
        "string-min0000001-1/power_dc": 1500.7,
        "string-min0000001-1/voltage_dc": 258.6,
        "string-min0000001-1/current_dc": 5.8,
        "string-min0000001-1/energy_today_dc": 13200,
        "string-min0000001-1/energy_lifetime_dc": 926600,
        "string-min0000001-2/power_dc": 1058,
        "string-min0000001-2/voltage_dc": 9.9,
    }


def test_what_is_of_today_and_what_is_of_all_days() -> None:
    kinds = {
        sample.quantity: (sample.kind, sample.day) for sample in min_samples() if sample.part.startswith("inverter")
    }
    assert kinds["energy_today"] == ("daily", date(2022, 4, 9))
    assert kinds["energy_lifetime"] == ("counter", None)
    assert kinds["power"] == ("instant", None)


def test_last_words_of_an_inverter_are_stale_and_their_day_is_over() -> None:
    assert {sample.quality for sample in min_samples() if sample.quantity == "power"} == {"ok"}
    old = min_samples("2022-04-09 07:10")
    assert {sample.quality for sample in old} == {"stale", "partial", "ok"}
    assert next(sample.value for sample in old if sample.quantity == "status") == "offline"
    tomorrow = min_samples("2022-04-09 16:10")
    assert "daily" not in {sample.kind for sample in tomorrow}
    assert {sample.end for sample in tomorrow if sample.quality == "stale"} == {at("2022-04-09 06:52:39")}


def test_an_inverter_whose_clock_is_ahead_tells_nothing() -> None:
    assert min_samples("2022-04-09 06:00") == []


def test_an_sph_inverter_with_a_battery_and_a_meter() -> None:
    told = row(documents.SPH_NOW)
    known = Known(serial="SPH0000001", type=SPH).learn([told])
    found = values(latest(known, told, CHINA, at("2022-04-09 06:55")))
    expected = {
        "inverter-sph0000001/status": "PV Bat Online",
        "inverter-sph0000001/power_exported": 38.6,
        "inverter-sph0000001/power_imported": 0,
        "inverter-sph0000001/energy_imported": 11991100,
        "inverter-sph0000001/energy_exported": 2293000,
        "inverter-sph0000001/energy_exported_today": 300,
        "inverter-sph0000001/power_consumed": 0,
        "inverter-sph0000001/energy_consumed_lifetime": 26980800,
        "battery-sph0000001/soc": 100,
        "battery-sph0000001/power": 16.5,
        "battery-sph0000001/voltage_dc": 56.7,
        "battery-sph0000001/energy_charged": 6113200,
        "battery-sph0000001/energy_charged_today": 200,
        "battery-sph0000001/energy_discharged": 5540600,
        "battery-sph0000001/energy_discharged_today": 400,
    }
    assert {name: found[name] for name in expected} == expected
    assert [device.part for device in known.tree()] == ["inverter-sph0000001", "battery-sph0000001"]
    assert [device.parent for device in known.tree()] == [None, "inverter-sph0000001"]


def test_the_other_names_of_the_energy_out_of_the_battery_and_of_a_used_state_of_charge() -> None:
    told: Row = {"edischargetoday": 1.2, "edischargetotal": 3.4, "bmssoc": 0, "bdc1soc": 57, "bdc1chargepower": 300.0}
    told = {**told, "bdc1dischargepower": 0.0, "time": "2022-04-09 14:52:39"}
    known = Known(serial="A", type=MIN).learn([told])
    found = values(latest(known, told, CHINA, at("2022-04-09 06:55")))
    assert found["battery-a/energy_discharged_today"] == 1200
    assert found["battery-a/energy_discharged"] == 3400
    assert found["battery-a/soc"] == 57
    assert found["battery-a/power"] == -300, "into the battery"


def test_what_an_inverter_has_shown_to_have_stays() -> None:
    told = row(documents.MIN_NOW)
    known = Known(serial="A", type=MIN).learn([told])
    night = dict.fromkeys(told, 0) | {"time": "2022-04-09 23:00:00"}
    found = values(latest(known.learn([night]), night, CHINA, at("2022-04-09 15:00")))
    assert found["string-a-1/power_dc"] == 0
    assert "string-a-3/power_dc" not in found
    assert found["inverter-a/status"] == "waiting"


def test_the_past_of_an_inverter_has_intervals_and_days() -> None:
    rows = [
        {"time": "2024-06-02 00:05:02", "pac": 0, "eactoday": 0},
        {"time": "2024-06-01 20:00:00", "pac": "100.5", "eactoday": 21.600000381469727},
        {"time": "2024-06-01 12:00:00", "pac": 4000, "eactoday": 9.0},
        {"time": "2024-05-31 12:00:00", "pac": 1, "eactoday": 1},
        {"time": "null", "pac": 1},
    ]
    days = (date(2024, 6, 1), date(2024, 6, 2))
    known = Known(serial="A", type=MIN)
    samples = list(past(known, rows, VIENNA, days, at("2024-06-01 22:10")))
    intervals = [sample for sample in samples if sample.kind == "interval"]
    assert [(sample.end, sample.value) for sample in intervals] == [
        (at("2024-06-01 10:00"), 4000),
        (at("2024-06-01 18:00"), 100.5),
        (at("2024-06-01 22:05:02"), 0),
    ]
    assert all(sample.start == sample.end - timedelta(minutes=5) for sample in intervals)
    assert [(sample.day, sample.quantity, sample.value) for sample in samples if sample.kind == "daily"] == [
        (date(2024, 6, 1), "energy_today", 21600)
    ]


def test_a_day_that_an_inverter_begins_anew_too_early_is_not_empty() -> None:
    rows = [
        {"time": "2024-06-01 00:05:00", "eactoday": 30.0},  # still that of yesterday
        {"time": "2024-06-01 22:55:00", "eactoday": 21.5},
        {"time": "2024-06-01 23:05:00", "eactoday": 21.6},
        {"time": "2024-06-01 23:55:00", "eactoday": 0.0},
    ]
    days = (date(2024, 6, 1), date(2024, 6, 1))

    samples = past(Known(serial="A", type=MIN), rows, VIENNA, days, at("2024-06-02 10:00"))

    assert [(sample.day, sample.value) for sample in samples if sample.kind == "daily"] == [(date(2024, 6, 1), 21600)]


@pytest.mark.parametrize("time", [None, "", "null"])
def test_a_time_may_stand_elsewhere(time: object) -> None:
    rows = [{"time": time, "calendar": documents.JAVA_DATE, "pac": 5}]
    days = (date(2022, 4, 12), date(2022, 4, 12))

    (sample,) = past(Known(serial="A", type=MIN), rows, VIENNA, days, at("2024-06-02 10:00"))

    assert (sample.end, sample.value) == (at("2022-04-12 08:46:22"), 5)


def test_devices_of_a_list() -> None:
    entry = Listed(device_sn=12345, type="7", model="S25B00", lost=True, last_update_time="2018-12-13 11:03:52")
    known = listed(entry, None)
    assert (known.serial, known.type, known.readable, known.model) == ("12345", MIN, True, "S25B00")
    assert values(standing(known, entry.lost, entry.last_update_time, CHINA, at("2018-12-13 04:00"))) == {
        "inverter-12345/status": "offline",
    }
    grown = listed(entry, known.learn([{"soc": 5}]))
    assert grown.has == ("battery",)
    unknown = listed(Listed(device_sn="0011", type=77), None)
    assert (unknown.readable, unknown.part) == (False, "inverter-0011")
    assert values(
        standing(unknown, lost=False, updated="2018-12-13 11:03:52", zone=CHINA, now=at("2018-12-13 04:00"))
    ) == {"inverter-0011/last_report": at("2018-12-13 03:03:52")}


def test_what_an_inverter_tells_later_than_the_list_counts() -> None:
    known, now = Known(serial="A", type=MIN), at("2024-06-01 12:35")
    row = {"time": "2024-06-01 14:30:00", "status": 1, "pac": 5}
    site = Site()
    for lost in (
        standing(known, lost=True, updated="2024-06-01 14:20:00", zone=VIENNA, now=now),
        standing(known, lost=True, updated="", zone=VIENNA, now=now),
    ):
        site.take(SiteReport(site="1", samples=(*latest(known, row, VIENNA, now), *lost)), 600, now.timestamp())
        here = asdict(site.snapshot("1", now.timestamp()).cloud["inverter-a"])
        assert (here["status"], here["measured"]) == ("normal", at("2024-06-01 12:30"))

    later = now + timedelta(hours=1)
    site.take(SiteReport(site="1", samples=tuple(latest(known, row, VIENNA, later))), 600, later.timestamp())
    assert asdict(site.snapshot("1", later.timestamp()).cloud["inverter-a"])["status"] == "offline"


def test_every_field_is_in_the_catalogue_and_has_a_place_of_its_own() -> None:
    names = [(field.place, field.quantity) for field in FIELDS]
    assert {quantity for _, quantity in names} <= set(Measured.__struct_fields__)
    assert len(names) == len(set(names))
    assert all(key == key.lower() for field in FIELDS for key in (*field.keys, *field.less))


def test_the_other_envelope_is_not_taken_for_success() -> None:
    assert msgspec.json.decode(documents.OTHER_ENVELOPE, type=Envelope).error_code is None
