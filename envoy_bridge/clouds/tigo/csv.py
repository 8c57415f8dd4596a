"""The tables of `data/aggregate` and `data/combined`: CSV in which another header may come at any row. Pure.

A header holds until the next one, so a column may change its place, or go: whoever reads by the first header alone
takes the values of one panel for another's. Source: the samples of the "Tigo REST API V3" document, both in the tests.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from envoy_bridge.clouds.errors import UnusableAnswer

_STAMP: Final = "datetime"
"""What the first cell of a header is: `Datetime` or `DATE TIME`."""


@dataclass(frozen=True, slots=True)
class Row:
    """The values at one time, by column; what has none is not in it. `stamp`: as written, without an offset.

    `block`: how many headers came before it; rows of the same block have the same columns.
    """

    stamp: datetime
    block: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Table:
    """`skipped`: rows that are no rows of data: without a time, or with more cells than the header."""

    rows: tuple[Row, ...] = ()
    skipped: int = 0


def read(text: str) -> Table:
    """The table in a body. Nothing in it, or nothing but headers, is how Tigo says that there is no data.

    Raises:
        UnusableAnswer: it is something else than such a table.
    """
    lines = [_cells(line) for line in text.splitlines() if line.strip(", \t")]
    if lines and not any(map(_is_header, lines)):
        raise UnusableAnswer("an answer that is not a table with a Datetime column")
    rows = list(_rows(lines, cut=not text.endswith(("\n", "\r"))))
    good = tuple(row for row in rows if row is not None)
    return Table(good, len(rows) - len(good))


def _cells(line: str) -> list[str]:
    """One line at a time, so that a quote that is never closed costs no other one."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
    except csv.Error:  # a cell of more than 128 KiB, which holds nothing for us
        return [""]


def _is_header(cells: Sequence[str]) -> bool:
    return "".join(cells[0].split()).casefold() == _STAMP


def _rows(lines: Sequence[Sequence[str]], *, cut: bool) -> Iterator[Row | None]:
    """`cut`: nothing says that the last line is whole; if it is too short, its last cell may be `17` of 170."""
    columns: Sequence[str] = ()
    block = 0
    for number, cells in enumerate(lines, 1):
        if _is_header(cells):
            columns = cells[1:]
            block += 1
        else:
            broken = cut and number == len(lines) and len(cells) <= len(columns)
            yield _row(cells[:-1] if broken else cells, columns, block)


def _row(cells: Sequence[str], columns: Sequence[str], block: int) -> Row | None:
    """None: it is none."""
    stamp = _stamp(cells[0]) if cells else None
    if stamp is None or any(cells[1 + len(columns) :]):
        return None
    # A row may be shorter than its header: what is not there is missing.
    numbers = zip(columns, map(_number, cells[1:]), strict=False)
    return Row(stamp, block, {column: number for column, number in numbers if column and number is not None})


def _stamp(cell: str) -> datetime | None:
    """`2016/08/16 08:00:00.000`, with or without what follows the minutes."""
    try:
        return datetime.fromisoformat(cell.replace("/", "-"))
    except ValueError:
        return None


def _number(cell: str) -> float | None:
    """None: the cell is empty, or says in some way that there is nothing."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
