"""Programs with the shapes that compilers write: branches that meet, loops, internal functions.

The height of the stack is the same wherever control meets, so that regions have phis; what lies in
its slots depends on the way. At the end everything on the stack goes into memory and is returned.
"""

from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.opcodes import BY_NAME
from tests.evm.native.programs import push

WORDS = st.one_of(st.integers(0, 5), st.integers(0, 2**256 - 1), st.sampled_from([2**255, 64, 91]))
UNARY = ("ISZERO", "NOT", "CALLDATALOAD")
BINARY = ("ADD", "SUB", "MUL", "AND", "XOR", "LT", "SGT", "EQ", "DIV", "MOD", "SHR", "SHL", "BYTE")
CANCUN = fork("cancun")


def op(name: str) -> bytes:
    return bytes([BY_NAME[name].byte])


class _Program:
    """A program being drawn; `height` is that of the stack."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.code = bytearray()
        self.height = 0
        self.budget = 40
        self.calls: list[int] = []

    def push(self, word: int) -> None:
        self.code += push(word)
        self.height += 1

    def emit(self, name: str, delta: int) -> None:
        self.code += op(name)
        self.height += delta

    def place(self) -> int:
        """Push a place that is told later."""
        self.code += b"\x61\0\0"
        self.height += 1
        return len(self.code) - 2

    def tell(self, at: int) -> None:
        self.code[at : at + 2] = len(self.code).to_bytes(2, "big")
        self.code += op("JUMPDEST")

    def plain(self) -> None:
        draw = self.draw
        depth = draw(st.integers(1, min(16, max(1, self.height - 1))))
        kind = draw(st.integers(0, 7))
        if kind == 0 or self.height < 3:
            self.push(draw(WORDS))
        elif kind == 1:
            self.emit(f"DUP{depth}", 1)
        elif kind in (2, 3):
            self.emit(f"SWAP{depth}", 0)
        elif kind == 4:
            self.emit(draw(st.sampled_from(UNARY)), 0)
        elif kind == 5:
            self.emit(draw(st.sampled_from(BINARY)), -1)
        else:
            self.effect(draw(st.integers(0, 4)))

    def effect(self, kind: int) -> None:
        self.push(self.draw(st.integers(0, 3)) * (32 if kind < 2 else 1))
        if kind == 0:
            self.emit("MLOAD", 0)
        elif kind == 1:
            self.emit("MSTORE", -2)
        elif kind == 2:
            self.emit("SLOAD", 0)
        elif kind == 3:
            self.emit("SSTORE", -2)
        else:
            self.emit("POP", -1)
            self.emit("GAS", 1)

    def settle(self, height: int) -> None:
        while self.height > height:
            self.emit("POP", -1)
        while self.height < height:
            self.push(self.draw(WORDS))

    def sequence(self, depth: int) -> None:
        for _ in range(self.draw(st.integers(1, 5))):
            if self.budget <= 0:
                return
            self.budget -= 1
            kind = self.draw(st.integers(0, 7)) if depth < 3 else 0
            if kind < 4:
                self.plain()
            elif kind == 4:
                self.branch(depth)
            elif kind == 5:
                self.loop(depth)
            elif kind == 6 and self.calls:
                self.call()
            else:
                self.outside()

    def branch(self, depth: int) -> None:
        self.push(self.draw(WORDS))
        if self.height > 3 and self.draw(st.booleans()):
            self.emit("DUP3", 1)
            self.emit("XOR", -1)
        other = self.place()
        self.emit("JUMPI", -2)
        height = self.height
        self.sequence(depth + 1)
        self.settle(height)
        end = self.place()
        self.emit("JUMP", -1)
        self.tell(other)
        if self.draw(st.booleans()):
            self.sequence(depth + 1)
            self.settle(height)
        self.tell(end)

    def loop(self, depth: int) -> None:
        # The counter lies in memory, out of reach of what the body does to the stack.
        counter = 1024 + 32 * depth
        self.push(self.draw(st.integers(1, 4)))
        self.push(counter)
        self.emit("MSTORE", -2)
        start = len(self.code)
        self.emit("JUMPDEST", 0)
        height = self.height
        self.sequence(depth + 1)
        self.settle(height)
        self.code += push(1) + push(counter) + op("MLOAD") + op("SUB")
        self.code += op("DUP1") + push(counter) + op("MSTORE")
        self.code += b"\x61" + start.to_bytes(2, "big") + op("JUMPI")

    def function(self) -> None:
        """Write an internal function: takes a word above its return address, gives one back."""
        over = self.place()
        self.emit("JUMP", -1)
        self.calls.append(len(self.code))
        self.emit("JUMPDEST", 0)
        height, self.height = self.height, 2
        self.sequence(2)
        self.settle(2)
        self.emit("SWAP1", 0)
        self.emit("JUMP", -1)
        self.height = height
        self.tell(over)

    def call(self) -> None:
        back = self.place()
        self.push(self.draw(WORDS))
        self.code += b"\x61" + self.draw(st.sampled_from(self.calls)).to_bytes(2, "big")
        self.emit("JUMP", -1)
        self.tell(back)

    def outside(self) -> None:
        """A call of precompile 4 with what lies in memory."""
        for word in (32, 96, 64, 0, 4):
            self.push(word)
        self.emit("GAS", 1)
        self.emit("STATICCALL", -5)

    def end(self) -> None:
        words = min(self.height, 12)
        for index in range(words):
            self.code += push(32 * index) + op("MSTORE")
        self.code += (
            push(32 * words + 160)
            + push(0)
            + op(self.draw(st.sampled_from(["RETURN", "REVERT", "STOP"])))
        )


@st.composite
def structured(draw: st.DrawFn) -> bytes:
    program = _Program(draw)
    for _ in range(draw(st.integers(0, 2))):
        program.function()
    program.settle(draw(st.integers(0, 20)))
    program.sequence(0)
    program.end()
    return bytes(program.code)
