"""The JIT: a program in, native code or a clear refusal out.

Native code is kept in memory for the programs used last, and their objects on disk by the compile
service. How hard LLVM tries depends on the size of the text, because its time grows faster than
that; and what a stranger wrote is compiled in a process that is killed at its limits. Nothing here
decides what to do when a program cannot be compiled: `vm` falls back to the interpreter.
"""

import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

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

HERE_MAX: Final = 20_000
"""Largest program that is compiled in this process, in the same lines. LLVM takes a second or two
for it, as a rule; it knows exceptions, so larger ones go to the helper, whoever wrote them."""

# fmt: off
_EFFORTS: Final = (
    #     up to  options
    (     1_000, Options(passes="loops", codegen=2)),
    (  HERE_MAX, Options(passes="lean", codegen=2)),
    (  SIZE_MAX, Options(passes="none", codegen=0)),
)
# fmt: on
"""How a program is compiled, by its size."""

STACK_BYTES_MAX: Final = 256 << 20
"""Most stack that a program may need."""

_LINE_STACK_BYTES, _CALL_STACK_BYTES = 64, 2048
"""What a line of LLVM text can add to a frame, and a call, whose callee may be inlined."""

_STACK_FIELD_BYTES = 8

_MAKERS = ("ir", "jit", "kernels")
"""Packages that native code depends on."""

_lock = threading.Lock()
_loaded: OrderedDict[bytes, Native] = OrderedDict()


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
    with _lock:
        native = _loaded.get(program.id)
        if native is not None:
            _loaded.move_to_end(program.id)
    if native is None:
        native = link(program, recall_object(program, is_untrusted=is_untrusted))
        with _lock:
            _loaded[program.id] = native
            while len(_loaded) > LOADED_MAX:
                _loaded.popitem(last=False)
    # Programs of one id may still name different places.
    return native if native.module is program.metered else native.of(program.metered)


def forget() -> None:
    """Drop the native code in memory; what is on disk stays."""
    with _lock:
        _loaded.clear()


def translate(module: Module, *, options: Options | None = None, cached: bool = True) -> Native:
    """Compile a metered module, without the memory of those compiled before.

    Args:
        module: Checked, with meters.
        options: How; by default as a program of its size is compiled.
        cached: Whether the object may come from disk.

    Raises:
        CompileError: The text is too large for the caps, or LLVM refuses it or takes too much.
    """
    layout = lay_out(module)
    text = emit(module, layout)
    options = replace(options or options_for(text), cached=cached)
    library = compiler.load(text, options=options)
    return Native(library, module, layout, stack_bytes=_stack_bytes(text))


def compile_object(
    program: Program, *, is_untrusted: bool = False, is_confined: bool = False
) -> bytes:
    """Compile a program to bytes that `link` takes, on this machine and with this LLVM.

    Args:
        program: Any program.
        is_untrusted: As for `compile_program`.
        is_confined: Whether this process is made for that: it compiles everything itself.

    Raises:
        CompileError: As for `compile_program`.
    """
    text = emit(program.metered, lay_out(program.metered))
    options = options_for(text, is_untrusted=is_untrusted, is_confined=is_confined)
    code = compiler.compile_module(text, options=replace(options, cached=False))
    return _stack_bytes(text).to_bytes(_STACK_FIELD_BYTES, "big") + code


def link(program: Program, made: bytes) -> Native:
    """The native code of a program.

    Args:
        program: The program.
        made: From `compile_object` of it. It is run as it is: whoever made it is trusted.

    Raises:
        LinkError: It is damaged.
    """
    stack_bytes = int.from_bytes(made[:_STACK_FIELD_BYTES], "big")
    library = Library(made[_STACK_FIELD_BYTES:], {})
    return Native(library, program.metered, lay_out(program.metered), stack_bytes=stack_bytes)


def recall_object(program: Program, *, is_untrusted: bool = False) -> bytes:
    """What `compile_object` gives, found on disk by the program's id; or made.

    Raises:
        CompileError: As for `compile_program`.
    """
    make = functools.partial(compile_object, program, is_untrusted=is_untrusted)
    return compiler.recall(f"{_sources()} {program.id.hex()}", make)


def options_for(text: str, *, is_untrusted: bool = False, is_confined: bool = False) -> Options:
    """How hard a text is compiled, and where.

    Raises:
        TooLargeError: It is over `SIZE_MAX`.
    """
    size = _size(text)
    for size_max, options in _EFFORTS:
        if size <= size_max:
            sized = replace(options, cap_instructions=SIZE_MAX)
            is_bounded = not is_confined and (is_untrusted or size > HERE_MAX)
            return replace(sized, **_BOUNDED) if is_bounded else sized
    raise TooLargeError("operations", size, SIZE_MAX)


@functools.cache
def _sources() -> str:
    """Names the code that turns programs into native code: by the state of its files."""
    root = Path(__file__).parent.parent
    files = [file for package in _MAKERS for file in (root / package).rglob("*.py")]
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(files)]
    return hashlib.blake2b(repr(states).encode(), digest_size=16).hexdigest()


def _stack_bytes(text: str) -> int:
    found = _LINE_STACK_BYTES * _size(text) + _CALL_STACK_BYTES * text.count(" call fastcc ")
    if found > STACK_BYTES_MAX:
        raise TooLargeError("bytes of stack", found, STACK_BYTES_MAX)
    return found


def _size(text: str) -> int:
    return text.count("\n") + _WIDE_LINES * text.count(" i256 ")
