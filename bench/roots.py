"""Roots of states: what it costs to commit to some changes of many accounts.

Rivals are the readable trie that the native one is tested against, and py-trie.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

from harness import Contest, Trial, main
from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.forest import EMPTY, Forest
from numen.evm.trie import Trie

try:
    from trie import HexaryTrie
except ImportError:
    HexaryTrie = None

Change = dict[int, int]


def _native(start: Change) -> Callable[[Change], bytes]:
    forest = Forest()
    name = forest.put_slots(EMPTY, start)
    forest.root(name)

    def change(slots: Change) -> bytes:
        nonlocal name
        name = forest.put_slots(name, slots)
        return forest.root(name)

    return change


def _readable(start: Change) -> Callable[[Change], bytes]:
    trie = Trie()

    def change(slots: Change) -> bytes:
        for key, word in slots.items():
            trie.put(key.to_bytes(32, "big"), rlp.encode_int(word))
        return trie.root()

    change(start)
    return change


def _py_trie(start: Change) -> Callable[[Change], bytes]:
    trie = HexaryTrie({}, prune=True)

    def change(slots: Change) -> bytes:
        with trie.squash_changes() as batch:
            for key, word in slots.items():
                batch[keccak256(key.to_bytes(32, "big"))] = rlp.encode_int(word)
        return bytes(trie.root_hash)

    change(start)
    return change


def _side(make: Callable[[Change], Callable[[Change], bytes]], start: Change, count: int) -> Trial:
    """A side that changes other keys in every round, the same ones as the other sides."""
    change, chance, slots = make(start), random.Random(2), dict[int, int]()
    keys = list(start)

    def before() -> None:
        slots.clear()
        slots.update((key, chance.getrandbits(250) + 1) for key in chance.sample(keys, count))

    def call() -> Any:
        return change(slots)

    return Trial(call, before)


def contests(quick: bool) -> Iterator[Contest]:
    """Yield one contest for each size of the trie."""
    for size in (10_000,) if quick else (10_000, 100_000):
        chance = random.Random(1)
        start = {chance.getrandbits(256): chance.getrandbits(250) + 1 for _ in range(size)}
        rivals = {"the readable trie": _side(_readable, start, 1_000)}
        if HexaryTrie is not None and size <= 10_000:
            rivals["py-trie"] = _side(_py_trie, start, 1_000)
        yield Contest(
            f"1,000 changes of {size:,} slots, and the root",
            _side(_native, start, 1_000),
            rivals,
            targets={"the readable trie": 0.5, "py-trie": 0.1},
        )


if __name__ == "__main__":
    main(__doc__, contests)
