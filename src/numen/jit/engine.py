"""The JIT: a program in, native code or a clear refusal out.

Native code is kept in memory for the programs used last, and their objects on disk by the compile
service. How hard LLVM tries depends on the size of the text, because its time grows faster than
that; and what a stranger wrote is compiled in a process that is killed at its limits. Nothing here
decides what to do when a program cannot be compiled: `vm` falls back to the interpreter.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from numen.ir.nodes import Module
from numen.ir.outcome import Outcome
from numen.ir.program import Program
from numen.jit.emit import emit
from numen.jit.layout import lay_out
from numen.jit.marshal import Given
from numen.jit.native import Native
from numen.kernels import compiler
from numen.kernels.compiler import Library
from numen.kernels.errors import TooLargeError
from numen.kernels.options import Options

LOADED_MAX: Final = 64
"""Programs whose native code is kept in memory."""

SIZE_MAX: Final = 1_000_000
"""Largest program that is compiled, in lines of LLVM text, wide operations counted as several."""

_WIDE_LINES = 8
"""About how many narrow operations LLVM makes of one on 256 bits."""

_BOUNDED = {"untrusted": True, "limit_ms": 20_000, "limit_bytes": 2 << 30}

# fmt: off
_EFFORTS: Final = (
    #     up to  options
    (    20_000, Options(passes="loops", codegen=2)),
    (    60_000, Options(passes="quick", codegen=1)),
    (  SIZE_MAX, Options(passes="none", codegen=0)),
)
# fmt: on
"""How a program is compiled, by its size: in a second or two, as a rule. LLVM knows exceptions, so
all but the first are compiled in the helper process, whoever wrote them."""

STACK_BYTES_MAX: Final = 256 << 20
"""Most stack that a program may need."""

_LINE_STACK_BYTES, _CALL_STACK_BYTES = 64, 2048
"""What a line of LLVM text can add to a frame, and a call, whose callee may be inlined."""

_lock = threading.Lock()
_loaded: OrderedDict[bytes, "_Loaded"] = OrderedDict()


class _Loaded(msgspec.Struct, frozen=True):
    """Native code in memory, and the most stack it may use."""

    library: Library
    stack_bytes: int


def run(
    program: Program, args: Sequence[Given], *, work_limit: int, is_untrusted: bool = False
) -> Outcome:
    """Run a program natively; the arguments and the outcome are those of `ir.interp.run`.

    Raises:
        CompileError: As for `compile_program`.
    """
    return compile_program(program, is_untrusted=is_untrusted).run(args, work_limit=work_limit)


def compile_program(program: Program, *, is_untrusted: bool = False) -> Native:
    """Get the native code of a program, from memory, from disk or from LLVM.

    Args:
        program: Any program.
        is_untrusted: Whether somebody else wrote it, so that compiling it must be bounded.

    Raises:
        CompileError: The program is over `SIZE_MAX`, or LLVM refuses it or takes too much.
    """
    module, layout = program.metered, lay_out(program.metered)
    with _lock:
        loaded = _loaded.get(program.id)
        if loaded is not None:
            _loaded.move_to_end(program.id)
    if loaded is None:
        text = emit(module, layout)
        loaded = _load(text, options_for(text, is_untrusted=is_untrusted))
        with _lock:
            _loaded[program.id] = loaded
            while len(_loaded) > LOADED_MAX:
                _loaded.popitem(last=False)
    return Native(loaded.library, module, layout, stack_bytes=loaded.stack_bytes)


def forget() -> None:
    """Drop the native code in memory; what is on disk stays."""
    with _lock:
        _loaded.clear()


def translate(module: Module, *, options: Options) -> Native:
    """Compile a metered module one way, without the memory of those compiled before.

    Raises:
        CompileError: The text is too large for the caps, or LLVM refuses it or takes too much.
    """
    layout = lay_out(module)
    loaded = _load(emit(module, layout), options)
    return Native(loaded.library, module, layout, stack_bytes=loaded.stack_bytes)


def _load(text: str, options: Options) -> _Loaded:
    stack_bytes = _LINE_STACK_BYTES * _size(text) + _CALL_STACK_BYTES * text.count(" call fastcc ")
    if stack_bytes > STACK_BYTES_MAX:
        raise TooLargeError("bytes of stack", stack_bytes, STACK_BYTES_MAX)
    return _Loaded(compiler.load(text, options=options), stack_bytes)


def options_for(text: str, *, is_untrusted: bool = False) -> Options:
    """How hard a text is compiled.

    Raises:
        TooLargeError: It is over `SIZE_MAX`.
    """
    return _options(_size(text), is_untrusted=is_untrusted)


def _size(text: str) -> int:
    return text.count("\n") + _WIDE_LINES * text.count(" i256 ")


def _options(size: int, *, is_untrusted: bool) -> Options:
    for size_max, options in _EFFORTS:
        if size <= size_max:
            sized = replace(options, cap_instructions=SIZE_MAX)
            is_bounded = is_untrusted or size_max > _EFFORTS[0][0]
            return replace(sized, **_BOUNDED) if is_bounded else sized
    raise TooLargeError("operations", size, SIZE_MAX)
