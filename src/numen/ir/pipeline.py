"""The named sequences of passes, with a check of the form after each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from numen.ir.check import check_function
from numen.ir.nodes import Function, Module
from numen.ir.passes.dce import eliminate_dead_code
from numen.ir.passes.fold import fold
from numen.ir.passes.gvn import number_values
from numen.ir.passes.inline import inline_calls
from numen.ir.passes.licm import hoist_invariants
from numen.ir.passes.narrow import narrow
from numen.ir.passes.simplify_cfg import simplify_cfg
from numen.ir.passes.strength import reduce_strength


class Pass(msgspec.Struct, frozen=True):
    """A pass over one function, and what must have run before it in every sequence.

    Attributes:
        run: Gives the same function when there is nothing to do.
        after: Names of passes that must have run, lest there be little to find.
    """

    run: Callable[[Function], Function]
    after: tuple[str, ...] = ()


PASSES: Final = {
    "fold": Pass(fold),
    "number_values": Pass(number_values),
    "simplify_cfg": Pass(simplify_cfg),
    "eliminate_dead_code": Pass(eliminate_dead_code),
    "narrow": Pass(narrow, after=("fold", "number_values", "inline_calls")),
    "reduce_strength": Pass(reduce_strength, after=("narrow",)),
    "hoist_invariants": Pass(hoist_invariants, after=("narrow", "eliminate_dead_code")),
}
"""Passes over one function."""

INLINE: Final = "inline_calls"
"""The pass over a whole module."""

_CLEAN: Final = ("fold", "simplify_cfg", "number_values", "eliminate_dead_code")

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "O0": (),
    "O2": (
        *_CLEAN, INLINE, *_CLEAN,
        "narrow", "reduce_strength", *_CLEAN,
        "narrow", *_CLEAN, "simplify_cfg",
        "hoist_invariants", "simplify_cfg", "number_values", "eliminate_dead_code",
    ),
}  # fmt: skip
"""Sequences of passes by name."""

INSTRUCTIONS_MAX: Final = 50_000
"""Functions of more instructions are left as they are: they would take seconds."""


def optimise(module: Module, level: str = "O2") -> Module:
    """Run a sequence of passes over a module, each function checked after what changed it.

    Every run that comes to its end gives what it gave before, and every trap is the same trap at
    the same place.

    Args:
        module: A checked module without meters.
        level: A name from `LEVELS`.

    Raises:
        check.CheckError: A pass broke the form, which is a mistake of ours.

    Cost: about 0.1 milliseconds an instruction at "O2".
    """
    done: dict[tuple[str, str], Function] = {}
    for name in LEVELS[level]:
        after = inline_calls(module) if name == INLINE else _run(module, name, done)
        for key, fn in after.functions.items():
            if fn is not module.functions[key]:
                check_function(fn, after.functions)
        module = after
    return module


def _run(module: Module, name: str, done: dict[tuple[str, str], Function]) -> Module:
    functions = dict(module.functions)
    for key, fn in module.functions.items():
        # A pass that changed nothing, or ran last, has nothing to do again.
        if done.get((name, key)) is fn or _size(fn) > INSTRUCTIONS_MAX:
            continue
        functions[key] = PASSES[name].run(fn)
        done[name, key] = functions[key]
    return replace(module, functions=functions)


def _size(fn: Function) -> int:
    return sum(len(block.body) + 1 for block in fn.blocks.values())


def misplaced(names: Iterable[str]) -> tuple[str, ...]:
    """List the passes of a sequence that stand before one they need."""
    seen: set[str] = set()
    wrong: list[str] = []
    for name in names:
        if name in PASSES and not seen.issuperset(PASSES[name].after):
            wrong.append(name)
        seen.add(name)
    return tuple(wrong)


assert not any(misplaced(names) for names in LEVELS.values()), "a pass stands too early"
