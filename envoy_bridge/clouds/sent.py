"""What went to the history, and what still has to: an SQLite file, so that each interval goes once, over restarts too.

Loaded only where there is a cloud: SQLite takes 1.5 MB of memory. For any thread, but not for the event loop's.
"""

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec

from envoy_bridge.catalog import plain
from envoy_bridge.clouds.latest import UNITS
from envoy_bridge.clouds.report import Sample
from envoy_bridge.clouds.spans import Span, cover
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger

TOGETHER: Final = 100
"""Samples in a message: 17 KB."""

WAITING: Final = 20_000
"""Messages that wait at most, 30 MB as they are packed; then the oldest go."""

REMEMBERED: Final = 300_000
"""Rows about what was sent, 12 MB: of forty panels a year. Those that lie back furthest are forgotten first."""

LOOK_EVERY: Final = 200
"""Additions between two looks at whether it is too much."""

_SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is written survives a power cut
    "PRAGMA journal_size_limit = 262144",
    "PRAGMA cache_size = -256",  # KiB
    "CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, site, part, quantity, granularity REAL)",
    "CREATE UNIQUE INDEX IF NOT EXISTS one ON series (site, part, quantity, granularity)",
    "CREATE TABLE IF NOT EXISTS span (series, start, end, PRIMARY KEY (series, start)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS day (series, day, value, PRIMARY KEY (series, day)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, site, body)",
    "CREATE TABLE IF NOT EXISTS chunk (key PRIMARY KEY) WITHOUT ROWID",
)
_UNUSABLE: Final = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""Codes that mean: this is not our file, or no longer. https://www.sqlite.org/rescode.html"""

