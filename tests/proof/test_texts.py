"""Snarkjs's texts: spellings, shapes, and points that are not what they say."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.proof import groth16, snarkjs
from numen.proof.bn254 import G1, G2, Q, R
from numen.proof.errors import FormatError, ProofError
from tests.strategies.cube import TEXT, cube, samples


@given(data=st.data())
@settings(max_examples=200)
def test_a_changed_byte_of_a_proof_never_makes_another_proof(data):
    _, key, _, proof = cube()
    good = snarkjs.write_proof(proof)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]
    try:
        read = snarkjs.read_proof(bad)
    except FormatError:
        return
    if read != proof:
        with pytest.raises(ProofError):
            groth16.verify(key.verifying, read, [27])


@given(data=st.data())
@settings(max_examples=150)
def test_a_changed_byte_of_a_key_never_makes_a_key_that_accepts(data):
    _, key, _, proof = cube()
    good = snarkjs.write_verifying_key(key.verifying)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]
    try:
        read = snarkjs.read_verifying_key(bad)
    except FormatError:
        return
    if read != key.verifying:
        with pytest.raises(ProofError):
            groth16.verify(read, proof, [27])


@given(at=st.integers(0, 9), byte=st.integers(0, 255))
def test_a_changed_byte_of_a_statement_never_makes_another_that_holds(at, byte):
    _, key, _, proof = cube()
    good = snarkjs.write_public([27])
    bad = good[: at % len(good)] + bytes([byte]) + good[at % len(good) + 1 :]
    try:
        read = snarkjs.read_public(bad)
    except FormatError:
        return
    if read != [27]:
        with pytest.raises(ProofError):
            groth16.verify(key.verifying, proof, read)


def altered(name, change):
    good, read = samples()[name]
    value = json.loads(good)
    change(value)
    return read, json.dumps(value).encode()


def put(*path_and_value):
    *path, last, new = path_and_value

    def change(value):
        for step in path:
            value = value[step]
        value[last] = new

    return change


BAD_NUMBERS = ["-1", "01", "+1", " 1", "1 ", "1\n", "", "0x1", "1e3", "1.0", "\u0661", "1_0", 1,
               None, 1.5, "9" * 79, str(Q), str(Q + 1), str(2**256)]  # fmt: skip


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=repr)
def test_spellings_of_numbers_are_canonical(number):
    for path in (("pi_a", 0), ("pi_b", 0, 1), ("pi_c", 1)):
        read, bad = altered("proof.json", put(*path, number))
        with pytest.raises(FormatError):
            read(bad)
    with pytest.raises(FormatError):
        snarkjs.read_public(json.dumps([number]).encode())


@pytest.mark.parametrize(
    "change",
    [
        put("pi_a", ["1", "2"]),
        put("pi_a", ["1", "2", "2"]),
        put("pi_a", ["1", "2", "1", "1"]),
        put("pi_b", [["1", "0"], ["1", "0"], ["0", "1"]]),
        put("pi_b", [["1", "0"], ["1", "0"]]),
        put("pi_c", "1"),
        put("protocol", "plonk"),
        put("curve", "bls12381"),
        put("extra", "1"),
        lambda value: value.pop("pi_b"),
        lambda value: value.pop("protocol"),
    ],
)
def test_proofs_of_another_shape_are_refused(change):
    read, bad = altered("proof.json", change)

    with pytest.raises(FormatError):
        read(bad)


@pytest.mark.parametrize(
    "change",
    [
        put("nPublic", 2),
        put("nPublic", 0),
        put("nPublic", -1),
        put("IC", []),
        put("IC", 0, ["1", "3", "1"]),
        put("IC", 0, ["0", "1", "0"]),
        put("vk_alpha_1", ["0", "1", "0"]),
        put("vk_gamma_2", [["0", "0"], ["1", "0"], ["0", "0"]]),
        put("vk_gamma_2", [["1", "0"], ["1", "0"], ["1", "0"]]),
        put("vk_alphabeta_12", 0, 0, 0, "5"),
        put("vk_alphabeta_12", []),
        put("vk_alpha_1", ["1", "2", "1"]),
    ],
)
def test_keys_that_contradict_themselves_are_refused(change):
    read, bad = altered("verification_key.json", change)

    with pytest.raises(FormatError):
        read(bad)


def test_infinity_is_read_and_refused_by_the_verifier():
    read, data = altered("proof.json", put("pi_a", ["0", "1", "0"]))
    assert read(data).a is None
    read, data = altered("proof.json", put("pi_b", [["0", "0"], ["1", "0"], ["0", "0"]]))
    assert read(data).b is None
    assert snarkjs.read_proof(snarkjs.write_proof(groth16.Proof(None, None, None))).c is None


@pytest.mark.parametrize(
    "data",
    [b"", b"[", b"[" * 100_000, b'{"a":' * 100_000, b"null", b"\xff\xfe", b'["\\ud800"]',
     b"[1e999]", b'["1",]', b"NaN", b"[" + b'"1",' * 10 + b"]"],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_such_text_is_refused(data):
    for name in TEXT:
        with pytest.raises(FormatError):
            samples()[name][1](data)


def test_texts_are_bounded():
    for name in TEXT:
        with pytest.raises(FormatError, match="at most"):
            samples()[name][1](b" " * (snarkjs.SIZE_MAX_BYTES + 1))


@given(values=st.lists(st.integers(0, R - 1)))
@example(values=[])
def test_statements_are_written_as_snarkjs_writes_them(values):
    text = snarkjs.write_public(values)

    assert snarkjs.read_public(text) == values
    assert (
        text.decode() == "[\n" + ",\n".join(f' "{v}"' for v in values) + "\n" * bool(values) + "]"
    )


def test_points_of_no_key_are_on_their_curves():
    vk = cube()[1].verifying

    assert all(G1.contains(point) for point in (vk.alpha, *vk.ic))
    assert all(G2.contains(point) for point in (vk.beta, vk.gamma, vk.delta))
