"""The JIT: a metered module in, native code or a clear refusal out.

Compiled programs are kept in memory, the ones used last; their objects are kept on disk by the
compile service. Nothing here decides what to do when a program cannot be compiled: `vm` falls back.
"""

from numen.ir.nodes import Module
from numen.jit.emit import emit
from numen.jit.layout import lay_out
from numen.jit.native import Native
from numen.kernels import compiler
from numen.kernels.options import Options


def translate(module: Module, *, options: Options) -> Native:
    """Compile a module.

    Args:
        module: Checked, with meters.
        options: How the compile service treats it.

    Raises:
        CompileError: The text is too large for the caps, or LLVM refuses it or takes too long.
    """
    layout = lay_out(module)
    library = compiler.load(emit(module, layout), options=options)
    return Native(library, module, layout)
