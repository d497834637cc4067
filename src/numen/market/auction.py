"""The order book: tasks in price-time priority, offers at one clearing price.

Providers bid, and may raise a bid while it waits, or let it rise by itself in a line from a floor
to a ceiling, as Boundless does (github.com/boundless-xyz/boundless). Workers decide whether a bid
is worth their while and what they ask for it; what they ask waits in the book too. The lowest asks
get the seats, and all are paid the first ask that got none (or the bid), so that asking one's true
cost is a worker's best strategy: Vickrey, "Counterspeculation, Auctions, and Competitive Sealed
Tenders" (1961).

    AuctionError
    ├── StaleBidError     the nonce does not follow the one in the book
    ├── LowerBidError     a replacement that bids less at some moment: a bid could be bait
    ├── RampError         a bid that would fall
    ├── BookFullError     no room for another order
    └── NoOrderError      the book has no such task
"""

from collections.abc import Callable, Sequence
from math import isqrt

import msgspec

from numen.base.errors import NumenError
from numen.market.coins import Account, Pocket, Transfer, wallet
from numen.market.message import Request
from numen.market.task import check_bid, escrowed, task_id

ORDERS_MAX = 4096
"""Most orders in one book."""

PERMILLE = 1000
"""The one of shares that are given in thousandths."""

LEAST_STEPS_MAX = 256
"""Most bids that are tried to find the least that is worth it; more are for who fears too much."""

MILLION = 1_000_000
"""Work units that a worker's price is for."""


class Order(msgspec.Struct, frozen=True):
    """A request that waits.

    Attributes:
        task: Id of the task.
        request: The provider's request in force.
        since_ms: When its price entered the book; older goes first at equal price.
        sequence: Breaks ties of the same moment.
    """

    task: bytes
    request: Request
    since_ms: int
    sequence: int


class Book(msgspec.Struct, frozen=True):
    """The orders that wait.

    Attributes:
        orders: By id of the task.
        placed: Orders and raises there have been.
    """

    orders: dict[bytes, Order] = {}
    placed: int = 0


class Estimate(msgspec.Struct, frozen=True):
    """What a worker thinks a task takes and brings.

    Attributes:
        work: Work units the run will take.
        price_per_million: The worker's price of a million work units, in coins.
        tickets: Lottery tickets the pay comes in.
        win_permille: Chance that a ticket wins, in thousandths; at least 1.
        aversion_permille: Coins asked for 1000 coins of standard deviation of the pay.
    """

    work: int
    price_per_million: int
    tickets: int
    win_permille: int
    aversion_permille: int


class Decision(msgspec.Struct, frozen=True):
    """Whether a bid is worth a worker's while.

    Attributes:
        bid: What is offered, in coins.
        cost: What the run costs the worker.
        premium: What it wants for being paid in lottery tickets.
    """

    bid: int
    cost: int
    premium: int

    @property
    def ask(self) -> int:
        """Least that the worker would do it for: one coin more than it costs."""
        return self.cost + self.premium + 1

    @property
    def is_taken(self) -> bool:
        """Whether something is left of the bid after cost and premium."""
        return self.bid - self.cost - self.premium > 0


class AuctionError(NumenError):
    """Root of why the book refuses an order."""


class StaleBidError(AuctionError):
    """The nonce does not follow.

    Attributes:
        nonce: Nonce that came.
        expected: Nonce that should have come.
    """

    def __init__(self, nonce: int, expected: int) -> None:
        super().__init__(f"request number {nonce} where {expected} should follow")
        self.nonce = nonce
        self.expected = expected


class RampError(AuctionError):
    """A ramp leads down."""


class LowerBidError(AuctionError):
    """A replacement bids less, now or later.

    Attributes:
        bid: The bid that came.
        standing: The bid in the book.
    """

    def __init__(self, bid: int, standing: int) -> None:
        super().__init__(f"a bid of {bid} cannot replace one of {standing}: cancel it instead")
        self.bid = bid
        self.standing = standing


class BookFullError(AuctionError):
    """The book holds `ORDERS_MAX` orders."""


class NoOrderError(AuctionError):
    """The book has no order for this task."""


