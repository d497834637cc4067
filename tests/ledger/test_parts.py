"""A block that is carried out, or taken over as a diff, and kept only when others agreed."""

import msgspec
import pytest

from numen.ledger.block import seal
from numen.ledger.ledger import BadBlockError
from numen.ledger.state import diff as diffs
from tests.ledger.town import MAKER, Town

B = b"\x0b" * 20


def pay(town: Town, coins: int, who: int = 0) -> bytes:
    return town.calls([(B, b"", coins, 10**5)], who=who)


@pytest.fixture
def pair():
    return Town(), Town()


def drafted(town: Town, *transactions: bytes):
    return town.ledger.draft(transactions, town.ledger.time_ms + 1, town.price, MAKER)


def test_a_draft_changes_nothing_until_it_is_kept(pair):
    town, _ = pair
    root = town.world.state.root
    made = drafted(town, pay(town, 10))
    assert (town.ledger.height, town.world.state.root) == (0, root)
    assert (town.world.last(B).balance, town.balance(B)) == (0, 10)

    town.ledger.abandon()
    assert town.balance(B) == 0
    again = drafted(town, *made.block.transactions)
    assert again == made
    town.ledger.keep(again, [(b"x", b"kept with it")])
    assert (town.ledger.height, town.balance(B), town.world.last(B).balance) == (1, 10, 10)
    assert town.world.state.root == made.block.header.state == made.diff.post_root
    assert town.world.record(b"x") == b"kept with it"
    assert town.ledger.receipts(1) == made.receipts


def test_who_carries_out_and_who_takes_over_a_diff_come_to_one_root(pair):
    leader, follower = pair
    executor = Town()
    for coins in (10, 20, 30):
        made = leader.block(pay(leader, coins), pay(leader, coins, who=1))
        executor.ledger.take(made.block)
        raw = diffs.encode(made.diff)
        follower.ledger.keep(follower.ledger.adopt(made.block, diffs.decode(raw)))
        assert follower.world.state.root == executor.world.state.root == made.block.header.state
        assert follower.ledger.head == leader.ledger.head

    # What was taken over is what the next block is carried out on, and the other way round.
    made = follower.block(pay(leader, 1))
    leader.ledger.take(made.block)
    assert follower.balance(B) == leader.balance(B) == 121


def test_a_wrong_diff_is_refused_and_changes_nothing(pair):
    leader, follower = pair
    made = leader.block(pay(leader, 10))
    other = Town().block(pay(leader, 11))
    account = made.diff.accounts[0]
    without = msgspec.structs.replace(made.diff, accounts=made.diff.accounts[1:])
    renamed = msgspec.structs.replace(made.diff, post_root=bytes(32))
    elsewhere = msgspec.structs.replace(made.diff, pre_root=bytes(32))
    unsorted = msgspec.structs.replace(made.diff, accounts=(account, *made.diff.accounts))
    root = follower.world.state.root
    for wrong in (other.diff, without, renamed, elsewhere, unsorted):
        with pytest.raises(BadBlockError):
            follower.ledger.adopt(made.block, wrong)
    header = msgspec.structs.replace(made.block.header, state=bytes(32))
    with pytest.raises(BadBlockError, match="maker"):
        follower.ledger.adopt(msgspec.structs.replace(made.block, header=header), renamed)
    with pytest.raises(BadBlockError, match="transactions"):
        follower.ledger.adopt(msgspec.structs.replace(made.block, transactions=()), made.diff)
    foreign = msgspec.structs.replace(made.block.header, chain=8)
    with pytest.raises(BadBlockError, match="ledger 8"):
        follower.ledger.adopt(seal(foreign, made.block.transactions, MAKER), made.diff)
    assert (follower.world.state.root, follower.ledger.height) == (root, 0)

    follower.ledger.keep(follower.ledger.adopt(made.block, made.diff))
    assert follower.balance(B) == 10
