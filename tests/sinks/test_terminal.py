"""The live view: redrawn in place on a terminal, lines elsewhere."""

import io
import re
from datetime import UTC, datetime, timedelta

from households import FIXTURES, look
from msgspec.structs import replace

from envoy_bridge.model import Flow, Production, Snapshot
from envoy_bridge.sinks.terminal import Terminal, table

HOUSE = look(FIXTURES / "d8_3_three_phase_battery_pv3p.har").snapshot
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Screen(io.StringIO):
    """A terminal, as far as `isatty` goes."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What stands on it after all the moves up and the clearing of lines."""
        rows: list[str] = []
        row = 0
        for move, text, end in re.findall(
            r"(?:\033\[(\d+)A)?([^\n\033]*(?:\033\[(?:2K|J)[^\n\033]*)*)(\n?)", self.getvalue()
        ):
            row -= int(move or 0)
            if end:
                rows[row : row + 1] = [re.sub(r"\033\[(?:2K|J)", "", text)]
                row += 1
        return rows


def production(*powers: float | None) -> Snapshot:
    """A snapshot with the power of production: total, then phases."""
    channels = [Production(power=power) for power in powers]
    return Snapshot(
        serial="122000000000", time=NOON, production=Flow(**dict(zip(("total", "l1", "l2"), channels, strict=False)))
    )


def test_a_line_has_each_flow_with_its_phases() -> None:
    out = io.StringIO()
    Terminal(out).snapshot(HOUSE)
    (line,) = out.getvalue().splitlines()
    assert HOUSE.serial in line
    for name in ("production", "consumption", "net_consumption", "storage", "home", "evse", "pv3p"):
        assert re.search(rf"\b{name} -?\d+ \((-?\d+ ?){{1,3}}\)", line), name


def test_a_line_a_second_is_enough() -> None:
    out = io.StringIO()
    terminal = Terminal(out)
    for tenth in range(25):
        terminal.snapshot(replace(HOUSE, time=NOON + timedelta(seconds=tenth / 10)))
    assert out.getvalue().count("\n") == 3
    assert terminal.cycles == 25


def test_what_is_missing_is_never_zero() -> None:
    out = io.StringIO()
    Terminal(out).snapshot(production(5.0, None, 2.0))
    assert "production 5 (? 2)" in out.getvalue()
    out = io.StringIO()
    Terminal(out).snapshot(production(None, 1.0))
    assert "production" not in out.getvalue()
    assert [line.split() for line in table(production(5.0, None, 2.0))][2][:3] == ["production", "5", "2"]


def test_almost_nothing_is_nothing_without_a_sign() -> None:
    out = io.StringIO()
    Terminal(out).snapshot(production(-0.4, -0.4))
    assert "production 0 (0)" in out.getvalue()
    assert "-0" not in "".join(table(production(-0.4, -0.4)))


def test_a_terminal_is_redrawn_in_place() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.snapshot(HOUSE)
    rows = len(screen.lines())
    assert rows == len(list(table(HOUSE)))
    for second in range(5):
        terminal.snapshot(replace(HOUSE, time=NOON + timedelta(seconds=second)))
    assert len(screen.lines()) == rows
    assert f"{(NOON + timedelta(seconds=4)).astimezone():%H:%M:%S}" in screen.lines()[0]


def test_several_gateways_stand_below_each_other() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    for snapshot in (HOUSE, production(5.0), HOUSE):
        terminal.snapshot(snapshot)
    assert [line.split()[1] for line in screen.lines() if line.startswith("gateway")] == [HOUSE.serial, "122000000000"]
