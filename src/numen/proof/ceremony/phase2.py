"""The second phase: one circuit's delta, multiplied by one party after another.

What is divided by delta in a key is divided by each party's factor. As long as one party forgets
its factor, nobody knows delta.
"""

import msgspec
import numpy as np

from numen.kernels import curve, ntt, scaling
from numen.kernels.field import FR
from numen.proof.binfile import Cursor
from numen.proof.bn254 import G1, G2, G1Point, R
from numen.proof.ceremony.circuit_key import first_key, with_ceremony
from numen.proof.ceremony.dice import Dice, beacon_dice, g1_of, g2_of, point_of_hash
from numen.proof.ceremony.knowledge import check_knowledge, prove_knowledge, same_ratio
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.record import Signature, check_signature
from numen.proof.ceremony.transcript import Contribution, Transcript, take_transcript
from numen.proof.ceremony.verify1 import throw, total
from numen.proof.errors import CeremonyError, CeremonyRejectedError
from numen.proof.felts import Felts
from numen.proof.keys import ProvingKey
from numen.proof.points import Points
from numen.proof.r1cs import R1CS


def transcript_of(key: ProvingKey) -> Transcript:
    """A key's transcript.

    Raises:
        FormatError: It is not well formed.
    """
    return take_transcript(Cursor("zkey", key.ceremony, 0, len(key.ceremony)))


def contribute(key: ProvingKey, *, seed: bytes | bytearray, name: str = "") -> ProvingKey:
    """Add a party's contribution.

    Args:
        key: The key so far, of a ceremony that began with `circuit_key.first_key`.
        seed: 32 secret random bytes, used for nothing else.
        name: What the party calls itself.

    Returns:
        The next key. The last contribution's `receipt` is for the party to keep.

    Raises:
        CeremonyError: A name that is too long; a key that no ceremony made.
    """
    assert len(seed) >= 32
    dice = Dice(seed)
    try:
        return _contribute(key, dice, Signature(name))
    finally:
        dice.forget()


def contribute_beacon(key: ProvingKey, signature: Signature) -> ProvingKey:
    """Add the contribution of a public random value, after the last party.

    Raises:
        CeremonyError: As for `contribute`; a beacon out of range.
    """
    check_signature(signature)
    assert signature.beacon
    dice = beacon_dice(signature.beacon.value, signature.beacon.iterations_log)
    return _contribute(key, dice, signature)


def _contribute(key: ProvingKey, dice: Dice, signature: Signature) -> ProvingKey:
    check_signature(signature)
    before = transcript_of(key)
    if not any(before.circuit_hash):
        raise CeremonyError(
            "this key was made by a single party, and takes no contributions",
            hint="begin with `numen setup FILE --ptau POWERS.ptau`",
        )
    factor, s = dice.scalar(), dice.g1()
    if not factor:
        raise CeremonyError("a factor of zero was drawn; begin again")
    s_x = g1_of(s, factor)
    challenge = before.challenge(s, s_x)
    knowledge = prove_knowledge(s, s_x, point_of_hash(challenge), factor)
    delta_1 = g1_of(key.delta_1, factor)
    own = Contribution(delta_1, knowledge, challenge, signature)
    after = Transcript(before.circuit_hash, (*before.contributions, own))
    verifying = msgspec.structs.replace(key.verifying, delta=g2_of(key.verifying.delta, factor))
    inverse = pow(factor, -1, R)
    return with_ceremony(
        msgspec.structs.replace(
            key,
            verifying=verifying,
            delta_1=delta_1,
            c=_scaled(key.c, inverse),
            h=_scaled(key.h, inverse),
            is_verified=False,
        ),
        after,
    )


def _scaled(points: Points, factor: int) -> Points:
    digits = scaling.split([factor])
    which = np.zeros(len(points), dtype=np.int64)
    return scaling.multiply_split(curve.G1, np.ascontiguousarray(points), digits, which)


