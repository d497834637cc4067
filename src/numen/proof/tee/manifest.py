"""What is measured before it runs: a program's object, and what made it.

A measurement is the digest of a manifest. Whoever compiles the program with the same engine for
the same target gets the same bytes, and so the same measurement; a changed byte gives another.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base.codec import digest
from numen.base.crypto import Hash32


class Manifest(msgspec.Struct, frozen=True, array_like=True):
    """Everything that decides what ahead-of-time compiled code does.

    Attributes:
        program: Id of the program.
        object: Digest of the bytes that are linked, from `object_digest`.
        engine: Name and version of what compiled it.
        target: What it was compiled by and for, as the compile service names it.
    """

    program: Hash32
    object: Hash32
    engine: Annotated[str, Meta(max_length=64)]
    target: Annotated[str, Meta(max_length=4096)]

    @property
    def measurement(self) -> bytes:
        """What registers are extended with and quotes are bound to; 32 bytes."""
        return digest("numen/measurement/1", self)


def object_digest(ahead: bytes) -> bytes:
    """Name the bytes that are linked; 32 bytes."""
    return digest("numen/object/1", ahead)
