"""What a node of a ledger is told when it begins."""

from collections.abc import Callable, Mapping
from functools import partial
from secrets import token_bytes
from typing import Final

import msgspec

from numen.base.crypto import SigningKey
from numen.ledger.founding import Custodians
from numen.ledger.sealed.keyring import Keyring
from numen.ledger.sealed.strongbox import Strongbox
from numen.ledger.state.kv import KV

PRICE: Final = 10**9
"""Coins a unit of work, unless it is chosen."""


class Settings(msgspec.Struct, frozen=True):
    """How a ledger begins, and how its node makes blocks.

    Attributes:
        accounts: Coins that there are from the beginning, by address.
        maker: Signs blocks, and has the fees.
        keys: Of accounts that the node signs for.
        chain_id: Number of the ledger.
        price: Coins a unit of work that a block asks at least.
        automine: Whether each transaction has a block at once.
        interval_s: Seconds from block to block; 0 for none by itself.
        lanes: Threads that hand messages over.
        box: Seals keys of contracts with private state on the disk; None where there can be none.
        draw: Gives 32 bytes of randomness.
        ring: The keys of contracts that another part of the node has, in place of those.
        custodians: Whose word it takes that a contract's keys are there; None for nobody's.
    """

    accounts: Mapping[bytes, int]
    maker: SigningKey
    keys: tuple[SigningKey, ...] = ()
    chain_id: int = 31337
    price: int = PRICE
    automine: bool = True
    interval_s: int = 0
    lanes: int = 1
    box: Strongbox | None = None
    draw: Callable[[], bytes] = partial(token_bytes, 32)
    ring: Keyring | None = None
    custodians: Custodians | None = None

    def keyring(self, kv: KV) -> Keyring:
        """The keys of contracts that are kept, and of those to come.

        Raises:
            StrongboxError: Keys are kept that cannot be opened.
        """
        if self.ring is not None:
            return self.ring
        if self.box is None:
            return Keyring()
        return Keyring(self.box.keys(kv), lambda _: self.draw(), self.box.writes)
