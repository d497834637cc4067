"""What an isolated method may not do, and contracts that only say that they are isolated."""

import re

import pytest
from msgspec.structs import replace

from numen.base.codec import U256, encode
from numen.lang.errors import LangError
from numen.vm.contract import ContractService
from numen.vm.host import Continuation, Kind, Reason
from numen.vm.isolated import AGAIN_MAX, READS_MAX, _Answered, _Memo, _Read
from tests.contracts.stage import ALICE, Stage, compiled, selector, words
from tests.contracts.test_isolated import CARELESS, TOKEN, bank

# --- what is refused ------------------------------------------------------------------------------


WAITING = """
from numen import contract, event, emit, interface, isolated, message, payable, send, after, timer
from numen import deque, iterable_map, set

@event
class Seen:
    n: u128

@interface
class Oracle:
    @payable
    async def price() -> u128: ...

@contract
class Wrong:
    oracle: Oracle
    n: u128
    known: set[u64]
    prices: iterable_map[u64, u128]
    last: deque[u128]

    def __init__(self, oracle: Oracle):
        self.oracle = oracle

    def note(self):
        self.n = 1

    @timer
    def tick(self):
        pass

    @message
    @isolated
    async def go(self, n: u64):
        {}
"""


LOOP = """for i in range(n):
            p = await self.oracle.price(callback_work=99_999)
            {}"""

EITHER = """if n > 3:
            self.note()
            return
        p = await self.oracle.price()"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("self.n = 2; p = await self.oracle.price()", "state is written before a wait"),
        ("self.known.add(n); p = await self.oracle.price()", "state is written before a wait"),
        ("self.prices[n] = 1; p = await self.oracle.price()", "state is written before a wait"),
        ("x = self.last.pop(); p = await self.oracle.price()", "state is written before a wait"),
        ("self.note(); p = await self.oracle.price()", "state is written before a wait"),
        ("emit(Seen(2)); p = await self.oracle.price()", "an event is emitted before a wait"),
        ("send(self.sender, 2); p = await self.oracle.price()", "a message is sent before a wait"),
        ("after(2, self.tick()); p = await self.oracle.price()", "a timer is set before a wait"),
        (
            LOOP.format("self.n = p"),
            "state is written before a wait",
        ),
        ("p = await self.oracle.price(value=3)", "sends no coins before it ends"),
    ],
)
def test_what_cannot_be_run_again_is_refused(body, message):
    with pytest.raises(LangError, match=re.escape(message)):
        compiled(WAITING.format(body))


@pytest.mark.parametrize(
    "body",
    [
        "p = await self.oracle.price(); self.n = p; emit(Seen(p)); send(self.sender, 1)",
        EITHER,
        "x = self.prices.get(n, 2); p = await self.oracle.price(); self.prices[n] = x + p",
        LOOP.format("if p == 0:\n                break") + "\n        self.n = 1",
    ],
)
def test_what_happens_after_the_last_wait_is_not(body):
    assert compiled(WAITING.format(body)).description.continuations[0].is_isolated


def test_where_it_means_nothing_it_is_refused():
    with pytest.raises(LangError, match="does not wait"):
        compiled(WAITING.replace("async def go", "def go").format("pass"))
    text = WAITING.replace("@payable\n    async", "@isolated\n    async").format("pass")
    with pytest.raises(LangError, match="means nothing here"):
        compiled(text)


def test_a_loop_before_the_wait_that_nothing_bounds_asks_for_work():
    body = "s = u128(0)\n        for i in range(n):\n            s += self.n\n        {}"
    with pytest.raises(LangError, match="does not bound"):
        compiled(WAITING.format(body.format("p = await self.oracle.price()")))
    compiled(WAITING.format(body.format("p = await self.oracle.price(callback_work=10**6)")))


# --- lies -----------------------------------------------------------------------------------------


def lying(text: str) -> Stage:
    """A contract that says of its methods that they are isolated, which its compiler never saw."""
    contract = compiled(text)
    description = contract.description
    entries = tuple(replace(e, is_isolated=e.is_async) for e in description.entries)
    resumes = tuple(replace(r, is_isolated=True) for r in description.continuations)
    said = replace(description, entries=entries, continuations=resumes)
    stage = Stage(replace(contract, description=said))
    stage.engines = [ContractService(contract.program, said, engine=e) for e in ("jit", "interp")]
    return stage


def test_a_contract_that_only_says_that_it_is_isolated_fails():
    honest = CARELESS.replace("before = self.total", "before = self.total\n        self.total = 5")
    stage = lying(honest)
    stage.create(TOKEN)
    failed = stage.ask("add()")
    assert failed.failure.reason is Reason.TRAPPED
    assert "more than to ask" in failed.failure.detail


@pytest.mark.parametrize("frame", [b"", b"\x90", b"\xff" * 40])
def test_a_memo_that_is_none_fails(frame):
    stage = Stage(bank())
    stage.create(TOKEN)
    failed = stage.play(
        Kind.REPLY, words(1), sender=TOKEN, continuation=Continuation(0, frame, 10**6)
    )
    assert failed.failure.reason is Reason.TRAPPED


READS = (_Read(U256(1), U256(9)),)
MEMO = _Memo(
    Kind.REQUEST, ALICE, U256(1), selector("buy()"), 0, READS, (), bytes(32), b""
)  # fmt: skip


@pytest.mark.parametrize(
    ("altered", "reason"),
    [
        ({"kind": Kind.CREATE}, Reason.TRAPPED),
        ({"payload": b""}, Reason.TRAPPED),
        ({"payload": selector("of(address)") + bytes(32)}, Reason.TRAPPED),
        ({"again": AGAIN_MAX}, Reason.CONFLICT),
        ({"frame": bytes(96), "reads": ()}, Reason.REVERTED),
        ({"answers": (_Answered(bytes(32), True, True, bytes(1 << 16)),) * 3}, None),
    ],
)
def test_a_memo_that_a_stranger_wrote_does_no_more_than_to_fail(altered, reason):
    stage = Stage(bank())
    stage.create(TOKEN)
    frame = encode(replace(MEMO, **altered))
    kept = Continuation(0, frame, 10**6)
    outcome = stage.play(Kind.REPLY, words(1), sender=TOKEN, continuation=kept)
    if reason is None:
        # Answers of another question are forgotten.
        assert outcome.waits
    else:
        assert outcome.failure.reason is reason


def test_what_it_keeps_while_it_waits_is_bounded():
    text = """
