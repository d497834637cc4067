"""Division of words for all regions: compiled once, so that regions need not hold it.

The functions of `kernels.wide` that opcodes use are hundreds of instructions long, and every module
that divides would have its own.
"""

import functools
from typing import Final

from numen.kernels import compiler, wide
from numen.kernels.compiler import Library
from numen.kernels.llvm import Module
from numen.kernels.options import Options

_OPERATIONS: Final = ("udiv", "urem", "sdiv", "srem", "addmod", "mulmod")
_BITS: Final = 256

NAMES: Final = tuple(wide.name_of(operation, _BITS) for operation in _OPERATIONS)
"""What the library has."""

_OPTIONS: Final = Options(passes="quick", codegen=2, is_far=True)
_EXPORTED: Final = "{}.exported"


@functools.cache
def addresses() -> dict[str, int]:
    """Address of each function of `NAMES`; they stay as long as the process."""
    library = _library()
    return {name: library.address(_EXPORTED.format(name)) for name in NAMES}


@functools.cache
def _library() -> Library:
    module = Module()
    for operation, name in zip(_OPERATIONS, NAMES, strict=True):
        callee = wide.division(module, operation, _BITS)
        params = {f"x{i}": type_ for i, type_ in enumerate(callee.params)}
        f = module.function(_EXPORTED.format(name), callee.result, params)
        f.ret(f.call(callee, *f.params))
    return compiler.load(str(module), options=_OPTIONS)
