"""Many messages hashed at once, and trees over them, against one hash after another."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base import merkle
from numen.base.crypto import keccak256
from numen.kernels import keccak_tree
from numen.kernels.keccak import RATE_BYTES
from numen.kernels.keccak_tree_code import STATES

EDGES = [0, 1, 7, 8, 64, *(RATE_BYTES * blocks + by for blocks in (1, 2, 3) for by in (-1, 0, 1))]
"""Lengths about which a sponge can be wrong: words, and the last byte of a block."""


@given(st.lists(st.sampled_from(EDGES), max_size=3 * STATES), st.integers(0, 255))
def test_each_message_has_its_own_hash(lengths, seed):
    rng = random.Random(seed)
    messages = [rng.randbytes(length) for length in lengths]

    digests = keccak_tree.digests(messages)

    assert digests == list(map(keccak256, messages))


def test_messages_of_very_different_lengths_do_not_disturb_each_other():
    messages = [bytes([i]) * length for i, length in enumerate((100_000, 0, 136, 5))]

    assert keccak_tree.digests(messages) == list(map(keccak256, messages))


@pytest.mark.parametrize("count", [*range(2 * STATES + 2), 63, 64, 65, 1000])
def test_the_root_is_what_the_readable_tree_says(count):
    rng = random.Random(count)
    messages = [rng.randbytes(rng.choice(EDGES)) for _ in range(count)]

    assert keccak_tree.root(messages) == merkle.root([keccak256(each) for each in messages])
