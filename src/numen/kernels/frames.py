"""What compiler and helper process say to each other over two pipes.

A frame is its length, eight bytes big-endian, and that many bytes of MessagePack.
"""

from typing import BinaryIO

import msgspec

from numen.kernels.options import Options

FRAME_BYTES_MAX = 1 << 28
"""Longest frame that is read."""


class Job(msgspec.Struct, frozen=True, tag=True):
    """Compile this."""

    text: str
    options: Options


class Done(msgspec.Struct, frozen=True, tag=True):
    """The object."""

    code: bytes


class Refused(msgspec.Struct, frozen=True, tag=True):
    """LLVM has something against the text."""

    reason: str


class Exhausted(msgspec.Struct, frozen=True, tag=True):
    """Python itself ran out of memory."""


def pack(message: Job | Done | Refused | Exhausted) -> bytes:
    """A message as a frame."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(8, "big") + body


def read_body(pipe: BinaryIO) -> bytes | None:
    """Read the body of the next frame, or None at the end of the pipe."""
    head = pipe.read(8)
    if len(head) < 8:
        return None
    size = int.from_bytes(head, "big")
    if size > FRAME_BYTES_MAX:
        return None
    body = pipe.read(size)
    return body if len(body) == size else None
