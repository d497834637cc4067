"""Inputs of precompiled contracts: right, nearly right, and wrong."""

from collections.abc import Callable
from typing import Final

from numen.evm.fuzz.words import Dice

_P: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""Order of the field of the curve of EIP-196."""

_ECRECOVER: Final = bytes.fromhex(
    "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"
    "000000000000000000000000000000000000000000000000000000000000001c"
    "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
    "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada"
)
"""A signature that recovers to an address."""


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _ecrecover(dice: Dice) -> bytes:
    return _spoiled(dice, _ECRECOVER)


def _modexp(dice: Dice) -> bytes:
    sizes = [dice.random.choice((0, 1, 2, 8, 31, 32, 33, 64)) for _ in range(3)]
    body = dice.random.randbytes(sum(sizes))
    if dice.chance(20):
        sizes[dice.below(3)] = dice.word()
    return b"".join(map(_word, sizes)) + body


def _points(dice: Dice) -> bytes:
    points = [(1, 2), (1, _P - 2), (0, 0), (1, 3), (_P, 2)]
    chosen = [dice.random.choice(points[: 5 if dice.chance(20) else 3]) for _ in range(2)]
    return b"".join(_word(part) for point in chosen for part in point)


def _point_and_scalar(dice: Dice) -> bytes:
    return _points(dice)[:64] + _word(dice.word())


_G2: Final = bytes.fromhex(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
)
"""The generator of the second group."""


def _pairs(dice: Dice) -> bytes:
    count = dice.random.choice((0, 1, 2))
    one = _word(1) + _word(2) + _G2
    other = _word(1) + _word(_P - 2) + _G2
    return _spoiled(dice, b"".join((one, other)[:count]))


def _blake2f(dice: Dice) -> bytes:
    rounds = dice.random.choice((0, 1, 12, 300))
    flag = 1 if dice.chance(50) else dice.below(3)
    return _spoiled(dice, rounds.to_bytes(4, "big") + dice.random.randbytes(208) + bytes([flag]))


def _bls(size: int) -> Callable[[Dice], bytes]:
    """Points at infinity in the encoding of EIP-2537, and what is nearly so."""

    def make(dice: Dice) -> bytes:
        count = dice.random.choice((1, 1, 2, 0))
        return _spoiled(dice, bytes(size) * count)

    return make


def _anything(dice: Dice) -> bytes:
    return dice.random.randbytes(dice.random.choice((0, 1, 31, 32, 64, 100, 200)))


def _spoiled(dice: Dice, data: bytes) -> bytes:
    """Mostly the same; sometimes one byte changed, or cut, or longer."""
    kind = dice.below(10)
    if kind == 0 and data:
        at = dice.below(len(data))
        return data[:at] + bytes([dice.below(256)]) + data[at + 1 :]
    if kind == 1:
        return data[: dice.below(len(data) + 1)]
    if kind == 2:
        return data + bytes(dice.below(40))
    return data


_MAKERS: Final = {
    1: _ecrecover,
    5: _modexp,
    6: _points,
    7: _point_and_scalar,
    8: _pairs,
    9: _blake2f,
    11: _bls(256),
    12: _bls(160),
    13: _bls(512),
    14: _bls(288),
    15: _bls(384),
    16: _bls(64),
    17: _bls(128),
}


def precompile_input(number: int, dice: Dice) -> bytes:
    """An input for the precompiled contract at an address."""
    return _MAKERS.get(number, _anything)(dice)