def verify(key: ProvingKey, r1cs: R1CS, file: Ptau, *, entropy: bytes) -> ProvingKey:
    """Accept a key by returning it, marked as verified.

    Args:
        key: The key that a ceremony ended with.
        r1cs: The circuit.
        file: The prepared powers of tau that it began with; `verify1.verify` is for them.
        entropy: 32 random bytes that the key's makers could not know.

    Raises:
        CeremonyRejectedError: Nobody contributed, or the key is not what the contributions make.
        CeremonyError: The circuit or the file are others; a beacon takes too long to compute.
    """
    first, transcript = first_key(r1cs, file), transcript_of(key)
    if transcript.circuit_hash != transcript_of(first).circuit_hash:
        raise CeremonyRejectedError("circuit", "it began with another circuit or other powers")
    if not transcript.contributions:
        raise CeremonyRejectedError("contributions", "nobody has contributed")
    _check_unchanged(key, first)
    _check_chain(key, transcript)
    _check_divided(key, first, entropy)
    return msgspec.structs.replace(key, is_verified=True)


def _check_unchanged(key: ProvingKey, first: ProvingKey) -> None:
    """All that no contribution touches."""
    vk, began = key.verifying, first.verifying
    numbers = [(k.verifying.statement_count, k.wire_count, k.domain_log) for k in (key, first)]
    fixed = [(v.alpha, v.beta, v.gamma, v.ic, k.beta_1) for v, k in ((vk, key), (began, first))]
    if numbers[0] != numbers[1]:
        raise CeremonyRejectedError("header", "it is for a circuit of another size")
    if fixed[0] != fixed[1]:
        raise CeremonyRejectedError("header", "its points are not those it began with")
    for name in ("a", "b_1", "b_2"):
        if not np.array_equal(getattr(key, name), getattr(first, name)):
            raise CeremonyRejectedError(f"points {name}", "not those it began with")
    for name in ("a_matrix", "b_matrix"):
        ours, its = getattr(first, name), getattr(key, name)
        for field in ("row_starts", "wires", "coefficients"):
            if not np.array_equal(getattr(ours, field), getattr(its, field)):
                raise CeremonyRejectedError(name.replace("_", " "), "not that of the circuit")


def _check_chain(key: ProvingKey, transcript: Transcript) -> None:
    delta: G1Point = G1.generator
    for index, one in enumerate(transcript.contributions):
        part, knowledge = f"contribution {index + 1}", one.knowledge
        challenge = transcript.challenge(knowledge.s, knowledge.s_x, before=index)
        if challenge != one.transcript:
            raise CeremonyRejectedError(part, "it does not answer what was before it")
        p = point_of_hash(challenge)
        check_knowledge(part, knowledge, p)
        if not same_ratio(delta, one.delta_1, p, knowledge.p_x):
            raise CeremonyRejectedError(part, "its delta does not follow from the one before")
        if one.signature.beacon:
            dice = beacon_dice(one.signature.beacon.value, one.signature.beacon.iterations_log)
            factor, s = dice.scalar(), dice.g1()
            if (s, g1_of(s, factor)) != (knowledge.s, knowledge.s_x):
                raise CeremonyRejectedError(part, "it does not follow from its beacon")
        delta = one.delta_1
    if delta != key.delta_1:
        raise CeremonyRejectedError("delta", "it is not that of the last contribution")
    if not same_ratio(G1.generator, delta, G2.generator, key.verifying.delta):
        raise CeremonyRejectedError("delta", "it is another in G2 than in G1")


def _check_divided(key: ProvingKey, first: ProvingKey, entropy: bytes) -> None:
    """Random sums of what was divided, before and after, have the ratio delta."""
    weights = {
        "c": throw("divided/c", entropy, len(first.c)),
        "h": _values_of_a_quotient(throw("divided/h", entropy, len(first.h))),
    }
    for name, dice in weights.items():
        before, after = getattr(first, name), getattr(key, name)
        if not before.any() and not after.any():
            continue  # nothing, or only wires that no constraint mentions
        ((was,), (is_,)) = (
            curve.G1.decode(total(curve.G1, points, dice)) for points in (before, after)
        )
        if dice.any() and not same_ratio(is_, was, G2.generator, key.verifying.delta):
            raise CeremonyRejectedError(f"points {name}", "not divided by delta")


def _values_of_a_quotient(coefficients: Felts) -> Felts:
    """Values at the odd points, as provers weigh the points of h by.

    A quotient has two degrees less than there are points. So keys that agree on these weights
    serve alike, though the points may differ, as they do after a journey through bellman's form.
    """
    coefficients[-1] = 0
    form = FR.to_montgomery(coefficients)
    return FR.from_montgomery(ntt.forward(form, shift=ntt.root(2 * len(form))))
