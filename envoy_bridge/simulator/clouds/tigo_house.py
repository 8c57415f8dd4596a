"""What a made-up household with optimizers looks like at Tigo: its objects, and its tables. Pure.

Power is given as a function of the moment, so that a gateway and other clouds can tell of the same household.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Power = Callable[[datetime], float]
"""W of all panels together at a moment, on the DC side."""

ROOT: Final = 1
INVERTER: Final = 900
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
SYSTEM_TYPE, PANEL_TYPE, STRING_TYPE = 1, 2, 3
TYPES: Final = {SYSTEM_TYPE: "System", PANEL_TYPE: "Panel", STRING_TYPE: "String"}


def sunny_day(at: datetime) -> float:
    """W on a day like any other: half a sine from 6 to 20 h at -08:00, 5 kW at its top."""
    hour = (at.astimezone(UTC) - timedelta(hours=8)).timestamp() % 86_400 / 3600
    return 5000.0 * max(0.0, math.sin(math.pi * (hour - 6) / 14))


@dataclass
class TigoSystem:
    """One system. `strings`: how many panels each has, by label.

    May be changed while it is served: `zone`; `silent`: from when on an object tells nothing; `lost`: minutes of which
    nobody knows anything, by their beginnings; `since`: when it was switched on.
    """

    number: int
    zone: str
    since: datetime
    power: Power = sunny_day
    strings: Mapping[str, int] = field(default_factory=lambda: {"A": 3, "B": 2})
    silent: dict[int, datetime] = field(default_factory=dict)
    lost: set[datetime] = field(default_factory=set)
    _minutes: dict[int, float] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._total = (_floor(self.since, MINUTE), 0.0)
        number = ROOT
        self.panels: dict[int, str] = {}
        self.members: dict[int, list[int]] = {}
        self.labels: dict[int, str] = {}
        for label, count in self.strings.items():
            string, panels = number + 1, list(range(number + 2, number + 2 + count))
            number += 1 + count
            self.labels[string] = f"String {label}"
            self.members[string] = panels
            self.panels |= {panel: f"{label}{place}" for place, panel in enumerate(panels, 1)}
        self.labels |= self.panels

    @property
    def tz(self) -> ZoneInfo:
        """Of the site."""
        return ZoneInfo(self.zone)

    def objects(self) -> list[Json]:
        """As `objects/system` lists them: a panel is among its own children."""
        root = {"id": ROOT, "label": "System", "object_type_id": SYSTEM_TYPE, "parent_id": -1, "datasource": None}
        found: list[Json] = [root | {"children": list(self.members), "ui": {"X": 100, "Y": 100, "MP": 5000}}]
        for string, panels in self.members.items():
            label = self.labels[string]
            each = {"id": string, "label": label, "object_type_id": STRING_TYPE, "parent_id": ROOT}
            found.append(each | {"datasource": None, "children": panels})
            found += [
                {
                    "id": panel,
                    "label": self.panels[panel],
                    "object_type_id": PANEL_TYPE,
                    "parent_id": string,
                    "datasource": self.source(panel),
                    "children": [panel],
                }
                for panel in panels
            ]
        return found

    def source(self, panel: int) -> str:
        """What a column may be called by, before its param."""
        return f"04C05B800ACE.panels.{self.panels[panel]}"

    def layout(self) -> Json:
        """As `systems/layout` has it: one inverter, to which all strings go."""
        strings = [
            {
                "string_id": string,
                "label": self.labels[string],
                "short_label": self.labels[string][-1],
                "object_id": string,
                "panels": [
                    {
                        "panel_id": panel,
                        "object_id": panel,
                        "label": self.panels[panel],
                        "serial": f"04C05B80{panel:04}",
                    }
                    for panel in panels
                ],
            }
            for string, panels in self.members.items()
        ]
        inverter = {"inverter_id": 1, "inverter_type_id": 1, "label": "Inverter 1", "object_id": INVERTER}
        mppts = [{"mppt_id": 1, "label": "MPPT 1", "strings": strings}]
        return {"system_id": self.number, "inverters": [inverter | {"inverter_serial": "ABC", "mppts": mppts}]}

    def of_panel(self, panel: int, param: str, at: datetime) -> float | None:
        """What an optimizer measured in the minute that begins then: W, V, A, or a strength of signal."""
        if at < self.since or at in self.lost or (panel in self.silent and at >= self.silent[panel]):
            return None
        if param == "RSSI":
            return 100.0 + panel
        watts, volts = self._watts(at) / len(self.panels), 30.0 + panel
        return round({"Pin": watts, "Vin": volts}.get(param, watts / volts), 3)

    def _watts(self, at: datetime) -> float:
        minute = int(at.timestamp()) // 60
        if minute not in self._minutes:
            self._minutes[minute] = self.power(at)
        return self._minutes[minute]

    def watts(self, number: int, at: datetime) -> float | None:
        """W of an object in the minute that begins then: the sum of its panels, as far as they tell."""
        if self.lost or self.silent or at < self.since:
            told = [self.of_panel(panel, "Pin", at) for panel in self._below(number)]
            known = [watts for watts in told if watts is not None]
            return sum(known) if known else None
        return self._watts(at) * len(self._below(number)) / len(self.panels)

    def _below(self, number: int) -> Sequence[int]:
        if number in self.panels:
            return [number]
        return list(self.panels) if number == ROOT else self.members.get(number, [])

    def energy(self, number: int, start: datetime, end: datetime) -> float | None:
        """Wh of an object between two moments."""
        minutes = (start + MINUTE * count for count in range(math.ceil((end - start) / MINUTE)))
        known = [watts for minute in minutes if (watts := self.watts(number, minute)) is not None]
        return sum(known) / 60 if known else None

    def total(self, until: datetime) -> float:
        """Wh of all panels since the system was switched on, whether they told it or not."""
        reached, total = self._total
        while reached < until:
            total += self._watts(reached) / 60
            reached += MINUTE
        self._total = (reached, total)
        return total

    def midnight(self, day: date) -> datetime:
        """When a day begins at the site."""
        return datetime.combine(day, time(), self.tz).astimezone(UTC)

    def steps(self, first: datetime, last: datetime, step: timedelta, *, inclusive: bool) -> Iterator[datetime]:
        """The marks between two local times without an offset: an hour that comes twice is there twice."""
        moment = _floor(first.replace(tzinfo=self.tz, fold=0), step)
        over = last.replace(tzinfo=self.tz, fold=1).astimezone(UTC)
        while moment <= over:
            local = moment.astimezone(self.tz).replace(tzinfo=None)
            if first <= local and (local < last or (inclusive and local == last)):
                yield moment
            moment += step


def _floor(moment: datetime, step: timedelta) -> datetime:
    seconds = int(step.total_seconds())
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)
