"""What circuits cost, how they are laid out, and what the compiler refuses."""

import hashlib

import pytest

from numen.base.errors import Place
from numen.ir import interp
from numen.ir.check import check
from numen.ir.interface import InputError
from numen.ir.nodes import Module
from numen.ir.parse import parse_module
from numen.ir.trap import Reason
from numen.ir.types import FIELD_ORDER
from numen.lang.compile import compile_source
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.circuit_errors import (
    AlwaysTrapsError,
    RunTrapsError,
)
from numen.proof.r1cs import check_witness
from numen.proof.wires import Limits


def parsed(text: str) -> Module:
    module = parse_module(text)
    check(module)
    return module


def binary(op: str, word: str, result: str = "") -> Module:
    result = result or word
    return parsed(f"""program main(a: {word}, private b: {word}) -> {result}

func main -> ({result})
start(a: {word}, b: {word}):
    r = {op}.{word} a, b
    return r
""")


def source(text: str, **options: Limits) -> Circuit:
    return compile_circuit(compile_source(text), **options)


def agree(circuit: Circuit, module: Module, *runs: list) -> None:
    for args in runs:
        found = circuit.witness(args)

        check_witness(circuit.r1cs, found.felts())
        assert found.results == interp.run(module, args, work_limit=10**9).results


# fmt: off
COSTS = {
    # operation               constraints beside those of the inputs
    ("add", "felt"):            1,
    ("sub", "felt"):            1,
    ("mul", "felt"):            1,
    ("div", "felt"):            2,
    ("eq", "felt"):             2,
    ("add", "u32"):            33,
    ("sub", "u32"):            33,
    ("mul", "u32"):            33,
    ("div", "u32"):            99,
    ("rem", "u32"):            99,
    ("wrapping_add", "u32"):   34,
    ("wrapping_mul", "u32"):   66,
    ("and", "u32"):            32,
    ("or", "u32"):             32,
    ("xor", "u32"):            32,
    ("eq", "u32"):              2,
    ("lt", "u32"):             34,
    ("shl", "u32"):            70,
    ("shr", "u32"):            70,
    ("div", "u8"):             27,
    ("add", "u64"):            65,
    ("mul", "u64"):            65,
    ("div", "u64"):           195,
    ("lt", "u64"):             66,
    ("add", "i64"):            65,
    ("div", "i64"):           260,
    ("add", "u256"):          265,
    ("mul", "u256"):          538,
    ("xor", "u256"):          256,
    ("eq", "u256"):             5,
    ("add", "u128"):          129,
    ("mul", "u128"):          263,
    ("div", "u128"):          525,
    ("and", "bool"):            1,
    ("xor", "bool"):            1,
}
# fmt: on


@pytest.mark.parametrize(("op", "word"), COSTS, ids=lambda part: part)
def test_an_operation_costs_so_many_constraints(op: str, word: str):
    module = binary(op, word, "bool" if op in {"eq", "lt"} else "")

    circuit = compile_circuit(module)

    assert circuit.constraint_count - circuit.input_constraints == COSTS[op, word]
    agree(circuit, module, [1, 1], [1, 0] if op not in {"div", "rem"} else [0, 1])


BARS = {("add", "felt"): 1, ("mul", "felt"): 1, ("add", "u32"): 35, ("add", "u64"): 70}
BARS |= {("lt", "u32"): 35, ("xor", "u32"): 33, ("div", "u32"): 100}


def test_the_bars_are_met():
    assert {name for name, bar in BARS.items() if COSTS[name] > bar} == set()


def test_wide_products_with_constants_wrap():
    module = compile_source("""
def main(a: u128, b: felt) -> tuple[u128, felt]:
    return wrapping_mul(a, 2**128 - 3), b * (2**253 - 1)
""")

    agree(compile_circuit(module), module, [2**128 - 1, 5], [127, 2**253], [0, 0])


def test_input_ranges_cost_a_constraint_a_bit():
    assert compile_circuit(binary("add", "u32")).input_constraints == 64
    assert compile_circuit(binary("add", "felt")).input_constraints == 0


