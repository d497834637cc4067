"""What a `KV` held when an older version of the state was the newest: to begin from there again.

Versions share what they have in common and nothing that a version names is written again, so all
of it lies there still; only what says which is the newest is another. Nothing is ever written.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from numen.ledger.state.kv import KV, Get, Writes
from numen.ledger.state.tree import HEAD, Tree, write_head


class Past:
    """An older moment of a `KV`, for who reads.

    Args:
        kv: The present.
        tree: Of its state.
        version: The one to begin from.
        records: What other records were then; None for one that there was not.
    """

    def __init__(
        self, kv: KV, tree: Tree, version: int, records: Mapping[bytes, bytes | None]
    ) -> None:
        self._kv = kv
        head = write_head(tree.first, version)
        self._then: dict[bytes, bytes | None] = {HEAD: head, **records}

    def get(self, key: bytes) -> bytes | None:
        return self._then[key] if key in self._then else self._kv.get(key)

    @contextmanager
    def reading(self) -> Iterator[Get]:
        with self._kv.reading() as get:
            yield lambda key: self._then[key] if key in self._then else get(key)

    def commit(self, writes: Writes) -> None:
        """Refuse: what was is not changed."""
        assert not list(writes), "the past is not written"

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        return self._kv.scan(prefix, after)

    def close(self) -> None:
        """Nothing to let go of."""
