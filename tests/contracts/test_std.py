"""The standard library within contracts: behind a wait, in state, and in views."""

import math
import struct
from decimal import Context, Decimal

import pytest

from numen.testing import Chain, build

ONE = 10**18

BANK = """
from numen import address, contract, interface, message, view
from numen.std.decimals import div, mul
from numen.std.exponential import power
from numen.std.floats import add, from_decimal, to_i64
from numen.std.math import isqrt256, root
from numen.std.rounding import DOWN, HALF_EVEN
from numen.std.sorting import arrange_u256, order_u128


@interface
class Rates:
    async def rate(self) -> u128: ...


@contract
class Bank:
    rates: Rates
    worth: u128
    mean: u64

    def __init__(self, rates: Rates, worth: u128):
        self.rates = rates
        self.worth = worth

    @message
    async def grow(self, years: u128) -> u128:
        rate = await self.rates.rate()
        self.worth = mul(self.worth, power(ONE + rate, i128(years)), DOWN)
        self.mean = add(self.mean, from_decimal(i128(rate), -18))
        return root(self.worth, 3)

    @view
    def look(self) -> tuple[u128, u64, i64, u128]:
        return self.worth, self.mean, to_i64(self.mean, HALF_EVEN), isqrt256(u256(self.worth))

    @view
    def ranked(self, bids: list[u128, 4], who: list[u256, 4]) -> list[u256, 4]:
        order = order_u128(bids)
        found = who.copy()
        arrange_u256(found, order)
        return found


ONE = 10**18
"""

RATES = """
from numen import contract, message


@contract
class Rates:
    @message
    def rate(self) -> u128:
        return 50000000000000000
"""


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_a_bank_computes_with_the_library(chain):
    rates = chain.deploy(build(RATES, file="rates.py"))
    bank = chain.deploy(build(BANK, file="bank.py"), rates, 1000 * ONE)

    bank.send("grow", 10 * ONE).unwrap()

    fine = Context(prec=60)
    factor = round(fine.multiply(fine.power(Decimal("1.05"), 10), ONE))
    worth = 1000 * factor
    (mean,) = struct.unpack(">Q", struct.pack(">d", 0.05))
    assert bank.view("look") == (worth, mean, 0, math.isqrt(worth))
    assert bank.view("ranked", [30, 10, 30, 20], [1, 2, 3, 4]) == (2, 4, 1, 3)
