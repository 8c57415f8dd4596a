"""What is odd is told once, stands as long as it lasts, and is remembered over a restart."""

from pathlib import Path

from households import FIXTURES, look

from envoy_bridge.watch import Watch

ODD = look(FIXTURES / "d7_3_production_ct_only.har")
SOUND = look(FIXTURES / "d8_2_split_battery.har")
NOON = 1_780_000_000.0


def watched(path: Path, codes: list[str], *, since: float, minutes: int) -> Watch:
    watch = Watch(path, lambda _level, code, _text: codes.append(code))
    for step in range(minutes * 6):
        watch.look(ODD.snapshot, ODD.plan.meters, NOON + since + step * 10)
    return watch


def test_advice_is_told_once_and_stands(tmp_path: Path) -> None:
    codes: list[str] = []
    watch = watched(tmp_path / "habits" / "1.json", codes, since=0, minutes=60)
    assert watch.advice, "the gateway itself says that its CT wants a look"
    assert len(codes) == len(set(codes)) > 0
    watch.save()
    again: list[str] = []
    later = watched(tmp_path / "habits" / "1.json", again, since=3600, minutes=60)
    assert later.advice == watch.advice
    assert again == [], "it was told before the restart"


def test_a_torn_memory_is_like_none(tmp_path: Path) -> None:
    file = tmp_path / "habits.json"
    for content in (b"", b"[]", b"\xff", b'{"advisor": 1}'):
        file.write_bytes(content)
        assert Watch(file, lambda *_: None).advice == ()


def test_inverters_are_counted() -> None:
    watch = Watch(None, lambda *_: None)
    shown = watch.look(SOUND.snapshot, SOUND.plan.meters, NOON)
    assert watch.online is not None
    assert watch.online[1] == len(shown.devices["inverter"])
    assert watch.advice == ()
