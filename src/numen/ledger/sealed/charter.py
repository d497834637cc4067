"""Charters: what everybody may know of a private contract's keys, kept in the state itself.

A charter names the epoch, the key that requests are sealed for, and the commitments to the shares
of the secret. Shares follow from the secret: whoever carries a block out that begins an epoch comes
to the same commitments, and every node to its own share, without anybody dealing.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, decode, encode
from numen.base.crypto import Hash32, keccak256
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.shares import NODES_MAX, Dealt, Point, deal

NOTE: Final = b"charter"
"""Name of the ledger's note of a contract in which its charter is kept."""

FOUNDING: Final = keccak256(b"numen founding")[:4]
"""The first bytes of a payload that is for the ledger, before a contract is there."""

NO_SALT: Final = bytes(32)
"""The salt of the first epoch, whose secret follows from nothing."""

Commitments = Annotated[tuple[Point, ...], Meta(min_length=1, max_length=NODES_MAX)]


class Charter(msgspec.Struct, frozen=True, array_like=True):
    """The keys of a contract in one epoch, as others see them.

    Attributes:
        epoch: Which epoch, counted from 0.
        salt: From it and the secret of the epoch before follows the present one.
        mail: What requests are sealed for.
        commitments: To the coefficients of the polynomial of the shares; as many shares are the
            secret. The first is the secret's own.
    """

    epoch: U64
    salt: Hash32
    mail: Hash32
    commitments: Commitments


def write_charter(charter: Charter) -> bytes:
    """Write a charter."""
    return encode(charter)


def read_charter(raw: bytes) -> Charter:
    """Read a charter from anyone.

    Raises:
        CodecError: The bytes are none.
    """
    return decode(Charter, raw)


def shares_of(keys: EpochKeys, needed: int, nodes: int) -> Dealt:
    """The shares of the present epoch's secret, which are the same whenever they are made.

    Args:
        keys: Of the epoch.
        needed: Shares that are the secret, 1 to ``nodes``.
        nodes: Nodes in all, at most `NODES_MAX`.

    Cost: a multiplication of a point for each needed share.
    """
    return deal(keys.secret, needed, nodes, keys.coefficients(needed - 1))
