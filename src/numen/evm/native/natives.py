"""The native functions that Python calls, by name, with their C types."""

import ctypes
from typing import Any, Final

from numen.evm.forks import Fork
from numen.evm.native.interpreter import Interpreter, interpreter

_PTR, _BYTES, _I64 = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64

# fmt: off
_TYPES: Final[dict[str, tuple[Any, ...]]] = {
    # name                result  parameters, the World first
    "run":                (None,  _PTR, _PTR),
    "run_batch":          (_I64,  _PTR, _PTR, _I64, _PTR, _PTR, _I64),
    "begin_transaction":  (None,  _PTR),
    "finish_transaction": (None,  _PTR),
    "revert_to":          (None,  _PTR, _PTR),
    "register_code":      (_PTR,  _PTR, _BYTES, _I64),
    "account_of":         (_PTR,  _PTR, _BYTES),
    "slot_of":            (_PTR,  _PTR, _BYTES, _BYTES),
    "put_balance":        (None,  _PTR, _BYTES, _BYTES),
    "add_balance":        (None,  _PTR, _BYTES, _BYTES),
    "put_nonce":          (None,  _PTR, _BYTES, _I64),
    "put_code":           (None,  _PTR, _BYTES, _PTR),
    "put_slot":           (None,  _PTR, _BYTES, _BYTES, _BYTES),
    "warm":               (None,  _PTR, _BYTES),
    "warm_all":           (None,  _PTR, _BYTES, _I64),
    "warm_key":           (None,  _PTR, _BYTES, _BYTES),
}
# fmt: on


class Natives:
    """They are attributes, under their names; see `transactions` and `entry` for what they do.

    Attributes:
        fork: The rules.
        engine: The interpreter.
    """

    run: Any
    run_batch: Any
    begin_transaction: Any
    finish_transaction: Any
    revert_to: Any
    register_code: Any
    account_of: Any
    slot_of: Any
    put_balance: Any
    add_balance: Any
    put_nonce: Any
    put_code: Any
    put_slot: Any
    warm: Any
    warm_all: Any
    warm_key: Any

    def __init__(self, engine: Interpreter) -> None:
        """Find them in an interpreter."""
        self.fork = engine.fork
        self.engine = engine
        for name, (result, *params) in _TYPES.items():
            setattr(self, name, engine.library.function(name, result, *params))


_found: dict[str, Natives] = {}


def natives(fork: Fork) -> Natives:
    """The functions of a fork's interpreter; looked for once.

    Raises:
        CompileError: LLVM cannot make code for this machine.
    """
    known = _found.get(fork.name)
    if known is None or known.fork is not fork:
        known = _found[fork.name] = Natives(interpreter(fork))
    return known
