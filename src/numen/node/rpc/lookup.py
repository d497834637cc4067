"""Finding blocks, and places where calls run, by what a client calls them."""

import msgspec

from numen.evm.block import Block
from numen.evm.header import Header
from numen.evm.state import Source
from numen.node.blocks import Sealed, bytes_or
from numen.node.devnode import DevNode
from numen.node.rpc.faults import SERVER, RpcError
from numen.node.rpc.values import BlockId
from numen.node.simulate import Ground, Overrides

LATEST = BlockId("latest")


def find(node: DevNode, block: BlockId) -> Sealed | None:
    """A block, perhaps the open one, or None where there is none."""
    if block.hash is not None:
        return node.chain.by_hash(block.hash)
    if block.number is not None:
        return node.chain.by_number(block.number)
    if block.tag == "pending":
        return open_block(node)
    return node.chain.blocks[0] if block.tag == "earliest" else node.chain.latest


def require(node: DevNode, block: BlockId) -> Sealed:
    """A block that is sealed; the open one counts as the last.

    Raises:
        RpcError: There is none.
    """
    if block.tag == "pending":
        return node.chain.latest
    found = find(node, block)
    if found is None:
        raise RpcError(SERVER, f"header not found: {block}")
    return found


def open_block(node: DevNode) -> Sealed:
    """The block that would be sealed now; it has no hash, and its roots are not worked out."""
    block, included, _ = node.draft()
    bloom = bytes_or(each.bloom for each in included)
    header = Header(
        block=block,
        parent_hash=node.chain.latest.hash,
        state_root=bytes(32),
        bloom=bloom.to_bytes(256, "big"),
        gas_used=included[-1].gas_after if included else 0,
        blob_gas_used=sum(each.receipt.blob_gas_used for each in included),
        excess_blob_gas=node.chain.next_excess(),
    )
    moment = node.chain.history.moment
    return Sealed(
        header, tuple(included), b"", header.encode(node.chain.fork), moment, moment, bloom
    )


def ground(node: DevNode, block: BlockId, overrides: Overrides | None = None) -> Ground:
    """Where calls at a block run.

    Raises:
        RpcError: There is no such block.
        UnknownBlockError: Its state is not kept any more.
    """
    found = node.draft()[2] if block.tag == "pending" else node.ground(require(node, block))
    return msgspec.structs.replace(found, overrides=overrides) if overrides else found


def source(node: DevNode, block: BlockId) -> tuple[Source, Block]:
    """The accounts at a block, without those of transactions that wait, and the block.

    Raises:
        RpcError: There is no such block.
        UnknownBlockError: Its state is not kept any more.
    """
    sealed = require(node, block)
    moment = node.chain.moment_of(sealed)
    seen = node.next_block() if block.tag == "pending" else sealed.block
    if moment == node.chain.history.moment:
        return node.chain.state, seen
    return node.chain.history.at(moment), seen
