"""Every coin of the market, in one ledger whose sum never changes.

An account is a pocket of an owner: what is escrowed, staked, pledged or burnt has moved to
another pocket and has not left the ledger. Coins move only by `Transfer`, which takes from one
account what it gives to another.

    CoinsError
    └── NotEnoughError     the source does not hold that much
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base.crypto import Address
from numen.base.errors import NumenError

Amount = Annotated[int, Meta(ge=0)]
"""Coins, in the smallest unit; at most `SUPPLY_MAX`."""

SUPPLY_MAX = 2**63
"""All coins together stay below this, so that no sum of amounts leaves 64 bits."""

NOBODY: bytes = bytes(20)
"""Owner of what belongs to nobody, such as burnt coins."""


class Pocket(Enum):
    """What coins are set aside for."""

    WALLET = "wallet"
    """Free to spend."""
    BID = "bid"
    """Escrowed for one task; `Account.purpose` is its id."""
    DEPOSIT = "deposit"
    """Pays winning tickets first."""
    RESERVE = "reserve"
    """Pays winning tickets that the deposit cannot."""
    STAKE = "stake"
    """What a worker or verifier has at risk, not bound to any task."""
    PLEDGE = "pledge"
    """The part of a stake bound to one task; `Account.purpose` is its id."""
    SURETY = "surety"
    """The part of a stake that stands for an answer that was sold again; `Account.purpose` is the
    id of the task that it is from."""
    BURNT = "burnt"
    """Gone for good, and still counted."""
    OUTSIDE = "outside"
    """Paid out to their owners on the ledger where the market is settled, and still counted."""


class Account(msgspec.Struct, frozen=True, array_like=True):
    """A pocket of an owner.

    Attributes:
        pocket: What the coins are for.
        owner: Whose they are.
        purpose: Id of the task they are bound to, or empty.
    """

    pocket: Pocket
    owner: Address
    purpose: bytes = b""


BURNT = Account(Pocket.BURNT, NOBODY)
"""Where fines go that nobody may have."""

OUTSIDE = Account(Pocket.OUTSIDE, NOBODY)
"""Where coins go that leave the market; no transfer has it as a source."""


class Transfer(msgspec.Struct, frozen=True, array_like=True):
    """Double entry: what leaves one account enters another.

    Attributes:
        source: Account that pays.
        target: Account that gets it.
        amount: Coins.
        reason: A word for the log, such as ``slash``.
    """

    source: Account
    target: Account
    amount: Amount
    reason: str


class Ledger(msgspec.Struct, frozen=True):
    """Balances of every account that holds anything.

    Attributes:
        balances: Coins by account; accounts that hold nothing are absent.
    """

    balances: dict[Account, int]

    def balance(self, account: Account) -> int:
        """Coins that an account holds."""
        return self.balances.get(account, 0)

    def total(self) -> int:
        """All coins there are, the burnt ones included."""
        return sum(self.balances.values())

    def in_pocket(self, pocket: Pocket) -> int:
        """Coins of all owners in one kind of pocket."""
        return sum(held for account, held in self.balances.items() if account.pocket is pocket)

    def apply(self, transfers: Iterable[Transfer]) -> "Ledger":
        """Move coins, all transfers or none.

        Raises:
            NotEnoughError: A source holds less than it should give at its turn.

        Cost: linear in the number of accounts and transfers.
        """
        balances = dict(self.balances)
        for transfer in transfers:
            _move(balances, transfer)
        return Ledger(balances)


class CoinsError(NumenError):
    """Root of what transfers can be wrong about."""


class NotEnoughError(CoinsError):
    """An account holds less than it should pay.

    Attributes:
        transfer: What should have moved.
        held: What the source holds.
    """

    def __init__(self, transfer: Transfer, held: int) -> None:
        owner = f"{transfer.source.pocket.value} of 0x{transfer.source.owner.hex()}"
        super().__init__(f"{owner} holds {held}, not the {transfer.amount} to {transfer.reason}")
        self.transfer = transfer
        self.held = held


def wallet(owner: bytes) -> Account:
    """Name the free coins of an owner."""
    return Account(Pocket.WALLET, owner)


def issue(wallets: Mapping[bytes, int]) -> Ledger:
    """Make the coins of a market, once, at its beginning.

    Args:
        wallets: Coins of each owner.
    """
    assert all(held >= 0 for held in wallets.values())
    assert sum(wallets.values()) < SUPPLY_MAX
    return Ledger({wallet(owner): held for owner, held in wallets.items() if held})


def _move(balances: dict[Account, int], transfer: Transfer) -> None:
    held = balances.get(transfer.source, 0)
    # A negative amount would be a payment against the will of the target.
    if not 0 <= transfer.amount <= held:
        raise NotEnoughError(transfer, held)
    _set(balances, transfer.source, held - transfer.amount)
    _set(balances, transfer.target, balances.get(transfer.target, 0) + transfer.amount)


def _set(balances: dict[Account, int], account: Account, held: int) -> None:
    if held:
        balances[account] = held
    else:
        balances.pop(account, None)