def test_known_ranges_cost_nothing():
    circuit = source("def main(a: u8, b: u8) -> u64:\n    return u64(a) * u64(b) + u64(a) + 5\n")

    assert circuit.constraint_count - circuit.input_constraints == 1


def test_poseidon_of_two_meets_its_bar_and_its_vector():
    circuit = source(
        "from numen.std.poseidon import poseidon\n\n"
        "def main(a: felt, b: felt) -> felt:\n    return poseidon(a, b)\n"
    )
    vector = 7853200120776062878684798364095072458815029376092732009249414926327459813530

    assert circuit.constraint_count == 240
    assert circuit.witness([1, 2]).results == (vector,)


@pytest.mark.slow
def test_sha256_of_64_bytes_costs_less_than_others_take_for_it():
    circuit = source(
        "from numen.std.sha256 import sha256\n\n"
        "def main(m: list[u8, 64]) -> list[u8, 32]:\n    return sha256(m)\n"
    )
    message = bytes(range(64))

    assert circuit.constraint_count < 31_100  # ZoKrates 1.1.9: 48,886
    assert bytes(circuit.witness([list(message)]).results[0]) == hashlib.sha256(message).digest()


PATTERNS = {
    # bits written in these ways cost so many constraints a bit
    "c ^ (a & (b ^ c))": 1,
    "(a & b) ^ (~a & c)": 1,
    "(a & b) | (~a & c)": 1,
    "(a & b) | (c & (a | b))": 1,
    "(a & b) ^ (a & c) ^ (b & c)": 1,
    "a ^ b ^ c": 1,
    "a ^ (~b & c)": 1,
    "~(a ^ ~b) ^ c": 1,
    "a ^ b ^ c ^ ~a ^ b": 2,
    "a ^ b ^ c ^ (a << 8 | a >> 24) ^ (b << 16 | b >> 16)": 2,
    "a & b & c": 2,
    "(a | b) & ~c": 2,
    "(a << 8 | a >> 24) ^ b": 1,
}


@pytest.mark.parametrize("text", PATTERNS)
def test_bit_patterns_cost_what_they_mean(text: str):
    module = compile_source(f"def main(a: u32, b: u32, c: u32) -> u32:\n    return {text}\n")

    circuit = compile_circuit(module)

    body = circuit.constraint_count - circuit.input_constraints
    assert 32 * PATTERNS[text] <= body <= 32 * PATTERNS[text] + 6
    agree(circuit, module, [0x0F0F3355, 0x00FF5555, 0xDEADBEEF], [0, 2**32 - 1, 1])


def test_wrapped_sums_are_reduced_once():
    module = compile_source("""
def main(a: u32, b: u32, c: u32) -> u32:
    t = wrapping_add(a, b)
    t = wrapping_sub(wrapping_add(t, c), 12345)
    return wrapping_add(t, wrapping_add(t, a))
""")

    circuit = compile_circuit(module)

    assert circuit.constraint_count - circuit.input_constraints <= 37
    agree(circuit, module, [2**32 - 1] * 3, [0, 0, 0], [5, 2**31, 12340])


def test_constants_cost_nothing():
    circuit = source("""
def main() -> u64:
    total = 0
    for i in range(1000):
        total += i * i
    return total
""")

    assert circuit.constraint_count == 1
    assert circuit.witness([]).results == (sum(i * i for i in range(1000)),)


def test_wires_stand_as_circom_orders_them():
    text = """
def main(a: Private[felt], b: felt, c: Private[list[felt, 2]]) -> tuple[felt, felt]:
    return a * b, c[0] * c[1]
"""
    circuit = source(text)
    values = circuit.witness([2, 3, [5, 7]]).values

    assert [circuit.name(wire) for wire in range(1, 7)] == [
        "result[0]", "result[1]", "b", "a", "c[0]", "c[1]",
    ]  # fmt: skip
    assert (circuit.r1cs.output_count, circuit.r1cs.public_count) == (2, 1)
    assert values[:7] == [1, 6, 35, 3, 2, 5, 7]


