"""An escrow: coins wait until the goods are there, or until they are too late."""

from numen import (
    address,
    after,
    cancel,
    contract,
    emit,
    error,
    event,
    indexed,
    message,
    on_bounce,
    payable,
    send,
    timer,
    view,
)


@event
class Settled:
    to: indexed[address]
    amount: u128


@error
class NotNow:
    stage: u8


OPEN = 0
PAID = 1
DONE = 2


@contract
class Escrow:
    buyer: address
    seller: address
    judge: address
    amount: u128
    patience: u64
    stage: u8

    def __init__(self, buyer: address, seller: address, judge: address, patience: u64):
        self.buyer = buyer
        self.seller = seller
        self.judge = judge
        self.patience = patience

    @payable
    @message
    def pay(self):
        self.require(OPEN)
        assert self.sender == self.buyer, "only the buyer pays"
        assert self.value > 0, "nothing is paid"
        self.amount = self.value
        self.stage = PAID
        after(self.patience, self.expire(), work=200_000)

    @message
    def confirm(self):
        assert self.sender == self.buyer or self.sender == self.judge, "not yours to confirm"
        self.settle(self.seller)

    @message
    def refund(self):
        assert self.sender == self.seller or self.sender == self.judge, "not yours to refund"
        self.settle(self.buyer)

    @timer
    def expire(self):
        self.settle(self.buyer)

    @on_bounce
    def returned(self):
        # Whoever does not take the coins leaves them to the judge.
        send(self.judge, self.value)

    @view
    def state(self) -> tuple[u8, u128]:
        return self.stage, self.amount

    def require(self, stage: u8):
        if self.stage != stage:
            raise NotNow(self.stage)

    def settle(self, to: address):
        self.require(PAID)
        amount = self.amount
        self.stage = DONE
        self.amount = 0
        cancel(self.expire)
        send(to, amount)
        emit(Settled(to, amount))
