"""A program on the interpreter and in native code, which must not differ in anything."""

from typing import Any

from numen.ir.interface import flatten, unflatten
from numen.ir.outcome import Outcome
from numen.ir.passes.meter import meter
from numen.ir.pipeline import optimise
from numen.lang.compile import compile_source
from tests.engines.all_engines import prepare

WORK_LIMIT = 10**10


class Everywhere:
    """Runs ``main`` on both engines, and asks for equal results, traps and work."""

    def __init__(self, source: str) -> None:
        module = meter(optimise(compile_source(source, file="t.py")))
        self.interface = module.interface
        self.engines = {name: prepare(name, module) for name in ("interp", "jit")}

    def outcome(self, *args: Any) -> Outcome:
        """What both engines came to, with arguments as JSON has them."""
        parts: list[int | list[int]] = []
        for wanted, arg in zip(self.interface.inputs, args, strict=True):
            parts += flatten(wanted.shape, arg)
        found = {name: run(parts, WORK_LIMIT) for name, run in self.engines.items()}
        assert found["interp"] == found["jit"], args
        return found["jit"]

    def __call__(self, *args: Any) -> Any:
        """The result, or the reason of the trap."""
        outcome = self.outcome(*args)
        if outcome.results is None:
            assert outcome.trap is not None
            return outcome.trap.reason
        return unflatten(self.interface.result, list(outcome.results))

    def fast(self, *args: Any) -> Any:
        """The result of native code alone, where the interpreter saw the same cases in part."""
        parts: list[int | list[int]] = []
        for wanted, arg in zip(self.interface.inputs, args, strict=True):
            parts += flatten(wanted.shape, arg)
        outcome = self.engines["jit"](parts, WORK_LIMIT)
        assert outcome.results is not None, outcome.trap
        return unflatten(self.interface.result, list(outcome.results))
