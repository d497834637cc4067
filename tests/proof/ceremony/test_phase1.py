"""Powers of tau: what they come to, who may have made them, and files that lie."""

import shutil
import struct

import pytest

from numen.kernels.curve import G1, G2
from numen.proof import bn254
from numen.proof.bn254 import R
from numen.proof.ceremony import phase1, prepare, ptau, verify1
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.record import NAME_CHARACTERS_MAX, Beacon, Signature
from numen.proof.errors import (
    CeremonyError,
    CeremonyRejectedError,
    FormatError,
    ProofError,
)
from numen.proof.files import FileError
from tests.proof.trapdoor import lagrange
from tests.proof.twist import twist_points
from tests.strategies.ceremony import BEACON, DICE, POWER, Ceremony, factors, seed


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory):
    return Ceremony(tmp_path_factory.mktemp("ceremony"))


def multiples(group, logarithms):
    curve = bn254.G1 if group is G1 else bn254.G2
    return [curve.multiply(curve.generator, k % R) for k in logarithms]


def test_the_points_are_the_products_of_all_factors(ceremony):
    tau, alpha, beta = factors()
    powers = [pow(tau, i, R) for i in range((2 << POWER) - 1)]
    want = {
        ptau.TAU_1: powers,
        ptau.TAU_2: powers[: 1 << POWER],
        ptau.ALPHA_TAU: [alpha * power for power in powers[: 1 << POWER]],
        ptau.BETA_TAU: [beta * power for power in powers[: 1 << POWER]],
        ptau.BETA_2: [beta],
    }

    with Ptau(ceremony.ended) as file:
        for number, group in ptau.GROUP_OF.items():
            points = file.reader.points(number, group, 0, file.count(number))
            assert group.decode(points) == multiples(group, want[number])


def test_prepared_points_are_the_lagrange_polynomials(ceremony):
    tau, alpha, beta = factors()
    factor = {ptau.TAU_1: 1, ptau.TAU_2: 1, ptau.ALPHA_TAU: alpha, ptau.BETA_TAU: beta}

    with Ptau(ceremony.prepared) as file:
        for number, section in ptau.LAGRANGE_OF.items():
            group = ptau.GROUP_OF[number]
            for log in file.logs(number):
                size = 1 << log
                points = group.decode(file.reader.points(section, group, size - 1, size))
                want = [factor[number] * lagrange(i, log, tau) for i in range(size)]
                if log > POWER:
                    # The power of the highest degree is not in the file, and taken for nothing.
                    root = pow(bn254.ROOT, 1 << (bn254.ROOT_LOG - log), R)
                    missing = pow(tau, size - 1, R) * pow(size, -1, R)
                    want = [w - missing * pow(root, i, R) for i, w in enumerate(want)]
                assert points == multiples(group, want)


def test_the_record_says_who_contributed(ceremony):
    with Ptau(ceremony.prepared) as file:
        first, second = file.contributions

    assert (first.signature, second.signature) == (Signature("Ann"), BEACON)
    assert len({first.response, second.response, first.challenge, second.challenge}) == 4


@pytest.mark.parametrize("name", ["joined", "ended", "prepared"])
def test_honest_files_are_accepted(ceremony, name):
    made = verify1.verify_file(getattr(ceremony, name), entropy=DICE)

    assert made[0].signature.name == "Ann"


def test_a_file_without_contributions_is_not_to_be_trusted(ceremony):
    with pytest.raises(CeremonyRejectedError, match="nobody"):
        verify1.verify_file(ceremony.begun, entropy=DICE)


@pytest.mark.parametrize("points", [2, 3])
def test_files_are_worked_on_in_pieces(ceremony, tmp_path, monkeypatch, points):
    again, prepared, lie = (tmp_path / name for name in ("again", "prepared", "lie"))
    monkeypatch.setattr(phase1, "CHUNK_POINTS", points)
    phase1.contribute(ceremony.begun, again, seed=seed(1), name="Ann")
    prepare.prepare(ceremony.ended, prepared)

    assert again.read_bytes() == ceremony.joined.read_bytes()
    assert prepared.read_bytes() == ceremony.prepared.read_bytes()
    verify1.verify_file(prepared, entropy=DICE)
    # The second of two neighbours of different pieces, in a file whose hash is not looked at.
    begin, _ = sections(ceremony.prepared)[ptau.TAU_1]
    swapped = bytearray(changed(prepared, 12 + 12 + 4 + 32 + 4, bytes([POWER + 1])))
    for place in (begin + 64 * 3, begin + 64 * 4):
        swapped[place : place + 64] = prepared.read_bytes()[begin + 64 * 5 :][:64]
    lie.write_bytes(swapped)
    assert isinstance(refusal(lie), CeremonyRejectedError)


