"""A ledger as it was: what was true of an older block is found again, and nothing is changed."""

import msgspec
import pytest

from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.ledger.block import seal
from numen.ledger.cell import Account
from numen.ledger.ledger import BadBlockError, Ledger
from numen.ledger.past import before
from numen.ledger.state.kv import MemoryKV
from numen.ledger.transactions import Call, Transaction, sign
from numen.ledger.world import World

ANN, MAKER = SigningKey.from_seed(b"ann"), SigningKey.from_seed(b"maker")
BOB = b"\x0b" * 20
BLOCKS = 5


@pytest.fixture
def ledger():
    world = World(MemoryKV(), {ANN.address: Account(1000), BOB: Account()}.items())
    made = Ledger(7, world)
    for nonce in range(BLOCKS):
        call = Call(BOB, U256(10), b"", 10_000)
        raw = sign(Transaction(7, nonce, 0, 1 << 40, (call,)), ANN)
        made.make((raw,), 1000 * (nonce + 1), 0, MAKER)
    return made, world


@pytest.mark.parametrize("height", range(1, BLOCKS + 1))
def test_an_old_block_is_carried_out_again_on_the_state_before_it(ledger, height):
    now, world = ledger
    root = world.state.root
    past = before(now, world, height)
    assert (past.height, past.chain) == (height - 1, now.chain)
    block = now.block(height)
    past.check(block)
    false = seal(msgspec.structs.replace(block.header, state=bytes(32)), block.transactions, MAKER)
    with pytest.raises(BadBlockError, match="its state"):
        before(now, world, height).check(false)
    assert (now.height, world.state.root) == (BLOCKS, root)


def test_the_past_keeps_nothing(ledger):
    now, world = ledger
    past = before(now, world, 3)
    with pytest.raises(AssertionError, match="is not written"):
        past.keep(past.check(now.block(3)))
    assert now.block(BLOCKS) is not None


def test_what_never_was_or_is_pruned_is_not_there(ledger):
    now, world = ledger
    assert before(now, world, 0) is None
    assert before(now, world, BLOCKS + 2) is None
    assert before(now, world, BLOCKS + 1).head == now.head
    world.state.tree.prune(world.state.tree.version - 1)
    assert before(now, world, 2) is None
    assert before(now, world, BLOCKS) is not None
