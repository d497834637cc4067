"""Loops in loops over arrays, where LLVM reorders most: against the reference interpreter."""

import random

import pytest

from numen.ir import interp
from numen.ir.program import program_from_module
from numen.jit import engine
from numen.kernels.options import Options
from numen.lang.compile import compile_source

SOURCE = """
from numen import u64, wrapping_add, wrapping_mul

def main(x: u64, n: u64, m: u64) -> list[u64, 64]:
    a = [0] * 64
    b = [0] * 64
    c = [0] * 64
    for i in range(64):
        a[i] = wrapping_mul(x, i + 3)
        b[i] = wrapping_mul(x, i * 7 + 1)
    for i in range({outer}):
        total: u64 = {start}
        for j in range({inner}):
            left = {source}[(i * {p} + j * {q} + {r}) % 64]
            total = wrapping_add(total, wrapping_mul(left, b[(j * {s} + {t}) % 64]))
            {effect}
        {target}[(i * {u}) % 64] = total
    return {target}
"""


def source_of(seed: int) -> str:
    dice = random.Random(seed)
    target = dice.choice("abc")
    effects = [
        "pass",
        f"{target}[(i + j * 2) % 64] = total",
        f"{target}[j] = wrapping_add({target}[j], 1)",
    ]
    return SOURCE.format(
        outer=dice.choice([str(dice.randint(1, 9)), "n % 9"]),
        inner=dice.choice([str(dice.randint(1, 9)), "m % 9", "i + 1"]),
        start=dice.choice("0ix"),
        source=dice.choice("abc"),
        target=target,
        effect=dice.choice(effects),
        t=dice.choice("0i"),
        **{name: dice.randint(0, 6) for name in "pqrsu"},
    )


@pytest.mark.parametrize("seed", range(24))
def test_loops_in_loops_compute_what_the_interpreter_does(seed):
    program = program_from_module(compile_source(source_of(seed)))
    native = engine.translate(program.metered, options=Options(passes="loops"))
    dice = random.Random(seed)

    for _ in range(4):
        args = [dice.getrandbits(40), dice.randint(0, 20), dice.randint(0, 20)]
        for limit in (10**6, dice.randint(1, 800)):
            expected = interp.run(program.metered, args, work_limit=limit)

            assert native.run(args, work_limit=limit) == expected
