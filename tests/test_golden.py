"""Every household of ours, through the whole pure pipeline, against the text beside it.

To see what a change does to what users get: `scripts/golden`, then read the diff.
"""

import pytest
from households import FIXTURES, NAMES, golden, look

from envoy_bridge.gateway.quirks import QUIRKS, Quirk


@pytest.mark.parametrize("name", NAMES)
def test_a_household_gives_what_stands_beside_it(name: str) -> None:
    assert golden(look(FIXTURES / f"{name}.har")) == (FIXTURES / f"{name}.txt").read_text()


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.id)
def test_without_a_quirk_its_fixture_would_be_published_wrong(quirk: Quirk) -> None:
    path = FIXTURES / f"{quirk.fixtures[0]}.har"
    others = [row for row in QUIRKS if row is not quirk]
    assert quirk.id in look(path).plan.quirks
    assert look(path, others).values != look(path).values
