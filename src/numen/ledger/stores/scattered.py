"""Blocks spread over peers, none of which has to be trusted, or to be there: any k of n suffice.

A block becomes n shards, one for each peer. A shard carries the root of the Merkle tree over all
shards, and its opening, so one that was altered is known by itself and left out. A peer that makes
up a root of its own is found out by the name of the block, which is the hash of the whole.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import chain
from typing import Annotated

import msgspec
from msgspec import Meta

from numen.base import codec, merkle
from numen.base.codec import U64, CodecError
from numen.base.crypto import Hash32
from numen.base.merkle import MerkleError, Opening
from numen.ledger.stores import cid as cids
from numen.ledger.stores import reed_solomon
from numen.ledger.stores.cid import Cid
from numen.ledger.stores.errors import MissingBlobError, TamperedError, UnreachableError
from numen.ledger.stores.reed_solomon import SHARDS_MAX
from numen.ledger.stores.store import Shelf
from numen.ledger.stores.unixfs import BLOCK_BYTES_MAX, KEPT_BYTES_MAX


class Shard(msgspec.Struct, frozen=True, array_like=True):
    """One peer's part of a block.

    Attributes:
        needed: Shards that suffice.
        size: Bytes of the block.
        root: Root of the tree over the shards, whose number is in the opening.
        opening: Why this shard is one of them.
        data: Its bytes.
    """

    needed: U64
    size: U64
    root: Hash32
    opening: Opening
    data: Annotated[bytes, Meta(max_length=BLOCK_BYTES_MAX)]


class ScatteredShelf:
    """Blocks over peers.

    Args:
        peers: Each a shelf that keeps what it is given by the name of the block; it need not be a
            block of that name. The order matters to nobody but `put`.
        needed: How many of them suffice.
    """

    def __init__(self, peers: Sequence[Shelf], needed: int) -> None:
        assert 1 <= needed <= len(peers) <= SHARDS_MAX
        self._peers = peers
        self._needed = needed

    def put(self, blocks: Iterable[tuple[Cid, bytes]]) -> None:
        """Give each peer its shards.

        Raises:
            UnreachableError: More peers do not answer than may be missing.
        """
        names, rows = [], []
        for cid, block in blocks:
            names.append(cid)
            rows.append(_shards(block, self._needed, len(self._peers)))
        reached = 0
        for peer, shards in zip(self._peers, zip(*rows, strict=True), strict=True):
            try:
                peer.put(list(zip(names, shards, strict=True)))
                reached += 1
            except UnreachableError:
                continue
        if names and reached < self._needed:
            raise UnreachableError(f"{reached} peers answer where {self._needed} are needed")

    def get(self, cid: Cid) -> bytes | None:
        """Put a block together.

        Raises:
            MissingBlobError: Some peers have shards of it, and too few of them are right.
        """
        groups: dict[tuple[bytes, int, int, int], dict[int, bytes]] = {}
        found = 0
        for raw in self._raw(cid):
            found += 1
            shard = _checked(raw)
            if shard is not None:
                group = (shard.root, shard.needed, shard.opening.count, shard.size)
                groups.setdefault(group, {})[shard.opening.index] = shard.data
        for (_, needed, count, size), shards in groups.items():
            if len(shards) >= needed:
                block = reed_solomon.decode(shards, needed, count, size)
                if _is_named(cid, block):
                    return block
        if found:
            most = max(map(len, groups.values()), default=0)
            raise MissingBlobError(str(cid), f"{found} peers have shards, {most} fit together")
        return None

    def has(self, cid: Cid) -> bool:
        """Whether enough peers say that they have a shard."""
        return sum(self._ask(peer, cid) for peer in self._peers) >= self._needed

    def repair(self, cid: Cid) -> None:
        """Give all peers their shards again.

        Raises:
            MissingBlobError: Too few shards are left.
        """
        block = self.get(cid)
        if block is None:
            raise MissingBlobError(str(cid))
        self.put([(cid, block)])

    def pin(self, root: Cid) -> None:
        self._tell_all(lambda peer: peer.pin(root))

    def unpin(self, root: Cid) -> None:
        self._tell_all(lambda peer: peer.unpin(root))

    def pins(self) -> Iterator[Cid]:
        """What enough peers hold to be pinned."""
        listed = [self._list(peer) for peer in self._peers]
        votes = {root: sum(root in pins for pins in listed) for root in set(chain(*listed))}
        return (root for root, count in votes.items() if count >= self._needed)

    def collect(self, wanted: Container[Cid]) -> None:
        self._tell_all(lambda peer: peer.collect(wanted))

    def _raw(self, cid: Cid) -> Iterator[bytes]:
        for peer in self._peers:
            try:
                raw = peer.get(cid)
            except UnreachableError:
                continue
            if raw is not None:
                yield raw

    def _ask(self, peer: Shelf, cid: Cid) -> bool:
        try:
            return peer.has(cid)
        except UnreachableError:
            return False

    def _list(self, peer: Shelf) -> set[Cid]:
        try:
            return set(peer.pins())
        except UnreachableError:
            return set()

    def _tell_all(self, tell: Callable[[Shelf], None]) -> None:
        """Tell every peer; that some do not answer is what there are many for."""
        reached = 0
        for peer in self._peers:
            try:
                tell(peer)
                reached += 1
            except UnreachableError:
                continue
        if reached < self._needed:
            raise UnreachableError(f"{reached} peers answer where {self._needed} are needed")


def _shards(block: bytes, needed: int, total: int) -> list[bytes]:
    parts = reed_solomon.encode(block, needed, total)
    root = merkle.root(parts)
    return [
        codec.encode(
            Shard(needed, len(block), root, merkle.prove(parts, index), part),
            size_max=KEPT_BYTES_MAX,
        )
        for index, part in enumerate(parts)
    ]


def _checked(raw: bytes) -> Shard | None:
    """A shard that is what its root says; None for anything else."""
    try:
        shard = codec.decode(Shard, raw, size_max=KEPT_BYTES_MAX)
        merkle.verify(shard.root, shard.data, shard.opening)
    except (CodecError, MerkleError):
        return None
    total = shard.opening.count
    fits = 1 <= shard.needed <= total <= SHARDS_MAX and shard.size <= BLOCK_BYTES_MAX
    return shard if fits and len(shard.data) == -(-shard.size // shard.needed) else None


def _is_named(cid: Cid, block: bytes) -> bool:
    try:
        cids.check(cid, block)
    except TamperedError:
        return False
    return True
