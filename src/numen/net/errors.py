"""What can go wrong between two nodes, and with the keys they have.

NetError
├── AddressError            no place to dial or to listen at
├── ChannelError
│   ├── UnreachableError    nobody answers, or not as a node does
│   ├── WrongPeerError      somebody else answers
│   ├── RefusedError        the node that answers does not want us
│   ├── TimedOutError       nothing was heard, or nothing was taken, for too long
│   ├── FrameError          more bytes than one frame may have
│   └── ClosedError         the channel has ended
├── MessageError            a message that cannot be sent, or a peer that sends only such
├── PossessionError         an account that was not shown to be somebody's
└── KeyStoreError
    ├── KeyNameError        a name that no key can have
    ├── KeyExistsError      a name that is taken
    ├── NoKeyError          there is no key of that name
    ├── KeyFileError        a file that is no key file of ours, or was altered
    └── WrongPasswordError  the password does not open it
"""

from pathlib import Path

from numen.base.errors import NumenError


class NetError(NumenError):
    """Root of what can go wrong between nodes."""


class AddressError(NetError):
    """Text that is no address to dial or to listen at."""


class ChannelError(NetError):
    """Root of why a channel is not there, or not any more."""


class UnreachableError(ChannelError):
    """Nobody answers at an address, or not as a node does.

    Attributes:
        address: Where.
        reason: What happened.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address} cannot be reached: {reason}")
        self.address = address
        self.reason = reason


class WrongPeerError(ChannelError):
    """Somebody else than the node that was meant answers at an address.

    Attributes:
        address: Where.
        expected: The node that was meant.
    """

    def __init__(self, address: str, expected: bytes) -> None:
        super().__init__(
            f"whoever answers at {address} is not node {expected.hex()}",
            hint="ask the node's owner for its key: `numen key show`",
        )
        self.address = address
        self.expected = expected


class RefusedError(ChannelError):
    """The node that answers does not want a channel with us.

    Attributes:
        reason: What it said.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"refused by the other node: {reason}")
        self.reason = reason


class TimedOutError(ChannelError):
    """The other side was silent, or took nothing, for too long.

    Attributes:
        what: What was waited for.
        seconds: How long.
    """

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"waited {seconds:g} s for {what}")
        self.what = what
        self.seconds = seconds


class FrameError(ChannelError):
    """A frame is longer than allowed, or empty.

    Attributes:
        size: Its bytes.
        size_max: Bytes allowed.
    """

    def __init__(self, size: int, size_max: int) -> None:
        super().__init__(f"a frame of {size} bytes, where 1 to {size_max} are allowed")
        self.size = size
        self.size_max = size_max


class ClosedError(ChannelError):
    """The channel has ended.

    Attributes:
        is_clean: Whether one of the two said that it would; if not, frames may be missing.
    """

    def __init__(self, reason: str, *, is_clean: bool) -> None:
        super().__init__(f"the channel is closed: {reason}")
        self.is_clean = is_clean


class MessageError(NetError):
    """A message that the language does not have, or a peer that sends too many of those."""


class PossessionError(NetError):
    """It was not shown that an account belongs to whoever says so.

    Attributes:
        reason: What is wrong with the proof.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"no proof of possession: {reason}")
        self.reason = reason


class KeyStoreError(NetError):
    """Root of why there is no key."""


class KeyNameError(KeyStoreError):
    """A name that no key can have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is no name for a key",
            hint="lower-case letters, digits, - and _, at most 64, a letter first",
        )


class KeyExistsError(KeyStoreError):
    """A key of this name exists, and is never overwritten."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(
            f"there is a key {name!r} already: {path}", hint="choose another name, or move the file"
        )


class NoKeyError(KeyStoreError):
    """There is no key of this name."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(
            f"there is no key {name!r}: {path} does not exist",
            hint=f"make one: `numen key new {name}`",
        )


class KeyFileError(KeyStoreError):
    """A file that is no key file of ours, or was altered.

    Attributes:
        path: The file.
        reason: What is wrong.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no key file: {reason}")
        self.path = path
        self.reason = reason


class WrongPasswordError(KeyStoreError):
    """The password does not open the file, or the file was altered: nobody can tell which."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the password does not open {path}", hint="or the file was altered")
