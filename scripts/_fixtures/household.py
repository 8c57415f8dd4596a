"""What a made-up household consists of. Values are ours; `replies.py` renders them as the firmware would."""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import add

from _fixtures.equipment import AcBattery, Devices

FIRMWARE_8 = (8,)
"""Where the eighth generation begins, to compare versions with."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a meter: W and var now, V to neutral, Wh towards (`delivered`) and away from the switchboard."""

    watts: float = 0.0
    var: float = 0.0
    volts: float = 0.0
    delivered: float = 0.0
    received: float = 0.0

    def __add__(self, other: "Phase") -> "Phase":
        """Both on one conductor: powers and energies add up, the voltage is the same."""
        return Phase(
            self.watts + other.watts,
            self.var + other.var,
            self.volts,
            self.delivered + other.delivered,
            self.received + other.received,
        )

    def __neg__(self) -> "Phase":
        """The same, seen from the other side."""
        return Phase(-self.watts, -self.var, self.volts, self.received, self.delivered)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter shows for a phase, or for all of them: VA, V, A and power factor follow from the phases."""

    watts: float
    var: float
    va: float
    volts: float
    amps: float
    pf: float
    delivered: float
    received: float

    @classmethod
    def of(cls, phase: Phase) -> "Reading":
        """A phase as its meter shows it."""
        va = math.hypot(phase.watts, phase.var)
        return cls(
            watts=phase.watts,
            var=phase.var,
            va=va,
            volts=phase.volts,
            amps=va / phase.volts if phase.volts else 0.0,
            pf=phase.watts / va if va else 0.0,
            delivered=phase.delivered,
            received=phase.received,
        )

    def __add__(self, other: "Reading") -> "Reading":
        """The sum as gateways form it: voltages add up too."""
        watts, va = self.watts + other.watts, self.va + other.va
        return Reading(
            watts=watts,
            var=self.var + other.var,
            va=va,
            volts=self.volts + other.volts,
            amps=self.amps + other.amps,
            pf=watts / va if va else 0.0,
            delivered=self.delivered + other.delivered,
            received=self.received + other.received,
        )


def total(phases: tuple[Phase, ...]) -> Reading:
    """What a meter shows for all its phases."""
    return reduce(add, map(Reading.of, phases))


@dataclass(frozen=True, slots=True)
class Ct:
    """A meter. `noise` stands in the channels that are not connected; `kind` is the gateway's measurementType."""

    kind: str
    phases: tuple[Phase, ...]
    noise: tuple[Phase, ...] = ()
    enabled: bool = True
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverters:
    """Inverters of one kind: `watts` each, a little more or less; `silent` of them stopped reporting days ago.

    `energy`: Wh made by all of them. `gone`: so many were taken off the roof before these came.
    """

    first: int
    count: int
    watts: int
    peak: int
    energy: int
    silent: int = 0
    gone: int = 0

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        """Serial number, W at the last report, and highest W of each."""
        for n in range(self.count):
            wobble = n * 7 % 5 - 2
            yield str(self.first + n * 13), max(0, self.watts + wobble * (self.watts > 0)), self.peak - wobble


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """One IQ battery. `watts` above 0: it supplies the house. `capacity` in Wh. `silent`: it stopped reporting."""

    serial: str
    watts: int
    soc: int
    capacity: int = 5000
    celsius: int = 24
    phase: str = "ph-a"
    revision: int = 2
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, Content-Type and text."""

    status: int
    mime: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """A gateway and what is connected to it. The booleans at the end are faults and habits of its firmware.

    `totals`: today, seven days, lifetime in Wh and W now of /api/v1/production. `today`: Wh produced and consumed.
    `lines`: how many the production report lists with details=1. `instead`: other answers than the firmware's usual.
    `devices`: None where nobody asked for them. `nameless_info`: /info without a serial number.
    """

    name: str
    shows: str
    firmware: str
    serial: str
    part: str
    time: str
    imeter: bool | None
    inverters: Inverters
    totals: tuple[int, int, int, int]
    hertz: float = 50.0
    mode: str = "three"
    cts: tuple[Ct, ...] = ()
    today: tuple[float, float] = (0.0, 0.0)
    lines: int = 0
    batteries: tuple[Battery, ...] = ()
    ac_batteries: tuple[AcBattery, ...] = ()
    reserve: int = 20
    devices: Devices | None = None
    instead: Mapping[str, Reply] = field(default_factory=dict)
    sorted_report: bool = False
    net_is_import: bool = False
    total_is_net: bool = False
    summed_pf: bool = False
    today_is_lifetime: bool = False
    zero_meter: bool = False
    meter_reports: bool = False
    eim_vanished: bool = False
    no_measurement_type: bool = False
    nameless_info: bool = False

    @property
    def version(self) -> tuple[int, ...]:
        """The firmware as numbers that compare."""
        return tuple(int(part) for part in re.findall(r"\d+", self.firmware))

    @property
    def epoch(self) -> int:
        """Seconds since 1970 at which all replies were given."""
        return int(datetime.fromisoformat(self.time).timestamp())

    @property
    def legs(self) -> int:
        """How many phases the house has."""
        return len(self.cts[0].phases) if self.cts else 1

    @property
    def present_ac_batteries(self) -> tuple[AcBattery, ...]:
        """The AC batteries that are still in the house."""
        return tuple(battery for battery in self.ac_batteries if not battery.removed)

    def ct(self, *kinds: str) -> Ct | None:
        """The meter of one of these kinds."""
        return next((ct for ct in self.cts if ct.kind in kinds), None)


_KINDS = ("production", "net-consumption", "storage", "backfeed", "load", "evse", "pv3p")


def seven(*cts: Ct) -> tuple[Ct, ...]:
    """The list of firmware that knows seven meters: these, and the others switched off, in its order."""

    def place(ct: Ct) -> int:
        return _KINDS.index(ct.kind.replace("total", "net"))

    dead = (Phase(),) * len(cts[0].phases)
    taken = {place(ct) for ct in cts}
    others = (Ct(kind, dead, enabled=False) for n, kind in enumerate(_KINDS) if n not in taken)
    return tuple(sorted((*cts, *others), key=place))


def build_id(*parts: object) -> str:
    """Six hex digits, as firmware names its builds."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:6]
