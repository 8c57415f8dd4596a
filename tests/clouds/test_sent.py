"""What goes to the history: everything once, over restarts and damage, and revised days marked."""

import logging
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from envoy_bridge.clouds import sent as module
from envoy_bridge.clouds.report import Sample
from envoy_bridge.clouds.sent import Sent
from envoy_bridge.clouds.spans import cover
from envoy_bridge.errors import StateError

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clouds" / "tigo.db"


@pytest.fixture
def sent(path: Path) -> Iterator[Sent]:
    sent = Sent(path)
    yield sent
    sent.close()


def interval(number: int, value: float = 1.0, **fields: Any) -> Sample:
    """The n-th five minutes from noon on."""
    start = NOON + timedelta(minutes=5 * number)
    sample = Sample(
        part="panel-1",
        quantity="power_dc",
        value=value,
        start=start,
        end=start + timedelta(minutes=5),
        kind="interval",
        granularity=300,
    )
    return msgspec.structs.replace(sample, **fields)


def day(number: int, value: float) -> Sample:
    start = datetime(2026, 7, number, tzinfo=UTC)
    return Sample(
        part="site",
        quantity="energy_today",
        value=value,
        start=start,
        end=start + timedelta(days=1),
        kind="daily",
        day=date(2026, 7, number),
    )


def add(sent: Sent, samples: Iterable[Sample], site: str = "15") -> int:
    return sent.add(site, samples, NOON)


def rows(sent: Sent) -> list[dict[str, Any]]:
    return [row for waiting in sent.after(0, 10_000) for row in waiting.body["samples"]]


def test_an_interval_is_sent_once(sent: Sent) -> None:
    assert add(sent, [interval(0), interval(1), interval(1)]) == 2
    assert add(sent, [interval(0), interval(1), interval(2), interval(4)]) == 2
    assert add(sent, [interval(number) for number in range(5)]) == 1
    assert sorted(row["start"][11:16] for row in rows(sent)) == ["12:00", "12:05", "12:10", "12:15", "12:20"]


def test_so_it_is_over_restarts(path: Path) -> None:
    for _ in range(3):
        sent = Sent(path)
        add(sent, [interval(0), day(1, 5000.0)])
        sent.close()
    assert len(rows(sent)) == 2
    sent.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_makes_another_series_is_another_interval(sent: Sent) -> None:
    other = [
        interval(0),
        interval(0, part="panel-2"),
        interval(0, quantity="voltage_dc"),
        interval(0, granularity=900, end=NOON + timedelta(minutes=15)),
    ]
    assert add(sent, other) == 4
    assert add(sent, other, site="16") == 4
    assert add(sent, other) == 0


def test_intervals_off_the_grid_are_taken_as_they_are(sent: Sent) -> None:
    """The example of a vendor ends at 1384122700, which is no quarter of an hour."""
    shifted = [interval(n, start=NOON + timedelta(seconds=300 * n + 100)) for n in (0, 1)]
    shifted = [msgspec.structs.replace(s, end=s.start + timedelta(minutes=5)) for s in shifted if s.start]
    assert add(sent, [interval(0)]) == 1
    assert add(sent, shifted) == 2
    assert add(sent, shifted) == 0


def test_a_revised_day_is_sent_again_and_says_so(sent: Sent) -> None:
    assert add(sent, [day(1, 5000.0), day(2, 6000.0)]) == 2
    assert add(sent, [day(1, 5000.0004), day(2, 6100.0)]) == 1
    assert [(row["day"], row["value"], row.get("revised")) for row in rows(sent)] == [
        ("2026-07-01", 5000.0, None),
        ("2026-07-02", 6000.0, None),
        ("2026-07-02", 6100.0, True),
    ]


