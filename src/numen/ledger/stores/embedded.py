"""Blocks on this machine, in the same `KV` as the state or in one of their own."""

from collections.abc import Container, Iterable, Iterator

from numen.ledger.state.kv import KV
from numen.ledger.stores import cid as cids
from numen.ledger.stores.cid import Cid

_BLOCK, _PIN = b"b", b"p"


class EmbeddedShelf:
    """Blocks in a `KV`, which promises what `Shelf` asks for."""

    def __init__(self, kv: KV) -> None:
        self._kv = kv

    def put(self, blocks: Iterable[tuple[Cid, bytes]]) -> None:
        self._kv.commit([(_BLOCK + bytes(cid), block) for cid, block in blocks])

    def get(self, cid: Cid) -> bytes | None:
        return self._kv.get(_BLOCK + bytes(cid))

    def has(self, cid: Cid) -> bool:
        return self.get(cid) is not None

    def pin(self, root: Cid) -> None:
        self._kv.commit([(_PIN + bytes(root), b"")])

    def unpin(self, root: Cid) -> None:
        self._kv.commit([(_PIN + bytes(root), None)])

    def pins(self) -> Iterator[Cid]:
        return (cids.decode(key[1:]) for key, _ in self._kv.scan(_PIN))

    def collect(self, wanted: Container[Cid]) -> None:
        names = [key for key, _ in self._kv.scan(_BLOCK) if cids.decode(key[1:]) not in wanted]
        self._kv.commit([(key, None) for key in names])
