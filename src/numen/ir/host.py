"""What a contract speaks to while it runs: its slots, and a list of what it asks for.

A host only listens. Nothing that a run writes or emits has happened before somebody takes it from
the journal, so a run that traps leaves nothing behind, and one that is run again says the same.
"""

from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from numen.base.crypto import BadSignatureError, keccak256, recover
from numen.ir.nodes import Instr, Module
from numen.ir.ops import HOST, Op
from numen.ir.trap import Reason, Trap, TrapError

WORD_BYTES: Final = 32

PRIVATE_FROM: Final = 1 << 255
"""Slots from this key on are private, in a contract that has private slots at all."""

SLOTS_MAX: Final = 1 << 16
"""Most slots that one run touches."""

RECORDS_BYTES_MAX: Final = 1 << 20
"""Most bytes of the records of one run, with the head of each."""

RECORD_HEAD_BYTES: Final = 16
"""A record's kind and number of words, each 8 bytes."""


class Host(Protocol):
    """What the instructions of `ops.HOST` call."""

    def load(self, key: int) -> int:
        """What a slot holds, 0 to 2**256 - 1."""
        ...

    def store(self, key: int, value: int) -> None:
        """Write a slot."""
        ...

    def emit(self, kind: int, words: bytes) -> None:
        """Take a record; its words are 32 bytes each, big-endian."""
        ...


class Loads(Protocol):
    """The slots as they are before a run."""

    def load(self, key: int) -> int:
        """What a slot holds; 0 where nothing was ever written."""
        ...


Record: TypeAlias = tuple[int, bytes]
"""What a run emitted: a kind, and words of 32 bytes each, big-endian."""


Writes: TypeAlias = tuple[tuple[int, int], ...]
"""The keys of slots that a run changed, rising, and what they hold now. One that was written
without having been read counts as changed."""


class Journal:
    """The host of the interpreter.

    Attributes:
        records: What was emitted, in order.
    """

    def __init__(self, slots: Loads) -> None:
        self.records: list[Record] = []
        self._slots = slots
        self._before: dict[int, int] = {}
        self._now: dict[int, int] = {}
        self._written: set[int] = set()
        self._bytes = 0

    def load(self, key: int) -> int:
        """What a slot holds now."""
        self._touch(key)
        if key not in self._now:
            self._before[key] = self._now[key] = self._slots.load(key)
        return self._now[key]

    def store(self, key: int, value: int) -> None:
        """Write a slot."""
        self._touch(key)
        self._now[key] = value
        self._written.add(key)

    def emit(self, kind: int, words: bytes) -> None:
        """Take a record."""
        self._bytes += RECORD_HEAD_BYTES + len(words)
        if self._bytes > RECORDS_BYTES_MAX:
            raise TrapError(Trap(Reason.HOST))
        self.records.append((kind, words))

    def writes(self) -> Writes:
        """What was changed."""
        now, before = self._now, self._before
        changed = [key for key in self._written if before.get(key) != now[key]]
        return tuple([(key, now[key]) for key in sorted(changed)])

    def _touch(self, key: int) -> None:
        if key not in self._now and len(self._now) >= SLOTS_MAX:
            raise TrapError(Trap(Reason.HOST))


def needs_host(module: Module) -> bool:
    """Whether a program is a contract's: whether it has an instruction of `ops.HOST`."""
    return first_of(module, HOST) is not None


def first_of(module: Module, ops: frozenset[Op]) -> Instr | None:
    """The first instruction of a module that is one of some, or None."""
    for fn in module.functions.values():
        for block in fn.blocks.values():
            for instr in block.body:
                if instr.op in ops:
                    return instr
    return None


def hash_words(first: int, second: int) -> int:
    """Keccak-256 of two words: where Solidity keeps the value of a key of a mapping."""
    data = first.to_bytes(WORD_BYTES, "big"), second.to_bytes(WORD_BYTES, "big")
    return int.from_bytes(keccak256(*data), "big")


def hash_bytes(words: Sequence[int], size: int) -> int:
    """Keccak-256 of the first bytes of words.

    Args:
        words: At least as many as the bytes take.
        size: How many bytes.
    """
    return int.from_bytes(keccak256(record_bytes(words[: -(-size // WORD_BYTES)])[:size]), "big")


def recover_signer(digest: int, r: int, s: int, v: int) -> int:
    """The account that signed a digest, as a number; 0 where the signature is none.

    What is refused is what `base.crypto.recover` refuses: r or s out of range, s in the upper half,
    v other than 27 and 28, or no such point. Nobody has the account 0.
    """
    raw = r.to_bytes(WORD_BYTES, "big") + s.to_bytes(WORD_BYTES, "big")
    if v not in (27, 28):
        return 0
    try:
        return int.from_bytes(recover(digest.to_bytes(WORD_BYTES, "big"), raw + bytes([v])), "big")
    except BadSignatureError:
        return 0


def record_bytes(words: Sequence[int]) -> bytes:
    """The words of a record as its bytes."""
    return b"".join([word.to_bytes(WORD_BYTES, "big") for word in words])
