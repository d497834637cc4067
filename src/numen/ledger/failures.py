"""A failure in canonical bytes: what a bounce tells the contract that waits.

FailureError   bytes that are no failure
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import CodecError, decode, encode
from numen.base.errors import NumenError
from numen.vm.host import PAYLOAD_BYTES_MAX, Failure, Reason

DETAIL_CHARACTERS_MAX: Final = 200
"""Longest line for a person; what is longer is cut."""


class FailureError(NumenError):
    """Bytes that are no failure."""


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    reason: Reason
    data: Annotated[bytes, Meta(max_length=PAYLOAD_BYTES_MAX)]
    detail: Annotated[str, Meta(max_length=DETAIL_CHARACTERS_MAX)]


def encode_failure(failure: Failure) -> bytes:
    """Write a failure, its detail cut and its data bounded."""
    data = failure.data[:PAYLOAD_BYTES_MAX]
    return encode(_Wire(failure.reason, data, failure.detail[:DETAIL_CHARACTERS_MAX]))


def decode_failure(raw: bytes) -> Failure:
    """Read a failure.

    Raises:
        FailureError: The bytes are none.
    """
    try:
        wire = decode(_Wire, raw)
    except CodecError as error:
        raise FailureError(f"not a failure: {error}") from error
    return Failure(wire.reason, wire.data, wire.detail)
