"""The releases of Home Assistant that are installed, as `scripts/_setup` does it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

FOLDER: Final = Path(".subscribers")

Style = Literal["device", "single", "off"]


@dataclass(frozen=True, slots=True)
class Release:
    """One release. `styles`: those of our announcements that it understands, the one to use first."""

    version: str
    styles: tuple[Style, ...]

    @property
    def environment(self) -> Path:
        """Its virtual environment."""
        return (FOLDER / f"homeassistant-{self.version}").absolute()

    @property
    def installed(self) -> bool:
        """Whether it is there, whole."""
        return (self.environment / "made-from").exists()


RELEASES: Final = (Release("2024.3.3", ("single",)), Release("2025.4.4", ("device", "single")))
"""The oldest that people still run, which does not know announcements of whole devices yet, and one that does."""
