"""What is said through the wall: limits and a job in, an answer out, each behind its length.

The answer comes from a process that may have been taken over: it is read as a stranger's.
"""

import os
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from numen.sandbox.errors import AnswerError

JOB_BYTES_MAX: Final = 1 << 28
"""Longest job: bytecode and inputs."""

STATUS_BYTES: Final = 4
"""How a process ended, as `os.waitstatus_to_exitcode` says it."""

HEAD_BYTES: Final = 4
"""The length of a message, big-endian."""
_CHUNK: Final = 1 << 16
_TEXT = Annotated[str, Meta(max_length=2000)]


class Run(msgspec.Struct, frozen=True, array_like=True, tag="run"):
    """Run this.

    Attributes:
        code: Bytecode of a program.
        inputs: From `vm.payload.encode_inputs`.
        native: What `Compiled` gave for it, or None to interpret it.
    """

    code: bytes
    inputs: bytes
    native: bytes | None


class Compile(msgspec.Struct, frozen=True, array_like=True, tag="compile"):
    """Compile this, and run nothing of it.

    Attributes:
        code: Bytecode of a program.
    """

    code: bytes


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """The run came to an end, by a value or a trap.

    Attributes:
        output: From `vm.payload.encode_output`, or None after a trap.
        reason: Why it trapped, or None.
        message: The author's words about it.
        place: File, line and column of the trap, or None.
        work: Work units charged.
    """

    output: bytes | None
    reason: _TEXT | None
    message: _TEXT
    place: tuple[_TEXT, Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=0)]] | None
    work: Annotated[int, Meta(ge=0)]


class Compiled(msgspec.Struct, frozen=True, array_like=True, tag="compiled"):
    """The program has native code.

    Attributes:
        native: From `jit.engine.compile_object`.
    """

    native: bytes


class Rejected(msgspec.Struct, frozen=True, array_like=True, tag="rejected"):
    """It was not done.

    Attributes:
        kind: Class of the error.
        message: What it says.
    """

    kind: _TEXT
    message: _TEXT


Job = Run | Compile
Answer = Ended | Compiled | Rejected


def pack(value: msgspec.Struct) -> bytes:
    """A message with its length."""
    body = msgspec.msgpack.encode(value)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def unpack(kind: Any, raw: bytes) -> Any:
    """Read a message whole.

    Args:
        kind: A type, or a union of them.
        raw: From anybody.

    Raises:
        AnswerError: The bytes are none.
    """
    body = raw[HEAD_BYTES:]
    if len(raw) < HEAD_BYTES or len(body) != int.from_bytes(raw[:HEAD_BYTES], "big"):
        raise AnswerError("what came out of the sandbox breaks off")
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:  # text may be no UTF-8
        raise AnswerError(f"what came out of the sandbox is no answer: {error}") from error


def read_message(source: int) -> bytes:
    """Read one message from a descriptor, inside; what is missing at its end is left out."""
    raw = bytearray()
    size = HEAD_BYTES
    while len(raw) < size:
        chunk = os.read(source, min(_CHUNK, size - len(raw)))
        if not chunk:
            break
        raw += chunk
        if len(raw) == HEAD_BYTES:
            size += min(int.from_bytes(raw, "big"), JOB_BYTES_MAX)
    return bytes(raw)


def write_all(sink: int, data: bytes) -> None:
    """Write to a descriptor, inside."""
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]
