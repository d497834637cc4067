"""Certificates that say nothing but a node's key, and what TLS trusts instead of authorities.

TLS wants chains of certificates, nodes know keys. So a node shows a certificate of its key, signed
by the same key under the name of that key. Who expects the node makes, of the key alone, a second
certificate with that name and key, and trusts it as if it were an authority: its signature is
nobody's and nobody asks for it (RFC 4158 calls it a trust anchor, a name and a key). A chain then
holds exactly if the other side has the key's secret.

A listener hears a dialler's key before the handshake, in the name that it asks for (SNI), and adds
the anchor then. It is a hint and no more: the key that counts is that of the certificate shown.

Source: RFC 8446 (TLS 1.3), RFC 8410 (Ed25519 in certificates), RFC 5280.
"""

import base64
import binascii
import contextlib
import datetime as dt
import os
import secrets
import ssl
import tempfile
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from numen.net.errors import ChannelError
from numen.net.identity import NODE_ID_BYTES, NodeKey

PROTOCOL: Final = "numen/1"
"""What is spoken inside, as TLS negotiates it (ALPN)."""

ANCHORS_MAX: Final = 4096
"""Anchors of one context, before it starts afresh."""

_ZONE: Final = ".numen"
_FROM: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_FOR_EVER: Final = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
"""The date of certificates that have no good date to end on (RFC 5280, section 4.1.2.5)."""


class Trust:
    """A TLS context of one node in one role, and the nodes that it would recognise.

    Args:
        key: Whose certificate is shown.
        is_listener: Whether it is for those who dial us.
    """

    def __init__(self, key: NodeKey, *, is_listener: bool) -> None:
        self._key = key
        self._is_listener = is_listener
        self._anchored: set[bytes] = set()
        self.context = self._fresh()

    def add(self, node: bytes) -> None:
        """Recognise a node from now on.

        Raises:
            ChannelError: 32 bytes that are no public key.

        Cost: some 150 microseconds, the first time.
        """
        if node in self._anchored:
            return
        if len(self._anchored) >= ANCHORS_MAX:
            self._anchored.clear()
            self.context = self._fresh()
        self._load(self.context, node)
        self._anchored.add(node)

    def _load(self, context: ssl.SSLContext, node: bytes) -> None:
        context.load_verify_locations(cadata=_anchor(node))

    def _fresh(self) -> ssl.SSLContext:
        kind = ssl.PROTOCOL_TLS_SERVER if self._is_listener else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(kind)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False  # names are not what is trusted here
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.set_alpn_protocols([PROTOCOL])
        _load_key(context, self._key)
        if self._is_listener:
            context.num_tickets = 0  # each channel proves both keys
            context.sni_callback = self._hear
        return context

    def _hear(
        self, _connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> int | None:
        """Anchor who a dialler says it is; it will have to prove it."""
        node = _from_hint(name or "")
        if node is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        try:
            if context is self.context:
                self.add(node)
            if context is not self.context:  # a handshake that began before the context's end
                self._load(context, node)
        except ChannelError:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None


def hint(node: bytes) -> str:
    """The name by which a dialler says who it is."""
    return base64.b32encode(node).decode().rstrip("=").lower() + _ZONE


def _from_hint(name: str) -> bytes | None:
    text = name.removesuffix(_ZONE)
    if text == name or len(text) != 52:
        return None
    try:
        return base64.b32decode(text.upper() + "====")
    except (binascii.Error, ValueError):
        return None


def peer_of(connection: ssl.SSLObject) -> bytes:
    """The node that has proven, in a TLS handshake, to be at the other end.

    Raises:
        ChannelError: It speaks another protocol, or its certificate is not its own.
    """
    if connection.selected_alpn_protocol() != PROTOCOL:
        raise ChannelError(f"the other side does not speak {PROTOCOL}")
    shown = connection.getpeercert(binary_form=True)
    assert shown is not None, "the context requires certificates"
    try:
        certificate = x509.load_der_x509_certificate(shown)
        key, issuer = certificate.public_key(), certificate.issuer
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ChannelError("the other side's certificate cannot be read") from error
    # The chain says that the issuer's key signed: here it has to be the certificate's own.
    if not isinstance(key, Ed25519PublicKey) or issuer != _name(key.public_bytes_raw().hex()):
        raise ChannelError("the other side's certificate is of another key than its signer's")
    return key.public_bytes_raw()


def _anchor(node: bytes) -> bytes:
    """A certificate with a node's name and key, signed by a key that is thrown away; DER."""
    if len(node) != NODE_ID_BYTES:
        raise ChannelError(f"a node's key is {NODE_ID_BYTES} bytes, not {len(node)}")
    try:
        key = Ed25519PublicKey.from_public_bytes(node)
    except ValueError as error:
        raise ChannelError(f"{node.hex()} is no public key") from error
    built = _certificate(node.hex(), "numen", key, _NOBODY, is_anchor=True)
    return built.public_bytes(serialization.Encoding.DER)


def _certificate(
    subject: str,
    issuer: str,
    key: Ed25519PublicKey,
    signer: Ed25519PrivateKey,
    *,
    is_anchor: bool,
) -> x509.Certificate:
    basic = x509.BasicConstraints(ca=is_anchor, path_length=0 if is_anchor else None)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(1)
        .not_valid_before(_FROM)
        .not_valid_after(_FOR_EVER)
        .add_extension(basic, critical=True)
        .sign(signer, None)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


_NOBODY: Final = Ed25519PrivateKey.generate()


def _load_key(context: ssl.SSLContext, key: NodeKey) -> None:
    """Give a context our certificate and secret, which Python's ssl takes only from a file.

    What the file holds is encrypted with a password that nobody but this call ever has.
    """
    private = key.private_key()
    shown = _certificate("node", key.id.hex(), private.public_key(), private, is_anchor=False)
    password = secrets.token_urlsafe(32)
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )
    handle, path = tempfile.mkstemp(prefix="numen-")  # only its owner can read it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(shown.public_bytes(serialization.Encoding.PEM) + secret)
        context.load_cert_chain(path, password=password)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
