"""The worked examples, on a ledger."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.testing import Chain, SentError
from tests.contracts.stage import example


@cache
def made(name: str):
    return example(name)


@pytest.fixture
def chain() -> Chain:
    return Chain()


def told(contract, name, *args, **options) -> int:
    """The word that a message gives which waits before it answers."""
    last = [
        receipt
        for receipt in contract.send(name, *args, **options).all
        if receipt.message.target == contract.address and receipt.result
    ]
    return int.from_bytes(last[-1].result, "big")


def test_no_example_is_warned_of():
    for name in ("erc20", "erc721", "auction", "escrow", "amm"):
        assert made(name).description.warnings == (), name


def test_a_token_moves_between_people(chain):
    ann, bob, cleo = chain.people[:3]
    token = chain.deploy(made("erc20"), 1000, name="token")
    sent = token.send("transfer", bob, 30, sender=ann)
    assert sent.result() is True
    assert sent.events() == [("Transfer", {"sender": ann.address, "to": bob.address, "amount": 30})]
    token.send("approve", cleo, 20, sender=bob).unwrap()
    token.send("transferFrom", bob, cleo, 15, sender=cleo).unwrap()
    assert [token.view("balanceOf", who) for who in (ann, bob, cleo)] == [970, 15, 15]
    with pytest.raises(SentError, match="Insufficient"):
        token.send("transferFrom", bob, cleo, 6, sender=cleo).unwrap()


def test_each_thing_has_one_owner(chain):
    ann, bob, cleo = chain.people[:3]
    things = chain.deploy(made("erc721"))
    things.send("mint", ann, 7).unwrap()
    with pytest.raises(SentError, match="minted already"):
        things.send("mint", bob, 7).unwrap()
    with pytest.raises(SentError, match="only the minter"):
        things.send("mint", bob, 8, sender=bob).unwrap()
    with pytest.raises(SentError, match="NotAllowed"):
        things.send("transferFrom", ann, bob, 7, sender=cleo).unwrap()
    things.send("approve", cleo, 7, sender=ann).unwrap()
    things.send("transferFrom", ann, bob, 7, sender=cleo).unwrap()
    assert things.view("ownerOf", 7) == bob.address
    assert (things.view("balanceOf", ann), things.view("balanceOf", bob)) == (0, 1)
    with pytest.raises(SentError, match="NotAllowed"):
        things.send("transferFrom", bob, ann, 7, sender=cleo).unwrap()
    things.send("setApprovalForAll", cleo, True, sender=bob).unwrap()
    things.send("transferFrom", bob, ann, 7, sender=cleo).unwrap()
    with pytest.raises(SentError, match="NoSuchToken"):
        things.view("ownerOf", 9)


def test_an_auction_pays_the_seller_and_gives_back_to_the_rest(chain):
    ann, bob, cleo = chain.people[:3]
    auction = chain.deploy(made("auction"), 1, 12, value=10**6)
    before = [chain.balance(who) for who in (ann, bob, cleo)]
    auction.send("bid", sender=bob, value=50).unwrap()
    with pytest.raises(SentError, match="higher"):
        auction.send("bid", sender=cleo, value=50).unwrap()
    auction.send("bid", sender=cleo, value=80).unwrap()
    assert auction.send("withdraw", sender=bob).result() == 50
    chain.advance(20)
    assert auction.view("state") == (80, 1, 80, True)
    with pytest.raises(SentError, match="over"):
        auction.send("bid", sender=bob, value=90).unwrap()
    assert auction.send("withdraw", sender=ann).result() == 80
    with pytest.raises(SentError, match="nothing is owed"):
        auction.send("withdraw", sender=ann).unwrap()
    after = [chain.balance(who) for who in (ann, bob, cleo)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [80, 0, -80]


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), max_size=8))
@settings(max_examples=10)
def test_the_highest_bids_win_the_lots(lots, bids):
    chain = Chain()
    people = chain.people[:3]
    auction = chain.deploy(made("auction"), lots, 50, value=10**6)
    winning: list[tuple[int, int]] = []
    paid = [0, 0, 0]
    for who, amount in bids:
        is_high = len(winning) < lots or amount > winning[-1][0]
        sent = auction.send("bid", sender=people[who], value=amount)
        assert (sent.failure is None) == is_high
        if is_high:
            # Among equal bids the earlier stand first.
            at = sum(other >= amount for other, _ in winning)
            winning.insert(at, (amount, who))
            paid[who] += amount
            del winning[lots:]

    raised = sum(amount for amount, _ in winning)
    assert auction.view("state")[1:3] == (len(winning), raised)
    for who, person in enumerate(people):
        kept = sum(amount for amount, winner in winning if winner == who)
        assert auction.view("wins", person) == sum(winner == who for _, winner in winning)
        if paid[who] > kept:
            assert auction.send("withdraw", sender=person).result() == paid[who] - kept


@pytest.mark.parametrize("end", ["confirm", "refund", "expire"])
def test_an_escrow_ends_once(chain, end):
    buyer, seller, judge = chain.people[:3]
    escrow = chain.deploy(made("escrow"), buyer, seller, judge, 10)
    with pytest.raises(SentError, match="only the buyer"):
        escrow.send("pay", sender=seller, value=5).unwrap()
    escrow.send("pay", sender=buyer, value=500).unwrap()
    before = chain.balance(buyer), chain.balance(seller)
    with pytest.raises(SentError, match="not yours"):
        escrow.send("confirm", sender=seller).unwrap()
    if end != "expire":
        escrow.send(end, sender=judge).unwrap()
    chain.advance(20)
    expected = (0, 500) if end == "confirm" else (500, 0)
    after = chain.balance(buyer), chain.balance(seller)
    assert (after[0] - before[0], after[1] - before[1]) == expected
    assert escrow.view("state") == (2, 0)
    with pytest.raises(SentError, match="NotNow"):
        escrow.send("refund", sender=judge).unwrap()


@pytest.fixture
def pool(chain):
    first = chain.deploy(made("erc20"), 10**9, name="first")
    second = chain.deploy(made("erc20"), 10**9, name="second")
    return first, second, chain.deploy(made("amm"), first, second, name="pool")


def test_a_pool_trades_and_its_product_never_falls(chain, pool):
    first, second, pool = pool
    ann, bob = chain.people[:2]
    for token in (first, second):
        token.send("approve", pool, 10**8, sender=ann).unwrap()
        token.send("transfer", bob, 10**6, sender=ann).unwrap()
        token.send("approve", pool, 10**6, sender=bob).unwrap()
    assert told(pool, "add", 1_000_000, 4_000_000, sender=ann) == 2_000_000
    product = 4 * 10**12
    for is_first, offered in ((True, 10_000), (False, 50_000), (True, 7), (False, 123_456)):
        quoted = pool.view("quote", is_first, offered)
        before = (first.view("balanceOf", bob), second.view("balanceOf", bob))
        assert told(pool, "swap", is_first, offered, quoted, sender=bob) == quoted
        now = (first.view("balanceOf", bob), second.view("balanceOf", bob))
        gave, took = (0, 1) if is_first else (1, 0)
        assert before[gave] - now[gave] == offered
        assert now[took] - before[took] == quoted
        x, y, _ = pool.view("state")
        assert x * y >= product
        product = x * y
        assert (first.view("balanceOf", pool), second.view("balanceOf", pool)) == (x, y)
    given_back = pool.send("remove", 2_000_000, sender=ann).result()
    assert given_back == (x, y)
    assert pool.view("state") == (0, 0, 0)


def test_a_pool_that_is_not_paid_gives_nothing(chain, pool):
    first, second, pool = pool
    ann, bob = chain.people[:2]
    first.send("approve", pool, 10**6, sender=ann).unwrap()
    # The second token bounces: the first goes back.
    assert told(pool, "add", 1000, 1000, sender=ann) == 0
    assert (first.view("balanceOf", ann), second.view("balanceOf", ann)) == (10**9, 10**9)
    second.send("approve", pool, 10**6, sender=ann).unwrap()
    pool.send("add", 1000, 1000, sender=ann).unwrap()
    assert "Token.transferFrom bounced" in pool.send("swap", True, 10, 0, sender=bob).tree()
    # Less than the least: the given goes back.
    assert told(pool, "swap", True, 10, 10, sender=ann) == 0
    assert first.view("balanceOf", ann) == 10**9 - 1000
    assert pool.view("state") == (1000, 1000, 1000)


def test_the_tree_of_a_swap_shows_who_asked_whom(chain, pool):
    first, second, pool = pool
    ann = chain.people[0]
    for token in (first, second):
        token.send("approve", pool, 10**6, sender=ann).unwrap()
    pool.send("add", 1000, 1000, sender=ann).unwrap()
    tree = pool.send("swap", True, 100, 1, sender=ann).tree()
    assert [line for line in tree.split("\n") if "transferFrom" in line]
    assert "second transfer" in tree
