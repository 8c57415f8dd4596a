"""What `check` has found, and how it is shown: in colour on a terminal, plain in a pipe, or as one JSON object."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TextIO

import msgspec

from envoy_bridge import __version__
from envoy_bridge.errors import EnvoyBridgeError
from envoy_bridge.redaction import redact, redact_value

_WIDEST: Final = 100
"""Columns of text, however wide the terminal is."""
_INDENT: Final = 9
"""Columns before the text of a finding."""
_ERASE: Final = "\r\033[2K"
_BOLD, _RESET = "\033[1m", "\033[0m"


class Level(StrEnum):
    """How bad it is. WARN: look at it, data flows all the same. FAULT: it keeps data from flowing."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAULT = "FAULT"


_COLOURS: Final = {Level.OK: "\033[32m", Level.NOTE: "", Level.WARN: "\033[33m", Level.FAULT: "\033[1;31m"}


class Report:
    """Prints findings as they come, below headings, and counts the faults.

    With `as_json` nothing is printed before `end`. `progress` gets what takes a while, if it is a terminal. All text
    is redacted, and cannot steer the terminal: some of it was sent by a device.
    """

    def __init__(
        self, out: TextIO, *, as_json: bool = False, progress: TextIO | None = None, environ: Mapping[str, str]
    ) -> None:
        self._out = out
        self._as_json = as_json
        self._progress = progress if progress is not None and progress.isatty() else None
        self._sections: list[dict[str, Any]] = []
        self._colours = out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self._width = min(_WIDEST, shutil.get_terminal_size().columns) if out.isatty() else None
        self.faults = 0
        self.warnings = 0

    @property
    def draws(self) -> bool:
        """Can lines and arrows be drawn, other than with what ASCII has?"""
        return self._out.isatty() and (self._out.encoding or "").lower().replace("-", "") == "utf8"

    def section(self, title: str) -> None:
        """What comes next belongs to this."""
        self._sections.append({"section": redact(title), "findings": []})
        self._print(f"\n{self._coloured(_BOLD, title)}" if len(self._sections) > 1 else self._coloured(_BOLD, title))

    def good(self, text: str) -> None:
        """It is as it should be."""
        self._find(Level.OK, text)

    def note(self, text: str) -> None:
        """Good to know; nothing needs to be done."""
        self._find(Level.NOTE, text)

    def warn(self, text: str, next_step: str = "") -> None:
        """Something to look at."""
        self.warnings += 1
        self._find(Level.WARN, text, next_step)

    def fault(self, text: str, next_step: str, code: str = "") -> None:
        """Something keeps data from flowing. `next_step`: what to type, or to do. `code`: a word for scripts."""
        self.faults += 1
        self._find(Level.FAULT, text, next_step, code)

    def failed(self, error: EnvoyBridgeError, next_step: str, where: str = "") -> None:
        """An error that is a fault. `where`: a host, for an error that does not name it."""
        code = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
        self.fault(str(error) if where in str(error) else f"{where}: {error}", next_step, code)

    def lines(self, lines: Iterable[str]) -> None:
        """Lines that are not broken: a drawing, a table. Not part of the JSON."""
        for line in lines:
            self._print(f"  {line}".rstrip())

    def tell(self, **values: object) -> None:
        """What only the JSON says of this section."""
        self._sections[-1] |= {name: redact_value(value) for name, value in values.items()}

    def busy(self, text: str) -> None:
        """This takes a while; shown until something is found."""
        if self._progress:
            room = shutil.get_terminal_size().columns - 1
            self._progress.write(f"{_ERASE}{_safe(redact(text))[:room]}")
            self._progress.flush()

    def end(self, then: str) -> None:
        """The last line, or the JSON. `then`: what to say behind it when there are no faults."""
        odd = f"; {self.warnings} to look at, marked warn" if self.warnings else ""
        fine = "No fault" if self.warnings else "All is well"
        self._print(f"\n{self.faults} fault(s), see above{odd}." if self.faults else f"\n{fine}{odd}. {then}")
        if self._as_json:
            whole = {
                "version": __version__,
                "ok": not self.faults,
                "faults": self.faults,
                "warnings": self.warnings,
                "sections": self._sections,
            }
            self._out.write(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n")

    def _find(self, level: Level, text: str, next_step: str = "", code: str = "") -> None:
        found = {"level": level.lower(), "code": code, "text": text, "next": next_step}
        told = {name: redact(value) for name, value in found.items() if value}
        self._sections[-1]["findings"].append(told)
        mark = self._coloured(_COLOURS[level], f"{level:<6}")
        self._print(f"  {mark} {self._wrapped(told['text'])}")
        if next_step:
            self._print(" " * _INDENT + self._coloured(_BOLD, "next: ") + self._wrapped(told["next"], _INDENT + 6))

    def _wrapped(self, text: str, indent: int = _INDENT) -> str:
        text = _safe(text)
        if self._width is None:
            return text
        room = max(20, self._width - indent)
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
        return f"\n{' ' * indent}".join(lines)

    def _coloured(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colours and colour else text

    def _print(self, text: str) -> None:
        if self._progress:
            self._progress.write(_ERASE)
            self._progress.flush()
        if not self._as_json:
            encoding = self._out.encoding or "ascii"
            self._out.write(redact(text).encode(encoding, "replace").decode(encoding) + "\n")
            self._out.flush()


def _safe(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
