"""The ledger's state: what it costs to open it, to change it, and to show what is in it.

Rivals in the first part keep the same 100,000 keys: the native Merkle-Patricia trie in memory,
which forgets; the readable one; and our own tree with a record for each node on the same disk. In
the second part ten million accounts are on a disk, and the rivals are the bars of the design. Files
are in the system's cache, but for the line that says so. Needs 4 GB of disk for a few minutes;
`--quick` takes 20,000 accounts.
"""

import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Contest, Row, Trial, main
from numen.evm import rlp
from numen.evm.forest import EMPTY, Forest
from numen.evm.trie import Trie
from numen.ledger.state.account import Account, encode_account
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.state.kv import MemoryKV
from numen.ledger.state.opening import open_key, verify
from numen.ledger.state.tree import Tree
from rivals.record_tree import RecordTree

CHANGES = 1_000
SMALL, SMALL_QUICK = 100_000, 5_000
LARGE, LARGE_QUICK = 10_000_000, 20_000

Change = dict[bytes, bytes]


def _value(chance: random.Random) -> bytes:
    return encode_account(Account(balance=chance.getrandbits(100) + 1)) or b""


def _side(change: Callable[[Change], object], keys: list[bytes]) -> Trial:
    """A side that changes other keys in every round, the same ones as the other sides."""
    chance, changes = random.Random(2), Change()

    def before() -> None:
        changes.clear()
        changes.update((key, _value(chance)) for key in chance.sample(keys, CHANGES))

    return Trial(lambda: change(changes), before)


def _forest(start: Change) -> Callable[[Change], object]:
    """The native trie takes numbers of 256 bits: those are what it stores here."""
    forest, name = Forest(), EMPTY

    def change(changes: Change) -> None:
        nonlocal name
        slots = {
            int.from_bytes(k, "big"): int.from_bytes(v[-64:-33], "big") + 1
            for k, v in changes.items()
        }
        name = forest.put_slots(name, slots)
        forest.root(name)

    change(start)
    return change


def _readable(start: Change) -> Callable[[Change], object]:
    trie = Trie(is_secure=False)

    def change(changes: Change) -> None:
        for key, value in changes.items():
            trie.put(key, rlp.encode_bytes(value))
        trie.root()

    change(start)
    return change


def _tree(start: Change, directory: Path | None) -> Callable[[Change], object]:
    tree = Tree(LmdbKV(directory) if directory else MemoryKV())
    tree.update(start)

    def change(changes: Change) -> bytes:
        tree.update(changes)
        return tree.root

    return change


def small(quick: bool, directory: Path) -> Iterator[Contest]:
    """Changes among keys that all rivals can hold."""
    size, chance = SMALL_QUICK if quick else SMALL, random.Random(1)
    start = {chance.randbytes(32): _value(chance) for _ in range(size)}
    keys = list(start)
    records = RecordTree(LmdbKV(directory / "records"), start)
    yield Contest(
        f"change {CHANGES:,} of {size:,} keys, on disk",
        _side(_tree(start, directory / "pages"), keys),
        {
            "a record for each node": _side(records.update, keys),
            "MPT in memory, native": _side(_forest(start), keys),
            "MPT in memory, readable": _side(_readable(start), keys),
        },
        same=None,
        clock=time.process_time,
    )
    yield Contest(
        f"change {CHANGES:,} of {size:,} keys, in memory",
        _side(_tree(start, None), keys),
        {"MPT in memory, native": _side(_forest(start), keys)},
        same=None,
        clock=time.process_time,
    )


def large(quick: bool, directory: Path) -> Iterator[Row]:
    """What is promised of many accounts."""
    size = LARGE_QUICK if quick else LARGE
    keys, spent = _built(size, directory)
    yield Row(f"build {size:,} accounts vs 120 s", spent, 120, "s")
    _read_file(directory)
    name = f"of {size:,} accounts"
    opened = [_opened(directory) for _ in range(5)]
    yield Row(f"open {name} vs bar", statistics.median(opened) * 1e3, 1000, "ms", 1)
    kv = LmdbKV(directory)
    tree, chance = Tree(kv), random.Random(3)
    chance.shuffle(keys)
    yield from _updates(tree, keys, name, chance)
    yield from _openings(tree, keys[:300])
    yield Row(f"memory {name}, without the file's pages, vs 1 GB", _anonymous_mb(), 1024, "MB", 1)
    _forget_file(directory)
    times = [_timed(tree, keys, i, chance) for i in range(40, 43)]
    wall = statistics.median(wall for wall, _ in times)
    yield Row(f"change {CHANGES:,} {name}, file not in memory, vs bar", wall * 1e3, 50, "ms")
    kv.close()


def _updates(tree: Tree, keys: list[bytes], name: str, chance: random.Random) -> Iterator[Row]:
    times = [_timed(tree, keys, i, chance) for i in range(20)]
    wall, processor = (statistics.median(each) for each in zip(*times[5:], strict=True))
    yield Row(f"change {CHANGES:,} {name}, processor time, vs bar", processor * 1e3, 50, "ms", 1)
    yield Row(f"change {CHANGES:,} {name}, until on disk, vs bar", wall * 1e3, 50, "ms", 1)


def _timed(tree: Tree, keys: list[bytes], i: int, chance: random.Random) -> tuple[float, float]:
    """Seconds of one batch of keys that were not changed before: by the clock, and of processor."""
    batch = keys[i * CHANGES : (i + 1) * CHANGES] or keys[:CHANGES]
    changes = {key: _value(chance) for key in batch}
    clock, processor = time.perf_counter(), time.process_time()
    tree.update(changes)
    return time.perf_counter() - clock, time.process_time() - processor


def _openings(tree: Tree, keys: list[bytes]) -> Iterator[Row]:
    start = time.process_time()
    openings = [open_key(tree, key) for key in keys]
    made = time.process_time() - start
    start = time.process_time()
    for key, (value, opening) in zip(keys, openings, strict=True):
        verify(tree.root, key, value, opening)
    verified = time.process_time() - start
    yield Row(
        "verify an opening vs make it", verified / len(keys) * 1e6, made / len(keys) * 1e6, "us"
    )


def _built(size: int, directory: Path) -> tuple[list[bytes], float]:
    """Accounts by ascending key, in 256 commits; some of the keys, and processor seconds."""
    tree, chance, some = Tree(LmdbKV(directory)), random.Random(1), []
    start = time.process_time()
    for first in range(256):
        batch = {bytes([first]) + chance.randbytes(31): _value(chance) for _ in range(size // 256)}
        tree.update(batch)
        tree.prune(tree.version)
        some += list(batch)[: max(200_000 // 256, 1)]
    return some, time.process_time() - start


def _opened(directory: Path) -> float:
    start = time.perf_counter()
    kv = LmdbKV(directory)
    assert Tree(kv).get(bytes(32)) is None
    spent = time.perf_counter() - start
    kv.close()
    return spent


def _read_file(directory: Path) -> None:
    with (directory / "data.mdb").open("rb") as file:
        while file.read(1 << 24):
            pass


def _forget_file(directory: Path) -> None:
    """Ask the system to drop the file from its cache, where it can be asked."""
    with (directory / "data.mdb").open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _anonymous_mb() -> float:
    """Memory of this process that no file backs; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Yield both parts."""
    directory = Path(tempfile.mkdtemp(prefix="numen-state-"))
    try:
        yield from small(quick, directory)
        yield from large(quick, directory / "large")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main(__doc__, contests)
