"""Writes topics.md, endpoints.md and quirks.md of docs/ from the model and the two tables. --check: are they fresh?"""

import sys
from pathlib import Path

from envoy_bridge.catalog import devices, doc, flows, quantities
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.quirks import QUIRKS

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
        "`time` and `sequence`; unknown is `null`) and `updated` (a time; the last message of a cycle).\n\n"
        "Of the bridge itself: `<base>/bridge/state` (`online`, `offline` as last will), `info`, `health` (each\n"
        "minute), `event` (JSON, not retained), and `request/refresh` and `request/announce`, answered on\n"
        "`response/...`.\n"
    )
    for name, kind in flows():
        text += f"\n## `{name}/<phase>/...`\n\n{doc(name)}.\n\n"
        text += table(("topic", "unit", "meaning"), quantity_rows(kind))
    for name, kind in devices():
        text += f"\n## `{name}/<serial>/...`\n\n{doc(name)}.\n\n"
        text += table(("topic", "unit", "meaning"), quantity_rows(kind))
    return text


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
            f"shown by `fixtures/{quirk.fixture}.har`.\n"
        )
    return text


def main() -> int:
    stale = []
    for name, text in {"topics.md": topics(), "endpoints.md": endpoints(), "quirks.md": quirks()}.items():
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
