"""Blobs as IPFS cuts them: chunks, and nodes above that link to them, so that the name is the same.

Like ``ipfs add --cid-version=1``: chunks of 256 KiB as raw blocks, and if there is more than one, a
balanced tree of nodes with up to 174 links. A node says how many bytes of the blob lie below each
link; `read` believes none of it, and checks every block against its name and every size against the
bytes.

Source: IPFS's UnixFS and DAG-PB specifications.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from numen.ledger.stores import cid as cids
from numen.ledger.stores import protobuf
from numen.ledger.stores.cid import DAG_PB, RAW, Cid
from numen.ledger.stores.errors import BlobTooLargeError, TamperedError

BLOB_BYTES_MAX = 1 << 28
"""Longest blob."""

BLOCK_BYTES_MAX = 1 << 21
"""Longest block that is read; IPFS's peers exchange none that are longer."""

KEPT_BYTES_MAX = BLOCK_BYTES_MAX + (1 << 12)
"""Most bytes that a shelf keeps by one name: a block, or a peer's shard of it."""

DEPTH_MAX = 8
"""Most nodes above each other that are read."""

BLOCKS_MAX = 1 << 16
"""Most blocks of a blob that are read."""

_FILE = 2
"""The type of a node that is a file, or a part of one."""


class Shape(msgspec.Struct, frozen=True):
    """How blobs are cut.

    Attributes:
        chunk_bytes: Bytes of a chunk.
        links_max: Most links of a node.
    """

    chunk_bytes: int = 1 << 18
    links_max: int = 174


DEFAULT = Shape()
"""What ``ipfs add --cid-version=1`` does."""


class Part(msgspec.Struct, frozen=True):
    """A block, and what a node above says of it.

    Attributes:
        cid: Its name.
        size: Bytes of the blob in it and below.
        total: Bytes of all blocks in it and below.
    """

    cid: Cid
    size: int
    total: int


def cut(blob: bytes, shape: Shape = DEFAULT) -> Iterator[tuple[Cid, bytes]]:
    """Cut a blob into blocks; the last one names the blob.

    Raises:
        BlobTooLargeError: It has more than `BLOB_BYTES_MAX` bytes.
    """
    if len(blob) > BLOB_BYTES_MAX:
        raise BlobTooLargeError(BLOB_BYTES_MAX)
    level = []
    for at in range(0, max(len(blob), 1), shape.chunk_bytes):
        chunk = blob[at : at + shape.chunk_bytes]
        level.append(Part(cids.name(RAW, chunk), len(chunk), len(chunk)))
        yield level[-1].cid, chunk
    while len(level) > 1:
        above = []
        for at in range(0, len(level), shape.links_max):
            part, node = _node(level[at : at + shape.links_max])
            above.append(part)
            yield part.cid, node
        level = above


def read(root: Cid, get: Callable[[Cid], bytes], *, size_max: int = BLOB_BYTES_MAX) -> bytes:
    """Put a blob together.

    Args:
        root: Its name.
        get: Gives the bytes of a block; nothing is believed of them.
        size_max: Most bytes of the blob.

    Raises:
        TamperedError: A block is not what its name says, or a node not a part of a file.
        BlobTooLargeError: There is more than ``size_max``.
    """
    chunks, size = [], 0
    for cid, expected in walk(root, get):
        if cid.codec == RAW:
            chunk = _checked(cid, get)
            if expected not in {None, len(chunk)}:
                raise TamperedError(str(cid), f"{len(chunk)} bytes where {expected} are announced")
            size += len(chunk)
            if size > size_max:
                raise BlobTooLargeError(size_max)
            chunks.append(chunk)
    return b"".join(chunks)


def walk(root: Cid, get: Callable[[Cid], bytes]) -> Iterator[tuple[Cid, int | None]]:
    """The names of all blocks of a blob, in order, nodes before what they link to.

    With each, how many bytes of the blob should be there and below; None for the root. Nodes are
    read and checked, chunks are not.

    Raises:
        TamperedError: A node is not what its name says, or not a part of a file.
    """
    waiting: list[tuple[Cid, int | None, int]] = [(root, None, 0)]
    count = 0
    while waiting:
        cid, size, depth = waiting.pop()
        count += 1
        if depth > DEPTH_MAX or count > BLOCKS_MAX:
            raise TamperedError(str(cid), "more nodes above each other, or blocks, than a blob has")
        yield cid, size
        if cid.codec == DAG_PB:
            links = _links(cid, _checked(cid, get))
            found = sum(part.size for part in links)
            if size not in {None, found}:
                raise TamperedError(str(cid), f"links to {found} bytes where {size} are announced")
            waiting += [(part.cid, part.size, depth + 1) for part in reversed(links)]


def _checked(cid: Cid, get: Callable[[Cid], bytes]) -> bytes:
    block = get(cid)
    if len(block) > BLOCK_BYTES_MAX:
        raise TamperedError(str(cid), f"a block of {len(block)} bytes")
    return cids.check(cid, block)


def _node(parts: Sequence[Part]) -> tuple[Part, bytes]:
    """A node that links to parts; links come first, as IPFS writes them."""
    links = [
        protobuf.data(1, bytes(part.cid)) + protobuf.data(2, b"") + protobuf.number(3, part.total)
        for part in parts
    ]
    size = sum(part.size for part in parts)
    file = protobuf.number(1, _FILE) + protobuf.number(3, size)
    file += b"".join(protobuf.number(4, part.size) for part in parts)
    node = b"".join(protobuf.data(2, link) for link in links) + protobuf.data(1, file)
    total = len(node) + sum(part.total for part in parts)
    return Part(cids.name(DAG_PB, node), size, total), node


def _links(cid: Cid, node: bytes) -> list[Part]:
    """What a node links to.

    Raises:
        TamperedError: It is no node that `_node` would write.
    """
    links: list[tuple[Cid, int]] = []
    sizes: list[int] = []
    for field, value in protobuf.fields(node):
        if field == 2 and isinstance(value, bytes):
            links.append(_link(value))
        elif field == 1 and isinstance(value, bytes):
            sizes = [v for f, v in protobuf.fields(value) if f == 4 and isinstance(v, int)]
    if not links or len(links) != len(sizes):
        raise TamperedError(str(cid), "a node without links, or without their sizes")
    parts = [Part(link, size, total) for (link, total), size in zip(links, sizes, strict=True)]
    if _node(parts)[1] != node:
        raise TamperedError(str(cid), "a node that is not a part of a file in chunks")
    return parts


def _link(raw: bytes) -> tuple[Cid, int]:
    found = dict(protobuf.fields(raw))
    target, total = found.get(1), found.get(3)
    if not isinstance(target, bytes) or not isinstance(total, int):
        raise protobuf.ProtobufError("a link without a name or a size")
    return cids.decode(target), total
