"""Write `std/poseidon.numen`: the constants of Poseidon for BN254, from their definition.

    python tools/poseidon.py > src/numen/lang/std/poseidon.numen

The round constants and matrices come from the Grain LFSR as the authors' script draws them
(Grassi et al., "Poseidon", USENIX Security 2021, appendix F; `generate_params_poseidon.sage`), for
x**5, 254 bits, 8 full rounds, and 56 to 60 partial ones: the parameters of circomlib.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from numen.ir.types import FIELD_ORDER

FULL_ROUNDS = 8
PARTIAL_ROUNDS = {2: 56, 3: 57, 6: 60}
"""Partial rounds by the width of the state, for 128 bits of security."""

TEMPLATE = Path(__file__).with_name("poseidon.numen.in")


class Constants(msgspec.Struct, frozen=True):
    """What one width of the permutation needs.

    Attributes:
        rounds: One constant for each element in each round, round by round.
        matrix: The mixing matrix, row by row.
    """

    rounds: list[int]
    matrix: list[list[int]]


def constants(width: int) -> Constants:
    """Draw the constants of a width, one of `PARTIAL_ROUNDS`."""
    bits = grain(width)
    count = width * (FULL_ROUNDS + PARTIAL_ROUNDS[width])
    rounds: list[int] = []
    while len(rounds) < count:
        number = _number(bits)
        if number < FIELD_ORDER:
            rounds.append(number)
    xs = [_number(bits) % FIELD_ORDER for _ in range(width)]
    ys = [_number(bits) % FIELD_ORDER for _ in range(width)]
    assert len({*xs, *ys}) == 2 * width, "the matrix would not be a Cauchy matrix"
    matrix = [[pow(x + y, -1, FIELD_ORDER) for y in ys] for x in xs]
    return Constants(rounds, matrix)


def grain(width: int) -> Iterator[int]:
    """The bits of the self-shrinking Grain LFSR, from the parameters of the permutation."""
    head = [(1, 2), (0, 4), (254, 12), (width, 12), (FULL_ROUNDS, 10), (PARTIAL_ROUNDS[width], 10)]
    text = "".join(f"{value:0{size}b}" for value, size in head) + "1" * 30
    state = [int(bit) for bit in text]
    stream = _clock(state)
    for _ in range(160):
        next(stream)
    while True:
        keep, bit = next(stream), next(stream)
        if keep:
            yield bit


def render() -> str:
    """The text of the module."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for width in PARTIAL_ROUNDS:
        drawn = constants(width)
        text = text.replace(f"@ROUNDS{width}@", _lines(drawn.rounds, "    "))
        rows = "\n".join(f"    [\n{_lines(row, '        ')}\n    ]," for row in drawn.matrix)
        text = text.replace(f"@MATRIX{width}@", rows)
    return text


def _clock(state: list[int]) -> Iterator[int]:
    while True:
        bit = state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0]
        state.pop(0)
        state.append(bit)
        yield bit


def _number(bits: Iterator[int]) -> int:
    return int("".join(str(next(bits)) for _ in range(254)), 2)


def _lines(numbers: list[int], indent: str) -> str:
    return "\n".join(f"{indent}0x{number:064x}," for number in numbers)


if __name__ == "__main__":
    print(render(), end="")
