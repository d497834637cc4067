"""One message at a time: what happens, what goes back, who is answered."""

from numen.base.codec import U256
from numen.ledger import tariff
from numen.ledger.failures import decode_failure
from numen.ledger.receipts import Fate
from numen.ledger.transactions import (
    Call,
    Transaction,
    created_address,
    read,
    sign,
    transaction_id,
)
from numen.vm.host import Kind, Reason
from tests.ledger.scripts import CODE, SEEN, Ask, Script, write
from tests.ledger.town import CHAIN, CONTRACTS, MAKER, PEOPLE, Town

A, B, C, D = CONTRACTS


def slot(town: Town, address: bytes, key: int) -> int:
    return town.world.cell(address).slots.load(key)


def seen(town: Town, address: bytes, kind: Kind) -> int:
    return slot(town, address, SEEN + list(Kind).index(kind))


def test_a_request_that_succeeds_writes_and_keeps_its_coins():
    town = Town()
    made = town.block(town.call(A, Script(((1, 5),)), value=30))

    assert [receipt.fate for receipt in made.receipts] == [Fate.DONE]
    assert slot(town, A, 1) == 5
    assert town.balance(A) == 1030
    assert made.receipts[0].result == b"done"


def test_a_request_that_fails_changes_nothing_and_gives_its_coins_back():
    town = Town()
    made = town.block(town.call(A, Script(((1, 5),), is_failing=True), value=30))

    receipt = made.receipts[0]
    assert receipt.fate is Fate.FAILED
    assert receipt.failure is not None
    assert receipt.failure.reason is Reason.REVERTED
    assert slot(town, A, 1) == 0
    assert town.balance(A) == 1000
    fee = town.balance(MAKER.address)
    assert fee == receipt.work
    assert town.balance(PEOPLE[0].address) == 10**15 - fee


def test_nothing_is_sent_by_a_handler_that_fails():
    town = Town()
    made = town.block(town.call(A, Script(asks=(Ask(B, 5, Script()), Ask(C, 10**9, Script())))))

    assert [receipt.fate for receipt in made.receipts] == [Fate.FAILED]
    assert made.receipts[0].failure is not None
    assert made.receipts[0].failure.reason is Reason.UNPAID
    assert seen(town, B, Kind.REQUEST) == 0


def test_an_answer_resumes_the_handler_that_waits():
    town = Town()
    inner = Script(((2, 1),))
    made = town.block(
        town.call(A, Script(((1, 1),), (Ask(B, 7, inner, Script(((3, 1),))),), waits=True))
    )

    fates = [receipt.fate for receipt in made.receipts]
    assert fates == [Fate.WAITS, Fate.DONE, Fate.DONE]
    assert [r.message.kind for r in made.receipts] == [Kind.REQUEST, Kind.REQUEST, Kind.REPLY]
    assert (slot(town, A, 1), slot(town, B, 2), slot(town, A, 3)) == (1, 1, 1)
    assert town.balance(B) == 1007


def test_a_chain_of_waits_answers_backwards():
    town = Town()
    last = Script(((1, 1),))
    middle = Script(asks=(Ask(C, 0, last, Script(((2, 1),))),), waits=True)
    first = Script(asks=(Ask(B, 0, middle, Script(((3, 1),))),), waits=True)
    made = town.block(town.call(A, first))

    order = [(r.message.kind, r.message.target) for r in made.receipts]
    assert order == [
        (Kind.REQUEST, A), (Kind.REQUEST, B), (Kind.REQUEST, C), (Kind.REPLY, B), (Kind.REPLY, A),
    ]  # fmt: skip
    assert made.receipts[-1].fate is Fate.DONE
    assert not town.world.peek(A).awaits


def test_a_request_that_fails_bounces_to_who_waits_with_its_coins():
    town = Town()
    failing = Script(is_failing=True)
    made = town.block(
        town.call(A, Script(asks=(Ask(B, 7, failing, Script(((3, 1),))),), waits=True))
    )

    bounce = made.receipts[-1].message
    assert bounce.kind is Kind.BOUNCE
    assert bounce.value == 7
    assert decode_failure(bounce.payload).reason is Reason.REVERTED
    assert slot(town, A, 3) == 1
    assert (town.balance(A), town.balance(B)) == (1000, 1000)


