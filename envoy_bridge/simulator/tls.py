"""Self-signed certificates, as gateways have them."""

import ssl
import tempfile
from datetime import UTC, datetime, timedelta

from envoy_bridge.errors import ConfigurationError

_LIFE = timedelta(days=3650)


def server_context(name: str) -> ssl.SSLContext:
    """A context for a server that shows a fresh self-signed certificate of `name`.

    Raises:
        ConfigurationError: the package `cryptography` is not there.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show_new_certificate(context, name)
    return context


def show_new_certificate(context: ssl.SSLContext, name: str) -> None:
    """Let every handshake from now on show another key and certificate; open connections keep theirs."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # ssl loads from files only; nobody else may read it
        file.write(_self_signed(name))
        file.flush()
        context.load_cert_chain(file.name)


def _self_signed(name: str) -> bytes:
    """A new P-256 key (made in a millisecond, unlike RSA) and its certificate, both as PEM."""
    try:
        from cryptography import x509  # noqa: PLC0415 - of the extra [demo]: the daemon runs without it
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "The simulator's HTTPS needs the package cryptography: pip install 'envoy-bridge[demo]'"
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
