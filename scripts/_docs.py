"""Writes the generated pages of docs/ from the model, the tables and the households. --check: are they fresh?"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from households import FIXTURES, NAMES, look

from envoy_bridge.catalog import branch, flows, quantities
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.gateway.devices import DEVICES
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.known import phase_count
from envoy_bridge.gateway.plan import describe
from envoy_bridge.gateway.quirks import QUIRKS
from envoy_bridge.gateway.rules import RULES

DOCS = Path(__file__).parent.parent / "docs"
GENERATED = "<!-- Made by scripts/docs. Change what it is made from. -->\n"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def quantity_rows(kind: type) -> list[tuple[str, ...]]:
    return [(f"`{key}`", what.unit.symbol, what.doc) for key, what in quantities(kind)]


def topics() -> str:
    text = (
        f"# Topics\n\n{GENERATED}\n"
        "Below `<base>/<serial of the gateway>/`; the base is `envoy` unless `[mqtt] base_topic` says otherwise.\n"
        "All are retained, QoS 1. An unknown value is an empty message, which clears the topic: never 0, never a\n"
        "word. Phases are `total`, `l1`, `l2`, `l3`: as many as the gateway says its meter has.\n\n"
        "Beside the values: `availability` (`online` or `offline`: reachable and logged in), `info` (JSON: what the\n"
        "gateway is, and which endpoint supplies what), `state` (JSON: all values, nested as the topics are, with\n"
        "`time` and `sequence`; unknown is `null`), `updated` (a time; the last message of a cycle) and `history`\n"
        "(not retained: as `state`, of the time while the broker was away).\n\n"
        "Of the bridge itself: `<base>/bridge/state` (`online`, `offline` as last will), `info`, `health` (each\n"
        "minute), `event` (JSON, not retained), and `request/refresh`, `request/announce` and `request/counters`,\n"
        "answered on `response/...`.\n"
    )
    for name, kind in flows():
        text += f"\n## `{name}/<phase>/...`\n\n{branch(name).doc}.\n\n"
        text += table(("topic", "unit", "meaning"), quantity_rows(kind))
    for device in DEVICES:
        text += f"\n## `{device.name}/{'' if device.single else '<serial>/'}...`\n\n{device.doc}.\n\n"
        text += table(("topic", "unit", "meaning"), quantity_rows(device.kind))
    text += (
        "\n## Clouds\n\n"
        "`<base>/cloud/<provider>/<site>/<device>/...`, where `<device>` is `site` for the whole site, or such as\n"
        "`panel-3`, `meter-54369`; only what the vendor tells. What stands beside them: [clouds.md](clouds.md).\n\n"
    )
    return text + table(("topic", "unit", "meaning"), quantity_rows(Measured))


def endpoints() -> str:
    rows = [
        (
            f"`{row.endpoint.paths[0]}`",
            ", ".join(f"`{name}`" for name in sorted(row.supplies)),
            row.endpoint.cadence.value,
            f"{row.endpoint.deadline:g} s",
        )
        for row in ROWS
    ]
    return (
        f"# Endpoints\n\n{GENERATED}\n"
        "What a gateway is asked, from the top. The first row that answers and decodes supplies what it can, and\n"
        "keeps it: which endpoint a figure comes from does not change between two polls. `fast`, `slow` and\n"
        "`inverters` are keys of `[[gateway]]`. Beside these, `/info` is asked once an hour and whenever something\n"
        "stops answering.\n\n" + table(("path", "may supply", "cadence", "deadline"), rows)
    )


def quirks() -> str:
    text = (
        f"# Quirks\n\n{GENERATED}\n"
        "Known faults of firmware that are put right before a reply is read. Those that fired on a gateway stand in\n"
        "its topic `info` and in `envoy-bridge check`.\n"
    )
    for quirk in QUIRKS:
        since = ".".join(str(part) for part in quirk.since) or "any"
        link = f" [More]({quirk.link})." if quirk.link else ""
        text += (
            f"\n## {quirk.id}\n\n{quirk.why}{link}\n\n"
            f"Endpoint `{', '.join(quirk.endpoints)}`, firmware {since}{' and later' if quirk.since else ''}; "
            f"shown by {files(quirk.fixtures)}.\n"
        )
    text += (
        "\n# Rules\n\n"
        "What else firmware does, where no reply has to be put right: so the program is made, for all gateways.\n"
    )
    for rule in RULES:
        shown = f"; shown by {files(rule.fixtures)}" if rule.fixtures else ""
        text += f"\n## {rule.id}\n\n{rule.why}\n\nFirmware {rule.firmware}{shown}.\n"
    return text


def files(fixtures: tuple[str, ...]) -> str:
    return ", ".join(f"`fixtures/{name}.har`" for name in fixtures)


def supported() -> str:
    homes = [(name, look(FIXTURES / f"{name}.har")) for name in NAMES]
    rows = [
        (
            home.plan.info.firmware or "?",
            home.plan.info.model,
            str(describe(home.plan)["phases"] or "-"),
            ", ".join(f"{name} {phase_count(meter)}" for name, meter in home.plan.known.measuring.items()) or "none",
            ", ".join(device.name for device in DEVICES if home.snapshot.devices.get(device.name)) or "none",
            f"`{name}`",
        )
        for name, home in sorted(homes, key=lambda each: (each[1].plan.info.version, each[0]))
    ]
    head = ("firmware", "gateway", "phases", "CTs and their phases", "devices", "household")
    return (
        f"# Supported\n\n{GENERATED}\n"
        "Every firmware from 3.2 to 8.3 that is known, metered or not, with any set of CTs. These are the households\n"
        "that the tests run through, each from `fixtures/`; the `.txt` beside a recording is what a subscriber sees.\n"
        "They are made up after what real gateways answer. Is yours missing, or wrong? A recording helps.\n\n"
        + table(head, rows)
    )


def main() -> int:
    stale = []
    pages = {"topics.md": topics(), "endpoints.md": endpoints(), "quirks.md": quirks(), "supported.md": supported()}
    for name, text in pages.items():
        path = DOCS / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if "--check" in sys.argv and stale:
        sys.stderr.write(f"not fresh: {', '.join(stale)}; run scripts/docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
