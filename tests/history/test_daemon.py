"""The program, killed and stopped while the broker is away: which readings arrive."""

import json
from itertools import pairwise
from pathlib import Path

from broker import Subscriber
from program import Site, household, site
from waiting import until

HOUSE = "d7_6_three_phase_net"
ROOT = f"envoy/{household(HOUSE).serial}"
EACH_SECOND = {"enabled": True, "every": "1s"}


def taken(subscriber: Subscriber, topic: str) -> list[int]:
    """The sequence numbers of the readings that came on it."""
    return [json.loads(payload)["sequence"] for payload in subscriber.payloads(f"{ROOT}/{topic}")]


def kept(place: Site) -> list[str]:
    return sorted(path.name for path in (place.folder / "state").glob("history*"))


def polls(place: Site) -> int:
    return sum(request.path == "/ivp/meters/readings" for request in place.gateways[HOUSE].requests)


async def more_polls(place: Site, count: int) -> None:
    wanted = polls(place) + count
    await until(lambda: polls(place) >= wanted, count + 10)


async def test_readings_of_an_outage_survive_two_kills_and_come_in_order(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, fast="1s") as place:
        place.broker.kill()
        config = place.configure(history=EACH_SECOND)
        for _ in range(2):
            async with place.daemon(config) as daemon:
                await until(lambda: "history.db" in kept(place), 15)
                await more_polls(place, 11)  # so that a second write is done
                await daemon.kill()
        async with place.daemon(config) as daemon:
            await more_polls(place, 3)
            place.broker.start()
            async with Subscriber(place.broker.port) as subscriber:
                await until(lambda: "history_sent" in daemon.codes(), 15)
                await until(lambda: taken(subscriber, "state"))
                history = taken(subscriber, "history")
                assert history == sorted(set(history)), "in order, none twice"
                assert not set(history[:-1]) & set(taken(subscriber, "state"))
                assert len(history) >= 2 * 8 + 3, "written each 9 s"
        assert kept(place) == []


async def test_a_clean_stop_loses_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, fast="1s") as place:
        place.broker.kill()
        config = place.configure(history=EACH_SECOND)
        async with place.daemon(config):
            await until(lambda: "history.db" in kept(place), 15)
            await more_polls(place, 4)
        assert kept(place) == ["history.db"]
        place.broker.start()
        async with Subscriber(place.broker.port) as subscriber, place.daemon(config) as daemon:
            await until(lambda: "history_sent" in daemon.codes(), 15)
            await until(lambda: len(taken(subscriber, "history")) >= 5)
            history = taken(subscriber, "history")
            assert max(later - earlier for earlier, later in pairwise(history)) < 2500, "in milliseconds"


async def test_in_normal_times_nothing_is_written_and_no_database_loaded(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, fast="1s") as place, Subscriber(place.broker.port) as subscriber:
        async with place.daemon(place.configure(history=EACH_SECOND)) as daemon:
            await until(lambda: len(taken(subscriber, "state")) > 12, 20)
            assert kept(place) == []
            assert "sqlite" not in daemon.loaded
        assert taken(subscriber, "history") == []


async def test_it_can_be_turned_off(tmp_path: Path) -> None:
    async with site(tmp_path, HOUSE, fast="1s") as place:
        place.broker.kill()
        async with place.daemon(place.configure(history={"enabled": False})) as daemon:
            await until(lambda: polls(place) > 3, 15)
            assert "sqlite" not in daemon.loaded
        assert kept(place) == []
