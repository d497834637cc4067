"""A snapshot: a roster and a kernel in one file, for who wants to ask what a node knew."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, decode, encode
from numen.trust.attestation import SignedSheet
from numen.trust.kernel import Kernel
from numen.trust.roster import MEMBERS_MAX, Members, Roster

BYTES_MAX: Final = 256 << 20
"""Longest snapshot."""


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """What a node knew.

    Attributes:
        roster: Who is a member.
        now: The step.
        sheets: By attester.
    """

    roster: Roster
    now: U64
    sheets: Annotated[tuple[SignedSheet, ...], Meta(max_length=MEMBERS_MAX)]


def write_snapshot(kernel: Kernel) -> bytes:
    """Write what a kernel knows."""
    snapshot = Snapshot(kernel.members.roster, kernel.now, tuple(kernel))
    return encode(snapshot, size_max=BYTES_MAX)


def read_snapshot(raw: bytes) -> Kernel:
    """Read a snapshot from anyone; every signature is checked.

    Raises:
        CodecError: It is none.
        TrustError: The roster is out of order, or a sheet is not what its attester may say.

    Cost: 50 microseconds a sheet.
    """
    snapshot = decode(Snapshot, raw, size_max=BYTES_MAX)
    kernel = Kernel(Members(snapshot.roster))
    kernel.advance(snapshot.now)
    kernel.merge(snapshot.sheets)
    return kernel
