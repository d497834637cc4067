"""Passes: an account shows itself without being asked, to one audience and for a short time.

A pass is signed by its account and names whom it is for, from when to when it holds, and, if it is
to be worth nothing to a thief, the node that may show it. The audience takes each pass once.

As text, a pass is the base64url of its canonical bytes, for a header of HTTP or a line to paste.
"""

import base64
import binascii
import secrets
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, CodecError, decode, digest, encode
from numen.base.crypto import Address, BadSignatureError, Signature, SigningKey, verify_signer
from numen.net.errors import PossessionError
from numen.net.identity import NodeId

LIFE_MAX_MS: Final = 10 * 60 * 1000
"""Longest time for which a pass is taken to hold."""

SKEW_MS: Final = 30 * 1000
"""How far the clocks of two nodes may differ."""

SEEN_MAX: Final = 100_000
"""Passes that hold still and were taken."""

SIZE_MAX: Final = 512
"""Longest canonical `SignedPass`, in bytes."""


class Pass(msgspec.Struct, frozen=True, array_like=True, tag="pass/1"):
    """What an account says of itself.

    Attributes:
        account: Whose.
        audience: Whom it is for: a node's public key in hexadecimal, or a name both know.
        node: The node that may show it, or None: whoever has it.
        issued_ms: From when it holds, in milliseconds since 1970.
        expires_ms: Until when.
        nonce: Drawn for this pass.
    """

    account: Address
    audience: Annotated[str, Meta(min_length=1, max_length=128)]
    node: NodeId | None
    issued_ms: U64
    expires_ms: U64
    nonce: Annotated[bytes, Meta(min_length=16, max_length=16)]


class SignedPass(msgspec.Struct, frozen=True, array_like=True):
    """A pass, and its account's signature.

    Attributes:
        body: The pass.
        signature: Over its digest.
    """

    body: Pass
    signature: Signature


def issue(
    key: SigningKey, audience: str, now_ms: int, life_ms: int, node: bytes | None = None
) -> SignedPass:
    """Make a pass.

    Args:
        key: The account's.
        audience: Whom it is for.
        now_ms: The time.
        life_ms: How long it holds, at most `LIFE_MAX_MS`.
        node: The node that will show it, or None for whoever has it.
    """
    assert 0 < life_ms <= LIFE_MAX_MS
    nonce = secrets.token_bytes(16)
    body = Pass(key.address, audience, node, now_ms, now_ms + life_ms, nonce)
    return SignedPass(body, key.sign(_digest(body)))


class Doorkeeper:
    """Takes passes, each once.

    Args:
        audience: Who we are, as passes have to say it.
        knows: Whether an account is of interest; asked before anything is remembered.
    """

    def __init__(self, audience: str, knows: Callable[[bytes], bool]) -> None:
        self._audience = audience
        self._knows = knows
        self._seen: dict[bytes, int] = {}
        self._first_ends_ms = 0

    def take(self, shown: SignedPass, now_ms: int, node: bytes | None = None) -> bytes:
        """Check a pass, and give its account.

        Args:
            shown: What came.
            now_ms: The time.
            node: The node that showed it, where that is known.

        Raises:
            PossessionError: It is for somebody else, or of another time, or shown by another node,
                or was taken before, or its account did not sign it.
        """
        body = shown.body
        if body.audience != self._audience:
            raise PossessionError(f"the pass is for {body.audience!r}")
        if body.expires_ms - body.issued_ms > LIFE_MAX_MS:
            raise PossessionError("the pass would hold for too long")
        if now_ms < body.issued_ms - SKEW_MS:
            raise PossessionError("the pass is of the future")
        if now_ms >= body.expires_ms:
            raise PossessionError("the pass has expired")
        if body.node is not None and body.node != node:
            raise PossessionError("the pass is another node's")
        try:
            identity = _digest(body)
            verify_signer(body.account, identity, shown.signature)
        except BadSignatureError as error:
            raise PossessionError(error.reason) from error
        if not self._knows(body.account):
            raise PossessionError(f"nobody here knows 0x{body.account.hex()}")
        self._remember(identity, body.expires_ms, now_ms)
        return body.account

    def _remember(self, identity: bytes, expires_ms: int, now_ms: int) -> None:
        if identity in self._seen:
            raise PossessionError("the pass was shown before")
        if len(self._seen) >= SEEN_MAX and now_ms >= self._first_ends_ms:
            self._seen = {each: until for each, until in self._seen.items() if until > now_ms}
            self._first_ends_ms = min(self._seen.values(), default=0)
        if len(self._seen) >= SEEN_MAX:
            raise PossessionError("too many passes at a time")
        self._seen[identity] = expires_ms


def to_text(shown: SignedPass) -> str:
    """Write a pass as text."""
    return base64.urlsafe_b64encode(encode(shown, size_max=SIZE_MAX)).decode().rstrip("=")


def from_text(text: str) -> SignedPass:
    """Read a pass from text of a stranger.

    Raises:
        PossessionError: It is none.
    """
    if len(text) > 2 * SIZE_MAX:
        raise PossessionError("the text is too long for a pass")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return decode(SignedPass, raw, size_max=SIZE_MAX)
    except (binascii.Error, ValueError, CodecError) as error:
        raise PossessionError("the text is no pass") from error


def _digest(body: Pass) -> bytes:
    return digest("numen/pass/1", body)
