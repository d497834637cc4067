"""Private values: what the compiler lets them do, and where it stops them."""

import pytest

from numen.ir.host import PRIVATE_FROM
from numen.lang.contracts import privacy
from numen.lang.errors import LangError
from numen.vm.contract import ContractService
from numen.vm.host import Delivery, Kind, Reason
from tests.contracts.stage import ALICE, HERE, WORK, Stage, State, call, compiled

PURSE = """
from numen import address, contract, emit, error, event, interface, map, message, reveal, send, view
from numen import deque, heap, iterable_map, set
import numen.std.text as text
from numen import after, cancel, timer, Bounce

@event
class Paid:
    n: u128

@event
class Said:
    word: str[39]

@error
class Bad:
    n: u128

@interface
class Other:
    async def tell(n: u128) -> u128: ...

@contract
class Purse:
    other: Other
    total: Private[u128]
    count: u128
    held: Private[map[address, u128]]
    log: Private[array[u128]]
    rows: Private[list[u128, 3]]
    open: map[u128, u128]
    known: set[u128]
    table: iterable_map[u128, u128]
    least: heap[u128]
    row: deque[u128]
    plain: array[u128]
    word: str[39]
    secret_word: Private[str[39]]

    def double(self, n: u128) -> u128:
        return 2 * n

    def fill(self, rows: list[u128, 2]):
        rows[1] = self.total

    def tell(self, n: u128):
        emit(Paid(n))

    def pick(self, n: u128) -> u128:
        if n > 5:
            return 1
        return 2

    @timer
    def tick(self, n: u128):
        pass

    @message
    async def go(self, n: u128, secret: Private[u128]):
        {}

    @view
    def mine(self) -> u128:
        return self.held[self.sender]

    @view
    def all(self) -> u128:
        return reveal(self.total)

    @view
    def counted(self) -> u128:
        return self.count
"""


BREAKING = """y = u128(0)
        for i in range(9):
            if u128(i) == secret:
                break
            y += 1
        emit(Paid(y))"""