def test_coins_that_nobody_waits_for_go_back_where_they_came_from():
    """The payer's to the payer, the contract's own to the contract."""
    town = Town()
    before = town.balance(PEOPLE[0].address)
    town.block(town.call(A, Script(asks=(Ask(B, 50, Script(is_failing=True)),)), value=20))

    fees = town.balance(MAKER.address)
    assert town.balance(PEOPLE[0].address) == before - fees
    assert town.balance(A) == 1000


def test_a_failing_continuation_bounces_to_its_own_caller():
    town = Town()
    middle = Script(asks=(Ask(C, 0, Script(), Script(is_failing=True)),), waits=True)
    first = Script(asks=(Ask(B, 0, middle, Script(((3, 1),))),), waits=True)
    made = town.block(town.call(A, first))

    assert [r.message.kind for r in made.receipts][-2:] == [Kind.REPLY, Kind.BOUNCE]
    assert slot(town, A, 3) == 1


def test_who_asks_a_place_where_nobody_lives_is_told_so():
    town = Town()
    empty = bytes(19) + b"\x09"
    made = town.block(town.call(A, Script(asks=(Ask(empty, 3, Script(), Script()),), waits=True)))

    assert decode_failure(made.receipts[-1].message.payload).reason is Reason.ABSENT
    assert town.balance(A) == 1000


def test_coins_alone_go_to_anybody():
    town = Town()
    town.block(town.calls([(b"\x09" * 20, b"", 12, 2000)]))

    assert town.balance(b"\x09" * 20) == 12


def test_no_answer_in_time_is_an_answer(monkeypatch):
    """The block has no room for B to answer before A's patience ends; then B's answer is stale."""
    town = Town()
    first = Script(asks=(Ask(B, 0, Script(), Script(((3, 1),)), 0, 1),), waits=True)
    monkeypatch.setattr(tariff, "DELIVERIES_MAX", 1)
    receipts = [*town.block(town.call(A, first)).receipts]
    receipts += [r for _ in range(4) for r in town.block().receipts]

    answers = [r for r in receipts if r.message.kind is Kind.BOUNCE]
    assert [r.fate for r in answers] == [Fate.DONE, Fate.STALE]
    assert decode_failure(answers[0].message.payload).reason is Reason.LATE
    assert slot(town, A, 3) == 1


def test_a_timer_runs_at_its_height_and_then_every_period():
    town = Town()
    town.block(town.call(A, Script(timers=((5, 3, 2),)), value=10**6))
    heights = []
    for _ in range(6):
        made = town.block()
        heights += [made.block.header.height for r in made.receipts if r.message.kind is Kind.TIMER]

    assert heights == [3, 5, 7]
    assert slot(town, A, 7) == 3


def test_a_timer_that_cannot_be_paid_is_forgotten():
    town = Town()
    town.block(town.call(A, Script(timers=((5, 2, 1),))))
    receipts = [r for _ in range(4) for r in town.block().receipts]

    assert not receipts  # 1,000 coins do not pay 50,000 units of work
    assert town.world.peek(A).timers == 0


def test_a_cancelled_timer_does_not_run():
    town = Town()
    town.block(town.call(A, Script(timers=((5, 3, 1),)), value=10**6))
    town.block(town.call(A, Script(timers=((5, 0, -1),))))
    assert not [r for _ in range(4) for r in town.block().receipts]


def test_a_contract_is_created_once():
    town = Town()
    made = town.block(town.calls([(b"", CODE + write(Script(((1, 4),))), 5, 10**6)]))
    address = created_address(PEOPLE[0].address, 0, 0)

    assert made.receipts[0].fate is Fate.DONE
    assert town.world.peek(address).code == CODE
    assert slot(town, address, 1) == 4


def test_a_constructor_that_fails_leaves_nothing():
    town = Town()
    town.block(town.calls([(b"", CODE + write(Script(is_failing=True)), 5, 10**6)]))
    address = created_address(PEOPLE[0].address, 0, 0)

    assert town.world.peek(address).code == b""
    assert town.balance(address) == 0


def test_the_same_words_of_two_accounts_are_two_transactions():
    wanted = Transaction(CHAIN, 0, 1, 10, (Call(A, U256(5), b"", 1000),))
    first, second = (read(sign(wanted, key), CHAIN) for key in PEOPLE[:2])

    assert first.transaction == second.transaction
    assert first.id != second.id


def test_a_transaction_is_named_by_its_own_bytes():
    town = Town()
    raw = town.call(A, Script(((1, 5),)))
    found = read(raw, CHAIN)

    assert found.id == transaction_id(found.transaction, found.sender)
    assert found.sender == PEOPLE[0].address
