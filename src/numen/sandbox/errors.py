"""What can go wrong around a stranger's program.

SandboxError
├── UnavailableError        this machine cannot confine a process as was asked
├── NativeRefusedError      native code of a stranger, where it could not be confined
├── StartError              the sandbox does not start
├── KilledError             the run was ended, by its limits or by the system
├── RejectedError           there was no run: bytes that are no program, or no inputs of it
└── AnswerError             what came out is no answer, or too long
"""

from numen.base.errors import NumenError


class SandboxError(NumenError):
    """Root of what can go wrong around a stranger's program."""


class UnavailableError(SandboxError):
    """This machine cannot confine a process as was asked."""


class NativeRefusedError(SandboxError):
    """Native code of a stranger was asked for, where it could not be confined."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"native code of strangers is not run here: {reason}",
            hint="`numen doctor` says what to do; the interpreter still runs it",
        )


class StartError(SandboxError):
    """The sandbox does not start.

    Attributes:
        words: Its last words.
    """

    def __init__(self, words: str) -> None:
        super().__init__(
            f"the sandbox does not start: {words or 'it says nothing'}",
            hint="`numen doctor` says what is missing",
        )
        self.words = words


class KilledError(SandboxError):
    """A run was ended before it was done.

    Attributes:
        reason: What it took too much of, or what it tried.
        is_its_own: Whether it would be so again; not where all of the jail was ended.
    """

    def __init__(self, reason: str, *, is_its_own: bool = True) -> None:
        super().__init__(f"the run was ended: {reason}")
        self.reason = reason
        self.is_its_own = is_its_own


class RejectedError(SandboxError):
    """There was no run: the bytes are no program, or no inputs of it, or cannot be compiled."""


class AnswerError(SandboxError):
    """What came out of the sandbox is no answer, or longer than allowed."""
