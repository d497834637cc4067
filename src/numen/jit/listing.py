"""A program's native code, to read: LLVM IR as emitted and as optimised, and assembly."""

import msgspec

from numen.ir.program import Program
from numen.jit import engine
from numen.jit.emit import emit
from numen.jit.layout import lay_out
from numen.kernels import compiler


class Listing(msgspec.Struct, frozen=True):
    """The forms of native code, as text.

    Attributes:
        emitted: LLVM IR as the JIT writes it.
        optimised: The same after LLVM's passes.
        assembly: For this machine.
    """

    emitted: str
    optimised: str
    assembly: str


def listing(program: Program) -> Listing:
    """Write what the JIT makes of a program.

    Raises:
        CompileError: The program is too large to compile.
    """
    text = emit(program.metered, lay_out(program.metered))
    return Listing(text, *compiler.listings(text, options=engine.options_for(text)))
