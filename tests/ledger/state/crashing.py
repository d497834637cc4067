"""Kill a process that writes blocks, at random moments, and look at what it left.

    python crashing.py DIRECTORY RUNS SEED

Each run forks a writer, which commits one block after another, prunes now and then, and says when a
block is acknowledged; it is killed with SIGKILL a random while after one of its first blocks. Then
the store is opened: the newest block must be the last one acknowledged or the one after, its
content and root must be those of that block, and no record may lie there that no version names.
Prints what happened as JSON.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from numen.ledger.state.embedded import LmdbKV
from numen.ledger.state.kv import MemoryKV
from numen.ledger.state.tree import Tree

KEYS, CHANGES, KEPT = 150, 25, 3
FIRST_MAX = 4
"""Fewer blocks are waited for; how long a writer takes to begin depends on the machine."""

WHILE_MS_MAX = 5
"""About what a few blocks take."""


def block(number: int) -> dict[bytes, bytes | None]:
    """What a block changes: the same for everybody."""
    rng = random.Random(number)
    batch: dict[bytes, bytes | None] = {}
    for _ in range(CHANGES):
        key = random.Random(rng.randrange(KEYS)).randbytes(32)
        batch[key] = rng.randbytes(rng.randrange(200)) if rng.random() < 0.8 else None
    return batch


def write_blocks(directory: Path, pipe: int) -> None:
    """Write blocks until killed."""
    tree = Tree(LmdbKV(directory))
    while True:
        number = tree.update(block(tree.version + 1))
        os.write(pipe, number.to_bytes(8, "big"))
        if number % 5 == 0 and number - KEPT > tree.first:
            tree.prune(number - KEPT)


def acknowledged(directory: Path, first: int, while_s: float) -> int:
    """Run a writer until a block, and for a while; the last block it acknowledged, or 0."""
    reading, writing = os.pipe()
    writer = os.fork()
    if writer == 0:
        os.close(reading)
        write_blocks(directory, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        numbers = pipe.read(8 * first)
        time.sleep(while_s)
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        numbers += pipe.read()
    return int.from_bytes(numbers[-8:], "big")


def check(directory: Path, model: Tree, last: int) -> int:
    """See that the store holds what it must; the number of its newest block."""
    kv = LmdbKV(directory)
    tree = Tree(kv)
    assert tree.version in (last, last + 1), (
        f"block {last} was acknowledged, {tree.version} is there"
    )
    while model.version < tree.version:
        model.update(block(model.version + 1))
    assert tree.root == model.root, f"block {tree.version} is not what it should be"
    assert list(tree.items()) == list(model.items())
    versions = range(tree.first, tree.version + 1)
    wanted = {number for version in versions for number in tree.reachable(version)}
    there = {int.from_bytes(key[1:], "big") for key, _ in kv.scan(b"n")}
    assert there == wanted, "records lie there that no version names"
    kv.close()
    return tree.version


def main() -> None:
    directory, runs, rng = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    model, last, unacknowledged, silent = Tree(MemoryKV()), 0, 0, 0
    Tree(MemoryKV()).update(block(1))  # links the kernels, which every writer then has
    for _ in range(runs):
        first, while_s = rng.randrange(FIRST_MAX), rng.random() * WHILE_MS_MAX / 1000
        said = acknowledged(directory, first, while_s)
        silent += said == 0
        newest = check(directory, model, max(said, last))
        unacknowledged += newest > max(said, last)
        last = newest
    found = {"blocks": last, "unacknowledged": unacknowledged, "silent": silent}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
