"""Containers in the state do what Python's own do, on both engines."""

import heapq
from collections import deque
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.contracts.containers import SHOWN, fresh, shown, signed, words
from tests.contracts.stage import number, refusal


class Machine(RuleBasedStateMachine):
    """A container beside Python's own."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = fresh()

    def told(self, signature: str, *values: int) -> list[int]:
        return words(self.stage.told(signature, *values))

    def refused(self, why: str, signature: str, *values: int) -> None:
        assert why in refusal(self.stage.ask(signature, *values))


SMALL = st.integers(-9, 9)
KEYS = st.integers(-3, 3)
"""Few, so that most are there."""

WORDS = st.integers(0, 99)


class Arrays(Machine):
    """An array beside a list."""

    model: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.model = []

    @rule(x=WORDS)
    def append(self, x: int) -> None:
        self.told("append(uint64)", x)
        self.model.append(x)

    @rule(at=st.integers(0, 12), x=WORDS)
    def insert(self, at: int, x: int) -> None:
        if at > len(self.model):
            self.refused("index out of bounds", "insert(uint64,uint64)", at, x)
            return
        self.told("insert(uint64,uint64)", at, x)
        self.model.insert(at, x)

    @rule(at=st.integers(0, 12))
    def swap_remove(self, at: int) -> None:
        if at >= len(self.model):
            self.refused("index out of bounds", "swap_remove(uint64)", at)
            return
        self.model[at], self.model[-1] = self.model[-1], self.model[at]
        assert self.told("swap_remove(uint64)", at) == [self.model.pop()]

    @rule()
    def pop(self) -> None:
        if not self.model:
            self.refused("empty", "pop()")
            return
        assert self.told("pop()") == [self.model.pop()]

    @invariant()
    def same(self) -> None:
        assert shown(self.stage, "show_items()") == self.model[:SHOWN]


class Sets(Machine):
    """A set beside a set."""

    def __init__(self) -> None:
        super().__init__()
        self.model: set[int] = set()

    @rule(x=KEYS)
    def add(self, x: int) -> None:
        assert self.told("add(int64)", x) == [x not in self.model]
        self.model.add(x)

    @rule(x=KEYS)
    def discard(self, x: int) -> None:
        assert self.told("discard(int64)", x) == [x in self.model]
        self.model.discard(x)

    @rule(x=KEYS)
    def remove(self, x: int) -> None:
        if x not in self.model:
            self.refused("no such element", "remove(int64)", x)
            return
        self.told("remove(int64)", x)
        self.model.remove(x)

    @invariant()
    def same(self) -> None:
        found = shown(self.stage, "show_members()")
        assert len(found) == len(self.model)
        assert set(found) == self.model

    @rule(x=KEYS)
    def has(self, x: int) -> None:
        raw = self.stage.look("has(int64)", x)
        assert [number(raw), number(raw, 1)] == [x in self.model, x not in self.model]


class Maps(Machine):
    """An iterable map beside a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[int, tuple[int, int]] = {}

    @rule(k=KEYS, v=WORDS, b=st.booleans())
    def put(self, k: int, v: int, b: bool) -> None:
        self.told("put(int64,uint64,bool)", k, v, b)
        self.model[k] = (v, b)

    @rule(k=KEYS, v=WORDS)
    def grow(self, k: int, v: int) -> None:
        if k not in self.model:
            self.refused("no such key", "grow(int64,uint64)", k, v)
            return
        self.told("grow(int64,uint64)", k, v)
        self.model[k] = (self.model[k][0] + v, self.model[k][1])

    @rule(k=KEYS)
    def take(self, k: int) -> None:
        if k not in self.model:
            self.refused("no such key", "take(int64)", k)
            return
        assert self.told("take(int64)", k) == list(self.model.pop(k))

    @rule(k=KEYS)
    def drop(self, k: int) -> None:
        if k not in self.model:
            self.refused("no such key", "drop(int64)", k)
            return
        self.told("drop(int64)", k)
        del self.model[k]

    @rule(k=KEYS)
    def get(self, k: int) -> None:
        raw = self.stage.look("rate(int64)", k)
        expected = [k in self.model, *self.model.get(k, (7, True))]
        assert [number(raw, at) for at in range(3)] == expected

    @invariant()
    def same(self) -> None:
        raw = self.stage.look("show_rates()")
        count = number(raw)
        keys = [signed(number(raw, 1 + at)) for at in range(count)]
        values = [number(raw, 1 + SHOWN + at) for at in range(count)]
        assert len(keys) == len(set(keys))
        assert dict(zip(keys, values, strict=True)) == {k: v for k, (v, _) in self.model.items()}


class Heaps(Machine):
    """A heap beside `heapq`."""

    def __init__(self) -> None:
        super().__init__()
        self.model: list[tuple[int, int]] = []

    @rule(a=SMALL, b=st.integers(0, 3))
    def push(self, a: int, b: int) -> None:
        self.told("push(int64,uint8)", a, b)
        heapq.heappush(self.model, (a, b))

    @rule()
    def pop(self) -> None:
        if not self.model:
            self.refused("empty heap", "pop_least()")
            return
        assert self.told("pop_least()") == list(heapq.heappop(self.model))

    @precondition(lambda self: self.model)
    @invariant()
    def same(self) -> None:
        raw = self.stage.look("least()")
        found = [signed(number(raw, at)) for at in range(3)]
        assert found == [len(self.model), *self.model[0]]


class Deques(Machine):
    """A deque beside a deque."""

    def __init__(self) -> None:
        super().__init__()
        self.model: deque[int] = deque()

    @rule(x=WORDS, is_left=st.booleans())
    def append(self, x: int, is_left: bool) -> None:
        self.told("front(uint64)" if is_left else "back(uint64)", x)
        (self.model.appendleft if is_left else self.model.append)(x)

    @rule(is_left=st.booleans())
    def pop(self, is_left: bool) -> None:
        signature = "pop_front()" if is_left else "pop_back()"
        if not self.model:
            self.refused("empty deque", signature)
            return
        expected = self.model.popleft() if is_left else self.model.pop()
        assert self.told(signature) == [expected]

    @rule(at=st.integers(0, 8), x=WORDS)
    def change(self, at: int, x: int) -> None:
        if at >= len(self.model):
            self.refused("index out of bounds", "change(uint64,uint64)", at, x)
            return
        self.told("change(uint64,uint64)", at, x)
        self.model[at] += x

    @invariant()
    def same(self) -> None:
        assert shown(self.stage, "show_line()") == list(self.model)[:SHOWN]
        if self.model:
            raw = self.stage.look("ends()")
            assert [number(raw), number(raw, 1)] == [self.model[0], self.model[-1]]


MACHINES = (Arrays, Sets, Maps, Heaps, Deques)
FEW = settings(max_examples=10, stateful_step_count=22)
"""220 steps of each machine."""


def case(machine: type[Machine]) -> Any:
    found = machine.TestCase
    found.settings = FEW
    return found


TestArrays, TestSets, TestMaps, TestHeaps, TestDeques = (case(machine) for machine in MACHINES)
