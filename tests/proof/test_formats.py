"""Circom's binary files, and what all formats share: round trips, and bytes that mean harm."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.kernels import curve, fixed_base
from numen.proof import groth16, snarkjs
from numen.proof.binfile import SECTION_COUNT_MAX, read_sections, write_sections
from numen.proof.bn254 import G2, Q, R
from numen.proof.errors import FormatError, ProofError, WitnessError
from numen.proof.felts import felts_from_ints
from numen.proof.formats import read_r1cs, read_wtns, write_r1cs, write_wtns
from numen.proof.points import are_in_g2, first_off_curve
from numen.proof.r1cs import R1CS, check_witness
from numen.proof.zkey import read_zkey, write_zkey
from tests.proof.twist import COFACTOR, twist_points
from tests.strategies.cube import BINARY, TEXT, VERSIONS, cube, samples
from tests.strategies.r1cs import solved_circuits


@given(solved=solved_circuits())
def test_circuits_and_witnesses_round_trip(solved):
    data = write_r1cs(solved.r1cs)
    again = read_r1cs(data)

    assert write_r1cs(again) == data
    assert (again.wire_count, again.output_count, again.public_count, again.private_count) == (
        solved.r1cs.wire_count,
        solved.r1cs.output_count,
        solved.r1cs.public_count,
        solved.r1cs.private_count,
    )
    check_witness(again, solved.witness)
    assert read_wtns(write_wtns(solved.witness)).tolist() == solved.witness.tolist()


@given(solved=solved_circuits(rows_max=3))
@settings(max_examples=5)
def test_a_key_that_went_through_a_file_proves(solved):
    data = write_zkey(groth16.setup(solved.r1cs, entropy=bytes(32)))
    key = read_zkey(data)

    assert write_zkey(key) == data
    proof = groth16.prove(key, solved.witness, entropy=bytes(32), r1cs=solved.r1cs)
    groth16.verify(key.verifying, proof, solved.statement)


@pytest.mark.parametrize("name", [*BINARY, *TEXT])
def test_readers_are_inverse_to_writers(name):
    writers = {
        "r1cs": write_r1cs,
        "wtns": write_wtns,
        "zkey": write_zkey,
        "proof.json": snarkjs.write_proof,
        "public.json": snarkjs.write_public,
        "verification_key.json": snarkjs.write_verifying_key,
    }
    data, read = samples()[name]

    assert writers[name](read(data)) == data


def test_labels_of_wires_are_kept():
    r1cs = cube()[0]
    labelled = R1CS(4, 1, 0, 1, r1cs.a, r1cs.b, r1cs.c, np.array([0, 5, 2, 9], dtype=np.uint64))

    assert read_r1cs(write_r1cs(labelled)).labels.tolist() == [0, 5, 2, 9]


def test_a_witness_must_be_one_to_be_written():
    for values in ([], [0, 1], [2], [1, R]):
        with pytest.raises(WitnessError):
            write_wtns(felts_from_ints(values))


# Bytes that mean harm


def refuse(read, data):
    """Read bytes that may or may not be well formed; anything but a typed refusal is a bug."""
    try:
        read(data)
    except ProofError as error:
        return error
    return None


@pytest.mark.parametrize("name", [*BINARY, *TEXT])
@given(data=st.data())
def test_a_flipped_bit_is_refused_or_harmless(name, data):
    good, read = samples()[name]
    bit = data.draw(st.integers(0, 8 * len(good) - 1))
    bad = bytearray(good)
    bad[bit >> 3] ^= 1 << (bit & 7)

    refuse(read, bytes(bad))


@pytest.mark.parametrize("name", [*BINARY, *TEXT])
def test_every_truncation_is_refused(name):
    good, read = samples()[name]
    # Each length of the small files; the ends of the sections and some more of the large.
    for size in range(0, len(good), 1 + len(good) // 300):
        assert isinstance(refuse(read, good[:size]), FormatError), size


@pytest.mark.parametrize("name", [*BINARY, *TEXT])
@given(tail=st.binary(min_size=1, max_size=40))
@settings(max_examples=15)
def test_bytes_behind_the_end_are_refused(name, tail):
    good, read = samples()[name]
    if name in BINARY or tail.strip():
        assert isinstance(refuse(read, good + tail), FormatError)


@pytest.mark.parametrize("name", [*BINARY, *TEXT])
@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused(name, data):
    _, read = samples()[name]
    magic = name.encode() if name in BINARY else b""

    for text in (data, magic + data, magic + b"\1\0\0\0" + data, magic + b"\2\0\0\0" + data):
        error = refuse(read, text)
        assert isinstance(error, FormatError) or name == "public.json"


sizes = st.sampled_from([0, 1, 2, 3, 255, 2**16, 2**31, 2**32 - 1, 2**63, 2**64 - 1])


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data(), value=sizes, width=st.sampled_from([4, 8]))
def test_a_changed_count_is_refused_or_harmless(name, data, value, width):
    good, read = samples()[name]
    at = data.draw(st.integers(0, len(good) - width))
    bad = good[:at] + (value % 256**width).to_bytes(width, "little") + good[at + width :]

    refuse(read, bad)


@pytest.mark.parametrize("name", BINARY)
def test_promised_sizes_are_not_believed(name):
    good, read = samples()[name]
    tracemalloc.start()
    for at in range(4, len(good) - 8, 1 + len(good) // 60):
        refuse(read, good[:at] + b"\xff\xff\xff\x0f" + good[at + 4 :])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 64 * len(good) + (1 << 20)


@given(data=st.data())
def test_sections_of_any_content_are_refused_or_harmless(data):
    name, version = data.draw(st.sampled_from(sorted(VERSIONS.items())))
    good, read = samples()[name]
    sections = {k: c.data[c.offset : c.end] for k, c in read_sections(name, good, version).items()}
    for number in data.draw(st.lists(st.sampled_from(sorted(sections)), max_size=2)):
        sections[number] = data.draw(
            st.sampled_from(list(sections.values())) | st.binary(max_size=80)
        )
    order = data.draw(st.permutations(list(sections.items())))

    refuse(read, write_sections(name, version, order))


# What each reader looks at


def sectioned(name, version, changes, drop=()):
    good, read = samples()[name]
    sections = {k: c.data[c.offset : c.end] for k, c in read_sections(name, good, version).items()}
    for number, (at, content) in changes.items():
        old = sections[number]
        sections[number] = old[:at] + content + old[at + len(content) :]
    kept = [(k, v) for k, v in sections.items() if k not in drop]
    return read, write_sections(name, version, kept)


def u32(value):
    return value.to_bytes(4, "little")


def felt(value):
    return value.to_bytes(32, "little")


BN254_Q_AND_R = u32(32) + felt(Q) + u32(32) + felt(R)
HARM = [
    ("r1cs", 1, {1: (0, u32(64))}, "64 bytes"),
    ("r1cs", 1, {1: (4, felt(Q))}, "prime"),
    ("r1cs", 1, {1: (36, u32(5))}, "labels for 5 wires"),
    ("r1cs", 1, {1: (36, u32(3))}, "labels for 3 wires"),
    ("r1cs", 1, {1: (40, u32(4))}, "named wires"),
    ("r1cs", 1, {1: (40, u32(2**32 - 1))}, "named wires"),
    ("r1cs", 1, {1: (52, bytes(8))}, "labels"),
    ("r1cs", 1, {1: (60, u32(3))}, "do not fit"),
    ("r1cs", 1, {1: (60, u32(1))}, "too many"),
    ("r1cs", 1, {1: (60, u32(2**32 - 1))}, "do not fit"),
    ("r1cs", 1, {2: (0, u32(2**32 - 1))}, "do not fit"),
    ("r1cs", 1, {2: (4, u32(4))}, "wire 4"),
    ("r1cs", 1, {2: (8, felt(R))}, "below the prime"),
    ("r1cs", 1, {2: (8, felt(R + 1))}, "below the prime"),
    ("wtns", 2, {1: (4, felt(Q))}, "prime"),
    ("wtns", 2, {1: (36, u32(5))}, "for 5 wires"),
    ("wtns", 2, {2: (0, felt(2))}, "wire 0"),
    ("wtns", 2, {2: (0, felt(1 + R))}, "below its prime"),
    ("wtns", 2, {2: (32, felt(R))}, "below its prime"),
    ("zkey", 1, {1: (0, u32(2))}, "not a key for Groth16"),
    ("zkey", 1, {2: (4, felt(R))}, "prime"),
    ("zkey", 1, {2: (40, felt(Q))}, "prime"),
    ("zkey", 1, {2: (72, u32(5))}, "for 5 points"),
    ("zkey", 1, {2: (72, u32(1))}, "1 wires"),
    ("zkey", 1, {2: (76, u32(2))}, "for 3 points"),
    ("zkey", 1, {2: (80, u32(5))}, "domain"),
    ("zkey", 1, {2: (80, u32(0))}, "domain"),
    ("zkey", 1, {2: (80, u32(8))}, "for 8 points"),
    ("zkey", 1, {2: (84, felt(1))}, "not on the curve"),
    ("zkey", 1, {2: (84, felt(Q))}, "below its prime"),
    ("zkey", 1, {2: (84, bytes(64))}, "infinity"),
    ("zkey", 1, {2: (212, bytes(128))}, "infinity"),
    ("zkey", 1, {3: (0, bytes(64))}, "infinity"),
    ("zkey", 1, {3: (32, felt(1))}, "not on the curve"),
    ("zkey", 1, {4: (0, u32(1))}, "entries"),
    ("zkey", 1, {4: (0, u32(2**32 - 1))}, "entries"),
    ("zkey", 1, {4: (4, u32(2))}, "matrix"),
    ("zkey", 1, {4: (8, u32(4))}, "row"),
    ("zkey", 1, {4: (12, u32(4))}, "wire"),
    ("zkey", 1, {4: (16, felt(R))}, "below the prime"),
    *(("zkey", 1, {k: (0, felt(1))}, "not on the curve") for k in (5, 6, 7, 8, 9)),
    *(("zkey", 1, {k: (0, felt(Q + 1))}, "below its prime") for k in (5, 6, 7, 8, 9)),
    ("zkey", 1, {10: (64, u32(1))}, "left"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "version", "changes", "reason"), HARM, ids=[f"{h[0]}-{h[2]}" for h in HARM]
)
def test_harm_is_named_with_its_place(name, version, changes, reason):
    read, bad = sectioned(name, version, changes)

    with pytest.raises(FormatError, match=reason):
        read(bad)


@pytest.mark.parametrize("name", BINARY)
def test_missing_sections_are_named(name):
    version = VERSIONS[name]
    for number in read_sections(name, samples()[name][0], version):
        read, bad = sectioned(name, version, {}, drop=(number,))
        with pytest.raises(FormatError, match=f"section {number} is missing"):
            read(bad)


def test_containers_are_bounded():
    full = write_sections("r1cs", 1, [(k, b"") for k in range(SECTION_COUNT_MAX)])

    assert len(read_sections("r1cs", full, 1)) == SECTION_COUNT_MAX
    over = write_sections("r1cs", 1, [(k, b"") for k in range(SECTION_COUNT_MAX + 1)])
    with pytest.raises(FormatError, match="sections"):
        read_sections("r1cs", over, 1)
    with pytest.raises(FormatError, match="second section"):
        read_sections("r1cs", write_sections("r1cs", 1, [(1, b""), (1, b"")]), 1)
    with pytest.raises(FormatError, match="version"):
        read_sections("r1cs", write_sections("r1cs", 2, []), 1)


def test_unknown_sections_are_passed_over():
    good, _ = samples()["wtns"]
    sections = [(k, c.data[c.offset : c.end]) for k, c in read_sections("wtns", good, 2).items()]

    assert len(read_wtns(write_sections("wtns", 2, [(99, b"what"), *sections]))) == 4


def test_custom_gates_are_refused():
    good, _ = samples()["r1cs"]
    sections = [(k, c.data[c.offset : c.end]) for k, c in read_sections("r1cs", good, 1).items()]

    read_r1cs(write_sections("r1cs", 1, [*sections, (4, bytes(4)), (5, bytes(4))]))
    with pytest.raises(FormatError, match="custom gates"):
        read_r1cs(write_sections("r1cs", 1, [*sections, (4, bytes(8))]))


def test_points_of_a_key_outside_the_subgroup_are_refused():
    key = cube()[1]
    outside = G2.add(key.verifying.beta, next(twist_points()))
    raw = curve.G2.encode([outside]).tobytes()
    for number, at in ((2, 212), (2, 340), (2, 532), (7, 0), (7, 3 * 128)):
        read, bad = sectioned("zkey", 1, {number: (at, raw)})
        with pytest.raises(FormatError, match=r"G2|subgroup"):
            read(bad)


def test_one_point_of_many_outside_the_subgroup_is_found():
    many = fixed_base.g2(felts_from_ints(range(1, 41)))
    assert are_in_g2(many)
    assert are_in_g2(many[:0])
    point = next(twist_points())
    for small in (point, G2.multiply(point, R * COFACTOR // 10069)):
        for index in (0, 17, 39):
            bad = many.copy()
            bad[index] = curve.G2.encode([small])
            assert not are_in_g2(bad)


@pytest.mark.parametrize("index", [0, 1, 17, 38, 39])
def test_the_first_point_off_the_curve_is_found(index):
    many = fixed_base.g1(felts_from_ints(range(40)))
    assert first_off_curve(curve.G1, many) is None
    many[index, 5] ^= 1
    many[39, 0] ^= 1

    assert first_off_curve(curve.G1, many) == index
