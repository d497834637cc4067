"""Snarkjs's `.ptau` files, version 1: the powers of tau, and who contributed to them.

    section 1   header: field, power, power of the ceremony
    section 2   tau**i in G1, 2**(power + 1) - 1     section 3   tau**i in G2, 2**power
    section 4   alpha tau**i in G1, 2**power         section 5   beta tau**i in G1, 2**power
    section 6   beta in G2                           section 7   contributions

A prepared file has also, for each domain of 1, 2, 4, ... rows, the Lagrange polynomials at tau:

    section 12  those of section 2, up to 2**(power + 1) rows
    section 13  of section 3, up to 2**power; likewise 14 of section 4, 15 of section 5

The power of the ceremony is larger where a file was cut down. Points are affine in Montgomery form.

Source: https://github.com/iden3/snarkjs (powersoftau_new, powersoftau_preparephase2), version 0.7.
"""

from pathlib import Path
from typing import Final, Self

import msgspec

from numen.kernels import curve
from numen.kernels.blake2b import BLOCK_BYTES, Hasher
from numen.kernels.blake2b import STATE_BYTES as HASH_BYTES
from numen.proof.binfile import Cursor
from numen.proof.bn254 import G1Point, G2Point, Q
from numen.proof.ceremony.encoding import whole_of
from numen.proof.ceremony.knowledge import Knowledge
from numen.proof.ceremony.record import (
    CONTRIBUTIONS_MAX,
    Signature,
    bytes_of,
    take_g1,
    take_g2,
    take_signature,
    write_signature,
)
from numen.proof.ceremony.stream import SectionReader
from numen.proof.errors import FormatError
from numen.proof.felts import SIZE_BYTES

POWER_MAX: Final = 28
"""The scalar field has roots of unity up to this order."""

PREPARED_POWER_MAX: Final = 23
"""Largest file that is prepared here, or verified as such: its longest transform is twice that."""

HEADER, TAU_1, TAU_2, ALPHA_TAU, BETA_TAU, BETA_2, CONTRIBUTIONS = range(1, 8)
LAGRANGE_OF: Final = {TAU_1: 12, TAU_2: 13, ALPHA_TAU: 14, BETA_TAU: 15}
"""For each section of powers, the section of its Lagrange polynomials."""

GROUP_OF: Final = {
    TAU_1: curve.G1,
    TAU_2: curve.G2,
    ALPHA_TAU: curve.G1,
    BETA_TAU: curve.G1,
    BETA_2: curve.G2,
}
"""Where the points of a section are, in the order in which they are hashed."""

PARTIAL_BYTES: Final = 216

_CONTRIBUTIONS_BYTES_MAX: Final = CONTRIBUTIONS_MAX * 3000


class Contribution(msgspec.Struct, frozen=True):
    """One party's part of the first phase.

    Attributes:
        tau_1: tau in G1, after it.
        tau_2: tau in G2.
        alpha_1: alpha in G1.
        beta_1: beta in G1.
        beta_2: beta in G2.
        knowledge: Of its factors of tau, alpha and beta.
        partial: State of the hash of its response, before its proofs of knowledge.
        challenge: What the next party begins with: a hash of everything so far.
        signature: What it says of its maker.
    """

    tau_1: G1Point
    tau_2: G2Point
    alpha_1: G1Point
    beta_1: G1Point
    beta_2: G2Point
    knowledge: tuple[Knowledge, Knowledge, Knowledge]
    partial: bytes
    challenge: bytes
    signature: Signature

    @property
    def response(self) -> bytes:
        """The hash by which the party can find its contribution again."""
        hasher = _resume(self.partial)
        assert hasher
        hasher.update(knowledge_whole(self.knowledge))
        return hasher.digest()


class Ptau:
    """An open `.ptau` file.

    Attributes:
        reader: The file.
        power: Binary logarithm of the largest circuit it serves.
        ceremony_power: What the ceremony's was.
        contributions: In order.
    """

    def __init__(self, path: Path) -> None:
        """Open a file, and see that its sections have the sizes they must have.

        Raises:
            FileError: It cannot be read.
            FormatError: It is not well formed.
        """
        self.reader = SectionReader(path, "ptau", 1)
        try:
            self.power, self.ceremony_power = _read_header(self.reader)
            for number, group in GROUP_OF.items():
                self.reader.place(number, self.count(number) * 8 * group.columns)
            for number, lagrange in LAGRANGE_OF.items():
                if self.is_prepared:
                    count = (2 << self._log(number)) - 1
                    self.reader.place(lagrange, count * 8 * GROUP_OF[number].columns)
            self.contributions = _read_contributions(self.reader)
        except BaseException:
            self.close()
            raise

    @property
    def is_prepared(self) -> bool:
        """Whether the file has Lagrange polynomials."""
        return any(number in self.reader.sections for number in LAGRANGE_OF.values())

    def count(self, number: int) -> int:
        """How many points a section of powers has."""
        if number == BETA_2:
            return 1
        return (2 << self.power) - 1 if number == TAU_1 else 1 << self.power

    def _log(self, number: int) -> int:
        return self.power + (number == TAU_1)

    def logs(self, number: int) -> range:
        """Binary logarithms of the domains of a section's Lagrange polynomials."""
        return range(self._log(number) + 1)

    def close(self) -> None:
        """Let go of the file."""
        self.reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read_header(reader: SectionReader) -> tuple[int, int]:
    data = reader.section(HEADER, size=12 + SIZE_BYTES)
    offset, _ = reader.place(HEADER)
    if data[:-8] != SIZE_BYTES.to_bytes(4, "little") + Q.to_bytes(SIZE_BYTES, "little"):
        raise reader.wrong("the field is not that of BN254", offset)
    power, ceremony = (int.from_bytes(part, "little") for part in (data[-8:-4], data[-4:]))
    if not 1 <= power <= ceremony <= POWER_MAX:
        raise reader.wrong(f"a power of {power}, cut down from {ceremony}", offset)
    return power, ceremony


