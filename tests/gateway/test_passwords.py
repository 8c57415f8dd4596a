"""The local passwords of firmware before 7."""

import pytest

from envoy_bridge.gateway.passwords import envoy_password, installer_password


@pytest.mark.parametrize(
    ("serial", "password"),
    [
        ("123456789012", "7edE24ed"),
        ("999999999999", "522cd7De"),
        ("111111111111", "Bc45A7ef"),
        ("000000000000", "285A97bf"),
    ],
)
def test_the_installer_password_follows_from_the_serial(serial: str, password: str) -> None:
    assert installer_password(serial) == password


def test_no_installer_password_has_a_character_that_is_easily_misread() -> None:
    passwords = [installer_password(str(122_300_000_000 + 7919 * number)) for number in range(20_000)]
    assert all(len(password) == 8 and password.isalnum() for password in passwords)
    assert not set("".join(passwords)) & set("01iloIO")


def test_the_envoy_password_is_the_end_of_the_serial() -> None:
    assert envoy_password("122300012345") == "012345"
