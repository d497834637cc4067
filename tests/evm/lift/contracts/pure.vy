# pragma version 0.4.3
"""
@title Pure functions of many shapes, for the tests of the lifter
"""

@external
@pure
def add(a: uint256, b: uint256) -> uint256:
    return a + b

@external
@pure
def gcd(a: uint256, b: uint256) -> uint256:
    x: uint256 = a
    y: uint256 = b
    for i: uint256 in range(400):
        if y == 0:
            break
        rest: uint256 = x % y
        x = y
        y = rest
    return x

@external
@pure
def root(x: uint256) -> uint256:
    return isqrt(x)

@internal
@pure
def _mix(a: uint256, b: uint256) -> uint256:
    return unsafe_add(unsafe_mul(a, 31), b) ^ (a >> 3)

@external
@pure
def fold(path: uint256[8], leaf: uint256, index: uint256) -> uint256:
    node: uint256 = leaf
    for i: uint256 in range(8):
        if (index >> i) & 1 == 1:
            node = self._mix(path[i], node)
        else:
            node = self._mix(node, path[i])
    return node

@external
@pure
def limits(a: int256, b: int256) -> (int256, int256):
    return min(a, b), max(a, b)

@external
@pure
def ratio(a: int128, b: int128) -> int128:
    return a // b

@external
@pure
def total(values: uint256[4], weights: uint256[4]) -> uint256:
    found: uint256 = 0
    for i: uint256 in range(4):
        found += values[i] * weights[i]
    return found

@external
@pure
def guarded(a: uint256) -> uint256:
    assert a < 1000, "too large"
    return a * a

@external
@view
def paid(a: uint256) -> uint256:
    return a + self.balance
