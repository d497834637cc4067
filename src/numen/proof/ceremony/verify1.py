"""Whether a `.ptau` file is what an honest ceremony of its contributions would have made.

Every section is compared with its own shift: of points ``P_i`` with random multiples ``r_i``, the
sums of ``r_i P_i`` and of ``r_i P_(i+1)`` have the ratio tau, or some two neighbours have another,
but for a chance of ``2**-128``.
"""

import hashlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from numen.base.codec import digest
from numen.kernels import curve, msm, ntt
from numen.kernels.field import FR
from numen.proof.bn254 import G1, G2, G1Point, G2Point
from numen.proof.ceremony import ptau
from numen.proof.ceremony.dice import beacon_dice
from numen.proof.ceremony.encoding import whole
from numen.proof.ceremony.knowledge import check_knowledge, same_ratio
from numen.proof.ceremony.phase1 import (
    chunks,
    factors_and_knowledge,
    first_challenge,
    hash_point,
)
from numen.proof.ceremony.ptau import Contribution, Ptau
from numen.proof.errors import CeremonyError, CeremonyRejectedError
from numen.proof.felts import Felts
from numen.proof.points import Points

DICE_BYTES = 16
"""Size of a random multiple."""


def throw(label: str, entropy: bytes, count: int) -> Felts:
    """Random numbers of `DICE_BYTES`, that nobody who made the file could foresee."""
    seed = digest(f"numen/ceremony/dice/{label}/1", entropy)
    raw = np.frombuffer(hashlib.shake_256(seed).digest(DICE_BYTES * count), dtype="<u8")
    out = np.zeros((count, 4), np.uint64)
    out[:, :2] = raw.reshape(count, 2)
    return out


def verify(file: Ptau, *, entropy: bytes) -> None:
    """Accept a file by returning.

    Args:
        file: An open file.
        entropy: 32 random bytes that its makers could not know.

    Raises:
        CeremonyRejectedError: It is not what its contributions make, or has none.
        FormatError: Points that are not in their groups.
        CeremonyError: A beacon that takes too long to compute; a prepared file that is too large.

    Cost: two sums of multi-scalar multiplication over all points.
    """
    if not file.contributions:
        raise CeremonyRejectedError("contributions", "nobody has contributed")
    # What takes the least time goes first.
    if (
        file.power == file.ceremony_power
        and _challenge_of(file) != file.contributions[-1].challenge
    ):
        raise CeremonyRejectedError("points", "they are not those of the last contribution")
    _check_chain(file)
    for number in ptau.GROUP_OF:
        _check_powers(file, number, entropy)
    if file.is_prepared:
        if file.power > ptau.PREPARED_POWER_MAX:
            raise CeremonyError(f"prepared powers for 2**{file.power} rows are too many to verify")
        for number in ptau.LAGRANGE_OF:
            _check_lagrange(file, number, entropy)


def _challenge_of(file: Ptau) -> bytes:
    """The hash that the next contribution would answer."""
    hasher = blake2b(file.contributions[-1].response)
    for number, group in ptau.GROUP_OF.items():
        for _, points in _pieces(file, number):
            hasher.update(whole(group, points))
    return hasher.digest()


def _pieces(file: Ptau, number: int) -> Iterator[tuple[int, Points]]:
    group = ptau.GROUP_OF[number]
    for start, count in chunks(file.count(number)):
        yield start, file.reader.points(number, group, start, count)


def _check_chain(file: Ptau) -> None:
    challenge = first_challenge(file.ceremony_power)
    before = _State(G1.generator, G2.generator, G1.generator, G1.generator, G2.generator)
    for index, one in enumerate(file.contributions):
        part = f"contribution {index + 1}"
        after = _State(one.tau_1, one.tau_2, one.alpha_1, one.beta_1, one.beta_2)
        _check_contribution(part, one, before, after, challenge)
        before, challenge = after, one.challenge


class _State:
    """The first points of every section."""

    def __init__(
        self, tau_1: G1Point, tau_2: G2Point, alpha_1: G1Point, beta_1: G1Point, beta_2: G2Point
    ) -> None:
        self.in_g1 = tau_1, alpha_1, beta_1
        self.in_g2 = tau_2, None, beta_2


