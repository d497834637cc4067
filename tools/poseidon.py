"""Write `std/poseidon.numen` and `std/poseidon2.numen`: their constants, from their definition.

    python tools/poseidon.py > src/numen/lang/std/poseidon.numen
    python tools/poseidon.py 2 > src/numen/lang/std/poseidon2.numen

The round constants and matrices come from the Grain LFSR as the authors' script draws them
(Grassi et al., "Poseidon", USENIX Security 2021, appendix F; `generate_params_poseidon.sage`), for
x**5, 254 bits, 8 full rounds, and 56 to 60 partial ones: the parameters of circomlib.

Poseidon2 (Grassi, Khovratovich, Schofnegger, eprint 2023/323) is over KoalaBear, with x**3, 31
bits, a width of 16, 8 full rounds and 20 partial ones, in which one element alone has a constant.
The diagonal of its inner matrix is that of Plonky3, whose outputs these are.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from numen.ir.types import FIELD_ORDER

BITS = 254
FULL_ROUNDS = 8
PARTIAL_ROUNDS = {2: 56, 3: 57, 6: 60}
"""Partial rounds by the width of the state, for 128 bits of security."""

ORDER2 = 2**31 - 2**24 + 1
BITS2, WIDTH2, PARTIAL_ROUNDS2 = 31, 16, 20

TEMPLATE2 = Path(__file__).with_name("poseidon2.numen.in")
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
    bits = grain(BITS, width, FULL_ROUNDS, PARTIAL_ROUNDS[width])
    count = width * (FULL_ROUNDS + PARTIAL_ROUNDS[width])
    rounds: list[int] = []
    while len(rounds) < count:
        number = number_of(bits, BITS)
        if number < FIELD_ORDER:
            rounds.append(number)
    xs = [number_of(bits, BITS) % FIELD_ORDER for _ in range(width)]
    ys = [number_of(bits, BITS) % FIELD_ORDER for _ in range(width)]
    assert len({*xs, *ys}) == 2 * width, "the matrix would not be a Cauchy matrix"
    matrix = [[pow(x + y, -1, FIELD_ORDER) for y in ys] for x in xs]
    return Constants(rounds, matrix)


def grain(size: int, width: int, full: int, partial: int) -> Iterator[int]:
    """The bits of the self-shrinking Grain LFSR, from the parameters of the permutation.

    Args:
        size: Bits of the order of the field.
        width: Elements of the state.
        full: Full rounds.
        partial: Partial rounds.
    """
    head = [(1, 2), (0, 4), (size, 12), (width, 12), (full, 10), (partial, 10)]
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


def number_of(bits: Iterator[int], size: int) -> int:
    """The number that the next bits are, the first the most significant."""
    return int("".join(str(next(bits)) for _ in range(size)), 2)


def _lines(numbers: list[int], indent: str) -> str:
    return "\n".join(f"{indent}0x{number:064x}," for number in numbers)


def constants2() -> tuple[list[int], list[int]]:
    """Poseidon2: the constants of the full rounds, round by round, and of the partial ones."""
    bits = grain(BITS2, WIDTH2, FULL_ROUNDS, PARTIAL_ROUNDS2)
    half = WIDTH2 * FULL_ROUNDS // 2
    drawn: list[int] = []
    while len(drawn) < 2 * half + PARTIAL_ROUNDS2:
        number = number_of(bits, BITS2)
        if number < ORDER2:
            drawn.append(number)
    return drawn[:half] + drawn[-half:], drawn[half:-half]


def diagonal() -> list[int]:
    """Poseidon2: what the inner matrix has on its diagonal, less one."""
    parts = [(-2, 0), (1, 0), (2, 0), (1, 1), (3, 0), (4, 0), (-1, 1), (-3, 0), (-4, 0), (1, 8)]
    parts += [(1, 3), (1, 24), (-1, 8), (-1, 3), (-1, 4), (-1, 24)]
    return [factor * pow(2, -halvings, ORDER2) % ORDER2 for factor, halvings in parts]


def render2() -> str:
    """The text of `std/poseidon2.numen`."""
    text = TEMPLATE2.read_text(encoding="utf-8")
    outer, inner = constants2()
    for name, numbers in (("OUTER", outer), ("INNER", inner), ("DIAGONAL", diagonal())):
        text = text.replace(f"@{name}@", short_lines(numbers))
    return text


def short_lines(numbers: list[int]) -> str:
    """Numbers as they stand in a list, eight a line."""
    rows = [numbers[at : at + 8] for at in range(0, len(numbers), 8)]
    return "\n".join("    " + " ".join(f"0x{one:08x}," for one in row) for row in rows)


if __name__ == "__main__":
    print(render2() if sys.argv[1:] == ["2"] else render(), end="")
