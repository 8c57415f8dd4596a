"""The household of a simulated gateway as clouds see it: so that what they tell can be compared with the gateway. Pure.

Clouds know means of five minutes, and days of the site's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.household import Equipment, Household, Power
from envoy_bridge.simulator.live import DAY
from envoy_bridge.simulator.shape import look

FIVE: Final = 300
STEP: Final = 15
"""Seconds between two looks at the household, of which the mean is made."""


@dataclass(frozen=True)
class CloudHouse:
    """The same as in `LiveWorld`: at `start` (seconds since 1970) its clock shows `hour`, and a day takes `day`."""

    equipment: Equipment
    start: int
    hour: float
    day: float

    @classmethod
    def of(cls, recording: Recording, start: float, *, hour: float, day: float) -> "CloudHouse":
        """The household behind a recording."""
        return cls(look(recording).equipment, int(start), hour, day)

    def production(self, at: datetime) -> float:
        """Mean W of the panels in the five minutes around a moment."""
        return self._means(int(at.timestamp()) // FIVE)[0]

    def home(self, at: datetime) -> float:
        """Mean W that the house uses in them."""
        return self._means(int(at.timestamp()) // FIVE)[1]

    @lru_cache(maxsize=20_000)  # noqa: B019 - a household lasts as long as the simulator
    def _means(self, five: int) -> tuple[float, float]:
        looks = [self._powers(second) for second in range(five * FIVE, (five + 1) * FIVE, STEP)]
        made = [_watts(powers, "production") for powers in looks]
        used = [
            sum(_watts(powers, name) for name in ("production", "net-consumption", "storage", "pv3p"))
            for powers in looks
        ]
        return max(0.0, sum(made) / len(looks)), max(0.0, sum(used) / len(looks))

    def _powers(self, second: int) -> Mapping[str, Power]:
        pace = DAY / self.day
        hour = (self.hour + (second - self.start) * pace / 3600) % 24
        return Household(self.equipment, start=second, hour=hour, pace=pace).first().powers


def _watts(powers: Mapping[str, Power], name: str) -> float:
    return sum(powers.get(name, ()), 0j).real


def zone_at(now: float, hour: float) -> str:
    """The time zone in which it is this hour, to half an hour. `now`: seconds since 1970."""
    utc = datetime.fromtimestamp(now, UTC)
    ahead = round((hour - utc.hour - utc.minute / 60 + 12) % 24) - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # the sign in these names is the other way round