_json = msgspec.json.Encoder()
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message for the history of a site that is still to be sent."""

    number: int
    site: str
    body: dict[str, Any]


class Sent:
    """The file of one cloud; other processes may use it too. Its methods raise StateError when the disk fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._additions = 0

    def add(self, site: str, samples: Iterable[Sample], fetched: datetime) -> int:
        """Have those that are new sent, and days again whose value is another one. Returns how many samples that are.

        All are closed intervals or days. When it returns, they are on disk.
        """
        with self._open() as db, db:
            rows = [row for name, group in _by_series(samples) for row in _new(db, _number(db, site, name), group)]
            rows.sort(key=lambda row: (row["start"] or row["day"], row["device"], row["quantity"]))
            for begin in range(0, len(rows), TOGETHER):
                body = {"fetched_at": plain(fetched), "samples": rows[begin : begin + TOGETHER]}
                packed = zlib.compress(_json.encode(body))
                db.execute("INSERT INTO waiting (site, body) VALUES (?, ?)", (site, packed))
            if self._additions % LOOK_EVERY == 0:
                _forget(db)
            self._additions += 1
        return len(rows)

    def after(self, number: int, count: int) -> list[Waiting]:
        """The next messages after this one, oldest first."""
        query = "SELECT number, site, body FROM waiting WHERE number > ? ORDER BY number LIMIT ?"
        with self._open() as db, closing(db.execute(query, (number, count))) as rows:
            return [Waiting(at, site, _unpacked(packed)) for at, site, packed in rows]

    def arrived(self, numbers: Iterable[int]) -> None:
        """These need not be sent again."""
        with self._open() as db, db:
            db.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in numbers])

    def has(self, chunk: str) -> bool:
        """Was this chunk of the past fetched already?"""
        with self._open() as db:
            return db.execute("SELECT 1 FROM chunk WHERE key = ?", (chunk,)).fetchone() is not None

    def mark(self, chunk: str) -> None:
        """This chunk of the past was fetched, and all of it was added."""
        with self._open() as db, db:
            db.execute("INSERT OR IGNORE INTO chunk VALUES (?)", (chunk,))

    def close(self) -> None:
        """Close the file. It is opened again when it is needed."""
        with self._turn:
            self._close()

    def _close(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The open file, for one thread. What goes wrong closes it."""
        with self._turn:
            try:
                self._db = self._db or self._connect()
                yield self._db
            except sqlite3.Error as error:
                self._close()
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNUSABLE:
                    self._put_aside(str(error))
                raise StateError(f"cannot use {self._path}: {error}; look at the free space and the disk") from error
            except OSError as error:
                self._close()
                raise StateError(
                    f"cannot use {self._path}: {error.strerror}; look at the owner of {self._path.parent}"
                ) from error

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))  # SQLite would let others read it
        db = sqlite3.connect(self._path, timeout=10.0, check_same_thread=False)
        try:
            for line in _SETTINGS:
                db.execute(line).fetchall()
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _put_aside(self, why: str) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged")
        _log.warning("sent_damaged", path=str(self._path), reason=why, consequence="history may be sent a second time")
        with suppress(OSError):
            self._path.replace(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


_Series = tuple[str, str, float]


def _by_series(samples: Iterable[Sample]) -> Iterator[tuple[_Series, list[Sample]]]:
    """Part, quantity and granularity (0: days), with their samples."""
    ordered = sorted(samples, key=_series)
    return ((name, list(group)) for name, group in groupby(ordered, _series))


def _series(sample: Sample) -> _Series:
    return sample.part, sample.quantity, 0.0 if sample.kind == "daily" else sample.granularity or -1.0


def _number(db: sqlite3.Connection, site: str, series: _Series) -> int:
    key = (site, *series)
    db.execute("INSERT OR IGNORE INTO series (site, part, quantity, granularity) VALUES (?, ?, ?, ?)", key)
    query = "SELECT id FROM series WHERE site = ? AND part = ? AND quantity = ? AND granularity = ?"
    return int(db.execute(query, key).fetchone()[0])


def _new(db: sqlite3.Connection, series: int, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    return _new_days(db, series, samples) if samples[0].kind == "daily" else _new_intervals(db, series, samples)


def _new_intervals(db: sqlite3.Connection, series: int, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    by_span = {_span(sample): sample for sample in samples if sample.start is not None}
    if not by_span:
        return []
    bounds = (series, max(end for _, end in by_span), min(start for start, _ in by_span))
    near = " FROM span WHERE series = ? AND start <= ? AND end >= ?"
    before = db.execute(f"SELECT start, end{near}", bounds).fetchall()
    after, fresh = cover(before, by_span)
    if fresh:
        db.execute(f"DELETE{near}", bounds)
        db.executemany("INSERT INTO span VALUES (?, ?, ?)", [(series, start, end) for start, end in after])
    return [_row(by_span[span], revised=False) for span in fresh]


def _new_days(db: sqlite3.Connection, series: int, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    rows = []
    for sample in samples:
        key, value = (series, str(sample.day)), plain(_number_or_word(sample))
        known = db.execute("SELECT value FROM day WHERE series = ? AND day = ?", key).fetchone()
        if known is None or known[0] != value:
            db.execute("INSERT OR REPLACE INTO day VALUES (?, ?, ?)", (*key, value))
            rows.append(_row(sample, revised=known is not None))
    return rows


def _span(sample: Sample) -> Span:
    start = sample.start or sample.end
    return round(start.timestamp() * 1000), round(sample.end.timestamp() * 1000)


def _number_or_word(sample: Sample) -> float | str | bool | datetime:
    value = sample.value
    return round(float(value), 3) + 0.0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _row(sample: Sample, *, revised: bool) -> dict[str, Any]:
    """A sample as subscribers read it."""
    row = {
        "device": sample.part,
        "quantity": sample.quantity,
        "kind": sample.kind,
        "value": _number_or_word(sample),
        "unit": UNITS[sample.quantity].symbol,
        "start": None if sample.start is None else plain(sample.start),
        "end": plain(sample.end),
        "day": None if sample.day is None else str(sample.day),
        "granularity": sample.granularity,
        "quality": sample.quality,
    }
    return row | ({"revised": True} if revised else {})


def _forget(db: sqlite3.Connection) -> None:
    """Let go of what is too much."""
    last = "SELECT number FROM waiting ORDER BY number DESC LIMIT 1 OFFSET ?"
    gone = db.execute(f"DELETE FROM waiting WHERE number <= ({last})", (WAITING,)).rowcount  # noqa: S608 - our own words
    if gone:
        _log.warning("history_dropped", messages=gone, reason="the broker has been away for too long")
    for table, age in (("span", "end"), ("day", "day")):
        limit = f"SELECT {age} FROM {table} ORDER BY {age} DESC LIMIT 1 OFFSET ?"  # noqa: S608 - our own words
        db.execute(f"DELETE FROM {table} WHERE {age} <= ({limit})", (REMEMBERED,))  # noqa: S608 - our own words


def _unpacked(packed: bytes) -> dict[str, Any]:
    """The body; nothing in it if the disk did not keep it as it was."""
    try:
        body = msgspec.json.decode(zlib.decompress(packed), type=dict[str, Any])
    except (zlib.error, TypeError, ValueError):
        return {}
    return body
