"""The canonical bytes of a run: what a claim commits to.

A run's inputs are 32 bytes a word, big-endian, leaf by leaf, and so is its output: a word that is
negative is its remainder by the field's order, as it is on a circuit's wire. A run that traps has
an output too: a mark, the reason, and the place in the source, never a whole number of words.

PayloadError           bytes that are no inputs or no output of the program
"""

from collections.abc import Sequence
from typing import Any, Final

from numen.base.errors import NumenError
from numen.ir.interface import Leaf, flatten, leaves, unflatten
from numen.ir.outcome import Outcome
from numen.ir.program import Program
from numen.ir.trap import Trap
from numen.ir.types import FIELD_ORDER
from numen.vm.machine import Result

WORD_BYTES: Final = 32
"""Bytes of a word."""

_TRAP: Final = "trap"


class PayloadError(NumenError):
    """Bytes that are no inputs, or no output, of the program."""


def encode_inputs(program: Program, values: Sequence[Any]) -> bytes:
    """Write the arguments of a run.

    Raises:
        InputError: A value does not have the shape of its parameter.
    """
    fields = program.interface.inputs
    return b"".join(
        _encode(flatten(field.shape, value, field.name))
        for field, value in zip(fields, values, strict=True)
    )


def decode_inputs(program: Program, raw: bytes) -> list[Any]:
    """Read the arguments of a run.

    Raises:
        PayloadError: The bytes are not the encoding of any.
    """
    parts = decode_parts(program.module.input_leaves, raw)
    values = []
    for field in program.interface.inputs:
        count = len(leaves(field.shape))
        values.append(unflatten(field.shape, parts[:count]))
        parts = parts[count:]
    return values


def encode_output(result: Result) -> bytes:
    """Write what a run came to, a value or a trap."""
    return encode_outcome(result.outcome)


def encode_outcome(outcome: Outcome) -> bytes:
    """The same, of what a run came to on any machine."""
    if outcome.trap is not None:
        return _encode_trap(outcome.trap)
    assert outcome.results is not None
    return _encode(outcome.results)


def decode_output(program: Program, raw: bytes) -> Any:
    """Read the value of a run.

    Raises:
        PayloadError: The bytes are not the encoding of one; a trap is none.
    """
    return unflatten(program.interface.result, decode_parts(program.module.result_leaves, raw))


def trap_of(raw: bytes) -> str | None:
    """Why a run stopped with a trap: the author's words or the reason; None of another output."""
    if len(raw) % WORD_BYTES == 0 or not raw.startswith(f"{_TRAP}\x00".encode()):
        return None
    _, reason, message, *_ = [*raw.decode(errors="replace").split("\x00"), "", ""]
    return message or reason


def _encode_trap(trap: Trap) -> bytes:
    place = f"{trap.place.line}:{trap.place.column}" if trap.place else ""
    raw = f"{_TRAP}\x00{trap.reason.value}\x00{trap.message}\x00{place}".encode()
    return raw if len(raw) % WORD_BYTES else raw + b"\x00"


def _encode(parts: Sequence[int | list[int]]) -> bytes:
    words = [word for part in parts for word in ([part] if isinstance(part, int) else part)]
    return b"".join(
        (word + FIELD_ORDER if word < 0 else word).to_bytes(WORD_BYTES, "big") for word in words
    )


def decode_parts(of: Sequence[Leaf], raw: bytes) -> list[int | list[int]]:
    """Read words, one integer or list of integers for each leaf.

    Raises:
        PayloadError: The bytes are not the encoding of any.
    """
    expected = WORD_BYTES * sum(1 if leaf.count is None else leaf.count for leaf in of)
    if len(raw) != expected:
        raise PayloadError(f"{len(raw)} bytes where {expected} are expected")
    starts = range(0, len(raw), WORD_BYTES)
    words = iter([int.from_bytes(raw[at : at + WORD_BYTES], "big") for at in starts])
    return [
        _word(leaf, next(words))
        if leaf.count is None
        else [_word(leaf, next(words)) for _ in range(leaf.count)]
        for leaf in of
    ]


def _word(leaf: Leaf, value: int) -> int:
    word = leaf.word
    if word.low < 0 and value > word.high:
        value -= FIELD_ORDER
    if value not in word:
        raise PayloadError(f"{leaf.path} is no {word}")
    return value
