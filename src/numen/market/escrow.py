"""The escrow that redeems winning tickets: deposit first, then each payee's part of a reserve.

A deposit may be promised to too many; the reserve may not. It is split evenly among the payees
of a round, and a payee that never holds more unredeemed winners than its part (`max_float`) is
paid whatever the payer does with the rest. Source: Livepeer's TicketBroker, with payouts all or
nothing, the paid amount in the event, and marks for 256 nonces in one word.

    EscrowError
    ├── RedeemError        a ticket is refused; `Reason` says why
    └── LockedError        money is asked for before its time
"""

from collections.abc import Sequence
from enum import Enum

import msgspec

from numen.base.codec import CodecError, digest, encode
from numen.base.crypto import BadSignatureError, Hash32, recover
from numen.base.eip712 import Domain
from numen.base.errors import NumenError
from numen.market.coins import Account, Ledger, Pocket, Transfer, wallet
from numen.market.ticket import (
    NONCES_MAX,
    VALIDITY_ROUNDS,
    SignedTicket,
    WrongSecretError,
    ticket_digest,
    wins,
)

UNLOCK_ROUNDS = VALIDITY_ROUNDS + 1
"""Rounds between asking for one's money and getting it: every ticket has expired by then."""

BATCH_MAX = 256
"""Most tickets in one redemption."""

MARKS_MAX = 65_536
"""Most words of nonce marks kept at a time."""

FLOAT_IGNORES_PENDING = 3
"""Pending redemptions do not count while the deposit covers them this many times."""


class Claims(msgspec.Struct, frozen=True):
    """What payees took from a reserve in one round.

    Attributes:
        round: The round; claims of another one count nothing.
        total: Coins of all payees.
        by: Coins by payee.
    """

    round: int
    total: int = 0
    by: dict[bytes, int] = {}


class Marks(msgspec.Struct, frozen=True):
    """Which nonces of one secret have been paid.

    Attributes:
        word: One bit a nonce.
        last_round: Round after which none of them could be redeemed anyway.
    """

    word: int
    last_round: int


class Escrow(msgspec.Struct, frozen=True):
    """State of the escrow; the money itself is in the ledger.

    Attributes:
        domain: Chain and contract that tickets have to be signed for.
        round: Present round, from 1; 0 before the first.
        hashes: Hash of each round in which a ticket still valid may have been made.
        pool: Payees of the present round, among whom reserves are split.
        unlocking: When each payer that asked for its money gets it, in rounds.
        claims: What was taken from each payer's reserve.
        marks: Paid nonces by payer, payee and secret hash. The payee is in it, or a payer could
            have its winners used up by a friend to whom it wrote tickets of the same secret.
    """

    domain: Domain
    round: int = 0
    hashes: dict[int, bytes] = {}
    pool: frozenset[bytes] = frozenset()
    unlocking: dict[bytes, int] = {}
    claims: dict[bytes, Claims] = {}
    marks: dict[tuple[bytes, bytes, bytes], Marks] = {}


class Redemption(msgspec.Struct, frozen=True, array_like=True):
    """A winner and the secret that shows it.

    Attributes:
        signed: The ticket.
        revealed: The payee's secret for it.
    """

    signed: SignedTicket
    revealed: Hash32


class Reason(Enum):
    """Why a ticket is not paid."""

    ROUND_UNKNOWN = "its round is not one the escrow knows"
    ROUND_HASH = "its round's hash is another"
    EXPIRED = "it has expired"
    NONCE = "its nonce is out of range"
    SECRET = "the secret is another one"  # noqa: S105 (a sentence)
    SIGNATURE = "its sender did not sign it"
    LOST = "it did not win"
    USED = "it has been paid already"
    UNLOCKED = "its sender may have taken the money out"
    UNFUNDED = "deposit and reserve do not cover it"
    CROWDED = "the escrow keeps too many marks"
    MALFORMED = "it is no ticket"


class EscrowError(NumenError):
    """Root of why the escrow refuses."""


class RedeemError(EscrowError):
    """A ticket is not paid, and stays unpaid and unused.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"the ticket is not paid: {reason.value}")
        self.reason = reason


class LockedError(EscrowError):
    """Money cannot leave yet.

    Attributes:
        until_round: First round in which it can; 0 when it was not asked for.
    """

    def __init__(self, until_round: int) -> None:
        super().__init__(f"the money is locked until round {until_round or '(not asked for)'}")
        self.until_round = until_round


def deposit_of(owner: bytes) -> Account:
    """Name the coins that pay an owner's tickets first."""
    return Account(Pocket.DEPOSIT, owner)


