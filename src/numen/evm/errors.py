"""What can be wrong with something from outside that the EVM is asked about.

NumenError
└── EvmError                   the root of this package
    ├── UnknownForkError       a fork's name that nobody knows
    ├── MalformedDiffError     a state difference that cannot be read
    └── ResourceLimitError     a run that needs more than this machine has; never a result
"""

from numen.base.errors import NumenError
from numen.evm.halt import Halt


class EvmError(NumenError):
    """Root of the errors of the EVM."""


class UnknownForkError(EvmError):
    """A name that is no fork's."""


class MalformedDiffError(EvmError):
    """A text that is not a state difference."""


class ResourceLimitError(EvmError):
    """A run was given up because it needs more memory than the bound of this machine.

    It says nothing about what the run would come to, so no engine gives it as a result.
    """


class HaltError(EvmError):
    """Carries a failure from where it is found to the end of the frame, inside the reference.

    Attributes:
        halt: Which failure.
    """

    def __init__(self, halt: Halt) -> None:
        super().__init__(halt.name.lower().replace("_", " "))
        self.halt = halt
