"""A made-up `/ivp/livedata/status`, and households that have it."""

import json
from dataclasses import replace
from typing import Any

from envoy_bridge.simulator.har import Recorded, Recording
from envoy_bridge.simulator.livedata import STATUS


def flow(*watts: float) -> dict[str, int]:
    """One of the flows; as many phases as there are watts."""
    rows = {f"agg_p_ph_{letter}_mw": round(1000 * power) for letter, power in zip("abc", watts, strict=False)}
    rows |= {key.replace("_p_", "_s_").replace("_mw", "_mva"): abs(value) for key, value in rows.items()}
    return {"agg_p_mw": round(1000 * sum(watts)), "agg_s_mva": round(1000 * abs(sum(watts)))} | rows


BODY: dict[str, Any] = {
    "connection": {"mqtt_state": "connected", "prov_state": "configured", "auth_state": "ok", "sc_stream": "disabled"},
    "meters": {
        "last_update": 1_700_000_000,
        "soc": 64,
        "main_relay_state": 1,
        "gen_relay_state": 5,
        "backup_bat_mode": 1,
        "backup_soc": 20,
        "is_split_phase": 0,
        "phase_count": 3,
        "enc_agg_soc": 64,
        "enc_agg_energy": 6400,
        "acb_agg_soc": 0,
        "acb_agg_energy": 0,
        "pv": flow(700, 710, 690),
        "storage": flow(-200, -201, -199),
        "grid": flow(-100, 150, 25),
        "load": flow(400, 659, 516),
        "generator": flow(0, 0, 0),
    },
    "tasks": {"task_id": 17, "timestamp": 1_699_990_000},
    "counters": {"main_CfgLoad": 1},
}


def with_live_data(recording: Recording) -> Recording:
    """The same household, whose gateway knows the endpoint."""
    status = Recorded(200, "application/json", json.dumps(BODY).encode())
    return replace(recording, replies={**recording.replies, STATUS: status})
