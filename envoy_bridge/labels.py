"""What people call what a gateway tells: names for Home Assistant, Homie and whoever shows a value with a name."""

from typing import Final

from envoy_bridge.catalog import branch, device, of_cloud

_WORDS: Final = {
    "ac": "AC",
    "acb": "ACB",
    "bmu": "BMU",
    "comm": "communication",
    "dc": "DC",
    "enlighten": "Enlighten",
    "esub": "ESUB",
    "led": "LED",
    "line1": "line 1",
    "line2": "line 2",
    "line3": "line 3",
    "max": "highest",
    "mid": "MID",
    "min": "lowest",
    "opt": "optimised",
    "soc": "state of charge",
    "temp": "temperature",
}
_TOGETHER: Final = {"total": "total", "iq": "total (IQ)"}
"""What stands where a serial number stands when a device is several together."""

_ENERGY: Final = {
    "imported": "import",
    "exported": "export",
    "week": "this week",
    "month": "this month",
    "year": "this year",
}


def title(part: str, name: str) -> str:
    """The name of a quantity beside the others of its thing: `Grid import`, `Production L2 voltage`, `DC current`.

    The parts of a flow, and sides of the gateway, stand with the gateway, so they say what they are; the power of a
    flow is the flow itself. A quantity of a device says only what it is of the device.
    """
    kind = device(part)
    if of_cloud(part):
        return _capital(_words(name))
    if kind is not None:
        words = [_words(name)] if not kind.facet else [kind.label, _words(name)]
        return _capital(" ".join(words))
    flow, _, phase = part.partition("/")
    where = [branch(flow).label, *([] if phase == "total" else [phase.upper()])]
    if name == "power":
        return " ".join(where)
    if name.startswith("energy_"):
        return " ".join([*where, *(_ENERGY.get(word, word) for word in name.split("_")[1:])])
    return " ".join([*where, _words(name)])


def thing(part: str) -> str:
    """What a device is called within its house: `Inverter 482200000001`, `Battery total`, `Generator`, `Panel 3`."""
    if of_cloud(part):
        return _capital(part.replace("-", " ", 1))
    kind = device(part)
    member = part.partition("/")[2]
    label = part if kind is None else kind.label
    return f"{label} {_TOGETHER.get(member, member.upper())}".strip()


def _words(name: str) -> str:
    plain = name.replace("_2_4_ghz", " 2.4 GHz").replace("_sub_ghz", " below 1 GHz").replace("q_relays", "Q-Relays")
    if plain.endswith("_max"):
        plain = f"max_{plain.removesuffix('_max')}"
    return " ".join(_WORDS.get(word, word) for word in plain.replace("_", " ").split())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