def test_a_negative_word_is_its_remainder():
    circuit = compile_circuit(binary("sub", "i64"))

    found = circuit.witness([-5, 2])

    assert found.values[1:4] == [FIELD_ORDER - 7, FIELD_ORDER - 5, 2]
    assert found.results == (-7,)


def test_constraints_are_counted_by_line():
    circuit = source("def main(a: u32, b: u32) -> u32:\n    c = a + b\n    return c * c\n")

    assert circuit.lines() == {("<string>", 2): 32, ("<string>", 3): 33}
    assert sum(circuit.places.values()) == circuit.constraint_count - circuit.input_constraints


ASKED = """
def main(a: u64, b: u64) -> u64:
    assert a == b, "must agree"
    assert a != 7
    return a
"""


def test_a_demand_is_cheaper_than_a_test():
    circuit = source(ASKED)

    assert circuit.lines() == {("<string>", 3): 1, ("<string>", 4): 1}
    assert circuit.free_wires() == ()
    assert circuit.witness([3, 3]).results == (3,)


def test_a_run_that_traps_is_refused_with_its_trap():
    circuit = source(ASKED)

    with pytest.raises(RunTrapsError, match="must agree") as caught:
        circuit.witness([3, 4])

    assert caught.value.trap.reason is Reason.REQUIREMENT
    assert caught.value.place == Place("<string>", 3, 5)


def test_a_program_that_always_traps_is_refused():
    with pytest.raises(AlwaysTrapsError, match="never") as caught:
        source('def main(a: u64) -> u64:\n    assert 1 == 2, "never"\n    return a\n')

    assert caught.value.place == Place("<string>", 2, 5)


@pytest.mark.parametrize("args", [[1], [1, 2, 3], [-1, 0], [0, 2**32], [[1], 1]])
def test_arguments_of_another_shape_are_refused(args: list):
    with pytest.raises(InputError):
        compile_circuit(binary("add", "u32")).witness(args)


BRANCHES = """
def main(c: u8, a: u64) -> u64:
    if c == 0:
        x = a + 1
    elif c == 1:
        if a > 10:
            return a - 10
        x = a * 2
    else:
        x = 100 // a
    return x * x
"""


def test_arms_are_chosen_by_their_conditions():
    module = compile_source(BRANCHES)

    agree(compile_circuit(module), module, [0, 7], [1, 5], [1, 50], [2, 7], [0, 0])


def test_what_traps_on_the_other_arm_does_not_matter():
    circuit = source(BRANCHES)

    assert circuit.witness([0, 0]).results == (1,)  # 100 // 0 on the arm not taken
    with pytest.raises(RunTrapsError, match="division"):
        circuit.witness([2, 0])


LOOPS = """
def main(a: list[u64, 8], limit: u64) -> u64:
    total = 0
    for i in range(8):
        if a[i] == 0:
            continue
        if a[i] > limit:
            if total > limit:
                break
            total += 1
        for j in range(i):
            if a[j] == a[i]:
                total += j
                break
        total += a[i]
    return total
"""


def test_loops_may_be_left_on_conditions():
    module = compile_source(LOOPS)
    circuit = compile_circuit(module)

    agree(
        circuit,
        module,
        [[1, 2, 3, 4, 5, 6, 7, 8], 100],
        [[1, 2, 3, 4, 5, 6, 7, 8], 4],
        [[0, 9, 9, 0, 9, 0, 1, 1], 9],
        [[5, 5, 5, 5, 5, 5, 5, 5], 3],
    )


def test_breaks_cost_in_proportion():
    def cost(rounds: int) -> int:
        return source(f"""
def main(a: list[u64, 64], limit: u64) -> u64:
    total = 0
    for i in range({rounds}):
        if a[i] > limit:
            if total == limit:
                break
        total = a[i]
    return total
""").constraint_count

    assert cost(64) - cost(48) <= cost(32) - cost(16) + 16


ARRAYS = """
def main(a: list[u32, 8], i: u64, x: u32, grow: bool) -> tuple[u32, list[u32, 8]]:
    b = a.copy()
    b[i] = x
    if grow:
        b[7 - i] = b[i] + 1
    return b[(i + 3) % 8], b
"""


