"""How a module is compiled, and what compiling it may cost."""

from typing import Literal

import msgspec

Passes = Literal["none", "quick", "lean", "O1", "O2", "loops", "O3"]
"""Names of the pass lists of `numen.kernels.codegen`."""


class Options(msgspec.Struct, frozen=True):
    """One way to compile.

    Attributes:
        passes: Pass list. ``quick`` (inlining of ``alwaysinline``, registers from memory,
            peepholes, constants, dead code) costs a tenth of ``O2`` and is what the JIT wants;
            ``lean`` adds what loops need, for half the cost of ``O2``; ``O1`` to
            ``O3`` are LLVM's own, without vectorisation; ``loops`` is ``O2`` and a pass for loops
            in loops.
        codegen: LLVM's effort in making machine code, 0 to 3. 0 halves the compile time.
        is_far: Whether the parts of the object may come to lie more than 2 GiB from each other, as
            they may in a process that reserves many addresses. Costs about nothing; without it
            the loader ends the process when it happens.
        untrusted: Whether the text stems from somebody else's program. If so it is compiled
            in a helper process that is killed at the limits below.
        cached: Whether the object may be read from and kept on disk.
        cap_instructions: Most lines of one function.
        cap_functions: Most functions of the module.
        cap_text_bytes: Longest text.
        limit_ms: Processor time of one compilation, when untrusted; eight times as much by the
            clock.
        limit_bytes: Address space of the helper, when untrusted.
    """

    passes: Passes = "quick"
    codegen: int = 2
    is_far: bool = False
    untrusted: bool = False
    cached: bool = True
    cap_instructions: int = 20_000
    cap_functions: int = 4_000
    cap_text_bytes: int = 32 << 20
    limit_ms: int = 30_000
    limit_bytes: int = 3 << 30

    def recipe(self) -> str:
        """The part that decides what the object is."""
        return f"{self.passes}/{self.codegen}" + ("/far" if self.is_far else "")


TRUSTED = Options()
"""For text that this package wrote itself."""
