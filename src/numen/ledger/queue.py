"""Messages for which a block had no room, in the ledger's own cell, until the next."""

from collections.abc import Iterator, Sequence
from typing import Final

from numen.ledger.cell import Cell
from numen.ledger.messages import Message
from numen.ledger.wire import read_message, write_message

_LENGTH: Final = b"queue"
_NUMBER_BYTES: Final = 8


def length(own: Cell) -> int:
    """How many messages wait."""
    return int.from_bytes(own.notes.load(_LENGTH), "big")


def waiting(own: Cell) -> Iterator[Message]:
    """The messages that wait, in their order; they stay."""
    return (read_message(own.notes.load(_name(index))) for index in range(length(own)))


def take(own: Cell) -> list[Message]:
    """Take out the messages that wait, in their order."""
    count = length(own)
    if not count:
        return []
    messages = list(waiting(own))
    for index in range(count):
        own.notes.store(_name(index), b"")
    own.notes.store(_LENGTH, b"")
    return messages


def leave(own: Cell, messages: Sequence[Message]) -> None:
    """Leave messages for the next block."""
    for index, message in enumerate(messages):
        own.notes.store(_name(index), write_message(message))
    if messages:
        own.notes.store(_LENGTH, len(messages).to_bytes(_NUMBER_BYTES, "big"))


def _name(index: int) -> bytes:
    return _LENGTH + index.to_bytes(_NUMBER_BYTES, "big")