def test_arrays_are_read_and_written_at_unknown_indices():
    module = compile_source(ARRAYS)
    circuit = compile_circuit(module)
    words = [11, 12, 13, 14, 15, 16, 17, 18]

    agree(circuit, module, *([words, i, 99, grow] for i in range(8) for grow in (0, 1)))
    with pytest.raises(RunTrapsError, match="index"):
        circuit.witness([words, 8, 99, 0])


TABLE = """
TABLE: list[u64, 256] = [{}]

def main(a: u8) -> u64:
    return TABLE[u64(a)]
"""


def test_a_table_of_constants_costs_half_a_constraint_an_entry():
    table = [pow(3, i, 257) for i in range(256)]
    circuit = source(TABLE.format(", ".join(map(str, table))))

    assert circuit.constraint_count - circuit.input_constraints <= 128
    assert [circuit.witness([i]).results for i in range(256)] == [(x,) for x in table]


MEMORY = """program main(x: u64, at: u64, y: i64) -> u32

func main -> (u32)
start(x: u64, at: u64, y: i64):
    m = memory.memory[24]
    zero = const.u64 0
    eight = const.u64 8
    store.u64 m, zero, x
    store.i64 m, eight, y
    all = load.u64 m, zero
    same = eq.u64 all, x
    require same, "what was stored"
    r = load.u32 m, at
    return r
"""


def test_memories_are_read_at_any_byte():
    module = parsed(MEMORY)
    circuit = compile_circuit(module)

    agree(circuit, module, *([0x0123456789ABCDEF, at, -2] for at in (0, 1, 5, 6, 13, 20)))
    with pytest.raises(RunTrapsError, match="index"):
        circuit.witness([1, 21, 1])


def test_field_elements_pass_through_bytes():
    module = parsed("""program main(x: felt, y: u8) -> felt

func main -> (felt)
start(x: felt, y: u8):
    m = memory.memory[32]
    zero = const.u64 0
    store.felt m, zero, x
    store.u8 m, zero, y
    r = load.felt m, zero
    return r
""")
    circuit = compile_circuit(module)

    agree(circuit, module, [0, 0], [FIELD_ORDER - 1, 0], [1 << 253, 255], [FIELD_ORDER - 1, 0])
    with pytest.raises(RunTrapsError, match="does not fit"):
        circuit.witness([FIELD_ORDER - 1, 1])


WIDE = """
def main(a: u256, b: Private[i256], c: u64) -> tuple[u256, i256, bool, u64, felt]:
    rows: list[u256, 4] = [a, 1, 2**200, a // 3]
    d = rows[c % 4]
    if a > 2**255:
        d = d ^ a
    e = b // i256(c) - b * 3 if c != 0 else b
    return d, e, a < u256(c), u64((a >> u256(c % 256)) % 2**64), felt(a)
"""


def test_words_of_256_bits_are_four_wires():
    circuit = source("def main(a: u256, b: i256) -> u256:\n    return a\n")
    found = circuit.witness([2**255 + 5, -3])

    assert [circuit.name(wire) for wire in (5, 8, 9, 12)] == ["a:0", "a:3", "b:0", "b:3"]
    assert found.values[5:9] == [5, 0, 0, 2**63]
    assert found.values[9:13] == [2**64 - 3, 2**64 - 1, 2**64 - 1, FIELD_ORDER - 1]
    assert found.results == (2**255 + 5,)


def test_words_of_256_bits_are_computed_with():
    module = compile_source(WIDE)
    circuit = compile_circuit(module)

    agree(
        circuit,
        module,
        [0, 0, 0],
        [2**256 - 1, -(2**250), 3],
        [2**255 + 2**64, 2**250, 2],
        [7, -1, 2**64 - 1],
    )
    with pytest.raises(RunTrapsError, match="overflow"):
        circuit.witness([7, -(2**255), 1])


def test_constant_words_of_256_bits_are_fine():
    circuit = source("def main(a: u64) -> u64:\n    return a + u64(2**255 % 1000)\n")

    assert circuit.witness([1]).results == (1 + 2**255 % 1000,)
