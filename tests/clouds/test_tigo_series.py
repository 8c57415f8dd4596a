"""What Tigo's tables mean: its document's examples, missing values, and days on which clocks are set."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from clouds import documents_tigo as documents
from clouds.tigo_account import of_kind, utc, values
from msgspec.structs import fields

from envoy_bridge.clouds.parts import Measured
from envoy_bridge.clouds.report import Sample
from envoy_bridge.clouds.tigo.csv import read
from envoy_bridge.clouds.tigo.series import DAYS, DETAILS, HOURS, POWER, STRING_POWER, Reading, Series
from envoy_bridge.clouds.tigo.times import asked, moment, zone_of

PACIFIC = ZoneInfo("America/Los_Angeles")
VIENNA = ZoneInfo("Europe/Vienna")
PARTS = {"1": "site", "2": "string-2", "3": "panel-3", "4": "panel-4"}


def samples(
    series: Series,
    text: str,
    *,
    now: datetime,
    zone: ZoneInfo = PACIFIC,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Sequence[Sample]:
    keys = {"04C05B800ACE.panels.A1": "panel-3"}
    early, late = now - timedelta(days=5), now + timedelta(minutes=5)
    return Reading(series, PARTS, keys, zone, start or early, end or late, now).samples(read(text))


def test_the_documents_voltages_by_key() -> None:
    found = samples(DETAILS[0], documents.AGGREGATE_BY_KEY, now=utc("2014-09-23T08:00:00"))

    assert {sample.part for sample in found} == {"panel-3"}
    assert {(sample.quantity, sample.value) for sample in found} == {("voltage_dc", 23)}
    assert len({sample.start for sample in of_kind("interval", found)}) == 6
    assert of_kind("interval", found)[0].start == utc("2014-09-23T07:06:23")


def test_a_column_of_another_param_is_not_taken_for_this_one() -> None:
    assert samples(DETAILS[1], documents.AGGREGATE_BY_KEY, now=utc("2014-09-23T08:00:00")) == ()


def test_the_documents_combined_minutes_are_powers_of_strings_in_local_time() -> None:
    found = samples(STRING_POWER, documents.COMBINED, now=utc("2016-08-16T16:00:00"))

    first = of_kind("interval", found)[0]
    assert (first.part, first.quantity, first.value) == ("string-2", "power_dc", 35)
    assert (first.start, first.end, first.granularity) == (utc("2016-08-16T15:00"), utc("2016-08-16T15:01"), 60)
    assert of_kind("instant", found) == [
        Sample(part="string-2", quantity="power_dc", value=50.0, end=utc("2016-08-16T15:03"))
    ]


def test_the_same_table_at_another_level_is_energy() -> None:
    found = samples(HOURS, documents.COMBINED, now=utc("2016-08-16T18:00:00"))

    assert {sample.quantity for sample in found} == {"energy_dc"}
    assert found[0].end - (found[0].start or found[0].end) == timedelta(hours=1)


# --- tables


def test_the_newest_value_is_that_of_each_column() -> None:
    text = "Datetime,3,4\n2026/06/01 10:00:00,1,2\n2026/06/01 10:01:00,3,\n2026/06/01 10:02:00,,\n"

    found = of_kind("instant", samples(POWER, text, now=utc("2026-06-01T17:10:00")))

    assert [(each.part, each.value, each.end) for each in found] == [
        ("panel-3", 3, utc("2026-06-01T17:01")),
        ("panel-4", 2, utc("2026-06-01T17:00")),
    ]


def test_the_newest_value_is_not_that_of_the_last_row_where_a_table_goes_back() -> None:
    text = "Datetime,3\n2026/06/01 10:05:00,1\nDatetime,3\n2026/06/01 10:01:00,2\n"

    found = of_kind("instant", samples(POWER, text, now=utc("2026-06-01T17:10:00")))

    assert values(found) == {("panel-3", "power_dc"): 1}


def test_after_a_change_of_header_values_stay_with_their_panels() -> None:
    text = "Datetime,3,9,4\n2026/06/01 10:00:00,1,5,2\nDatetime,3,4\n2026/06/01 10:01:00,3,4\n"

    found = of_kind("instant", samples(POWER, text, now=utc("2026-06-01T17:10:00")))

    assert values(found) == {("panel-3", "power_dc"): 3, ("panel-4", "power_dc"): 4}


def test_rows_of_the_future_are_passed_over() -> None:
    text = "Datetime,3\n2026/06/01 10:00:00,1\n2026/06/01 10:04:00,2\n2026/06/01 10:30:00,3\n"

    now = utc("2026-06-01T17:00:30")

    found = of_kind("interval", samples(POWER, text, now=now, end=now + timedelta(days=1)))

    assert [(each.value, each.quality) for each in found] == [(1, "partial"), (2, "partial")]


def test_rows_outside_of_what_was_asked_are_passed_over() -> None:
    text = "Datetime,3\n2026/06/01 09:59:00,1\n2026/06/01 10:00:00,2\n2026/06/01 10:01:00,3\n"

    found = samples(
        POWER, text, now=utc("2026-06-01T18:00"), start=utc("2026-06-01T17:00"), end=utc("2026-06-01T17:01")
    )

    assert [each.value for each in of_kind("interval", found)] == [2]


def test_an_hour_is_whole_once_nothing_can_come_late() -> None:
    text = "DATE TIME, 1\n2026/06/01 08:00:00, 100\n2026/06/01 09:00:00, 200\n2026/06/01 10:00:00, 50\n"

    found = samples(HOURS, text, now=utc("2026-06-01T17:10:00"))

    assert [(each.part, each.value, each.quality) for each in found] == [
        ("site", 100, "ok"),
        ("site", 200, "partial"),
        ("site", 50, "partial"),
    ]


def test_days_have_their_date_and_today_is_not_over() -> None:
    text = "DATE TIME, 1, 3\n2026/05/31 00:00:00.000, 9000, 300\n2026/06/01 00:00:00.000, 100, 5\n"

    found = samples(DAYS, text, now=utc("2026-06-01T17:10:00"))

    assert [(each.part, each.value, each.day, each.quality) for each in found] == [
        ("site", 9000, date(2026, 5, 31), "ok"),
        ("panel-3", 300, date(2026, 5, 31), "ok"),
        ("panel-3", 5, date(2026, 6, 1), "partial"),  # of the site the summary tells it
    ]
    assert (found[0].start, found[0].end) == (utc("2026-05-31T07:00"), utc("2026-06-01T07:00"))
    assert found[2].end == utc("2026-06-01T17:10:00")


@pytest.mark.parametrize(("day", "hours"), [("2026/03/29", 23), ("2026/10/25", 25)])
def test_days_on_which_clocks_are_set(day: str, hours: int) -> None:
    now = datetime.fromisoformat(day.replace("/", "-")).replace(tzinfo=UTC) + timedelta(days=2)

    (found,) = samples(DAYS, f"DATE TIME, 1\n{day} 00:00:00.000, 100\n", now=now, zone=VIENNA)

    assert found.end - (found.start or found.end) == timedelta(hours=hours)


def test_an_hour_that_comes_twice() -> None:
    rows = ["01:59", "02:00", "02:30", "02:59", "02:00", "02:30", "02:59", "03:00"]
    text = "Datetime,3\n" + "".join(f"2026/10/25 {row}:00,{n}\n" for n, row in enumerate(rows))

    found = of_kind("interval", samples(POWER, text, now=utc("2026-10-25T03:00"), zone=VIENNA))

    assert [f"{each.start:%H:%M}" for each in found] == [
        "23:59", "00:00", "00:30", "00:59", "01:00", "01:30", "01:59", "02:00",
    ]  # fmt: skip


def test_an_hour_that_comes_twice_in_hours() -> None:
    text = "DATE TIME, 1\n" + "".join(f"2026/10/25 0{hour}:00:00, {hour}\n" for hour in (1, 2, 2, 3))

    found = samples(HOURS, text, now=utc("2026-10-25T12:00"), zone=VIENNA)

    assert [f"{each.start:%H:%M}" for each in found] == ["23:00", "00:00", "01:00", "02:00"]


def test_a_header_that_changes_in_the_hour_that_comes_twice() -> None:
    rows = "2026/10/25 02:30:00,1\n2026/10/25 02:30:00,2\nDatetime,4\n2026/10/25 02:30:00,3\nDatetime,4\n"
    text = f"Datetime,3\n{rows}2026/10/25 02:31:00,4\n"

    found = of_kind("interval", samples(POWER, text, now=utc("2026-10-25T03:00"), zone=VIENNA))

    assert [f"{each.start:%H:%M}" for each in found] == ["00:30", "01:30", "01:30", "01:31"]


def test_a_header_that_changes_within_a_minute_of_the_hour_that_comes_twice() -> None:
    text = "Datetime,3\n2026/10/25 02:30:00,1\nDatetime,4\n2026/10/25 02:30:00,2\n2026/10/25 02:31:00,3\n"

    found = of_kind("interval", samples(POWER, text, now=utc("2026-10-25T03:00"), zone=VIENNA))

    assert [f"{each.start:%H:%M}" for each in found] == ["00:30", "00:30", "00:31"]


def test_a_table_that_begins_anew_for_other_columns_has_the_hour_twice_again() -> None:
    rows = "".join(f"2026/10/25 {row}:00,1\n" for row in ("01:30", "02:30", "02:30", "03:30"))

    found = of_kind(
        "interval",
        samples(POWER, f"Datetime,3\n{rows}Datetime,4\n{rows}", now=utc("2026-10-25T03:00"), zone=VIENNA),
    )

    assert [f"{each.start:%H:%M}" for each in found] == ["23:30", "00:30", "01:30", "02:30"] * 2


def test_an_hour_that_there_was_not() -> None:
    text = "Datetime,3\n2026/03/29 01:59:00,1\n2026/03/29 02:30:00,2\n2026/03/29 03:00:00,3\n"

    found = of_kind("interval", samples(POWER, text, now=utc("2026-03-29T03:00"), zone=VIENNA))

    assert [(each.value, f"{each.start:%H:%M}") for each in found] == [(1, "00:59"), (3, "01:00")]


# --- times


def test_what_is_asked_is_local_and_never_ambiguous() -> None:
    first, second = utc("2026-10-25T00:30"), utc("2026-10-25T01:30")  # both 02:30 in Vienna

    assert asked(utc("2026-06-01T10:00"), VIENNA) == "2026-06-01T12:00:00"
    assert {asked(each, VIENNA) for each in (first, second)} == {"2026-10-25T01:30:00"}
    assert {asked(each, VIENNA, end=True) for each in (first, second)} == {"2026-10-25T03:30:00"}


def test_times_with_and_without_an_offset() -> None:
    assert moment("2026-06-01T12:00:00+02:00") == utc("2026-06-01T10:00")
    assert moment("2026-06-01T12:00:00Z") == utc("2026-06-01T12:00")
    assert moment("2026-06-01T12:00:00", VIENNA) == utc("2026-06-01T10:00")
    assert moment("2026-06-01T12:00:00") is None
    assert moment("null") is None


def test_a_zone_is_one_that_there_is() -> None:
    assert zone_of([None, "", "Mars/Olympus", "../../etc/passwd", "Europe/Vienna"]) == VIENNA
    assert zone_of([None, "null"]) is None


def test_every_quantity_is_declared() -> None:
    declared = {field.name for field in fields(Measured)}

    assert {series.quantity for series in (POWER, *DETAILS, STRING_POWER, HOURS, DAYS)} - declared == set()
