"""The passwords that firmware before 7 has for its local users: both follow from the serial number."""

import hashlib

_INSTALLER = "[e]installer@enphaseenergy.com#{serial} EnPhAsE eNeRgY "
_LENGTH = 8
# Zeros and ones are easily misread, so letters stand in for them: counted from these characters up by how many zeros
# or ones the digest has left, never a letter that is as easily misread (i, l, o and I, O), never beyond the alphabet.
_ZERO, _ZERO_SKIPS, _ZERO_LIMIT = "f", frozenset({3, 6, 9}), 20
_ONE, _ONE_SKIPS, _ONE_LIMIT = "@", frozenset({9, 15}), 26


def envoy_password(serial: str) -> str:
    """The password of the user `envoy`: the last six digits of the serial number."""
    return serial[-6:]


def installer_password(serial: str) -> str:
    """The password of the user `installer`: eight letters and digits computed from the serial number."""
    digest = hashlib.md5(_INSTALLER.format(serial=serial).encode(), usedforsecurity=False).hexdigest()
    zeros, ones = digest.count("0"), digest.count("1")
    password = ""
    for character in reversed(digest[-_LENGTH:]):
        zeros = _letter(zeros, _ZERO_SKIPS, _ZERO_LIMIT)
        ones = _letter(ones, _ONE_SKIPS, _ONE_LIMIT)
        if character == "0":
            password += chr(ord(_ZERO) + zeros)
            zeros -= 1
        elif character == "1":
            password += chr(ord(_ONE) + ones)
            ones -= 1
        else:
            password += character
    return password


def _letter(count: int, skips: frozenset[int], limit: int) -> int:
    """How far from the first letter the stand-in is: `count`, one less where that letter is skipped, in 0..`limit`."""
    return min(max(count - (count in skips), 0), limit)
