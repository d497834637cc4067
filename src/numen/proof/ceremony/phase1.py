"""The first phase: powers of a secret tau, multiplied by one party after another.

A party draws factors of tau, alpha and beta, multiplies every point by what they come to, proves
that it knew them, and forgets them. The secrets that remain are the products of all factors.
"""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from numen.kernels import curve, scaling
from numen.kernels.blake2b import Hasher
from numen.kernels.field import FR
from numen.proof.bn254 import G1Point, G2Point, R
from numen.proof.ceremony import ptau
from numen.proof.ceremony.dice import Dice, beacon_dice, g1_of, point_of_hash
from numen.proof.ceremony.encoding import compressed, whole, whole_of
from numen.proof.ceremony.knowledge import Knowledge, prove_knowledge
from numen.proof.ceremony.ptau import Contribution, Ptau
from numen.proof.ceremony.record import Signature, check_signature
from numen.proof.ceremony.stream import CHUNK_POINTS, SectionWriter, rows_of
from numen.proof.errors import CeremonyError
from numen.proof.points import Points

_REPEATED = 1 << 14
"""Points that are written or hashed at once in a file where all are the same."""


class Factors(NamedTuple):
    """What a party must forget."""

    tau: int
    alpha: int
    beta: int


def new(power: int, path: Path) -> bytes:
    """Write the file a ceremony begins with, in which all secrets are one.

    Args:
        power: Binary logarithm of the largest circuit, 1 to `ptau.POWER_MAX`.
        path: Where to.

    Returns:
        The first challenge.

    Raises:
        CeremonyError: Another power.
        FileError: It cannot be written.
    """
    if not 1 <= power <= ptau.POWER_MAX:
        raise CeremonyError(f"a power is 1 to {ptau.POWER_MAX}")
    with SectionWriter(path, "ptau", 1, 7) as writer:
        writer.section(ptau.HEADER, ptau.write_header(power, power))
        for number, group, count in _sizes(power):
            one = group.generator.astype("<u8").tobytes()
            writer.begin(number, count * len(one))
            for data in _repeat(one, count):
                writer.write(data)
        writer.section(ptau.CONTRIBUTIONS, ptau.write_contributions(()))
    return first_challenge(power)


def _sizes(power: int) -> Iterator[tuple[int, curve.Group, int]]:
    for number, group in ptau.GROUP_OF.items():
        count = 1 << power
        if number == ptau.TAU_1:
            count = (2 << power) - 1
        yield number, group, 1 if number == ptau.BETA_2 else count


