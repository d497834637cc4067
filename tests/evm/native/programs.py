"""Programs for one frame that do something: operands are pushed before opcodes that need them."""

from hypothesis import strategies as st

from numen.evm import meaning
from numen.evm.forks import Fork
from numen.evm.opcodes import BY_NAME, OPCODES

EDGES = sorted(
    {
        (1 << bits) + delta
        for bits in (0, 1, 8, 31, 32, 63, 64, 127, 128, 160, 255)
        for delta in (-1, 0, 1)
    }
    | {2**256 - 1, 2**256 - 2, 2**256 - 32, 2**256 - 2**64, 2**255 - 1, 255, 256, 257, 31, 32, 33}
)
WORDS = st.one_of(
    st.sampled_from(EDGES),
    st.integers(0, 300),
    st.integers(0, 2**256 - 1),
    st.integers(0, 255).map(lambda bits: 2**256 - (1 << bits)),
)
OFFSETS = st.one_of(st.integers(0, 200), st.integers(0, 5000), st.sampled_from(EDGES))
LENGTHS = st.one_of(st.sampled_from([0, 0, 32, 64]), st.integers(0, 200), st.sampled_from(EDGES))
PLAIN_WORDS = (
    "ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE COINBASE "
    "TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID BASEFEE BLOBBASEFEE PC MSIZE GAS PUSH0"
).split()


def push(word: int) -> bytes:
    """The shortest PUSH of a word that every fork has."""
    data = word.to_bytes(max(1, -(-word.bit_length() // 8)), "big")
    return bytes([0x5F + len(data)]) + data


def call(name: str, *operands: int) -> bytes:
    """An opcode after its operands, given in the order they are popped."""
    return b"".join(push(word) for word in reversed(operands)) + bytes([BY_NAME[name].byte])


def pieces(fork: Fork) -> st.SearchStrategy[bytes]:
    """Straight pieces of code that leave the stack as high as it was, or one word higher."""
    has = lambda names: [name for name in names if fork.has(name)]  # noqa: E731
    pure = has(OPCODES[byte].name for byte in meaning.PURE)
    computed = st.sampled_from(pure).flatmap(
        lambda name: st.lists(WORDS, min_size=BY_NAME[name].pops, max_size=BY_NAME[name].pops).map(
            lambda words: call(name, *words)
        )
    )
    copies = has(["CALLDATACOPY", "CODECOPY", "RETURNDATACOPY", "MCOPY"])
    copied = st.builds(call, st.sampled_from(copies), OFFSETS, OFFSETS, LENGTHS)
    options = [
        WORDS.map(push),
        computed,
        computed,
        st.sampled_from(pure).map(lambda name: bytes([BY_NAME[name].byte])),
        st.sampled_from(has(PLAIN_WORDS)).map(lambda name: bytes([BY_NAME[name].byte])),
        st.builds(call, st.just("MLOAD"), OFFSETS),
        st.builds(call, st.sampled_from(["MSTORE", "MSTORE8"]), OFFSETS, WORDS),
        st.builds(call, st.just("KECCAK256"), OFFSETS, LENGTHS),
        st.builds(call, st.just("CALLDATALOAD"), st.one_of(st.integers(0, 80), WORDS)),
        copied,
        st.integers(0x80, 0x9F).map(lambda byte: bytes([byte])),
        st.just(bytes([0x50])),
    ]
    return st.one_of(options)


@st.composite
def programs(draw: st.DrawFn, fork: Fork) -> bytes:
    """Pieces in blocks, some of them loops or skipped, and an end that shows stack and memory."""
    code = b"".join(push(word) for word in draw(st.lists(WORDS, min_size=4, max_size=20)))
    for _ in range(draw(st.integers(1, 5))):
        body = b"".join(draw(st.lists(pieces(fork), min_size=1, max_size=8)))
        kind = draw(st.sampled_from(["plain", "plain", "skip", "loop", "wild"]))
        code += _wrapped(draw, kind, len(code), body)
    return code + _end(draw(st.sampled_from(["RETURN", "RETURN", "REVERT", "STOP", "raw"])), fork)


def _wrapped(draw: st.DrawFn, kind: str, at: int, body: bytes) -> bytes:
    match kind:
        case "skip":
            # PUSH cond PUSH3 target JUMPI body JUMPDEST
            cond = push(draw(WORDS))
            target = at + len(cond) + 5 + len(body)
            return cond + b"\x62" + target.to_bytes(3, "big") + b"\x57" + body + b"\x5b"
        case "loop":
            # In memory, as the body may do anything to the stack: count down word 7.
            start = call("MSTORE", 224, draw(st.integers(1, 6)))
            head = (at + len(start)).to_bytes(3, "big")
            count = call("MLOAD", 224) + push(1) + b"\x90\x03" + b"\x80" + push(224) + b"\x52"
            return start + b"\x5b" + body + count + b"\x62" + head + b"\x57"
        case "wild":
            target = draw(st.one_of(st.integers(0, at + 1), st.just(at + 40), WORDS))
            cond = draw(st.sampled_from([0, 0, 0, 1]))
            return push(cond) + push(target) + b"\x57" + body
    return body


def _end(kind: str, fork: Fork) -> bytes:
    stores = b"".join(push(256 + 32 * i) + b"\x52" for i in range(6))
    if kind in ("STOP", "raw") or not fork.has(kind):
        return stores + (b"\x00" if kind == "STOP" else b"\x60")
    return stores + call(kind, 0, 512)
