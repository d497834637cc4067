"""What the language of contracts accepts and refuses, and what it says."""

import pytest

from numen.base.codec import encode
from numen.lang.contracts.description import describe
from numen.lang.errors import LangError
from numen.vm.contract import ContractError, ContractService
from numen.vm.host import Cancel, Kind, Reason, Schedule, Send
from tests.contracts.stage import ALICE, BOB, HERE, Stage, call, compiled, number, selector, words

HEAD = """
from numen import (
    address, after, array, at, bytes32, cancel, contract, emit, error, event, every, indexed,
    interface, map, message, on_bounce, payable, receive, send, timer, view, Bounce,
)
from dataclasses import dataclass

@dataclass
class Point:
    x: u64
    y: i64

@event
class Moved:
    by: indexed[address]
    points: list[Point, 2]

@error
class Refused:
    why: u128

@interface
class Other:
    async def ask(n: u128) -> u128: ...
    @payable
    async def pay() -> bool: ...

@contract
class It:
    other: Other
    count: u128
    open: bool
    low: i64
    tag: bytes32
    point: Point
    row: list[Point, 3]
    names: map[u64, map[address, Point]]
    items: array[u64]
    pairs: array[Point]
"""


def it(body: str):
    lines = (f"    {line}" if line else line for line in body.strip("\n").split("\n"))
    return compiled(HEAD + "\n" + "\n".join(lines) + "\n")


def staged(body: str) -> Stage:
    return Stage(it(body))


ASKS = "@message\nasync def f"


# --- what is refused ------------------------------------------------------------------------------

REFUSED = [
    ("@message\ndef f(self): self.missing = 1", "It has no missing"),
    ("@message\ndef f(self): self.sender = self.address", "cannot be changed"),
    ("@message\ndef f(self) -> u128: return self.coutn", "did you mean count"),
    ("@message\ndef f(self): self.items = 1", "cannot be assigned"),
    ("@message\ndef f(self) -> u128: return self.names", "no value"),
    ("@message\ndef f(self): self.count = self.low", "expected u128, found i64"),
    ("@message\ndef f(self, a: address, b: address) -> address: return a + b", "address has no +"),
    ("@message\ndef f(self): self.names[1][2] = Point(1, 2)", "expected address"),
    ("@view\ndef f(self): self.count = 1", "the view f changes something"),
    ("@view\ndef f(self): self.g()\ndef g(self): self.items.append(1)", "changes something"),
    ("@view\ndef f(self): send(self.sender, 1)", "changes something"),
    ("@view\nasync def f(self): pass", "cannot await"),
    ("@message\ndef f(self): x = await self.other.ask(1)", "only an async method waits"),
    ("async def f(self): pass", "cannot await"),
    ("@message\nasync def f(self): x = self.other.ask(1)", "asked by a message"),
    ("@message\nasync def f(self): x = await self.other.nothing(1)", "no message nothing"),
    ("@message\nasync def f(self): x = await self.other.ask()", "takes 1 arguments"),
    ("@message\nasync def f(self): x = await self.other.ask(1, value=2)", "takes no coins"),
    ("@message\nasync def f(self): x = await self.count", "only a request is awaited"),
    ("@message\nasync def f(self): self.g()\n@message\nasync def g(self): pass", "not called"),
    ("@message\ndef f(self):\n    try:\n        self.count = 1\n    except Bounce:\n        pass",
     "begins with an await"),
    ("@message\ndef f(self): raise Moved(self.sender, 1)", "only an error"),
    ("@message\ndef f(self): emit(Refused(1))", "emit takes an event"),
    ("@message\ndef f(self): every(10, self.g())\n@message\ndef g(self): pass", "no timer"),
    ("@message\n@view\ndef f(self): pass", "is message and view"),
    ("@payable\n@view\ndef f(self): pass", "cannot be payable"),
    ("@nonsense\ndef f(self): pass", "no such decorator"),
    ("@message\ndef f(): pass", "begins with self"),
    ("@message\ndef f(self, a): pass", "has no type"),
    ("@message\ndef f(self): self.f()", "recursion"),
    ("@message\ndef count(self): pass", "is a variable too"),
    ("@message\ndef f(self): x = 'text'", "no type here"),
    ("@message\ndef f(self) -> str[4]: return 'longer'", "6 bytes are no"),
    ("@message\ndef f(self) -> bytes[4]: return 'text'", "expected bytes"),
    ("@message\nasync def f(self) -> u128:\n    if self.open: return 1", "ended without a result"),
    (
        f"{ASKS}(self, n: u64):\n    x = await self.other.ask(1)\n    for i in range(n): pass",
        "callback_work",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), REFUSED)
