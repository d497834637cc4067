"""The worker's side of tickets: quote, check, keep winners.

A payee remembers one small session for each payer, however many tickets come: the quote, one
word of nonce marks, and winners until they are redeemed. The secret behind a quote is derived
again when it is needed.

    PayeeError             a ticket is not taken; the payer owes another
"""

from functools import lru_cache

import msgspec

from numen.base.crypto import BadSignatureError, hmac_sha256, keccak256, verify_signer
from numen.base.eip712 import Domain
from numen.base.errors import NumenError
from numen.market.escrow import Redemption
from numen.market.ticket import (
    NONCES_MAX,
    Quote,
    SignedTicket,
    choose_odds,
    draw,
    expected_value,
    rand,
    ticket_digest,
)

SAMPLE_ONE_IN = 64
"""Share of losing tickets whose signature is checked by payees that sample.

A payer of false signatures gets about this many tickets' worth of work before it is found out.
"""

_DERIVED_MAX = 64
"""Quotes whose secret is kept at hand: a bound on memory, whatever the number of tickets."""


class Session(msgspec.Struct, frozen=True):
    """What a payee remembers about one payer.

    Attributes:
        sender: The payer.
        quote: The tickets it is to send.
        seen: One bit for each nonce that came.
        credit: Expected value received and not yet used for work, in coins.
        winners: Winners to be redeemed, at most `NONCES_MAX`.
        is_shown: Whether winners were handed over, which shows the secret to the payer.
    """

    sender: bytes
    quote: Quote
    seen: int = 0
    credit: int = 0
    winners: tuple[Redemption, ...] = ()
    is_shown: bool = False

    @property
    def owed(self) -> int:
        """Face value of the winners not yet redeemed, in coins."""
        return sum(r.signed.ticket.face for r in self.winners)


class Terms(msgspec.Struct, frozen=True):
    """What a payee quotes by.

    Attributes:
        price: Expected value of a ticket, in coins.
        count: Most tickets to take.
        redeem_cost: What redeeming one costs, in coins.
        spread: At most one ticket in this many wins.
        expires_ms: When the quote ends.
        round: Round of the escrow.
        round_hash: Its hash.
    """

    price: int
    count: int
    redeem_cost: int
    spread: int
    expires_ms: int
    round: int
    round_hash: bytes


class PayeeError(NumenError):
    """A ticket is not taken."""


