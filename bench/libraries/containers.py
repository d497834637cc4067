"""Containers in the state of a contract, against Python's own in memory.

One message does a batch of operations. Ours reads and writes slots of a journal, hashes to find
each, charges for it, and can be forgotten as a whole; Python's do none of that. The other rival is
the same contract in the interpreter.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator

from harness import Call, Contest
from numen.base.crypto import keccak256
from numen.lang.contracts.build import Contract, build
from numen.vm.contract import ContractService
from numen.vm.host import Delivery, Kind, Slots

WORK = 10**12
HERE, SENDER = b"\x11" * 20, b"\x22" * 20

SOURCE = """
from numen import array, contract, deque, heap, iterable_map, map, message, set

@contract
class Containers:
    items: array[u64]
    names: map[u64, u64]
    members: set[u64]
    rates: iterable_map[u64, u64]
    queue: heap[u64]
    line: deque[u64]

    @message
    def run_array(self, n: u64) -> u64:
        for i in range(n):
            self.items.append(i * 7919 % 10007)
        total: u64 = 0
        for i in range(n):
            total += (i + 1) * self.items.swap_remove(i // 2 % (n - i))
        return total
    @message
    def run_map(self, n: u64) -> u64:
        total: u64 = 0
        for i in range(n):
            self.names[i * 7919 % 10007] += i
        for i in range(n):
            total += (i + 1) * self.names[i * 7919 % 10007]
            del self.names[i * 7919 % 10007]
        return total
    @message
    def run_set(self, n: u64) -> u64:
        total: u64 = 0
        for i in range(n):
            self.members.add(i * 7919 % 10007)
        for i in range(10007 - n, 10007):
            if i in self.members:
                total += i
        for i in range(n):
            self.members.remove(i * 7919 % 10007)
        return total
    @message
    def run_iterable_map(self, n: u64) -> u64:
        total: u64 = 0
        for i in range(n):
            self.rates[i * 7919 % 10007] = i
        for i in range(n):
            total += (i + 1) * self.rates.pop(i * 7919 % 10007)
        return total
    @message
    def run_heap(self, n: u64) -> u64:
        total: u64 = 0
        for i in range(n):
            self.queue.push(i * 7919 % 10007)
        for i in range(n):
            total += (i + 1) * self.queue.pop()
        return total
    @message
    def run_deque(self, n: u64) -> u64:
        total: u64 = 0
        for i in range(n):
            self.line.append(i)
            self.line.appendleft(i + 1)
        for i in range(n):
            total += (i + 1) * self.line.pop() + self.line.popleft()
        return total
"""


class Empty(dict[int, int], Slots):
    """A state in which nothing was written."""

    def load(self, key: int) -> int:
        return self.get(key, 0)


def keys(n: int) -> list[int]:
    """Numbers in no order, each once."""
    return [i * 7919 % 10007 for i in range(n)]


def run_array(n: int) -> int:
    """What the message of this name does."""
    items: list[int] = []
    for i in range(n):
        items.append(i * 7919 % 10007)  # noqa: PERF401
    total = 0
    for i in range(n):
        at = i // 2 % (n - i)
        items[at], items[-1] = items[-1], items[at]
        total += (i + 1) * items.pop()
    return total


def run_map(n: int) -> int:
    """What the message of this name does."""
    names: dict[int, int] = {}
    for i, key in enumerate(keys(n)):
        names[key] = names.get(key, 0) + i
    total = 0
    for i, key in enumerate(keys(n)):
        total += (i + 1) * names[key]
        del names[key]
    return total


def run_set(n: int) -> int:
    """What the message of this name does."""
    members: set[int] = set()
    for key in keys(n):
        members.add(key)
    total = sum(i for i in range(10007 - n, 10007) if i in members)
    for key in keys(n):
        members.remove(key)
    return total


def run_iterable_map(n: int) -> int:
    """What the message of this name does."""
    rates: dict[int, int] = {}
    for i, key in enumerate(keys(n)):
        rates[key] = i  # noqa: PERF403
    return sum((i + 1) * rates.pop(key) for i, key in enumerate(keys(n)))


def run_heap(n: int) -> int:
    """What the message of this name does."""
    queue: list[int] = []
    for key in keys(n):
        heapq.heappush(queue, key)
    return sum((i + 1) * heapq.heappop(queue) for i in range(n))


def run_deque(n: int) -> int:
    """What the message of this name does."""
    line: deque[int] = deque()
    for i in range(n):
        line.append(i)
        line.appendleft(i + 1)
    return sum((i + 1) * line.pop() + line.popleft() for i in range(n))


CASES: tuple[tuple[str, str, Callable[[int], int]], ...] = (
    ("array", "list", run_array),
    ("map", "dict", run_map),
    ("set", "set", run_set),
    ("iterable_map", "dict", run_iterable_map),
    ("heap", "heapq", run_heap),
    ("deque", "deque", run_deque),
)
"""Our container, Python's, and the batch in Python."""


def contests(quick: bool) -> Iterator[Contest]:
    """Every container: n elements go in, and out again."""
    count = 32 if quick else 128
    contract = build(SOURCE, file="containers.numen")
    for name, rival, python in CASES:
        yield Contest(
            f"{count} in and out of {name}",
            delivery(contract, "jit", name, count),
            {
                rival: lambda python=python: python(count),
                "our interpreter": delivery(contract, "interp", name, count),
            },
            clock=time.process_time,
        )


def delivery(contract: Contract, engine: str, name: str, count: int) -> Call:
    """A message that does the batch."""
    service = ContractService(contract.program, contract.description, engine=engine)
    payload = keccak256(f"run_{name}(uint64)".encode())[:4] + count.to_bytes(32, "big")
    asked = Delivery(Kind.REQUEST, HERE, SENDER, 0, payload, WORK, 1, 0, 0, None)
    slots = Empty()

    def call() -> object:
        outcome = service.handle(asked, slots)
        assert outcome.failure is None, outcome.failure
        return int.from_bytes(outcome.result, "big")

    return call
