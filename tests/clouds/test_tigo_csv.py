"""Tigo's tables: CSV whose header may change at any row."""

from datetime import datetime

import pytest
from clouds import documents_tigo as documents

from envoy_bridge.clouds.errors import UnusableAnswer
from envoy_bridge.clouds.tigo.csv import Row, read


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_sample_by_id() -> None:
    table = read(documents.AGGREGATE_BY_ID)

    assert [row.block for row in table.rows] == [1] * 6 + [2]
    assert table.rows[0] == Row(at("2014-09-23 00:06:23"), 1, {"1": 23, "2": 23, "3": 23})
    assert table.rows[-1] == Row(at("2014-09-23 00:06:28"), 2, {"1": 23, "2": 23})
    assert table.skipped == 0


def test_sample_by_key() -> None:
    table = read(documents.AGGREGATE_BY_KEY)

    assert len(table.rows) == 7
    assert list(table.rows[0].values) == ["04C05B800ACE.panels.A1_Vin", "04C05B800ACE.panels.A2_Vin"]
    assert list(table.rows[6].values) == ["04C05B800ACE.panels.A1_Vin"]


def test_sample_of_combined_has_another_first_cell_and_spaces() -> None:
    table = read(documents.COMBINED)

    assert [row.values["1"] for row in table.rows] == [1170, 1175, 1195, 1216]
    assert [row.values["2"] for row in table.rows] == [35, 36, 38, 50]
    assert table.rows[3].stamp == at("2016-08-16 08:03")


def test_a_column_that_goes_from_the_middle_leaves_the_others_where_they_belong() -> None:
    table = read("Datetime,1,2,3\n2026/06/01 10:00:00,10,20,30\nDatetime,1,3\n2026/06/01 10:01:00,11,31\n")

    assert [row.values for row in table.rows] == [{"1": 10, "2": 20, "3": 30}, {"1": 11, "3": 31}]


def test_columns_that_change_places() -> None:
    table = read("Datetime,1,2\n2026/06/01 10:00:00,10,20\nDATE TIME,2,1\n2026/06/01 10:01:00,21,11\n")

    assert table.rows[1].values == {"1": 11, "2": 21}


@pytest.mark.parametrize("cell", ["", " ", "-", "NaN", "nan", "null", "None", "inf", "n/a"])
def test_what_says_nothing_is_missing_and_not_zero(cell: str) -> None:
    table = read(f"Datetime,1,2\n2026/06/01 10:00:00,{cell},0\n")

    assert table.rows[0].values == {"2": 0}


def test_a_row_that_is_shorter_lacks_its_end() -> None:
    assert read("Datetime,1,2\n2026/06/01 10:00:00,5\n").rows[0].values == {"1": 5}


@pytest.mark.parametrize("row", ["2026/06/01 10:00:00,1,2,3", "total,1,2", ",1,2", "2026/13/01 10:00:00,1,2"])
def test_a_row_that_is_none_costs_only_itself(row: str) -> None:
    table = read(f"Datetime,1,2\n{row}\n2026/06/01 10:01:00,1,2\n")

    assert [each.stamp for each in table.rows] == [at("2026-06-01 10:01")]
    assert table.skipped == 1


def test_a_row_before_any_header_belongs_to_nobody() -> None:
    table = read("2026/06/01 10:00:00,1,2\nDatetime,1,2\n2026/06/01 10:01:00,1,2\n")

    assert (len(table.rows), table.skipped) == (1, 1)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "Datetime,1,2\n", "DATE TIME, 1\r\n", "Datetime,1\nDatetime,1,2\n", ",,\n"]
)
def test_nothing_is_no_error(text: str) -> None:
    assert read(text).rows == ()


@pytest.mark.parametrize("text", ["<html><body>Sorry</body></html>", '{"status": 401}', "too large a range"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(UnusableAnswer, match="Datetime"):
        read(text)


def test_windows_lines_quotes_and_a_comma_too_many() -> None:
    table = read('"Datetime","1","2",\r\n"2026/06/01 10:00:00","1","2",\r\n')

    assert table.rows[0].values == {"1": 1, "2": 2}


def test_a_comma_within_quotes_moves_no_column() -> None:
    table = read('"Datetime","1","2"\n"2026/06/01 10:00:00", "1,170" ,35\n')

    assert table.rows[0].values == {"2": 35}


def test_a_quote_that_is_never_closed_costs_no_other_line() -> None:
    table = read('Datetime,1,2\n2026/06/01 10:00:00,"1,2\n2026/06/01 10:01:00,3,4\n')

    assert table.rows[-1].values == {"1": 3, "2": 4}


@pytest.mark.parametrize(
    ("end", "values"),
    [
        ("2026/06/01 10:01:00,170,35", {"1": 170, "2": 35}),  # whole, though no line ends there
        ("2026/06/01 10:01:00,17", {}),  # of 170, for all that we know
        ("2026/06/01 10:01:00,170\n", {"1": 170}),
        ("2026/06/01 10:01:00,170,", {"1": 170}),
    ],
)
def test_a_table_that_ends_in_the_middle_of_a_cell(end: str, values: dict[str, float]) -> None:
    assert read(f"Datetime,1,2\n2026/06/01 10:00:00,5,6\n{end}").rows[-1].values == values


def test_a_cell_that_is_too_large_for_csv_costs_its_line() -> None:
    table = read(f"Datetime,1\n2026/06/01 10:00:00,{'1' * 200_000}\n2026/06/01 10:01:00,3\n")

    assert ([row.values for row in table.rows], table.skipped) == ([{"1": 3}], 1)


def test_blocks_that_turn_columns_round_and_put_one_in_between_without_a_last_line_end() -> None:
    table = read(
        "Datetime,1,2\r\n2026/06/01 10:00:00,10,20\r\n"
        '"DATE TIME", 2, 1\r\n2026/06/01 10:01:00, 21, 11\r\n'
        "datetime,1,9,2\r\n2026/06/01 10:02:00,12,92,22\r\n2026/06/01 10:03:00,,93,"
    )

    assert [row.values for row in table.rows] == [
        {"1": 10, "2": 20},
        {"1": 11, "2": 21},
        {"1": 12, "9": 92, "2": 22},
        {"9": 93},
    ]
