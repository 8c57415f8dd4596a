"""The energy dashboard, filled in as its owner would, with what was announced."""

import time
from typing import Any, Final

from scripts._subscribers.house import LARGE
from scripts._subscribers.visit import Visit

STATISTICS_WITHIN: Final = 6 * 60.0
"""Seconds: Home Assistant makes statistics each five minutes, and calls a counter undefined before."""

_NO_PRICE: Final = {"entity_energy_price": None, "number_energy_price": None}


async def prepare(visit: Visit) -> None:
    """Solar, the grid and the battery, both ways."""
    names = (await visit.see()).ours()
    gateway = f"envoy_bridge_{visit.house.recordings[LARGE].serial}"

    def name(flow: str, counter: str) -> str:
        unique = f"{gateway}_{flow}_total_{counter}"
        if unique not in names:
            visit.complain("energy", [f"{unique} is not there"])
        return names.get(unique, "sensor.none")

    grid_in, grid_out = (name("net_consumption", counter) for counter in ("energy_imported", "energy_exported"))
    sources: list[dict[str, Any]] = [
        {
            "type": "solar",
            "stat_energy_from": name("production", "energy_lifetime"),
            "config_entry_solar_forecast": None,
        },
        {
            "type": "grid",
            "cost_adjustment_day": 0,
            "flow_from": [{"stat_energy_from": grid_in, "stat_cost": None, **_NO_PRICE}],
            "flow_to": [{"stat_energy_to": grid_out, "stat_compensation": None, **_NO_PRICE}],
        },
        {
            "type": "battery",
            "stat_energy_from": name("storage", "energy_discharged"),
            "stat_energy_to": name("storage", "energy_charged"),
        },
    ]
    await visit.home.client.ask("energy/save_prefs", energy_sources=sources)


async def is_valid(visit: Visit) -> None:
    """The dashboard has nothing to complain of."""

    async def issues() -> list[str]:
        answer = await visit.home.client.ask("energy/validate")
        return [str(issue) for part in answer.values() for source in part for issue in source]

    begin = time.monotonic()
    visit.complain("energy/validate", await visit.until(issues, STATISTICS_WITHIN))
    visit.say(f"energy/validate was asked for {time.monotonic() - begin:.0f} s")
