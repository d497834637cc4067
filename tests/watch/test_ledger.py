"""A chronicle tells of a ledger what its archive has, and trees as they grow."""

import asyncio

import msgspec
import pytest

from numen.ledger.tree import TreeError
from numen.watch import ledger
from numen.watch.ledger import Chronicle
from numen.watch.market import About
from numen.watch.sources import LedgerSource
from tests.node.ledger_served import AskedLedger, compiled
from tests.node.served import ADDRESSES
from tests.watch.test_metrics import of, read

ABOUT = About("ledger", "node", "node")


@pytest.fixture
def asked():
    """A shop that sold five, and could not sell a million."""
    made = AskedLedger()
    token = made.create(compiled("erc20"), 1000)
    shop = made.create(compiled("shop"), token.address, 3)
    token.send("approve", shop.address, 100)
    shop.send("buy", 5)
    shop.send("buy", 10**6)
    return made


def test_blocks_and_messages_are_counted_as_they_were(asked):
    chronicle = Chronicle(asked.node)
    assert chronicle.catch_up()
    assert not chronicle.catch_up()

    receipts = [
        each
        for height in range(1, asked.node.ledger.height + 1)
        for each in asked.node.archive.receipts(height)
    ]
    shown = chronicle.sections(ABOUT)
    assert shown["ledger"]["messages"] == len(receipts) == sum(b.messages for b in shown["blocks"])
    assert shown["ledger"]["work"] == sum(each.work for each in receipts)
    assert shown["ledger"]["states"]["failed"] == sum(b.failed for b in shown["blocks"]) == 1
    assert shown["ledger"]["failures"] == {"reverted": 1}
    assert [block.height for block in shown["blocks"]] == [1, 2, 3, 4, 5]
    assert msgspec.json.encode(shown)


def test_trees_are_what_followed_causes_first(asked):
    chronicle = Chronicle(asked.node)
    chronicle.catch_up()

    failed, bought, *_ = chronicle.sections(ABOUT)["trees"]

    assert [branch["depth"] for branch in bought["branches"]] == [0, 1, 2]
    assert [branch["kind"] for branch in bought["branches"]] == ["request", "request", "reply"]
    assert {branch["state"] for branch in bought["branches"]} == {"done"}, "the wait is over"
    assert [branch["state"] for branch in failed["branches"]] == ["done", "failed", "done"]
    assert bought["branches"][0]["call"] == "buy(5)"
    assert bought["branches"][0]["to"].startswith("Shop 0x")


def test_why_and_trees_are_found_by_their_beginnings(asked):
    source = LedgerSource(ABOUT, asked.node)
    failed = source.sections()["trees"][0]
    message = failed["branches"][1]["id"]

    assert any("what to do" in said for said in asyncio.run(source.explained(message[:12])))
    assert asyncio.run(source.tree(failed["id"][:12]))["branches"] == failed["branches"]
    with pytest.raises(TreeError):
        asyncio.run(source.tree("ffffffff"))


def test_metrics_are_the_ledger_s(asked):
    found = read(LedgerSource(ABOUT, asked.node).metrics())

    assert of(found, "numen_ledger_height") == 5
    assert of(found, "numen_ledger_messages_total", kind="request", fate="failed") == 1
    assert of(found, "numen_ledger_failures_total", reason="reverted") == 1
    assert of(found, "numen_ledger_queue", queue="pool") == 0


def test_a_view_is_bounded(asked, monkeypatch):
    monkeypatch.setattr(ledger, "BRANCHES_SHOWN", 2)
    monkeypatch.setattr(ledger, "ROOTS_SHOWN", 3)
    monkeypatch.setattr(ledger, "CATCH_UP_MAX", 2)
    chronicle = Chronicle(asked.node)
    rounds = 0
    while chronicle.catch_up():
        rounds += 1

    shown = chronicle.sections(ABOUT)
    assert rounds == 3
    assert len(shown["trees"]) == 3
    assert all(len(tree["branches"]) <= 2 for tree in shown["trees"])
    assert not shown["trees"][0]["is_whole"]


def test_a_log_of_accounts_has_those_of_the_node(asked):
    accounts = Chronicle(asked.node).sections(ABOUT)["accounts"]

    assert ADDRESSES[0].removeprefix("0x").lower() in {each["id"] for each in accounts}
    assert len(accounts) <= ledger.ACCOUNTS_SHOWN
