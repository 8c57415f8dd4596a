"""Everything that can go wrong and is not a bug. Each message says what happened and what to do about it.

EnvoyBridgeError
├── ConfigurationError            the configuration is wrong: exit code 78
├── GatewayError                  the gateway did not give what was asked
│   ├── GatewayUnreachable        no answer: refused, reset, timed out, a 5xx
│   ├── WrongGateway              another serial number answers at this address
│   ├── CertificateChanged        another certificate, and the firmware is the same: maybe not our gateway
│   ├── UnusableReply             an answer that is not what this endpoint answers: HTML, truncated, too large
│   │   └── EndpointAbsent        this firmware does not have the endpoint (404 and its relatives)
│   └── NotPermitted              401 or 403
├── LoginError                    no usable login
│   ├── TokenUnusable             not a token, expired, or of another gateway
│   ├── TokenRejected             the gateway itself refuses the token
│   ├── CredentialsRejected       Enlighten refused user name or password
│   ├── MultiFactorRequired       the account asks for a second factor, which a daemon cannot give
│   ├── LoginBudgetSpent          too many cloud logins: waits, so that the account is not locked
│   └── CloudUnavailable          Enlighten did not answer, or not with a token
└── StateError                    the state directory cannot be read or written
"""


class EnvoyBridgeError(Exception):
    """Base of all errors that are for a person to read; `str()` of it is the whole message."""


class ConfigurationError(EnvoyBridgeError):
    """The configuration cannot be used. Names the key, or the file, and what to write instead."""


class GatewayError(EnvoyBridgeError):
    """The gateway did not give what was asked."""


class GatewayUnreachable(GatewayError):
    """No usable answer: connection refused or reset, deadline passed, or a status of 500 and above."""


class WrongGateway(GatewayError):
    """Another gateway than the configured one answers at this address."""


class CertificateChanged(GatewayError):
    """The gateway shows another certificate although its firmware is the same; no token was sent."""


class UnusableReply(GatewayError):
    """The endpoint answered, but not with what it is known to answer."""


class EndpointAbsent(UnusableReply):
    """The firmware does not have this endpoint."""


class NotPermitted(GatewayError):
    """The gateway answered 401 or 403."""


class LoginError(EnvoyBridgeError):
    """There is no usable login for this gateway."""


class TokenUnusable(LoginError):
    """The text is not a token, or the token is expired or belongs to another gateway."""


class TokenRejected(LoginError):
    """The gateway refuses the token, although it looks right."""


class CredentialsRejected(LoginError):
    """Enlighten refused the user name or the password. Not tried again for a day, or until a restart."""


class MultiFactorRequired(LoginError):
    """The Enlighten account asks for a second factor. Not tried again for a day, or until a restart."""


class LoginBudgetSpent(LoginError):
    """No cloud login is allowed now. `retry_at` is the wall-clock time (seconds since 1970) of the next one."""

    def __init__(self, message: str, retry_at: float) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class CloudUnavailable(LoginError):
    """Enlighten did not answer, or answered something that is not a token."""


class StateError(EnvoyBridgeError):
    """The state directory cannot be read or written."""
