"""Renders `/ivp/livedata/status` of a made-up household: what flows this second, in mW and mVA."""

from collections.abc import Iterable
from typing import Any

from _fixtures.batteries import Stored
from _fixtures.household import Household, Phase, Reading
from _fixtures.meters import reported

Row = dict[str, Any]

_LETTERS = "abc"
_SOURCES = ("production", "pv3p")


def live_data(home: Household) -> Row:
    """`/ivp/livedata/status`, with its stream switched on."""
    own, others = Stored.of_batteries(home), Stored.of_ac_batteries(home)
    meters = {
        "last_update": home.epoch - 2,
        "soc": (own + others).soc,
        "main_relay_state": 1,
        "gen_relay_state": 5,
        "backup_bat_mode": 2,
        "backup_soc": home.reserve,
        "is_split_phase": int(home.mode == "split"),
        "phase_count": home.legs,
        "enc_agg_soc": own.soc,
        "enc_agg_energy": own.energy,
        "acb_agg_soc": others.soc,
        "acb_agg_energy": others.energy,
    }
    return {
        "connection": {
            "mqtt_state": "connected",
            "prov_state": "configured",
            "auth_state": "ok",
            "sc_stream": "enabled",
            "sc_debug": "disabled",
        },
        "meters": meters | {name: _block(phases) for name, phases in _flows(home).items()},
        "tasks": {"task_id": 0, "timestamp": 0},
        "counters": {"main_CfgLoad": 1, "main_CfgChanged": 1, "main_taskUpdate": 1, "MqttClient_publish": 4118},
    }


def _flows(home: Household) -> dict[str, tuple[Phase, ...]]:
    """What flows where, by phase. `load` is what the house uses: all the rest together."""
    nothing = (Phase(),) * home.legs
    made = _together(ct.phases for ct in home.cts if ct.kind in _SOURCES and ct.enabled)
    grid = next(phases for kind, phases, _ in reported(home) if kind == "net-consumption")
    storage = _storage(home)
    return {
        "pv": made,
        "storage": storage,
        "grid": grid,
        "load": _together((made, grid, storage)),
        "generator": nothing,
    }


def _storage(home: Household) -> tuple[Phase, ...]:
    """As its meter says; without one, the batteries' own word, spread over their phases."""
    meter = home.ct("storage")
    if meter and meter.enabled:
        return meter.phases
    watts = sum(each.watts for each in home.batteries) + sum(each.watts for each in home.present_ac_batteries)
    return (Phase(watts / home.legs),) * home.legs


def _together(meters: Iterable[tuple[Phase, ...]]) -> tuple[Phase, ...]:
    return tuple(sum(phases[1:], phases[0]) for phases in zip(*meters, strict=True))


def _block(phases: tuple[Phase, ...]) -> Row:
    """Sums and phases; a phase that the house does not have is zero."""
    readings = [Reading.of(phase) for phase in phases]
    watts = [round(1000 * reading.watts) for reading in readings] + [0] * (3 - len(phases))
    apparent = [round(1000 * reading.va) for reading in readings] + [0] * (3 - len(phases))
    row: Row = {"agg_p_mw": sum(watts), "agg_s_mva": sum(apparent)}
    row |= {f"agg_p_ph_{letter}_mw": each for letter, each in zip(_LETTERS, watts, strict=True)}
    return row | {f"agg_s_ph_{letter}_mva": each for letter, each in zip(_LETTERS, apparent, strict=True)}
