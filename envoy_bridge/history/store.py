"""Readings on disk: an SQLite file that is there only while something is in it.

Loaded only then: SQLite takes 1.5 MB of memory. All methods are for one thread at a time, not the event loop's.
"""

import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

from envoy_bridge.errors import StateError
from envoy_bridge.history.readings import Reading

RESERVE: Final = 256 * 1024
"""Bytes of `max_size` for the log of the file."""

TRANSACTION: Final = 64 * 1024
"""Bytes of readings written at once: what the log must have room for."""

EVICTED: Final = 8
"""Readings that go at once when the file is full."""

_LOG_PAGES: Final = 24  # of 4096 bytes: so long the log gets before it is merged into the file
_ROW: Final = 128  # bytes of a row beside its body, with its share of what pages leave empty
_SPARE: Final = 6 * 4096  # bytes: the pages that hold no rows, and the one that is begun
_UNUSABLE: Final = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""Codes that mean: this is not our file, or no longer. https://www.sqlite.org/rescode.html"""

_SETTINGS: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",  # one process, and no file of shared memory
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what is written survives a power cut
    f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}",
    f"PRAGMA journal_size_limit = {RESERVE}",
    "PRAGMA cache_size = -256",  # KiB
    "CREATE TABLE IF NOT EXISTS reading (number INTEGER PRIMARY KEY, topic TEXT NOT NULL, body BLOB NOT NULL)",
    "SELECT number, topic, body FROM reading LIMIT 1",  # is it our table?
)


class Store:
    """At most `max_size` bytes of readings. Its methods raise StateError when the disk does not do what it should."""

    def __init__(self, path: Path, max_size: int) -> None:
        self._path = path
        self._room = max_size - RESERVE
        self._db: sqlite3.Connection | None = None
        self._last = 0
        self.there = path.exists()
        """Whether there is a file, and so perhaps something in it."""
        self.count = 0
        """Readings in it."""
        self.size = 0
        """Bytes of its files."""

    def add(self, readings: Sequence[Reading]) -> int:
        """Put these behind all others. Returns how many of the oldest had to go for them.

        When it returns they are on disk. When it raises, some of the first may be.
        """
        dropped = 0
        rows = [(reading.topic, zlib.compress(reading.body)) for reading in readings]
        with self._open() as db:
            while rows:
                size = 0
                with db:
                    while rows and size < TRANSACTION:
                        topic, body = rows.pop(0)
                        dropped += self._make_room(db, len(body) + _ROW)
                        self._last = max(self._last + 1, time.time_ns())
                        db.execute("INSERT INTO reading VALUES (?, ?, ?)", (self._last, topic, body))
                        size += len(body)
            self.count += len(readings) - dropped
        return dropped

    def after(self, number: int, count: int) -> list[Reading]:
        """The next readings after this one, oldest first; nothing where there is no file."""
        if not self.there:
            return []
        query = "SELECT number, topic, body FROM reading WHERE number > ? ORDER BY number"
        with self._open() as db, closing(db.execute(query, (number,))) as rows:
            good = (Reading(topic, body, at) for at, topic, packed in rows if (body := _unpacked(packed)) is not None)
            return list(islice(good, count))

    def forget(self, number: int) -> int:
        """Remove the readings up to this one. Returns how many there were."""
        with self._open() as db, db:
            gone = db.execute("DELETE FROM reading WHERE number <= ?", (number,)).rowcount
            self.count -= gone
        return gone

    def remove(self) -> None:
        """Remove the file and all that is in it."""
        self.close()
        try:
            for file in self._files():
                file.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(f"cannot remove {self._path}: {error.strerror}; {self._advice()}") from error
        self.there, self.count, self.size = False, 0, 0

    def close(self) -> None:
        """Close the file. It is opened again when it is needed."""
        if self._db is not None:
            with suppress(sqlite3.Error):  # what it could not write here, it does when it is opened again
                self._db.close()
            self._db = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The open file; with its size set afterwards. What goes wrong closes it."""
        try:
            db = self._db = self._db or self._connect()
            yield db
            self.size = sum(file.stat().st_size for file in self._files() if file.exists())
        except sqlite3.Error as error:
            self.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNUSABLE:
                raise StateError(self._put_aside(str(error))) from error
            raise StateError(f"cannot keep readings in {self._path}: {error}; {self._advice()}") from error
        except OSError as error:
            self.close()
            raise StateError(f"cannot keep readings in {self._path}: {error.strerror}; {self._advice()}") from error

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():  # SQLite would let others read it; a log without its file it throws away itself
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self.there = True
        db = sqlite3.connect(self._path, timeout=1.0, check_same_thread=False)
        try:
            for line in _SETTINGS:
                db.execute(line).fetchall()
            self.count, last = db.execute("SELECT count(*), ifnull(max(number), 0) FROM reading").fetchone()
            self._last = max(self._last, last)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _make_room(self, db: sqlite3.Connection, size: int) -> int:
        """Remove the oldest readings until so many bytes are free. Returns how many went."""
        before = db.total_changes
        pages = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, "
        while db.execute(pages + "pragma_page_size").fetchone()[0] + size + _SPARE > self._room:
            oldest = "SELECT number FROM reading ORDER BY number LIMIT ?"
            if not db.execute(f"DELETE FROM reading WHERE number IN ({oldest})", (EVICTED,)).rowcount:  # noqa: S608 - our own words
                break
        return db.total_changes - before

    def _put_aside(self, why: str) -> str:
        """Rename a file that cannot be used, over an earlier one. Returns what to tell people."""
        aside = self._path.with_name(f"{self._path.name}.damaged")
        try:
            self._path.replace(aside)
            for file in self._files():
                file.unlink(missing_ok=True)
        except OSError as error:
            return f"{self._path} is damaged ({why}) and cannot be renamed: {error.strerror}; {self._advice()}"
        self.there, self.count, self.size = False, 0, 0
        return (
            f"{self._path} was damaged ({why}): it is now {aside.name}, and what was in it is not sent; "
            "look after the disk, and delete that file"
        )

    def _files(self) -> list[Path]:
        return [self._path.with_name(self._path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]

    def _advice(self) -> str:
        return (
            f"look at the free space and the owner of {self._path.parent}, set another directory under [state], "
            "or set [history] enabled = false"
        )


def _unpacked(packed: bytes) -> bytes | None:
    """The body; None if the disk did not keep it as it was."""
    with suppress(zlib.error, TypeError):
        return zlib.decompress(packed)
    return None
