"""Bonds of those who vote: coins that a lie takes away, and who votes at which height.

The ledger begins with a bond for each that votes, beside what accounts have. It is taken whole or
not at all: a loss says when, for what and who brought it. Both are notes in the ledger's own cell,
so they are under the state's root: who carries blocks out, who applies diffs and who begins with a
copy of a disk read the same.

Who votes for a block of some height follows from the losses alone. One in block h counts from block
``h + NOTICE`` on. Nobody can vote for a block before it has the one before, which has one state
when it is final; so all who vote, and whoever checks a certificate later, know one electorate for
each height.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, decode, encode
from numen.base.crypto import Address, Hash32
from numen.ledger.order.bls import PublicKey
from numen.ledger.order.certificate import Electorate, Member
from numen.ledger.order.offence import Offence

NOTICE: Final = 4
"""Blocks from the one that takes a bond to the first for which its owner's vote does not count.
One would do; with some more, who is a few blocks behind knows whose proposal it hears."""

REPORTER_PART: Final = 16
"""A sixteenth of a bond that is taken goes to who brought the evidence, and the rest is burnt. To
bring it costs next to nothing, since nodes judge for themselves anyway; and whoever expects to be
caught can have a friend bring it, so that what the reporter gets is what a lie is made cheaper
by."""

BONDS: Final = b"bonds"
LOSSES: Final = b"losses"
"""Names of the notes."""

BONDS_MAX: Final = 256
"""Most bonds of a ledger."""


class Bond(msgspec.Struct, frozen=True, array_like=True):
    """What a node pledged when the ledger began.

    Attributes:
        node: Its address.
        member: By which key it votes, and its coins.
    """

    node: Address
    member: Member


class Bonds(msgspec.Struct, frozen=True, array_like=True):
    """All bonds, ordered by their keys for votes."""

    bonds: Annotated[tuple[Bond, ...], Meta(min_length=1, max_length=BONDS_MAX)]


class Loss(msgspec.Struct, frozen=True, array_like=True):
    """A bond that was taken.

    Attributes:
        key: Whose, by its key for votes.
        height: Of the block that took it.
        offence: What for.
        lie: Digest of the evidence.
        reporter: Who brought it: the maker of that block.
        rewarded: Coins that it got.
        burnt: Coins that nobody has any more.
    """

    key: PublicKey
    height: U64
    offence: Offence
    lie: Hash32
    reporter: Address
    rewarded: U64
    burnt: U64


class Losses(msgspec.Struct, frozen=True, array_like=True):
    """All bonds that were taken, in that order; of each key at most one."""

    losses: Annotated[tuple[Loss, ...], Meta(max_length=BONDS_MAX)]


class Pledges:
    """Who had a bond when the ledger began, and who is left of them.

    Args:
        bonds: Of all.

    Attributes:
        bonds: The same, ordered by their keys.
        first: The electorate of the first block.

    Raises:
        ElectorateError: No electorate can be made of them.

    Cost: 2.4 milliseconds a member, once.
    """

    def __init__(self, bonds: Iterable[Bond]) -> None:
        self.bonds = tuple(sorted(bonds, key=lambda bond: bond.member.key))
        self.first = Electorate.of(bond.member for bond in self.bonds)
        self._left = {frozenset[bytes](): self.first}

    def without(self, keys: frozenset[bytes]) -> Electorate:
        """The electorate of who is left."""
        found = self._left.get(keys)
        if found is None:
            found = self._left[keys] = self.first.without(keys)
        return found


class Standing(msgspec.Struct, frozen=True):
    """How the bond of one node stands.

    Attributes:
        bond: What it pledged when the ledger began.
        left: Coins of it that are at stake.
        votes: Whether it votes for the next block.
        loss: What was taken, and why; None where nothing was.
    """

    bond: Bond
    left: int
    votes: bool
    loss: Loss | None


class Stakes(msgspec.Struct, frozen=True):
    """All bonds as they are after some block.

    Attributes:
        pledges: As the ledger began.
        losses: What was taken since.
    """

    pledges: Pledges
    losses: tuple[Loss, ...] = ()

    def electorate(self, height: int) -> Electorate:
        """Who votes for the block of a height, as far as this knows: up to `NOTICE` ahead."""
        gone = (loss.key for loss in self.losses if loss.height + NOTICE <= height)
        return self.pledges.without(frozenset(gone))

    def bond(self, key: bytes) -> int:
        """Coins that are at stake for a key for votes; 0 where there are none."""
        index = self.pledges.first.index(key)
        is_gone = index is None or any(loss.key == key for loss in self.losses)
        return 0 if is_gone or index is None else self.pledges.first.members[index].stake

    def standings(self, height: int) -> tuple[Standing, ...]:
        """How each bond stands after the block of a height, ordered by their keys."""
        voting = {member.key for member in self.electorate(height + 1).members}
        losses = {loss.key: loss for loss in self.losses}
        return tuple(
            Standing(bond, self.bond(key), key in voting, losses.get(key))
            for bond in self.pledges.bonds
            for key in (bond.member.key,)
        )

    @property
    def left(self) -> int:
        """Coins that are at stake, all together."""
        return sum(self.bond(bond.member.key) for bond in self.pledges.bonds)

    @property
    def burnt(self) -> int:
        """Coins that nobody has any more."""
        return sum(loss.burnt for loss in self.losses)

    @property
    def outcasts(self) -> frozenset[Address]:
        """Nodes whose bonds were taken."""
        keys = {loss.key for loss in self.losses}
        return frozenset(bond.node for bond in self.pledges.bonds if bond.member.key in keys)


@lru_cache(64)
def pledges(raw: bytes) -> Pledges:
    """Read the bonds with which a ledger began: many states of one ledger have the same.

    Raises:
        CodecError: The bytes are none.
        ElectorateError: No electorate can be made of them.
    """
    return Pledges(decode(Bonds, raw).bonds)


def write_bonds(bonds: Iterable[Bond]) -> bytes:
    """Write the bonds with which a ledger begins; nothing for none."""
    ordered = tuple(sorted(bonds, key=lambda bond: bond.member.key))
    return encode(Bonds(ordered)) if ordered else b""


def write_losses(losses: tuple[Loss, ...]) -> bytes:
    """Write what was taken; nothing for nothing."""
    return encode(Losses(losses)) if losses else b""


def read_losses(raw: bytes) -> tuple[Loss, ...]:
    """Read what was taken.

    Raises:
        CodecError: The bytes are none.
    """
    return decode(Losses, raw).losses if raw else ()