COUNTING = """for i in range(3):
            if secret == u128(i):
                self.total += 1
        self.count += 1"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("emit(Paid(self.total))", "emitted in an event"),
        ("emit(Paid(secret))", "emitted in an event"),
        ("emit(Paid(n + 2 * self.rows[1]))", "emitted in an event"),
        ("emit(Paid(self.double(self.total)))", "emitted in an event"),
        ("self.tell(self.total)", "emitted in an event"),
        ("emit(Paid(u128(len(self.log))))", "emitted in an event"),
        ("raise Bad(self.log.pop())", "told in an error"),
        ("send(self.sender, secret)", "sent in a message"),
        ("p = await self.other.tell(secret)", "sent in a message"),
        ("self.other.tell.send(self.held[self.sender])", "sent in a message"),
        ("after(2, self.tick(secret))", "kept with a timer"),
        ("cancel(u256(secret))", "name a timer"),
        ("self.count = secret", "written to a public variable"),
        ("self.open[secret] = 1", "written to a public variable"),
        ("rows = [n, secret]; emit(Paid(rows[0]))", "emitted in an event"),
        ("rows = [n, n]; self.fill(rows); emit(Paid(rows[0]))", "emitted in an event"),
        ("rows = [n, n]\n        rows[1] = secret\n        emit(Paid(rows[1]))", "emitted in"),
        ("y = n\n        if n > 4:\n            y = secret\n        emit(Paid(y))", "emitted in"),
        ("p = await self.other.tell(n); emit(Paid(secret))", "emitted in an event"),
        (
            "y = n\n        for i in range(3):\n            emit(Paid(y))\n            y = secret",
            "emitted in an event",
        ),
        (
            "rows = [reveal(secret), n]\n        rows[1] = secret\n        emit(Paid(rows[0]))",
            "emit",
        ),
        ("emit(Paid(reveal(secret) + secret))", "emitted in an event"),
        ("if secret > 5:\n            emit(Paid(1))", "whether it comes to this is private"),
        ("if secret > 5:\n            self.count += 1", "whether it comes to this is private"),
        ("if secret > 5:\n            self.tell(1)", "whether it comes to this is private"),
        ("if secret > 5:\n            return\n        emit(Paid(1))", "whether it comes to this"),
        ("if secret > 5:\n            p = await self.other.tell(n)", "whether it comes to this"),
        ("y = 1\n        if secret > 5:\n            y = 2\n        emit(Paid(y))", "emitted in"),
        ("y = 2 if secret > 5 else 1\n        emit(Paid(y))", "emitted in"),
        (
            "y = u128(0)\n        while y < secret:\n            y += 1\n        emit(Paid(y))",
            "emitted in",
        ),
        (BREAKING, "emitted in"),
        (
            "ys = [n, n]\n        if secret > 5:\n            ys[0] = 1\n        emit(Paid(ys[1]))",
            "emitted in",
        ),
        ("emit(Paid(self.pick(secret)))", "emitted in"),
        ("emit(Paid(self.open[secret]))", "emitted in"),
        ("self.known.add(secret)", "written to a public variable"),
        ("self.known.remove(secret)", "written to a public variable"),
        (
            "if secret in self.known:\n            emit(Paid(1))",
            "whether it comes to this is private",
        ),
        ("if secret > 5:\n            self.known.add(n)", "whether it comes to this is private"),
        ("emit(Paid(self.known.at(u64(secret))))", "emitted in"),
        ("self.table[secret] = n", "written to a public variable"),
        ("self.table[n] = secret", "written to a public variable"),
        ("del self.table[secret]", "written to a public variable"),
        ("emit(Paid(self.table[secret]))", "emitted in"),
        ("emit(Paid(self.table.get(n, secret)))", "emitted in"),
        ("emit(Paid(self.table.get(secret, n)))", "emitted in"),
        ("self.least.push(secret)", "written to a public variable"),
        ("self.row.append(secret)", "written to a public variable"),
        ("self.row.appendleft(self.total)", "written to a public variable"),
        ("emit(Paid(self.row[u64(secret)]))", "emitted in"),
        ("self.plain.insert(0, secret)", "written to a public variable"),
        ("self.plain.insert(u64(secret), n)", "written to a public variable"),
        ("if secret > 5:\n            self.row.popleft()", "whether it comes to this is private"),
        ("self.word = self.secret_word", "written to a public variable"),
        ("emit(Said(self.secret_word))", "emitted in"),
        ("emit(Said(text.format_u128(secret)))", "emitted in"),
        ("emit(Paid(u128(text.length(text.format_u128(secret)))))", "emitted in"),
        ("emit(Said(text.upper(self.secret_word)))", "emitted in"),
        ("if self.secret_word == 'yes':\n            emit(Paid(n))", "whether it comes to this"),
        (
            "if text.starts_with(self.secret_word, 'y'):\n            self.word = 'y'",
            "whether it comes to",
        ),
        ("emit(Paid(u128(text.count(self.secret_word, 'y'))))", "emitted in"),
    ],
)
def test_a_private_value_does_not_leave_in_the_clear(body, message):
    with pytest.raises(LangError, match=message):
        compiled(PURSE.format(body))


UNREVEALED = [
    "emit(Paid(n)); self.count += n",
    "self.total += secret; self.held[self.sender] = secret; self.log.append(secret)",
    "self.held[self.sender] += n; self.rows[0] = secret",
    "assert secret > 0, 'too little'",
    "assert secret > 0, 'too little'; emit(Paid(n))",
    "if secret > 500:\n            raise Bad(n)\n        emit(Paid(n))",
    "rows = [n, secret]; self.rows[0] = rows[0]",
    "if secret > 5:\n            self.total = n\n        emit(Paid(n))",
    "y = n\n        if secret > 5:\n            y = 2 * n\n        self.total = y",
    "if n > 5:\n            self.total += secret\n            emit(Paid(n))",
    COUNTING,
    "self.known.add(n); self.table[n] = n; self.least.push(n); self.row.append(n)",
    "if secret in self.known:\n            self.total += 1",
    "self.plain.append(n); self.plain.insert(0, n); self.plain.swap_remove(1)",
    "self.secret_word = text.format_u128(secret)",
]
REVEALED = [
    "emit(Paid(reveal(self.total) + 1))",
    "emit(Paid(self.double(reveal(secret)))); emit(Paid(self.double(n)))",
    "p = await self.other.tell(reveal(secret)); self.total += p * secret",
    "if reveal(secret > 5):\n            emit(Paid(n))",
]


@pytest.mark.parametrize("body", [*UNREVEALED, *REVEALED])
def test_what_stays_inside_or_is_revealed_may_pass(body):
    assert compiled(PURSE.format(body)).description.is_private


@pytest.mark.parametrize("body", UNREVEALED)
def test_what_passes_looks_the_same_whatever_the_secret_is(body):
    contract = compiled(PURSE.format(body))
    service = ContractService(contract.program, contract.description, engine="interp")
    seen = []
    for secret in (1, 2, 7, 300):
        payload = call("go(uint128,uint128)", 9, secret)
        told = Delivery(
            Kind.REQUEST, HERE, ALICE, 0, payload, WORK, 1, 1, 0, has_keys=True, is_sealed=True
        )
        state = State({PRIVATE_FROM + 1: secret, PRIVATE_FROM + 4: secret})
        outcome = service.handle(told, state)
        assert outcome.failure is None
        public = [write for write in outcome.writes if write[0] < PRIVATE_FROM]
        seen.append((outcome.effects, outcome.result, public))
    assert seen == seen[:1] * 4


@pytest.mark.parametrize(
    "of",
    ["set[u128]", "iterable_map[u128, u128]", "heap[u128]", "deque[u128]", "map[u128, set[u128]]"],
)
def test_a_container_of_the_library_is_not_private(of):
    text = PURSE.replace("log: Private[array[u128]]", f"log: Private[{of}]")
    with pytest.raises(LangError, match="cannot be private"):
        compiled(text.format("pass"))


@pytest.mark.parametrize("what", ["insert(0, n)", "swap_remove(0)"])
def test_a_private_array_has_no_method_of_the_library(what):
    with pytest.raises(LangError, match="a private array has no method"):
        compiled(PURSE.format(f"self.log.{what}"))


def test_containers_beside_secrets_keep_to_the_public_slots():
    body = """for i in range(40):
            self.known.add(u128(i))
            self.table[u128(i)] = 2 * u128(i)
            self.least.push(u128(i))
            self.row.append(u128(i))
            self.plain.append(u128(i))
        self.plain.insert(0, 77)
        emit(Paid(self.plain[0] + self.plain[40] + self.table[3] + self.row[39]))"""
    contract = compiled(PURSE.format(body))
    service = ContractService(contract.program, contract.description, engine="interp")
    told = Delivery(
        Kind.REQUEST, HERE, ALICE, 0, call("go(uint128,uint128)", 0, 0), 10 * WORK, 1, 1, 0,
        has_keys=True, is_sealed=True,
    )  # fmt: skip
    outcome = service.handle(told, State())
    assert outcome.failure is None
    assert int.from_bytes(outcome.effects[0].data, "big") == 77 + 39 + 6 + 39
    assert all(key < PRIVATE_FROM for key, _ in outcome.writes)


def test_what_is_followed_is_bounded(monkeypatch):
    monkeypatch.setattr(privacy, "STEPS_MAX", 500)
    compiled(PURSE.format("pass"))
    with pytest.raises(LangError, match="too many ways"):
        compiled(PURSE.format("; ".join(["self.total += secret * n"] * 60)))


def test_the_place_of_a_leak_is_told():
    with pytest.raises(LangError, match=r"test.numen:\d\d:\d+: .*\n.*emit\(Paid\(secret\)\)"):
        compiled(PURSE.format("emit(Paid(secret))"))


def test_a_message_does_not_give_a_private_result():
    text = PURSE.replace("    @view\n    def mine", "    @message\n    def mine").format("pass")
    with pytest.raises(LangError, match="the result of the message mine"):
        compiled(text)


def test_only_messages_and_views_take_what_is_private():
    text = PURSE.replace("def tick(self, n: u128)", "def tick(self, n: Private[u128])")
    with pytest.raises(LangError, match="n cannot be private"):
        compiled(text.format("pass"))


def test_a_contract_does_not_ask_another_for_what_must_be_sealed():
    text = PURSE.replace(
        "async def tell(n: u128) -> u128: ...", "async def tell(n: Private[u128]): ..."
    )
    with pytest.raises(LangError, match="tell takes what is private"):
        compiled(text.format("self.other.tell.send(n)"))


def test_it_is_known_which_messages_are_sealed():
    description = compiled(PURSE.format("pass")).description
    takes = {entry.name for entry in description.entries if entry.takes_private}
    gives = {entry.name for entry in description.entries if entry.gives_private}
    assert takes == {"go"}
    assert gives == {"mine"}


def test_a_contract_without_secrets_has_the_slots_that_it_always_had():
    text = PURSE.replace("secret: Private[u128]", "secret: u128").replace("Private[", "(")
    text = text.replace("(u128]", "u128").replace("(map[address, u128]]", "map[address, u128]")
    text = (
        text.replace("(str[39]]", "str[39]")
        .replace("(array[u128]]", "array[u128]")
        .replace("(list[u128, 3]]", "list[u128, 3]")
    )
    description = compiled(text.format("pass")).description
    assert not description.is_private
    assert not any(entry.takes_private or entry.gives_private for entry in description.entries)


def test_who_has_no_keys_does_not_run_it():
    stage = Stage(compiled(PURSE.format("pass")))
    failed = stage.play(Kind.VIEW, call("counted()"))
    assert failed.failure.reason is Reason.ABSENT
    assert "keys" in failed.failure.detail
