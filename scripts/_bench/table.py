"""What comes out: one figure a row."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One result. `limit`: what `value` may be at most, None where there is no target. `control`: what it is worth."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    control: str = ""

    @property
    def over(self) -> bool:
        """Whether the target is missed."""
        return self.limit is not None and self.value > self.limit

    def row(self) -> str:
        """As a line of the table."""
        target = "" if self.limit is None else f"at most {self.limit:g}{self.unit}"
        verdict = "" if self.limit is None else "over" if self.over else "ok"
        return f"| {self.what} | {self.value:.3g}{self.unit} | {target} | {self.control} | {verdict} |"


HEAD = "| what | figure | target | control, spread | |\n|---|---|---|---|---|"


def spread(values: Sequence[float], unit: str = "") -> str:
    """The middle half of the values: from the first to the third quartile."""
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return f"{first:.3g} to {third:.3g}{unit}"
