"""TLS towards the broker: whom we trust, who we are; and what the errors on the way to a connection mean."""

import functools
import socket
import ssl
from typing import Literal

from envoy_bridge.config import Tls


def trust(tls: Literal[True] | Tls) -> ssl.SSLContext:
    """The TLS settings of one connection, from the files as they are now: a renewed one needs no restart.

    Raises OSError if a file cannot be read or is not what it should be.
    """
    if tls is True:
        return _system_trust()
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        # From Python 3.13 on authorities without key identifiers are refused: those that people make for their broker.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")  # a locked key is an error, not a prompt
    except OSError as error:
        raise OSError(f"the files of [mqtt.tls] cannot be used: {error}") from error
    return context


@functools.cache
def _system_trust() -> ssl.SSLContext:
    """The system's authorities, read once: there are so many that it takes a slow machine half a second."""
    return ssl.create_default_context()


_MEANING: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted ({0.verify_message}); check [mqtt.tls] ca_file"),
    (ssl.SSLError, "TLS failed ({0.reason}); check [mqtt] port and tls"),
    ((socket.gaierror, UnicodeError), "its name is not known ({0}); check [mqtt] host"),
    (ConnectionRefusedError, "nothing listens there; is the broker running? Else check [mqtt] host and port"),
    (ConnectionError, "it hung up; check [mqtt] port and tls"),
    (TimeoutError, "no answer; check [mqtt] host and port"),
)
"""The first row whose errors fit; their message goes into the words."""


def explain(error: OSError | UnicodeError) -> str:
    """Why no connection came about, and what to look at."""
    return next((words.format(error) for kinds, words in _MEANING if isinstance(error, kinds)), str(error))
