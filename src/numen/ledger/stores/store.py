"""Blobs by content: what is put is named by its bytes, and what is got is checked against its name.

A `Shelf` is a place that keeps blocks and need not be trusted. A `Store` cuts blobs into blocks,
names them as IPFS does, and gives nothing that its shelf altered. What is pinned outlives a
collection.
"""

from collections.abc import Container, Iterable, Iterator
from typing import Protocol

from numen.ledger.stores import unixfs
from numen.ledger.stores.cid import Cid
from numen.ledger.stores.errors import MissingBlobError
from numen.ledger.stores.unixfs import DEFAULT, Shape


class Shelf(Protocol):
    """A place that keeps blocks by name.

    Every method may raise `UnreachableError`, when whoever keeps the blocks does not answer.
    """

    def put(self, blocks: Iterable[tuple[Cid, bytes]]) -> None:
        """Keep blocks; they are safe when this returns."""

    def get(self, cid: Cid) -> bytes | None:
        """What is kept by a name, whatever it is; None for nothing."""

    def has(self, cid: Cid) -> bool:
        """Whether something is kept by a name."""

    def pin(self, root: Cid) -> None:
        """Note that a blob is wanted."""

    def unpin(self, root: Cid) -> None:
        """Note that it is not wanted any more."""

    def pins(self) -> Iterator[Cid]:
        """All blobs that are wanted."""

    def collect(self, wanted: Container[Cid]) -> None:
        """Forget blocks that are not wanted."""


class Store:
    """Blobs on a shelf.

    Args:
        shelf: Keeps their blocks.
        shape: How they are cut: one blob has one name for each shape.
    """

    def __init__(self, shelf: Shelf, shape: Shape = DEFAULT) -> None:
        self._shelf = shelf
        self._shape = shape

    def put(self, blob: bytes) -> Cid:
        """Keep a blob; it is safe when this returns.

        Returns:
            Its name, the same in every store.

        Raises:
            BlobTooLargeError: It has more than `unixfs.BLOB_BYTES_MAX` bytes.
            UnreachableError: The shelf does not answer.
        """
        blocks = list(unixfs.cut(blob, self._shape))
        self._shelf.put(blocks)
        return blocks[-1][0]

    def get(self, root: Cid) -> bytes:
        """Give a blob.

        Raises:
            MissingBlobError: The shelf has not got all of it.
            TamperedError: The shelf gave something else.
            UnreachableError: The shelf does not answer.
        """
        return unixfs.read(root, self._block)

    def has(self, root: Cid) -> bool:
        """Whether the whole blob is there; nothing but nodes is read."""
        try:
            return all(self._shelf.has(cid) for cid in self._names(root))
        except MissingBlobError:
            return False

    def pin(self, root: Cid) -> None:
        """Keep a blob from being collected.

        Raises:
            MissingBlobError: It is not there.
        """
        if not self.has(root):
            raise MissingBlobError(str(root))
        self._shelf.pin(root)

    def unpin(self, root: Cid) -> None:
        """Let a blob be collected, if no other that is pinned shares its blocks."""
        self._shelf.unpin(root)

    def pins(self) -> list[Cid]:
        """All blobs that are pinned, sorted."""
        return sorted(self._shelf.pins())

    def collect(self) -> None:
        """Forget all blocks that no pinned blob has.

        Raises:
            MissingBlobError: A pinned blob lacks a node; nothing is forgotten.
        """
        wanted = {cid for root in self.pins() for cid in self._names(root)}
        self._shelf.collect(wanted)

    def _names(self, root: Cid) -> Iterator[Cid]:
        return (cid for cid, _ in unixfs.walk(root, self._block))

    def _block(self, cid: Cid) -> bytes:
        block = self._shelf.get(cid)
        if block is None:
            raise MissingBlobError(str(cid))
        return block
