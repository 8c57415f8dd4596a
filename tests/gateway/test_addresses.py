"""Where gateways were: kept over restarts, whatever becomes of the file; and when to search for one again."""

import json
from pathlib import Path

import pytest
from handclock import HandClock

from envoy_bridge.gateway.addresses import Addresses, Place, Whereabouts

FILE = "addresses.json"
SERIAL, OTHER = "122011000001", "122011000002"

DAMAGED = {
    "empty": b"",
    "torn": b'{"122011000001":{"addr',
    "not JSON": b"\xff\xfe",
    "not UTF-8": b'{"122011000001":{"address":"\xff"}}',
    "a list": b"[]",
    "null": b"null",
    "a number for an address": b'{"122011000001":{"address":7}}',
    "a path behind the address": b'{"122011000001":{"address":"192.0.2.1/x?"}}',
    "a user before the address": b'{"122011000001":{"address":"me@192.0.2.1"}}',
    "of somebody else": b'{"122011000001":{"ip":"192.0.2.1"}}',
    "deep": b'{"122011000001":{"x":' + b"[" * 100_000,
}


def test_the_last_good_address_outlives_a_restart(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    addresses.keep(SERIAL, Place("192.0.2.1", "envoy.local"))
    addresses.keep(OTHER, Place("[fd00::7]:8443"))
    addresses.keep(SERIAL, Place("192.0.2.9", "envoy.local"))
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    later = Addresses(tmp_path)
    assert later.last(SERIAL) == "192.0.2.9"
    assert later.last(OTHER) == "[fd00::7]:8443"
    assert later.last(None) is None
    assert later.serial_at("envoy.local") == SERIAL
    assert later.serial_at(None) == OTHER
    assert later.serial_at("192.0.2.9") is None, "that is where it was found, not how it is configured"


def test_of_two_that_a_host_has_led_to_the_latest_counts(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    for serial in (OTHER, SERIAL):
        addresses.keep(serial, Place("192.0.2.1", "192.0.2.1"))
    assert Addresses(tmp_path).serial_at("192.0.2.1") == SERIAL


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    Addresses(tmp_path).keep(SERIAL, Place("192.0.2.1"))
    written = (tmp_path / FILE).stat().st_ino
    addresses = Addresses(tmp_path)
    for _ in range(3):
        addresses.keep(SERIAL, Place("192.0.2.1"))
    assert (tmp_path / FILE).stat().st_ino == written
    addresses.keep(SERIAL, Place("192.0.2.2"))
    assert json.loads((tmp_path / FILE).read_bytes())[SERIAL]["address"] == "192.0.2.2"


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_like_none(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_bytes(content)
    addresses = Addresses(tmp_path)
    assert addresses.last(SERIAL) is None
    assert len(caplog.records) == (content != b"")
    addresses.keep(SERIAL, Place("192.0.2.1"))
    assert Addresses(tmp_path).last(SERIAL) == "192.0.2.1"


def test_a_file_that_cannot_be_read_is_like_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).mkdir()
    assert Addresses(tmp_path).last(SERIAL) is None
    assert len(caplog.records) == 1


def test_a_disk_that_cannot_be_written_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    addresses = Addresses(tmp_path / "gone")
    for number in range(5):
        addresses.keep(SERIAL, Place(f"192.0.2.{number}"))
    assert addresses.last(SERIAL) == "192.0.2.4"
    assert len(caplog.records) == 1
    (tmp_path / "gone").mkdir()
    addresses.keep(SERIAL, Place("192.0.2.5"))
    assert Addresses(tmp_path / "gone").last(SERIAL) == "192.0.2.5"


def test_without_a_directory_nothing_is_written() -> None:
    addresses = Addresses()
    addresses.keep(SERIAL, Place("192.0.2.1"))
    assert addresses.last(SERIAL) == "192.0.2.1"


def test_where_to_ask_first(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    addresses.keep(SERIAL, Place("192.0.2.1"))
    where = Whereabouts(addresses=addresses)
    assert where.known("envoy.local", SERIAL) == ["envoy.local", "192.0.2.1"]
    assert where.known(None, SERIAL) == ["192.0.2.1"]
    assert where.known(None, OTHER) == []
    where.arrived("192.0.2.5", "envoy.local", SERIAL)
    assert where.former == "envoy.local"
    assert where.known("envoy.local", SERIAL) == ["192.0.2.5", "envoy.local"], "where it answers is better than a name"
    where.arrived("192.0.2.5", "envoy.local", SERIAL)
    assert where.former is None, "it is still there"


def test_a_search_once_a_minute() -> None:
    clock = HandClock()
    where = Whereabouts(clock=clock)
    assert where.may_search
    where.searched([])
    assert not where.may_search
    clock.advance(59)
    assert not where.may_search
    clock.advance(1)
    assert where.may_search


def test_what_was_announced_is_tried_in_turn() -> None:
    where = Whereabouts()
    assert where.some_announced(besides={}) == []
    where.searched(["a", "b", "c", "d", "e"])
    assert where.some_announced(besides={"b"}) == ["a", "c", "d"]
    assert where.some_announced(besides={"b"}) == ["e", "a", "c"]
    where.arrived("a", None, SERIAL)
    assert where.some_announced(besides={}) == []