def make_quote(
    secret: bytes, payee: bytes, sender: bytes, terms: Terms, seed: bytes, float_max: int
) -> Quote:
    """Quote tickets to a payer.

    Args:
        secret: The payee's lasting secret.
        payee: The payee.
        sender: The payer.
        terms: Price and times.
        seed: 32 bytes never used before with this payer.
        float_max: Coins the payer is sure to cover, from `escrow.max_float`, and not promised
            to other quotes. It bounds the tickets taken, as all of them may win.

    Raises:
        OddsError: The payer's reserve is too small for tickets worth redeeming.
    """
    face, win_prob = choose_odds(terms.price, terms.redeem_cost, terms.spread, float_max)
    count = min(terms.count, NONCES_MAX, float_max // face)
    quote = Quote(
        payee,
        face,
        win_prob,
        bytes(32),
        seed,
        terms.expires_ms,
        terms.price,
        count,
        terms.round,
        terms.round_hash,
    )
    return msgspec.structs.replace(quote, rand_hash=keccak256(rand(secret, sender, quote)))


def take(
    session: Session,
    signed: SignedTicket,
    *,
    secret: bytes,
    domain: Domain,
    now_ms: int,
    float_max: int,
    sample_one_in: int = 1,
) -> tuple[Session, bool]:
    """Take a ticket, if it is what was quoted.

    Args:
        session: What is remembered of its sender.
        signed: The ticket, from anyone.
        secret: The payee's lasting secret.
        domain: Chain and contract of the escrow.
        now_ms: The present moment.
        float_max: Coins the payer is sure to cover at this moment, from `escrow.max_float`.
        sample_one_in: Check the signatures of winners and of one loser in this many; 1 checks
            all, `SAMPLE_ONE_IN` is ten times faster at a loss bounded by as many tickets.

    Returns:
        The session, and whether the ticket won.

    Raises:
        PayeeError: It is not what was quoted, comes late or twice, or a winner would not be
            covered. The session is unchanged.
    """
    quote, ticket = session.quote, signed.ticket
    _check_terms(session, signed)
    if session.is_shown:
        raise PayeeError("the quote's secret has been shown: ask for another quote")
    if now_ms >= quote.expires_ms:
        raise PayeeError("the quote has expired")
    # Every ticket passes the economic limits, on every path (go-livepeer a6c4b1e).
    if session.owed + ticket.face > float_max:
        raise PayeeError(f"a winner would not be covered: {float_max} coins are sure")
    revealed, rand_hash = _derived(secret, session.sender, quote)
    if rand_hash != ticket.rand_hash:
        raise PayeeError("the quote is not one of ours")
    won = draw(signed.signature, revealed) < ticket.win_prob
    if won or _is_sampled(secret, signed, sample_one_in):
        try:
            verify_signer(session.sender, ticket_digest(domain, ticket), signed.signature)
        except BadSignatureError as error:
            raise PayeeError(str(error)) from error
    winners = (*session.winners, Redemption(signed, revealed)) if won else session.winners
    return msgspec.structs.replace(
        session,
        seen=session.seen | 1 << ticket.nonce,
        credit=session.credit + expected_value(ticket.face, ticket.win_prob),
        winners=winners,
    ), won


def use_credit(session: Session, price: int) -> Session:
    """Use credit for work done.

    Raises:
        PayeeError: There is less than the price.
    """
    if session.credit < price:
        raise PayeeError(f"credit of {session.credit} coins for work of {price}")
    return msgspec.structs.replace(session, credit=session.credit - price)


def collect(session: Session) -> tuple[Session, tuple[Redemption, ...]]:
    """Hand over the winners for redemption.

    That ends the quote if there are any: a payer that knows the secret would know each draw
    before it sends a ticket, and send losers only.
    """
    is_shown = session.is_shown or bool(session.winners)
    return msgspec.structs.replace(session, winners=(), is_shown=is_shown), session.winners


def _check_terms(session: Session, signed: SignedTicket) -> None:
    quote, ticket = session.quote, signed.ticket
    if ticket.recipient != quote.recipient or ticket.sender != session.sender:
        raise PayeeError("the ticket is between others")
    if (ticket.face, ticket.win_prob) != (quote.face, quote.win_prob):
        raise PayeeError("face value or odds are not those quoted")
    if (ticket.rand_hash, ticket.round) != (quote.rand_hash, quote.round):
        raise PayeeError("secret or round is not the one quoted")
    if ticket.round_hash != quote.round_hash:
        raise PayeeError("the round's hash is not the one quoted")
    if ticket.nonce >= quote.count:
        raise PayeeError("the quote has no nonces left")
    # A secret draws once for each nonce: losing draws cannot be tried again (HOPR #3613).
    if session.seen >> ticket.nonce & 1:
        raise PayeeError("the nonce has come before")


@lru_cache(maxsize=_DERIVED_MAX)
def _derived(secret: bytes, sender: bytes, quote: Quote) -> tuple[bytes, bytes]:
    """The secret of a quote and its hash; tickets of one quote come one after the other."""
    revealed = rand(secret, sender, quote)
    return revealed, keccak256(revealed)


def _is_sampled(secret: bytes, signed: SignedTicket, one_in: int) -> bool:
    if one_in == 1:
        return True
    # Keyed, so that the payer cannot tell which of its losers will be checked.
    mark = hmac_sha256(secret, b"sample" + signed.signature)
    return int.from_bytes(mark[:8], "big") % one_in == 0
