"""The native verifier: it agrees with the plain one, and leaves the first proofs to it."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels.errors import CompileError
from numen.proof import groth16, native_pairing, native_verifier, verifier
from numen.proof.bn254 import G1, G2, R
from numen.proof.bn254_code import entries
from numen.proof.errors import ProofRejectedError
from numen.proof.verifier import Proof, VerifyingKey
from tests.strategies.cube import cube

exponents = st.sampled_from([1, 2, R - 2, R - 1]) | st.integers(1, R - 1)
values = st.sampled_from([0, 1, 15, 16, 2**64, 2**252, R - 1]) | st.integers(0, R - 1)
terms = st.tuples(st.just(0) | exponents, values)


def in_g1(k):
    return G1.multiply(G1.generator, k % R)


def in_g2(k):
    return G2.multiply(G2.generator, k % R)


class Known(msgspec.Struct, frozen=True):
    """A key and a proof whose logarithms are known, so that whether it holds is arithmetic."""

    alpha: int
    beta: int
    gamma: int
    delta: int
    a: int
    b: int
    first: int
    terms: list[tuple[int, int]]

    def c(self):
        """The logarithm of the C that makes the proof hold."""
        public = self.first + sum(k * value for k, value in self.terms)
        rest = self.a * self.b - self.alpha * self.beta - public * self.gamma
        return rest * pow(self.delta, -1, R) % R

    def key(self):
        ic = (self.first, *(k for k, _ in self.terms))
        points = in_g1(self.alpha), in_g2(self.beta), in_g2(self.gamma), in_g2(self.delta)
        return VerifyingKey(*points, tuple(map(in_g1, ic)))

    def proof(self, c):
        return Proof(in_g1(self.a), in_g2(self.b), in_g1(c))


knowns = st.builds(
    Known, exponents, exponents, exponents, exponents, exponents, exponents,
    st.just(0) | exponents, st.lists(terms, max_size=4),
).filter(lambda known: known.gamma != known.delta and known.c())  # fmt: skip


@given(known=knowns, lie=exponents)
@settings(max_examples=25)
def test_it_accepts_what_holds_and_nothing_else(known, lie):
    key, statement = known.key(), [value for _, value in known.terms]

    native_verifier.verify_natively(key, known.proof(known.c()), statement)

    false = known.proof((known.c() + lie) % R or 1)
    if (known.c() + lie) % R:
        with pytest.raises(ProofRejectedError):
            native_verifier.verify_natively(key, false, statement)


def test_values_that_cancel_each_other():
    """The sum of the statement is infinity, whose pairing is one."""
    known = Known(2, 3, 5, 7, 11, 13, 4, [(1, R - 4), (0, 9)])
    key, proof = known.key(), known.proof(known.c())
    assert G1.combine(key.ic, [1, R - 4, 9]) is None

    for check in (verifier.verify, native_verifier.verify_natively):
        check(key, proof, [R - 4, 9])
        with pytest.raises(ProofRejectedError):
            check(key, proof, [R - 5, 9])


def test_a_long_statement():
    known = Known(2, 3, 5, 7, 11, 13, 4, [(i + 1, R - 1 - i**9) for i in range(300)])

    key, statement = known.key(), [value for _, value in known.terms]

    native_verifier.verify_natively(key, known.proof(known.c()), statement)
    with pytest.raises(ProofRejectedError):
        native_verifier.verify_natively(key, known.proof(known.c()), statement[::-1])


@pytest.mark.parametrize("part", ["alpha", "beta", "gamma", "delta"])
def test_a_key_with_infinity_is_left_to_the_plain_verifier(part):
    known = Known(2, 3, 5, 7, 11, 13, 4, [(3, 9)])
    key = msgspec.structs.replace(known.key(), **{part: None})

    for check in (verifier.verify, native_verifier.verify_natively):
        with pytest.raises(ProofRejectedError):
            check(key, known.proof(known.c()), [9])


@pytest.fixture
def calls(monkeypatch):
    """Which verifier answers, in a process that has not loaded native code."""
    made: list[str] = []
    monkeypatch.setattr(native_verifier, "_count", itertools.count())
    monkeypatch.setattr(entries, "is_loaded", lambda: "load" in made)
    monkeypatch.setattr(entries, "load", lambda: made.append("load"))
    monkeypatch.setattr(verifier, "verify", lambda *_: made.append("plain"))
    monkeypatch.setattr(native_verifier, "verify_natively", lambda *_: made.append("native"))
    native_pairing.can_load.cache_clear()
    yield made
    native_pairing.can_load.cache_clear()


def test_the_first_proofs_of_a_process_are_checked_in_python(calls):
    _, key, _, proof = cube()

    for _ in range(native_verifier.PLAIN_FIRST + 2):
        native_verifier.verify(key.verifying, proof, [27])

    assert calls == ["plain"] * native_verifier.PLAIN_FIRST + ["load", "native", "native"]


def test_without_native_code_every_proof_is_checked_in_python(calls, monkeypatch):
    def refuse():
        raise CompileError("no such processor")

    monkeypatch.setattr(entries, "load", refuse)
    _, key, _, proof = cube()

    for _ in range(native_verifier.PLAIN_FIRST + 2):
        native_verifier.verify(key.verifying, proof, [27])

    assert set(calls) == {"plain"}


def test_the_public_verifier_refuses_lies_by_either():
    _, key, _, proof = cube()

    for _ in range(native_verifier.PLAIN_FIRST + 2):
        groth16.verify(key.verifying, proof, [27])
        with pytest.raises(ProofRejectedError):
            groth16.verify(key.verifying, proof, [28])
