"""The households of `fixtures/`, read through the whole pure part of the program, without a socket."""

import asyncio
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handclock import HandClock, Hands

from envoy_bridge.catalog import plain, points
from envoy_bridge.counters.keeper import Keeper
from envoy_bridge.errors import EndpointAbsent
from envoy_bridge.gateway.assemble import bare
from envoy_bridge.gateway.http import Response
from envoy_bridge.gateway.plan import Access, Plan
from envoy_bridge.gateway.probe import Probe
from envoy_bridge.gateway.quirks import QUIRKS, Quirk
from envoy_bridge.model import Snapshot
from envoy_bridge.simulator.har import Recording, identity
from envoy_bridge.watch import Watch

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.har"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a recording: the plan, the snapshot, and every path that was asked."""

    plan: Plan
    snapshot: Snapshot
    asked: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """Topic below the gateway, and payload."""
        return {path.lower(): plain(value) for path, value, _ in points(self.snapshot)}


def look(path: Path, quirks: Sequence[Quirk] = QUIRKS) -> Seen:
    """Probe a recording and put together what it says, at the moment it was made."""
    return asyncio.run(_look(Recording.from_har(path), quirks))


async def _look(recording: Recording, quirks: Sequence[Quirk]) -> Seen:
    asked: list[str] = []
    answer = recording.reply("/info", 0.0)
    now = float(found[1]) if answer and (found := re.search(rb"<time>(\d+)<", answer.body)) else 0.0

    async def ask(path: str, _deadline: float) -> bytes:
        asked.append(path)
        return _body(recording, path)

    plan, fields = await Probe(ask, identity(recording), lambda: now, access=Access("owner"), quirks=quirks).survey()
    clock = HandClock(hands=Hands(now or 1.0))
    with tempfile.TemporaryDirectory() as folder:
        keeper = Keeper(Path(folder), plan.info.serial, clock, lambda *_: None)
        kept = keeper.keep(bare(plan, fields, now), plan)
    return Seen(plan, Watch(None, lambda *_: None).look(kept, plan.meters, now), tuple(asked))


def _body(recording: Recording, path: str) -> bytes:
    recorded = recording.reply(path, 0.0)
    if recorded is None:
        raise EndpointAbsent(f"{path} was not recorded")
    return Response(recorded.status, recorded.body).content(path)


def golden(seen: Seen) -> str:
    """What a subscriber sees of a household, one line a topic; then where it comes from."""
    lines = [f"{topic} {payload}" for topic, payload in sorted(seen.values.items())]
    sources = [f"# {name} from {row}" for name, row in sorted(seen.plan.sources.items())]
    derived = [f"# {name} derived" for name in sorted(seen.plan.derived)]
    quirks = [f"# quirk {quirk}" for quirk in sorted(seen.plan.quirks)]
    return "\n".join([*lines, *sources, *derived, *quirks]) + "\n"


if __name__ == "__main__":
    for name in NAMES:
        (FIXTURES / f"{name}.txt").write_text(golden(look(FIXTURES / f"{name}.har")))
