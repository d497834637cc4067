"""Precompiles in native code: identity here, the others by asking Python."""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.native.layout import FRAME, WORLD
from numen.evm.native.outcome import Outcome
from numen.evm.native.table import begin, give_up
from numen.kernels.llvm import Callee, Function, Module, Value, const

RUN_PRECOMPILE: Final = Callee("run_precompile", "i64", ("ptr", "i64"))
"""``(frame, number)``: runs it on the frame's input; an `Outcome`, but what the frame did is not
undone."""

_ON_PRECOMPILE = Callee("on_precompile", "i64", ("ptr", "i64", "ptr", "i64", "i64"))
_IDENTITY = 4


def write_precompiles(module: Module, fork: Fork) -> None:
    """Define `RUN_PRECOMPILE`."""
    f = begin(module, RUN_PRECOMPILE, "frame", "number", attributes="nounwind noinline")
    frame, number = f.params
    world = FRAME.load(f, frame, "world")
    data, length, gas = (
        FRAME.load(f, frame, name) for name in ("calldata", "calldata_length", "gas")
    )
    with f.when(f.icmp("eq", number, _IDENTITY)):
        _identity(f, fork, frame, world)
    ask = WORLD.load(f, world, "on_precompile")
    left = f.call_pointer(ask, _ON_PRECOMPILE, world, number, data, length, gas)
    with f.when(f.icmp("ne", WORLD.load(f, world, "error"), 0), likely=False):
        f.ret(const("i64", Outcome.GIVEN_UP))
    _settle(f, frame, left)


def _identity(f: Function, fork: Fork, frame: Value, world: Value) -> None:
    data, length, gas = (
        FRAME.load(f, frame, name) for name in ("calldata", "calldata_length", "gas")
    )
    words = f.lshr(f.add(length, 31), 5)
    price = f.add(f.mul(words, fork.gas.identity_word), fork.gas.identity)
    left = f.sub(gas, price)
    with f.when(f.icmp("sge", left, 0)):
        with f.when(f.icmp("ugt", length, WORLD.load(f, world, "return_capacity")), likely=False):
            give_up(f, world)
            f.ret(const("i64", Outcome.GIVEN_UP))
        f.copy(WORLD.load(f, world, "return_data"), data, length)
        WORLD.store(f, world, "return_length", length)
    _settle(f, frame, left)


def _settle(f: Function, frame: Value, left: Value) -> None:
    """Emit the end: gas left, or a negative number after a failure."""
    has_failed = f.icmp("slt", left, 0)
    FRAME.store(f, frame, "gas", f.select(has_failed, const("i64", 0), left))
    f.ret(f.select(has_failed, const("i64", Outcome.FAILED), const("i64", Outcome.ANSWERED)))
