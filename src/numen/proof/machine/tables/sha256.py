"""The tables of SHA-256: see `chips/sha256.py`, whose columns these are."""

from collections.abc import Sequence

import numpy as np

from numen.proof.machine.chips import calls as calls_chip
from numen.proof.machine.chips import sha256
from numen.proof.machine.counts import Counts
from numen.proof.machine.precompiles.sha256 import (
    MASK,
    ROUNDS,
    SCHEDULE0,
    SCHEDULE1,
    SHA256,
    SIGMA0,
    SIGMA1,
    mixed,
    scheduled,
)
from numen.proof.machine.record import Called
from numen.proof.machine.tables import calls
from numen.proof.machine.tables.calls import Numbers, Table


def tables(asked: Sequence[Called], counts: Counts) -> dict[str, Table]:
    """Make both tables of some calls, and count what they ask for."""
    return {
        calls_chip.chip_name(SHA256): calls.table(asked, sha256.SHAPE, _add, counts),
        sha256.NAME: _rounds(asked),
    }


def _add(before: Numbers, result: Numbers, counts: Counts) -> Numbers:
    low = before[:, 0] + result[:, 0]
    high = before[:, 1] + result[:, 1] + (low >> 16)
    counts.words_in(low & 0xFFFF, high & 0xFFFF)
    return np.stack([low & 0xFFFF, high & 0xFFFF, low >> 16, high >> 16], axis=1)


def _rounds(asked: Sequence[Called]) -> Table:
    step = np.array([one.step for one in asked], np.int64)
    state = [np.array(word, np.int64) for word in zip(*(c.call.state for c in asked), strict=True)]
    words = [np.array(word, np.int64) for word in zip(*(c.call.block for c in asked), strict=True)]
    rows = []
    for number, constant in enumerate(ROUNDS):
        a, b, c, d, e, f, g, h = state
        given = [h, mixed(e, SIGMA1), g ^ e & (f ^ g), np.full_like(a, constant), words[0]]
        new_a, carry_a = _sum([*given, mixed(a, SIGMA0), a & b | c & (a | b)])
        new_e, carry_e = _sum([*given, d])
        near, far = scheduled(words[1], SCHEDULE0), scheduled(words[14], SCHEDULE1)
        word, carry_word = _sum([words[0], near, words[9], far])
        digits = [np.full_like(a, number // 8 == at) for at in range(sha256.DIGIT)]
        digits += [np.full_like(a, number % 8 == at) for at in range(sha256.DIGIT)]
        columns = [step, *digits]
        for one in (a, b, c, e, f, g):
            columns += _bits(one, sha256.BITS)
        columns += [*_limbs(d), *_limbs(h), *_bits(words[1], 32), *_bits(words[14], 32)]
        for index in range(16):
            columns += [] if index in (1, 14) else _limbs(words[index])
        columns += [*_limbs(new_a), *_limbs(new_e), *_limbs(word)]
        for carries, bits in (
            (carry_a, sha256.CARRY_BITS),
            (carry_e, sha256.CARRY_BITS),
            (carry_word, sha256.SCHEDULE_CARRY_BITS),
        ):
            for carry in carries:
                columns += _bits(carry, bits)
        rows.append(np.stack(columns, axis=1))
        state, words = [new_a, a, b, c, new_e, e, f, g], [*words[1:], word]
    return calls.padded(np.concatenate(rows))


def _limbs(word: Numbers) -> list[Numbers]:
    return [word & 0xFFFF, word >> 16]


def _bits(word: Numbers, count: int) -> list[Numbers]:
    return [word >> bit & 1 for bit in range(count)]


def _sum(terms: list[Numbers]) -> tuple[Numbers, list[Numbers]]:
    """A sum modulo 2**32, and what its two limbs carry."""
    low = np.sum([term & 0xFFFF for term in terms], axis=0)
    high = np.sum([term >> 16 for term in terms], axis=0) + (low >> 16)
    return (low & 0xFFFF | high << 16) & MASK, [low >> 16, high >> 16]
