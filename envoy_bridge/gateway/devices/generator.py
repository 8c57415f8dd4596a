"""A generator on the system controller: what it is, what it does, when it runs.

Source: the public notes on `/ivp/ss/gen_*` and `/ivp/ensemble/generator`.
"""

from typing import Annotated, Final

from msgspec import Struct

from envoy_bridge.gateway.devices.base import ALONE, Device, flag, lenient, part, word
from envoy_bridge.gateway.known import Known
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.model import (
    AMPERE,
    COUNT,
    FLAG,
    MINUTE,
    PERCENT,
    WATT_PEAK,
    WORD,
    Flag,
    Members,
    Number,
    Quantity,
    detail,
    diagnostic,
    number,
    scaled,
)


class Generator(Struct, frozen=True, kw_only=True):
    """The generator."""

    state: Annotated[str | None, Quantity(WORD, "Its relay: open or closed")] = None
    admin_state: Annotated[str | None, detail(WORD, "What its relay was told to be")] = None
    mode: Annotated[str | None, Quantity(WORD, "on, off or auto")] = None
    start_soc: Annotated[Number, detail(PERCENT, "It starts below this state of charge")] = None
    stop_soc: Annotated[Number, detail(PERCENT, "It stops above this state of charge")] = None
    exercising: Annotated[Flag, diagnostic(FLAG, "Is it being exercised")] = None
    charges_batteries: Annotated[Flag, detail(FLAG, "May it charge the batteries")] = None
    manufacturer: Annotated[str | None, detail(WORD, "Who made it")] = None
    type: Annotated[str | None, detail(WORD, "What kind of generator it is")] = None
    model: Annotated[str | None, detail(WORD, "Its model")] = None
    start_method: Annotated[str | None, detail(WORD, "How it is started: auto or manual")] = None
    rated_power: Annotated[Number, detail(WATT_PEAK, "Power it is made for")] = None
    max_current: Annotated[Number, detail(AMPERE, "Current it can give without end")] = None
    warm_up: Annotated[Number, detail(MINUTE, "How long it warms up")] = None
    cool_down: Annotated[Number, detail(MINUTE, "How long it cools down")] = None
    exercise_every: Annotated[Number, detail(COUNT, "Weeks between two exercises")] = None
    exercise_day: Annotated[str | None, detail(WORD, "Day of the exercise")] = None
    exercise_start: Annotated[Number, detail(MINUTE, "Start of the exercise, after midnight")] = None
    exercise_duration: Annotated[Number, detail(MINUTE, "How long it is exercised")] = None


class Config(Struct, frozen=True):
    """`/ivp/ss/gen_config`: `{}` where there is no generator. kW, A, minutes."""

    max_cont_gen_amps: float | None = None
    name_plate_rating_wat: float | None = None
    start_method: str = ""
    warm_up_mins: float | None = None
    cool_down_mins: float | None = None
    gen_type: str = ""
    model: str = ""
    manufacturer: str = ""
    charge_from_generator: bool | None = None


class Relay(Struct, frozen=True):
    """`/ivp/ensemble/generator`. Every gateway answers; %, -1: never."""

    admin_state: str = ""
    oper_state: str = ""
    start_soc: float | None = None
    stop_soc: float | None = None
    exc_on: int | bool | None = None


class Mode(Struct, frozen=True):
    """`/ivp/ss/gen_mode`."""

    gen_cmd: str = ""


class Exercise(Struct, frozen=True):
    """When it runs for its own good. Weeks, minutes after midnight, minutes."""

    freq_in_weeks: float | None = None
    start: float | None = None
    duration: float | None = None
    day: str = ""


class Schedule(Struct, frozen=True):
    """`/ivp/ss/gen_schedule`."""

    exercise_config: Exercise


CONFIG: Final = Endpoint("generator_config", ("/ivp/ss/gen_config",), lenient(Config), Cadence.HOURLY, 20)
RELAY: Final = Endpoint("generator_relay", ("/ivp/ensemble/generator",), lenient(Relay), Cadence.SLOW, 20)
MODE: Final = Endpoint("generator_mode", ("/ivp/ss/gen_mode",), lenient(Mode), Cadence.SLOW, 20)
SCHEDULE: Final = Endpoint("generator_schedule", ("/ivp/ss/gen_schedule",), lenient(Schedule), Cadence.HOURLY, 20)

KILOWATTS_BELOW: Final = 500.0


def config(reply: Config, _known: Known, _now: float) -> Members:
    """What it is."""
    if reply == Config():
        return {}
    return {
        ALONE: Generator(
            charges_batteries=reply.charge_from_generator,
            manufacturer=word(reply.manufacturer),
            type=word(reply.gen_type),
            model=word(reply.model),
            start_method=word(reply.start_method),
            rated_power=_watts(reply.name_plate_rating_wat),
            max_current=number(reply.max_cont_gen_amps),
            warm_up=number(reply.warm_up_mins),
            cool_down=number(reply.cool_down_mins),
        )
    }


def _watts(rating: float | None) -> float | None:
    """The rating is called watts; a number too small for any generator of a house is kilowatts."""
    return scaled(rating, 1000.0 if rating is not None and rating < KILOWATTS_BELOW else 1.0)


def relay(reply: Relay, _known: Known, _now: float) -> Members:
    """What it does now, and at which state of charge."""
    if reply == Relay():
        return {}
    return {
        ALONE: Generator(
            state=word(reply.oper_state),
            admin_state=word(reply.admin_state),
            start_soc=_level(reply.start_soc),
            stop_soc=_level(reply.stop_soc),
            exercising=flag(reply.exc_on),
        )
    }


def _level(soc: float | None) -> float | None:
    """A state of charge. -1 is how a gateway says never."""
    return None if soc is None or soc < 0 else number(soc)


def mode(reply: Mode, _known: Known, _now: float) -> Members:
    """What it was told."""
    return {ALONE: Generator(mode=word(reply.gen_cmd))} if reply.gen_cmd else {}


def schedule(reply: Schedule, _known: Known, _now: float) -> Members:
    """When it is exercised."""
    exercise = reply.exercise_config
    return {
        ALONE: Generator(
            exercise_every=number(exercise.freq_in_weeks),
            exercise_day=word(exercise.day),
            exercise_start=number(exercise.start),
            exercise_duration=number(exercise.duration),
        )
    }


_NEEDS: Final = ("generator",)
GENERATOR = Device(
    "generator",
    "Generator",
    Generator,
    "The generator on the system controller",
    (
        part("generator", CONFIG, config),
        part("generator.relay", RELAY, relay, needs=_NEEDS),
        part("generator.mode", MODE, mode, needs=_NEEDS),
        part("generator.schedule", SCHEDULE, schedule, needs=_NEEDS),
    ),
    single=True,
)
