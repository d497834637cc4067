"""The roster: the members of a network, in the order by which they are numbered.

Nodes register on the ledger; who is registered at the start of an epoch is its roster. What members
say of each other names them by their number, which is why a sheet of a dozen verdicts has two
hundred bytes; it is signed together with the roster's id, so that it cannot be read by another.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, digest, encode
from numen.base.crypto import Address
from numen.trust.errors import RosterError, UnknownNodeError

MEMBERS_MAX: Final = 1 << 20
"""Most members of a roster."""

_SIZE_MAX: Final = 32 << 20
_DOMAIN: Final = "numen/roster/1"


class Roster(msgspec.Struct, frozen=True, array_like=True):
    """Members as they are written down: ordered by address, each once.

    Attributes:
        network: Id of the chain on which they are registered.
        epoch: Which roster of that network.
        members: Their addresses.
    """

    network: U64
    epoch: U64
    members: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=MEMBERS_MAX)]


class Members:
    """A roster that is in order, and can be asked.

    Args:
        roster: From anyone.

    Attributes:
        roster: The same.
        id: Its digest, 32 bytes.

    Raises:
        RosterError: The members are not in order, each once.
    """

    def __init__(self, roster: Roster) -> None:
        if any(a >= b for a, b in pairwise(roster.members)):
            raise RosterError("the members are not ordered by their addresses, each once")
        self.roster = roster
        self.id: bytes = digest(_DOMAIN, encode(roster, size_max=_SIZE_MAX))
        self._index = {address: index for index, address in enumerate(roster.members)}

    @classmethod
    def of(cls, network: int, epoch: int, addresses: Iterable[bytes]) -> "Members":
        """A roster of addresses in any order."""
        return cls(Roster(network, epoch, tuple(sorted(set(addresses)))))

    def __len__(self) -> int:
        return len(self.roster.members)

    def address(self, index: int) -> bytes:
        """The address of a member."""
        return self.roster.members[index]

    def index(self, address: bytes) -> int:
        """The number of a member.

        Raises:
            UnknownNodeError: The address is not in the roster.
        """
        found = self._index.get(address)
        if found is None:
            raise UnknownNodeError(f"0x{address.hex()} is not in the roster")
        return found

    def find(self, name: str) -> int:
        """The member whom a person means by a number, an address or the beginning of one.

        Raises:
            UnknownNodeError: Nobody, or more than one, is called so.
        """
        if name.isascii() and name.isdigit() and len(name) <= 7:
            if int(name) < len(self):
                return int(name)
            raise UnknownNodeError(f"there is no node {name}: they are 0 to {len(self) - 1}")
        start = name.removeprefix("0x").lower()
        found = [
            i for i, member in enumerate(self.roster.members) if member.hex().startswith(start)
        ]
        if not start or len(found) != 1:
            raise UnknownNodeError(
                f"{len(found)} nodes have an address that begins with {name[:42]!r}",
                hint="give a number, or more digits of the address",
            )
        return found[0]
