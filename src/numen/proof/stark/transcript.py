"""The transcript: everything the prover said so far, hashed, from which challenges are drawn.

Each entry is hashed with its kind, its label and its length, so that no two conversations have
one transcript: nothing is not zero, and ("ab", "c") is not ("a", "bc").

    state'   = SHA-256(state || kind || len(label) u32 || label || len(data) u64 || data)
    stream   = SHA-256(state' || 255 || 0 u32) || SHA-256(state' || 255 || 1 u32) || ...
    grinding = SHA-256(state' || nonce u64) begins with so many zero bits

The three hash inputs of different lengths: at least 45, 37 and 40 bytes. Numbers are
little-endian.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np

from numen.proof.stark.errors import StarkRejectedError
from numen.proof.stark.field import Element, Extension, Felts, P

NONCE_BYTES: Final = 8

_ABSORB, _CHALLENGE, _GRIND, _STREAM = b"\0", b"\1", b"\2", b"\xff"


class Transcript:
    """One side's view of a conversation; prover and verifier make the same calls."""

    def __init__(self, protocol: str) -> None:
        self._state = bytes(32)
        self.absorb("protocol", protocol.encode("ascii"))

    def absorb(self, label: str, data: bytes) -> None:
        """Say something."""
        self._enter(_ABSORB, label, data)

    def absorb_felts(self, label: str, values: Felts) -> None:
        """Say an array of elements; its shape is agreed elsewhere."""
        self.absorb(label, values.astype("<u4").tobytes())

    def element(self, label: str, ext: Extension) -> Element:
        """Draw an element of an extension, uniformly."""
        return self.elements(label, ext, 1)[0]

    def elements(self, label: str, ext: Extension, count: int) -> list[Element]:
        """Draw elements of an extension, independent of each other."""
        self._enter(_CHALLENGE, label, b"")
        below = (word & 0x7FFFFFFF for word in self._stream())
        felts = (value for value in below if value < P)
        return [tuple(next(felts) for _ in range(ext.degree)) for _ in range(count)]

    def outside(self, label: str, ext: Extension) -> Element:
        """Draw an element of an extension that is not in the base field."""
        while True:
            element = self.element(label, ext)
            if any(element[1:]):
                return element

    def indices(self, label: str, count: int, log: int) -> list[int]:
        """Draw integers of ``[0, 2**log)``, which may repeat; log is at most 32."""
        self._enter(_CHALLENGE, label, b"")
        words = self._stream()
        return [next(words) & (1 << log) - 1 for _ in range(count)]

    def begin_grinding(self, label: str, bits: int) -> bytes:
        """Ask for work; give the 32 bytes that a nonce is hashed behind."""
        self._enter(_GRIND, label, bits.to_bytes(4, "little"))
        return self._state

    def end_grinding(self, label: str, bits: int, nonce: int) -> None:
        """Take the nonce that shows the work.

        Raises:
            StarkRejectedError: It does not.
        """
        if not has_work(self._state, bits, nonce):
            raise StarkRejectedError(label, f"nonce {nonce} does not show {bits} bits of work")
        self.absorb(label, nonce.to_bytes(NONCE_BYTES, "little"))

    def _enter(self, kind: bytes, label: str, data: bytes) -> None:
        name = label.encode("ascii")
        head = self._state + kind + len(name).to_bytes(4, "little") + name
        self._state = hashlib.sha256(head + len(data).to_bytes(8, "little") + data).digest()

    def _stream(self) -> Iterator[int]:
        counter = 0
        while True:
            block = hashlib.sha256(self._state + _STREAM + counter.to_bytes(4, "little")).digest()
            yield from np.frombuffer(block, dtype="<u4").tolist()
            counter += 1


def has_work(state: bytes, bits: int, nonce: int) -> bool:
    """Whether a nonce's digest begins with so many zero bits."""
    digest = hashlib.sha256(state + nonce.to_bytes(NONCE_BYTES, "little")).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def find_nonce(state: bytes, bits: int) -> int:
    """The least nonce that shows the work, after about ``2**bits`` hashes."""
    nonce = 0
    while not has_work(state, bits, nonce):
        nonce += 1
    return nonce
