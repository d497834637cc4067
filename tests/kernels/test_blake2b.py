"""BLAKE2b that can be stopped and resumed, against hashlib."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from numen.kernels.blake2b import BLOCK_BYTES, STATE_BYTES, Hasher

SIZES = st.sampled_from([0, 1, 127, 128, 129, 255, 256, 257, 1000])
PIECES = st.lists(st.builds(lambda n, b: bytes([b]) * n, SIZES, st.integers(0, 255)), max_size=6)


@given(pieces=PIECES)
def test_it_hashes_as_hashlib_does(pieces):
    hasher = Hasher()
    for piece in pieces:
        hasher.update(piece)

    whole = b"".join(pieces)
    assert hasher.digest() == hashlib.blake2b(whole).digest()
    assert hasher.length == len(whole)
    # Asking changes nothing.
    assert hasher.digest() == hasher.digest()


@given(before=PIECES, after=PIECES)
def test_it_goes_on_where_another_stopped(before, after):
    first = Hasher()
    for piece in before:
        first.update(piece)
    state, waiting, done = first.state()
    second = Hasher.from_state(state, waiting, done)
    for piece in after:
        second.update(piece)

    assert second.digest() == hashlib.blake2b(b"".join(before + after)).digest()
    assert (len(state), done % BLOCK_BYTES) == (STATE_BYTES, 0)
    # The last block waits for what follows, however full.
    assert bool(waiting) == bool(sum(map(len, before)))