def reserve_of(owner: bytes) -> Account:
    """Name the coins that pay an owner's tickets when the deposit is empty."""
    return Account(Pocket.RESERVE, owner)


def begin_round(escrow: Escrow, entropy: bytes, pool: frozenset[bytes]) -> Escrow:
    """Begin the next round and forget what can no longer be redeemed.

    Args:
        escrow: The escrow.
        entropy: Bytes that nobody could know before, such as a digest of all messages so far.
        pool: Payees of the round.
    """
    number = escrow.round + 1
    oldest = number - VALIDITY_ROUNDS
    kept = {r: h for r, h in escrow.hashes.items() if r >= oldest}
    seal = digest("numen/round/1", number.to_bytes(8, "big") + entropy)
    return msgspec.structs.replace(
        escrow,
        round=number,
        hashes={**kept, number: seal},
        pool=pool,
        marks={k: m for k, m in escrow.marks.items() if m.last_round >= number},
    )


def begin_rounds(escrow: Escrow, last: int, entropy: bytes, pool: frozenset[bytes]) -> Escrow:
    """Begin all rounds up to one, as `begin_round` one after the other would.

    Rounds in which nothing happened, and whose tickets would have expired, are only counted.

    Args:
        escrow: The escrow.
        last: The round that begins last.
        entropy: As for `begin_round`.
        pool: As for `begin_round`.

    Cost: that of `VALIDITY_ROUNDS` and one more rounds, however many passed.
    """
    passed = last - VALIDITY_ROUNDS - 1
    if passed > escrow.round:
        escrow = msgspec.structs.replace(escrow, round=passed)
    while escrow.round < last:
        escrow = begin_round(escrow, entropy, pool)
    return escrow


def unlock(escrow: Escrow, owner: bytes) -> Escrow:
    """Ask for one's deposit and reserve; payees stop accepting tickets from then on."""
    if owner in escrow.unlocking:
        return escrow
    unlocking = {**escrow.unlocking, owner: escrow.round + UNLOCK_ROUNDS}
    return msgspec.structs.replace(escrow, unlocking=unlocking)


def lock(escrow: Escrow, owner: bytes) -> Escrow:
    """Take back the asking; funding does it too."""
    rest = {account: r for account, r in escrow.unlocking.items() if account != owner}
    return msgspec.structs.replace(escrow, unlocking=rest)


def withdraw(escrow: Escrow, ledger: Ledger, owner: bytes) -> tuple[Escrow, tuple[Transfer, ...]]:
    """Take out deposit and reserve, `UNLOCK_ROUNDS` after asking.

    Raises:
        LockedError: It is too early.
    """
    until = escrow.unlocking.get(owner, 0)
    if not until or escrow.round < until:
        raise LockedError(until)
    moves = tuple(
        Transfer(account, wallet(owner), ledger.balance(account), "withdraw")
        for account in (deposit_of(owner), reserve_of(owner))
    )
    return lock(escrow, owner), moves


def max_float(escrow: Escrow, ledger: Ledger, sender: bytes, payee: bytes, pending: int) -> int:
    """Compute how many coins of unredeemed winners a payee may hold of one payer.

    Args:
        escrow: The escrow.
        ledger: Balances.
        sender: The payer.
        payee: The payee.
        pending: Coins of redemptions under way that other payees are known to make.

    Returns:
        Coins that the reserve pays this payee in this round whatever happens to the deposit.
    """
    if sender in escrow.unlocking:
        return 0
    if ledger.balance(deposit_of(sender)) >= FLOAT_IGNORES_PENDING * pending:
        pending = 0
    return max(claimable(escrow, ledger, sender, payee) - pending, 0)


def claimable(escrow: Escrow, ledger: Ledger, sender: bytes, payee: bytes) -> int:
    """Compute what is left of a payee's part of a payer's reserve in this round, in coins."""
    if payee not in escrow.pool:
        return 0
    claims = _claims(escrow, sender)
    reserve = ledger.balance(reserve_of(sender))
    part = (reserve + claims.total) // len(escrow.pool)
    return max(min(part - claims.by.get(payee, 0), reserve), 0)