def test_refusals_say_what_and_where(body, message):
    if message == "ended without a result":
        stage = staged(body)
        assert message in str(stage.ask("f()").failure)
        return
    with pytest.raises(LangError) as caught:
        it(body)
    assert message in str(caught.value)
    assert caught.value.place is not None
    assert caught.value.place.line > 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@contract\nclass A:\n    x: map[address]", "map"),
        ("@contract\nclass A:\n    x: map[list[u64, 2], u64]", "a key is one word"),
        ("@contract\nclass A:\n    sender: u64", "means more"),
        ("@contract\nclass A(B):\n    x: u64", "one decorator"),
        (
            "@event\nclass E:\n" + "".join(f"    {name}: indexed[u8]\n" for name in "abcd"),
            "at most 3 indexed",
        ),
        ("x = 1", "no contract"),
        ("@contract\nclass A:\n    x: str[0]", "1 to 1024"),
        ("@contract\nclass A:\n    x: map[str[4], u8]", "a key is one word"),
        ("@event\nclass E:\n    a: list[str[4], 2]", "within a value"),
    ],
)  # fmt: skip
def test_declarations_are_checked(text, message):
    with pytest.raises(LangError, match=message):
        compiled(text)


# --- what is warned of ----------------------------------------------------------------------------

WARNED = [
    ("stale", "x = self.count\ny = await self.other.ask(x)\nself.count = x + y", 4),
    ("stale", "self.count += await self.other.ask(1)", 2),
    (
        "stale",
        "for i in range(3):\n    y = await self.other.ask(self.count, callback_work=9)\n    g(y)",
        4,
    ),
    ("bounce", "ok = await self.other.pay(value=5)", 2),
    ("bounce", "send(self.sender, 5)", 2),
    ("bounce", "self.other.pay.send(value=5)", 2),
    ("loop", "for i in range(len(self.items)):\n    self.count += 1", 2),
    ("loop", "while self.open:\n    self.count += 1", 2),
    ("", "x = self.count\ny = await self.other.ask(x)\nself.count += y", 0),
    ("", "self.count = 5\ny = await self.other.ask(1)\nself.open = y == 1", 0),
    ("", "try:\n    ok = await self.other.pay(value=5)\nexcept Bounce:\n    self.count = 1", 0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "line"), WARNED)
def test_what_is_often_wrong_is_warned_of(kind, body, line):
    body = body.replace("g(y)", "self.trade(y)")
    body = "@message\nasync def f(self):\n" + "\n".join(f"    {each}" for each in body.split("\n"))
    body += "\ndef trade(self, y: u128):\n    self.count = y"
    found = it(body).description.warnings
    first = HEAD.count("\n") + 2
    assert [each.kind for each in found] == ([kind] if kind else [])
    assert all(each.line == first + line for each in found)


def test_a_handler_of_bounces_takes_the_warning_away():
    body = "@message\ndef f(self): send(self.sender, 5)\n@on_bounce\ndef back(self): pass"
    assert it(body).description.warnings == ()


# --- what it does ---------------------------------------------------------------------------------