def place(book: Book, request: Request, now_ms: int) -> tuple[Book, tuple[Transfer, ...]]:
    """Enter a request, or raise the bid of one that waits.

    A raise keeps its place in time only if it keeps its price. What is escrowed is for the
    ceiling, so a bid that rises by itself has the coins for it.

    Args:
        book: The book.
        request: A request whose signature has been checked.
        now_ms: Moment of arrival.

    Returns:
        The book, and what moves from the provider's wallet into the task's escrow.

    Raises:
        TaskError: The bid breaks the task's own limits.
        AuctionError: The book refuses it.
    """
    identity, ceiling = task_id(request.task), request.ceiling
    check_bid(request.task, ceiling)
    if ceiling < request.bid:
        raise RampError(f"a bid cannot fall from {request.bid} to {ceiling}")
    standing = book.orders.get(identity)
    expected = standing.request.nonce + 1 if standing else 0
    if request.nonce != expected:
        raise StaleBidError(request.nonce, expected)
    if standing is None and len(book.orders) >= ORDERS_MAX:
        raise BookFullError(f"the book holds {ORDERS_MAX} orders")
    if standing:
        _check_raise(standing.request, request, now_ms)
    if standing and request.bid_at(now_ms) == standing.request.bid_at(now_ms):
        order = msgspec.structs.replace(standing, request=request)
    else:
        order = Order(identity, request, now_ms, book.placed)
    held = escrowed(request.task, standing.request.ceiling) if standing else 0
    more = escrowed(request.task, ceiling) - held
    moves = (Transfer(wallet(request.task.provider), escrow_of(order), more, "bid"),)
    return Book({**book.orders, identity: order}, book.placed + 1), moves


def remove(book: Book, task: bytes) -> tuple[Book, Order]:
    """Take an order out of the book, because it is matched, cancelled or over.

    Raises:
        NoOrderError: There is none.
    """
    if task not in book.orders:
        raise NoOrderError(f"no order for task 0x{task.hex()}")
    orders = dict(book.orders)
    order = orders.pop(task)
    return Book(orders, book.placed), order


def ranked(book: Book, now_ms: int) -> list[Order]:
    """Give the orders, best first: by the bid of the moment, then by time. Cost: one sort."""
    return sorted(
        book.orders.values(), key=lambda o: (-o.request.bid_at(now_ms), o.since_ms, o.sequence)
    )


def escrow_of(order: Order) -> Account:
    """Name the account that holds an order's coins."""
    return Account(Pocket.BID, order.request.task.provider, order.task)


def clearing_price(asks: Sequence[int], bid: int, count: int) -> int:
    """Find the one price of all seats: the first ask that gets none, or the bid.

    Args:
        asks: What the workers that could have a seat ask, lowest first, none over the bid.
        bid: Most that a seat is paid.
        count: Seats to fill.
    """
    return asks[count] if len(asks) > count else bid


def decide(bid: int, estimate: Estimate) -> Decision:
    """Apply the worker's rule: take a bid if it beats the cost and the price of uncertainty.

    ``n`` tickets that win with chance ``p`` pay ``bid`` on average, with a standard deviation
    of ``bid * sqrt((1 - p) / (n * p))``.
    """
    cost = -(-estimate.work * estimate.price_per_million // MILLION)
    p, n = estimate.win_permille, estimate.tickets
    deviation = isqrt(bid * bid * (PERMILLE - p) // (n * p))
    return Decision(bid, cost, deviation * estimate.aversion_permille // PERMILLE)


def least_bid(price: Callable[[int], Decision]) -> int | None:
    """Find the least bid that a worker would take, in coins; None where every bid is too low.

    Args:
        price: What the worker makes of a bid. A higher one may ask for a higher premium.
    """
    bid = 1
    for _ in range(LEAST_STEPS_MAX):
        decision = price(bid)
        if decision.is_taken:
            return bid
        bid = decision.ask
    return None


def positions(orders: Sequence[Order]) -> dict[bytes, int]:
    """Give each task's place in a ranking, counted from 1."""
    return {order.task: place for place, order in enumerate(orders, 1)}


def _check_raise(standing: Request, request: Request, now_ms: int) -> None:
    """Check that a replacement bids no less, now and at any later moment.

    Both are lines that bend where a ramp begins and ends: it is enough to look there.
    """
    bends = (
        moment
        for ramp in (standing.ramp, request.ramp)
        if ramp is not None
        for moment in (ramp.starts_ms, ramp.starts_ms + ramp.lasts_ms)
    )
    for moment in (now_ms, *bends):
        at_ms = max(moment, now_ms)
        if request.bid_at(at_ms) < standing.bid_at(at_ms):
            raise LowerBidError(request.bid_at(at_ms), standing.bid_at(at_ms))
