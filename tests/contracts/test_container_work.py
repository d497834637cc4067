"""What containers cost, keep and leave behind, and what is refused of them."""

import heapq
import random

import pytest

from numen.lang.errors import LangError
from numen.vm.host import Kind
from tests.contracts.containers import fresh, shown, stage, words
from tests.contracts.stage import Stage, call, compiled, refusal
from tests.contracts.stage import words as words_of


def test_a_deep_heap_gives_what_heapq_gives():
    found, model, dice = fresh(), list[tuple[int, int]](), random.Random(5)
    for step in range(260):
        if step < 120 or dice.random() < 0.4:
            entry = (dice.randrange(-(2**63), 2**63), dice.randrange(4))
            found.told("push(int64,uint8)", *entry)
            heapq.heappush(model, entry)
        else:
            assert words(found.told("pop_least()")) == list(heapq.heappop(model))
    while model:
        assert words(found.told("pop_least()")) == list(heapq.heappop(model))

    assert not any(found.state.values())


def test_keys_come_and_go_as_those_of_a_set_and_a_dict():
    found, keys, rates, dice = fresh(), set[int](), dict[int, int](), random.Random(9)
    for step in range(240):
        key = dice.randrange(8)
        if dice.random() < 0.5:
            assert words(found.told("add(int64)", key)) == [key not in keys]
            found.told("put(int64,uint64,bool)", key, step, 0)
            keys.add(key)
            rates[key] = step
        else:
            assert words(found.told("discard(int64)", key)) == [key in keys]
            keys.discard(key)
            if key in rates:
                assert words(found.told("take(int64)", key)) == [rates.pop(key), 0]
        if step % 8 == 0:
            assert sorted(shown(found, "show_members()")) == sorted(keys)
            assert sorted(shown(found, "show_rates()")) == sorted(rates)


def test_what_is_taken_out_leaves_nothing():
    found = fresh()
    found.told("fill(uint64,uint64)", 5, 1)
    for _ in range(5):
        found.told("swap_remove(uint64)", 0)
        found.told("pop_least()")
        found.told("pop_front()")
    for k in (3, 1, 5, 4, 2):
        found.told("discard(int64)", k)
        found.told("drop(int64)", k)

    # All that is left is where the deque will begin, which stands behind its length.
    line = next(each.slot for each in stage().contract.description.storage if each.name == "line")
    assert {key: word for key, word in found.state.items() if word} == {line + 1: 5}


def test_containers_do_not_touch_what_stands_beside_them():
    found = fresh()
    found.told("fill(uint64,uint64)", 5, 1)
    storage = {each.name: each.slot for each in found.contract.description.storage}

    own = {key for key, word in found.state.items() if key < 64 and word}
    assert own == {storage[name] for name in ("items", "members", "rates", "queue", "line")}
    assert found.told("push_inner(uint64,uint64)", 1, 9).result[-1] == 9
    assert found.told("push_inner(uint64,uint64)", 2, 4).result[-1] == 4
    assert found.told("push_inner(uint64,uint64)", 1, 7).result[-1] == 7


def test_insert_moves_a_bounded_number():
    found = fresh()
    found.told("fill(uint64,uint64)", 200, 0)
    found.told("fill(uint64,uint64)", 57, 200)

    assert "more than 256" in refusal(found.ask("insert(uint64,uint64)", 0, 1))
    found.told("insert(uint64,uint64)", 1, 77)
    assert shown(found, "show_items()")[:3] == [0, 77, 1]


STEADY = [
    ("append(uint64)", (1,)), ("pop()", ()), ("swap_remove(uint64)", (3,)), ("add(int64)", (-5,)),
    ("discard(int64)", (3,)), ("put(int64,uint64,bool)", (-5, 1, 1)), ("take(int64)", (3,)),
    ("back(uint64)", (1,)), ("front(uint64)", (1,)), ("pop_back()", ()), ("pop_front()", ()),
    ("change(uint64,uint64)", (3, 1)),
]  # fmt: skip


def test_the_work_of_an_operation_does_not_grow_with_the_container():
    small, large = fresh(), Stage(stage().contract)
    small.told("fill(uint64,uint64)", 10, 0)
    for part in range(5):
        large.told("fill(uint64,uint64)", 100, 100 * part)

    for signature, values in STEADY:
        assert small.told(signature, *values).work == large.told(signature, *values).work, signature


