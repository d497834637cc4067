"""Calldata of verifier contracts: what is true, and everything near it that is not."""

from numen.base.crypto import keccak256
from numen.proof.bn254 import G1, G2, Q, R
from numen.proof.verifier import Proof
from tests.proof.contracts.cases import words
from tests.proof.twist import twist_points


def calldata(proof_words, statement, *, count=None):
    """A call of ``verifyProof`` for so many values, by default as many as are given."""
    count = len(statement) if count is None else count
    types = "uint256[2],uint256[2][2],uint256[2]" + (f",uint256[{count}]" if count else "")
    selector = keccak256(f"verifyProof({types})".encode())[:4]
    return selector + b"".join(word.to_bytes(32, "big") for word in (*proof_words, *statement))


def lies(case):
    """Calldata that must not be accepted, by what is wrong with it."""
    good, statement, proof = case.words, case.statement, case.proof
    count = len(statement)
    for index, word in enumerate(good):
        for what, value in (("other", word ^ 1), ("zero", 0), ("word + Q", word + Q)):
            if value < 1 << 256:
                changed = [*good[:index], value, *good[index + 1 :]]
                yield f"proof[{index}] {what}", calldata(changed, statement)
    for index, value in enumerate(statement):
        for multiple in range(1, (2**256 - 1 - value) // R + 1):
            aliased = [*statement[:index], value + multiple * R, *statement[index + 1 :]]
            yield f"input[{index}] + {multiple} R", calldata(good, aliased)
        for other in (value + 1, R, R - 1, 2**256 - 1):
            changed = [*statement[:index], other, *statement[index + 1 :]]
            yield f"input[{index}] is {other}", calldata(good, changed)
    for name, place in (("a", slice(0, 2)), ("b", slice(2, 6)), ("c", slice(6, 8))):
        changed = list(good)
        changed[place] = [0] * len(good[place])
        yield f"{name} is infinity", calldata(changed, statement)
    yield "all zeros", calldata([0] * 8, statement)
    off_group = next(iter(twist_points()))
    for name, other in {
        "another c": Proof(proof.a, proof.b, G1.add(proof.c, G1.generator)),
        "minus a": Proof(G1.negate(proof.a), proof.b, proof.c),
        "another b": Proof(proof.a, G2.add(proof.b, G2.generator), proof.c),
        "b off its group": Proof(proof.a, off_group, proof.c),
        "a and c swapped": Proof(proof.c, proof.b, proof.a),
    }.items():
        yield name, calldata(words(other), statement)
    b = good[2:6]
    turned = [*good[:2], b[1], b[0], b[3], b[2], *good[6:]]
    yield "b with its coefficients swapped", calldata(turned, statement)
    whole = calldata(good, statement)
    yield "a byte less", whole[:-1]
    yield "a word less", whole[:-32]
    yield "a word more", whole + bytes(32)
    yield "a byte more", whole + b"\0"
    yield "no arguments", whole[:4]
    yield "nothing", b""
    yield "the constant wire given", calldata(good, [1, *statement])
    yield (
        "the constant wire given for the same function",
        calldata(good, [1, *statement], count=count),
    )
    if count:
        yield "a value less", calldata(good, statement[1:])
