"""A contract with every container, and how its answers are read."""

from functools import cache

from numen.vm.host import Outcome
from tests.contracts.stage import Stage, State, compiled, number

SHOWN = 40

SOURCE = """
from numen import array, contract, deque, heap, iterable_map, message, set, view

@contract
class Containers:
    before: u64
    items: array[u64]
    members: set[i64]
    rates: iterable_map[i64, tuple[u64, bool]]
    queue: heap[tuple[i64, u8]]
    line: deque[u64]
    inner: map[u64, heap[u64]]
    after: u64

    @message
    def append(self, x: u64):
        self.items.append(x)
    @message
    def pop(self) -> u64:
        return self.items.pop()
    @message
    def insert(self, i: u64, x: u64):
        self.items.insert(i, x)
    @message
    def swap_remove(self, i: u64) -> u64:
        return self.items.swap_remove(i)
    @view
    def show_items(self) -> tuple[u64, list[u64, 40]]:
        return len(self.items), [self.items[i] if i < len(self.items) else 0 for i in range(40)]

    @message
    def add(self, x: i64) -> bool:
        return self.members.add(x)
    @message
    def discard(self, x: i64) -> bool:
        return self.members.discard(x)
    @message
    def remove(self, x: i64):
        self.members.remove(x)
    @view
    def has(self, x: i64) -> tuple[bool, bool]:
        return x in self.members, x not in self.members
    @view
    def show_members(self) -> tuple[u64, list[i64, 40]]:
        return len(self.members), [
            self.members.at(i) if i < len(self.members) else 0 for i in range(40)
        ]

    @message
    def put(self, k: i64, v: u64, b: bool):
        self.rates[k] = (v, b)
    @message
    def grow(self, k: i64, v: u64):
        old = self.rates[k]
        self.rates[k] = (old[0] + v, old[1])
    @message
    def take(self, k: i64) -> tuple[u64, bool]:
        return self.rates.pop(k)
    @message
    def drop(self, k: i64):
        del self.rates[k]
    @view
    def rate(self, k: i64) -> tuple[bool, tuple[u64, bool]]:
        return k in self.rates, self.rates.get(k, (7, True))
    @view
    def show_rates(self) -> tuple[u64, list[i64, 40], list[u64, 40]]:
        count = len(self.rates)
        keys = [self.rates.key_at(i) if i < count else 0 for i in range(40)]
        return count, keys, [self.rates.get(k, (0, False))[0] for k in keys]

    @message
    def push(self, a: i64, b: u8):
        self.queue.push((a, b))
    @message
    def pop_least(self) -> tuple[i64, u8]:
        return self.queue.pop()
    @view
    def least(self) -> tuple[u64, tuple[i64, u8]]:
        return len(self.queue), self.queue.peek()

    @message
    def back(self, x: u64):
        self.line.append(x)
    @message
    def front(self, x: u64):
        self.line.appendleft(x)
    @message
    def pop_back(self) -> u64:
        return self.line.pop()
    @message
    def pop_front(self) -> u64:
        return self.line.popleft()
    @message
    def change(self, i: u64, x: u64):
        self.line[i] += x
    @view
    def ends(self) -> tuple[u64, u64]:
        return self.line[0], self.line[-1]
    @view
    def show_line(self) -> tuple[u64, list[u64, 40]]:
        return len(self.line), [self.line[i] if i < len(self.line) else 0 for i in range(40)]

    @message
    def push_inner(self, which: u64, x: u64) -> u64:
        self.inner[which].push(x)
        return self.inner[which].peek()

    @message
    def fill(self, n: u64, start: u64):
        for i in range(start, start + n):
            self.items.append(i)
            self.members.add(i64(i))
            self.rates[i64(i)] = (i, True)
            self.queue.push((i64(i * 7919 % 100003), 0))
            self.line.append(i)
"""


@cache
def stage() -> Stage:
    """The contract on both engines, its state empty again."""
    return Stage(compiled(SOURCE))


def fresh() -> Stage:
    found = stage()
    found.state = State()
    return found


def signed(word: int) -> int:
    return word - 2**256 if word >> 255 else word


def words(outcome: Outcome) -> list[int]:
    raw = outcome.result
    return [signed(number(raw, at)) for at in range(len(raw) // 32)]


def shown(found: Stage, signature: str) -> list[int]:
    """The elements that a view shows."""
    raw = found.look(signature)
    parts = [signed(number(raw, at)) for at in range(len(raw) // 32)]
    return parts[1 : 1 + parts[0]]
