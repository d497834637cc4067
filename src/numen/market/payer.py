"""The provider's side of tickets: check a quote against one's own limits, and issue.

PayerError             a quote asks for more than the payer allows
"""

import msgspec

from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.base.errors import NumenError
from numen.market.ticket import (
    NONCES_MAX,
    Quote,
    SignedTicket,
    Ticket,
    expected_value,
    sign_ticket,
)


class Limits(msgspec.Struct, frozen=True):
    """What a payer allows.

    Attributes:
        value_max: Highest expected value of one ticket, in coins.
        total_max: Highest expected value of one payment, in coins.
        deposit_multiplier: The deposit has to cover a face value this many times.
    """

    value_max: int
    total_max: int
    deposit_multiplier: int = 1


class Purse(msgspec.Struct, frozen=True):
    """What a payer remembers about one payee.

    Attributes:
        quote: The payee's terms.
        issued: Tickets sent under them; the next nonce.
        credit: Expected value sent and not yet used for work, in coins.
    """

    quote: Quote
    issued: int = 0
    credit: int = 0


class PayerError(NumenError):
    """A quote is not accepted, or used up."""


def check_quote(quote: Quote, limits: Limits, deposit: int, now_ms: int) -> int:
    """Check a payee's terms; give the expected value of a ticket, in coins.

    Raises:
        PayerError: Too dear, beyond the deposit, or expired.
    """
    value = expected_value(quote.face, quote.win_prob)
    if not 0 < value <= limits.value_max:
        raise PayerError(f"a ticket is worth {value} coins, the limit is {limits.value_max}")
    if quote.face > deposit // limits.deposit_multiplier:
        raise PayerError(f"a winner of {quote.face} coins is beyond the deposit of {deposit}")
    if now_ms >= quote.expires_ms:
        raise PayerError("the quote has expired")
    return value


def pay(
    purse: Purse, key: SigningKey, domain: Domain, price: int, limits: Limits
) -> tuple[Purse, tuple[SignedTicket, ...]]:
    """Issue as many tickets as a price needs, counting the credit left from before.

    Args:
        purse: What is remembered of the payee, whose quote has been checked.
        key: The payer's.
        domain: Chain and contract of the escrow.
        price: What the work costs, in coins.
        limits: The payer's own.

    Returns:
        The purse, and tickets whose expected values with the credit make up the price or less
        than one ticket more.

    Raises:
        PayerError: The quote has too few nonces left, or the price is over the limit.
    """
    quote = purse.quote
    value = expected_value(quote.face, quote.win_prob)
    count = max(-(-(price - purse.credit) // value), 0)
    if count * value > limits.total_max:
        raise PayerError(f"{count} tickets of {value} coins are over {limits.total_max}")
    if purse.issued + count > min(quote.count, NONCES_MAX):
        raise PayerError("the quote has too few nonces left: ask for another")
    tickets = tuple(
        sign_ticket(key, domain, _ticket(quote, key.address, purse.issued + i))
        for i in range(count)
    )
    credit = purse.credit + count * value - price
    return Purse(quote, purse.issued + count, credit), tickets


def _ticket(quote: Quote, sender: bytes, nonce: int) -> Ticket:
    return Ticket(
        quote.recipient,
        sender,
        quote.face,
        quote.win_prob,
        nonce,
        quote.rand_hash,
        quote.round,
        quote.round_hash,
    )
