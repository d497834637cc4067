"""A market maker: two tokens in a pool whose product never falls.

Tokens come and go by messages. The pool counts as its own only what a token has confirmed, and takes
what it gives out of the count before it asks the token to give it.
"""

from numen import Bounce, address, contract, emit, event, indexed, interface, map, message, view
from numen.std.math import isqrt256


@interface
class Token:
    async def transfer(to: address, amount: u128) -> bool: ...
    async def transferFrom(owner: address, to: address, amount: u128) -> bool: ...


@event
class Added:
    by: indexed[address]
    shares: u128


@event
class Swapped:
    by: indexed[address]
    is_first: bool
    given: u128
    taken: u128


FEE = 3  # of a thousand, which stays in the pool


@contract
class Pool:
    first: Token
    second: Token
    reserve_first: u128
    reserve_second: u128
    shares: u128
    share_of: map[address, u128]

    def __init__(self, first: Token, second: Token):
        assert first.address != second.address, "one token twice"
        self.first = first
        self.second = second

    @message
    async def add(self, first: u128, second: u128) -> u128:
        """Put both tokens in; gives shares of the pool."""
        owner = self.sender
        ok = await self.first.transferFrom(owner, self.address, first)
        assert ok, "the first token was not paid"
        try:
            ok = await self.second.transferFrom(owner, self.address, second)
        except Bounce:
            ok = False
        if not ok:
            self.first.transfer.send(owner, first)
            return 0
        made = self.worth(first, second)
        self.reserve_first += first
        self.reserve_second += second
        self.shares += made
        self.share_of[owner] += made
        emit(Added(owner, made))
        return made

    @message
    async def swap(self, is_first: bool, given: u128, least: u128) -> u128:
        """Give one token and take the other; less than the least is not taken, and the given goes back."""
        owner = self.sender
        token = self.second
        if is_first:
            token = self.first
        ok = await token.transferFrom(owner, self.address, given)
        assert ok, "the token was not paid"
        taken = self.quote(is_first, given)
        if taken < least or taken == 0:
            token.transfer.send(owner, given)
            return 0
        if is_first:
            self.reserve_first += given
            self.reserve_second -= taken
            self.second.transfer.send(owner, taken)
        else:
            self.reserve_second += given
            self.reserve_first -= taken
            self.first.transfer.send(owner, taken)
        emit(Swapped(owner, is_first, given, taken))
        return taken

    @message
    def remove(self, shares: u128) -> tuple[u128, u128]:
        """Give shares back for their part of both tokens."""
        first = part(self.reserve_first, shares, self.shares)
        second = part(self.reserve_second, shares, self.shares)
        self.share_of[self.sender] -= shares
        self.shares -= shares
        self.reserve_first -= first
        self.reserve_second -= second
        self.first.transfer.send(self.sender, first)
        self.second.transfer.send(self.sender, second)
        return first, second

    @view
    def quote(self, is_first: bool, given: u128) -> u128:
        """What the pool gives for so much."""
        mine = self.reserve_first
        other = self.reserve_second
        if is_first:
            mine = self.reserve_second
            other = self.reserve_first
        paid = u256(given) * (1000 - FEE)
        below = u256(other) * 1000 + paid
        if below == 0:
            return 0
        return u128(u256(mine) * paid // below)

    @view
    def state(self) -> tuple[u128, u128, u128]:
        return self.reserve_first, self.reserve_second, self.shares

    def worth(self, first: u128, second: u128) -> u128:
        if self.shares == 0:
            return isqrt256(u256(first) * u256(second))
        by_first = part(self.shares, first, self.reserve_first)
        by_second = part(self.shares, second, self.reserve_second)
        return min(by_first, by_second)


def part(whole: u128, count: u128, of: u128) -> u128:
    """count / of of the whole, rounded down."""
    return u128(u256(whole) * u256(count) // u256(of))
