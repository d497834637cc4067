"""One suite for every `KV`, and what only the one on disk promises."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numen.ledger.state import embedded
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.state.errors import StorageError, StorageFullError
from numen.ledger.state.kv import KV, MemoryKV

KEYS = st.binary(min_size=1, max_size=3)
BATCHES = st.lists(
    st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=9)), max_size=20), max_size=6
)


@pytest.fixture(params=["memory", "disk"])
def kv(request, tmp_path: Path):
    opened: KV = MemoryKV() if request.param == "memory" else LmdbKV(tmp_path)
    yield opened
    opened.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, prefix=st.binary(max_size=2), after=st.binary(max_size=3))
def test_it_is_a_sorted_dictionary(kv, batches, prefix, after):
    kv.commit([(key, None) for key, _ in kv.scan(b"")])
    values = {}
    for batch in batches:
        kv.commit(batch)
        values.update(batch)
    values = {key: value for key, value in values.items() if value is not None}

    assert list(kv.scan(b"")) == sorted(values.items())
    found = [(k, v) for k, v in sorted(values.items()) if k.startswith(prefix) and k > after]
    assert list(kv.scan(prefix, after)) == found
    asked = [key for batch in batches for key, _ in batch]
    with kv.reading() as get:
        assert list(map(get, asked)) == list(map(kv.get, asked)) == list(map(values.get, asked))


def test_a_scan_of_many_pairs_is_whole(kv):
    pairs = [(b"a%06d" % i, b"%d" % i) for i in range(3 * embedded.SCAN_PAIRS)]
    kv.commit(pairs)

    assert list(kv.scan(b"a")) == pairs
    assert list(kv.scan(b"a", b"a000010")) == pairs[11:]


@pytest.mark.parametrize("bad", [(b"", b""), (b"k" * 129, b""), (b"k", bytes((1 << 26) + 1))])
def test_sizes_are_bounded_and_a_bad_write_changes_nothing(kv, bad):
    with pytest.raises(AssertionError):
        kv.commit([bad])

    assert not list(kv.scan(b""))


def test_a_store_grows_until_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "MAP_BYTES_FIRST", 1 << 16)
    kv = LmdbKV(tmp_path, limit_bytes=1 << 20)
    kv.commit([(b"key", bytes(300_000))])

    with pytest.raises(StorageFullError, match="1048576 bytes"):
        kv.commit([(b"other", bytes(10)), (b"more", bytes(900_000))])
    assert [len(value) for _, value in kv.scan(b"")] == [300_000]


def test_what_is_no_directory_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="file cannot be opened"):
        LmdbKV(tmp_path / "file")


def test_what_was_committed_is_there_when_opened_again(tmp_path):
    kv = LmdbKV(tmp_path, is_durable=False)
    kv.commit([(b"a", b"1"), (b"b", b"2")])
    kv.close()

    assert list(LmdbKV(tmp_path).scan(b"")) == [(b"a", b"1"), (b"b", b"2")]
