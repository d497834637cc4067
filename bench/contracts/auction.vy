# pragma version ~=0.4.0
# SPDX-License-Identifier: Apache-2.0
"""
An open auction: the highest bid stands, and whoever is outbid may take the money back.
"""

event Bid:
    bidder: indexed(address)
    amount: uint256

event Closed:
    winner: indexed(address)
    amount: uint256

STEP: constant(uint256) = 1000  # a bid beats the last one by a thousandth at least

seller: public(immutable(address))
end: public(immutable(uint256))
highest_bidder: public(address)
highest_bid: public(uint256)
bid_count: public(uint256)
refunds: public(HashMap[address, uint256])
is_closed: public(bool)


@deploy
def __init__(seller_: address, seconds: uint256):
    seller = seller_
    end = block.timestamp + seconds


@external
@payable
def bid(bidder: address):
    """
    Bid for somebody with the money that comes along.
    """
    assert block.timestamp <= end, "the auction is over"
    least: uint256 = self.highest_bid + self.highest_bid // STEP
    assert msg.value > least, "the bid is too low"
    if self.highest_bidder != empty(address):
        self.refunds[self.highest_bidder] += self.highest_bid
    self.highest_bidder = bidder
    self.highest_bid = msg.value
    self.bid_count += 1
    log Bid(bidder=bidder, amount=msg.value)


@external
def withdraw() -> uint256:
    """
    Take back what was outbid.
    """
    amount: uint256 = self.refunds[msg.sender]
    self.refunds[msg.sender] = 0
    raw_call(msg.sender, b"", value=amount)
    return amount


@external
def close():
    """
    Pay the seller once the time is over.
    """
    assert block.timestamp > end, "the auction still runs"
    assert not self.is_closed, "closed already"
    self.is_closed = True
    log Closed(winner=self.highest_bidder, amount=self.highest_bid)
    raw_call(seller, b"", value=self.highest_bid)
