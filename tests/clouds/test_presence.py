"""Which sites of an account are gone."""

from envoy_bridge.clouds.presence import COUNTED, GONE_AFTER, TURNS, Presence

HOURLY = 3600.0


def test_a_site_that_nobody_tells_of_is_gone_after_two_days() -> None:
    presence = Presence()
    presence.known("b")
    lost = [presence.lost(["a"], HOURLY, hour * HOURLY) for hour in range(49)]
    assert lost == [[]] * 48 + [["b"]]
    presence.forget("b")
    assert presence.lost(["a"], HOURLY, 50 * HOURLY) == []


def test_an_outage_counts_as_an_hour() -> None:
    presence = Presence()
    presence.lost(["a", "b"], HOURLY, 0.0)
    for month in range(1, int(GONE_AFTER / COUNTED)):
        assert presence.lost(["a"], HOURLY, month * 30 * 86_400.0) == []
        assert presence.lost([], HOURLY, month * 30 * 86_400.0) == []


def test_of_many_sites_each_may_take_its_time() -> None:
    """Forty systems on a small plan: each is asked every few days, one after the other."""
    presence, sites, cadence = Presence(), [str(number) for number in range(40)], 4 * 86_400.0
    for site in sites:
        presence.known(site)
    for turn in range(400):
        assert presence.lost([sites[turn % 40]], cadence, turn * cadence / 40) == []
    needed = int(TURNS * cadence / COUNTED)
    lost = [presence.lost(sites[1:], cadence, (400 + turn) * cadence / 40) for turn in range(needed)]
    assert lost[0] == []
    assert lost[-1] == sites[:1]
