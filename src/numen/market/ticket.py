"""Lottery tickets: payments that cost the ledger nothing until one wins.

A payer hands the payee many tickets; each wins with a known probability, and only winners are
redeemed, so the expected payment is ``face * win_prob / WIN_ONE`` while the ledger sees one
transfer in ``WIN_ONE / win_prob``. Neither side can choose the draw: it hashes the payer's
deterministic signature with a secret that the payee had committed to before.

The rules are those of Livepeer's probabilistic micropayments (livepeer/wiki,
``spec/streamflow/pm.md``), with digests bound to chain and contract as EIP-712 does.

    TicketError
    ├── WrongSecretError   the secret is not the one committed to
    └── OddsError          no odds can pay that much under those limits
"""

from collections.abc import Sequence
from functools import cache

import msgspec

from numen.base import merkle
from numen.base.codec import U64, U256, digest, encode
from numen.base.crypto import Address, Hash32, Signature, SigningKey, hmac_sha256, keccak256
from numen.base.eip712 import Domain, typed_digest, word
from numen.base.errors import NumenError
from numen.market.coins import Amount

WIN_ONE = 2**256 - 1
"""Win probabilities are integers out of this."""

NONCES_MAX = 256
"""Tickets for each secret: one word of marks, as a contract would store them."""

VALIDITY_ROUNDS = 2
"""A ticket can be redeemed in the round of its making and this many rounds after it."""

COST_MULTIPLIER = 100
"""A winner is worth at least this many times what redeeming it costs."""

_TYPE = (
    "Ticket(address recipient,address sender,uint256 faceValue,uint256 winProb,"
    "uint256 senderNonce,bytes32 recipientRandHash,uint256 creationRound,"
    "bytes32 creationRoundHash)"
)


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """A promise to pay, if it wins.

    Attributes:
        recipient: Who may redeem it.
        sender: Whose deposit pays.
        face: What a winner pays, in coins.
        win_prob: Chance of a win, out of `WIN_ONE`.
        nonce: Counts the tickets for one secret, from 0, below `NONCES_MAX`.
        rand_hash: keccak256 of the recipient's secret for these tickets.
        round: Round of the escrow in which it was made.
        round_hash: The escrow's hash of that round, which nobody knew before it began.
    """

    recipient: Address
    sender: Address
    face: Amount
    win_prob: U256
    nonce: U64
    rand_hash: Hash32
    round: U64
    round_hash: Hash32


class SignedTicket(msgspec.Struct, frozen=True, array_like=True):
    """A ticket on its way to the recipient.

    Attributes:
        ticket: The promise.
        signature: The sender's, over `ticket_digest`.
    """

    ticket: Ticket
    signature: Signature


class Quote(msgspec.Struct, frozen=True, array_like=True):
    """What a recipient wants tickets to look like. It keeps no copy: it can recompute it.

    Attributes:
        recipient: Who will redeem.
        face: What a winner pays, in coins.
        win_prob: Chance of a win, out of `WIN_ONE`.
        rand_hash: keccak256 of the secret that `rand` derives from all the rest.
        seed: 32 bytes that make the secret new.
        expires_ms: When the recipient stops taking tickets of this quote.
        price: Expected value of a ticket, in coins.
        count: Most tickets taken under it, at most `NONCES_MAX`.
        round: Round the tickets are to be made in.
        round_hash: Hash of that round.
    """

    recipient: Address
    face: Amount
    win_prob: U256
    rand_hash: Hash32
    seed: Hash32
    expires_ms: U64
    price: Amount
    count: U64
    round: U64
    round_hash: Hash32


class TicketError(NumenError):
    """Root of what tickets from outside can be wrong about."""


class WrongSecretError(TicketError):
    """The secret shown is not the one that the ticket commits to."""


class OddsError(TicketError):
    """No face value fits between what redeeming costs and what the payer can cover."""


def ticket_digest(domain: Domain, ticket: Ticket) -> bytes:
    """Hash a ticket for signing, bound to the market's chain and contract; 32 bytes."""
    return typed_digest(
        _separator(domain),
        _TYPE,
        word(ticket.recipient),
        word(ticket.sender),
        word(ticket.face),
        word(ticket.win_prob),
        word(ticket.nonce),
        ticket.rand_hash,
        word(ticket.round),
        ticket.round_hash,
    )


def sign_ticket(key: SigningKey, domain: Domain, ticket: Ticket) -> SignedTicket:
    """Sign a ticket; the same ticket always gets the same signature, so no draw can be chosen."""
    assert ticket.sender == key.address
    return SignedTicket(ticket, key.sign(ticket_digest(domain, ticket)))


def rand(secret: bytes, sender: bytes, quote: Quote) -> bytes:
    """Derive the recipient's secret of a quote from its one lasting secret; 32 bytes.

    Every term of the quote goes in, so a payer that changes one gets another secret's hash.

    Args:
        secret: The recipient's own, never shown.
        sender: Whom the quote is for.
        quote: The quote; its ``rand_hash`` is not read.
    """
    return hmac_sha256(
        secret,
        b"".join(
            (
                quote.seed,
                sender,
                word(quote.face),
                word(quote.win_prob),
                word(quote.expires_ms),
                word(quote.price),
                word(quote.count),
                word(quote.round),
                quote.round_hash,
            )
        ),
    )


def draw(signature: bytes, revealed: bytes) -> int:
    """Compute a ticket's draw: uniform in ``[0, 2**256)`` and known to nobody beforehand."""
    return int.from_bytes(keccak256(signature, revealed), "big")


def wins(signed: SignedTicket, revealed: bytes) -> bool:
    """Tell whether a ticket won.

    Args:
        signed: The ticket; the caller checks the signature.
        revealed: The recipient's secret for it.

    Raises:
        WrongSecretError: The secret is another one.
    """
    if keccak256(revealed) != signed.ticket.rand_hash:
        raise WrongSecretError("the secret shown is not the one the ticket commits to")
    return draw(signed.signature, revealed) < signed.ticket.win_prob


def expected_value(face: int, win_prob: int) -> int:
    """What a ticket pays on average, in coins, rounded down."""
    return face * win_prob // WIN_ONE


def ticket_id(ticket: Ticket) -> bytes:
    """Name a ticket by its content; 32 bytes."""
    return digest("numen/ticket/1", ticket)


def batch_digest(tickets: Sequence[SignedTicket]) -> bytes:
    """Commit to tickets in order, signatures included; 32 bytes, zero for none."""
    return merkle.root([encode(signed) for signed in tickets]) if tickets else bytes(32)


def choose_odds(price: int, redeem_cost: int, spread: int, face_max: int) -> tuple[int, U256]:
    """Choose face value and win probability for tickets of a given expected value.

    Args:
        price: Expected value of a ticket, in coins; from 1.
        redeem_cost: What redeeming one costs, in coins.
        spread: At most one ticket in this many wins; from 1.
        face_max: Most that the payer is sure to cover, from `escrow.max_float`.

    Returns:
        The face value and the win probability, whose expected value is exactly ``price``.

    Raises:
        OddsError: The payer's reserve does not cover a winner worth redeeming.
    """
    assert price >= 1
    assert spread >= 1
    face = max(redeem_cost * COST_MULTIPLIER, price * spread)
    if face > face_max:
        raise OddsError(f"a winner of {face} coins is over the {face_max} that are sure")
    return face, U256(-(-price * WIN_ONE // face))


@cache
def _separator(domain: Domain) -> bytes:
    return domain.separator()
