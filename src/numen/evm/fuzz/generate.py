"""Contracts that call one another, written by chance from statements that mean something.

A statement leaves the stack as high as it was, so most programs run to their end and get to use
what they made; a few instructions anywhere are pure chance. Everything follows from the dice.
"""

from collections.abc import Callable, Sequence
from typing import Final

from numen.evm import meaning
from numen.evm.forks import Fork
from numen.evm.fuzz.inputs import precompile_input
from numen.evm.fuzz.listing import Item, Label, Listing, Op, Push, Raw, Target, assemble, call, op
from numen.evm.fuzz.words import Dice
from numen.evm.opcodes import BY_NAME, OPCODES

_SIGHTS: Final = (
    *("ADDRESS", "ORIGIN", "CALLER", "CALLVALUE", "CALLDATASIZE", "CODESIZE", "GASPRICE"),
    *("RETURNDATASIZE", "COINBASE", "TIMESTAMP", "NUMBER", "PREVRANDAO", "GASLIMIT", "CHAINID"),
    *("BASEFEE", "BLOBBASEFEE", "SELFBALANCE", "PC", "MSIZE", "GAS"),
)
"""Words that need nothing on the stack."""

_LOOKS: Final = ("BALANCE", "EXTCODESIZE", "EXTCODEHASH")
"""Words about an address."""

_SLOTS: Final = 6
"""Most storage is in so many slots, so that programs meet their own writes."""

_DEPTH: Final = 3
"""Deepest nesting of statements, and of values."""


