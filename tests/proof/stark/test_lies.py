"""Whatever is changed in a proof, the verifier refuses it with an error of its own."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.proof.stark import codec
from numen.proof.stark.errors import MalformedStarkError, StarkError, StarkRejectedError
from numen.proof.stark.field import P
from numen.proof.stark.verifier import verify
from tests.proof.stark.campaign import run
from tests.proof.stark.lies import LIES, is_refused
from tests.proof.stark.toys import TINIES, TINY, fibonacci, memory, proven

TOLD, DATA = proven(fibonacci(16))
LAYOUT, PROOF = verify(TOLD, DATA)
WIDE_TOLD, WIDE = proven(memory())


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_changed_proof_is_refused(lie):
    layout, proof = verify(WIDE_TOLD, WIDE)
    for seed in range(12):
        changed = lie(random.Random(seed), WIDE, layout, proof)
        assert changed == WIDE or is_refused(WIDE_TOLD, changed), seed


def test_no_byte_may_change():
    step = 1 + len(DATA) // 120
    for place in range(0, len(DATA), step):
        for mask in (1, 0x80):
            changed = DATA[:place] + bytes([DATA[place] ^ mask]) + DATA[place + 1 :]
            assert is_refused(TOLD, changed), place


def test_no_beginning_of_a_proof_is_one():
    for size in range(0, len(DATA), 7):
        with pytest.raises(MalformedStarkError):
            verify(TOLD, DATA[:size])
    with pytest.raises(MalformedStarkError, match="too many"):
        verify(TOLD, DATA + b"\0")


@given(st.binary(max_size=300))
def test_bytes_of_others_are_refused(data):
    for prefix in (0, 4, 7 + len(TINY.name), 40):
        with pytest.raises(StarkError):
            verify(TOLD, DATA[:prefix] + data)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, len(WIDE) - 1), st.integers(0, 255)), min_size=1))
def test_many_bytes_may_not_change_together(edits):
    changed = bytearray(WIDE)
    for place, value in edits:
        changed[place] = value

    assert bytes(changed) == WIDE or is_refused(WIDE_TOLD, bytes(changed))


def test_an_element_has_one_encoding():
    values = PROOF.values.copy()
    place = next(i for i, v in enumerate(values.reshape(-1).tolist()) if v + P < 1 << 32)
    values.reshape(-1)[place] += P
    changed = codec.encode(TINY, msgspec.structs.replace(PROOF, values=values))

    with pytest.raises(MalformedStarkError, match="not below"):
        verify(TOLD, changed)


def test_a_claim_of_many_rows_allocates_nothing():
    start = DATA.index(PROOF.openings[0].rows[0].tobytes())
    for count in (7, 0xFFFF):
        changed = DATA[: start - 2] + count.to_bytes(2, "little") + DATA[start:]
        with pytest.raises(MalformedStarkError, match=f"{count} rows, but 6 queries"):
            verify(TOLD, changed)


def test_a_proof_of_one_statement_is_none_of_another():
    other, data = proven(fibonacci(16, start=5))

    assert other.publics != TOLD.publics
    for told, replayed in ((TOLD, data), (other, DATA)):
        with pytest.raises(StarkRejectedError):
            verify(told, replayed)
    # With the other's trace, but asked for in another order of the same words.
    with pytest.raises(StarkRejectedError):
        verify(msgspec.structs.replace(TOLD, publics=TOLD.publics[::-1]), DATA)


def test_parts_of_two_proofs_do_not_make_one():
    _, data = proven(fibonacci(16, start=5))
    _, other = verify(proven(fibonacci(16, start=5))[0], data)
    for name in PROOF.__struct_fields__:
        mixed = msgspec.structs.replace(PROOF, **{name: getattr(other, name)})
        changed = codec.encode(TINY, mixed)
        # Both have one chip of one height, which exchanges no messages.
        assert is_refused(TOLD, changed) != (name in {"log_rows", "sums"}), name


def test_a_small_campaign_finds_nothing():
    said = run(100, 0, (fibonacci(16), memory()))

    assert sum(said.values()) == 100
    assert {what.partition(": ")[2] for what in said} >= {
        "MalformedStarkError",
        "StarkRejectedError",
    }


@pytest.mark.slow
def test_a_campaign_finds_nothing():
    assert sum(run(1000, 1000, (fibonacci(64), memory())).values()) == 1000


@pytest.mark.parametrize("profile", TINIES, ids=lambda profile: profile.name)
def test_work_must_be_shown(profile):
    told, data = proven(fibonacci(16), profile)
    _, proof = verify(told, data)
    for place in range(len(proof.nonces)):
        nonces = list(proof.nonces)
        nonces[place] += 1 << 40
        changed = msgspec.structs.replace(proof, nonces=tuple(nonces))
        assert is_refused(told, codec.encode(profile, changed))