def test_structs_rows_and_maps_lie_in_slots_one_after_another():
    stage = staged("""
@message
def fill(self, who: address):
    self.point = Point(1, -2)
    self.row[1] = Point(3, -4)
    self.row[2].y -= 5
    self.names[7][who].x = 6
    self.open = True
    self.low = -1
@view
def look(self, i: u64, who: address) -> tuple[Point, list[Point, 3], Point, bool, i64]:
    return self.point, self.row, self.names[7][who], self.open, self.low
@view
def one(self, i: u64) -> i64:
    return self.row[i].y
@message
def clear(self):
    del self.row, self.point.x
""")
    stage.told("fill(address)", BOB)
    expected = words(1, -2, 0, 0, 3, -4, 0, -5, 6, 0, True, -1)
    assert stage.look("look(uint64,address)", 1, BOB) == expected
    assert stage.look("one(uint64)", 2) == words(-5)
    assert stage.state[2] == 1
    assert stage.state[3] == 2**256 - 1
    assert (stage.state[5], stage.state[6]) == (1, 2**256 - 2)
    assert stage.play(Kind.VIEW, call("one(uint64)", 3)).failure.reason is Reason.REVERTED
    stage.told("clear()")
    assert stage.look("look(uint64,address)", 1, BOB)[: 32 * 8] == words(0, -2, *[0] * 6)


def test_arrays_grow_and_shrink():
    stage = staged("""
@message
def push(self, x: u64) -> u64:
    self.items.append(x)
    self.pairs.append(Point(x, -1))
    return len(self.items)
@message
def pull(self) -> tuple[u64, Point]:
    return self.items.pop(), self.pairs.pop()
@message
def put(self, i: u64, x: u64):
    self.items[i] += x
@view
def at_(self, i: u64) -> tuple[u64, i64]:
    return self.items[i], self.pairs[i].y
""")
    assert number(stage.told("push(uint64)", 5).result) == 1
    assert number(stage.told("push(uint64)", 6).result) == 2
    stage.told("put(uint64,uint64)", 1, 10)
    assert stage.look("at_(uint64)", 1) == words(16, -1)
    assert stage.told("pull()").result == words(16, 6, -1)
    assert stage.ask("at_(uint64)", 1).failure is not None
    assert stage.ask("put(uint64,uint64)", 1, 1).failure is not None
    stage.told("pull()")
    assert stage.ask("pull()").failure is not None
    assert all(value == 0 for value in stage.state.values())


def test_the_context_is_what_the_delivery_says():
    stage = staged("""
@payable
@message
def f(self) -> tuple[address, u128, u64, u64, address, u128, bool]:
    is_me = self.sender == self.address
    return self.sender, self.value, self.height, self.now, self.address, self.balance, is_me
""")
    stage.balance = 50
    result = stage.told("f()", value=7, sender=BOB).result
    assert result == words(BOB, 7, 100, 1_700_000_000_000, HERE, 57, False)
    assert number(stage.told("f()", sender=HERE).result, 6) == 1


def test_events_carry_structs_and_lists():
    stage = staged("""
@message
def f(self):
    points = [Point(1, -1), Point(2, -2)]
    emit(Moved(by=self.sender, points=points))
""")
    (found,) = stage.told("f()").effects
    assert found.data == words(1, -1, 2, -2)
    assert found.topics[1] == words(ALICE)


def test_schedules_name_a_timer_that_only_time_calls():
    stage = staged("""
@message
def f(self):
    every(10, self.tick(1), work=500)
    at(7, self.tick(2), key=9)
    after(3, self.tick(3))
    cancel(self.tick)
    cancel(9)
@timer
def tick(self, n: u64):
    self.count += u128(n)
""")
    number_of = int.from_bytes(selector("tick(uint64)"), "big")
    tick = [selector("tick(uint64)") + words(n) for n in range(4)]
    assert stage.told("f()").effects == (
        Schedule(110, 10, 500, tick[1], number_of),
        Schedule(7, 0, 1_000_000, tick[2], 9),
        Schedule(103, 0, 1_000_000, tick[3], number_of),
        Cancel(number_of),
        Cancel(9),
    )
    assert stage.play(Kind.TIMER, tick[3], sender=HERE).failure is None
    assert stage.state[1] == 3
    assert stage.play(Kind.REQUEST, tick[3]).failure.reason is Reason.ABSENT
    assert stage.play(Kind.TIMER, b"\0\0\0\0").failure.reason is Reason.ABSENT


