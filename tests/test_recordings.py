"""Real gateways, where their recordings are at hand: through the real daemon to a real broker."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from broker import Subscriber, settled
from program import ROOT, leaves, site
from waiting import until

from envoy_bridge.simulator.har import Recording

SHARED = ROOT.parent / "shared"
RECORDINGS = {path.stem: Recording.from_har(path) for path in sorted((SHARED / "recordings").glob("*.har"))}

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="the recordings are not beside this checkout")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What was kept of each recording, by topic below its gateway."""
    return asyncio.run(_publish(tmp_path_factory.mktemp("recordings")))


async def _publish(folder: Path) -> dict[str, dict[str, str]]:
    kept: dict[str, dict[str, str]] = {}
    for number, batch in enumerate(_batches()):
        place = folder / str(number)
        place.mkdir()
        kept |= await _poll(place, batch)
    return kept


def _batches() -> Iterator[dict[str, Recording]]:
    """All recordings, in as few parts as can be: some have the same serial number."""
    left = dict(RECORDINGS)
    while left:
        batch = {recording.serial: name for name, recording in left.items()}
        yield {name: left.pop(name) for name in batch.values()}


async def _poll(folder: Path, batch: Mapping[str, Recording]) -> dict[str, dict[str, str]]:
    roots = {name: f"envoy/{recording.serial.lower()}/" for name, recording in batch.items()}
    wanted = {root + topic for name, root in roots.items() for topic, values in expected(name).items() if values}
    async with (
        site(folder, *batch.values()) as place,
        Subscriber(place.broker.port, "envoy/#") as subscriber,
        place.daemon(),
    ):
        with suppress(TimeoutError):  # the tests tell what is missing
            await until(lambda: len(subscriber.messages) > len(wanted) and wanted <= subscriber.latest().keys(), 10)
        await settled(subscriber)
        kept = await place.retained()
    return {
        name: {
            topic.removeprefix(root): told.payload.decode() for topic, told in kept.items() if topic.startswith(root)
        }
        for name, root in roots.items()
    }


def expected(name: str) -> dict[str, list[float | str] | None]:
    """Acceptable values by topic: replies of one recording were taken seconds apart. None: not to be published."""
    values: dict[str, list[float | str] | None] = json.loads((SHARED / "expected" / f"{name}.json").read_text())
    return values


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_comes_out_right(published: dict[str, dict[str, str]], name: str) -> None:
    said = published[name]
    wrong = {
        topic: (said.get(topic), values)
        for topic, values in expected(name).items()
        if not _is_right(topic, said.get(topic), values)
    }
    assert not wrong


@pytest.mark.parametrize("name", RECORDINGS)
def test_its_state_is_the_topics_nested(published: dict[str, dict[str, str]], name: str) -> None:
    said = published[name]
    state = json.loads(said["state"])
    assert {state.pop("time"), state.pop("sequence")}
    assert dict(leaves(state)) == {topic: payload for topic, payload in said.items() if "/" in topic}


def _is_right(topic: str, payload: str | None, values: list[float | str] | None) -> bool:
    if payload is None or values is None:
        return payload is None and values is None
    quantity = topic.rpartition("/")[2]
    tolerance = 0.6 if quantity == "power" else 1.6 if quantity.startswith("energy_") else 0.06
    return any(
        payload == value if isinstance(value, str) else abs(float(payload) - value) <= tolerance for value in values
    )