def test_the_work_of_a_heap_grows_with_the_logarithm():
    small, large = fresh(), Stage(stage().contract)
    small.told("fill(uint64,uint64)", 15, 0)
    for part in range(5):
        large.told("fill(uint64,uint64)", 103 if part == 0 else 102, 1000 * part)

    # 15 elements are four levels, 511 are nine: a level more costs so much at most.
    least = -(2**63)
    for signature, values in (("push(int64,uint8)", (least, 0)), ("pop_least()", ())):
        few, many = (found.told(signature, *values).work for found in (small, large))
        assert few < many <= few * 9 / 4, signature


HELPED = "x: deque[u64]\n    def g(self) -> u64: return self.x.pop()\n"
PAIRED = "x: iterable_map[u64, u64]\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("x: set[list[u64, 2]]", "a key is one word"),
        ("x: set", "set needs its parts"),
        ("x: heap[str[8]]", "words that have an order"),
        ("x: heap[felt]", "words that have an order"),
        ("x: heap[list[u64, 2]]", "words that have an order"),
        ("x: deque[map[u64, u64]]", "is not a type"),
        ("x: iterable_map[u64, set[u64]]", "is not a type"),
        ("x: set[u64]\n    @message\n    def f(self): self.x = 1", "cannot be assigned"),
        ("x: set[u64]\n    @message\n    def f(self): del self.x", "cannot be cleared"),
        ("x: set[u64]\n    @message\n    def f(self): self.x.push(1)", "has no method push"),
        ("x: set[u64]\n    @message\n    def f(self): self.x.add()", "it takes 1 arguments"),
        (
            "x: set[u64]\n    @message\n    def f(self): self.x.add(True)",
            "expected u64, found bool",
        ),
        ("x: set[u64]\n    @message\n    def f(self) -> u64: return self.x", "is no value"),
        ("x: set[u64]\n    @message\n    def f(self) -> u64: return self.x[0]", "has no elements"),
        ("x: set[u64]\n    @view\n    def f(self): self.x.add(1)", "the view f changes something"),
        (PAIRED + "    @message\n    def f(self): self.x[1] += self.x.pop(1)", "this may change"),
        (HELPED + "    @message\n    def f(self): self.x[0] += self.g()", "this may change self.x"),
    ],
)
def test_refusals_say_what_is_wrong(body, message):
    with pytest.raises(LangError) as caught:
        compiled(f"from numen import contract, message, view\n\n@contract\nclass A:\n    {body}\n")
    assert message in str(caught.value)
    assert caught.value.place is not None


def test_the_library_of_containers_is_not_for_programs():
    with pytest.raises(LangError, match=r"no module numen\.std\.containers"):
        compiled("from numen.std.containers import set_add\n")


def test_a_loop_whose_state_a_container_decides_is_warned_of():
    found = compiled(
        "from numen import contract, message, set\n\n@contract\nclass A:\n    x: set[u64]\n"
        "    @message\n    def f(self):\n        for i in range(len(self.x)):\n            pass\n"
    )

    assert [warned.kind for warned in found.description.warnings] == ["loop"]


TEXTS = """
from numen import contract, deque, iterable_map, message

@contract
class Texts:
    line: deque[str[40]]
    names: iterable_map[u64, str[40]]

    @message
    def push(self, text: str[40]) -> str[40]:
        self.line.append(text)
        self.names[7] = text
        return self.line[-1]
    @message
    def pop(self) -> str[40]:
        self.names.pop(7)
        return self.line.popleft()
"""


def test_containers_hold_texts():
    found = Stage(compiled(TEXTS))
    text = "é" * 20
    payload = call("push(string)") + words_of(32, 40) + text.encode().ljust(64, b"\0")

    pushed = found.play(Kind.REQUEST, payload)

    assert pushed.failure is None
    assert pushed.result == payload[4:]
    assert found.told("pop()").result == payload[4:]


WAITING = """
from numen import array, contract, deque, heap, interface, iterable_map, message, set

@interface
class Other:
    async def ask() -> u64: ...

@contract
class Waiting:
    other: Other
    items: array[u64]
    members: set[u64]
    rates: iterable_map[u64, u64]
    queue: heap[u64]
    line: deque[u64]

    @message
    async def go(self) -> u64:
        x = await self.other.ask()
        {body}
        return x
"""

AFTER = [
    "self.items.insert(0, x)", "self.items.swap_remove(x)", "self.members.add(x)",
    "self.members.discard(x)", "self.rates[x] = x", "self.rates.pop(x)", "self.queue.push(x)",
    "self.queue.pop()", "self.line.appendleft(x)", "self.line.pop()",
]  # fmt: skip


@pytest.mark.parametrize("body", AFTER)
def test_what_a_container_costs_after_a_wait_is_known(body):
    found = compiled(WAITING.format(body=body)).description.continuations[0].work

    # The compiler asks for nothing, and keeps back enough for the longest that it can take.
    assert 0 < found < 2_000_000