def test_a_row_says_all_that_there_is_to_know(sent: Sent) -> None:
    add(sent, [interval(0, 812.5, quality="estimated"), day(1, 5000.0)])
    (waiting,) = sent.after(0, 10)
    assert waiting.site == "15"
    assert waiting.body["fetched_at"] == "2026-08-01T12:00:00Z"
    assert waiting.body["samples"] == [
        {
            "device": "site",
            "quantity": "energy_today",
            "kind": "daily",
            "value": 5000.0,
            "unit": "Wh",
            "start": "2026-07-01T00:00:00Z",
            "end": "2026-07-02T00:00:00Z",
            "day": "2026-07-01",
            "granularity": None,
            "quality": "ok",
        },
        {
            "device": "panel-1",
            "quantity": "power_dc",
            "kind": "interval",
            "value": 812.5,
            "unit": "W",
            "start": "2026-08-01T12:00:00Z",
            "end": "2026-08-01T12:05:00Z",
            "day": None,
            "granularity": 300.0,
            "quality": "estimated",
        },
    ]


def test_messages_are_small_and_wait_in_order_until_they_have_arrived(sent: Sent, path: Path) -> None:
    add(sent, [interval(number) for number in range(250)])
    waiting = sent.after(0, 10)
    assert [len(each.body["samples"]) for each in waiting] == [100, 100, 50]
    sent.arrived([waiting[1].number, waiting[0].number])
    sent.close()
    again = Sent(path)
    assert again.after(0, 10) == [waiting[2]]
    assert again.after(waiting[2].number, 10) == []
    again.arrived([waiting[2].number])
    add(again, [interval(300)])
    (newest,) = again.after(0, 10)
    assert newest.number > waiting[2].number
    again.close()


def test_a_chunk_of_the_past_is_marked(sent: Sent, path: Path) -> None:
    assert not sent.has("15/2026-07-01")
    sent.mark("15/2026-07-01")
    sent.mark("15/2026-07-01")
    sent.close()
    again = Sent(path)
    assert again.has("15/2026-07-01")
    assert not again.has("15/2026-07-02")
    again.close()


def test_two_processes_use_the_same_file(path: Path) -> None:
    one, other = Sent(path), Sent(path)
    assert [add(one, [interval(0)]), add(other, [interval(0), interval(1)]), add(one, [interval(1)])] == [1, 1, 0]
    one.close()
    other.close()


def test_a_damaged_file_is_put_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1000)
    sent = Sent(path)
    with caplog.at_level(logging.WARNING), pytest.raises(StateError):
        add(sent, [interval(0)])
    assert "sent_damaged" in caplog.text
    assert add(sent, [interval(0)]) == 1
    sent.close()


def test_a_place_that_cannot_be_written_is_an_error_to_read(tmp_path: Path) -> None:
    (tmp_path / "clouds").write_text("a file")
    with pytest.raises(StateError, match="clouds"):
        add(Sent(tmp_path / "clouds" / "tigo.db"), [interval(0)])


def test_it_stays_within_its_bounds(sent: Sent, path: Path) -> None:
    """Every second interval: none can be joined with another one."""
    add(sent, [])
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO span VALUES (9, ?, ?)", ((n, n + 1) for n in range(module.REMEMBERED + 50)))
        db.executemany("INSERT INTO waiting (site, body) VALUES ('15', ?)", ((b"",) for _ in range(module.WAITING + 7)))
    db.close()
    for number in range(module.LOOK_EVERY):
        add(sent, [interval(2 * number)])
    sent.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM waiting").fetchone()[0] == module.WAITING
        assert db.execute("SELECT count(*) FROM span").fetchone()[0] == module.REMEMBERED
        assert db.execute("SELECT min(start) FROM span WHERE series = 9").fetchone()[0] >= 50
    db.close()


@pytest.mark.parametrize(
    ("spans", "intervals", "covered", "fresh"),
    [
        ([], [(0, 5)], [(0, 5)], [(0, 5)]),
        ([(0, 5)], [(5, 10)], [(0, 10)], [(5, 10)]),
        ([(0, 5), (10, 15)], [(5, 10)], [(0, 15)], [(5, 10)]),
        ([(0, 15)], [(5, 10)], [(0, 15)], []),
        ([(0, 5)], [(3, 8)], [(0, 8)], [(3, 8)]),
        ([(20, 25)], [(0, 5), (10, 15), (10, 15)], [(0, 5), (10, 15), (20, 25)], [(0, 5), (10, 15)]),
    ],
)
def test_cover(spans: list[Any], intervals: list[Any], covered: list[Any], fresh: list[Any]) -> None:
    assert cover(spans, intervals) == (covered, fresh)
