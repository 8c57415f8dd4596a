"""The file: what is in it, how large it gets, and what happens when the disk does not do what it should."""

import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from disks import fill, make_read_only, small_disk

from envoy_bridge.errors import StateError
from envoy_bridge.history.readings import Reading
from envoy_bridge.history.store import TRANSACTION, Store

LARGE = 64_000_000
TOPIC = "envoy/1/history"
_dice = random.Random(7)  # noqa: S311 - so that it does not pack


def readings(numbers: Sequence[int], size: int = 3000) -> list[Reading]:
    return [Reading(TOPIC, b"%d " % number + _dice.randbytes(size)) for number in numbers]


def numbers(found: Sequence[Reading]) -> list[int]:
    return [int(reading.body.split(b" ", 1)[0]) for reading in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path, LARGE)
    yield store
    store.close()


def files(path: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in path.parent.glob("history*")}


def test_what_is_put_in_comes_out_in_order_after_a_restart_too(path: Path, store: Store) -> None:
    assert not store.there
    given = readings(range(50))
    store.add(given[:30])
    store.close()
    store.add(given[30:])
    store.close()

    again = Store(path, LARGE)
    first = again.after(0, 20)
    rest = again.after(first[-1].number or 0, 100)
    assert [(found.topic, found.body) for found in first + rest] == [(reading.topic, reading.body) for reading in given]
    assert (again.count, again.size) == (50, sum(files(path).values()))
    again.close()


def test_the_file_is_ours_alone_and_goes_when_it_is_empty(path: Path, store: Store) -> None:
    store.add(readings(range(3)))
    assert {file.stat().st_mode & 0o777 for file in path.parent.glob("history*")} == {0o600}
    assert store.forget((store.after(0, 2)[-1].number) or 0) == 2
    assert (store.count, numbers(store.after(0, 10))) == (1, [2])
    store.remove()
    assert (files(path), store.there, store.count, store.size) == ({}, False, 0, 0)
    assert store.after(0, 10) == []
    store.add(readings([7]))
    assert numbers(store.after(0, 10)) == [7]


def test_numbers_only_grow_even_when_the_file_is_made_anew(store: Store) -> None:
    seen = [0]
    for _ in range(3):
        store.add(readings([1]))
        seen += [found.number or 0 for found in store.after(seen[-1], 9)]
        store.remove()
    assert len(seen) == 4
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("limit", [500_000, 2_000_000])
def test_the_oldest_go_before_it_gets_too_large(path: Path, limit: int) -> None:
    store, largest, dropped = Store(path, limit), 0, 0
    for number in range(800):
        dropped += store.add(readings([number]))
        largest = max(largest, sum(files(path).values()))
    dropped += store.add(readings(range(800, 900)))
    largest = max(largest, sum(files(path).values()))

    kept = numbers(store.after(0, 1000))
    assert kept == list(range(dropped, 900))
    assert store.count == len(kept)
    assert largest <= limit
    assert len(kept) * 4096 > limit - 350_000, "a page each"
    store.close()


def test_a_power_cut_leaves_what_was_written(path: Path, store: Store, tmp_path: Path) -> None:
    for cut in range(40):
        store.add(readings([2 * cut, 2 * cut + 1]))
        if cut == 20:
            store.forget(store.after(0, 10)[-1].number or 0)
        if cut % 5 == 0:  # the files as they are on disk at this moment, without a clean end
            place = tmp_path / f"cut{cut}"
            place.mkdir()
            for file in path.parent.glob("history*"):
                shutil.copy(file, place / file.name)
            copy = Store(place / "history.db", LARGE)
            assert numbers(copy.after(0, 1000)) == list(range(10 if cut >= 20 else 0, 2 * cut + 2))
            copy.close()


def test_a_log_that_is_cut_off_costs_its_last_write_only(path: Path, store: Store, tmp_path: Path) -> None:
    for number in range(5):
        store.add(readings([number]))
    for name in ("history.db", "history.db-wal"):
        shutil.copy(path.parent / name, tmp_path / f"cut-{name}")
    log = tmp_path / "cut-history.db-wal"
    log.write_bytes(log.read_bytes()[:-5000])
    copy = Store(tmp_path / "cut-history.db", LARGE)
    assert numbers(copy.after(0, 10)) == [0, 1, 2, 3]
    copy.close()


def test_a_log_without_its_file_is_not_taken_for_ours(path: Path, store: Store) -> None:
    store.add(readings(range(5)))
    log = path.with_name("history.db-wal").read_bytes()
    store.remove()
    path.with_name("history.db-wal").write_bytes(log)
    store.add(readings([9]))
    assert numbers(store.after(0, 10)) == [9]


@pytest.mark.parametrize("damage", ["garbage", "zeroes", "other table", "later"])
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(path: Path, damage: str) -> None:
    if damage == "garbage":
        path.write_bytes(b"this is not a database, whatever it is" * 500)
    elif damage == "other table":
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE reading (something)")
        other.close()
    else:
        made = Store(path, LARGE)
        made.add(readings(range(40)))
        made.close()
        content = bytearray(path.read_bytes())
        begin = 0 if damage == "zeroes" else 4096
        content[begin : begin + 8192] = bytes(8192)
        path.write_bytes(content)
    store = Store(path, LARGE)
    with pytest.raises(StateError, match=r"was damaged \(.*it is now history.db.damaged, .*look after the disk"):
        store.after(0, 10)
    assert not store.there
    store.add(readings([1]))
    assert numbers(store.after(0, 10)) == [1]
    store.close()
    assert path.with_name("history.db.damaged").exists()


def test_a_reading_that_the_disk_has_changed_is_left_out(path: Path, store: Store) -> None:
    store.add(readings(range(3)))
    store.close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE reading SET body = x'00' WHERE number = (SELECT min(number) FROM reading)")
    other.close()
    assert numbers(store.after(0, 1)) == [1]


def test_a_full_disk_is_told_and_what_is_there_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path) as folder:
        store = Store(folder / "history.db", LARGE)
        store.add(readings(range(5)))
        room = fill(folder)
        with pytest.raises(StateError, match="disk is full; look at the free space"):
            store.add(readings(range(5, 30)))
        assert numbers(store.after(0, 10)) == [0, 1, 2, 3, 4]
        room.unlink()
        store.add(readings([5]))
        assert numbers(store.after(0, 10)) == [0, 1, 2, 3, 4, 5]
        fill(folder)
        store.remove()
        assert not store.there


def test_a_disk_that_becomes_read_only_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path, "4m") as folder:
        store = Store(folder / "history.db", LARGE)
        store.add(readings([0]))
        store.close()
        make_read_only(folder)
        with pytest.raises(StateError, match=r"cannot keep readings in .*look at the free space and the owner"):
            store.add(readings([1]))
        with pytest.raises(StateError, match=r"cannot remove .*Read-only"):
            store.remove()
        make_read_only(folder, read_only=False)
        store.add(readings([1]))
        assert numbers(store.after(0, 10)) == [0, 1]
        store.close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "absent" / "history.db", LARGE)
    with pytest.raises(StateError, match="No such file or directory; look at"):
        store.add(readings([0]))


def test_a_file_that_another_process_has_is_told(path: Path, store: Store) -> None:
    store.add(readings([0]))
    with pytest.raises(StateError, match="database is locked"):
        Store(path, LARGE).add(readings([1]))


def test_much_is_written_in_parts(path: Path, store: Store) -> None:
    store.add(readings(range(100), TRANSACTION // 10))
    assert numbers(store.after(0, 1000)) == list(range(100))
    assert files(path)["history.db-wal"] < 5 * TRANSACTION