def _repeat(data: bytes, count: int) -> Iterator[bytes]:
    block = data * min(count, _REPEATED)
    for _ in range(count // _REPEATED):
        yield block
    yield data * (count % _REPEATED)


def first_challenge(power: int) -> bytes:
    """The hash of a file without contributions.

    Cost: it has ``384 * 2**power`` bytes.
    """
    hasher = blake2b(blake2b().digest())
    for _, group, count in _sizes(power):
        for data in _repeat(whole(group, group.generator), count):
            hasher.update(data)
    return hasher.digest()


def last_challenge(file: Ptau) -> bytes:
    """What the next contribution answers."""
    if file.contributions:
        return file.contributions[-1].challenge
    return first_challenge(file.ceremony_power)


def contribute(
    source: Path, target: Path, *, seed: bytes | bytearray, name: str = ""
) -> Contribution:
    """Add a party's contribution.

    Args:
        source: The `.ptau` file so far.
        target: Where the next is written.
        seed: 32 secret random bytes, used for nothing else.
        name: What the party calls itself.

    Returns:
        The contribution; its `response` is the party's receipt.

    Raises:
        CeremonyError: The file has been cut down; a name that is too long.
        FormatError: It is not well formed.
        FileError: A file cannot be read or written.
    """
    assert len(seed) >= 32
    dice = Dice(seed)
    try:
        return _contribute(source, target, dice, Signature(name))
    finally:
        dice.forget()


def contribute_beacon(source: Path, target: Path, signature: Signature) -> Contribution:
    """Add the contribution of a public random value, after the last party.

    Raises:
        CeremonyError: As for `contribute`; a beacon out of range.
        FormatError: The file is not well formed.
        FileError: A file cannot be read or written.
    """
    check_signature(signature)
    assert signature.beacon
    dice = beacon_dice(signature.beacon.value, signature.beacon.iterations_log)
    return _contribute(source, target, dice, signature)


def _contribute(source: Path, target: Path, dice: Dice, signature: Signature) -> Contribution:
    check_signature(signature)
    with Ptau(source) as file:
        if file.power != file.ceremony_power:
            raise CeremonyError("this file was cut down; only a whole one takes contributions")
        challenge = last_challenge(file)
        factors, knowledge = factors_and_knowledge(dice, challenge)
        with SectionWriter(target, "ptau", 1, 7) as writer:
            writer.section(ptau.HEADER, ptau.write_header(file.power, file.power))
            contribution = _write_points(file, writer, factors, knowledge, challenge, signature)
            both = (*file.contributions, contribution)
            writer.section(ptau.CONTRIBUTIONS, ptau.write_contributions(both))
    return contribution


def factors_and_knowledge(
    dice: Dice, challenge: bytes
) -> tuple[Factors, tuple[Knowledge, Knowledge, Knowledge]]:
    """Draw a party's factors, and prove that it knows them."""
    factors = Factors(dice.scalar(), dice.scalar(), dice.scalar())
    if not all(factors):
        raise CeremonyError("a factor of zero was drawn; begin again")
    proofs = []
    for index, factor in enumerate(factors):
        s = dice.g1()
        s_x = g1_of(s, factor)
        proofs.append(prove_knowledge(s, s_x, hash_point(index, challenge, s, s_x), factor))
    tau, alpha, beta = proofs
    return factors, (tau, alpha, beta)


def hash_point(index: int, challenge: bytes, s: G1Point, s_x: G1Point) -> G2Point:
    """The point of G2 on which a factor is proven: 0 for tau, 1 for alpha, 2 for beta."""
    pair = whole_of(curve.G1, s, s_x)
    return point_of_hash(blake2b(bytes([index]) + challenge + pair).digest())


def _write_points(
    file: Ptau,
    writer: SectionWriter,
    factors: Factors,
    knowledge: tuple[Knowledge, Knowledge, Knowledge],
    challenge: bytes,
    signature: Signature,
) -> Contribution:
    hasher, begins, firsts = Hasher(), {}, {}
    hasher.update(challenge)
    for number, group in ptau.GROUP_OF.items():
        size = 8 * group.columns
        begins[number] = writer.begin(number, file.count(number) * size)
        first = {ptau.ALPHA_TAU: factors.alpha, ptau.BETA_TAU: factors.beta}.get(number, 1)
        first = factors.beta if number == ptau.BETA_2 else first
        for start, points in scaled(file, number, first, factors.tau):
            writer.write(points.astype("<u8", copy=False).tobytes())
            hasher.update(compressed(group, points))
            if not start:
                firsts[number] = group.decode(points[:2].copy())
    partial = ptau.partial_of(hasher)
    hasher.update(ptau.knowledge_whole(knowledge))
    following = blake2b(hasher.digest())
    for number, group in ptau.GROUP_OF.items():
        for start, count in chunks(file.count(number)):
            size = 8 * group.columns
            data = writer.read_back(begins[number] + start * size, count * size)
            following.update(whole(group, rows_of(group, data)))
    return Contribution(
        tau_1=firsts[ptau.TAU_1][1],
        tau_2=firsts[ptau.TAU_2][1],
        alpha_1=firsts[ptau.ALPHA_TAU][0],
        beta_1=firsts[ptau.BETA_TAU][0],
        beta_2=firsts[ptau.BETA_2][0],
        knowledge=knowledge,
        partial=partial,
        challenge=following.digest(),
        signature=signature,
    )


def scaled(file: Ptau, number: int, first: int, ratio: int) -> Iterator[tuple[int, Points]]:
    """A section's points, point i times ``first * ratio**i``, in pieces with where they begin."""
    group = ptau.GROUP_OF[number]
    for start, count in chunks(file.count(number)):
        points = file.reader.points(number, group, start, count)
        power = first * pow(ratio, start, R) % R
        scalars = FR.from_montgomery(FR.powers(ratio, count, power))
        yield start, scaling.multiply(group, points, scalars)


def chunks(count: int) -> Iterator[tuple[int, int]]:
    """Where pieces of a section begin, and how many points they have."""
    for start in range(0, count, CHUNK_POINTS):
        yield start, min(CHUNK_POINTS, count - start)
