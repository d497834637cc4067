"""Finding blocks, and places where calls run, by what a client calls them."""

import msgspec

from numen.evm.block import Block
from numen.evm.state import Source
from numen.node.blocks import Sealed
from numen.node.devnode import DevNode
from numen.node.rpc.faults import SERVER, RpcError
from numen.node.rpc.values import BlockId
from numen.node.simulate import Ground, Overrides
from numen.node.surface import Node

LATEST = BlockId("latest")


def find(node: Node, block: BlockId) -> Sealed | None:
    """A block, perhaps the open one, or None where there is none."""
    if block.hash is not None:
        return node.chain.by_hash(block.hash)
    if block.number is not None:
        return node.chain.by_number(block.number)
    if block.tag == "pending":
        return node.open_block()
    return node.chain.blocks[0] if block.tag == "earliest" else node.chain.latest


def require(node: Node, block: BlockId) -> Sealed:
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
