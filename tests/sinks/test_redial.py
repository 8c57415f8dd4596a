import pytest

from envoy_bridge.config import Mqtt
from envoy_bridge.sinks.redial import Ending, Next, Redial

GONE = Ending("nothing listens there")
LOST = Ending("the connection broke", lasted=1000.0)
BRIEF = Ending("Session taken over", lasted=1.0)
WRONG_PASSWORD = Ending("Not authorized", refusal=0x87)
WRONG_VERSION = Ending("Unsupported protocol version", refusal=0x84)
MUTE = Ending("it does not answer", mute=True)


def test_after_an_outage_it_tries_every_few_seconds() -> None:
    redial = Redial(Mqtt(host="broker.local"))
    for ending, code in [(LOST, "mqtt_lost"), *[(GONE, "mqtt_unreachable")] * 50]:
        after = redial.after(ending)
        assert 1 <= after.delay <= 3
        assert after.code == code
        assert "broker.local:1883" in after.text
        assert ending.reason in after.text


def test_refused_login_is_tried_less_and_less_often() -> None:
    redial = Redial(Mqtt())
    delays = [redial.after(WRONG_PASSWORD).delay for _ in range(12)]

    assert delays[0] <= 2
    assert delays[:5] == sorted(delays[:5])
    assert all(30 <= delay <= 60 for delay in delays[6:])


def test_short_pauses_again_after_a_refusal_has_ended() -> None:
    redial = Redial(Mqtt())
    for _ in range(10):
        redial.after(WRONG_PASSWORD)
    redial.after(LOST)
    assert redial.after(WRONG_PASSWORD).delay <= 2


@pytest.mark.parametrize(
    ("refusal", "key"),
    [(0x86, "username and password"), (0x87, "username and password"), (0x85, "client_id"), (0x88, "broker's log")],
)
def test_refusal_names_what_to_change(refusal: int, key: str) -> None:
    after = Redial(Mqtt()).after(Ending("no", refusal=refusal))
    assert after.code == "mqtt_refused"
    assert key in after.text


@pytest.mark.parametrize("ending", [WRONG_VERSION, MUTE])
def test_older_version_at_once_where_the_broker_does_not_take_the_newer(ending: Ending) -> None:
    redial = Redial(Mqtt())
    versions = [redial.version]
    assert redial.after(ending) == Next(0.0)
    for later in (LOST, GONE, WRONG_PASSWORD, MUTE, LOST):
        versions.append(redial.version)
        redial.after(later)
    assert versions == ["5", *["3.1.1"] * 5]


def test_version_that_worked_is_kept_while_the_broker_hangs() -> None:
    redial = Redial(Mqtt())
    redial.after(LOST)
    for _ in range(3):
        assert redial.after(MUTE).code == "mqtt_unreachable"
        assert redial.version == "5"


def test_newer_version_again_where_the_older_one_is_not_answered_either() -> None:
    redial = Redial(Mqtt())
    versions: list[str] = []
    for _ in range(3):
        versions.append(redial.version)
        redial.after(MUTE)
        versions.append(redial.version)
        after = redial.after(MUTE)
        assert 1 <= after.delay <= 3
        assert after.code == "mqtt_unreachable"
    assert versions == ["5", "3.1.1"] * 3


def test_configured_version_is_kept() -> None:
    assert Redial(Mqtt(protocol="3.1.1")).version == "3.1.1"
    redial = Redial(Mqtt(protocol="5"))
    redial.after(MUTE)
    after = redial.after(WRONG_VERSION)
    assert redial.version == "5"
    assert after.delay >= 1
    assert 'protocol = "auto"' in after.text


def test_takeover_by_a_second_process_is_named_and_not_fought() -> None:
    redial = Redial(Mqtt(client_id="twin"))
    assert [redial.after(BRIEF).code for _ in range(2)] == ["mqtt_lost", "mqtt_lost"]
    for _ in range(3):
        after = redial.after(BRIEF)
        assert (after.code, after.delay) == ("mqtt_taken_over", 60)
        assert "client_id" in after.text
        assert "'twin'" in after.text
    assert redial.after(LOST).delay <= 3


def test_restarts_of_the_broker_are_no_takeover() -> None:
    redial = Redial(Mqtt())
    for _ in range(10):
        assert redial.after(BRIEF).code == "mqtt_lost"
        assert redial.after(GONE).code == "mqtt_unreachable"
