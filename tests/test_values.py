"""Hosts, addresses, durations and sizes in a configuration."""

from pathlib import Path

import pytest
from configuration import Folder

from envoy_bridge.config import Duration, Gateway


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize(
    "host",
    [
        "https://envoy.local",
        "http://me:CANARY@envoy.local/home?a=1",
        "me:CANARY@envoy.local",
        "http://me:" + "CANARY" * 20 + "@envoy.local",
        "envoy.local/info",
        "envoy.local:",
        "envoy.local:0",
        "envoy.local:70000",
        "envoy local",
        "fd00::7",
        "[fd00::7]:a",
        "[envoy.local]",
        "192.168.1.300",
        "",
    ],
)
def test_a_host_that_is_more_than_a_host_is_refused_with_the_right_form(folder: Folder, host: str) -> None:
    error = folder.error(f'[[gateway]]\nhost = "{host}"')
    assert error.endswith(
        "it must be a host or host:port, without https://, user name or path (an IPv6 address in brackets), "
        'for example host = "envoy.local" or "192.0.2.7:8080" or "[fd00::7]"'
    )
    assert "CANARY" not in error


@pytest.mark.parametrize(
    "host", ["envoy", "envoy.local", "192.0.2.7:8080", "[fd00::7]", "[fe80::1%eth0]:443", "a_b-c.d:1"]
)
def test_hosts_with_and_without_port(folder: Folder, host: str) -> None:
    assert folder.load(f'[[gateway]]\nhost = "{host}"').gateway == (Gateway(host=host),)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://entrez.example.org/", "https://entrez.example.org"),
        ("https://entrez.example.org:8443", "https://entrez.example.org:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost.example.org", None),
        ("http://192.0.2.7", None),
        ("https://me:CANARY@entrez.example.org", None),
        ("https://entrez.example.org/tokens", None),
        ("https://entrez.example.org?a=1", None),
        ("ftp://entrez.example.org", None),
        ("https://[::1", None),
        ("https://", None),
        ("entrez.example.org", None),
    ],
)
def test_addresses_of_services(folder: Folder, url: str, taken: str | None) -> None:
    text = f'[login]\nentrez = "{url}"'
    if taken:
        assert folder.load(text).login.entrez == taken
    else:
        assert "[login] entrez is" in (error := folder.error(text))
        assert "CANARY" not in error


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("2d", 172800)])
def test_durations_are_seconds(folder: Folder, text: str, seconds: int) -> None:
    assert folder.load(f'[[gateway]]\ninverters = "{text}"').gateway[0].inverters == Duration(seconds)


@pytest.mark.parametrize(("text", "size"), [("500KB", 500_000), ("64MB", 64_000_000), ("1GB", 1_000_000_000)])
def test_sizes_are_bytes(folder: Folder, text: str, size: int) -> None:
    assert folder.load(f'[history]\nmax_size = "{text}"').history.max_size == size
