"""A ledger as it was after an older block, to carry out again what somebody made of that.

Nothing that a version of the state names is ever written again, so all that differs is where the
tree's head and the last header point to. What was pruned is gone, and nothing can be kept here.
"""

from numen.base.codec import encode
from numen.ledger.block import NO_BLOCK, block_id
from numen.ledger.ledger import HEAD, Ledger
from numen.ledger.state.past import Past
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
    view = Past(world.kv, world.state.tree, version, {HEAD: head})
    past = World(view, services=world.services, keys=world.keys, custodians=world.custodians)
    found = Ledger(ledger.chain, past)
    assert found.head == (block_id(block.header) if block is not None else NO_BLOCK)
    return found
