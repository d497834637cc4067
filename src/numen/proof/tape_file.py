"""Tapes as bytes, to be kept beside keys: who only makes witnesses need not compile the program.

The bytes are a MessagePack map of the version, the number of wires, and one byte string an array,
little-endian. What is read is checked as a tape from this process is.
"""

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.kernels.errors import KernelInputError
from numen.kernels.tape import WIDE_WORDS, Tape, check_tape
from numen.kernels.tape_code import STEP_WORDS
from numen.proof.errors import FormatError
from numen.proof.r1cs import WIRE_COUNT_MAX

VERSION: Final = 1
"""Of the bytes, and of what the steps of a tape mean."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    wire_count: int
    steps: bytes
    starts: bytes
    wires: bytes
    kinds: bytes
    constants: bytes
    wides: bytes


def write_tape(tape: Tape) -> bytes:
    """The bytes of a tape."""
    parts = [
        array.astype(array.dtype.newbyteorder("<")).tobytes()
        for array in (
            tape.steps, tape.starts, tape.wires, tape.kinds, tape.constants, tape.wides,
        )
    ]  # fmt: skip
    return msgspec.msgpack.encode(_File(VERSION, tape.wire_count, *parts))


def read_tape(data: bytes) -> Tape:
    """Read what `write_tape` wrote.

    Raises:
        FormatError: The bytes are something else, or a tape that leaves its arrays.
    """
    try:
        file = msgspec.msgpack.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError("tape", str(error)) from None
    if file.version != VERSION:
        raise FormatError("tape", f"version {file.version}, where {VERSION} is read")
    if not 0 < file.wire_count <= WIRE_COUNT_MAX:
        raise FormatError("tape", f"{file.wire_count} wires")
    tape = Tape(
        steps=_array(file.steps, "<i8", STEP_WORDS).astype(np.int64),
        starts=_array(file.starts, "<i8", 1).astype(np.int64).reshape(-1),
        wires=_array(file.wires, "<u4", 1).astype(np.uint32).reshape(-1),
        kinds=_array(file.kinds, "<u4", 1).astype(np.uint32).reshape(-1),
        constants=_array(file.constants, "<u8", 4).astype(np.uint64),
        wides=_array(file.wides, "<u8", WIDE_WORDS).astype(np.uint64),
        wire_count=file.wire_count,
    )
    try:
        check_tape(tape)
    except KernelInputError as error:
        raise FormatError("tape", str(error)) from None
    return tape


def _array(data: bytes, of: str, columns: int) -> NDArray[Any]:
    dtype = np.dtype(of)
    if len(data) % (dtype.itemsize * columns):
        raise FormatError("tape", "an array ends within an element")
    return np.frombuffer(data, dtype=dtype).reshape(-1, columns)
