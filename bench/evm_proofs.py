"""Proofs of functions of contracts, from their bytecode, beside the same functions in our language.

The rival is what a person would write who has the source: what bytecode costs more is the price of
lifting it. Constraints are counted; a proof's times are of all threads together, of a run with the
same arguments and the same result, in turns. Every proof is verified.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from harness import Row, main
from numen.api import proofs
from numen.api.bounds import Bounds
from numen.api.compiled import Compiled, from_contract, from_text

FOLDER = Path(__file__).parents[1] / "examples/contracts"
PAIR, MEMBER = "(uint256,uint256)", "member(bytes32,bytes32,bytes32[])"

ROUNDS, ROUNDS_QUICK = 3, 1

PROVEN_MAX = 100_000
"""Circuits of more constraints are only counted."""


class Case(msgspec.Struct, frozen=True):
    """A function.

    Attributes:
        text: It in our language.
        signatures: It in contracts, by compiler.
        args: What it is called with.
        bounds: Of the contract's loops and arrays, and of our loops.
    """

    text: str
    signatures: dict[str, str]
    args: tuple[object, ...]
    bounds: Bounds = Bounds()


def both(signature: str) -> dict[str, str]:
    """A signature that is the same in Solidity and in Vyper."""
    return {"solc": signature, "vyper": signature}


ADD = "def main(a: u256, b: u256) -> u256:\n    return a + b\n"
MUL = "def main(a: u256, b: u256) -> u256:\n    return a * b\n"
GCD = """
def main(a: u256, b: u256) -> u256:
    while b != 0:
        a, b = b, a % b
    return a
"""
ISQRT = """
def main(x: u256) -> u256:
    next: u256 = x // 2 + 1
    root = x
    while next < root:
        root = next
        next = (x // next + next) // 2
    return root
"""
TOTAL = """
def main(length: u64, items: list[u256, 16]) -> u256:
    assert length <= 16
    sum: u256 = 0
    for i in range(length):
        sum += items[i]
    return sum
"""
LARGEST = """
def main(length: u64, items: list[u256, 16]) -> u256:
    assert length <= 16
    best: u256 = 0
    for i in range(length):
        if items[i] > best:
            best = items[i]
    return best
"""
DOT = """
def main(length: u64, a: list[u256, 8], b: list[u256, 8]) -> u256:
    assert length <= 8
    sum: u256 = 0
    for i in range(length):
        sum += a[i] * b[i]
    return sum
"""
IS_MEMBER = """
from numen.std.keccak import keccak256

def main(root: u256, leaf: u256, length: u64, path: list[u256, {depth}]) -> bool:
    assert length <= {depth}
    for i in range(length):
        other = path[i]
        left = leaf if leaf < other else other
        right = other if leaf < other else leaf
        pair = [u8(0)] * 64
        for k in range(32):
            pair[31 - k] = u8.wrapping(left >> (8 * u256(k)))
            pair[63 - k] = u8.wrapping(right >> (8 * u256(k)))
        leaf = 0
        for byte in keccak256(pair):
            leaf = leaf << 8 | u256(byte)
    return leaf == root
"""

LOOP, LIST, SHORT = Bounds(loop=24), Bounds(array=16), Bounds(array=8)
FOUR = [1, 2, 3, 4]
CASES = {
    "add": Case(ADD, both(f"add{PAIR}"), (3, 4)),
    "mul": Case(MUL, both(f"mul{PAIR}"), (3, 4)),
    "gcd, 24 rounds": Case(GCD, both(f"gcd{PAIR}"), (48, 36), LOOP),
    "isqrt, 24 rounds": Case(
        ISQRT, {"solc": "isqrt(uint256)", "vyper": "root(uint256)"}, (144,), LOOP
    ),
    "total of 16": Case(TOTAL, both("total(uint256[])"), (FOUR,), LIST),
    "largest of 16": Case(LARGEST, {"solc": "largest(uint256[])"}, (FOUR,), LIST),
    "dot of 8": Case(DOT, {"solc": "dot(uint256[],uint256[])"}, (FOUR, FOUR), SHORT),
    "member, depth 1": Case(IS_MEMBER.format(depth=1), both(MEMBER), (1, 2, [3]), Bounds(array=1)),
    "member, depth 4": Case(IS_MEMBER.format(depth=4), both(MEMBER), (1, 2, [3]), Bounds(array=4)),
}
QUICK = ("add", "mul", "gcd, 24 rounds")


def rows(quick: bool) -> Iterator[Row]:
    """Count, and prove."""
    for name in QUICK if quick else CASES:
        case = CASES[name]
        ours = _in_our_language(case)
        given = _flat(case)
        for compiler, signature in case.signatures.items():
            lifted = from_contract(FOLDER / f"provable.{compiler}.hex", signature, case.bounds)
            counts = lifted.circuit.constraint_count, ours.circuit.constraint_count
            title = f"{name}, {compiler}"
            yield Row(f"{title} vs source", *counts, "constraints")
            if max(counts) > PROVEN_MAX:
                continue
            times = _times(
                {"lifted": _proving(lifted, case.args), "ours": _proving(ours, given)},
                ROUNDS_QUICK if quick else ROUNDS,
            )
            yield Row(f"prove {title}, CPU vs source", times["lifted"], times["ours"], "s")


def _in_our_language(case: Case) -> Compiled:
    program = from_text(case.text)
    program.rounds = case.bounds.rounds
    return program


def _flat(case: Case) -> tuple[object, ...]:
    """The arguments with the length of lists once before them, and their room filled."""
    most = case.bounds.array
    lists = [arg for arg in case.args if isinstance(arg, list)]
    if most is None or not lists:
        return case.args
    plain = tuple(arg for arg in case.args if not isinstance(arg, list))
    return (*plain, len(lists[0]), *([*one, *[0] * (most - len(one))] for one in lists))


def _proving(program: Compiled, args: tuple[object, ...]) -> Callable[[], object]:
    """A call that proves one run; the first one is verified."""
    keys = program.setup()
    proven = program.prove(*args, keys=keys)
    proofs.verify(keys, proven)

    def prove() -> object:
        assert program.prove(*args, keys=keys).value == proven.value
        return proven.value

    return prove


def _times(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Processor seconds of each side, medians of interleaved rounds; all must say the same."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    answers = set()
    for _ in range(rounds):
        for name, side in sides.items():
            start = time.process_time()
            answers.add(side())
            found[name].append(time.process_time() - start)
    assert len(answers) == 1, f"the two disagree: {answers}"
    return {name: statistics.median(times) for name, times in found.items()}


if __name__ == "__main__":
    main(__doc__, rows)
