"""The disk does not take readings, or gives other things back; and nothing else suffers."""

from pathlib import Path

import pytest
from broker import Broker, Subscriber
from disks import fill, make_read_only, small_disk
from lasting import STATE, arrived, complete, house
from waiting import until

from envoy_bridge.history.keep import FILE


async def test_a_full_disk_is_told_once_and_the_newest_are_sent_from_memory(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with Broker(tmp_path) as broker, small_disk(disk):
        room = fill(disk)
        broker.kill()
        async with house(disk, broker) as place:
            await place.live(150)
            assert place.codes() == ["history_failed"]
            assert "look at the free space and the owner" in place.events[0].message
            assert place.history.health["dropped"] == len(place.said) - 100
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                await until(lambda: place.history.health["stored"] == 0, 10)
                await until(lambda: complete(subscriber, place.said[-100:]))
                place.say()
                await until(lambda: arrived(subscriber, STATE)[-1:] == [place.said[-1]])
            broker.kill()
            await place.gone()
            room.unlink()
            await place.live(70)
            assert place.codes() == ["history_failed", "history_back"]
            assert place.history.health["bytes"] > 0


async def test_what_was_kept_before_the_disk_was_full_is_sent_too(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with Broker(tmp_path) as broker, small_disk(disk):
        broker.kill()
        async with house(disk, broker) as place:
            await place.live(40)
            room = fill(disk)
            await place.live(30)
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                await place.emptied()
                await until(lambda: complete(subscriber, place.said))
            room.unlink()


async def test_a_read_only_disk_does_not_stop_anything(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with Broker(tmp_path) as broker, small_disk(disk):
        broker.kill()
        make_read_only(disk)
        async with house(disk, broker) as place:
            await place.live(30)
            broker.start()
            async with Subscriber(broker.port) as subscriber:
                await place.emptied()
                await until(lambda: complete(subscriber, place.said))
            assert place.codes() == ["history_failed"]
        make_read_only(disk, read_only=False)


@pytest.mark.parametrize("connected", [True, False])
async def test_a_damaged_file_is_told_and_a_new_one_begun(tmp_path: Path, connected: bool) -> None:
    (tmp_path / FILE).write_bytes(b"what is this?" * 1000)
    with Broker(tmp_path) as broker:
        if not connected:
            broker.kill()
        async with house(tmp_path, broker) as place:
            await until(lambda: place.codes() == ["history_failed"])
            assert place.files == ["history.db.damaged"]
            if connected:
                broker.kill()
                await place.gone()
            await place.live(75)
            assert place.codes() == ["history_failed", "history_back"]
            assert place.history.health["stored"] == len(place.said)
