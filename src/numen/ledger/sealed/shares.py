"""A secret among n nodes: any t have it together, fewer have nothing, and shares are checked.

The secret is the value at 0 of a polynomial of degree t - 1 over the integers modulo the order of
secp256k1, a share its value at the node's number. The dealer publishes each coefficient times the
curve's generator: so every node sees that its share lies on the polynomial that all others have,
and whoever puts a secret together leaves out shares that do not. The commitments hide a secret that
nobody could guess, which one of 32 random bytes is.

Source: Shamir, "How to Share a Secret", 1979; Feldman, "A Practical Scheme for Non-interactive
Verifiable Secret Sharing", 1987.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated

import coincurve
import msgspec
from msgspec import Meta

from numen.base.codec import U64
from numen.base.crypto import CURVE_ORDER
from numen.ledger.sealed.errors import ShareError
from numen.ledger.sealed.keys import SECRET_BYTES

NODES_MAX = 255
"""Most nodes that share a secret."""

Point = Annotated[bytes, Meta(min_length=33, max_length=33)]
"""A point of secp256k1, compressed."""


class Share(msgspec.Struct, frozen=True, array_like=True):
    """What one node has of a secret.

    Attributes:
        node: Its number, 1 to `NODES_MAX`.
        value: 32 bytes, big-endian.
    """

    node: U64
    value: Annotated[bytes, Meta(min_length=32, max_length=32)]

    def __repr__(self) -> str:
        return f"Share(node={self.node})"


class Dealt(msgspec.Struct, frozen=True):
    """What a dealer hands out.

    Attributes:
        commitments: For everyone: one point for each coefficient.
        shares: For each node its own, and nobody else's.
    """

    commitments: tuple[bytes, ...]
    shares: tuple[Share, ...]


def is_secret(secret: bytes) -> bool:
    """Whether bytes can be shared: 32 of them, that are not 0 and below the order of the curve."""
    return len(secret) == SECRET_BYTES and 0 < int.from_bytes(secret, "big") < CURVE_ORDER


def deal(secret: bytes, needed: int, nodes: int, randomness: bytes) -> Dealt:
    """Share a secret.

    Args:
        secret: As `is_secret` wants it; of 32 random bytes one in 2**127 is none.
        needed: Nodes that have it together, t.
        nodes: Nodes in all, n.
        randomness: 32 bytes for each needed node but one, not used for anything else.
    """
    assert 1 <= needed <= nodes <= NODES_MAX
    assert is_secret(secret)
    assert len(randomness) == SECRET_BYTES * (needed - 1)
    chunks = [randomness[at : at + SECRET_BYTES] for at in range(0, len(randomness), SECRET_BYTES)]
    assert all(map(is_secret, chunks)), "randomness that is none"
    coefficients = [int.from_bytes(chunk, "big") for chunk in (secret, *chunks)]
    commitments = (coincurve.PublicKey.from_secret(chunk).format() for chunk in (secret, *chunks))
    shares = (Share(node, _value(coefficients, node)) for node in range(1, nodes + 1))
    return Dealt(tuple(commitments), tuple(shares))


def verify(share: Share, commitments: Sequence[bytes]) -> None:
    """Check that a share is the node's.

    Args:
        share: From anyone.
        commitments: Those that all nodes have agreed on.

    Raises:
        ShareError: It is not.

    Cost: one multiplication of a point for each commitment.
    """
    if not 1 <= share.node <= NODES_MAX or not 0 < len(commitments) <= NODES_MAX:
        raise ShareError(f"there is no node {share.node}, or there are no commitments")
    if not is_secret(share.value):
        raise ShareError(f"the share of node {share.node} is out of range")
    try:
        points = [coincurve.PublicKey(commitment) for commitment in commitments]
        terms = [
            point.multiply(pow(share.node, i, CURVE_ORDER).to_bytes(32, "big"))
            for i, point in enumerate(points)
        ]
        expected = coincurve.PublicKey.combine_keys(terms).format()
    except ValueError as error:
        raise ShareError(f"the commitments are no points: {error}") from error
    if coincurve.PublicKey.from_secret(share.value).format() != expected:
        raise ShareError(f"the share of node {share.node} does not fit the commitments")


def join(shares: Iterable[Share], commitments: Sequence[bytes]) -> bytes:
    """Put a secret together; shares that do not fit are left out.

    Args:
        shares: From anyone.
        commitments: Those that all nodes have agreed on; as many shares are needed.

    Returns:
        The secret, 32 bytes.

    Raises:
        ShareError: Too few shares fit.
    """
    needed = len(commitments)
    good: dict[int, int] = {}
    for share in shares:
        if len(good) == needed:
            break
        try:
            verify(share, commitments)
        except ShareError:
            continue
        good[share.node] = int.from_bytes(share.value, "big")
    if len(good) < needed or not needed:
        raise ShareError(f"{len(good)} shares fit where {needed} are needed")
    secret = 0
    for node, value in good.items():
        weight = 1
        for other in good:
            if other != node:
                weight = weight * other * pow(other - node, -1, CURVE_ORDER) % CURVE_ORDER
        secret += value * weight
    return (secret % CURVE_ORDER).to_bytes(SECRET_BYTES, "big")


def _value(coefficients: Sequence[int], node: int) -> bytes:
    """The polynomial at a place."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * node + coefficient) % CURVE_ORDER
    return value.to_bytes(SECRET_BYTES, "big")