from numen import contract, interface, isolated, message

@interface
class Oracle:
    @view
    async def price(n: u128) -> u128: ...

@contract
class Long:
    n: u128

    @message
    @isolated
    async def go(self, oracle: Oracle, a: list[u128, 1000], b: list[u128, 1000], c: list[u128, 45]):
        p = await oracle.price(a[0] + b[0], callback_work=10**6)
        self.n = p
"""
    stage = Stage(compiled(text))
    ask = "go(address,uint128[1000],uint128[1000],uint128[45])"
    failed = stage.ask(ask, TOKEN, *range(2045))
    assert failed.failure.reason is Reason.TOO_LARGE


def test_too_little_work_to_look_for_changes_is_told():
    stage = Stage(bank())
    stage.create(TOKEN)
    waiting = stage.told("buy()", value=1)
    failed = stage.answer(waiting, 3, work=10)
    assert failed.failure.reason is Reason.OUT_OF_WORK


def test_what_it_reads_is_bounded():
    text = """
from numen import contract, interface, isolated, map, message

@interface
class Oracle:
    async def price() -> u128: ...

@contract
class Reader:
    rows: map[u64, u128]

    @message
    @isolated
    async def go(self, oracle: Oracle, n: u64):
        s = u128(0)
        for i in range(n):
            s += self.rows[i]
        p = await oracle.price(callback_work=10**6)
        self.rows[0] = s + p
"""
    stage = Stage(compiled(text))
    assert stage.ask("go(address,uint64)", TOKEN, READS_MAX).failure is None
    failed = stage.ask("go(address,uint64)", TOKEN, READS_MAX + 1)
    assert failed.failure.reason is Reason.TOO_LARGE


def test_what_the_author_says_is_kept_is_all_that_is_kept():
    body = "p = await self.oracle.price({}); self.n = p"
    stated = Stage(compiled(WAITING.format(body.format("callback_work=54_321"))))
    stated.create(TOKEN)
    assert stated.told("go(uint64)", 1).effects[0].continuation.work == 54_321
    sized = Stage(compiled(WAITING.format(body.format(""))))
    sized.create(TOKEN)
    description = sized.contract.description
    (entry,) = [entry for entry in description.entries if entry.name == "go"]
    kept = sized.told("go(uint64)", 1).effects[0].continuation.work
    assert kept == description.continuations[0].work + AGAIN_MAX * entry.again_work