def _check_contribution(
    part: str, one: Contribution, before: _State, after: _State, challenge: bytes
) -> None:
    if one.signature.beacon:
        dice = beacon_dice(one.signature.beacon.value, one.signature.beacon.iterations_log)
        if factors_and_knowledge(dice, challenge)[1] != one.knowledge:
            raise CeremonyRejectedError(part, "it does not follow from its beacon")
    for index, (name, knowledge) in enumerate(
        zip(("tau", "alpha", "beta"), one.knowledge, strict=True)
    ):
        p = hash_point(index, challenge, knowledge.s, knowledge.s_x)
        check_knowledge(f"{part}, {name}", knowledge, p)
        ratio = p, knowledge.p_x
        if not same_ratio(before.in_g1[index], after.in_g1[index], *ratio):
            raise CeremonyRejectedError(part, f"its {name} does not follow from the one before")
        if index == 1:
            continue  # alpha is not there in G2
        pair = before.in_g2[index], after.in_g2[index]
        if not same_ratio(knowledge.s, knowledge.s_x, *pair):
            raise CeremonyRejectedError(part, f"its {name} does not follow in G2")


def _check_powers(file: Ptau, number: int, entropy: bytes) -> None:
    """The first points are those of the last contribution, and the rest their multiples by tau."""
    group, count, last = ptau.GROUP_OF[number], file.count(number), file.contributions[-1]
    begin = group.decode(file.reader.points(number, group, 0, min(2, count)))
    wanted: dict[int, list[Any]] = {
        ptau.TAU_1: [G1.generator, last.tau_1],
        ptau.TAU_2: [G2.generator, last.tau_2],
        ptau.ALPHA_TAU: [last.alpha_1],
        ptau.BETA_TAU: [last.beta_1],
        ptau.BETA_2: [last.beta_2],
    }
    if begin[: len(wanted[number])] != wanted[number]:
        raise CeremonyRejectedError(f"section {number}", "it begins with other points")
    if number == ptau.BETA_2:
        return
    low, high = _shifted_sums(file, number, entropy)
    if group is curve.G1:
        is_fine = same_ratio(low, high, G2.generator, last.tau_2)
    else:
        is_fine = same_ratio(G1.generator, last.tau_1, low, high)
    if not is_fine:
        raise CeremonyRejectedError(f"section {number}", "its points are not powers of tau")


def _shifted_sums(file: Ptau, number: int, entropy: bytes) -> tuple[Any, Any]:
    """The sums of all points but the last, and of all but the first, with the same multiples."""
    group, count = ptau.GROUP_OF[number], file.count(number)
    low = high = np.zeros((1, group.columns), np.uint64)
    carried = np.zeros((0, 4), np.uint64)
    for start, points in _pieces(file, number):
        dice = throw(f"powers/{number}/{start}", entropy, len(points))
        lower = dice[: count - 1 - start]
        upper = np.concatenate([carried, dice[: len(points) - 1]])
        low = group.add(low, total(group, points[: len(lower)], lower))
        high = group.add(high, total(group, points[len(points) - len(upper) :], upper))
        carried = dice[-1:]
    return group.decode(low)[0], group.decode(high)[0]


def total(group: curve.Group, points: Points, scalars: Felts) -> Points:
    """The sum of points times scalars, as a row."""
    sum_ = msm.g1 if group is curve.G1 else msm.g2
    return sum_(np.ascontiguousarray(points), np.ascontiguousarray(scalars))


def _check_lagrange(file: Ptau, number: int, entropy: bytes) -> None:
    """With f the polynomial of random coefficients: its sum over powers is that over values."""
    group, lagrange = ptau.GROUP_OF[number], ptau.LAGRANGE_OF[number]
    powers = file.count(number)
    for log in file.logs(number):
        size = 1 << log
        f = throw(f"lagrange/{number}/{log}", entropy, size)
        f[powers:] = 0
        values = FR.from_montgomery(ntt.forward(FR.to_montgomery(f)))
        left = right = np.zeros((1, group.columns), np.uint64)
        for start, count in chunks(size):
            held = max(0, min(count, powers - start))
            points = file.reader.points(number, group, start, held)
            left = group.add(left, total(group, points, f[start : start + held]))
            points = file.reader.points(lagrange, group, size - 1 + start, count)
            right = group.add(right, total(group, points, values[start : start + count]))
        if (left != right).any():
            part = f"section {lagrange}, domain of {size}"
            raise CeremonyRejectedError(part, "these are not the Lagrange polynomials at tau")


def verify_file(path: Path, *, entropy: bytes) -> tuple[Contribution, ...]:
    """Open a file and `verify` it; give its contributions."""
    with Ptau(path) as file:
        verify(file, entropy=entropy)
        return file.contributions
