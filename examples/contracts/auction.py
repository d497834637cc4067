"""An English auction: who bids most when time is up wins, and everybody else takes back."""

from numen import (
    address,
    after,
    contract,
    emit,
    event,
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
    winner: indexed[address]
    amount: u128


@contract
class Auction:
    seller: address
    leader: address
    highest: u128
    ended: bool
    owed: map[address, u128]

    @payable
    def __init__(self, blocks: u64):
        # What the seller sends along pays for the timer.
        self.seller = self.sender
        after(blocks, self.end(), work=100_000)

    @payable
    @message
    def bid(self):
        assert not self.ended, "the auction is over"
        assert self.value > self.highest, "a bid must be higher"
        self.owed[self.leader] += self.highest
        self.leader = self.sender
        self.highest = self.value
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
        self.owed[self.seller] += self.highest
        emit(Ended(self.leader, self.highest))

    @on_bounce
    def returned(self):
        # Coins that nobody took are owed again to whom they were sent.
        self.owed[self.sender] += self.value

    @view
    def state(self) -> tuple[address, u128, bool]:
        return self.leader, self.highest, self.ended
