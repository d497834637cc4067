"""The transcript of a second phase, as `.zkey` files hold it in section 10.

    hash of the circuit's first key (64) | count (u32) | contributions
    contribution: delta in G1 | S, x S | x P | hash of everything before (64) | who contributed

Source: https://github.com/iden3/snarkjs (zkey_utils), version 0.7.
"""

from hashlib import blake2b

import msgspec

from numen.kernels import curve
from numen.proof.binfile import Cursor
from numen.proof.bn254 import G1Point
from numen.proof.ceremony.encoding import whole_of
from numen.proof.ceremony.knowledge import Knowledge
from numen.proof.ceremony.record import (
    CONTRIBUTIONS_MAX,
    Signature,
    bytes_of,
    take_g1,
    take_knowledge,
    take_signature,
    write_signature,
)

HASH_BYTES = 64


class Contribution(msgspec.Struct, frozen=True):
    """One party's part of the second phase.

    Attributes:
        delta_1: delta in G1, after it.
        knowledge: Of its factor of delta.
        transcript: Hash of the circuit, all contributions before, S and ``x S``.
        signature: What it says of its maker.
    """

    delta_1: G1Point
    knowledge: Knowledge
    transcript: bytes
    signature: Signature

    @property
    def hashed(self) -> bytes:
        """What later hashes take of it."""
        k = self.knowledge
        points = whole_of(curve.G1, self.delta_1, k.s, k.s_x) + whole_of(curve.G2, k.p_x)
        return points + self.transcript

    @property
    def receipt(self) -> bytes:
        """The hash by which the party can find its contribution again."""
        return blake2b(self.hashed).digest()


class Transcript(msgspec.Struct, frozen=True):
    """A circuit's ceremony.

    Attributes:
        circuit_hash: Of the key that the ceremony began with.
        contributions: In order.
    """

    circuit_hash: bytes
    contributions: tuple[Contribution, ...]

    def challenge(self, s: G1Point, s_x: G1Point, *, before: int | None = None) -> bytes:
        """The hash that a party's proof answers.

        Args:
            s: The party's S.
            s_x: The party's ``x S``.
            before: How many contributions were made before; by default all.
        """
        parts = [one.hashed for one in self.contributions[:before]]
        return blake2b(b"".join([self.circuit_hash, *parts, whole_of(curve.G1, s, s_x)])).digest()


def take_transcript(cursor: Cursor) -> Transcript:
    """Read a transcript.

    Raises:
        FormatError: It is not well formed.
    """
    circuit_hash, start = cursor.take(HASH_BYTES), cursor.offset
    count = cursor.unsigned(4)
    if count > CONTRIBUTIONS_MAX:
        raise cursor.wrong(f"{count} contributions", start)
    contributions = tuple(_take_contribution(cursor) for _ in range(count))
    cursor.finish()
    return Transcript(circuit_hash, contributions)


def _take_contribution(cursor: Cursor) -> Contribution:
    delta_1, knowledge = take_g1(cursor), take_knowledge(cursor)
    return Contribution(delta_1, knowledge, cursor.take(HASH_BYTES), take_signature(cursor))


def write_transcript(transcript: Transcript) -> bytes:
    """Write a transcript."""
    parts = [transcript.circuit_hash, len(transcript.contributions).to_bytes(4, "little")]
    for one in transcript.contributions:
        k = one.knowledge
        parts += [
            bytes_of(curve.G1, one.delta_1, k.s, k.s_x),
            bytes_of(curve.G2, k.p_x),
            one.transcript,
            write_signature(one.signature),
        ]
    return b"".join(parts)
