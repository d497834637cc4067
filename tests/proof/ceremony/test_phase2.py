"""A circuit's ceremony: what its first key is, what parties do to it, and keys that lie."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from numen.kernels import curve
from numen.proof import groth16
from numen.proof.bn254 import G1, G2, R
from numen.proof.ceremony import circuit_key, phase2
from numen.proof.ceremony.circuit_key import first_key, with_ceremony
from numen.proof.ceremony.dice import Dice
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.transcript import Transcript
from numen.proof.errors import (
    CeremonyError,
    CeremonyRejectedError,
    FormatError,
    ProofError,
    WeakKeyError,
)
from numen.proof.keys import NOBODY_WARNING, UNVERIFIED_WARNING
from numen.proof.r1cs import R1CS
from numen.proof.setup import Secrets
from numen.proof.zkey import read_zkey, write_zkey
from tests.proof.trapdoor import Trapdoor
from tests.strategies.ceremony import BEACON, Ceremony, factors, seed
from tests.strategies.cube import cube
from tests.strategies.r1cs import solved_circuits


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory):
    return Ceremony(tmp_path_factory.mktemp("ceremony"))


@given(solved=solved_circuits(rows_max=2))
@settings(max_examples=10)
def test_a_first_key_is_what_its_secrets_make(ceremony, solved):
    trapdoor = Trapdoor(solved, Secrets(*factors(), 1, 1))
    if trapdoor.log > 2 or any(value == 0 for value in trapdoor.ic):
        return

    with Ptau(ceremony.prepared) as file:
        key = first_key(solved.r1cs, file)

    in_g1 = {"a": trapdoor.u, "b_1": trapdoor.v, "c": trapdoor.c}
    for name, logarithms in in_g1.items():
        assert curve.G1.decode(getattr(key, name)) == [
            G1.multiply(G1.generator, k) for k in logarithms
        ]
    assert curve.G2.decode(key.b_2) == [G2.multiply(G2.generator, k) for k in trapdoor.v]
    assert list(key.verifying.ic) == [G1.multiply(G1.generator, k) for k in trapdoor.ic]


def test_columns_with_many_entries_are_summed_apart(ceremony, monkeypatch):
    from numen.proof.ceremony import columns

    rows = [
        ({0: 3, 1: R - 1, 2: 5}, {2: 1, 0: R - 7}, {3: 1 << 100}),
        ({0: 9, 2: 4}, {0: 8}, {3: 6}),
    ]
    r1cs = R1CS.from_rows(rows, wire_count=4, output_count=1)
    with Ptau(ceremony.prepared) as file:
        want = write_zkey(first_key(r1cs, file))
        monkeypatch.setattr(columns, "_MANY", 1)
        assert write_zkey(first_key(r1cs, file)) == want


def test_the_last_key_proves(ceremony):
    key = ceremony.verify(read_zkey(write_zkey(ceremony.last)))

    proof = groth16.prove(key, ceremony.witness, entropy=bytes(32), r1cs=ceremony.r1cs)
    groth16.verify(key.verifying, proof, [27])
    assert (key.contribution_count, key.warning) == (3, "")


def test_contributions_divide_what_the_first_key_has(ceremony):
    factor = Dice(seed(2)).scalar()
    inverse = pow(factor, -1, R)

    assert ceremony.second.delta_1 == G1.multiply(G1.generator, factor)
    for name in ("c", "h"):
        before, after = (
            curve.G1.decode(getattr(k, name)) for k in (ceremony.first, ceremony.second)
        )
        assert after == [G1.multiply(point, inverse) for point in before]


def test_keys_say_whom_to_trust(ceremony):
    assert ceremony.first.warning == NOBODY_WARNING
    for key in (ceremony.second, ceremony.last, read_zkey(write_zkey(ceremony.last))):
        assert key.warning == UNVERIFIED_WARNING
    # Who contributes to a verified key makes one that nobody has verified.
    verified = ceremony.verify(ceremony.second)
    assert verified.warning == ""
    assert phase2.contribute(verified, seed=seed(7)).warning == UNVERIFIED_WARNING


def test_nothing_is_proven_by_a_key_that_nobody_contributed_to(ceremony):
    with pytest.raises(WeakKeyError):
        groth16.prove(ceremony.first, ceremony.witness, entropy=bytes(32), r1cs=ceremony.r1cs)
    with pytest.raises(CeremonyRejectedError, match="nobody"):
        ceremony.verify(ceremony.first)


def test_a_key_of_a_single_party_takes_no_contribution():
    with pytest.raises(CeremonyError, match="single party"):
        phase2.contribute(cube()[1], seed=seed(1))


def test_powers_must_be_prepared_and_large_enough(ceremony):
    rows = [({1: 1}, {1: 1}, {2: 1})] * 4
    large = R1CS.from_rows(rows, wire_count=3)
    with Ptau(ceremony.ended) as file, pytest.raises(CeremonyError, match="prepared"):
        first_key(ceremony.r1cs, file)
    with Ptau(ceremony.prepared) as file, pytest.raises(CeremonyError, match="rows"):
        first_key(large, file)


def test_a_transcript_is_written_as_it_is_read(ceremony):
    transcript = phase2.transcript_of(ceremony.last)

    assert with_ceremony(ceremony.last, transcript).ceremony == ceremony.last.ceremony
    assert [one.signature.name for one in transcript.contributions] == ["Bob", "", "the end"]
    assert transcript.contributions[2].signature == BEACON
    assert len({one.receipt for one in transcript.contributions}) == 3


# Keys that lie


def refused(ceremony, key):
    """Verify a key; anything but a typed refusal is a bug."""
    with pytest.raises(ProofError) as caught:
        ceremony.verify(key)
    return caught.value


def with_contributions(key, made):
    transcript = phase2.transcript_of(key)
    return with_ceremony(key, Transcript(transcript.circuit_hash, tuple(made)))


def test_contributions_cannot_be_taken_out_swapped_or_repeated(ceremony):
    one, two, three = phase2.transcript_of(ceremony.last).contributions
    for made in ((), (one, two), (two, three), (two, one, three), (one, two, three, three)):
        error = refused(ceremony, with_contributions(ceremony.last, made))
        assert isinstance(error, CeremonyRejectedError)


def test_no_part_of_a_contribution_can_be_changed(ceremony):
    one, *rest = phase2.transcript_of(ceremony.last).contributions
    knowledge = one.knowledge
    other = G1.multiply(G1.generator, 5)
    lies = [
        {"delta_1": other},
        {"transcript": bytes(64)},
        {"knowledge": msgspec.structs.replace(knowledge, s=other)},
        {"knowledge": msgspec.structs.replace(knowledge, s_x=other)},
        {"knowledge": msgspec.structs.replace(knowledge, p_x=G2.generator)},
    ]
    for lie in lies:
        made = [msgspec.structs.replace(one, **lie), *rest]
        error = refused(ceremony, with_contributions(ceremony.last, made))
        assert isinstance(error, CeremonyRejectedError)


def test_a_beacon_cannot_be_claimed(ceremony):
    one, two = phase2.transcript_of(ceremony.third).contributions
    claimed = msgspec.structs.replace(two, signature=BEACON)

    error = refused(ceremony, with_contributions(ceremony.third, [one, claimed]))
    assert "beacon" in str(error)


@pytest.mark.parametrize("name", ["a", "b_1", "b_2", "c", "h"])
def test_no_point_of_a_key_can_be_changed(ceremony, name):
    points = getattr(ceremony.last, name).copy()
    points[0], points[1] = points[1].copy(), points[0].copy()
    if np.array_equal(points, getattr(ceremony.last, name)):
        group = curve.G2 if name == "b_2" else curve.G1
        points[0] = group.generator[0]

    error = refused(ceremony, msgspec.structs.replace(ceremony.last, **{name: points}))
    assert isinstance(error, CeremonyRejectedError)


def test_no_point_of_the_verifying_key_can_be_changed(ceremony):
    vk, g1, g2 = ceremony.last.verifying, G1.multiply(G1.generator, 5), G2.multiply(G2.generator, 5)
    lies = {"alpha": g1, "beta": g2, "gamma": g2, "delta": g2, "ic": (g1, *vk.ic[1:])}
    for name, lie in lies.items():
        changed = msgspec.structs.replace(vk, **{name: lie})
        refused(ceremony, msgspec.structs.replace(ceremony.last, verifying=changed))
    for name in ("beta_1", "delta_1"):
        refused(ceremony, msgspec.structs.replace(ceremony.last, **{name: g1}))


def test_a_matrix_of_another_circuit_is_refused(ceremony):
    matrix = ceremony.last.a_matrix
    changed = msgspec.structs.replace(matrix, wires=(matrix.wires + 1) % 4)

    refused(ceremony, msgspec.structs.replace(ceremony.last, a_matrix=changed))


def test_a_key_of_other_powers_or_another_circuit_is_refused(ceremony):
    rows = [({2: 1}, {2: 1}, {3: 1}), ({3: 1}, {2: 2}, {1: 1})]
    other = R1CS.from_rows(rows, wire_count=4, output_count=1, private_count=1)
    with Ptau(ceremony.prepared) as file:
        key = phase2.contribute(first_key(other, file), seed=seed(4))

    assert "another circuit" in str(refused(ceremony, key))


def test_a_secret_of_one_cannot_be_proven_to_be_another(ceremony):
    """A party that multiplies by what it did not commit to."""
    honest = phase2.contribute(ceremony.first, seed=seed(5))
    other = phase2.contribute(ceremony.first, seed=seed(6))
    mixed = msgspec.structs.replace(honest, c=other.c)

    assert "not divided" in str(refused(ceremony, mixed))
    mixed = msgspec.structs.replace(
        other, ceremony=honest.ceremony, delta_1=honest.delta_1, verifying=honest.verifying
    )
    refused(ceremony, mixed)


def test_a_changed_byte_of_a_key_is_refused(ceremony):
    good = write_zkey(ceremony.second)
    name = good.index(b"Bob")
    step = 1 + len(good) // 40
    for offset in range(7, len(good), step):
        if name <= offset < name + 3:
            continue
        bad = bytearray(good)
        bad[offset] ^= 1 << offset % 8
        try:
            key = read_zkey(bytes(bad))
        except FormatError:
            continue
        refused(ceremony, key)


def test_circuits_of_several_pieces_are_hashed_as_snarkjs_does(ceremony, monkeypatch):
    """One point more than there are; where there is none, the bytes that follow are taken."""
    hashed = {}
    for pieces in (1 << 14, 2):
        monkeypatch.setattr(circuit_key, "_HASHED_POINTS", pieces)
        with Ptau(ceremony.prepared) as file:
            key = first_key(ceremony.r1cs, file)
        hashed[pieces] = phase2.transcript_of(key).circuit_hash

    # Of snarkjs's hashes of large circuits there is a test among those of the judges.
    assert hashed[2] != hashed[1 << 14] == phase2.transcript_of(ceremony.first).circuit_hash
