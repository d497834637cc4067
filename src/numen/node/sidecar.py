"""Blobs beside a transaction, as networks send them (EIP-4844, EIP-7594).

They are taken off after a look: as many as hashes, each of the right length, each hash that of its
commitment. Whether a commitment is that of its blob is not checked, which needs the powers of a
ceremony: nothing here ever reads a blob.
"""

import hashlib
from typing import Final

from numen.evm import rlp
from numen.evm.blobs import VERSION
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.transaction import Kind

BLOB_BYTES: Final = 131_072
_COMMITMENT_BYTES: Final = 48
_HASHES_AT: Final = 10
"""Where the hashes stand in a transaction of type 3."""

_BOUNDS: Final = rlp.Bounds(bytes_max=1 << 22, depth_max=6)


def without_blobs(raw: bytes) -> bytes:
    """The bytes of a transaction as blocks have them.

    Raises:
        InvalidTransactionError: Blobs, commitments and hashes do not fit together.
    """
    if raw[:1] != bytes([Kind.BLOB]):
        return raw
    try:
        items = rlp.decode(raw[1:], bounds=_BOUNDS)
    except (rlp.DecodeError, rlp.TooLongError) as error:
        raise InvalidTransactionError(Reason.RLP_ERROR_SIZE, error.message) from error
    if not isinstance(items, list) or not items or not isinstance(items[0], list):
        return raw
    body, *rest = items
    if len(rest) == 4 and rest[0] == b"\1":  # cell proofs (EIP-7594)
        rest = rest[1:]
    if not isinstance(body, list) or len(rest) != 3:
        raise _bad("not blobs, commitments and proofs")
    blobs, commitments = (_strings(each) for each in rest[:2])
    _check(blobs, commitments, _strings(body[_HASHES_AT] if len(body) > _HASHES_AT else b""))
    return bytes([Kind.BLOB]) + rlp.encode(body)


def _strings(item: rlp.Item) -> list[bytes]:
    if not isinstance(item, list):
        raise _bad("not a list")
    found = [each for each in item if isinstance(each, bytes)]
    if len(found) < len(item):
        raise _bad("lists where bytes should be")
    return found


def _check(blobs: list[bytes], commitments: list[bytes], hashes: list[bytes]) -> None:
    if not len(blobs) == len(commitments) == len(hashes):
        raise _bad(
            f"{len(blobs)} blobs and {len(commitments)} commitments for {len(hashes)} hashes"
        )
    for blob, commitment, expected in zip(blobs, commitments, hashes, strict=True):
        if len(blob) != BLOB_BYTES or len(commitment) != _COMMITMENT_BYTES:
            raise _bad("a blob or a commitment has the wrong size")
        if bytes([VERSION]) + hashlib.sha256(commitment).digest()[1:] != expected:
            raise _bad("a commitment is not that of its hash")


def _bad(why: str) -> InvalidTransactionError:
    return InvalidTransactionError(
        Reason.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH, why, field="blob_hashes"
    )
