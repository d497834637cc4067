"""What can be wrong with sealed state, and with who asks for it.

SealedError
├── UnsealError             a cell that nobody sealed so, or sealed under another key
├── RollBackError           a cell that was replaced by a later one
├── StaleStateError         a disk that does not hold the state it should
├── MissingKeysError        keys that are not here, where a block needs them
├── ClosedError             a private slot of a block that is not the last
├── ShareError              a share of a key that does not belong, or too few of them
└── NotAuthorisedError      a view call that is not answered
"""

from numen.base.errors import NumenError


class SealedError(NumenError):
    """Root of the errors of sealed state."""


class UnsealError(SealedError):
    """Bytes are no cell of this slot and this epoch: altered, moved, or under another key."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a cell cannot be opened: {reason}")


class RollBackError(SealedError):
    """A cell is older than one that was seen in its place.

    Attributes:
        found: Its version; 0 where there is none.
        seen: The version that was seen.
    """

    def __init__(self, found: int, seen: int) -> None:
        super().__init__(f"rolled back: a cell of version {found} is where version {seen} was")
        self.found = found
        self.seen = seen


class StaleStateError(SealedError):
    """A disk does not hold the state whose root is known: it was rolled back, or altered."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the disk does not hold the state that it should: {reason}")


class MissingKeysError(SealedError):
    """A contract has private state, and its keys are not here: others can go on, we cannot.

    Attributes:
        contract: Whose keys.
    """

    def __init__(self, contract: bytes) -> None:
        super().__init__(
            f"the contract 0x{contract.hex()} has private state, and its keys are not here",
            hint="start the node with --contract-keys NAME; where several nodes have one ledger, "
            "it gets them from the others by itself",
        )
        self.contract = contract


class ClosedError(SealedError):
    """A private slot is looked at in an older block, or without keys: it stays closed."""


class ShareError(SealedError):
    """A share of a key does not fit its commitments, or there are too few shares."""


class NotAuthorisedError(SealedError):
    """A view call is not answered.

    Attributes:
        reason: Why not.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the view call is refused: {reason}")
        self.reason = reason
