"""Every engine, under its name, so that one suite runs on all of them."""

from collections.abc import Callable

from numen.ir import check, interp
from numen.ir.nodes import Module
from numen.ir.outcome import Outcome
from numen.jit import engine
from numen.kernels.options import Options

Run = Callable[..., Outcome]
"""``run(args, work_limit=...)`` of a prepared module."""


def _interp(module: Module) -> Run:
    return lambda args, work_limit=10**6: interp.run(module, args, work_limit=work_limit)


def _jit(passes: str) -> Callable[[Module], Run]:
    def prepare(module: Module) -> Run:
        native = engine.translate(module, options=Options(passes=passes, codegen=1))
        return lambda args, work_limit=10**6: native.run(args, work_limit=work_limit)

    return prepare


ENGINES = {"interp": _interp, "jit-plain": _jit("none"), "jit": _jit("loops")}


def prepare(name: str, module: Module) -> Run:
    """Check a module and get it ready to run on an engine."""
    check.check(module, is_metered=True)
    return ENGINES[name](module)
