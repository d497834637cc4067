"""A second witness far from the first: hints that lie together, and everything else solved anew.

`attack` changes a witness by little and asks whether the constraints still hold, so bits are always
pinned to it. Here a prover fixes the inputs, chooses what some hints give among what a weak circuit
might let pass, and lets every later step of the plan follow from that. Hints lie as people have
erred: a number is read as itself plus the order, a quotient is one too small and its remainder too
large by a divisor, a test says the contrary.
"""

import random
from collections.abc import Callable
from typing import Any

from numen.ir.types import FIELD_ORDER
from numen.proof import witness
from numen.proof.circuit import Circuit
from numen.proof.lc import dot
from tests.strategies.cheats import CHECKS, holds, input_values

Lie = Callable[[list[int], int, Any], None]
"""Fills the wires of a hint with something else."""


def _spread(values: list[int], first: int, number: int, count: int) -> None:
    for wire in range(first, first + count):
        values[wire] = number & 1
        number >>= 1


def _bits(turns: int, more: int) -> Lie:
    """The bits of the number plus so many times the order, and a little more."""

    def lie(values: list[int], first: int, args: Any) -> None:
        of, base, count = args
        number = (dot(of, values) - base) % FIELD_ORDER + turns * FIELD_ORDER + more
        _spread(values, first, number >> 1, count - 1)

    return lie


def _all_bits(turns: int, more: int) -> Lie:
    def lie(values: list[int], first: int, args: Any) -> None:
        of, count = args
        number = dot(of, values) % FIELD_ORDER + turns * FIELD_ORDER + more
        _spread(values, first, number, count)

    return lie


def _divided(turns: int, less: int, *, is_rest: bool) -> Lie:
    """Of the dividend plus so many orders, the quotient less something, or the rest to it."""

    def lie(values: list[int], first: int, args: Any) -> None:
        over, under, base, count = args
        a = witness.total(over, values) + turns * FIELD_ORDER
        b = witness.total(under, values) or 1
        quotient = a // b - less
        _spread(values, first, (a - quotient * b if is_rest else quotient) - base, count)

    return lie


def _modular(hint: witness.Hint, times: int) -> Lie:
    """What the hint gives, and so many moduli more."""

    def lie(values: list[int], first: int, args: Any) -> None:
        *_, base, count = args
        modulus = args[2] if hint is witness.divide_modulo else witness.total(args[1], values)
        honest(hint, values, first, args)
        number = sum(values[first + i] << i for i in range(count)) + base
        _spread(values, first, number + times * modulus - base, count)

    return lie


def _zero_test(inverse: int, answer: int) -> Lie:
    def lie(values: list[int], first: int, of: Any) -> None:
        value = dot(of, values) % FIELD_ORDER
        true = pow(value, -1, FIELD_ORDER) if value else 0
        values[first] = (true, 0, 1)[inverse]
        values[first + 1] = answer

    return lie


def _other(value: Callable[[int], int]) -> Callable[[witness.Hint], Lie]:
    """What the hint gives, changed."""

    def lie_of(hint: witness.Hint) -> Lie:
        def lie(values: list[int], first: int, args: Any) -> None:
            honest(hint, values, first, args)
            values[first] = value(values[first]) % FIELD_ORDER

        return lie

    return lie_of


def honest(hint: witness.Hint, values: list[int], first: int, args: Any) -> None:
    """What a hint gives; where there is nothing to give, zero."""
    try:
        hint(values, first, args)
    except (ValueError, ZeroDivisionError):
        values[first] = 0


SMALL = (-2, -1, 1, 2)


def _lies(hint: witness.Hint, r: random.Random) -> Lie:
    """Something else that a hint might give."""
    turns, more = r.choice([(1, 0), (-1, 0), (2, 0), (0, 1), (0, -1), (0, 2), (1, 1), (0, 2**64)])
    if hint is witness.bits:
        return _bits(turns, more)
    if hint is witness.all_bits:
        return _all_bits(turns, more)
    if hint in {witness.divide_modulo, witness.inverse_modulo}:
        return _modular(hint, r.choice(SMALL))
    if hint is witness.zero_test:
        return _zero_test(r.randrange(3), r.randrange(2))
    change = r.choice(
        [lambda v: 1 - v, lambda v: v + 1, lambda v: -v, lambda v: r.getrandbits(253)]
    )
    return _other(change)(hint)


def second_witness(
    circuit: Circuit, args: list[int | list[int]], r: random.Random, tries: int = 20
) -> list[str]:
    """Names of wires that another witness for the same inputs holds something else in.

    Args:
        circuit: A circuit.
        args: Arguments of a run that ends.
        r: Where the lies come from.
        tries: How many sets of lies are tried.
    """
    true = circuit.witness(args).values
    plan = circuit.wires.plan
    hints = [i for i, (hint, _, _) in enumerate(plan) if hint not in CHECKS]
    free = {free.wire for free in circuit.free_wires()}
    for _ in range(tries if hints else 0):
        chosen = set(r.sample(hints, min(len(hints), r.choice([1, 1, 2, 3]))))
        world = (r.choice([0, 0, 0, 1, -1]), r.choice(SMALL))
        values = _follow(circuit, args, chosen, world, r)
        if values != true and holds(circuit, values):
            changed = [w for w, (x, y) in enumerate(zip(values, true, strict=True)) if x != y]
            names = [circuit.name(wire) for wire in changed if wire not in free]
            if names:
                return names
    return []


def _follow(
    circuit: Circuit,
    args: list[int | list[int]],
    chosen: set[int],
    world: tuple[int, int],
    r: random.Random,
) -> list[int]:
    """Follow the plan with lies; a quotient and the remainder to it tell the same one."""
    values = [0] * len(circuit.wires.roles)
    values[0] = 1
    given = input_values(circuit.inputs, args)
    for wire, value in zip(circuit.input_wires, given, strict=True):
        values[circuit.order[wire]] = value
    lied_about: list[Any] = []
    for index, (hint, first, rest) in enumerate(circuit.wires.plan):
        if hint in CHECKS:
            continue
        if hint in {witness.quotient, witness.remainder}:
            operands = rest[:2]
            if index in chosen or operands in lied_about:
                lied_about.append(operands)
                _divided(*world, is_rest=hint is witness.remainder)(values, first, rest)
                continue
        if index in chosen:
            _lies(hint, r)(values, first, rest)
        else:
            honest(hint, values, first, rest)
    return [values[inner] for inner in circuit.order]
