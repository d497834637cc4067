"""The tables of Keccak-f[1600]: see `chips/keccak.py`, whose columns these are."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from numen.proof.machine.chips import calls as calls_chip
from numen.proof.machine.chips import keccak
from numen.proof.machine.counts import Counts
from numen.proof.machine.isa import LIMBS
from numen.proof.machine.precompiles.keccak import KECCAK, MOVES, ROUNDS, SIDE
from numen.proof.machine.record import Called
from numen.proof.machine.tables import calls
from numen.proof.machine.tables.calls import Numbers, Table

Lanes = npt.NDArray[np.uint64]


def tables(asked: Sequence[Called], counts: Counts) -> dict[str, Table]:
    """Make both tables of some calls, and count what they ask for."""
    return {
        calls_chip.chip_name(KECCAK): calls.table(asked, keccak.SHAPE, calls.store, counts),
        keccak.NAME: _rounds(asked),
    }


def _rounds(asked: Sequence[Called]) -> Table:
    step = np.array([one.step for one in asked], np.int64)
    lanes: Lanes = np.array([one.call.state for one in asked], np.uint64)
    rows = []
    for number, constant in enumerate(ROUNDS):
        before, columns = lanes, lanes.reshape(-1, SIDE, SIDE)
        parity = np.bitwise_xor.reduce(columns, axis=1)
        change = np.roll(parity, 1, axis=1) ^ _turn(np.roll(parity, -1, axis=1), 1)
        moved = lanes ^ np.tile(change, SIDE)
        turned = np.stack([_turn(moved[:, source], count) for source, count in MOVES], axis=1)
        plane = turned.reshape(-1, SIDE, SIDE)
        mixed = plane ^ ~np.roll(plane, -1, axis=2) & np.roll(plane, -2, axis=2)
        first = mixed[:, 0, 0].copy()
        mixed[:, 0, 0] ^= np.uint64(constant)
        lanes = mixed.reshape(-1, SIDE * SIDE)
        switches = np.zeros((len(asked), len(ROUNDS)), np.int64)
        switches[:, number] = 1
        marked = _bits(first[:, None])[:, list(keccak.MARKED)]
        rows.append(
            np.concatenate(
                [
                    step[:, None], switches, _limbs(before), _bits(parity), _bits(parity ^ change),
                    _bits(moved), _limbs(lanes), marked,
                ],
                axis=1,
            )
        )  # fmt: skip
    return calls.padded(np.concatenate(rows))


def _turn(lanes: Lanes, count: int) -> Lanes:
    """Rotate to the left."""
    return lanes if count == 0 else lanes << np.uint64(count) | lanes >> np.uint64(64 - count)


def _limbs(lanes: Lanes) -> Numbers:
    parts = np.ascontiguousarray(lanes).view(np.uint16)
    return parts.reshape(len(lanes), -1, LIMBS).reshape(len(lanes), -1).astype(np.int64)


def _bits(lanes: Lanes) -> Numbers:
    bits = lanes[:, :, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
    return bits.reshape(len(lanes), -1).astype(np.int64)
