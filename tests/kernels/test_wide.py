"""Wide division against Python's integers."""

import ctypes
import random
from collections.abc import Callable

import pytest

from numen.kernels import compiler, wide
from numen.kernels.llvm import Module

CASES = 20_000
KEYS = [(operation, bits) for operation, widths in wide.WIDTHS.items() for bits in widths]


def _signed(a: int, bits: int) -> int:
    return a - (1 << bits) if a >> (bits - 1) else a


def _truncated(a: int, b: int) -> tuple[int, int]:
    q = abs(a) // abs(b)
    q = -q if (a < 0) != (b < 0) else q
    return q, a - q * b


def reference(operation: str, bits: int, a: int, b: int, m: int) -> int:
    divisor = m if operation.endswith("mod") else b
    if divisor == 0:
        return 0
    match operation:
        case "udiv":
            result = a // b
        case "urem":
            result = a % b
        case "sdiv":
            result = _truncated(_signed(a, bits), _signed(b, bits))[0]
        case "srem":
            result = _truncated(_signed(a, bits), _signed(b, bits))[1]
        case "addmod":
            result = (a + b) % m
        case _:
            result = a * b % m
    return result % (1 << bits)


def words(bits: int, seed: int) -> Callable[[], int]:
    """Words of all lengths, with long runs of ones and zeros where carries and guesses break."""
    rng = random.Random(seed)

    def draw() -> int:
        kind = rng.randrange(4)
        size = rng.randrange(bits + 1)
        if kind == 0:
            return rng.getrandbits(size) if size else 0
        if kind == 1:
            return ((1 << size) + rng.randrange(-2, 3)) % (1 << bits)
        limbs = [
            rng.choice((0, 1, 2**63, 2**64 - 1, rng.getrandbits(64))) for _ in range(bits // 64)
        ]
        value = sum(limb << (64 * i) for i, limb in enumerate(limbs))
        return value if kind == 2 else value >> size

    return draw


@pytest.fixture(scope="module", params=[True, False], ids=["divq", "portable"])
def library(request: pytest.FixtureRequest) -> compiler.Library:
    if request.param and not wide.has_divq():
        pytest.skip("this machine has no divq")
    module = Module()
    for operation, bits in KEYS:
        word = f"i{bits}"
        divide = wide.division(module, operation, bits, native=request.param)
        f = module.function(f"{operation}{bits}", "void", {"out": "ptr", "in": "ptr"})
        out, given = f.params
        args = [f.load(word, f.gep(word, given, i), align=8) for i in range(len(divide.params))]
        f.store(f.call(divide, *args), out, align=8)
        f.ret()
    return compiler.load(str(module))


@pytest.mark.parametrize(("operation", "bits"), KEYS)
def test_division_is_pythons(library: compiler.Library, operation: str, bits: int) -> None:
    call = library.function(f"{operation}{bits}", None, ctypes.c_char_p, ctypes.c_char_p)
    draw, size = words(bits, seed=bits), bits // 8
    out = ctypes.create_string_buffer(size)
    wrong = []
    for _ in range(CASES):
        a, b, m = draw(), draw(), draw()
        given = b"".join(x.to_bytes(size, "little") for x in (a, b, m))
        call(ctypes.cast(out, ctypes.c_char_p), given)
        if int.from_bytes(out.raw, "little") != reference(operation, bits, a, b, m):
            wrong.append((hex(a), hex(b), hex(m)))

    assert wrong == []