def test_contributions_are_written_as_they_are_read(ceremony):
    with Ptau(ceremony.ended) as file:
        data = file.reader.section(ptau.CONTRIBUTIONS)
        assert ptau.write_contributions(file.contributions) == data


def test_a_file_that_was_cut_down_takes_no_contribution(ceremony, tmp_path):
    cut, target = tmp_path / "cut.ptau", tmp_path / "next.ptau"
    cut.write_bytes(changed(ceremony.ended, 12 + 12 + 4 + 32 + 4, bytes([POWER + 1])))

    with pytest.raises(CeremonyError, match="cut down"):
        phase1.contribute(cut, target, seed=seed(9))
    assert not target.exists()


@pytest.mark.parametrize(
    "signature",
    [
        Signature("x" * (NAME_CHARACTERS_MAX + 1)),
        Signature("\U0001f600" * NAME_CHARACTERS_MAX),
        Signature("", Beacon(b"", 10)),
        Signature("", Beacon(bytes(256), 10)),
        Signature("", Beacon(b"x", 9)),
        Signature("", Beacon(b"x", 64)),
        Signature("", Beacon(b"x", 31)),
    ],
)
def test_what_a_file_cannot_hold_is_not_contributed(ceremony, tmp_path, signature):
    target = tmp_path / "next.ptau"

    with pytest.raises(CeremonyError):
        contribute(ceremony.begun, target, signature)
    assert list(tmp_path.iterdir()) == []


def contribute(source, target, signature):
    if signature.beacon:
        phase1.contribute_beacon(source, target, signature)
    else:
        phase1.contribute(source, target, seed=seed(9), name=signature.name)


@pytest.mark.parametrize("power", [0, -1, 29])
def test_a_power_has_bounds(tmp_path, power):
    with pytest.raises(CeremonyError):
        phase1.new(power, tmp_path / "new.ptau")


def test_a_file_too_large_to_be_prepared_is_refused(ceremony, tmp_path, monkeypatch):
    monkeypatch.setattr(ptau, "PREPARED_POWER_MAX", POWER - 1)

    with pytest.raises(CeremonyError, match="too large"):
        prepare.prepare(ceremony.ended, tmp_path / "prepared.ptau")
    with pytest.raises(CeremonyError, match="too many"):
        verify1.verify_file(ceremony.prepared, entropy=DICE)


def test_a_file_appears_whole_or_not_at_all(ceremony, tmp_path):
    # Whatever is at fault, neither the target nor a part of it is left.
    short = tmp_path / "short.ptau"
    short.write_bytes(changed(ceremony.ended, 12 + 12 + 4 + 32 + 8 + 12 + 64 * 3, bytes(1)))
    before = set(tmp_path.iterdir())

    with pytest.raises(FormatError):
        phase1.contribute(short, tmp_path / "next.ptau", seed=seed(9))
    assert set(tmp_path.iterdir()) == before
    with pytest.raises(FileError):
        phase1.contribute(ceremony.ended, tmp_path / "none" / "next.ptau", seed=seed(9))
    with pytest.raises(FileError):
        phase1.contribute(tmp_path / "absent.ptau", tmp_path / "next.ptau", seed=seed(9))


# Files that lie


def changed(path, offset, data):
    old = bytearray(path.read_bytes())
    old[offset : offset + len(data)] = data
    return bytes(old)


def sections(path):
    data, found, offset = path.read_bytes(), {}, 12
    while offset < len(data):
        number, size = struct.unpack_from("<IQ", data, offset)
        found[number] = offset + 12, size
        offset += 12 + size
    return found


def refusal(path):
    """Open and verify a file; anything but a typed refusal is a bug."""
    try:
        verify1.verify_file(path, entropy=DICE)
    except ProofError as error:
        return error
    return None