def redeem(
    escrow: Escrow, ledger: Ledger, redemption: Redemption
) -> tuple[Escrow, tuple[Transfer, ...]]:
    """Pay a winning ticket, whole or not at all.

    Args:
        escrow: The escrow.
        ledger: Balances.
        redemption: A ticket and its secret, from anyone; only its recipient is paid.

    Returns:
        The escrow with the nonce marked, and transfers that sum to the face value.

    Raises:
        RedeemError: It is not paid; nothing is marked, so it can be tried again.

    Cost: one signature recovery for a ticket that would win, hashes for one that would not.
    """
    ticket = redemption.signed.ticket
    _check_winner(escrow, redemption)
    key, bit = (ticket.sender, ticket.recipient, ticket.rand_hash), 1 << ticket.nonce
    marks = escrow.marks.get(key, Marks(0, ticket.round + VALIDITY_ROUNDS))
    if marks.word & bit:
        raise RedeemError(Reason.USED)
    if key not in escrow.marks and len(escrow.marks) >= MARKS_MAX:
        raise RedeemError(Reason.CROWDED)
    from_deposit = min(ledger.balance(deposit_of(ticket.sender)), ticket.face)
    from_reserve = ticket.face - from_deposit
    # A part of a winner is no payment: dust would use the ticket up (livepeer/protocol #657).
    if from_reserve > claimable(escrow, ledger, ticket.sender, ticket.recipient):
        raise RedeemError(Reason.UNFUNDED)
    target = wallet(ticket.recipient)
    moves = (
        Transfer(deposit_of(ticket.sender), target, from_deposit, "win"),
        Transfer(reserve_of(ticket.sender), target, from_reserve, "win"),
    )
    return msgspec.structs.replace(
        escrow,
        claims=_claim(escrow, ticket.sender, ticket.recipient, from_reserve),
        marks={**escrow.marks, key: Marks(marks.word | bit, marks.last_round)},
    ), tuple(m for m in moves if m.amount)


def redeem_batch(
    escrow: Escrow, ledger: Ledger, batch: Sequence[Redemption]
) -> tuple[Escrow, Ledger, tuple[Reason | None, ...]]:
    """Redeem many tickets in order, going on past those that are refused.

    Returns:
        The escrow, the ledger with all payouts made, and for each ticket why it was not paid,
        or None.

    Raises:
        EscrowError: More than `BATCH_MAX` tickets.
    """
    if len(batch) > BATCH_MAX:
        raise EscrowError(f"a batch has at most {BATCH_MAX} tickets, not {len(batch)}")
    outcomes: list[Reason | None] = []
    for redemption in batch:
        try:
            escrow, moves = redeem(escrow, ledger, redemption)
        except RedeemError as error:
            outcomes.append(error.reason)
        else:
            ledger = ledger.apply(moves)
            outcomes.append(None)
    return escrow, ledger, tuple(outcomes)


def _check_winner(escrow: Escrow, redemption: Redemption) -> None:
    ticket = redemption.signed.ticket
    try:
        encode(redemption)
    except CodecError as error:
        raise RedeemError(Reason.MALFORMED) from error
    if ticket.round + VALIDITY_ROUNDS < escrow.round:
        raise RedeemError(Reason.EXPIRED)
    if ticket.round not in escrow.hashes:
        raise RedeemError(Reason.ROUND_UNKNOWN)
    if ticket.round_hash != escrow.hashes[ticket.round]:
        raise RedeemError(Reason.ROUND_HASH)
    if ticket.nonce >= NONCES_MAX:
        raise RedeemError(Reason.NONCE)
    if escrow.round >= escrow.unlocking.get(ticket.sender, escrow.round + 1):
        raise RedeemError(Reason.UNLOCKED)
    try:
        won = wins(redemption.signed, redemption.revealed)
    except WrongSecretError as error:
        raise RedeemError(Reason.SECRET) from error
    # The draw costs a hash, the signature fifty times that: losers never reach it.
    if not won:
        raise RedeemError(Reason.LOST)
    try:
        signer = recover(ticket_digest(escrow.domain, ticket), redemption.signed.signature)
    except BadSignatureError as error:
        raise RedeemError(Reason.SIGNATURE) from error
    if signer != ticket.sender:
        raise RedeemError(Reason.SIGNATURE)


def _claims(escrow: Escrow, sender: bytes) -> Claims:
    claims = escrow.claims.get(sender)
    return claims if claims and claims.round == escrow.round else Claims(escrow.round)


def _claim(escrow: Escrow, sender: bytes, payee: bytes, amount: int) -> dict[bytes, Claims]:
    if not amount:
        return escrow.claims
    claims = _claims(escrow, sender)
    by = {**claims.by, payee: claims.by.get(payee, 0) + amount}
    return {**escrow.claims, sender: Claims(escrow.round, claims.total + amount, by)}
