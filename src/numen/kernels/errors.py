"""What can go wrong on the way from LLVM text to native code.

CompileError              the text did not become native code
├── TooLargeError         a size cap was met before LLVM was asked
├── CompileTimeoutError   the helper used up its wall clock or processor time
├── OutOfMemoryError      the helper used up its memory
├── CompilerDiedError     the helper ended without an answer: LLVM aborted
└── LinkError             the object names a symbol that is not provided
KernelInputError          an array given to a kernel has the wrong type, shape or range
"""

from numen.base.errors import NumenError


class CompileError(NumenError):
    """LLVM text was not turned into native code.

    Attributes:
        reason: One sentence, without the text.
    """

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason, hint=hint)
        self.reason = reason


class TooLargeError(CompileError):
    """A module is over one of the caps of `Options`.

    Attributes:
        what: The quantity, such as ``instructions of @f``.
        size: What it is.
        cap: What it may be.
    """

    def __init__(self, what: str, size: int, cap: int) -> None:
        super().__init__(f"{what}: {size}, the cap is {cap}")
        self.what = what
        self.size = size
        self.cap = cap


class CompileTimeoutError(CompileError):
    """The helper did not finish in time and was killed.

    Attributes:
        limit_ms: The limit, in milliseconds.
    """

    def __init__(self, limit_ms: int) -> None:
        super().__init__(f"compilation took more than {limit_ms} ms and was stopped")
        self.limit_ms = limit_ms


class OutOfMemoryError(CompileError):
    """The helper ran out of the memory it was given.

    Attributes:
        limit_bytes: The limit.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"compilation needed more than {limit_bytes} bytes and was stopped")
        self.limit_bytes = limit_bytes


class CompilerDiedError(CompileError):
    """The helper ended without an answer.

    Attributes:
        status: Exit status; negative for a signal.
        last_words: The end of what LLVM wrote to its standard error.
    """

    def __init__(self, status: int, last_words: str) -> None:
        super().__init__(f"the compiler ended with status {status}: {last_words}")
        self.status = status
        self.last_words = last_words


class LinkError(CompileError):
    """An object could not be linked, or lacks the symbol that was asked for."""


class KernelInputError(NumenError):
    """An array given to a kernel has the wrong type, shape or range."""