def test_coins_come_and_come_back():
    stage = staged("""
@receive
def coins(self): self.count += self.value
@on_bounce
def back(self): self.low -= i64(self.value)
@message
def f(self, to: address):
    send(to, 5, deadline=9)
    self.other.pay.send(value=6, work=7)
""")
    stage.state[0] = int.from_bytes(BOB, "big")
    stage.play(Kind.REQUEST, b"", value=4)
    stage.play(Kind.BOUNCE, b"why", value=3)
    assert (stage.state[1], stage.state[3]) == (4, 2**256 - 3)
    assert stage.told("f(address)", ALICE).effects == (
        Send(ALICE, 5, b"", 50_000, 9),
        Send(BOB, 6, selector("pay()"), 7),
    )
    assert stage.play(Kind.REPLY, b"late").failure is None


def test_a_message_awaited_by_a_timer_and_lists_across_the_wait():
    stage = staged("""
@timer
async def tick(self, xs: list[u64, 3]):
    ys = [u64(10), 20, 30]
    ys[1] += xs[2]
    got = await self.other.ask(u128(ys[1]))
    total: u64 = 0
    for i in range(3):
        total += xs[i] * ys[i]
    self.count = got + u128(total)
""")
    waiting = stage.play(Kind.TIMER, selector("tick(uint64[3])") + words(1, 2, 3))
    assert waiting.effects[0].payload[4:] == words(23)
    stage.answer(waiting, 1000)
    assert stage.state[1] == 1000 + 1 * 10 + 2 * 23 + 3 * 30


def test_what_cannot_be_kept_across_a_wait_is_refused():
    with pytest.raises(LangError, match="while the method waits"):
        it("""
@message
async def f(self):
    rows = [[u64(1), 2], [u64(3), 4]]
    for row in rows:
        got = await self.other.ask(1, callback_work=9)
        self.count += u128(row[0])
""")


def test_a_contract_is_an_interface_of_itself_in_other_files():
    token = """
from numen import contract, message, view
@contract
class Token:
    n: u128
    @message
    def mint(self, n: u128) -> u128:
        self.n += n
        return self.n
"""
    user = """
from numen import contract, message, address
from token_ import Token
@contract
class User:
    token: Token
    @message
    async def go(self, at: address) -> u128:
        self.token = Token(at)
        return 1 + await self.token.mint(5)
"""
    stage = Stage(compiled(user, token_=token))
    waiting = stage.told("go(address)", BOB)
    assert waiting.effects[0].to == BOB
    assert number(stage.answer(waiting, 41).result) == 42


def test_the_description_has_canonical_bytes():
    made = it("@message\nasync def f(self): x = await self.other.ask(1)")
    raw = encode(made.description)
    assert describe(raw) == made.description
    storage = {each.name: (each.type, each.slot) for each in made.description.storage}
    assert storage["names"] == ("map[u64, map[address, Point]]", 13)


def test_a_description_of_another_program_is_refused():
    one, two = it("@message\ndef f(self): pass"), it("@message\ndef g(self): pass")
    with pytest.raises(ContractError):
        ContractService(one.program, two.description)


def test_an_address_is_a_number_where_one_is_asked_for():
    stage = Stage(
        compiled("""
from numen import address, bytes32, contract, message, u256

@contract
class Numbers:
    @message
    def numbers(self, a: address, b: bytes32) -> u256:
        return u256(a) ^ u256(b) ^ u256(self.sender)
""")
    )
    stage.create()
    outcome = stage.told("numbers(address,bytes32)", BOB, 2**255, sender=ALICE)
    wanted = int.from_bytes(BOB, "big") ^ 2**255 ^ int.from_bytes(ALICE, "big")
    assert number(outcome.result) == wanted
