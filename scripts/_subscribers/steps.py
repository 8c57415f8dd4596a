"""What can happen, and what Home Assistant must make of it."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Final

from scripts._subscribers.announced import PREFIX, UNAVAILABLE
from scripts._subscribers.judge import OURS
from scripts._subscribers.release import Style
from scripts._subscribers.visit import WITHIN, Visit

LOST_WITHIN: Final = 2.0
"""Seconds after which nothing may be available any more when the daemon is gone."""

_OURS: Final = re.compile(r"mqtt|envoy", re.IGNORECASE)

_BROKER_GONE: Final = re.compile(
    r"mqtt\.client\] (Disconnected from|Failed to connect to|Error returned from) MQTT"
    r"|The client is not currently connected"
)
"""What may be said of a broker that restarts."""

_ECHO: Final = re.compile(
    r"No device components to cleanup for envoy_bridge_|components\.mqtt\.discovery is logging too frequently"
)
"""When a device goes, 2025.4 itself clears its topic once more for each entity that was disabled, and then wonders."""

_NAMES: Final = re.compile(r"^\S+ \S+|\S*envoy\S*|\S+\.(inverter|battery|dry_contact|solar)_\S+", re.MULTILINE)
"""In what entries about the same thing differ: the time, topics and entities."""


async def first_start(visit: Visit, style: Style) -> None:
    """The daemon starts for the first time. Says what it announced, once that has come to rest."""
    begin = time.monotonic()
    visit.house.start(style)
    since = await visit.at_rest()
    await visit.settled("first start", time.monotonic())
    visit.measured(f"from the first start to the last announcement, style {style}", since - begin)
    topics, announced, seen = await visit.topics(), await visit.announced(), await visit.see()
    states = [seen.state(component) for component in announced if component.enabled]
    size = sum(len(payload) for topic, payload in topics.items() if topic.startswith(PREFIX))
    visit.say(
        f"{len(announced)} entities announced in {size} bytes, {len(states)} of them enabled, "
        f"{states.count('unknown')} of these unknown"
    )
    gateways = [recording.serial for recording in visit.house.recordings.values()]
    for source in (*gateways, *(f"cloud_{name}" for name in visit.house.clouds)):
        mine = [each for each in announced if each.unique_id.startswith(f"envoy_bridge_{source}_")]
        visit.say(f"  {source}: {len(mine)} entities of {len({str(each.device) for each in mine})} devices")
        if not mine:
            raise RuntimeError(f"nothing is announced of {source}; see {visit.house.folder}/daemon.log")


async def daemon_dies(visit: Visit) -> None:
    """`kill -9`: nothing may stay available."""
    entities = (await visit.see()).entities
    watched = [each for each in await visit.announced() if each.needs() and each.enabled]
    names = {entities[each.unique_id]["entity_id"] for each in watched}
    begin = await visit.house.kill()

    async def available() -> list[str]:
        states = await visit.home.client.states()
        return sorted(name for name in names if states[name]["state"] != UNAVAILABLE)

    left = await visit.until(available, 10 * LOST_WITHIN, every=0.02)
    took = time.monotonic() - begin
    visit.measured("kill -9 until all entities are unavailable", took, LOST_WITHIN, f"({len(names)} entities)")
    visit.complain("kill -9", [f"{name} is still available" for name in left])
    if took > LOST_WITHIN:
        visit.complain("kill -9", [f"it took {took:.1f} s"])


async def daemon_returns(visit: Visit, style: Style) -> None:
    """It starts again."""
    begin = time.monotonic()
    visit.house.start(style)
    await visit.settled("daemon started again", begin)


async def home_restarts_alone(visit: Visit) -> None:
    """Home Assistant restarts while the daemon is dead: nothing old may come to life."""
    await visit.home.stop()
    took = await visit.home.start()
    await asyncio.sleep(5)  # until all that is retained has arrived
    seen = await visit.see()
    states = {name: seen.states[name]["state"] for name in seen.ours().values() if name in seen.states}
    alive = [f"{name} is {state}" for name, state in states.items() if state != UNAVAILABLE]
    visit.complain("restart of Home Assistant without the daemon", alive)
    visit.say(f"restarted within {took:.1f} s without the daemon: {len(alive)} entities of {len(states)} are not dead")


async def home_restarts(visit: Visit) -> None:
    """Home Assistant restarts."""
    await visit.home.stop()
    begin = time.monotonic()
    await visit.home.start()
    await visit.settled("Home Assistant restarted", begin)


async def broker_restarts(visit: Visit) -> None:
    """The broker forgets everything."""
    before = len(await visit.announced())
    await asyncio.to_thread(visit.house.broker.__exit__, None, None, None)
    await asyncio.sleep(3)
    begin = time.monotonic()
    await asyncio.to_thread(visit.house.broker.__enter__)
    await visit.settled("broker restarted without its memory", begin, 2 * WITHIN, least=before)


async def style_changes(visit: Visit, style: Style, before: Mapping[str, str] | None = None) -> None:
    """Another style of announcement: all entities are as before, and nothing of the other style is on the broker.

    `before`: their ids by unique id, None for the present ones.
    """
    before = (await visit.see()).ours() if before is None else before
    await visit.house.stop()
    begin = time.monotonic()
    visit.house.start(style)
    left = await visit.until(lambda: _other_style(visit, style), WITHIN)
    moved = time.monotonic() - begin
    await visit.at_rest()
    await visit.settled(f"style {style}", time.monotonic())
    visit.measured(f"style changed to {style}, until nothing of another is left", moved)
    visit.complain(f"style {style}", left + _differences(before, (await visit.see()).ours()))


async def announcing_ends(visit: Visit) -> None:
    """Style off: nothing may stay on the broker, and in Home Assistant only what it does not forget by itself."""
    unseen = (await visit.see()).unseen()
    await visit.house.stop()
    begin = time.monotonic()
    visit.house.start("off")

    async def left() -> list[str]:
        topics = [each for each in await visit.topics() if each.startswith(PREFIX)]
        ours = {key: name for key, name in (await visit.see()).ours().items() if key not in unseen}
        return [f"{each} is left behind" for each in (*topics, *ours.values())]

    visit.complain("style off", await visit.until(left, WITHIN))
    visit.measured(
        "style off, until nothing is left", time.monotonic() - begin, control=f"(but {len(unseen)} disabled)"
    )


async def inverter_leaves(visit: Visit, style: Style) -> None:
    """One inverter is taken off the roof, the gateway has not listed it for a day, and the clouds are not asked."""
    seen = await visit.see()
    before, unseen = seen.ours(), seen.unseen()
    await visit.house.stop()
    serial = visit.house.lose_an_inverter()
    begin = time.monotonic()
    visit.house.start(style, hurried=True)

    async def left() -> list[str]:
        found = [key for key in (await visit.see()).ours() if _gone(key, serial) and key not in unseen]
        found += [topic for topic in await visit.topics() if serial in topic]
        return [f"{each} is left behind" for each in found]

    visit.complain("an inverter less", await visit.until(left, WITHIN))
    visit.measured("an inverter not listed for a day, until nothing of it is left", time.monotonic() - begin)
    others = {key: name for key, name in before.items() if not _gone(key, serial)}
    visit.complain("an inverter less", _differences(others, (await visit.see()).ours()))
    await visit.house.stop()
    begin = time.monotonic()
    visit.house.start(style)
    await visit.settled("with one inverter less", begin)


async def log_is_quiet(visit: Visit) -> None:
    """Home Assistant found nothing to warn of in what we say."""
    ours = [entry for entry in visit.home.noise() if _OURS.search(entry)]
    echoes = [entry for entry in ours if _ECHO.search(entry)]
    worth = [entry for entry in ours if entry not in echoes and not _BROKER_GONE.search(entry)]
    visit.say(
        f"log: {len(worth)} entries about us, {len(ours) - len(worth) - len(echoes)} about the broker that restarted, "
        f"{len(echoes)} about topics that Home Assistant itself cleared again"
    )
    alike: dict[str, list[str]] = {}
    for entry in worth:
        alike.setdefault(_NAMES.sub("", entry), []).append(entry)
    visit.complain("log", [f"{len(entries)} times, first {entries[0]}" for entries in alike.values()])


async def _other_style(visit: Visit, style: Style) -> list[str]:
    topics = [each for each in await visit.topics() if each.startswith(PREFIX)]
    wrong = [each for each in topics if each.startswith(f"{PREFIX}device/") != (style == "device")]
    return [f"{each} is on the broker" for each in wrong] or ([] if topics else ["nothing is on the broker"])


def _gone(key: str, serial: str) -> bool:
    """Whether this unique id is of what has left: the inverter of this serial number, or a cloud."""
    return serial in key or key.startswith(f"{OURS}_cloud_")


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Entities that are gone, or called otherwise. A new one is none: a gateway may tell more after a while."""
    return [f"{key} was {name}, is {after.get(key)}" for key, name in before.items() if after.get(key) != name]
