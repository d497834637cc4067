"""Programs for one frame that do something: operands are pushed before opcodes that need them.

They come from a seed and not from Hypothesis's own choices, which cost a tenth of a second for a
program of some size; a seed that fails is an example to keep.
"""

from collections.abc import Iterable
from random import Random

from numen.evm import meaning
from numen.evm.forks import Fork
from numen.evm.opcodes import BY_NAME, OPCODES

EDGES = sorted(
    {
        (1 << bits) + delta
        for bits in (1, 8, 31, 32, 63, 64, 127, 128, 160, 255)
        for delta in (-1, 0, 1)
    }
    | {2**256 - 1, 2**256 - 2, 2**256 - 32, 2**256 - 2**64, 2**255 - 1, 0, 31, 32, 33, 1024}
)
PLAIN_WORDS = [
    op.name for op in OPCODES.values() if (op.pops, op.pushes, op.immediate) == (0, 1, 0)
]


def push(word: int) -> bytes:
    """The shortest PUSH of a word that every fork has."""
    data = word.to_bytes(max(1, -(-word.bit_length() // 8)), "big")
    return bytes([0x5F + len(data)]) + data


def call(name: str, *operands: int) -> bytes:
    """An opcode after its operands, given in the order they are popped."""
    return b"".join(push(word) for word in reversed(operands)) + bytes([BY_NAME[name].byte])


class Writer:
    """Writes programs for one fork."""

    def __init__(self, fork: Fork, seed: int) -> None:
        self._random = Random(seed)
        self._fork = fork
        self._pure = self._known(OPCODES[byte].name for byte in meaning.PURE)
        self._words = self._known(PLAIN_WORDS)
        self._copies = self._known(["CALLDATACOPY", "CODECOPY", "RETURNDATACOPY", "MCOPY"])

    def program(self) -> bytes:
        """Pieces in blocks, some of them loops or skipped, and an end that shows everything."""
        r = self._random
        code = b"".join(push(self._word()) for _ in range(r.randint(4, 20)))
        for _ in range(r.randint(1, 5)):
            body = b"".join(self._piece() for _ in range(r.randint(1, 8)))
            code += self._wrapped(len(code), body)
        return code + self._end()

    def _known(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._fork.has(name)]

    def _word(self) -> int:
        r = self._random
        match r.randrange(4):
            case 0:
                return r.choice(EDGES)
            case 1:
                return r.randrange(300)
            case 2:
                return r.getrandbits(256)
            case _:
                return (1 << r.randrange(257)) - 1

    def _offset(self) -> int:
        r = self._random
        return r.choice(EDGES) if r.random() < 0.03 else r.randrange(r.choice((70, 400, 3000)))

    def _length(self) -> int:
        r = self._random
        return r.choice(EDGES) if r.random() < 0.03 else r.choice((0, 0, 32, 64, r.randrange(200)))

    def _piece(self) -> bytes:
        """Straight code that leaves the stack about as high as it was."""
        r = self._random
        match r.randrange(12):
            case 0:
                return push(self._word())
            case 1 | 2 | 3:
                name = r.choice(self._pure)
                return call(name, *(self._word() for _ in range(BY_NAME[name].pops)))
            case 4:
                return bytes([BY_NAME[r.choice(self._pure)].byte])
            case 5:
                return bytes([BY_NAME[r.choice(self._words)].byte])
            case 6:
                return call("MLOAD", self._offset())
            case 7:
                return call(r.choice(("MSTORE", "MSTORE8")), self._offset(), self._word())
            case 8:
                return call("KECCAK256", self._offset(), self._length())
            case 9:
                return call("CALLDATALOAD", r.choice((r.randrange(80), self._word())))
            case 10:
                at, source, length = self._offset(), self._offset(), self._length()
                name = r.choice(self._copies)
                if name == "RETURNDATACOPY" and r.random() < 0.9:
                    source = length = 0
                return call(name, at, source, length)
            case _:
                return bytes([r.choice((0x50, r.randrange(0x80, 0xA0)))])

    def _cond(self) -> bytes:
        r = self._random
        if r.random() < 0.3:
            return push(self._word())
        name = r.choice(("LT", "GT", "SLT", "SGT", "EQ", "ISZERO"))
        words = [self._word() for _ in range(BY_NAME[name].pops)]
        return call(name, *words) + b"\x15" * r.choice((0, 0, 1, 2))

    def _wrapped(self, at: int, body: bytes) -> bytes:
        r = self._random
        match r.randrange(8):
            case 0 | 1:
                # cond PUSHn target JUMPI body JUMPDEST
                size = r.choice((2, 2, 3))
                cond = self._cond()
                target = at + len(cond) + size + 2 + len(body)
                jump = bytes([0x5F + size]) + target.to_bytes(size, "big") + b"\x57"
                return cond + jump + body + b"\x5b"
            case 2 | 3:
                # The count is in memory, as the body may do anything to the stack.
                start = call("MSTORE", 224, r.randint(1, 6))
                head = (at + len(start)).to_bytes(3, "big")
                count = push(1) + call("MLOAD", 224) + b"\x03\x80" + push(224) + b"\x52"
                return start + b"\x5b" + body + count + b"\x62" + head + b"\x57"
            case 4:
                target = r.choice((r.randrange(at + 1), at + 40, self._word()))
                return push(int(r.random() < 0.2)) + push(target) + b"\x57" + body
        return body

    def _end(self) -> bytes:
        kind = self._random.choice(["RETURN", "RETURN", "RETURN", "REVERT", "STOP", "PUSH1"])
        stores = b"".join(push(256 + 32 * i) + b"\x52" for i in range(4))
        if kind in ("STOP", "PUSH1") or not self._fork.has(kind):
            return stores + (b"\x00" if kind == "STOP" else b"\x60")
        return stores + call(kind, 0, 512)
