"""Keys in the form of bellman's phase 2 (`.mpcparams`), for parties with other tools.

    alpha, beta in G1 | beta, gamma in G2 | delta in G1 | delta in G2
    IC | H, powers of tau | L | A | B in G1 | B in G2     each a count (u32), then points
    hash of the circuit's first key (64) | count (u32) | contributions without names

Points are whole and big-endian, as are counts. H are ``tau**i (tau**n - 1) / delta`` for i below
n - 1, where a `.zkey` has Lagrange polynomials.

Source: https://github.com/iden3/snarkjs (zkey_export_bellman, zkey_import_bellman), version 0.7.
"""

from pathlib import Path

import msgspec
import numpy as np

from numen.kernels import curve, points_ntt, scaling
from numen.kernels.field import FR
from numen.kernels.ntt import root
from numen.proof.binfile import Cursor
from numen.proof.bn254 import G1Point, G2Point, R
from numen.proof.ceremony.circuit_key import with_ceremony
from numen.proof.ceremony.encoding import read_whole, whole, whole_of
from numen.proof.ceremony.knowledge import Knowledge
from numen.proof.ceremony.phase2 import transcript_of
from numen.proof.ceremony.record import CONTRIBUTIONS_MAX, Signature, check_signature
from numen.proof.ceremony.transcript import HASH_BYTES, Contribution, Transcript
from numen.proof.errors import CeremonyError
from numen.proof.files import read_file, write_file
from numen.proof.keys import ProvingKey
from numen.proof.points import Points
from numen.proof.zkey import read_zkey, write_zkey

FORMAT = "mpcparams"


def export_file(source: Path, target: Path) -> None:
    """Read a `.zkey` file and write its challenge.

    Raises:
        FormatError: The key is not well formed.
        FileError: A file cannot be read or written.
    """
    write_file(target, write_challenge(read_zkey(read_file(source))))


def import_file(source: Path, response: Path, target: Path, *, name: str = "") -> None:
    """Read a `.zkey` file and a response to it, and write the next `.zkey` file.

    Raises:
        FormatError: One of them is not well formed.
        CeremonyError: The response is to another key.
        FileError: A file cannot be read or written.
    """
    key = read_zkey(read_file(source))
    write_file(target, write_zkey(read_response(read_file(response), key, name=name)))


def write_challenge(key: ProvingKey) -> bytes:
    """Write a key in bellman's form."""
    vk, transcript = key.verifying, transcript_of(key)
    size = 1 << key.domain_log
    # forward is inverse with reversed order and without the factor.
    turned = points_ntt.inverse(curve.G1, key.h)
    powers = np.concatenate([turned[:1], turned[:0:-1]])
    factors = FR.powers(root(2 * size), size, -2 * size)
    powers = scaling.multiply(curve.G1, powers, FR.from_montgomery(factors))[:-1]
    parts = [
        whole_of(curve.G1, vk.alpha, key.beta_1),
        whole_of(curve.G2, vk.beta, vk.gamma),
        whole_of(curve.G1, key.delta_1),
        whole_of(curve.G2, vk.delta),
        _counted(curve.G1, curve.G1.encode(vk.ic)),
        *(_counted(curve.G1, points) for points in (powers, key.c, key.a, key.b_1)),
        _counted(curve.G2, key.b_2),
        transcript.circuit_hash,
        len(transcript.contributions).to_bytes(4, "big"),
        *(one.hashed for one in transcript.contributions),
    ]
    return b"".join(parts)


def _counted(group: curve.Group, points: Points) -> bytes:
    return len(points).to_bytes(4, "big") + whole(group, points)


def read_response(data: bytes, key: ProvingKey, *, name: str = "") -> ProvingKey:
    """Take what a response changes: delta, H, L and the transcript. Nothing of it is verified.

    Args:
        data: The response.
        key: The key that the challenge was made of.
        name: For the contributions that are new; the form has none.

    Raises:
        FormatError: It is not well formed.
        CeremonyError: It is to another key, or has no new contribution; the name is too long.
    """
    check_signature(Signature(name))
    cursor = Cursor(FORMAT, data, 0, len(data))
    vk, old = key.verifying, transcript_of(key)
    cursor.take(64 * 2 + 128 * 2)
    delta_1, delta = _take_g1(cursor), _take_g2(cursor)
    _skip(cursor, len(vk.ic), 64)
    size = 1 << key.domain_log
    powers = _take_points(cursor, size - 1)
    c = _take_points(cursor, len(key.c))
    for count, bytes_ in ((key.wire_count, 64), (key.wire_count, 64), (key.wire_count, 128)):
        _skip(cursor, count, bytes_)
    transcript = _take_transcript(cursor, old, name)
    changed = msgspec.structs.replace(
        key,
        verifying=msgspec.structs.replace(vk, delta=delta),
        delta_1=delta_1,
        c=c,
        h=_lagrange(powers, size),
        is_verified=False,
    )
    return with_ceremony(changed, transcript)


def _lagrange(powers: Points, size: int) -> Points:
    """From powers of tau to the Lagrange polynomials of a domain's odd points."""
    padded = np.concatenate([powers, np.zeros((1, powers.shape[1]), np.uint64)])
    step, first = pow(root(2 * size), -1, R), pow(-2, -1, R)
    scalars = FR.from_montgomery(FR.powers(step, size, first))
    return points_ntt.inverse(curve.G1, scaling.multiply(curve.G1, padded, scalars))


def _take_transcript(cursor: Cursor, old: Transcript, name: str) -> Transcript:
    if cursor.take(HASH_BYTES) != old.circuit_hash:
        raise CeremonyError("the response is to the key of another circuit")
    start = cursor.offset
    count = int.from_bytes(cursor.take(4), "big")
    if count > CONTRIBUTIONS_MAX:
        raise cursor.wrong(f"{count} contributions", start)
    made = []
    for index in range(count):
        before = old.contributions[index : index + 1]
        signature = before[0].signature if before else Signature(name)
        delta_1, s, s_x = (_take_g1(cursor) for _ in range(3))
        knowledge = Knowledge(s, s_x, _take_g2(cursor))
        made.append(Contribution(delta_1, knowledge, cursor.take(HASH_BYTES), signature))
    cursor.finish()
    if tuple(made[: len(old.contributions)]) != old.contributions:
        raise CeremonyError("the response is to another key of this circuit")
    if len(made) == len(old.contributions):
        raise CeremonyError("the response has no new contribution")
    return Transcript(old.circuit_hash, tuple(made))


def _expect(cursor: Cursor, count: int) -> None:
    start = cursor.offset
    found = int.from_bytes(cursor.take(4), "big")
    if found != count:
        raise cursor.wrong(f"{found} points, not {count}", start)


def _skip(cursor: Cursor, count: int, size: int) -> None:
    _expect(cursor, count)
    cursor.take(count * size)


def _take_points(cursor: Cursor, count: int) -> Points:
    _expect(cursor, count)
    start = cursor.offset
    return read_whole(FORMAT, curve.G1, cursor.take(64 * count), start)


def _take_g1(cursor: Cursor) -> G1Point:
    start = cursor.offset
    (point,) = curve.G1.decode(read_whole(FORMAT, curve.G1, cursor.take(64), start))
    if point is None:
        raise cursor.wrong("a point is infinity", start)
    return point


def _take_g2(cursor: Cursor) -> G2Point:
    start = cursor.offset
    (point,) = curve.G2.decode(read_whole(FORMAT, curve.G2, cursor.take(128), start))
    if point is None:
        raise cursor.wrong("a point is infinity", start)
    return point
