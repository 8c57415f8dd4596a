"""A household of `fixtures/` that lives on, and what its gateway tells."""

import json
from pathlib import Path
from typing import Any

from handclock import HandClock, Hands

from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.live import LiveWorld

FIXTURES = Path(__file__).parent.parent / "fixtures"
START = 1_780_000_000
SHOWCASE = "d8_3_three_phase_battery_pv3p"


class Told:
    """A live household and what it tells at so many seconds after the start."""

    def __init__(self, household: str | Recording, **options: float) -> None:
        if isinstance(household, str):
            household = Recording.from_har(FIXTURES / f"{household}.har")
        self.recording = household
        self.world = LiveWorld(self.recording, HandClock(hands=Hands(wall=START)), **options)

    def body(self, path: str, second: float) -> Any:
        reply = self.world.reply(path, START + second)
        assert reply is not None
        return json.loads(reply.body)

    def meters(self, second: float) -> dict[str, Any]:
        """Readings by kind of meter."""
        kinds = {meter["eid"]: meter["measurementType"] for meter in self.body("/ivp/meters", second)}
        return {kinds.get(row["eid"], ""): row for row in self.body("/ivp/meters/readings", second)}

    def sections(self, second: float) -> dict[str, Any]:
        """Sections of the production report by what they measure."""
        report = self.body("/production.json?details=1", second)
        rows = [*report["production"], *report["consumption"]]
        return {row.get("measurementType", row["type"]): row for row in rows}
