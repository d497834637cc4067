"""Setup, proof and verification: complete, equal to the oracle's, and deaf to lies."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels import curve
from numen.proof import groth16, native_verifier, verifier
from numen.proof.bn254 import G1, G2, Q, R
from numen.proof.errors import (
    CircuitError,
    InvalidProofError,
    KeyMismatchError,
    ProofError,
    ProofRejectedError,
    UnsatisfiedError,
    WeakKeyError,
    WitnessError,
    WrongKeyError,
)
from numen.proof.felts import felts_from_ints
from numen.proof.prover import blinding
from numen.proof.r1cs import R1CS
from numen.proof.setup import draw_secrets
from tests.proof.trapdoor import Trapdoor
from tests.proof.twist import twist_points
from tests.strategies.cube import CUBE, ENTROPY, cube
from tests.strategies.r1cs import Solved, scalars, solved_circuits


def verify(key, proof, statement):
    """Both verifiers, which give the same answer to everything."""
    answers = []
    for check in (verifier.verify, native_verifier.verify_natively):
        try:
            answers.append(check(key, proof, statement))
        except ProofError as error:
            answers.append(error)
    plain, native = answers
    assert (type(plain), str(plain)) == (type(native), str(native))
    if plain is not None:
        raise plain


@given(solved=solved_circuits(), entropy=st.binary(min_size=32, max_size=40))
@settings(max_examples=12)
def test_every_true_statement_can_be_proven(solved, entropy):
    key = groth16.setup(solved.r1cs, entropy=entropy)

    proof = groth16.prove(key, solved.witness, entropy=ENTROPY, r1cs=solved.r1cs)

    assert groth16.statement_of(key, solved.witness) == solved.statement
    verify(key.verifying, proof, solved.statement)


@pytest.mark.parametrize("statement", range(4))
@pytest.mark.parametrize("rows", range(9))
def test_sizes_about_the_powers_of_two_are_complete(rows, statement):
    values = [1, *range(2, statement + 3)]
    constraints = [({len(values) - 1: 1}, {0: k}, {0: k * values[-1]}) for k in range(rows)]
    r1cs = R1CS.from_rows(constraints, wire_count=len(values), public_count=statement)
    key = groth16.setup(r1cs, entropy=ENTROPY)

    proof = groth16.prove(key, felts_from_ints(values), entropy=ENTROPY, r1cs=r1cs)

    verify(key.verifying, proof, values[1 : statement + 1])


@pytest.mark.slow
@given(solved=solved_circuits(inputs_max=40, rows_max=120), entropy=st.binary(min_size=32))
@settings(max_examples=3)
def test_large_keys_and_proofs_are_those_of_the_oracle(solved, entropy):
    _compare_with_oracle(solved, entropy)


@given(solved=solved_circuits(), entropy=st.binary(min_size=32, max_size=40))
@settings(max_examples=12)
def test_keys_and_proofs_are_those_of_the_oracle(solved, entropy):
    _compare_with_oracle(solved, entropy)


def _compare_with_oracle(solved, entropy):
    key = groth16.setup(solved.r1cs, entropy=entropy)
    oracle = Trapdoor(solved, draw_secrets(entropy))
    proof = groth16.prove(key, solved.witness, entropy=entropy)

    def in_g1(numbers):
        return [G1.multiply(G1.generator, k) for k in numbers]

    assert key.domain_log == oracle.log
    assert list(key.verifying.ic) == in_g1(oracle.ic)
    assert key.a.tolist() == curve.G1.encode(in_g1(oracle.u)).tolist()
    assert key.b_1.tolist() == curve.G1.encode(in_g1(oracle.v)).tolist()
    assert (
        key.b_2.tolist() == curve.G2.encode(G2.multiply(G2.generator, k) for k in oracle.v).tolist()
    )
    assert key.c.tolist() == curve.G1.encode(in_g1(oracle.c)).tolist()
    assert key.h.tolist() == curve.G1.encode(in_g1(oracle.h())).tolist()
    assert proof == oracle.prove(solved.values, *blinding(solved.witness, entropy))


def test_whoever_keeps_the_secrets_can_prove_anything():
    r1cs, key, _, _ = cube()
    oracle = Trapdoor(Solved(r1cs, CUBE, []), draw_secrets(ENTROPY))

    verify(key.verifying, oracle.simulate([28], 5, 7), [28])

    assert "single-party" in key.warning


def test_proofs_of_one_statement_differ_and_all_hold():
    _, key, witness, proof = cube()
    other = groth16.prove(key, witness, entropy=b"x" * 32)

    assert {other.a, other.b, other.c}.isdisjoint({proof.a, proof.b, proof.c})
    verify(key.verifying, other, [27])


def test_entropy_used_twice_blinds_two_witnesses_differently():
    other = felts_from_ints([1, 64, 4, 16])

    assert blinding(cube()[2], ENTROPY) != blinding(other, ENTROPY)


def test_setup_and_proof_are_functions_of_their_entropy():
    r1cs, key, witness, proof = cube()

    assert groth16.setup(r1cs, entropy=ENTROPY).verifying == key.verifying
    assert groth16.setup(r1cs, entropy=ENTROPY[::-1]).verifying != key.verifying
    assert groth16.prove(key, witness, entropy=ENTROPY) == proof


@pytest.mark.parametrize("size", [0, 1, 31])
def test_too_little_entropy_is_refused(size):
    r1cs, key, witness, _ = cube()

    with pytest.raises(CircuitError, match="entropy"):
        groth16.setup(r1cs, entropy=bytes(size))
    with pytest.raises(WitnessError, match="entropy"):
        groth16.prove(key, witness, entropy=bytes(size))


@pytest.mark.parametrize(("wire", "row"), [(1, 1), (2, 0), (3, 0)])
def test_a_false_statement_is_not_proven(wire, row):
    r1cs, key, _, _ = cube()
    values = [1, 27, 3, 9]
    values[wire] += 1

    with pytest.raises(UnsatisfiedError) as caught:
        groth16.prove(key, felts_from_ints(values), entropy=ENTROPY, r1cs=r1cs)
    assert caught.value.row == row
    with pytest.raises(ProofRejectedError):
        groth16.prove(key, felts_from_ints(values), entropy=ENTROPY)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 27, 3], KeyMismatchError),
        ([1, 27, 3, 9, 0], KeyMismatchError),
        ([0, 27, 3, 9], WitnessError),
        ([1, 27 + R, 3, 9], WitnessError),
        ([1 + R, 27, 3, 9], WitnessError),
    ],
)
def test_what_is_not_a_witness_is_refused(values, kind):
    r1cs, key, _, _ = cube()

    with pytest.raises(kind):
        groth16.prove(key, felts_from_ints(values), entropy=ENTROPY, r1cs=r1cs)


def test_a_circuit_of_another_shape_is_refused():
    _, key, witness, _ = cube()
    rows = [({2: 1}, {2: 1}, {3: 1})]
    for arguments in ({"wire_count": 4}, {"wire_count": 4, "output_count": 2}):
        other = R1CS.from_rows(rows, **arguments)
        with pytest.raises(KeyMismatchError):
            groth16.prove(key, witness, entropy=ENTROPY, r1cs=other)


def test_a_key_that_is_not_the_circuits_makes_no_proof():
    _, key, witness, _ = cube()
    broken = msgspec.structs.replace(key, h=key.h[::-1].copy())

    with pytest.raises(ProofRejectedError):
        groth16.prove(broken, witness, entropy=ENTROPY)
    with pytest.raises(WrongKeyError):
        groth16.prove(broken, witness, entropy=ENTROPY, r1cs=cube()[0])


def test_a_key_of_a_circuit_of_the_same_shape_is_told_apart():
    witness = cube()[2]
    other = R1CS.from_rows(
        [({2: 1}, {2: 1}, {3: 1}), ({3: 1}, {3: 1}, {1: 1})],
        wire_count=4, output_count=1, private_count=1,
    )  # fmt: skip

    with pytest.raises(WrongKeyError):
        groth16.prove(
            groth16.setup(other, entropy=ENTROPY), witness, entropy=ENTROPY, r1cs=cube()[0]
        )


@given(value=scalars)
@settings(max_examples=15)
def test_no_other_statement_is_accepted(value):
    _, key, _, proof = cube()
    if value != 27:
        with pytest.raises(ProofRejectedError):
            verify(key.verifying, proof, [value])


@pytest.mark.parametrize(
    "statement", [[27 + R], [27 - R], [R], [2**256 + 27], [-1], [27.0], ["27"], [None], [True]]
)
def test_a_value_that_is_not_canonical_is_refused(statement):
    _, key, _, proof = cube()

    with pytest.raises(InvalidProofError, match=r"statement\[0\]"):
        verify(key.verifying, proof, statement)


@pytest.mark.parametrize("statement", [[], [1, 27], [27, 27], [27] * 1000])
def test_a_wrong_number_of_values_is_refused(statement):
    _, key, _, proof = cube()

    with pytest.raises(InvalidProofError, match="1"):
        verify(key.verifying, proof, statement)


def mutations(proof):
    """Points of the right group and not, in each place of a proof."""
    g1, g2 = G1.generator, G2.generator
    off_1, off_2 = (1, 3), ((1, 0), (2, 0))
    small = ((1, 1), (1, 1))
    for part in ("a", "c"):
        point = getattr(proof, part)
        x, y = point
        for other in (G1.negate(point), G1.add(point, g1), g1, None, off_1, (x + Q, y), (x, y - Q),
                      (y, x), (0, 0), "xy", proof.b):  # fmt: skip
            yield msgspec.structs.replace(proof, **{part: other})
    (x0, x1), (y0, y1) = proof.b
    for other in (G2.negate(proof.b), G2.add(proof.b, g2), g2, None, off_2, small, proof.a,
                  ((x1, x0), (y1, y0)), ((x0 + Q, x1), (y0, y1)), ((0, 0), (0, 0))):  # fmt: skip
        yield msgspec.structs.replace(proof, b=other)
    yield groth16.Proof(proof.c, proof.b, proof.a)


def test_a_proof_changed_in_any_place_is_refused():
    _, key, _, proof = cube()
    changed = list(mutations(proof))

    assert len(changed) == 33
    for other in changed:
        with pytest.raises((InvalidProofError, ProofRejectedError)):
            verify(key.verifying, other, [27])


def test_infinities_are_refused():
    _, key, _, proof = cube()
    for part in ("a", "b", "c"):
        with pytest.raises(InvalidProofError, match="infinity"):
            verify(key.verifying, msgspec.structs.replace(proof, **{part: None}), [27])


def test_a_point_of_the_twist_outside_the_subgroup_is_refused():
    _, key, _, proof = cube()
    outside = next(twist_points())
    for b in (outside, G2.add(proof.b, outside), G2.add(proof.b, G2.multiply(outside, R))):
        with pytest.raises(InvalidProofError, match="subgroup"):
            verify(key.verifying, msgspec.structs.replace(proof, b=b), [27])


def test_a_key_changed_in_any_place_accepts_nothing():
    _, key, _, proof = cube()
    vk = key.verifying
    changes = [
        {"alpha": G1.negate(vk.alpha)},
        {"beta": G2.negate(vk.beta)},
        {"gamma": G2.generator},
        {"delta": G2.generator},
        {"gamma": vk.delta, "delta": vk.gamma},
        {"ic": vk.ic[::-1]},
        {"ic": (vk.ic[0], G1.generator)},
        {"ic": (G1.generator, vk.ic[1])},
        {"ic": (*vk.ic, G1.generator)},
    ]
    for change in changes:
        with pytest.raises(ProofError):
            verify(msgspec.structs.replace(vk, **change), proof, [27])


def test_a_key_without_a_contribution_is_refused():
    # Then C = -(A paired away) forges a proof of anything: Groth16 needs gamma and delta apart.
    _, key, _, _ = cube()
    vk = msgspec.structs.replace(key.verifying, delta=key.verifying.gamma)
    forged = groth16.Proof(vk.alpha, vk.beta, G1.negate(G1.combine(vk.ic, [1, 28])))

    with pytest.raises(WeakKeyError):
        verify(vk, forged, [28])


def test_proofs_of_other_circuits_are_refused():
    proof = cube()[3]
    square = R1CS.from_rows([({2: 1}, {2: 1}, {1: 1})], wire_count=3, output_count=1)
    other = groth16.setup(square, entropy=ENTROPY)

    with pytest.raises(ProofRejectedError):
        verify(other.verifying, proof, [27])
