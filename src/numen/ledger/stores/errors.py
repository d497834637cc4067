"""What can be wrong with a store, and with what it gives.

StoreError
├── CidError                text or bytes that are no content identifier we read
├── MissingBlobError        the store has not got it, or too little of it
├── TamperedError           bytes that are not what their name says
├── BlobTooLargeError       more bytes than a blob may have
└── UnreachableError        whoever keeps the bytes does not answer, or not sensibly
"""

from numen.base.errors import NumenError


class StoreError(NumenError):
    """Root of the errors of stores."""


class CidError(StoreError):
    """Text or bytes that are no content identifier, or one of a kind that is not read here.

    Attributes:
        reason: What is wrong.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a content identifier: {reason}")
        self.reason = reason


class MissingBlobError(StoreError):
    """A store has not got a block.

    Attributes:
        name: Its content identifier, as text.
    """

    def __init__(self, name: str, reason: str = "the store has not got it") -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


class TamperedError(StoreError):
    """Bytes are not what their name says.

    Attributes:
        name: Their content identifier, as text.
    """

    def __init__(self, name: str, reason: str = "the bytes have another hash") -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


class BlobTooLargeError(StoreError):
    """More bytes than a blob may have.

    Attributes:
        size_max: Most bytes.
    """

    def __init__(self, size_max: int) -> None:
        super().__init__(f"a blob has at most {size_max} bytes")
        self.size_max = size_max


class UnreachableError(StoreError):
    """Whoever keeps the bytes does not answer, or not sensibly."""
