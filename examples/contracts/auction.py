"""An auction of equal lots: the highest bids win when time is up, and everybody else takes back."""

from numen import (
    address,
    after,
    contract,
    emit,
    event,
    heap,
    indexed,
    map,
    message,
    on_bounce,
    payable,
    send,
    timer,
    view,
)


@event
class Bid:
    bidder: indexed[address]
    amount: u128


@event
class Ended:
    lots: u64
    amount: u128


LAST = 2**64 - 1


@contract
class Auction:
    seller: address
    lots: u64
    bids: u64
    ended: bool
    raised: u128
    # The bids that win: the least comes first, and of equal ones the latest.
    winning: heap[tuple[u128, u64, address]]
    won: map[address, u64]
    owed: map[address, u128]

    @payable
    def __init__(self, lots: u64, blocks: u64):
        # What the seller sends along pays for the timer.
        assert lots > 0, "nothing is sold"
        self.seller = self.sender
        self.lots = lots
        after(blocks, self.end(), work=100_000)

    @payable
    @message
    def bid(self):
        assert not self.ended, "the auction is over"
        assert self.value > self.least(), "a bid must be higher"
        if len(self.winning) == self.lots:
            amount, _, bidder = self.winning.pop()
            self.raised -= amount
            self.won[bidder] -= 1
            self.owed[bidder] += amount
        self.winning.push((self.value, LAST - self.bids, self.sender))
        self.bids += 1
        self.raised += self.value
        self.won[self.sender] += 1
        emit(Bid(self.sender, self.value))

    @message
    def withdraw(self) -> u128:
        amount = self.owed[self.sender]
        assert amount > 0, "nothing is owed"
        self.owed[self.sender] = 0
        send(self.sender, amount)
        return amount

    @timer
    def end(self):
        self.ended = True
        self.owed[self.seller] += self.raised
        emit(Ended(len(self.winning), self.raised))

    @on_bounce
    def returned(self):
        # Coins that nobody took are owed again to whom they were sent.
        self.owed[self.sender] += self.value

    @view
    def wins(self, who: address) -> u64:
        return self.won[who]

    @view
    def state(self) -> tuple[u128, u64, u128, bool]:
        return self.least(), len(self.winning), self.raised, self.ended

    def least(self) -> u128:
        """What a bid must be higher than."""
        if len(self.winning) < self.lots:
            return 0
        return self.winning.peek()[0]
