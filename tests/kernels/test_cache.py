"""The object cache believes nothing that it did not seal itself."""

import subprocess
import sys
import threading
from pathlib import Path

from numen.kernels.cache import SEAL_BYTES, ObjectCache

NAME = "ab" * 32
OTHER = "cd" * 32


def entry(root: Path, name: str = NAME) -> Path:
    return root / "objects" / name[:2] / name


def test_what_was_put_is_found(tmp_path: Path) -> None:
    ObjectCache(tmp_path).put(NAME, b"code")

    assert ObjectCache(tmp_path).get(NAME) == b"code"
    assert ObjectCache(tmp_path).get(OTHER) is None


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    store = ObjectCache(tmp_path)
    store.put(NAME, b"code")
    good = entry(tmp_path).read_bytes()
    for i in range(len(good)):
        entry(tmp_path).write_bytes(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :])

        assert store.get(NAME) is None


def test_a_short_or_empty_entry_is_noticed(tmp_path: Path) -> None:
    store = ObjectCache(tmp_path)
    for size in (0, 1, SEAL_BYTES, SEAL_BYTES + 2):
        store.put(NAME, b"code")
        entry(tmp_path).write_bytes(entry(tmp_path).read_bytes()[:size])

        assert store.get(NAME) is None


def test_an_entry_does_not_pass_under_another_name(tmp_path: Path) -> None:
    store = ObjectCache(tmp_path)
    store.put(NAME, b"code")
    entry(tmp_path, OTHER).parent.mkdir(parents=True)
    entry(tmp_path).rename(entry(tmp_path, OTHER))

    assert store.get(OTHER) is None


def test_a_foreign_entry_is_not_believed(tmp_path: Path) -> None:
    ObjectCache(tmp_path / "theirs").put(NAME, b"code")
    store = ObjectCache(tmp_path / "ours")
    entry(tmp_path / "ours").parent.mkdir(parents=True)
    entry(tmp_path / "theirs").rename(entry(tmp_path / "ours"))

    assert store.get(NAME) is None


def test_a_directory_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    store = ObjectCache(tmp_path)
    store.put(NAME, b"code")

    assert not store.usable
    assert store.get(NAME) is None
    assert not entry(tmp_path).exists()


def test_a_key_others_may_read_is_not_used(tmp_path: Path) -> None:
    assert ObjectCache(tmp_path).usable
    (tmp_path / "seal-key").chmod(0o644)

    assert not ObjectCache(tmp_path).usable


def test_the_key_is_private_from_the_start(tmp_path: Path) -> None:
    ObjectCache(tmp_path)

    assert (tmp_path / "seal-key").stat().st_mode & 0o777 == 0o600


def test_the_size_is_bounded_and_the_least_used_goes_first(tmp_path: Path) -> None:
    store = ObjectCache(tmp_path, size_bytes_max=10 * (SEAL_BYTES + 100))
    names = [f"{i:064x}" for i in range(30)]
    for name in names:
        store.put(name, bytes(100))
        store.get(names[0])
    kept = [name for name in names if store.get(name) is not None]

    assert names[0] in kept
    assert names[-1] in kept
    assert 8 <= len(kept) <= 10


def test_writers_at_once_leave_whole_entries(tmp_path: Path) -> None:
    torn: list[bytes] = []

    def write(letter: bytes) -> None:
        store = ObjectCache(tmp_path)
        for _ in range(30):
            store.put(NAME, letter * 50_000)
            found = store.get(NAME)
            if found is None or len(set(found)) != 1:
                torn.append(found or b"")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert torn == []
    assert not list(tmp_path.glob("objects/*/.*"))


_WRITER = """
import sys
from pathlib import Path
from numen.kernels.cache import ObjectCache
store = ObjectCache(Path(sys.argv[1]), size_bytes_max=400_000)
letter = sys.argv[2].encode()
for i in range(100):
    name = f"{i % 7:064x}"
    store.put(name, letter * 50_000)
    found = store.get(name)
    if found is not None and len(set(found)) != 1:
        sys.exit("torn")
"""


def test_processes_share_a_directory_and_a_key(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), letter])
        for letter in "abcd"
    ]

    assert [process.wait(timeout=60) for process in processes] == [0] * 4
    store = ObjectCache(tmp_path)
    assert any(store.get(f"{i:064x}") for i in range(7))
