"""Circuits of single operations, and circuits of which a part is missing."""

import functools
from collections.abc import Collection

import numpy as np
from msgspec.structs import replace

from numen.ir.check import check
from numen.ir.nodes import Module
from numen.ir.parse import parse_module
from numen.ir.types import BOOL, FELT, I64, I128, I256, U8, U32, U64, U128, U256
from numen.proof.circuit import Circuit, compile_circuit
from numen.proof.r1cs import Matrix

EDGES = (BOOL, U8, U32, U64, U128, U256, I64, I128, I256, FELT)
"""Words of every kind and width that circuits treat differently."""

INTEGERS = ("u8", "u16", "u32", "u64", "u128", "u256", "i64", "i128", "i256")
_ORDERED = ("add", "sub", "mul", "div", "rem", "wrapping_add", "wrapping_sub", "wrapping_mul", "lt")

# fmt: off
OPERATIONS: tuple[tuple[str, str], ...] = (
    *((op, word) for op in (*_ORDERED, "eq", "and", "or", "xor", "shl", "shr")
      for word in INTEGERS),
    *((op, word) for op in ("add_mod", "sub_mod", "mul_mod", "div_mod")
      for word in INTEGERS if word[0] == "u"),
    *((op, "felt") for op in ("add", "sub", "mul", "div", "eq")),
    *((op, "bool") for op in ("and", "or", "xor", "eq")),
    *(("select", word) for word in (*INTEGERS, "felt", "bool")),
    *(("not", word) for word in (*INTEGERS, "bool")),
    *(("cast", word) for word in (*INTEGERS, "felt")),
    *(("truncate", word) for word in INTEGERS),
)
# fmt: on
"""Every pure instruction, and the words it is defined for."""


def module_of(op: str, word: str) -> Module:
    """A program of one instruction."""
    result = "bool" if op in {"eq", "lt"} else word
    params = [("a", word), ("b", word)]
    call = f"{op}.{word} a, b"
    match op:
        case "add_mod" | "sub_mod" | "mul_mod" | "div_mod":
            params.append(("c", word))
            call += ", c"
        case "select":
            params.insert(0, ("c", "bool"))
            call = f"select.{word} c, a, b"
        case "not":
            params.pop()
            call = f"not.{word} a"
        case "cast" | "truncate":
            source = "i256" if word != "i256" else "u256"
            params = [("a", source)]
            call = f"{op}.{source}.{word} a"
    names = ", ".join(f"{name}: {of}" for name, of in params)
    module = parse_module(f"""program main({names}) -> {result}

func main -> ({result})
start({names}):
    r = {call}
    return r
""")
    check(module)
    return module


@functools.cache
def operation(op: str, word: str) -> Circuit:
    """Its circuit."""
    return compile_circuit(module_of(op, word))


def without(circuit: Circuit, gone: Collection[int]) -> Circuit:
    """A circuit with some constraints emptied."""

    def emptied(matrix: Matrix) -> Matrix:
        lengths = np.diff(matrix.row_starts)
        keep = np.ones(len(lengths), dtype=bool)
        keep[list(gone)] = False
        entries = np.repeat(keep, lengths)
        starts = np.concatenate([[0], np.cumsum(lengths * keep)]).astype(np.int64)
        return replace(
            matrix,
            row_starts=starts,
            wires=matrix.wires[entries],
            coefficients=matrix.coefficients[entries],
        )

    a, b, c = (emptied(matrix) for matrix in circuit.r1cs.matrices)
    return replace(circuit, r1cs=replace(circuit.r1cs, a=a, b=b, c=c))