def is_slack(path, offset):
    """Bytes that nothing can be compared with.

    Of the state of the last response: what its block does not hold, and its end. Of the states
    before: all, because the points that they were followed by are gone; who made a contribution
    has its receipt.
    """
    begin, _ = sections(path)[ptau.CONTRIBUTIONS]
    place = begin + 4
    with Ptau(path) as file:
        for one in file.contributions:
            partial = place + 64 * 3 + 128 * 2 + 64 * 6 + 128 * 3
            held = one.partial[200] if one is file.contributions[-1] else 0
            if partial + held <= offset < partial + 128 or partial + 208 <= offset < partial + 216:
                return True
            if one is not file.contributions[-1] and partial <= offset < partial + 216:
                return True
            place = partial + 216 + 64 + 8
            place += len(one.signature.name) + 2 if one.signature.name else 0
            place += 2 + 2 + len(one.signature.beacon.value) if one.signature.beacon else 0
    return False


def check_lies(path, offsets, tmp_path):
    lie = tmp_path / "lie.ptau"
    for offset in offsets:
        old = path.read_bytes()[offset]
        lie.write_bytes(changed(path, offset, bytes([old ^ 1 << offset % 8])))
        error = refusal(lie)
        assert error is not None or is_slack(path, offset), offset


def name_places(path):
    """Names are told, and nothing vouches for them."""
    begin, size = sections(path)[ptau.CONTRIBUTIONS]
    data = path.read_bytes()
    for name in (b"Ann", b"the end"):
        found = data.find(name, begin, begin + size)
        yield from range(found, found + len(name))


def test_a_changed_byte_of_any_section_is_refused(ceremony, tmp_path):
    path = ceremony.prepared
    offsets = [0, 4, 8]
    for number, (begin, size) in sections(path).items():
        offsets += [begin - 12, begin + 37 * number % size]

    check_lies(path, offsets, tmp_path)


@pytest.mark.slow
def test_a_changed_byte_anywhere_is_refused(ceremony, tmp_path):
    path = ceremony.ended
    size = path.stat().st_size

    check_lies(path, sorted(set(range(0, size, 41)) - set(name_places(path))), tmp_path)


def test_every_truncation_is_refused(ceremony, tmp_path):
    data, lie = ceremony.prepared.read_bytes(), tmp_path / "lie.ptau"
    for size in range(0, len(data), 1 + len(data) // 60):
        lie.write_bytes(data[:size])
        assert isinstance(refusal(lie), FormatError), size
    lie.write_bytes(data + b"x")
    assert isinstance(refusal(lie), FormatError)


def replaced(path, **parts):
    """A file with other contents of some sections."""
    data, out = path.read_bytes(), []
    for number, (begin, size) in sections(path).items():
        content = parts.get(f"s{number}", data[begin : begin + size])
        out.append(struct.pack("<IQ", number, len(content)) + content)
    return data[:12] + b"".join(out)


def test_contributions_cannot_be_taken_out_swapped_or_repeated(ceremony, tmp_path):
    with Ptau(ceremony.ended) as file:
        first, second = file.contributions
    lie = tmp_path / "lie.ptau"
    for made in ((first,), (second, first), (first, first, second)):
        content = ptau.write_contributions(made)
        lie.write_bytes(replaced(ceremony.ended, s7=content))
        assert isinstance(refusal(lie), CeremonyRejectedError)


def test_points_of_another_ceremony_are_refused(ceremony, tmp_path):
    other, lie = tmp_path / "other.ptau", tmp_path / "lie.ptau"
    phase1.contribute(ceremony.begun, other, seed=seed(8), name="Ann")
    data, places = other.read_bytes(), sections(other)
    for number in (2, 6):
        begin, size = places[number]
        lie.write_bytes(replaced(ceremony.joined, **{f"s{number}": data[begin : begin + size]}))
        assert isinstance(refusal(lie), CeremonyRejectedError)


def test_points_off_the_subgroup_are_refused(ceremony, tmp_path):
    begin, _ = sections(ceremony.ended)[ptau.BETA_2]
    point = next(p for p in twist_points() if not bn254.is_in_g2(p))
    row = G2.encode([point]).astype("<u8").tobytes()
    lie = tmp_path / "lie.ptau"
    lie.write_bytes(changed(ceremony.ended, begin, row))

    assert isinstance(refusal(lie), FormatError)


def test_a_file_that_is_none_is_refused(tmp_path):
    shutil.copy("/dev/null", tmp_path / "empty.ptau")

    assert isinstance(refusal(tmp_path / "empty.ptau"), FormatError)
    with pytest.raises(FileError):
        Ptau(tmp_path)
