"""What is to be known of a compiled contract without reading its code."""

from typing import Final

import msgspec

from numen.base.codec import decode
from numen.base.crypto import Hash32
from numen.base.errors import NumenError
from numen.lang.contracts.model import Role

SELECTOR_BYTES: Final = 4

_NAMED: Final = frozenset({Role.MESSAGE.value, Role.VIEW.value, Role.TIMER.value})


class UnknownMessageError(NumenError):
    """A contract has no message of a name."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A message, view or other way in.

    Attributes:
        name: As in the source.
        role: A `model.Role` by its value.
        number: By which it is run; a message's and a view's is its selector.
        signature: What its selector is the hash of.
        words: Words of its longest arguments.
        is_payable: Whether coins may come with it.
        is_async: Whether it may end in a wait.
        is_isolated: Whether it runs again where what it read before a wait has changed.
        again_work: Most work units of running it again, with what it passes on; 0 where it is not
            isolated, or nothing bounds it.
        takes_private: Whether an argument is private, so that it must come sealed.
        gives_private: Whether its result is private, so that only a signed view call has it.
    """

    name: str
    role: str
    number: int
    signature: str
    words: int
    is_payable: bool
    is_async: bool
    is_isolated: bool
    again_work: int
    takes_private: bool
    gives_private: bool


class Resume(msgspec.Struct, frozen=True, array_like=True):
    """A continuation.

    Attributes:
        method: Whose.
        asks: What was asked, for people.
        line: Where it waits.
        saved_words: Words of its frame.
        reply_words: Words of the answer.
        work: Most work units it takes, with what it passes on, whatever it is told; 0 where nothing
            bounds it.
        is_view: Whether what was asked only looks, as the interface says.
        is_isolated: Whether its method is.
    """

    method: str
    asks: str
    line: int
    saved_words: int
    reply_words: int
    work: int
    is_view: bool
    is_isolated: bool


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """A state variable: its name, its type as written, its first slot."""

    name: str
    type: str
    slot: int


class Warned(msgspec.Struct, frozen=True, array_like=True):
    """Something that is allowed and often wrong.

    Attributes:
        kind: ``stale``, ``bounce``, ``loop`` or ``work``.
        message: What it is.
        line: Where.
        other_line: The other place of two, or 0.
    """

    kind: str
    message: str
    line: int
    other_line: int = 0


class Description(msgspec.Struct, frozen=True, array_like=True):
    """What is to be known of a compiled contract.

    Attributes:
        name: As in the source.
        program_id: Of its bytecode.
        argument_words: Words that fit into the arguments of a run.
        entries: The ways in.
        continuations: By number.
        storage: The state variables.
        warnings: What the compiler found.
        is_private: Whether it has private variables or arguments, so that only who has its keys
            runs it.
    """

    name: str
    program_id: Hash32
    argument_words: int
    entries: tuple[Entry, ...]
    continuations: tuple[Resume, ...]
    storage: tuple[Stored, ...]
    warnings: tuple[Warned, ...]
    is_private: bool

    def selector(self, name: str) -> bytes:
        """The first four bytes of a payload that asks for a message, view or timer.

        Raises:
            UnknownMessageError: There is none of this name.
        """
        for entry in self.entries:
            if entry.name == name and entry.role in _NAMED:
                return (entry.number % (1 << 8 * SELECTOR_BYTES)).to_bytes(SELECTOR_BYTES, "big")
        names = [entry.name for entry in self.entries if entry.role in _NAMED]
        raise UnknownMessageError(f"{self.name} has no message {name}", hint=", ".join(names))


def describe(raw: bytes) -> Description:
    """Read a description from its canonical bytes.

    Raises:
        CodecError: They are not what `codec.encode` gives for any.
    """
    return decode(Description, raw)
