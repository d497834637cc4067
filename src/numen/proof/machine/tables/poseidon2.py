"""The tables of Poseidon2: see `chips/poseidon2.py`, whose columns these are."""

from collections.abc import Sequence

import numpy as np

from numen.proof.machine.chips import calls as calls_chip
from numen.proof.machine.chips import poseidon2
from numen.proof.machine.counts import Counts
from numen.proof.machine.precompiles.poseidon2 import POSEIDON2, WIDTH, stir
from numen.proof.machine.record import Called
from numen.proof.machine.tables import calls
from numen.proof.machine.tables.calls import Numbers, Table
from numen.proof.stark.field import P


def tables(asked: Sequence[Called], counts: Counts) -> dict[str, Table]:
    """Make both tables of some calls, and count what they ask for."""
    return {
        calls_chip.chip_name(POSEIDON2): calls.table(asked, poseidon2.SHAPE, _split, counts),
        poseidon2.NAME: _permutations(asked),
    }


def _split(_before: Numbers, result: Numbers, counts: Counts) -> Numbers:
    low, high = result[:, 0] & 0xFFFF, result[:, 0] >> 16
    room = poseidon2.TOP - high
    counts.words_in(low, high, room)
    inverses = [pow(int(one), -1, P) if one else 0 for one in room]
    return np.stack([low, high, np.array(inverses, np.int64), room == 0], axis=1)


def _permutations(asked: Sequence[Called]) -> Table:
    rows = 1 << (len(asked) - 1).bit_length()
    state = np.zeros((WIDTH, rows), np.int64)
    state[:, : len(asked)] = np.array([one.call.state for one in asked], np.int64).T % P
    cubes: list[Numbers] = []

    def cube(x: Numbers) -> Numbers:
        cubes.append(x % P * (x % P) % P * (x % P) % P)
        return cubes[-1]

    stir(list(state), cube, lambda x: x % P)
    head = np.zeros((2, rows), np.int64)
    head[0, : len(asked)] = 1
    head[1, : len(asked)] = [one.step for one in asked]
    return np.concatenate([head, state, np.stack(cubes)]).T.astype(np.uint32)