class Author:
    """Writes programs for one fork.

    Args:
        dice: Where all chance comes from.
        fork: Whose opcodes are used.
        addresses: Whom programs call and look at.
    """

    def __init__(self, dice: Dice, fork: Fork, addresses: Sequence[bytes]) -> None:
        self._dice = dice
        self._fork = fork
        self._addresses = [int.from_bytes(address, "big") for address in addresses]
        self._labels = 0
        self._pure = [OPCODES[byte].name for byte in meaning.PURE if byte in fork.base_gas]
        self._sights = [name for name in _SIGHTS if fork.has(name)]
        self._looks = [name for name in _LOOKS if fork.has(name)]
        calls = ("CALL", "CALL", "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL")
        self._calls = [name for name in calls if fork.has(name)]
        self._statements = self._known_statements()

    def program(self, size: int, depth: int = 0) -> list[Item]:
        """Some statements and an end."""
        items: list[Item] = []
        if self._dice.chance(30):
            items += [Push(self._dice.word()) for _ in range(self._dice.between(1, 6))]
        for _ in range(size):
            items += self.statement(depth)
        return items + self._end()

    def statement(self, depth: int) -> list[Item]:
        """One statement; it leaves the stack as high as it was, but for the pure chance."""
        kinds, weights = zip(*self._statements, strict=True)
        (kind,) = self._dice.random.choices(kinds, weights)
        written: list[Item] = kind(depth)
        return written

    def _known_statements(self) -> list[tuple[Callable[[int], list[Item]], int]]:
        has = self._fork.has
        return [
            (self._drop, 6),
            (self._memory, 10),
            (self._store, 10),
            (self._transient, 4 if has("TSTORE") else 0),
            (self._log, 4),
            (self._copy, 6),
            (self._hash, 3),
            (self._loop, 6),
            (self._branch, 6),
            (self._call, 12),
            (self._precompile, 5),
            (self._create, 4),
            (self._stack, 5),
            (self._leave, 2),
            (self._chance, 1),
        ]

    # --- values: each pushes one word -----------------------------------------------------------

    def value(self, depth: int = 0) -> list[Item]:
        """Code that leaves one more word on the stack."""
        dice = self._dice
        kind = dice.below(12) if depth < _DEPTH else dice.below(3)
        if kind < 3:
            return [Push(dice.word())]
        if kind < 7:
            name = dice.random.choice(self._pure)
            operands = [self.value(depth + 1) for _ in range(BY_NAME[name].pops)]
            return call(name, *operands)
        if kind == 7:
            return [op(dice.random.choice(self._sights))]
        if kind == 8:
            return call(dice.random.choice(self._looks), self.address())
        return self._read()

    def _read(self) -> list[Item]:
        dice = self._dice
        names = ["SLOAD", "SLOAD", "MLOAD", "CALLDATALOAD", "BLOCKHASH", "TLOAD", "BLOBHASH"]
        name = dice.random.choice([name for name in names if self._fork.has(name)])
        if name in {"SLOAD", "TLOAD"}:
            return call(name, self._slot())
        if name == "BLOCKHASH":
            return call(name, call("SUB", [op("NUMBER")], dice.below(300)))
        return call(name, dice.below(3) if name == "BLOBHASH" else dice.offset())

    def address(self) -> list[Item]:
        """Code that pushes an address, mostly one that somebody has."""
        dice = self._dice
        kind = dice.below(20)
        if kind == 0:
            return [op("ADDRESS")]
        if kind == 1:
            return [op("CALLER")]
        if kind == 2:
            return [Push(dice.below(20))]
        if kind == 3:
            return call("SLOAD", self._slot())
        return [Push(dice.random.choice(self._addresses))]

    def _slot(self) -> list[Item]:
        dice = self._dice
        if dice.chance(85):
            return [Push(dice.below(_SLOTS))]
        return [Push(dice.word())] if dice.chance(50) else call("KECCAK256", 0, 64)

    # --- statements -----------------------------------------------------------------------------

    def _drop(self, _depth: int) -> list[Item]:
        return [*self.value(), op("POP")]

    def _memory(self, _depth: int) -> list[Item]:
        name = "MSTORE8" if self._dice.chance(20) else "MSTORE"
        return call(name, self._dice.offset(), self.value())

    def _store(self, _depth: int) -> list[Item]:
        value = [Push(self._dice.below(3))] if self._dice.chance(50) else self.value()
        return call("SSTORE", self._slot(), value)

    def _transient(self, _depth: int) -> list[Item]:
        return call("TSTORE", self._slot(), self.value())

    def _log(self, _depth: int) -> list[Item]:
        count = self._dice.below(5)
        topics = [self.value(2) for _ in range(count)]
        return call(f"LOG{count}", self._dice.offset(), self._dice.length(), *topics)

    def _copy(self, _depth: int) -> list[Item]:
        dice = self._dice
        names = ["CALLDATACOPY", "CODECOPY", "EXTCODECOPY", "RETURNDATACOPY", "MCOPY"]
        name = dice.random.choice([name for name in names if self._fork.has(name)])
        to, start, length = dice.offset(), dice.offset(), dice.length()
        if name == "EXTCODECOPY":
            return call(name, self.address(), to, start, length)
        if name == "RETURNDATACOPY" and dice.chance(80):
            start = dice.below(8)  # past the end it is the frame's last instruction
            size = call("SUB", [op("RETURNDATASIZE")], start)
            return call(name, to, start, call("AND", size, 0xFF) if dice.chance(60) else size)
        return call(name, to, start, length)

    def _hash(self, _depth: int) -> list[Item]:
        return [*call("KECCAK256", self._dice.offset(), self._dice.length()), *self._keep()]

    def _loop(self, depth: int) -> list[Item]:
        if depth >= _DEPTH:
            return self._memory(depth)
        dice, label = self._dice, self._new_label()
        count = dice.random.choice((2, 3, 5, 12, 40, 400))
        body: list[Item] = []
        for _ in range(dice.between(1, 2 if count > 20 else 4)):
            body += self.statement(depth + 1)
        step: list[Item] = [
            Push(1),
            op("SWAP1"),
            op("SUB"),
            op("DUP1"),
            Target(label.number),
            op("JUMPI"),
        ]
        return [Push(count), label, *body, *step, op("POP")]

    def _branch(self, depth: int) -> list[Item]:
        if depth >= _DEPTH:
            return self._memory(depth)
        other, end = self._new_label(), self._new_label()
        items = [*self.value(1), Target(other.number), op("JUMPI")]
        items += self.statement(depth + 1)
        if self._dice.chance(50):
            return [*items, other]
        items += [Target(end.number), op("JUMP"), other, *self.statement(depth + 1), end]
        return items

    def _call(self, _depth: int) -> list[Item]:
        dice = self._dice
        name = dice.random.choice(self._calls)
        spans = (dice.offset(), dice.length(), dice.offset(), dice.length())
        operands: list[int | Listing] = [self._gas(), self.address()]
        if name in {"CALL", "CALLCODE"}:
            operands.append(0 if dice.chance(65) else self._wei())
        return [*call(name, *operands, *spans), *self._keep()]

    def _gas(self) -> list[Item]:
        dice = self._dice
        if dice.chance(50):
            return [op("GAS")]
        return [
            Push(dice.word() if dice.chance(20) else dice.random.choice((0, 700, 5_000, 40_000)))
        ]

    def _wei(self) -> list[Item]:
        return (
            [Push(self._dice.random.choice((1, 1, 1000, 10**9)))]
            if self._dice.chance(90)
            else self.value()
        )

    def _precompile(self, _depth: int) -> list[Item]:
        dice = self._dice
        number = dice.random.choice(self._fork.precompiles)
        data = precompile_input(number, dice)
        name = dice.random.choice(self._calls)
        operands: list[int | Listing] = [
            [op("GAS")] if dice.chance(70) else dice.below(100_000),
            number,
        ]
        if name in {"CALL", "CALLCODE"}:
            operands.append(1 if dice.chance(10) else 0)
        run = call(name, *operands, 0, len(data), 512, dice.random.choice((0, 32, 64, 128)))
        return [*_in_memory(data), *run, *self._keep()]

    def _create(self, depth: int) -> list[Item]:
        if depth >= _DEPTH:
            return self._memory(depth)
        dice = self._dice
        data = assemble(self.initcode(depth + 2))
        size = len(data) if dice.chance(90) else dice.length()
        operands: list[int | Listing] = [0 if dice.chance(70) else self._wei(), 0, size]
        if self._fork.has("CREATE2") and dice.chance(50):
            made = call("CREATE2", *operands, dice.below(3))
        else:
            made = call("CREATE", *operands)
        items = [*_in_memory(data), *made]
        if dice.chance(50):
            kind = dice.random.choice([name for name in self._calls if name != "CALLCODE"])
            # The address lies on the stack below what has been pushed so far.
            pushed = [Push(32), Push(0), Push(32), Push(0)]
            wei = [Push(0)] if kind == "CALL" else []
            items += [
                *pushed,
                *wei,
                Op(0x80 + len(pushed) + len(wei)),
                op("GAS"),
                op(kind),
                op("POP"),
            ]
        return items + self._keep()

    def initcode(self, depth: int) -> list[Item]:
        """Code that makes a contract, or fails to."""
        dice = self._dice
        items: list[Item] = []
        for _ in range(dice.below(3)):
            items += self.statement(max(depth, _DEPTH - 1))
        if dice.chance(15):
            return items + self._end()
        if dice.chance(10):
            first = dice.random.choice((0xEF, 0x00, 0xFE, 0x60))
            size = dice.random.choice((1, 2, 32, 24_576, 24_577))
            return [*items, *call("MSTORE8", 0, first), *call("RETURN", 0, size)]
        body = assemble(self.program(dice.between(1, 3), _DEPTH - 1))
        return [*items, *_in_memory(body), *call("RETURN", 0, len(body))]

    def _stack(self, _depth: int) -> list[Item]:
        """Reach down among words that were pushed for it, or, now and then, among any."""
        dice = self._dice
        kind, reach = dice.random.choice((0x80, 0x90)), dice.below(16)
        move = Op(kind + reach)
        if dice.chance(10):
            return [move]
        deep = reach + (1 if kind == 0x80 else 2)
        pushed: list[Item] = [Push(dice.word()) for _ in range(deep)]
        left = deep + (1 if kind == 0x80 else 0)
        return [*pushed, move, *self._keep(), *[op("POP")] * (left - 1)]

    def _leave(self, _depth: int) -> list[Item]:
        """An end that is reached only now and then."""
        label = self._new_label()
        skip = [*self.value(2), Target(label.number), op("JUMPI")]
        return [*skip, *self._end(), label]

    def _chance(self, _depth: int) -> list[Item]:
        dice = self._dice
        if dice.chance(30):
            return [Raw(dice.random.randbytes(dice.between(1, 4)))]
        if dice.chance(30):
            return [*self.value(2), op("JUMP")]
        return [Op(dice.random.choice(list(self._fork.base_gas)))]

    def _end(self) -> list[Item]:
        dice = self._dice
        kind = dice.below(20)
        if kind < 9:
            return call("RETURN", dice.offset(), dice.length())
        if kind < 14 and self._fork.has("REVERT"):
            return call("REVERT", dice.offset(), dice.length())
        if kind == 14:
            return call("SELFDESTRUCT", self.address())
        if kind == 15:
            return [op("INVALID")] if "INVALID" in BY_NAME else [Op(0xFE)]
        return [op("STOP")] if kind < 19 else []

    def _keep(self) -> list[Item]:
        """Take a word off the stack to where it can be seen."""
        kind = self._dice.below(4)
        if kind == 0:
            return [*self._slot(), op("SSTORE")]
        if kind == 1:
            return [op("POP")]
        return [Push(self._dice.below(256)), op("MSTORE")]

    def _new_label(self) -> Label:
        self._labels += 1
        return Label(self._labels)


def _in_memory(data: bytes) -> list[Item]:
    """Statements that put bytes at the start of memory."""
    items: list[Item] = []
    for at in range(0, len(data), 32):
        word = int.from_bytes(data[at : at + 32].ljust(32, b"\0"), "big")
        items += call("MSTORE", at, word)
    return items
