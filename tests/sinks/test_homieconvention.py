"""The judge of Homie trees, on trees that are broken."""

from collections.abc import Sequence

import pytest
from broker import Received
from homieconvention import complaints
from homiehouse import HOUSE, ROOT, SMALL, laid_out

BROKEN: Sequence[tuple[str, str | None, str]] = [
    ("$homie", "3.0.1", "$homie"),
    ("$homie", None, "$homie is missing"),
    ("$name", None, "$name is missing"),
    ("$state", "online", "$state"),
    ("$state", None, "$state is missing"),
    ("$nodes", None, "$nodes is missing"),
    ("$nodes", "production,inverter-77,inverter-78", "does not have 'battery-b-1'"),
    ("$nodes", "production,inverter-77,inverter-78,battery-b-1,network", "not there"),
    ("$nodes", "production,inverter-77,inverter-78,battery-b-1,production", "twice"),
    ("$fw/name", "8", "has the id '$fw'"),
    ("$colour", "red", "unknown"),
    ("power", "5", "node's place"),
    ("production/$type", None, "$type is missing"),
    ("production/$name", None, "$name is missing"),
    ("production/$array", "0-1", "unknown"),
    ("production/$properties", None, "$properties is missing"),
    ("production/$properties", "total-power,l1-power", "does not have 'l1-power-factor'"),
    ("production/$properties", "total-power,l1-power,l1-power-factor,", "no id"),
    ("production/l2-power", "1", "does not have 'l2-power'"),
    ("production/l1_power", "1", "has the id 'l1_power'"),
    ("production/L1-power", "1", "has the id"),
    ("-x/y", "1", "has the id '-x'"),
    ("production/l1-power/set", "1", "too deep"),
    ("production/total-power", "1,5", "no float"),
    ("production/total-power", "nan", "no float"),
    ("production/total-power", "5 W", "no float"),
    ("production/total-power/$datatype", "double", "$datatype"),
    ("production/total-power/$datatype", None, "$datatype is missing"),
    ("production/total-power/$datatype", "integer", "no integer"),
    ("production/total-power/$datatype", "color", "$format"),
    ("production/total-power/$name", None, "$name is missing"),
    ("production/total-power/$settable", "yes", "$settable"),
    ("production/total-power/$retained", "no", "$retained"),
    ("production/total-power/$retained", "false", "says it is not"),
    ("production/l1-power-factor", "1.2", "no float of -1:1"),
    ("production/l1-power-factor/$format", "1:-1", "$format"),
    ("production/l1-power-factor/$format", "any", "$format"),
    ("inverter-77/availability", "away", "no enum"),
    ("inverter-77/availability/$format", None, "$format"),
    ("inverter-77/availability/$format", "online,", "$format"),
    ("inverter-78/producing", "1", "no boolean"),
    ("inverter-78/producing/$format", "true,false", "$format"),
]


@pytest.mark.parametrize(("topic", "text", "complaint"), BROKEN)
def test_the_judge_finds_what_is_wrong(topic: str, text: str | None, complaint: str) -> None:
    found, broken = laid_out(HOUSE), f"{ROOT}/{topic}"
    if text is None:
        del found[broken]
    else:
        found[broken] = Received(broken, text.encode(), 1, retain=True, expiry=None)
    assert any(complaint in each for each in complaints(found)), complaints(found)


@pytest.mark.parametrize(
    "message",
    [
        Received(f"{ROOT}/production/total-power", b"1", 0, retain=True, expiry=None),
        Received(f"{ROOT}/production/total-power", b"1", 1, retain=False, expiry=None),
        Received(f"{ROOT}/production/$name", b"\xff", 1, retain=True, expiry=None),
        Received("homie/$broadcast", b"1", 1, retain=True, expiry=None),
        Received("envoy/1", b"1", 1, retain=True, expiry=None),
    ],
    ids=["QoS 0", "not retained", "not UTF-8", "no device", "elsewhere"],
)
def test_the_judge_looks_at_the_messages_too(message: Received) -> None:
    assert complaints(laid_out(HOUSE)) == []
    assert complaints(laid_out(HOUSE) | {message.topic: message})


@pytest.mark.parametrize(
    ("datatype", "form", "text"), [("color", "rgb", "0,255,7"), ("integer", "0:10", "5"), ("string", "", "anything")]
)
def test_the_judge_takes_what_we_do_not_use(datatype: str, form: str, text: str) -> None:
    found = laid_out(SMALL)
    for name, said in (("/$datatype", datatype), ("/$format", form), ("", text)):
        topic = f"{ROOT}/production/total-power{name}"
        found[topic] = Received(topic, said.encode(), 1, retain=True, expiry=None)
    assert complaints(found) == []
