"""Certificates and lists as people have them on disk: PEM, several in a file, or DER."""

import base64
import binascii
import re
from typing import Final

from numen.proof.quote import ENDORSEMENTS_MAX
from numen.proof.tee.errors import MalformedQuoteError

_BLOCK: Final = re.compile(
    rb"-----BEGIN (CERTIFICATE|X509 CRL)-----\s([A-Za-z0-9+/=\s]{1,131072})-----END \1-----"
)


def certificates(data: bytes) -> tuple[bytes, ...]:
    """Give what a file holds, in DER, in order; at most `ENDORSEMENTS_MAX` of a PEM file.

    Raises:
        MalformedQuoteError: A block is no base64, or there are too many.
    """
    blocks = _BLOCK.findall(data)
    if not blocks:
        return (data,)
    if len(blocks) > ENDORSEMENTS_MAX:
        raise MalformedQuoteError("PEM file", f"{len(blocks)} blocks")
    try:
        return tuple(base64.b64decode(b"".join(text.split()), validate=True) for _, text in blocks)
    except binascii.Error:
        raise MalformedQuoteError("PEM file", "a block that is no base64") from None
