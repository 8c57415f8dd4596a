"""Peculiarities of firmware that need no repair: what it does, and what the program does about it everywhere.

The counterpart of `quirks.py`: where a quirk puts a reply right, a rule is how the tables, the probe, the readers, the
poller and the login work. Nothing is decided here: it is what `docs/quirks.md` is made of, and each rule has the test
of its name in `tests/gateway/test_rules.py`, on the households that it names.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One peculiarity: the firmware that has it, why it matters and what we do. `fixtures`: households that show it."""

    id: str
    firmware: str
    why: str
    fixtures: tuple[str, ...] = ()


RULES: tuple[Rule, ...] = (
    Rule(
        id="page-without-json",
        firmware="before 3.9",
        why="There is no JSON. The page /production is read, which has three digits: its power is published, and its "
        "lifetime under a name of its own, since it moves in steps and is no counter.",
        fixtures=("r3_7_html_only", "r3_2_html_mw"),
    ),
    Rule(
        id="html-is-not-json",
        firmware="3.7 to 3.18",
        why="/production.json is an HTML page with status 200, called JSON by some. Neither status nor Content-Type is "
        "believed: a reply that does not decode is none, and the next row of the table is tried.",
        fixtures=("r3_17_html",),
    ),
    Rule(
        id="refused-is-absent",
        firmware="3.9.36, 3.18.10, early 7 without meters",
        why="Some endpoints are refused to every login, with status 401 or as words in place of the reply. They count "
        "as not there, are named in the topic `info`, and cost neither the other endpoints nor a new login.",
        fixtures=("r3_9_refused", "r3_17_html", "d7_3_early_standard"),
    ),
    Rule(
        id="section-without-name",
        firmware="4.2.33",
        why="The report's consumption has no measurementType, and the meters no statusFlags. What is measured there is "
        "not guessed: such a section is left out.",
        fixtures=("m4_2_report_only",),
    ),
    Rule(
        id="net-lifetime-unread",
        firmware="4.10.35, and later",
        why="The report's lifetime of net-consumption is the import alone, or the import less the export, by firmware. "
        "It is never read: import and export come from the meters, or are not known.",
        fixtures=("r4_10_report_only", "d7_3_report_only"),
    ),
    Rule(
        id="tried-and-not-assumed",
        firmware="5.0 and later",
        why="Which endpoints a gateway has is seen by asking, not by its firmware. One that is not there is left alone "
        "for a day.",
        fixtures=("d5_0_standard",),
    ),
    Rule(
        id="token-from-7",
        firmware="7.0 and later",
        why="Gateways ask for a token; before, for digest. It is decided anew when the firmware changes.",
        fixtures=("d5_0_standard", "d7_3_early_standard", "d8_3_boot_zeros"),
    ),
    Rule(
        id="stream-in-bursts",
        firmware="7.0.88",
        why="/stream/meter is held back until 16 KB are full, and then comes as some twenty readings at once. A pause "
        "is no fault before a minute is over, and of what comes together each reading is taken.",
    ),
    Rule(
        id="stream-for-installers",
        firmware="7.6.175 and later",
        why="/stream/meter answers installers only. An owner's token does not ask it; the topic `info` says so.",
    ),
    Rule(
        id="cts-disabled",
        firmware="7 and 8",
        why="A metered gateway whose CTs are not configured reads noise, and has zeros or nonsense for totals. Nothing "
        "is read of a CT that is not enabled; the report's sum over the inverters is used.",
        fixtures=("d7_6_cts_disabled", "d8_2_stalled_v1"),
    ),
    Rule(
        id="meters-by-number",
        firmware="8.3.5025 and later",
        why="The readings hold a meter more than the list of meters, and it reads zero. Readings are matched by `eid`, "
        "never by place; one that nobody owns is left out.",
        fixtures=("d8_3_many_inverters", "d8_3_collar_pf_sum"),
    ),
    Rule(
        id="phases-by-the-list",
        firmware="any",
        why="Readings always have three channels, and the one that is not connected holds noise, or what another meter "
        "measures. As many phases are read as /ivp/meters says.",
        fixtures=("d7_6_single_phase", "d8_2_split_battery", "d8_3_total_ct"),
    ),
    Rule(
        id="day-counters-unread",
        firmware="any",
        why="The counters of today and of seven days repeat the lifetime on some firmware (8.3.1598, 8.3.5433), are "
        "always zero for net-consumption, and start again at 01:00 in summer. They are not read.",
        fixtures=("d8_3_total_ct_report_only", "d7_3_report_only", "r4_10_report_only"),
    ),
    Rule(
        id="https-first",
        firmware="8.3.5286 and later",
        why="Port 80 is closed. HTTPS is tried first, and plain HTTP, which old firmware has alone, after it.",
        fixtures=("d8_3_boot_zeros", "d5_0_standard"),
    ),
    Rule(
        id="readings-before-report",
        firmware="8.3.5433 and later",
        why="The report repeats net-consumption as total-consumption; the meters' own readings are right. They are "
        "read wherever the gateway has them, and the report supplies only what they do not.",
        fixtures=("d8_3_total_ct",),
    ),
    Rule(
        id="source-is-kept",
        firmware="8.3.5528",
        why="Now and then the report says that no meter is active, although the CTs are enabled. The inverters' sum "
        "counts from another start, so it never takes their place: the values are unknown until the meters are back.",
        fixtures=("d8_3_eim_vanished",),
    ),
    Rule(
        id="one-endpoint-hangs",
        firmware="any, about 23:00",
        why="Each night some endpoints answer for a minute or two late or not at all, device_data first. Each is asked "
        "by itself, is given up when the meters are due, and rests: the meters go on.",
        fixtures=("d8_2_split_battery",),
    ),
)
