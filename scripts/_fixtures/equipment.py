"""What may hang on a gateway besides meters and inverters. Values are ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AcBattery:
    """One AC battery, 1.24 kWh. `watts` above 0: it supplies the house. `celsius`: of its hottest cell.

    `sleep`: it sleeps from one charge to the other, percent. `removed`: it is no longer in the house.
    """

    serial: str
    watts: int = 0
    soc: int = 0
    celsius: int = 24
    sleep: tuple[int, int] | None = None
    removed: bool = False

    @property
    def energy(self) -> int:
        """Wh that are in it."""
        return AC_BATTERY_WH * self.soc // 100


AC_BATTERY_WH = 1240


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """The system controller (ENPOWER), which stands between house and grid and thinks in Fahrenheit."""

    serial: str
    fahrenheit: int = 79


@dataclass(frozen=True, slots=True, kw_only=True)
class Collar:
    """What stands between house and grid in newer systems, at the meter; with the combiner's controller and meter."""

    serial: str
    combiner: str
    rgm: str
    celsius: int = 39


@dataclass(frozen=True, slots=True, kw_only=True)
class QRelay:
    """A relay that parts inverters from the grid. `lines`: which of L1 to L3 it sees under voltage."""

    serial: str
    state: str = "closed"
    reason: tuple[int, str] = (0, "ok")
    lines: tuple[bool, ...] = (True, True, True)
    communicating: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A dry contact that is in use. `soc`: percent between which it switches in the mode `soc`."""

    id: str
    load: str
    status: str = "closed"
    mode: str = "manual"
    soc: tuple[float, float] = (30.0, 70.0)
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """A generator that stands still. `soc`: of the batteries, percent, at which it starts and stops."""

    id: str
    manufacturer: str
    model: str
    kilowatts: float
    amps: float
    mode: str = "auto"
    soc: tuple[int, int] = (25, 75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How the owner wants the batteries used. `plans`: the cloud plans, and what is set here does not count."""

    mode: str = "self-consumption"
    charge_from_grid: bool = False
    plans: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How the gateway is connected: `eth0`, `wlan0` or `ppp0`; and where it stands, with its hours from UTC."""

    interface: str = "eth0"
    zone: str = "Europe/Vienna"
    hours: int = 2
    reported: bool = True
    """Whether it reaches the cloud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """All of that. `export_limit`: percent; None: exports are not limited. `live`: its live data was recorded.

    `esub`: serial number of a board of the controller that is listed by itself.
    """

    controller: Controller | None = None
    collar: Collar | None = None
    q_relays: tuple[QRelay, ...] = ()
    contacts: tuple[Contact, ...] = ()
    generator: Generator | None = None
    storage: Storage = Storage()
    network: Network = Network()
    export_limit: float | None = None
    live: bool = False
    esub: str = ""
