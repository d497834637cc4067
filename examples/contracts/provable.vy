# Pure functions whose calls can be proven from the bytecode. Compiled to provable.vyper.hex:
# vyper 0.4.3, -O gas, runtime code.


@external
@pure
def add(a: uint256, b: uint256) -> uint256:
    return a + b


@external
@pure
def mul(a: uint256, b: uint256) -> uint256:
    return a * b


@external
@pure
def gcd(a: uint256, b: uint256) -> uint256:
    x: uint256 = a
    y: uint256 = b
    for _: uint256 in range(24):
        if y == 0:
            break
        rest: uint256 = x % y
        x = y
        y = rest
    assert y == 0, "more rounds"
    return x


@external
@pure
def root(x: uint256) -> uint256:
    return isqrt(x)


@external
@pure
def total(values: DynArray[uint256, 16]) -> uint256:
    sum: uint256 = 0
    for value: uint256 in values:
        sum += value
    return sum


@external
@pure
def member(root: bytes32, leaf: bytes32, path: DynArray[bytes32, 16]) -> bool:
    node: bytes32 = leaf
    for other: bytes32 in path:
        if convert(node, uint256) < convert(other, uint256):
            node = keccak256(concat(node, other))
        else:
            node = keccak256(concat(other, node))
    return node == root
