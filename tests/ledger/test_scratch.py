"""A store in memory that is turned back: what it holds, and in which order, is as it was."""

from hypothesis import given
from hypothesis import strategies as st

from numen.ledger.state.kv import MemoryKV
from numen.ledger.state.scratch import ScratchKV

KEYS = st.binary(min_size=1, max_size=4)
WRITES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=3)), max_size=8)


def held(kv):
    return list(kv.scan(b""))


@given(st.lists(WRITES, max_size=6), KEYS, KEYS)
def test_it_is_a_store_like_the_other_in_memory(batches, prefix, after):
    plain, scratch = MemoryKV(), ScratchKV()
    for batch in batches:
        plain.commit(batch)
        scratch.commit(batch)
        assert held(scratch) == held(plain)
        assert list(scratch.scan(prefix, after)) == list(plain.scan(prefix, after))
        with scratch.reading() as get:
            assert get(prefix) == plain.get(prefix) == scratch.get(prefix)


@given(st.lists(WRITES, max_size=6), st.data())
def test_it_comes_back_to_any_moment_and_goes_on(batches, data):
    scratch, moments = ScratchKV(), []
    for batch in batches:
        moments.append((scratch.moment, held(scratch)))
        scratch.commit(batch)
    while moments:
        at = data.draw(st.integers(0, len(moments) - 1))
        moment, before = moments[at]
        scratch.rewind(moment)
        assert held(scratch) == before
        scratch.commit([(b"more", b"1")])
        scratch.rewind(moment)
        moments = moments[:at]
