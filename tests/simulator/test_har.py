import base64
import json
from pathlib import Path

import pytest

from envoy_bridge.errors import ConfigurationError
from envoy_bridge.simulator.har import LIMIT, Recorded, Recording

INFO = (
    "<envoy_info><device><sn>122000000001</sn><software>D8.2.4345</software></device>"
    "<web-tokens>true</web-tokens></envoy_info>"
)


def entry(
    path: str, text: str = "{}", *, status: int = 200, method: str = "GET", mime: str = "text/plain", encoding: str = ""
) -> dict[str, object]:
    content = {"size": len(text), "mimeType": mime, "text": text} | ({"encoding": encoding} if encoding else {})
    return {
        "startedDateTime": "2025-01-01T00:00:00Z",
        "request": {"method": method, "url": f"https://envoy.local{path}", "headers": []},
        "response": {"status": status, "headers": [], "content": content},
    }


def write(directory: Path, *entries: dict[str, object]) -> Path:
    path = directory / "recording.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "test"}, "entries": list(entries)}}))
    return path


def test_the_recorded_info_tells_who_it_is(tmp_path: Path) -> None:
    recording = Recording.from_har(write(tmp_path, entry("/info", INFO), entry("/ivp/meters", "[]")))

    assert (recording.serial, recording.firmware, recording.needs_token) == ("122000000001", "8.2.4345", True)
    assert recording.paths == ("/info", "/ivp/meters")


def test_firmware_without_web_tokens_needs_none(tmp_path: Path) -> None:
    info = INFO.replace("<web-tokens>true</web-tokens>", "").replace("8.2.4345", "5.0.62")

    recording = Recording.from_har(write(tmp_path, entry("/info", info)))

    assert (recording.firmware, recording.needs_token) == ("5.0.62", False)


@pytest.mark.parametrize("recorded", ["/info", "/info.xml"])
@pytest.mark.parametrize("asked", ["/info", "/info.xml", "/info?now"])
def test_both_names_of_info(tmp_path: Path, recorded: str, asked: str) -> None:
    recording = Recording.from_har(write(tmp_path, entry(recorded, INFO, mime="text/xml")))

    assert recording.reply(asked, 0) == Recorded(200, "text/xml", INFO.encode())


def test_a_query_is_exact_first_and_falls_back_to_the_path(tmp_path: Path) -> None:
    har = write(tmp_path, entry("/info", INFO), entry("/p", "short"), entry("/p?details=1", "long"))
    recording = Recording.from_har(har)

    replies = [recording.reply(path, 0) for path in ("/p", "/p?details=1", "/p?details=0", "/q")]

    assert [reply and reply.body for reply in replies] == [b"short", b"long", b"short", None]


def test_a_binary_body(tmp_path: Path) -> None:
    body = bytes(range(256))
    text = base64.b64encode(body).decode()
    recording = Recording.from_har(write(tmp_path, entry("/info", INFO), entry("/x", text, encoding="base64")))

    assert recording.reply("/x", 0) == Recorded(200, "text/plain", body)


def test_statuses_are_kept_and_the_last_answer_counts(tmp_path: Path) -> None:
    har = write(tmp_path, entry("/info", INFO), entry("/x", "", status=401), entry("/x", "[]"), entry("/y", status=404))
    recording = Recording.from_har(har)

    assert recording.reply("/x", 0) == Recorded(200, "text/plain", b"[]")
    assert recording.reply("/y", 0) == Recorded(404, "text/plain", b"{}")


def test_only_answers_to_get_are_served(tmp_path: Path) -> None:
    har = write(tmp_path, entry("/info", INFO), entry("/x", method="POST"), entry("/y", status=0))

    assert Recording.from_har(har).paths == ("/info",)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a HAR"),
        (b"power = 1", "not a HAR"),
        (b"\xff\xfe", "not a HAR"),
        (b'{"x":' * 100_000, "not a HAR"),
        (b'{"some": "json"}', "`log`"),
        (b'{"log": {"entries": [{"request": {"method": "GET", "url": "/"}}]}}', "$.log.entries[0]"),
        (b'{"log": {"entries": []}}', "no answer to /info"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "wrong.har"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError) as refusal:
        Recording.from_har(path)

    assert str(path) in str(refusal.value)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize("info", ["", "<html>router</html>", INFO.replace("122000000001", "12/+/#")])
def test_an_info_that_is_not_a_gateways_is_refused(tmp_path: Path, info: str) -> None:
    with pytest.raises(ConfigurationError, match="not a recording of a gateway"):
        Recording.from_har(write(tmp_path, entry("/info", info)))


def test_a_body_that_is_not_base64_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a HAR"):
        Recording.from_har(write(tmp_path, entry("/info", INFO), entry("/x", "?!", encoding="base64")))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.har cannot be read: No such file"):
        Recording.from_har(tmp_path / "nothing.har")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.har"
    with path.open("wb") as file:
        file.truncate(100 * LIMIT)  # sparse: it takes no room

    with pytest.raises(ConfigurationError, match="larger than 32 MiB"):
        Recording.from_har(path)


SHARED = Path(__file__).parents[3] / "shared" / "recordings"


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/recordings")
def test_every_shared_recording_loads() -> None:
    recordings = [Recording.from_har(path) for path in sorted(SHARED.glob("*.har"))]

    assert len(recordings) > 20
    assert all(recording.needs_token == (int(recording.firmware.split(".")[0]) >= 7) for recording in recordings)