def write_header(power: int, ceremony_power: int) -> bytes:
    """The content of section 1."""
    field = SIZE_BYTES.to_bytes(4, "little") + Q.to_bytes(SIZE_BYTES, "little")
    return field + power.to_bytes(4, "little") + ceremony_power.to_bytes(4, "little")


def _read_contributions(reader: SectionReader) -> tuple[Contribution, ...]:
    data = reader.section(CONTRIBUTIONS, most=_CONTRIBUTIONS_BYTES_MAX)
    offset, _ = reader.place(CONTRIBUTIONS)
    cursor = Cursor("ptau", data, 0, len(data))
    try:
        count = cursor.unsigned(4)
        if count > CONTRIBUTIONS_MAX:
            raise cursor.wrong(f"{count} contributions", 0)
        contributions = tuple(_take_contribution(cursor) for _ in range(count))
        cursor.finish()
    except FormatError as error:
        raise reader.wrong(error.reason, offset + (error.offset or 0)) from None
    return contributions


def _take_contribution(cursor: Cursor) -> Contribution:
    tau_1, tau_2 = take_g1(cursor), take_g2(cursor)
    alpha_1, beta_1, beta_2 = take_g1(cursor), take_g1(cursor), take_g2(cursor)
    # First the multiples in G1 of all three, then those in G2.
    pairs = [(take_g1(cursor), take_g1(cursor)) for _ in range(3)]
    tau, alpha, beta = (Knowledge(s, s_x, take_g2(cursor)) for s, s_x in pairs)
    partial = cursor.take(PARTIAL_BYTES)
    if _resume(partial) is None:
        raise cursor.wrong("a state of a hash that cannot be", cursor.offset - PARTIAL_BYTES)
    challenge = cursor.take(HASH_BYTES)
    signature = take_signature(cursor)
    return Contribution(
        tau_1, tau_2, alpha_1, beta_1, beta_2, (tau, alpha, beta), partial, challenge, signature
    )


def write_contributions(contributions: tuple[Contribution, ...]) -> bytes:
    """The content of section 7."""
    parts = [len(contributions).to_bytes(4, "little")]
    for one in contributions:
        parts += [
            bytes_of(curve.G1, one.tau_1),
            bytes_of(curve.G2, one.tau_2),
            bytes_of(curve.G1, one.alpha_1, one.beta_1),
            bytes_of(curve.G2, one.beta_2),
            bytes_of(curve.G1, *(point for k in one.knowledge for point in (k.s, k.s_x))),
            bytes_of(curve.G2, *(k.p_x for k in one.knowledge)),
            one.partial,
            one.challenge,
            write_signature(one.signature),
        ]
    return b"".join(parts)


def partial_of(hasher: Hasher) -> bytes:
    """The state of a hash as files hold it: block, state, bytes before the block, bytes in it."""
    state, waiting, done = hasher.state()
    counts = done.to_bytes(8, "little") + len(waiting).to_bytes(8, "little")
    return (waiting.ljust(BLOCK_BYTES, b"\0") + state + counts).ljust(PARTIAL_BYTES, b"\0")


def _resume(partial: bytes) -> Hasher | None:
    done, held = (int.from_bytes(partial[i : i + 8], "little") for i in (192, 200))
    if held > BLOCK_BYTES or done % BLOCK_BYTES or done >= 1 << 60:
        return None
    return Hasher.from_state(partial[BLOCK_BYTES:192], partial[:held], done)


def knowledge_whole(knowledge: tuple[Knowledge, ...]) -> bytes:
    """Proofs of knowledge as they are hashed."""
    first = whole_of(curve.G1, *(point for k in knowledge for point in (k.s, k.s_x)))
    return first + whole_of(curve.G2, *(k.p_x for k in knowledge))
