"""The standard modules, against implementations by others and against their definitions."""

import hashlib
from pathlib import Path

import pytest
import sha3

from numen.ir.types import FIELD_ORDER
from tests.lang.running import reason, run
from tools import eddsa
from tools import poseidon as definition

STD = Path(__file__).resolve().parents[2] / "src/numen/lang/std"

# circomlib's test/poseidoncircuit.js and circomlibjs's test/poseidon.js.
POSEIDON1 = {1: 18586133768512220936620570745912940619677854269274689475585506675881198879027}
POSEIDON2 = {
    (1, 2): 7853200120776062878684798364095072458815029376092732009249414926327459813530,
}

PERMUTED2 = (
    [
        894848333, 1437655012, 1200606629, 1690012884, 71131202, 1749206695, 1717947831, 120589055,
        19776022, 42382981, 1831865506, 724844064, 171220207, 1299207443, 227047920, 1783754913,
    ],
    [
        1934285469, 604889435, 133449501, 1026180808, 1830659359, 176667110, 1391183747, 351743874,
        1238264085, 1292768839, 2023573270, 1201586780, 1360691759, 1230682461, 748270449,
        651545025,
    ],
)  # fmt: skip
"""A state and its image: Plonky3, koala-bear/src/poseidon2.rs, the test of the width 16."""

POSEIDON5 = 6183221330272524995739186171720101788151706631170188140075976616310159254464
"""circomlibjs 0.1.7: poseidon([1, 2, 3, 4, 5])."""


def test_the_poseidon_module_is_what_the_definition_gives():
    assert (STD / "poseidon.numen").read_text() == definition.render()


def test_the_poseidon2_module_is_what_the_definition_gives():
    assert (STD / "poseidon2.numen").read_text() == definition.render2()


def test_poseidon2_gives_plonky3_s_value():
    source = (
        "from numen.std.poseidon2 import permute\n"
        "def main(a: list[u32, 16]) -> list[u32, 16]:\n"
        "    b = a.copy()\n    permute(b)\n    return b\n"
    )

    assert run(source, PERMUTED2[0]) == PERMUTED2[1]


def test_poseidon2_hashes_eight_elements_at_a_time():
    source = (
        "from numen.std.poseidon2 import poseidon2, compress\n"
        "def main(a: list[u32, 8]) -> tuple[list[u32, 8], list[u32, 8]]:\n"
        "    zeros = [u32(0)] * 8\n"
        "    return poseidon2(a), compress(a, zeros)\n"
    )

    one, two = run(source, list(range(8)))

    assert one == two
    assert max(one) < definition.ORDER2
    assert reason(run(source, [definition.ORDER2, *range(7)])) == "requirement not met"


def test_the_eddsa_module_is_what_the_curve_gives():
    assert (STD / "eddsa.numen").read_text() == eddsa.render()


def test_poseidon_gives_circomlib_s_values():
    one = "from numen.std.poseidon import poseidon1\ndef main(a): return poseidon1(a)\n"
    two = "from numen.std.poseidon import poseidon\ndef main(a, b): return poseidon(a, b)\n"

    for a, expected in POSEIDON1.items():
        assert run(one, a) == expected
    for (a, b), expected in POSEIDON2.items():
        assert run(two, a, b) == expected


def test_poseidon_of_five_gives_circomlib_s_value():
    source = (
        "from numen.std.poseidon import poseidon5\n"
        "def main(a: list[felt, 5]) -> felt:\n    return poseidon5(a)\n"
    )

    assert run(source, [1, 2, 3, 4, 5]) == POSEIDON5


def permutation(state: list[int]) -> list[int]:
    """Poseidon's permutation as the paper writes it, in Python."""
    width = len(state)
    drawn = definition.constants(width)
    partial = definition.PARTIAL_ROUNDS[width]
    for number in range(8 + partial):
        added = drawn.rounds[width * number : width * (number + 1)]
        state = [(x + c) % FIELD_ORDER for x, c in zip(state, added, strict=True)]
        is_full = number < 4 or number >= 4 + partial
        state = [pow(x, 5, FIELD_ORDER) if is_full or i == 0 else x for i, x in enumerate(state)]
        state = [
            sum(m * x for m, x in zip(row, state, strict=True)) % FIELD_ORDER
            for row in drawn.matrix
        ]
    return state


@pytest.mark.parametrize(("a", "b"), [(0, 0), (FIELD_ORDER - 1, 5), (2**200, 2**250)])
def test_poseidon_is_the_permutation(a, b):
    source = (
        "from numen.std.poseidon import poseidon, poseidon1\n"
        "def main(a, b): return poseidon(a, b), poseidon1(a)\n"
    )

    assert run(source, a, b) == [permutation([0, a, b])[0], permutation([0, a])[0]]


@pytest.mark.parametrize("length", [1, 3, 55, 56, 63, 64, 65, 119, 120, 128])
def test_sha256_is_hashlib_s(length):
    message = bytes((7 * i + length) % 256 for i in range(length))
    source = (
        "from numen.std.sha256 import sha256\n"
        f"def main(m: list[u8, {length}]) -> list[u8, 32]:\n    return sha256(m)\n"
    )

    assert bytes(run(source, list(message))) == hashlib.sha256(message).digest()


@pytest.mark.parametrize("length", [1, 7, 64, 135, 136, 137, 200, 272])
def test_keccak256_is_that_of_others(length):
    message = bytes((11 * i + length) % 256 for i in range(length))
    source = (
        "from numen.std.keccak import keccak256\n"
        f"def main(m: list[u8, {length}]) -> list[u8, 32]:\n    return keccak256(m)\n"
    )

    assert bytes(run(source, list(message))) == sha3.keccak_256(message).digest()


def test_a_merkle_path_leads_to_the_root():
    source = (
        "from numen.std.merkle import root, root_of_path\n"
        "from numen.std.poseidon import poseidon\n"
        "def main(a: list[felt, 4]) -> tuple[felt, felt, felt]:\n"
        "    left = poseidon(a[0], a[1])\n    right = poseidon(a[2], a[3])\n"
        "    path = root_of_path(a[2], [a[3], left], [False, True])\n"
        "    return root(a), path, poseidon(left, right)\n"
    )

    first, second, third = run(source, [1, 2, 3, 4])

    assert first == second == third


def test_a_tree_of_three_leaves_is_refused():
    source = (
        "from numen.std.merkle import root\n"
        "def main(a: list[felt, 3]) -> felt:\n    return root(a)\n"
    )

    assert reason(run(source, [1, 2, 3])) == "requirement not met"
