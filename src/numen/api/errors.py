"""What can go wrong between a Python program and one of Numen's.

NumenError
├── TrappedError       the program stopped with a trap
├── KeysError          keys that are not this program's, or cannot be read
└── whatever the compiler, the loader and the provers say
"""

from numen.base.errors import NumenError
from numen.ir.trap import Trap


class TrappedError(NumenError):
    """The program stopped with a trap: the inputs make it fail, or it reached its work limit.

    Attributes:
        trap: Reason, message and place.
    """

    def __init__(self, trap: Trap, text: str = "") -> None:
        super().__init__(trap.message or trap.reason.value, place=trap.place, text=text)
        self.trap = trap


class KeysError(NumenError):
    """Keys that are not this program's, or cannot be read."""
