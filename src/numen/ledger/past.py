"""A ledger as it was after an older block, to carry out again what somebody made of that.

Nothing that a version of the state names is ever written again, so all that differs is where the
tree's head and the last header point to. What was pruned is gone, and nothing can be kept here.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from numen.base.codec import encode
from numen.ledger.block import NO_BLOCK, block_id
from numen.ledger.ledger import HEAD, Ledger
from numen.ledger.state.kv import KV, Get, Writes
from numen.ledger.state.tree import HEAD as TREE_HEAD
from numen.ledger.state.tree import write_head
from numen.ledger.world import World


def before(ledger: Ledger, world: World, height: int) -> Ledger | None:
    """The ledger as it was before the block of a height; None where it never was, or is pruned.

    Args:
        ledger: As it is now.
        world: Its state.
        height: From 1 to one more than the ledger's.

    Cost: some reads; what is carried out then begins with nothing in memory.
    """
    last = height - 1
    version = world.state.tree.version - (ledger.height - last)
    if not 0 <= last <= ledger.height or version < world.state.tree.first:
        return None
    block = ledger.block(last) if last else None
    if last and block is None:
        return None
    head = encode(block.header) if block is not None else None
    view = _Past(world.kv, {TREE_HEAD: write_head(world.state.tree.first, version), HEAD: head})
    found = Ledger(ledger.chain, World(view, services=world.services, keys=world.keys))
    assert found.head == (block_id(block.header) if block is not None else NO_BLOCK)
    return found


class _Past:
    """A `KV` of which some records are others, and which takes nothing."""

    def __init__(self, kv: KV, instead: dict[bytes, bytes | None]) -> None:
        self._kv = kv
        self._instead = instead

    def get(self, key: bytes) -> bytes | None:
        return self._instead[key] if key in self._instead else self._kv.get(key)

    def reading(self) -> AbstractContextManager[Get]:
        return self._reading()

    @contextmanager
    def _reading(self) -> Iterator[Get]:
        with self._kv.reading() as get:
            yield lambda key: self._instead[key] if key in self._instead else get(key)

    def commit(self, writes: Writes) -> None:
        msg = f"the past takes nothing: {len(list(writes))} writes"
        raise AssertionError(msg)

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        return self._kv.scan(prefix, after)

    def close(self) -> None:
        """The disk is another's."""
